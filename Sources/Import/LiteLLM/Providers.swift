// LiteLLM's `litellm_params`: which provider an entry means, where it is and as whom it is asked.

internal import Config
internal import Wire

/// An entry's parameters, over those of the credentials that it names.
struct ParameterReader {
  let parameters: Item
  /// `provider/model`, or the model alone.
  let model: String
  /// What applications call it.
  let name: String
  var credentials: Item?
  /// Why it can't be reached.
  var refusal = "its provider isn't known here"

  init(_ parameters: Item, _ model: String, name: String) {
    self.parameters = parameters
    self.model = model
    self.name = name
  }

  subscript(keys: String...) -> Item? {
    for key in keys {
      if let item = parameters[key] ?? credentials?[key] { return item }
    }
    return nil
  }
}

extension Conversion {
  /// The provider of an entry, which joins the draft, and its model's name there.
  mutating func provider(_ reader: inout ParameterReader) -> (provider: Int, model: String)? {
    guard let (prefix, rest) = prefixed(reader) else { return nil }
    guard let vendor = Vendor.liteLLM(prefix), let name = modelName(rest) else { return nil }
    var provider = ProviderDraft(vendor.kind)
    var facts = ProviderFacts(hint: vendor.kind.rawValue, line: reader.parameters.line)
    var model = name
    readAddress(reader, vendor, &provider, &facts)
    if let manual = vendor.manual, provider.baseURL == nil {
      reader.refusal = manual
      return nil
    }
    if vendor.kind == .mistral, vendor.baseURL != nil { facts.hint = "codestral" }
    if provider.kind == .openaiCompatible, facts.hint == "openai_compatible" {
      facts.hint = prefix.replacing("_", with: "-")
    }
    switch provider.kind {
    case .bedrock: readAWS(reader, &provider, &model)
    case .vertex: readGoogle(reader, &provider)
    case .azure: readAzure(reader, &provider, &model)
    default: break
    }
    readKey(reader, vendor, &provider)
    readBeside(reader, &provider, &facts)
    guard Self.hasStars(reader, model) else {
      reader.refusal = "a star in a target stands for what the one in the name stood for"
      return nil
    }
    return (draft.add(provider, facts), model)
  }

  /// The provider's prefix and what is behind it.
  private mutating func prefixed(_ reader: ParameterReader) -> (String, String)? {
    let text = reader.model
    let own = reader["custom_llm_provider"]
    ledger.took(own)
    if let own = own?.text, Vendor.liteLLM(own) != nil {
      return (own, text.hasPrefix(own + "/") ? String(text.dropFirst(own.count + 1)) : text)
    }
    let prefix = String(text.prefix { $0 != "/" })
    if prefix.utf8.count < text.utf8.count, Vendor.liteLLM(prefix) != nil {
      return (prefix, String(text.dropFirst(prefix.count + 1)))
    }
    if text == "*" { return ("openai", "*") }
    guard prefix == text, let family = Vendor.family(text) else { return nil }
    let isVertex =
      family == "gemini" && reader["vertex_project", "vertex_location", "vertex_credentials"] != nil
    return (isVertex ? "vertex_ai" : family, text)
  }

  /// A star stands in both, once, or in neither.
  private static func hasStars(_ reader: ParameterReader, _ model: String) -> Bool {
    let stars = model.filter { $0 == "*" }.count
    return stars == 0 || (stars == 1 && reader.name.filter { $0 == "*" }.count == 1)
  }

  // MARK: Where it is

  private mutating func readAddress(
    _ reader: ParameterReader, _ vendor: Vendor, _ provider: inout ProviderDraft, _ facts: inout ProviderFacts
  ) {
    let item = reader["api_base", "base_url"]
    guard let item, let text = item.text else { return readUnsaidAddress(vendor, &provider) }
    let fallback =
      "https://\(provider.kind.rawValue.replacing("_", with: "-")).invalid"
      + (vendor.kind.row.speaksOpenAI && vendor.kind != .azure ? "/v1" : "")
    switch Reference(text) {
    case .variable(let name):
      ledger.note(
        item, .manual, "\(name) must be set where Remora runs, to an address that ends as base_url does here")
      if vendor.kind == .openai { provider.kind = .openaiCompatible }
      provider.baseURL = .variable(name, default: fallback)
    case .literal:
      guard let url = Endpoint.baseURL(text, vendor.kind), plain(url) else {
        ledger.note(item, .manual, "is no address that Remora takes: write scheme, host and prefix")
        if vendor.kind.row.needsBaseURL { provider.baseURL = .variable("API_BASE", default: fallback) }
        return
      }
      let isOwn = url == vendor.kind.row.baseURL?.text
      if !isOwn { provider.baseURL = .text(url) }
      if vendor.kind == .openai, !isOwn {
        provider.kind = .openaiCompatible
        facts.hint = Endpoint.hint(url)
      }
      if vendor.kind == .openaiCompatible || vendor.kind == .vllm { facts.hint = Endpoint.hint(url) }
      if BaseURL.parse(url)?.text == text || text.hasPrefix(url) {
        ledger.took(item)
      } else {
        ledger.note(item, .approximate, "ends as base_url does here: \(url)")
      }
    }
  }

  private mutating func readUnsaidAddress(_ vendor: Vendor, _ provider: inout ProviderDraft) {
    if let url = vendor.baseURL {
      provider.baseURL = .text(url)
    } else if let variable = vendor.baseVariable, vendor.kind.row.needsBaseURL, vendor.manual == nil {
      let host = variable.lowercased().replacing("_", with: "-")
      provider.baseURL = .variable(
        variable, default: "https://\(host).invalid" + (vendor.kind == .azure ? "" : "/v1"))
    }
  }

  // MARK: As whom

  private mutating func readKey(_ reader: ParameterReader, _ vendor: Vendor, _ provider: inout ProviderDraft)
  {
    var isPrivate = provider.kind == .ollama
    if case .text(let url)? = provider.baseURL { isPrivate = Endpoint.isPrivate(url) }
    if let item = reader["api_key"] {
      provider.key = key(item, isPrivate: isPrivate)
      if provider.kind == .vertex {
        provider.token = provider.key
        provider.key = nil
      }
      return
    }
    if provider.token != nil || !provider.credentials.isEmpty { return }
    switch provider.kind {
    case .bedrock:
      // What LiteLLM's client finds by itself; a pod with a role needs none.
      provider.credentials = KeySource.awsVariables
    case .vertex: return
    case .ollama: return
    case .vllm, .openaiCompatible:
      provider.key = isPrivate || vendor.keyVariable.isEmpty ? KeySource.none : .variable(vendor.keyVariable)
    default: provider.key = vendor.keyVariable.isEmpty ? nil : .variable(vendor.keyVariable)
    }
  }

  private mutating func readAWS(
    _ reader: ParameterReader, _ provider: inout ProviderDraft, _ model: inout String
  ) {
    for route in ["converse/", "converse_like/", "invoke/"] where model.hasPrefix(route) {
      model = String(model.dropFirst(route.count))
    }
    // `bedrock/eu-west-1/MODEL`
    let first = model.prefix { $0 != "/" }
    if first.utf8.count < model.utf8.count, first.split(separator: "-").count >= 3,
      first.last?.isNumber == true
    {
      provider.region = .text(String(first))
      model = String(model.dropFirst(first.count + 1))
    }
    if let region = setting(reader["aws_region_name"], fallback: "us-west-2", isName: true) {
      provider.region = region
    }
    if provider.region == nil { provider.region = .variable("AWS_REGION_NAME", default: "us-west-2") }
    let keys = [
      ("aws_access_key_id", "access_key_id"), ("aws_secret_access_key", "secret_access_key"),
      ("aws_session_token", "session_token"),
    ]
    for (theirs, ours) in keys { if let item = reader[theirs] { provider.credentials[ours] = written(item) } }
    // One of the two alone signs nothing.
    if provider.credentials["access_key_id"] == nil || provider.credentials["secret_access_key"] == nil {
      provider.credentials = [:]
    }
    if let item = reader["aws_bedrock_runtime_endpoint"] {
      provider.baseURL = address(item, .bedrock)
    }
    for entry in reader.parameters.entries where entry.key.hasPrefix("aws_") || entry.key.hasPrefix("s3_") {
      guard !keys.contains(where: { $0.0 == entry.key }), entry.key != "aws_region_name",
        entry.key != "aws_bedrock_runtime_endpoint"
      else { continue }
      ledger.note(
        entry.item, .manual,
        "give the pod the role itself (IRSA or Pod Identity); Remora asks for its credentials")
    }
  }

  private mutating func readGoogle(_ reader: ParameterReader, _ provider: inout ProviderDraft) {
    provider.project =
      setting(reader["vertex_project", "vertex_ai_project"], fallback: "my-project", isName: true)
      ?? .variable("VERTEXAI_PROJECT", default: "my-project")
    provider.region =
      setting(reader["vertex_location", "vertex_ai_location"], fallback: "us-central1", isName: true)
      ?? .variable("VERTEXAI_LOCATION", default: "us-central1")
    guard let item = reader["vertex_credentials", "vertex_ai_credentials"], let text = item.text else {
      ledger.note(
        reader["vertex_credentials"], .manual, "put the service account's JSON into a file, and name it")
      return
    }
    let place = "/run/secrets/remora/google.json"
    switch Reference(text) {
    case .variable(let name):
      ledger.note(item, .manual, "\(name) must name a file with the service account's JSON")
      provider.accountFile = .variable(name, default: place)
    case .literal(let text) where text.hasSuffix(".json") && plain(text):
      ledger.took(item)
      provider.accountFile = .text(text)
    case .literal:
      ledger.note(item, .manual, "a secret in the file itself: put the service account's JSON into \(place)")
      provider.accountFile = .text(place)
    }
  }

  private mutating func readAzure(
    _ reader: ParameterReader, _ provider: inout ProviderDraft, _ model: inout String
  ) {
    for series in ["responses/", "o_series/", "gpt5_series/"] where model.hasPrefix(series) {
      model = String(model.dropFirst(series.count))
      provider.hasResponses = series == "responses/"
    }
    provider.apiVersion = setting(reader["api_version"], fallback: "2024-10-21")
    if case .text(let version)? = provider.apiVersion {
      let isFit = Endpoint.isVersion(version)
      if !isFit || ["v1", "latest", "preview"].contains(version) { provider.apiVersion = nil }
    }
    if let token = reader["azure_ad_token"] { provider.token = written(token) }
    for name in [
      "client_id", "client_secret", "tenant_id", "azure_scope", "azure_username", "azure_password",
    ] {
      ledger.note(
        reader[name], .unsupported,
        "a client secret of Entra's isn't used; the pod's workload identity, a token or a key is")
    }
  }

  // MARK: Beside

  private mutating func readBeside(
    _ reader: ParameterReader, _ provider: inout ProviderDraft, _ facts: inout ProviderFacts
  ) {
    if let item = reader["organization"], provider.kind == .openai || provider.kind == .openaiCompatible {
      provider.organization = setting(item, fallback: "org")
    }
    for (name, item) in reader["extra_headers", "headers"]?.entries ?? [] {
      readHeader(name, item, &provider.headers)
    }
    if let item = reader["timeout", "request_timeout"] {
      facts.firstByte = item.number
      ledger.note(item, .approximate, "theirs is for the whole attempt, first_byte until the answer begins")
    }
    if let item = reader["stream_timeout"] {
      facts.idle = item.number
      ledger.note(item, .approximate, "idle is the time between two bytes")
    }
    ledger.note(reader["region_name"], .unsupported, "no routing by a caller's region")
    ledger.note(
      reader["ssl_verify"], .manual, "certificates are always checked; name the authority under tls.ca_file")
  }

  /// What Remora sets itself, and what belongs to one connection.
  static let ownHeaders: Set = [
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  ]

  mutating func readHeader(
    _ written: String, _ item: Item, _ headers: inout [String: ProviderDraft.HeaderDraft]
  ) {
    let name = written.lowercased()
    let isToken =
      (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") }
    let text = item.text ?? ""
    let isValue =
      text.utf8.allSatisfy { (0x20..<0x7F).contains($0) } && !text.hasPrefix(" ") && !text.hasSuffix(" ")
    guard isToken, isValue, !text.isEmpty, !Secrecy.looksSecret(name), !Self.ownHeaders.contains(name) else {
      return ledger.note(item, .manual, "can't be a header here")
    }
    guard Secrecy.namesSecret(name) || !plain(text.replacing(" ", with: "")) || Reference(text).literal == nil
    else {
      headers[name] = .text(text)
      return ledger.took(item)
    }
    let source = key(item)
    // Nothing that isn't a file or a variable can stand there.
    if source != .none { headers[name] = .key(source) }
  }
}
