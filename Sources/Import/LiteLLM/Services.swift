// LiteLLM's services beside: who gets traces, and the Redis that several processes count in.

internal import Config
internal import Wire

extension Conversion {
  // MARK: Traces

  /// A callback that sends traces: Remora sends its own to the first that is named.
  mutating func traces(_ callback: Item) {
    let name = callback.text ?? ""
    guard draft.traces == nil else {
      return ledger.note(callback, .unsupported, "traces go to one place; a collector can send them on")
    }
    var traces: TracesDraft
    var todo = "until then OTEL_EXPORTER_OTLP_ENDPOINT says where"
    switch name {
    case "langfuse", "langfuse_otel":
      let host = address("LANGFUSE_OTEL_HOST", "LANGFUSE_HOST", "LANGFUSE_BASE_URL")
      traces = TracesDraft(endpoint: .text((host ?? "https://cloud.langfuse.com") + "/api/public/otel"))
      let file = "/run/secrets/remora/otlp-authorization"
      traces.headers["authorization"] = .key(.file(file))
      todo = "put 'Basic ' and the base64 of PUBLIC_KEY:SECRET_KEY into \(file)"
    case "langsmith":
      let host = address("LANGSMITH_BASE_URL", "LANGSMITH_ENDPOINT") ?? "https://api.smith.langchain.com"
      traces = TracesDraft(endpoint: .text(host + "/otel"))
      traces.headers["x-api-key"] = .key(.variable("LANGSMITH_API_KEY"))
      todo = "set LANGSMITH_API_KEY where Remora runs"
    case "arize_phoenix":
      let host = address("PHOENIX_COLLECTOR_HTTP_ENDPOINT", "PHOENIX_COLLECTOR_ENDPOINT")
      traces = TracesDraft(endpoint: .text(host ?? "http://localhost:6006"))
      todo = "Phoenix's own port is 6006"
      if root["environment_variables"]?["PHOENIX_API_KEY"] != nil {
        let file = "/run/secrets/remora/otlp-authorization"
        traces.headers["authorization"] = .key(.file(file))
        todo = "put 'Bearer ' and Phoenix's key into \(file)"
      }
    default:
      let said = address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT")
      traces = TracesDraft(
        endpoint: said.map { .text($0) }
          ?? .variable("OTEL_EXPORTER_OTLP_ENDPOINT", default: "http://localhost:4318"))
      if said != nil { todo = "OTLP over HTTP, at port 4318 mostly" }
      readTraceHeaders(&traces)
    }
    draft.traces = traces
    ledger.note(callback, .manual, "telemetry.otlp sends traces, without prompts: \(todo)")
  }

  /// The first of these variables that the file sets to an address; gRPC's port becomes that of HTTP.
  private mutating func address(_ names: String...) -> String? {
    for name in names {
      guard let item = root["environment_variables"]?[name], let text = item.text,
        case .literal(let text) = Reference(text)
      else { continue }
      var http = text.replacing(":4317", with: ":4318")
      while http.hasSuffix("/") { http.removeLast() }
      guard let url = BaseURL.parse(http), plain(http) else { continue }
      ledger.note(item, .approximate, "telemetry.otlp.endpoint")
      // As it is parsed, so that nothing of it is lost or added.
      return url.text
    }
    return nil
  }

  /// `name=value,name=value`. They are keys as a rule, so none of the values is written.
  private mutating func readTraceHeaders(_ traces: inout TracesDraft) {
    for variable in ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_HEADERS"] {
      guard traces.headers.isEmpty, let item = root["environment_variables"]?[variable], let text = item.text,
        case .literal(let text) = Reference(text)
      else { continue }
      for pair in text.split(separator: ",").prefix(16) {
        let name = pair.prefix { $0 != "=" }.lowercased().filter { $0 != " " }
        guard name.utf8.count < pair.utf8.count, (1...64).contains(name.utf8.count),
          name.utf8.allSatisfy(ASCII.isNameByte), !Secrecy.looksSecret(name),
          !Self.ownHeaders.contains(name)
        else { continue }
        traces.headers[name] = .key(.file("/run/secrets/remora/otlp-\(name)"))
      }
      ledger.note(
        item, .manual, "put each header's value into the file that stands for it under telemetry.otlp.headers"
      )
    }
  }

  // MARK: Redis

  static let redisKeys: Set<String> = [
    "redis_url", "redis_host", "redis_port", "redis_password", "redis_ssl", "redis_username", "redis_db",
  ]

  /// The Redis that theirs shares counts and answers in: it counts the limits of groups here.
  mutating func readRedis() {
    let reason = "limits.shared counts the limits of groups; the pod's own stay each pod's"
    let limits = draft.limits
    let hasLimits =
      limits.requests != nil || limits.tokens != nil || limits.concurrent != nil || limits.budget != nil
    if hasLimits { readShared(reason) }
    let cache = root["litellm_settings"]?["cache_params"]
    for key in Self.redisKeys.sorted() {
      for place in ["router_settings", "litellm_settings", "general_settings"] {
        guard let item = root[place]?[key] else { continue }
        if draft.limits.shared == nil {
          ledger.note(
            item, .manual, "name the server under limits.shared, if groups' limits are to be shared")
        } else {
          ledger.note(item, .approximate, reason)
        }
      }
      ledger.note(cache?[String(key.dropFirst(6))], .unsupported, "the cache is in the process's memory")
    }
    for key in ["cache_responses", "cache_kwargs", "caching_groups", "client_ttl"] {
      for place in ["router_settings", "litellm_settings", "general_settings"] {
        ledger.note(root[place]?[key], .manual, "see cache, which is in the process's memory")
      }
    }
  }

  private func found(_ key: String) -> Item? {
    for place in ["router_settings", "litellm_settings", "general_settings"] {
      if let item = root[place]?["redis_" + key] { return item }
    }
    let cache = root["litellm_settings"]?["cache_params"]
    return cache?["type"]?.text?.hasPrefix("redis") == true ? cache?[key] : nil
  }

  private mutating func readShared(_ reason: String) {
    let fallback = "redis://redis.invalid:6379"
    let usesTLS = found("ssl")?.bool == true
    var shared: SharedDraft
    if let item = found("url"), let text = item.text {
      switch Reference(text) {
      case .variable(let name):
        shared = SharedDraft(redis: .variable(name, default: fallback))
        ledger.note(item, .manual, "\(name) must be an address without a password, which stands by itself")
      case .literal(let text):
        guard let (address, hasPassword) = Self.redis(text), plain(address) else {
          return ledger.note(item, .manual, "is no address that Remora takes: redis://HOST:6379")
        }
        shared = SharedDraft(redis: .text(address))
        if hasPassword { shared.password = .file("/run/secrets/remora/redis") }
        ledger.note(item, .approximate, reason)
      }
    } else if let item = found("host"), let text = item.text {
      switch Reference(text) {
      case .variable(let name):
        shared = SharedDraft(redis: .variable("REDIS_URL", default: fallback))
        ledger.note(item, .manual, "set REDIS_URL to redis://, or rediss:// with TLS, and what \(name) holds")
      case .literal(let host):
        let port = found("port")?.integer ?? 6379
        let scheme = usesTLS ? "rediss" : "redis"
        guard let (address, _) = Self.redis("\(scheme)://\(host):\(port)"), plain(address) else {
          return ledger.note(item, .manual, "is no address that Remora takes: redis://HOST:6379")
        }
        shared = SharedDraft(redis: .text(address))
        ledger.note(item, .approximate, reason)
      }
    } else {
      return
    }
    if let item = found("password") {
      let source = key(item)
      if source != .none { shared.password = source }
    }
    if let item = found("username"), let text = item.text, plain(text), Reference(text).literal != nil {
      shared.user = text
      ledger.took(item)
    }
    draft.limits.shared = shared
  }

  /// A Redis' address without what it says of a user, and whether a password stood in it; nil where it is none.
  private static func redis(_ text: String) -> (address: String, hasPassword: Bool)? {
    guard let scheme = text.firstRange(of: "://") else { return nil }
    let rest = text[scheme.upperBound...]
    let host = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
    let hasPassword = host.utf8.count < rest.utf8.count
    guard let url = RedisURL.parse(String(text[..<scheme.upperBound] + host)) else { return nil }
    return (url.text, hasPassword)
  }
}
