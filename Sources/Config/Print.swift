// The effective configuration as JSON, for `remora check --print`. Secrets appear as the places they come
// from.

internal import Wire

extension Settings {
  /// Every setting that holds, defaults included, as indented JSON with a line break at its end.
  package func json() -> String {
    var writer = JSONText()
    writer.open("{")
    writer.open("[", "listen")
    for entry in listen { entry.write(to: &writer) }
    writer.close("]")
    writer.member("admin", admin.text)
    switch workers {
    case .count(let count): writer.member("workers", count)
    case .automatic: writer.member("workers", "auto")
    }
    writer.open("{", "providers")
    for provider in providers { provider.write(to: &writer) }
    writer.close("}")
    writer.member("default_provider", defaultProvider)
    writer.open("{", "models")
    for model in models { model.write(to: &writer) }
    writer.close("}")
    writeGovernance(to: &writer)
    writer.member("max_body", Quantity.text(size: maxBody))
    writer.member("max_memory", maxMemory.map(Quantity.text(size:)) ?? "auto")
    writer.member("allowed_hosts", allowedHosts)
    writer.member("allowed_origins", allowedOrigins)
    writer.member("response_metadata", responseMetadata.rawValue)
    writer.open("{", "telemetry")
    writer.member("access_log", telemetry.accessLog.rawValue)
    writer.member("level", telemetry.level.rawValue)
    if let otlp = telemetry.otlp {
      writer.open("{", "otlp")
      writer.member("endpoint", otlp.text)
      writer.close("}")
    }
    writer.close("}")
    writer.open("{", "shutdown")
    writer.member("drain", Quantity.text(shutdown.drain))
    writer.close("}")
    writer.close("}")
    return writer.text + "\n"
  }

  private func writeGovernance(to writer: inout JSONText) {
    if let retry {
      writer.open("{", "retry")
      writer.member("attempts", retry.attempts)
      writer.member("backoff", Quantity.text(retry.backoff))
      writer.member("max_backoff", Quantity.text(retry.maxBackoff))
      writer.member("budget", "\(retry.budgetPercent)%")
      writer.close("}")
    }
    if let consumers { consumers.write(to: &writer) }
    limits.write("limits", to: &writer)
    writer.open("{", "policies")
    for policy in policies { policy.write(to: &writer) }
    writer.close("}")
    writer.member("policy_chain", policyChain)
    writer.open("{", "prices")
    for price in prices {
      writer.open("{", price.target)
      writer.member("input", price.input)
      writer.member("output", price.output)
      if let cached = price.cachedInput { writer.member("cached_input", cached) }
      writer.close("}")
    }
    writer.close("}")
  }
}

extension ListenEntry {
  fileprivate func write(to writer: inout JSONText) {
    writer.open("{")
    writer.member("address", address.text)
    if let tls {
      writer.open("{", "tls")
      writer.member("cert_file", tls.certFile)
      writer.member("key_file", tls.keyFile)
      if let authority = tls.clientCAFile { writer.member("client_ca_file", authority) }
      writer.close("}")
    }
    if let defaultProvider { writer.member("default_provider", defaultProvider) }
    if let model { writer.member("model", model) }
    writer.close("}")
  }
}

extension SecretSource {
  fileprivate func write(_ name: String, to writer: inout JSONText) {
    switch self {
    case .passthrough, .none: writer.member(name, place)
    case .file(let path):
      writer.open("{", name)
      writer.member("file", path)
      writer.close("}")
    case .environment(let variable):
      writer.open("{", name)
      writer.member("env", variable)
      writer.close("}")
    }
  }
}

extension Provider {
  fileprivate func write(to writer: inout JSONText) {
    writer.open("{", name)
    writer.member("kind", kind.rawValue)
    if let baseURL { writer.member("base_url", baseURL.text) }
    if kind != .mock { apiKey.write("api_key", to: &writer) }
    writer.open("{", "headers")
    for header in headers { header.write(to: &writer) }
    writer.close("}")
    writer.open("{", "tls")
    if let file = tls.caFile { writer.member("ca_file", file) }
    if let file = tls.certFile { writer.member("cert_file", file) }
    if let file = tls.keyFile { writer.member("key_file", file) }
    if let name = tls.serverName { writer.member("server_name", name) }
    writer.close("}")
    writer.open("{", "timeouts")
    writer.member("connect", Quantity.text(timeouts.connect))
    writer.member("first_byte", Quantity.text(timeouts.firstByte))
    writer.member("idle", Quantity.text(timeouts.idle))
    writer.close("}")
    writer.open("{", "pool")
    writer.member("max_connections", pool.maxConnections)
    writer.member("idle_timeout", Quantity.text(pool.idleTimeout))
    writer.member("warm", pool.warm)
    writer.close("}")
    switch dialect {
    case .openAI, .azure: writer.member("stream_options", streamOptions.rawValue)
    case .anthropic, .vertex, .bedrock, .plain: break
    }
    dialect.write(to: &writer)
    writer.close("}")
  }
}

extension ProviderHeader {
  /// Names that often carry a secret, even one that was written into the file.
  private var isSensitive: Bool {
    ["auth", "key", "token", "secret", "cookie", "password", "signature"].contains { word in
      name.utf8.count >= word.utf8.count && name.indices.contains { name[$0...].hasPrefix(word) }
    }
  }

  fileprivate func write(to writer: inout JSONText) {
    switch value {
    case .secret(let source): source.write(name, to: &writer)
    case .text(let text): writer.member(name, isSensitive ? "[secret]" : text)
    }
  }
}

extension DialectSettings {
  fileprivate func write(to writer: inout JSONText) {
    switch self {
    case .openAI(let keys):
      if let organization = keys.organization { writer.member("organization", organization) }
      if let project = keys.project { writer.member("project", project) }
    case .azure(let keys):
      if let version = keys.apiVersion { writer.member("api_version", version) }
      if let token = keys.token { token.write("token", to: &writer) }
      writer.open("{", "deployments")
      for item in keys.deployments { writer.member(item.model, item.deployment) }
      writer.close("}")
    case .anthropic(let keys):
      if let version = keys.version { writer.member("version", version) }
      if !keys.beta.isEmpty { writer.member("beta", keys.beta) }
    case .vertex(let keys):
      if let project = keys.project { writer.member("project", project) }
      if let location = keys.location { writer.member("location", location) }
      if let credentials = keys.credentials { credentials.write("credentials", to: &writer) }
      if let token = keys.token { token.write("token", to: &writer) }
      if let publisher = keys.publisher { writer.member("publisher", publisher) }
    case .bedrock(let keys):
      if let region = keys.region { writer.member("region", region) }
      if let id = keys.accessKeyID, let key = keys.secretAccessKey {
        writer.open("{", "credentials")
        id.write("access_key_id", to: &writer)
        key.write("secret_access_key", to: &writer)
        if let token = keys.sessionToken { token.write("session_token", to: &writer) }
        writer.close("}")
      }
    case .plain: return
    }
  }
}

extension ModelEntry {
  fileprivate func write(to writer: inout JSONText) {
    writer.open("{", name)
    writer.open("[", "targets")
    for target in targets {
      writer.open("{")
      writer.member("to", target.text)
      if pick == .weighted { writer.member("weight", target.weight) }
      writer.close("}")
    }
    writer.close("]")
    writer.member("pick", pick.rawValue)
    writer.member("deprecated", isDeprecated)
    writer.close("}")
  }
}

extension Limits {
  fileprivate func write(_ name: String, to writer: inout JSONText) {
    writer.open("{", name)
    writer.member("requests_per_minute", requestsPerMinute)
    writer.member("tokens_per_minute", tokensPerMinute)
    writer.member("concurrent_requests", concurrentRequests)
    if let budget {
      writer.open("{", "budget_usd")
      writer.member("amount", budget.amount)
      writer.member("per", Quantity.text(budget.per))
      writer.close("}")
    }
    writer.close("}")
  }
}

extension Consumers {
  fileprivate func write(to writer: inout JSONText) {
    writer.open("{", "consumers")
    writer.member("header", header)
    writer.member("required", isRequired)
    writer.open("{", "groups")
    for group in groups {
      writer.open("{", group.name)
      group.key.write("key", to: &writer)
      if !group.models.isEmpty { writer.member("models", group.models) }
      group.limits.write("limits", to: &writer)
      if !group.policies.isEmpty { writer.member("policies", group.policies) }
      writer.close("}")
    }
    writer.close("}")
    writer.close("}")
  }
}

extension Policy {
  fileprivate func write(to writer: inout JSONText) {
    writer.open("{", name)
    switch rule {
    case .personalData(let action, let entities):
      writer.member("kind", "pii_detector")
      writer.member("action", action.rawValue)
      writer.member("entities", entities.map(\.rawValue))
    case .promptInjection(let action):
      writer.member("kind", "prompt_injection")
      writer.member("action", action.rawValue)
    case .auditLog(let file, let retention):
      writer.member("kind", "audit_log")
      writer.member("file", file)
      if let retention { writer.member("retention", Quantity.text(retention)) }
    }
    writer.close("}")
  }
}
