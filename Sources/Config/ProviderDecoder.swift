// The entries of `providers`.

internal import Wire

extension Decoder {
  mutating func providers(_ node: YAMLNode) -> [Provider] {
    guard let entries = entries(node, of: "providers") else { return [] }
    if entries.isEmpty { problem(Self.nothingConfigured, at: node.position) }
    if entries.count > Defaults.providers {
      problem(
        "providers has \(entries.count) entries; at most \(Defaults.providers) are allowed", at: node.position
      )
    }
    providerNames = entries.prefix(Defaults.providers).map(\.key)
    return entries.prefix(Defaults.providers).compactMap { provider($0) }
  }

  private mutating func provider(_ entry: YAMLEntry) -> Provider? {
    let what = "provider '\(Shown.text(entry.key))'"
    if !Name.isValid(entry.key) {
      problem(
        "\(what): a name has at most \(Defaults.name) letters, digits, '-', '_' and '.'",
        at: entry.keyPosition)
    }
    guard let fields = fields(entry.value, .provider, of: what) else { return nil }
    guard let kind = kind(fields, entry, what) else {
      checkWithoutKind(fields, what)
      return nil
    }
    checkKinds(fields, kind, what)
    let baseURL = baseURL(fields, kind, what, at: entry.keyPosition)
    let dialect = dialect(fields, kind, what)
    var key = secret(fields["api_key"], of: "\(what) api_key", allowsWords: true)
    if let key, key != SecretSource.none, dialect.token != nil {
      problem(
        "\(what) has both an api_key and a token; keep one, because a request carries only one",
        at: fields.keyPosition("token"))
    }
    if key == nil, fields["api_key"] == nil { key = defaultKey(kind, dialect, what, at: entry.keyPosition) }
    var provider = Provider(
      name: entry.key, kind: kind, baseURL: baseURL, apiKey: key ?? SecretSource.none, dialect: dialect)
    if let node = fields["headers"] { provider.headers = headers(node, what) }
    if let node = fields["tls"] { provider.tls = tls(node, what) }
    if let node = fields["timeouts"] { provider.timeouts = timeouts(node, what) }
    if let node = fields["pool"] { pool(node, what, into: &provider.pool) }
    if let node = fields["stream_options"] {
      provider.streamOptions = choice(node, of: "\(what) stream_options", StreamOptions.self) ?? .auto
    }
    if provider.baseURL == nil { provider.baseURL = dialect.address }
    return provider
  }

  private mutating func kind(_ fields: Fields, _ entry: YAMLEntry, _ what: String) -> ProviderKind? {
    if let node = fields["kind"] { return choice(node, of: "\(what) kind", ProviderKind.self) }
    if let kind = ProviderKind(rawValue: entry.key) { return kind }
    let names = ProviderKind.allCases.map(\.rawValue)
    let hint = Name.nearest(to: entry.key, in: names).map { "did you mean '\($0)'? Else " } ?? ""
    problem(
      "\(what) is not a known kind; \(hint)write kind: openai_compatible, or one of "
        + names.joined(separator: ", "),
      at: entry.keyPosition)
    return nil
  }

  /// Looks at what doesn't depend on the kind, so that its problems show at once too.
  private mutating func checkWithoutKind(_ fields: Fields, _ what: String) {
    _ = url(fields["base_url"], of: "\(what) base_url")
    _ = secret(fields["api_key"], of: "\(what) api_key", allowsWords: true)
    if let node = fields["headers"] { _ = headers(node, what) }
    if let node = fields["tls"] { _ = tls(node, what) }
    if let node = fields["timeouts"] { _ = timeouts(node, what) }
    var settings = PoolSettings()
    if let node = fields["pool"] { pool(node, what, into: &settings) }
  }

  /// Reports keys that only other kinds have.
  private mutating func checkKinds(_ fields: Fields, _ kind: ProviderKind, _ what: String) {
    for key in Table.provider.keys {
      guard let kinds = key.kinds, !kinds.contains(kind), fields[key.name] != nil else { continue }
      let names = ProviderKind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: ", ")
      problem(
        "\(what) is of kind \(kind.rawValue), which has no '\(key.name)'; it belongs to: \(names)",
        at: fields.keyPosition(key.name))
    }
  }

  private mutating func baseURL(
    _ fields: Fields, _ kind: ProviderKind, _ what: String, at position: Position
  ) -> BaseURL? {
    guard let node = fields["base_url"] else {
      if kind.row.needsBaseURL {
        let example = kind == .azure ? "https://NAME.openai.azure.com" : "http://vllm.default.svc:8000/v1"
        problem("\(what) of kind \(kind.rawValue) needs a base_url, such as \(example)", at: position)
      }
      return kind.row.baseURL
    }
    guard let url = url(node, of: "\(what) base_url") else { return kind.row.baseURL }
    if kind.row.speaksOpenAI, url.prefix.hasSuffix("/chat/completions") {
      problem(
        "\(what) base_url ends before /chat/completions, as in https://api.openai.com/v1", at: node.position)
    }
    if url.scheme == .http, !BaseURL.isLocal(url.host) {
      warning(
        "\(what) base_url sends keys and prompts without encryption to a public name; use https",
        at: node.position)
    }
    return url
  }

  /// The source of a key that the file doesn't name.
  private mutating func defaultKey(
    _ kind: ProviderKind, _ dialect: DialectSettings, _ what: String, at position: Position
  ) -> SecretSource {
    if dialect.token != nil { return .none }
    if let found = environmentKey(kind) {
      references.append(Reference(target: .secret(found, name: "\(what) api_key", .key), position: position))
      return found
    }
    if kind == .azure, hasAzureIdentity { return .none }
    if kind.row.needsKey, let variable = kind.row.keyVariables.first {
      problem(
        "\(what) has no key; set \(variable) or \(variable)_FILE, "
          + "or write api_key: { file: PATH }, passthrough or none",
        at: position)
    }
    return .none
  }

  private mutating func dialect(_ fields: Fields, _ kind: ProviderKind, _ what: String) -> DialectSettings {
    switch kind.emptyDialect {
    case .openAI(var keys):
      keys.organization = headerText(fields["organization"], of: "\(what) organization")
      keys.project = headerText(fields["project"], of: "\(what) project")
      return .openAI(keys)
    case .azure(var keys):
      keys.apiVersion = apiVersion(fields["api_version"], of: "\(what) api_version")
      if let node = fields["deployments"], let entries = entries(node, of: "\(what) deployments") {
        keys.deployments = entries.compactMap { entry in
          text(entry.value, of: "\(what) deployments.\(Shown.text(entry.key))", ceiling: Defaults.modelName)
            .map { .init(model: entry.key, deployment: $0) }
        }
      }
      keys.token = secret(fields["token"], of: "\(what) token")
      return .azure(keys)
    case .anthropic(var keys):
      keys.version = headerText(fields["version"], of: "\(what) version")
      keys.beta = texts(fields["beta"], of: "\(what) beta", ceiling: Defaults.targets)
      return .anthropic(keys)
    case .vertex: return .vertex(vertex(fields, what, at: fields.position))
    case .bedrock: return .bedrock(bedrock(fields, what, at: fields.position))
    case .plain:
      return .plain
    }
  }

  /// A version as Azure writes it; it goes into every URL.
  private mutating func apiVersion(_ node: YAMLNode?, of what: String) -> String? {
    guard let node, let version = text(node, of: what, ceiling: Defaults.name) else { return nil }
    guard version.utf8.allSatisfy({ ASCII.isDigit($0) || ASCII.lower($0) &- 0x61 < 26 || $0 == 0x2D }) else {
      problem("\(what) must be a version, such as 2024-10-21 or 2025-04-01-preview", at: node.position)
      return nil
    }
    return version
  }

  // MARK: Headers

  /// Headers that only Remora sets: they frame the message or belong to one connection (RFC 9110 section
  /// 7.6.1).
  private static let ownHeaders: Set<String> = [
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  ]

  private mutating func headers(_ node: YAMLNode, _ what: String) -> [ProviderHeader] {
    guard let entries = entries(node, of: "\(what) headers") else { return [] }
    if entries.count > Defaults.headers {
      problem(
        "\(what) has \(entries.count) headers; at most \(Defaults.headers) are allowed", at: node.position)
    }
    var headers: [ProviderHeader] = []
    for entry in entries.prefix(Defaults.headers) {
      let name = entry.key.lowercased()
      let shown = "\(what) header '\(Shown.text(entry.key))'"
      if !Name.isToken(entry.key) {
        problem(
          "\(shown): a header's name has letters, digits and '-', no spaces or colons", at: entry.keyPosition)
      } else if Self.ownHeaders.contains(name) {
        problem("\(shown) is set by Remora itself; remove it", at: entry.keyPosition)
      } else if headers.contains(where: { $0.name == name }) {
        problem("\(shown) is already set in other letters; keep one of them", at: entry.keyPosition)
      }
      if let value = headerValue(entry.value, of: shown) {
        headers.append(ProviderHeader(name: name, value: value))
      }
    }
    return headers
  }

  private mutating func headerValue(_ node: YAMLNode, of what: String) -> ProviderHeader.Value? {
    if case .mapping = node.kind { return secret(node, of: what, as: .value).map { .secret($0) } }
    // A variable alone is treated as a secret: it is never shown.
    if case .scalar(let text, _) = node.kind, Self.variable(text) != nil {
      return secret(node, of: what, as: .value).map { .secret($0) }
    }
    return headerText(node, of: what).map { .text($0) }
  }

  /// A text that may be a header's value: printable ASCII, spaces inside (RFC 9110 section 5.5, without
  /// obs-text).
  private mutating func headerText(_ node: YAMLNode?, of what: String) -> String? {
    guard let node, let text = text(node, of: what, ceiling: Defaults.headerValue) else { return nil }
    guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !text.hasPrefix(" "), !text.hasSuffix(" ")
    else {
      problem(
        "\(what): a header's value has printable ASCII characters and no spaces around it", at: node.position)
      return nil
    }
    return text
  }

  // MARK: Connections

  private mutating func tls(_ node: YAMLNode, _ what: String) -> ProviderTLS {
    var tls = ProviderTLS()
    guard let fields = fields(node, .providerTLS, of: "\(what) tls") else { return tls }
    tls.caFile = path(fields["ca_file"], of: "\(what) tls.ca_file")
    tls.certFile = path(fields["cert_file"], of: "\(what) tls.cert_file")
    tls.keyFile = path(fields["key_file"], of: "\(what) tls.key_file")
    if (fields["cert_file"] == nil) != (fields["key_file"] == nil) {
      problem("\(what) tls: cert_file and key_file belong together; write both or neither", at: node.position)
    }
    if let node = fields["server_name"], let name = text(node, of: "\(what) tls.server_name") {
      if Host.isValid(name) || Host.isIPv6(name) {
        tls.serverName = name.lowercased()
      } else {
        problem("\(what) tls.server_name must be a host name, without scheme and port", at: node.position)
      }
    }
    return tls
  }

  private mutating func timeouts(_ node: YAMLNode, _ what: String) -> Timeouts {
    var timeouts = Timeouts()
    guard let fields = fields(node, .timeouts, of: "\(what) timeouts") else { return timeouts }
    let range = Duration.milliseconds(1)...Defaults.timeout
    timeouts.connect =
      duration(fields["connect"], of: "\(what) timeouts.connect", in: range) ?? timeouts.connect
    timeouts.firstByte =
      duration(fields["first_byte"], of: "\(what) timeouts.first_byte", in: range) ?? timeouts.firstByte
    timeouts.idle = duration(fields["idle"], of: "\(what) timeouts.idle", in: range) ?? timeouts.idle
    return timeouts
  }

  private mutating func pool(_ node: YAMLNode, _ what: String, into pool: inout PoolSettings) {
    guard let fields = fields(node, .pool, of: "\(what) pool") else { return }
    let connections = 0...Defaults.connections
    pool.maxConnections =
      integer(fields["max_connections"], of: "\(what) pool.max_connections", in: connections)
      ?? pool.maxConnections
    pool.idleTimeout =
      duration(fields["idle_timeout"], of: "\(what) pool.idle_timeout", in: .zero...Defaults.timeout)
      ?? pool.idleTimeout
    pool.warm = integer(fields["warm"], of: "\(what) pool.warm", in: 0...1024) ?? pool.warm
    if pool.maxConnections > 0, pool.warm > pool.maxConnections {
      problem("\(what) pool.warm is more than pool.max_connections; make it smaller", at: node.position)
    }
  }
}
