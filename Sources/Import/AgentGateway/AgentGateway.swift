// agentgateway's configuration (agentgateway.dev/docs, its schema of 2026-11): ports, and what is said of all of them.

internal import Config
internal import Wire

extension Conversion {
  mutating func readAgentGateway() {
    readProcess()
    readBinds()
    readLLM()
    for item in [root["frontendPolicies"], root["policies"]].compactMap({ $0 }) { readFrontend(item) }
    for key in ["mcp", "services", "workloads", "routes", "backends"] {
      ledger.note(root[key], .unsupported, "Remora carries LLM traffic only")
    }
  }

  private mutating func readProcess() {
    guard let config = root["config"] else { return }
    // One port for health and metrics: theirs has up to three.
    for key in ["statsAddr", "readinessAddr", "adminAddr"] {
      guard let item = config[key] else { continue }
      if draft.admin == nil, let text = item.text, let address = Self.address(text) {
        draft.admin = address
        ledger.took(item)
      } else {
        ledger.note(item, .approximate, "health and metrics share one port here: admin")
      }
    }
    if let logging = config["logging"] {
      if let level = logging["level"], let text = level.text?.lowercased(),
        Telemetry.Level(rawValue: text) != nil
      {
        draft.level = text
        ledger.took(level)
      }
      if let format = logging["format"] { ledger.note(format, .approximate, "log lines are JSON") }
      ledger.note(logging["fields"], .unsupported, "the access log has fields of its own, and no expressions")
    }
    if let tracing = config["tracing"] { readTracing(tracing) }
  }

  private mutating func readTracing(_ tracing: Item) {
    if let item = tracing["otlpEndpoint"], let text = item.text {
      let http = text.replacing(":4317", with: ":4318")
      if BaseURL.parse(http) != nil, plain(http) {
        draft.traces = TracesDraft(endpoint: .text(http))
        let differs = http == text ? "" : ": OTLP over HTTP, whose port is 4318"
        ledger.note(item, .approximate, "telemetry.otlp.endpoint, without prompts\(differs)")
      }
    }
    ledger.note(tracing["otlpProtocol"], .approximate, "OTLP over HTTP")
    if var traces = draft.traces {
      for (name, item) in tracing["headers"]?.entries ?? [] { readHeader(name, item, &traces.headers) }
      if let item = tracing["randomSampling"] { traces.sample = readShare(item) }
      draft.traces = traces
    }
    ledger.note(tracing["clientSampling"], .approximate, "a caller's decision is obeyed")
    ledger.note(tracing["fields"], .unsupported, "spans have attributes of their own, and no expressions")
  }

  /// `true`, `0.1`, or the same in quotes: of the traces that begin here; expressions have no counterpart.
  private mutating func readShare(_ item: Item) -> String? {
    let share = item.bool.map { $0 ? 1.0 : 0.0 } ?? item.number
    guard let share, share <= 1 else {
      ledger.note(item, .manual, "is no share from 0 to 1: write telemetry.otlp.sample by hand")
      return nil
    }
    ledger.note(item, .approximate, "telemetry.otlp.sample; what fails is kept whatever it says")
    return share == 1 ? nil : Self.decimal(share)
  }

  /// `127.0.0.1:15000`, `localhost:15020`, `[::]:15020`: as a configuration takes it.
  static func address(_ text: String) -> String? { Config.Address.parse(text).map(\.text) }

  private mutating func readFrontend(_ item: Item) {
    if let size = item["http"]?["maxBufferSize"], let bytes = size.number {
      draft.maxBody = "\(min(max(Int(bytes), 1), 16 << 30))"
      ledger.took(size)
    }
    ledger.note(item["accessLog"], .unsupported, "the access log has fields of its own, and no expressions")
  }

  // MARK: Binds

  private mutating func readBinds() {
    for bind in root["binds"]?.items ?? [] {
      guard let port = bind["port"], let number = port.integer, (1...65535).contains(number) else {
        ledger.note(bind, .manual, "has no port")
        continue
      }
      for listener in bind["listeners"]?.items ?? [] { readListener(listener, port, number) }
    }
  }

  private mutating func readListener(_ listener: Item, _ port: Item, _ number: Int) {
    var found: [RouteDraft] = []
    for route in listener["routes"]?.items ?? [] {
      if let draft = readRoute(route, listener["policies"]) { found.append(draft) }
    }
    ledger.note(listener["tcpRoutes"], .unsupported, "Remora carries LLM traffic only")
    ledger.note(listener["name"], .approximate, "listeners have no names")
    ledger.note(listener["protocol"], .approximate, "HTTP/1.1")
    ledger.note(listener["hostname"], .unsupported, "requests aren't told apart by their host")
    var entry = ListenDraft(address: "127.0.0.1:\(number)")
    readTLS(listener["tls"], &entry)
    listen(found, &entry, port)
  }

  private mutating func readTLS(_ tls: Item?, _ entry: inout ListenDraft) {
    guard let tls else { return }
    for (theirs, ours) in [("cert", "cert_file"), ("key", "key_file"), ("root", "client_ca_file")] {
      if let item = tls[theirs], let path = item.text, plain(path), !path.contains("-----") {
        entry.tls[ours] = path
        ledger.took(item)
      } else {
        ledger.note(tls[theirs], .manual, "name a file")
      }
    }
    if entry.tls["cert_file"] == nil || entry.tls["key_file"] == nil { entry.tls = [:] }
  }

  /// A port's own backend where it has one route; several routes are told apart by the model's name.
  private mutating func listen(_ routes: [RouteDraft], _ entry: inout ListenDraft, _ port: Item) {
    let isLoopback = "on loopback here, for the pod's own containers; there for all who reach the machine"
    let targets = routes.flatMap(\.targets)
    if routes.count == 1, let route = routes.first, let first = route.targets.first {
      entry.provider = first.provider
      if route.targets.count == 1 {
        entry.model = first.model.isEmpty ? nil : first.model
      } else {
        addModel(route, &entry)
      }
    } else if !targets.isEmpty {
      entry.provider = targets.first?.provider
      for route in routes {
        for target in route.targets {
          let model = target.model.isEmpty ? "MODEL" : target.model
          ledger.note(
            route.match, .manual,
            "routes by path aren't told apart: ask for '\(Draft.mark(target.provider))/\(model)' instead")
        }
      }
    }
    if draft.defaultProvider == nil { draft.defaultProvider = targets.first?.provider }
    if entry.address == "127.0.0.1:4142", draft.admin == nil { draft.admin = "0.0.0.0:4143" }
    guard !draft.listen.contains(where: { $0.address == entry.address }) else {
      return ledger.note(
        port, .manual, "several listeners at one port are told apart by their hosts there: give each a port",
        isMore: true)
    }
    draft.listen.append(entry)
    ledger.note(port, .approximate, isLoopback)
  }

  /// Several targets of one route: a name for them, which every request on the port gets.
  private mutating func addModel(_ route: RouteDraft, _ entry: inout ListenDraft) {
    entry.provider = nil
    let isNamed = route.targets.allSatisfy { !$0.model.isEmpty }
    let targets = route.targets.map {
      TargetDraft(
        provider: $0.provider, model: isNamed ? $0.model : $0.model.isEmpty ? "*" : $0.model,
        weight: $0.weight)
    }
    let name =
      isNamed ? Draft.free(route.name ?? "port") { name in draft.models.contains { $0.name == name } } : "*"
    guard !draft.models.contains(where: { $0.name == name }) else { return }
    var model = ModelDraft(name: name, targets: targets)
    if targets.contains(where: { $0.weight != nil }) { model.pick = .weighted }
    draft.models.append(model)
    if isNamed { entry.model = name }
    if draft.defaultProvider == nil { draft.defaultProvider = targets.first?.provider }
  }
}

/// A route's backends, as far as they are models.
struct RouteDraft {
  /// In order; the model is empty where the request names it.
  var targets: [TargetDraft]
  /// What tells it from others.
  var match: Item?
  var name: String?
}
