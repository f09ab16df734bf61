// agentgateway's routes: backends with their policies, and the policies of the route.

internal import Config
internal import Wire

extension Conversion {
  mutating func readRoute(_ route: Item, _ listenerPolicies: Item?) -> RouteDraft? {
    var targets: [TargetDraft] = []
    let policies = [route["policies"], listenerPolicies].compactMap { $0 }
    let backends = route["backends"]?.items ?? []
    for backend in backends {
      let own = backend["policies"].map { [$0] } ?? []
      if let ai = backend["ai"] {
        let weight = backends.count > 1 ? backend["weight"]?.integer ?? 1 : nil
        ledger.took(backend["weight"])
        targets += readAI(ai, own + policies, weight)
      } else if let host = backend["host"] {
        readHost(host, own + policies).map { targets.append($0) }
      } else {
        ledger.note(backend, .unsupported, "Remora carries LLM traffic only")
      }
    }
    for item in policies { readPolicies(item) }
    ledger.note(route["hostnames"], .unsupported, "requests aren't told apart by their host")
    let match = route["matches"]
    if match?.items.allSatisfy({ $0["path"]?["pathPrefix"]?.text == "/" }) == true { ledger.took(match) }
    if targets.isEmpty { return nil }
    var name = route["name"]?.text.flatMap { plain($0) && !$0.contains("/") && !$0.contains("*") ? $0 : nil }
    ledger.took(route["name"])
    if name == nil {
      name = backends.first?["ai"]?["name"]?.text.flatMap { plain($0) && !$0.contains("/") ? $0 : nil }
    }
    return RouteDraft(targets: targets, match: match, name: name)
  }

  /// A plain HTTP backend: taken for a server in OpenAI's format.
  private mutating func readHost(_ host: Item, _ policies: [Item]) -> TargetDraft? {
    guard let text = host.text, case .tcp(let name, _)? = Config.Address.parse(text), plain(text) else {
      ledger.note(host, .unsupported, "is no address")
      return nil
    }
    let scheme = BaseURL.isLocal(name) || text.hasSuffix(":80") ? "http" : "https"
    var provider = ProviderDraft(.openaiCompatible)
    provider.baseURL = .text("\(scheme)://\(text)/v1")
    provider.key = .passthrough
    readAuth(policies, &provider)
    ledger.note(host, .approximate, "a plain HTTP backend, taken for a server in OpenAI's format under /v1")
    let facts = ProviderFacts(hint: Endpoint.hint("\(scheme)://\(text)"), line: host.line)
    return TargetDraft(provider: draft.add(provider, facts), model: "", weight: nil)
  }

  /// `ai`: one provider, or groups of them, in order.
  private mutating func readAI(_ ai: Item, _ policies: [Item], _ weight: Int?) -> [TargetDraft] {
    let own = (ai["policies"].map { [$0] } ?? []) + policies
    if let item = ai["policies"] { readPolicies(item) }
    guard let groups = ai["groups"]?.items ?? ai["groups"].map({ [$0] }) else {
      return readProvider(ai, own).map {
        [TargetDraft(provider: $0.provider, model: $0.model, weight: weight)]
      } ?? []
    }
    var targets: [TargetDraft] = []
    for (tier, group) in groups.enumerated() {
      let members = group["providers"]?.items ?? []
      for member in members {
        let policies = (member["policies"].map { [$0] } ?? []) + own
        if let item = member["policies"] { readPolicies(item) }
        guard var target = readProvider(member, policies) else { continue }
        let share = member["weight"]?.integer ?? 1
        ledger.took(member["weight"])
        target.weight = tier == 0 ? max(share, 1) : 0
        if !targets.contains(where: { $0.isSame(as: target) }) { targets.append(target) }
      }
    }
    // Groups of one are an order, without shares.
    let firsts = targets.filter { $0.weight != 0 }.count
    if firsts <= 1 {
      for index in targets.indices { targets[index].weight = nil }
    }
    return targets
  }

  /// A provider with its address, its key and its model, which is empty where the request names it.
  private mutating func readProvider(_ item: Item, _ policies: [Item]) -> TargetDraft? {
    guard let choice = item["provider"]?.entries.first, let kind = Vendor.agentGateway(choice.key) else {
      ledger.note(item, .unsupported, "its provider isn't known here")
      return nil
    }
    var provider = ProviderDraft(kind)
    var facts = ProviderFacts(hint: kind.rawValue, line: item.line)
    facts.givenName = givenName(item["name"])
    let settings = choice.item
    if settings.entries.isEmpty { ledger.took(settings) }
    readAddress(item, &provider)
    readPlace(settings, &provider)
    readAuth(policies, &provider)
    var model = ""
    if let written = settings["model"], let text = written.text.flatMap({ modelName($0) }) {
      model = text
      ledger.took(written)
    }
    return TargetDraft(provider: draft.add(provider, facts), model: model, weight: nil)
  }

  /// A name that a provider may have, or nil.
  mutating func givenName(_ item: Item?) -> String? {
    guard let item, let name = item.text, plain(name), name.utf8.count <= 48,
      name.utf8.allSatisfy({ ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") })
    else {
      ledger.note(item, .approximate, "is no name of a provider here")
      return nil
    }
    ledger.took(item)
    return name
  }

  /// `hostOverride: HOST:PORT`, `pathPrefix`, `baseUrl`.
  mutating func readAddress(_ item: Item, _ provider: inout ProviderDraft) {
    if let base = item.first("baseUrl", "baseURL"), let text = base.text {
      if case .literal = Reference(text), let url = Endpoint.baseURL(text, provider.kind), plain(url) {
        if url != provider.kind.row.baseURL?.text { provider.baseURL = .text(url) }
        ledger.took(base)
      } else {
        ledger.note(
          base, .manual, "is no address that Remora takes: write scheme, host and prefix under base_url")
      }
    }
    ledger.note(
      item["pathOverride"], .manual,
      "paths are those of the provider's kind; write what stands before them under base_url")
    guard let host = item["hostOverride"] else {
      return ledger.note(item["pathPrefix"], .manual, "write it behind the host of base_url")
    }
    var text = host.text ?? ""
    if text.hasSuffix(":443") { text = String(text.dropLast(4)) }
    var prefix = item["pathPrefix"]?.text ?? provider.kind.row.baseURL?.prefix ?? ""
    while prefix.hasSuffix("/") { prefix.removeLast() }
    let isLocal = Config.Address.parse(host.text ?? "").map { address in
      if case .tcp(let name, let port) = address { BaseURL.isLocal(name) && port != 443 } else { false }
    }
    guard
      let url = Endpoint.baseURL("\(isLocal == true ? "http" : "https")://\(text)\(prefix)", provider.kind),
      plain(url)
    else {
      return ledger.note(host, .manual, "is no host that Remora takes: write base_url")
    }
    provider.baseURL = .text(url)
    if provider.kind == .openai { provider.kind = .openaiCompatible }
    ledger.took(host)
    ledger.took(item["pathPrefix"])
  }

  /// Regions, projects and Azure's resources: in a provider's own settings, or in a model's `params`.
  mutating func readPlace(_ settings: Item, _ provider: inout ProviderDraft) {
    switch provider.kind {
    case .bedrock:
      provider.region =
        setting(settings.first("region", "awsRegion"), fallback: "us-east-1", isName: true)
        ?? .variable("AWS_REGION", default: "us-east-1")
      ledger.note(
        settings.first("guardrailIdentifier", "guardrailVersion"), .manual,
        "send guardrailConfig with the request")
    case .vertex:
      provider.project =
        setting(settings.first("projectId", "vertexProject"), fallback: "my-project", isName: true)
        ?? .variable("GOOGLE_CLOUD_PROJECT", default: "my-project")
      provider.region = setting(settings.first("region", "vertexRegion"), fallback: "global", isName: true)
    case .azure: readAzure(settings, &provider)
    default:
      if provider.kind.row.needsBaseURL, provider.baseURL == nil {
        provider.baseURL = .variable("BASE_URL", default: "https://upstream.invalid/v1")
      }
    }
  }

  private mutating func readAzure(_ settings: Item, _ provider: inout ProviderDraft) {
    let host = settings.first("host", "azureHost")
    let resource = settings.first("resourceName", "azureResourceName")
    let type = settings.first("resourceType", "azureResourceType")
    if let text = host?.text, let url = Endpoint.baseURL("https://" + text, .azure), plain(url) {
      provider.baseURL = .text(url)
      ledger.took(host)
    } else if let name = resource?.text, plain(name), name.utf8.allSatisfy(ASCII.isNameByte) {
      let isFoundry = type?.text?.lowercased() == "foundry"
      provider.baseURL = .text("https://\(name).\(isFoundry ? "services.ai" : "openai").azure.com")
      ledger.took(resource)
      ledger.took(type)
    }
    if provider.baseURL == nil {
      provider.baseURL = .variable("AZURE_OPENAI_ENDPOINT", default: "https://azure.invalid")
    }
    guard let item = settings.first("apiVersion", "azureApiVersion"), let version = item.text else { return }
    if Endpoint.isVersion(version), version != "v1" {
      provider.apiVersion = .text(version)
    }
    ledger.took(item)
  }

  // MARK: As whom

  mutating func readAuth(_ policies: [Item], _ provider: inout ProviderDraft) {
    let auth = policies.compactMap { $0["backendAuth"] }.first
    var key: KeySource?
    if let item = auth?["key"] {
      if let file = item["file"], let path = file.text, plain(path) {
        key = .file(path)
        ledger.took(file)
      } else {
        key = self.key(item)
      }
    } else if let item = auth?.first("passthrough", "gcp", "aws", "azure") {
      ledger.took(item)
      if item.path.hasSuffix("passthrough") { key = .passthrough }
    }
    apply(key, &provider)
    for item in policies.compactMap({ $0["backendTLS"] }) { readBackendTLS(item, &provider) }
  }

  /// Without one, theirs sends what the caller sent; clouds have credentials of their own.
  func apply(_ key: KeySource?, _ provider: inout ProviderDraft) {
    switch provider.kind {
    case .vertex: if let key, key != .passthrough { provider.token = key }
    case .bedrock:
      if let key, key != .passthrough {
        provider.key = key
      } else if provider.credentials.isEmpty {
        provider.credentials = KeySource.awsVariables
      }
    default: provider.key = key ?? .passthrough
    }
  }

  private mutating func readBackendTLS(_ tls: Item, _ provider: inout ProviderDraft) {
    if tls.entries.isEmpty { ledger.took(tls) }
    for (theirs, ours) in [
      ("root", "ca_file"), ("cert", "cert_file"), ("key", "key_file"), ("hostname", "server_name"),
    ] {
      guard let item = tls[theirs] else { continue }
      if let text = item.text, plain(text), !text.contains("-----") {
        provider.tls[ours] = text
        ledger.took(item)
      } else {
        ledger.note(item, .manual, "name a file")
      }
    }
    if (provider.tls["cert_file"] == nil) != (provider.tls["key_file"] == nil) {
      provider.tls["cert_file"] = nil
      provider.tls["key_file"] = nil
    }
    ledger.note(tls.first("insecure", "insecureHost"), .unsupported, "certificates are always checked")
  }
}
