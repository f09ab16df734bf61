// Every metric's name, meaning and labels, in the order in which they are written.
//
// The names are the product's public surface. To add one: a family here, a series in MetricSnapshot.swift, a
// line in Exposition.swift.

/// What a metric is, in the words of both formats.
enum FamilyKind: Sendable {
  case counter, gauge, histogram
  /// Facts in labels, value 1.
  case info
}

/// A label, and where in a `SeriesKey` its value is.
enum Dimension: Sendable {
  case endpoint, provider, policy, entity, model, code
  /// Two names of one kind: where from, and where to.
  case from, to
  case detail(StaticString, @Sendable (UInt16) -> StaticString)
}

/// One metric as it is announced.
struct Family: Sendable {
  /// Without `_total` or `_info`: OpenMetrics names counters so.
  let name: StaticString
  let kind: FamilyKind
  let help: StaticString
  /// OpenMetrics: the name must end in it. Empty where there is none.
  let unit: StaticString
  let dimensions: [Dimension]

  init(
    _ name: StaticString, _ kind: FamilyKind, unit: StaticString = "", _ dimensions: [Dimension] = [],
    help: StaticString
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.unit = unit
    self.dimensions = dimensions
  }

  /// What samples carry behind the family's name.
  var suffix: StaticString {
    switch kind {
    case .counter: "_total"
    case .info: "_info"
    case .gauge, .histogram: ""
    }
  }
}

extension Family {
  static let build = Family("remora_build", .info, help: "What is running.")
  static let requests = Family(
    "remora_requests", .counter, [.endpoint, .provider, .model, .code],
    help: "Requests answered, by the status the client got; 499 where it left first.")
  static let duration = Family(
    "remora_request_duration_seconds", .histogram, unit: "seconds", [.endpoint, .provider, .model],
    help: "Time from a request's first byte to its answer's last.")
  static let firstToken = Family(
    "remora_time_to_first_token_seconds", .histogram, unit: "seconds", [.endpoint, .provider, .model],
    help: "Time until the first token went to the client.")
  static let overhead = Family(
    "remora_overhead_seconds", .histogram, unit: "seconds", [.endpoint],
    help: "Time a request spent in Remora itself.")
  static let inFlight = Family(
    "remora_requests_in_flight", .gauge, help: "Requests read and not yet answered in full.")
  static let tokens = Family(
    "remora_tokens", .counter,
    [
      .provider, .model,
      .detail("kind") { (TokenKind(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .input).name },
    ],
    help: "Tokens, as the provider counted them; input holds cached_input, output holds reasoning.")
  static let cost = Family(
    "remora_cost_usd", .counter, unit: "usd", [.provider, .model],
    help: "Cost in US dollars at the configured or catalogued prices.")
  static let unpriced = Family(
    "remora_unpriced_requests", .counter, [.provider, .model],
    help: "Requests whose tokens have no known price; prices in the configuration gives one.")
  static let tokensEstimated = Family(
    "remora_tokens_estimated", .counter,
    [.detail("kind") { (TokenKind(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .input).name }],
    help: "Tokens booked by an estimate, because the provider didn't come to tell them.")
  static let limitRemaining = Family(
    "remora_limit_remaining", .gauge, help: "What is left of a limit now.")
  static let budgetLimit = Family(
    "remora_budget_limit_usd", .gauge, unit: "usd", help: "Budgets in US dollars.")
  static let budgetRemaining = Family(
    "remora_budget_remaining_usd", .gauge, unit: "usd",
    help: "What of a budget is neither spent nor promised to requests under way.")
  static let sharedUp = Family(
    "remora_limits_shared_up", .gauge,
    help: "Whether the Redis that counts the limits of groups answers; without it each pod keeps to its part."
  )
  static let stateProblems = Family(
    "remora_state_problems", .counter,
    help: "Times that the file in state_dir could not be used, or not be written.")
  static let usageMissing = Family(
    "remora_usage_missing", .counter, [.provider],
    help: "Answers that should have told their tokens and didn't.")
  static let requestBytes = Family(
    "remora_request_body_bytes", .counter, unit: "bytes", [.endpoint],
    help: "Bytes of request bodies from clients.")
  static let responseBytes = Family(
    "remora_response_body_bytes", .counter, unit: "bytes", [.endpoint],
    help: "Bytes of response bodies to clients.")
  static let streamsEnded = Family(
    "remora_streams_ended", .counter,
    [
      .provider,
      .detail("reason") { (ExchangeEnd(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .error).streamReason },
    ],
    help: "Streams that ended, by whose they were and by what ended them.")
  static let attempts = Family(
    "remora_upstream_attempts", .counter,
    [
      .provider,
      .detail("outcome") { (AttemptOutcome(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .cancelled).name },
    ],
    help: "Attempts at upstreams, retries and fallbacks included.")
  static let upstreamFirstByte = Family(
    "remora_upstream_first_byte_seconds", .histogram, unit: "seconds", [.provider],
    help: "Time of an attempt from the request sent to the first byte of its answer.")
  static let upstreamConnect = Family(
    "remora_upstream_connect_seconds", .histogram, unit: "seconds", [.provider],
    help: "Time to make a connection to an upstream: name, TCP and TLS.")
  static let outputSpeed = Family(
    "remora_output_tokens_per_second", .histogram, [.provider, .model],
    help: "Output tokens a second of streams of at least 16, from the first token to the end.")
  static let certificateExpiry = Family(
    "remora_tls_certificate_expiry_timestamp_seconds", .gauge, unit: "seconds",
    help: "Unix time at which a certificate of Remora's own ends.")
  static let secretLoad = Family(
    "remora_secret_last_load_timestamp_seconds", .gauge, unit: "seconds",
    help: "Unix time at which a file that the configuration names was found with the content in use.")
  static let loadFailures = Family(
    "remora_secret_load_failures", .counter,
    help: "Times that a secret or file which the configuration names could not be loaded anew.")
  static let memoryLimit = Family(
    "remora_memory_limit_bytes", .gauge, unit: "bytes",
    help: "Memory that may be held before requests are refused; 0: no ceiling.")
  static let memoryUsed = Family(
    "remora_memory_used_bytes", .gauge, unit: "bytes",
    help: "Memory that is held, or promised to what has begun, as it is counted against the limit.")
  static let draining = Family("remora_draining", .gauge, help: "1 while the process is on its way out.")
  static let retries = Family(
    "remora_retries", .counter,
    [
      .provider,
      .detail("class") { (AttemptFailure(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .caller).name },
    ],
    help: "Attempts at a target that the same request had been sent to before, by what had failed there.")
  static let fallbacks = Family(
    "remora_fallbacks", .counter, [.from, .to],
    help: "Requests that went on from one target to another.")
  static let targetState = Family(
    "remora_target_state", .gauge,
    help: "How a configured target is doing: 0 closed, 1 half open, 2 open, 3 cooling.")
  static let targetTransitions = Family(
    "remora_target_transitions", .counter, help: "Changes of a configured target's state.")
  static let refreshes = Family(
    "remora_credential_refreshes", .counter,
    [
      .provider,
      .detail("result") { (RefreshResult(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .failed).name },
    ],
    help: "Credentials that were looked up again because the upstream refused them.")
  static let connections = Family(
    "remora_upstream_connections", .gauge,
    [
      .provider,
      .detail("state") { (ConnectionState(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .idle).name },
    ],
    help: "Open connections to upstreams.")
  static let tlsResumed = Family(
    "remora_tls_resumed", .counter, [.provider],
    help: "TLS handshakes with upstreams that took up an earlier session.")
  static let droppedFields = Family(
    "remora_dropped_fields", .counter, [.provider],
    help: "Fields of requests that the upstream can't be told and that were left out.")
  static let unknownSaid = Family(
    "remora_translate_unknown", .counter,
    [
      .provider,
      .detail("kind") { (UnknownPlace(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .event).name },
    ],
    help: "What upstreams said that their dialect doesn't know and that was passed over.")
  static let clientConnections = Family(
    "remora_client_connections", .gauge, help: "Open connections from clients.")
  static let evicted = Family(
    "remora_client_connections_evicted", .counter,
    [.detail("port") { (Port(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .proxy).name }],
    help: "Silent connections of clients that were closed to make room for others.")
  static let refused = Family(
    "remora_refused", .counter,
    [
      .detail("reason") {
        (RefusedReason(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .malformedHead).name
      }
    ],
    help: "Requests refused for their form alone, or for want of memory.")
  static let cache = Family(
    "remora_cache", .counter,
    [.detail("result") { (CacheResult(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .bypass).name }],
    help:
      "Requests that an answer which is kept could have served: it did, it wasn't there, or it wasn't wanted."
  )
  static let rejections = Family(
    "remora_consumer_rejections", .counter,
    [
      .detail("reason") {
        (ConsumerRejection(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .unknown).name
      }
    ],
    help:
      "Requests turned away because of who asks: no key, an unknown one, a model that the group may not use.")
  static let limited = Family(
    "remora_limited", .counter,
    [
      .detail("scope") { (LimitScope(rawValue: UInt8(truncatingIfNeeded: $0 >> 8)) ?? .pod).name },
      .detail("limit") {
        (LimitKind(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .requestsPerMinute).name
      },
    ],
    help: "Requests turned away by a limit or a budget.")
  static let policyActions = Family(
    "remora_policy_actions", .counter,
    [
      .policy, .detail("action") { (PolicyAction(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .failed).name },
    ],
    help: "What policies did to requests and answers.")
  static let policyFindings = Family(
    "remora_policy_findings", .counter, [.policy, .entity], help: "What policies found, by kind.")
  static let policyScanned = Family(
    "remora_policy_scanned_bytes", .counter, unit: "bytes",
    [
      .policy,
      .detail("side") { (PolicySideName(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .request).name },
    ],
    help: "Bytes of text that policies have looked at: the proof that they ran.")
  static let policyScan = Family(
    "remora_policy_scan_seconds", .histogram, unit: "seconds",
    help: "Time that policies took to look at a request.")
  static let policyUnrestored = Family(
    "remora_policy_unrestored", .counter,
    help: "Texts in answers that look like a placeholder and are none of the request's.")
  static let policyUnscanned = Family(
    "remora_policy_unscanned", .counter, [.endpoint],
    help: "Bodies that policies could not look at, because they are no JSON object.")
  static let auditLines = Family(
    "remora_audit_lines", .counter, help: "Lines that audit logs have written.")
  static let auditDropped = Family(
    "remora_audit_dropped", .counter,
    help: "Lines of audit logs that were dropped, because they couldn't be written.")
  static let auditErrors = Family(
    "remora_audit_write_errors", .counter, help: "Times that an audit log could not be written.")
  static let auditQueue = Family(
    "remora_audit_queue_bytes", .gauge, unit: "bytes", help: "Bytes of audit logs that wait for the disk.")
  static let auditLast = Family(
    "remora_audit_last_seq", .gauge,
    help: "The number of an audit log's last line: a file that ends before it was cut.")
  static let otlpSpans = Family(
    "remora_otlp_spans", .counter, help: "Spans on their way to the collector, by what became of them.")
  static let otlpExports = Family(
    "remora_otlp_exports", .counter,
    help: "Exports of traces and metrics, by the collector's answer; none: there was no answer.")
  static let otlpQueue = Family(
    "remora_otlp_queue_spans", .gauge, help: "Spans that wait to be exported.")
  static let reloads = Family(
    "remora_config_reloads", .counter,
    [.detail("result") { (ReloadResult(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .invalid).name }],
    help: "Reloads of the configuration, by result.")
  static let lastReloadSuccessful = Family(
    "remora_config_last_reload_successful", .gauge,
    help: "1 if the newest configuration is in force, 0 if it was refused and an older one serves.")
  static let lastReloadSuccess = Family(
    "remora_config_last_reload_success_timestamp_seconds", .gauge, unit: "seconds",
    help: "Unix time of the last successful load of the configuration.")
  static let watchMode = Family(
    "remora_config_watch_mode", .gauge,
    [.detail("mode") { (WatchMode(rawValue: UInt8(truncatingIfNeeded: $0)) ?? .poll).name }],
    help: "1 for the way in which changes of the configuration's files are noticed.")
  static let config = Family("remora_config", .info, help: "The configuration in force.")
  static let foldedLabelSets = Family(
    "remora_metrics_dropped_label_sets", .counter,
    help: "Observations counted under other because the metric had too many label sets.")
  static let logLinesDropped = Family(
    "remora_log_lines_dropped", .counter, help: "Log lines dropped because nobody read them in time.")
  static let cpu = Family(
    "process_cpu_seconds", .counter, unit: "seconds", help: "User and system CPU time spent.")
  static let residentMemory = Family(
    "process_resident_memory_bytes", .gauge, unit: "bytes", help: "Resident memory size.")
  static let virtualMemory = Family(
    "process_virtual_memory_bytes", .gauge, unit: "bytes", help: "Virtual memory size.")
  static let openDescriptors = Family(
    "process_open_fds", .gauge, help: "Open file descriptors.")
  static let maxDescriptors = Family(
    "process_max_fds", .gauge, help: "Most file descriptors there may be.")
  static let startTime = Family(
    "process_start_time_seconds", .gauge, unit: "seconds",
    help: "Start time of the process since the Unix epoch.")
  static let threads = Family("process_threads", .gauge, help: "Threads of the process.")
}
