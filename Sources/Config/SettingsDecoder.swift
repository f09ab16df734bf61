// The root of the configuration, and what is small enough to need no file of its own.

internal import Wire

extension Decoder {
  /// Decodes a whole document. What it returns is good only if `problems` is empty.
  mutating func settings(_ root: YAMLNode) -> Settings {
    var settings = Settings()
    if root.saysNothing {
      // A file that was cut off or rendered to nothing must not lead to providers that it never named.
      problem(Self.empty, at: root.position)
      return settings
    }
    guard let fields = fields(root, .root, of: "the configuration") else { return settings }
    if let node = fields["listen"] { settings.listen = listen(node) }
    settings.admin = address(fields["admin"], of: "admin") ?? settings.admin
    if let node = fields["workers"] { settings.workers = workers(node) ?? settings.workers }
    if let node = fields["providers"] {
      settings.providers = providers(node)
    } else if fields.has("providers") {
      problem(Self.nothingConfigured, at: fields.keyPosition("providers"))
    } else {
      let found = environmentProviders()
      settings.providers = found
      settings.hasFoundProviders = true
      providerNames = found.map(\.name)
      settings.defaultProvider = found.first?.name
      if found.isEmpty { problem(Self.nothingConfigured, at: root.position) }
    }
    settings.defaultProvider =
      text(fields["default_provider"], of: "default_provider") ?? settings.defaultProvider
    if let node = fields["models"] { settings.models = models(node) }
    if let node = fields["retry"] { settings.retry = retry(node) }
    if let node = fields["policies"] { settings.policies = policies(node) }
    settings.policyChain = texts(fields["policy_chain"], of: "policy_chain", ceiling: Defaults.targets)
    if let node = fields["consumers"] { settings.consumers = consumers(node, settings) }
    if let node = fields["limits"] { settings.limits = limits(node, of: "limits") }
    if let node = fields["prices"] { settings.prices = prices(node) }
    settings.maxBody = size(fields["max_body"], of: "max_body", ceiling: Defaults.body) ?? settings.maxBody
    if let node = fields["max_memory"] { settings.maxMemory = maxMemory(node) }
    settings.allowedHosts = allowedHosts(fields["allowed_hosts"])
    settings.allowedOrigins = allowedOrigins(fields["allowed_origins"])
    settings.responseMetadata =
      choice(fields["response_metadata"], of: "response_metadata", ResponseMetadata.self)
      ?? settings.responseMetadata
    if let node = fields["telemetry"] { settings.telemetry = telemetry(node) }
    if let node = fields["shutdown"], let inner = self.fields(node, .shutdown, of: "shutdown") {
      let range = Duration.zero...Defaults.timeout
      settings.shutdown.drain =
        duration(inner["drain"], of: "shutdown.drain", in: range) ?? settings.shutdown.drain
    }
    checkReferences(settings, fields)
    checkAvailability(root)
    return settings
  }

  private static let empty =
    "the configuration is empty; write 'providers' into it, or remove the file: without one, the providers are "
    + "served whose keys are in the environment"

  static let nothingConfigured =
    "no provider is configured; add one under 'providers', or set OPENAI_API_KEY or OPENAI_API_KEY_FILE"

  private mutating func isAuto(_ node: YAMLNode) -> Bool {
    guard case .scalar(let raw, _) = node.kind else { return false }
    return raw == "auto" || (try? environment.interpolate(raw)) == "auto"
  }

  private mutating func maxMemory(_ node: YAMLNode) -> Int? {
    if isAuto(node) { return nil }
    guard let size = size(node, of: "max_memory (or auto)", ceiling: Defaults.memory) else { return nil }
    if size > 0, size < Defaults.leastMemory {
      problem(
        "max_memory must be at least \(Quantity.text(size: Defaults.leastMemory)), 0 or auto, not \(Self.kind(node))",
        at: node.position)
    }
    return size
  }

  private mutating func workers(_ node: YAMLNode) -> Workers? {
    if isAuto(node) { return .automatic }
    return integer(node, of: "workers (or auto)", in: 1...Defaults.workers).map { .count($0) }
  }

  // MARK: Listeners

  private mutating func listen(_ node: YAMLNode) -> [ListenEntry] {
    var entries: [ListenEntry] = []
    let nodes =
      if case .scalar = node.kind { [node] } else {
        items(node, of: "listen", ceiling: Defaults.listenEntries)
      }
    if nodes.isEmpty { problem("listen is empty; name an address such as 127.0.0.1:4141", at: node.position) }
    for node in nodes {
      guard let entry = listenEntry(node) else { continue }
      if entry.address.isRepeated(in: entries.map(\.address)) {
        problem(
          "listen names \(Self.kind(node["address"] ?? node)) twice; keep one of them", at: node.position)
      }
      entries.append(entry)
    }
    return entries
  }

  private mutating func listenEntry(_ node: YAMLNode) -> ListenEntry? {
    guard case .mapping = node.kind else {
      return address(node, of: "listen").map { ListenEntry(address: $0) }
    }
    guard let fields = fields(node, .listen, of: "an entry of listen") else { return nil }
    let address = address(fields["address"], of: "listen address")
    var tls: ListenTLS?
    if let node = fields["tls"], let inner = self.fields(node, .listenTLS, of: "listen tls") {
      let cert = path(inner["cert_file"], of: "listen tls.cert_file")
      let key = path(inner["key_file"], of: "listen tls.key_file")
      let authority = path(inner["client_ca_file"], of: "listen tls.client_ca_file")
      if let cert, let key { tls = ListenTLS(certFile: cert, keyFile: key, clientCAFile: authority) }
    }
    let provider = text(fields["default_provider"], of: "listen default_provider", ceiling: Defaults.name)
    let model = text(fields["model"], of: "listen model", ceiling: Defaults.modelName)
    guard let address else { return nil }
    return ListenEntry(address: address, tls: tls, defaultProvider: provider, model: model)
  }

  private mutating func allowedHosts(_ node: YAMLNode?) -> [String] {
    guard let node else { return [] }
    var hosts: [String] = []
    for item in items(node, of: "allowed_hosts", ceiling: Defaults.targets) {
      guard let text = text(item, of: "an item of allowed_hosts") else { continue }
      if Host.isValid(text) || Host.isIPv6(text) {
        hosts.append(text.lowercased())
      } else {
        problem(
          "allowed_hosts, \(Self.kind(item)): not a host name; leave out scheme and port: remora.example",
          at: item.position)
      }
    }
    return hosts
  }

  private mutating func allowedOrigins(_ node: YAMLNode?) -> [String] {
    guard let node else { return [] }
    var origins: [String] = []
    for item in items(node, of: "allowed_origins", ceiling: Defaults.targets) {
      guard let text = text(item, of: "an item of allowed_origins") else { continue }
      // RFC 6454 section 7: scheme, host, and a port where it isn't the scheme's own; nothing behind.
      if let url = try? BaseURL.read(text), url.prefix.isEmpty, !text.hasSuffix("/") {
        origins.append(url.text)
      } else {
        problem(
          "allowed_origins, \(Self.kind(item)): not an origin; write scheme and host: https://app.example",
          at: item.position)
      }
    }
    return origins
  }

  // MARK: The rest

  private mutating func telemetry(_ node: YAMLNode) -> Telemetry {
    var telemetry = Telemetry()
    guard let fields = fields(node, .telemetry, of: "telemetry") else { return telemetry }
    telemetry.accessLog =
      choice(fields["access_log"], of: "telemetry.access_log", Telemetry.AccessLog.self)
      ?? telemetry.accessLog
    telemetry.level = choice(fields["level"], of: "telemetry.level", Telemetry.Level.self) ?? telemetry.level
    if let node = fields["otlp"], let inner = self.fields(node, .otlp, of: "telemetry.otlp") {
      telemetry.otlp = url(inner["endpoint"], of: "telemetry.otlp.endpoint")
    }
    return telemetry
  }

  private mutating func retry(_ node: YAMLNode) -> Retry? {
    guard let fields = fields(node, .retry, of: "retry") else { return nil }
    var retry = Retry()
    let range = Duration.zero...Defaults.timeout
    retry.attempts =
      integer(fields["attempts"], of: "retry.attempts", in: 1...Defaults.attempts) ?? retry.attempts
    retry.backoff = duration(fields["backoff"], of: "retry.backoff", in: range) ?? retry.backoff
    retry.maxBackoff = duration(fields["max_backoff"], of: "retry.max_backoff", in: range) ?? retry.maxBackoff
    retry.budgetPercent = percent(fields["budget"], of: "retry.budget") ?? retry.budgetPercent
    if retry.maxBackoff < retry.backoff {
      problem("retry.max_backoff is shorter than retry.backoff; make it at least as long", at: node.position)
    }
    return retry
  }

  /// Names that point at providers and policies must be there.
  private mutating func checkReferences(_ settings: Settings, _ fields: Fields) {
    let names = providerNames
    if let name = settings.defaultProvider, let node = fields["default_provider"], !names.contains(name) {
      problem(unknownProvider(Self.raw(node), "default_provider", names), at: node.position)
    }
    if case .sequence(let items)? = fields["listen"]?.kind {
      for item in items {
        guard let node = item["default_provider"], case .scalar(let raw, _) = node.kind else { continue }
        guard let name = try? environment.interpolate(raw), !names.contains(name) else { continue }
        problem(unknownProvider(raw, "listen default_provider", names), at: node.position)
      }
    }
    if case .sequence(let items)? = fields["policy_chain"]?.kind {
      for item in items { checkPolicy(item, "policy_chain", settings) }
    }
  }

  mutating func checkPolicy(_ node: YAMLNode, _ what: String, _ settings: Settings) {
    guard case .scalar(let name, _) = node.kind, !settings.policies.contains(where: { $0.name == name })
    else { return }
    let hint = Name.nearest(to: name, in: settings.policies.map(\.name)).map {
      "did you mean '\(Shown.text($0))'?"
    }
    problem(
      "\(what) names an unknown policy \(Self.kind(node)); \(hint ?? "add it under 'policies'")",
      at: node.position)
  }

  /// The message about a provider's name that isn't configured.
  func unknownProvider(_ name: String, _ what: String, _ names: [String]) -> String {
    let hint: String
    if let nearest = Name.nearest(to: name, in: names) {
      hint = "did you mean '\(Shown.text(nearest))'?"
    } else if ProviderKind(rawValue: name) != nil {
      hint = "add '\(name): {}' under 'providers'"
    } else {
      hint = names.isEmpty ? "add it under 'providers'" : "configured: \(Shown.list(names))"
    }
    return "\(what) names an unknown provider '\(Shown.text(name))'; \(hint)"
  }
}

extension Address {
  /// Whether this address is one of `others`; port 0 is another port each time.
  fileprivate func isRepeated(in others: [Address]) -> Bool {
    if case .tcp(_, 0) = self { return false }
    return others.contains(self)
  }
}
