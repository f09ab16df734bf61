// LiteLLM's proxy configuration (docs.litellm.ai/docs/proxy/config_settings, 2026-11): what isn't a model.

internal import Config
internal import Wire

extension Conversion {
  mutating func readLiteLLM() {
    readModels()
    readGuardrails()
    readTimes()
    readBudget()
    readCallbacks()
    readCache()
    readGeneral()
    readSwitches()
    readVariables()
    for key in [
      "include", "finetune_settings", "files_settings", "assistant_settings", "policies",
      "policy_attachments",
    ] {
      let reason =
        switch key {
        case "include": "the files that it names are read by themselves: run 'remora import' on each"
        case "policies", "policy_attachments":
          "guardrails of one model: a policy is for all requests, or for a group's"
        default: "/v1/files, /v1/batches and their like pass through to default_provider"
        }
      ledger.note(root[key], key == "include" ? .manual : .unsupported, reason)
    }
    for key in ["mcp_servers", "vector_store_registry", "search_tools", "prompts", "mcp_tools", "agent_list"]
    {
      ledger.note(root[key], .unsupported, "Remora carries LLM traffic only")
    }
  }

  private func settings(_ keys: String...) -> [Item] {
    keys.flatMap { key in
      [root["router_settings"]?[key], root["litellm_settings"]?[key], root["general_settings"]?[key]]
        .compactMap { $0 }
    }
  }

  // MARK: Times, money

  private mutating func readTimes() {
    if let item = settings("num_retries").first {
      if let count = item.integer { draft.attempts = count + 1 }
      ledger.took(item)
    }
    for (place, item) in settings("timeout", "request_timeout").enumerated() {
      if place == 0, let seconds = item.number {
        for index in draft.facts.indices where draft.facts[index].firstByte == nil {
          draft.facts[index].firstByte = seconds
        }
      }
      ledger.note(item, .approximate, "theirs is for the whole attempt, first_byte until the answer begins")
    }
    if let item = settings("stream_timeout").first {
      for index in draft.facts.indices where draft.facts[index].idle == nil {
        draft.facts[index].idle = item.number
      }
      ledger.note(item, .approximate, "idle is the time between two bytes")
    }
    for item in settings("num_retries", "retry_policy", "model_group_retry_policy", "allowed_fails_policy")
      .dropFirst(0)
    where item.isCollection {
      ledger.note(item, .manual, "which failures are repeated is fixed: see retry, and fallback_on")
    }
    for item in settings(
      "allowed_fails", "cooldown_time", "disable_cooldowns", "enable_pre_call_checks", "retry_after",
      "max_fallbacks",
      "routing_strategy_args", "optional_pre_call_checks")
    {
      ledger.note(
        item, .approximate, "built in: a target that fails is left out for a while, by its own answers")
    }
  }

  private mutating func readBudget() {
    let amounts = settings("max_budget")
    for (place, item) in amounts.enumerated() {
      guard place == 0, let number = item.number else {
        ledger.note(item, .manual, "is no amount of dollars")
        continue
      }
      let span = settings("budget_duration").first
      let per = span?.text.flatMap(Self.span) ?? "30d"
      draft.limits.budget = (Self.decimal(number), per)
      if number > 1e6 {
        ledger.note(item, .approximate, "a budget is at most 1000000 dollars")
      } else {
        ledger.took(item)
      }
      if let span {
        ledger.note(
          span, Self.span(span.text ?? "") == nil ? .approximate : .exact, "limits.budget_usd.per: \(per)")
      }
    }
    for item in settings(
      "max_user_budget", "max_end_user_budget", "max_internal_user_budget", "internal_user_budget_duration",
      "provider_budget_config", "tag_budget_config")
    {
      ledger.note(item, .unsupported, "budgets are for the pod, or for a group of consumers")
    }
    for item in settings("max_parallel_requests", "global_max_parallel_requests") {
      draft.limits.concurrent = item.integer ?? draft.limits.concurrent
      ledger.took(item)
    }
    for item in settings("default_max_parallel_requests") {
      ledger.note(item, .unsupported, "concurrent_requests is for the pod, or for a group")
    }
  }

  /// `30d`, `1mo`, `24h`, `90s`; nil for what isn't one, or is shorter or longer than a budget may be.
  static func span(_ text: String) -> String? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = Int(digits), count > 0, count < 100_000 else { return nil }
    let seconds: Int
    switch text.dropFirst(digits.utf8.count) {
    case "s": seconds = count
    case "m": seconds = count * 60
    case "h": seconds = count * 3600
    case "d": seconds = count * 86_400
    case "w": seconds = count * 7 * 86_400
    case "mo": seconds = count * 30 * 86_400
    default: return nil
    }
    guard (60...366 * 86_400).contains(seconds) else { return nil }
    if seconds.isMultiple(of: 86_400) { return "\(seconds / 86_400)d" }
    if seconds.isMultiple(of: 3600) { return "\(seconds / 3600)h" }
    return seconds.isMultiple(of: 60) ? "\(seconds / 60)m" : "\(seconds)s"
  }

  // MARK: What watches

  private mutating func readCallbacks() {
    for item in settings(
      "callbacks", "success_callback", "failure_callback", "service_callback", "service_callbacks",
      "audit_log_callbacks")
    {
      if item.items.isEmpty { ledger.took(item) }
      for callback in item.oneOrMany { readCallback(callback) }
    }
    for item in settings("langfuse_default_tags", "callback_settings", "default_team_settings") {
      ledger.note(item, .unsupported, "spans carry no tags of one's own, and none of teams")
    }
    ledger.note(root["callback_settings"], .unsupported, "spans carry no tags of one's own")
  }

  private mutating func readCallback(_ item: Item) {
    switch item.text ?? "" {
    case "prometheus", "prometheus_system": ledger.note(item, .exact, "/metrics at the admin port")
    case "otel", "opentelemetry", "langfuse", "langfuse_otel", "arize", "arize_phoenix", "langsmith",
      "langtrace", "opik", "logfire",
      "levo", "weave_otel":
      traces(item)
    case "hide_secrets", "hide-secrets":
      policy("secrets", .secrets, .redact)
      ledger.took(item)
    case "detect_prompt_injection", "lakera_prompt_injection", "llamaguard_moderations",
      "llmguard_moderations", "openai_moderations",
      "google_text_moderation":
      policy("prompt-injection", .promptInjection, .block)
      ledger.note(item, .approximate, "rules of Remora's own, without asking a service")
    case "presidio":
      policy("pii", .personalData, .redact)
      ledger.note(item, .approximate, "Remora's own rules; names of persons and places aren't known")
    case "json", "dynamic_rate_limiter", "dynamic_rate_limiter_v2", "parallel_request_limiter":
      ledger.note(item, .unsupported, "limits are for the pod, or for a group")
    default: ledger.note(item, .unsupported, "metrics, traces and the access log are what Remora has")
    }
  }

  mutating func policy(_ name: String, _ kind: Policy.Kind, _ action: Policy.Action) {
    guard !draft.policies.contains(where: { $0.kind == kind && $0.action == action }) else { return }
    draft.policies.append(PolicyDraft(name: draft.policyName(name), kind: kind, action: action))
  }

  // MARK: Cache

  private mutating func readCache() {
    let parameters = root["litellm_settings"]?["cache_params"]
    if let item = root["litellm_settings"]?["cache"] {
      if item.bool == true {
        let ttl = parameters?["ttl"]?.number.map { Document.duration($0) } ?? "10m"
        let type = parameters?["type"]?.text ?? "local"
        if type.contains("semantic") {
          ledger.note(item, .unsupported, "answers are cached for equal requests only")
        } else {
          let members: [Out.Member] = [.init("size", .word("64MiB")), .init("ttl", .word(ttl))]
          draft.optional.append(.init(needs: "cache.size", member: .init("cache", .map(members))))
          ledger.note(item, .approximate, "an exact cache in this process's memory, where this build has one")
        }
      } else {
        ledger.took(item)
      }
    }
    for (key, item) in parameters?.entries ?? [] {
      if key == "ttl", item.number != nil {
        ledger.took(item)
      } else if !Self.redisKeys.contains("redis_" + key) {
        ledger.note(item, .unsupported, "the cache is in the process's memory")
      }
    }
    readRedis()
  }

  // MARK: General

  private mutating func readGeneral() {
    if let item = root["general_settings"]?["port"], let port = item.integer, (1...65535).contains(port),
      port != 4142
    {
      draft.listen = [ListenDraft(address: "127.0.0.1:\(port)"), ListenDraft(address: "[::1]:\(port)")]
      ledger.took(item)
    }
    if let item = root["general_settings"]?["max_request_size_mb"], let size = item.number {
      draft.maxBody = "\(min(max(Int(size.rounded(.up)), 1), 16_384))MiB"
      ledger.took(item)
    }
    for (key, item) in root["general_settings"]?.entries ?? [] {
      switch key {
      case "port", "max_request_size_mb": continue
      case "master_key":
        ledger.note(
          item, .manual,
          "nothing on loopback needs a key; a shared listener does: consumers: { required: true, groups: { NAME: { key: { file: … } } } }"
        )
      case "database_url", "store_model_in_db", "store_prompts_in_spend_logs", "use_spend_logs",
        "database_connection_pool_limit",
        "database_connection_timeout", "disable_spend_logs", "proxy_batch_write_at", "supported_db_objects",
        "allow_requests_on_db_unavailable",
        "use_redis_transaction_buffer":
        ledger.note(
          item, .unsupported,
          "there is no database, and what lives in theirs (models, keys, teams) is not in this file")
      case "pass_through_endpoints":
        ledger.note(item, .manual, "paths under /v1 pass through; others are asked for at their own address")
      case "custom_auth", "custom_key_generate", "custom_sso", "custom_callbacks":
        ledger.note(item, .unsupported, "no code runs inside Remora; consumers.groups have keys")
      case "enforce_user_param", "allowed_routes", "admin_only_routes", "public_routes", "user_header_name",
        "user_header_mappings",
        "litellm_key_header_name", "enable_jwt_auth", "litellm_jwtauth", "enable_oauth2_auth",
        "role_permissions", "allowed_ips":
        ledger.note(item, .unsupported, "consumers tell callers apart by a key in one header")
      case "alerting", "alerting_threshold", "alert_types", "alert_to_webhook_url", "alerting_args":
        ledger.note(item, .manual, "the chart has alerting rules for Prometheus")
      case "background_health_checks", "health_check_interval", "use_shared_health_check",
        "enable_health_check_routing":
        ledger.note(item, .approximate, "targets are judged by the answers of real requests")
      case "completion_model", "infer_model_from_keys":
        ledger.note(item, .unsupported, "every request names its model")
      case "disable_master_key_return", "disable_adding_master_key_hash_to_db": ledger.took(item)
      default: continue
      }
    }
  }

  /// Switches whose one position is how Remora is anyway.
  private mutating func readSwitches() {
    for item in settings("drop_params", "modify_params") {
      if item.bool == true {
        ledger.note(item, .exact, "built in")
      } else {
        ledger.note(
          item, .approximate,
          "what a provider can't say is dropped and named, or refused where that would change the meaning")
      }
    }
    for item in settings(
      "turn_off_message_logging", "redact_user_api_key_info", "json_logs", "disable_token_counter",
      "forward_traceparent_to_llm_provider",
      "include_cost_in_streaming_usage", "return_response_headers", "always_include_stream_usage",
      "disable_hf_tokenizer_download")
    { ledger.note(item, .exact, "built in") }
    for item in settings("telemetry", "use_responses_api", "add_function_to_prompt", "disable_stream_logging")
    {
      ledger.note(
        item, .approximate, "no such switch: Remora sends no telemetry, and translates as each provider needs"
      )
    }
    for item in settings("set_verbose", "debug_level", "set_debug_level") {
      if item.bool == true { draft.level = "debug" }
      ledger.note(item, .approximate, "telemetry.level")
    }
    for item in settings(
      "default_internal_user_params", "upperbound_key_generate_params", "key_generation_settings",
      "default_key_generate_params", "default_team_params")
    {
      ledger.note(item, .unsupported, "there are no virtual keys; consumers.groups have keys")
    }
    for item in settings("ssl_verify", "ssl_certificate") {
      ledger.note(item, .manual, "certificates are always checked; name the authority under tls.ca_file")
    }
  }

  /// Values may be secrets: their names are said alone.
  private mutating func readVariables() {
    for (_, item) in root["environment_variables"]?.entries ?? [] {
      ledger.note(item, .manual, "set it where Remora runs, or name a file instead")
    }
  }
}
