// The spans of an exchange: one for the request, one for each try. Written when they are over; what they say is in the
// OpenTelemetry conventions for HTTP and for generative AI (every `gen_ai.*` of which may change: they stand here alone).
//
// Never a prompt, an answer, a key or baggage, and there is no switch for it.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Writes the span of a try that was over at `end`.
  @inline(never)
  func writeSpan(
    of attempt: Attempt, _ outcome: AttemptOutcome, _ trace: ExchangeTrace, at end: Instant
  ) {
    let (upstream, encoder) = (attempt.upstream, trace.spans)
    var ids = trace.ids
    ids.span = trace.attempt
    encoder.begin(
      ids, parent: trace.ids.span, state: unsafe trace.traceState.view, flags: trace.flags, isRemote: false,
      kind: .client)
    let method = ask.headBytes.extracting(ask.head.methodText)
    let operation = ask.target.endpoint.operation
    if let operation {
      attempt.withModel { encoder.name(operation.bytes, $0) }
    } else {
      encoder.name(method, method.extracting(0..<0))
    }
    encoder.time(from: trace.unix(attempt.tried.times.beganAt), to: trace.unix(end))
    if let operation { writeModel(operation, attempt, trace, encoder) }
    encoder.attributes(upstream.words.spanAttributes)
    encoder.attribute("http.request.method", method)
    let status = attempt.tried.times.firstByteAt == nil ? 0 : attempt.call.reply.status
    if status > 0 { encoder.attribute("http.response.status_code", status) }
    if attempt.tried.number > 1 {
      encoder.attribute("http.request.resend_count", attempt.tried.number - 1)
    }
    encoder.attribute("remora.outcome", outcome.name)
    encoder.attribute(
      "remora.connection", attempt.tried.times.connecting == nil ? "reused" as StaticString : "new")
    if trace.waited > 0 { encoder.attribute("remora.retry_wait_ms", trace.waited / 1_000_000) }
    trace.waited = 0
    switch outcome {
    case .success, .cancelled: break
    default:
      if status >= 400 {
        encoder.attribute("error.type", Array(String(status).utf8).span)
      } else {
        encoder.attribute("error.type", outcome.name)
      }
      encoder.status(.error(outcome.name))
    }
    encoder.end()
  }

  /// What the conventions for generative AI want of a call.
  private func writeModel(
    _ operation: StaticString, _ attempt: Attempt, _ trace: ExchangeTrace, _ encoder: SpanEncoder
  ) {
    encoder.attribute("gen_ai.operation.name", operation)
    encoder.attributes(attempt.upstream.words.modelAttributes)
    attempt.withModel { encoder.attribute("gen_ai.request.model", $0) }
    encoder.attribute("gen_ai.request.stream", ask.body.facts.streams)
    encoder.attribute("gen_ai.request.max_tokens", trace.maxTokens)
    encoder.attribute("gen_ai.request.choice.count", trace.choices)
    encoder.attribute("gen_ai.request.temperature", trace.temperature)
    encoder.attribute("gen_ai.request.top_p", trace.topP)
    encoder.attribute("gen_ai.request.seed", trace.seed)
    if let thread = written?.thread { encoder.attribute("gen_ai.conversation.id", thread.span) }
    attempt.conversation.complete(trace.answer)
    encoder.attribute("gen_ai.response.id", unsafe trace.answer.id.view)
    encoder.attribute("gen_ai.response.model", unsafe trace.answer.model.view)
    encoder.attribute("gen_ai.response.finish_reasons", words: unsafe trace.answer.reasons.view)
    if let sent = attempt.tried.times.sentAt, let first = attempt.tried.times.firstTokenAt {
      encoder.attribute(
        "gen_ai.response.time_to_first_chunk", Double(first.nanoseconds(since: sent)) / 1_000_000_000)
      encoder.event("first_token", at: trace.unix(first))
      encoder.attribute("langfuse.observation.completion_start_time", instant: trace.unix(first))
    }
    writeUsage(attempt, trace, encoder)
  }

  private func writeUsage(_ attempt: Attempt, _ trace: ExchangeTrace, _ encoder: SpanEncoder) {
    let usage = attempt.conversation.usage
    if usage.isEmpty { return }
    let isShown =
      switch lineup.snapshot.telemetry?.usage {
      case .root: trace.isRoot
      case .never: false
      case .always, nil: true
      }
    if trace.cost == nil, let prices = attempt.rate.facts?.prices {
      trace.cost = Int(clamping: prices.cost(of: usage, served: attempt.served).picodollars)
    }
    let cost = trace.cost.map { Double($0) / 1_000_000_000_000 }
    if isShown {
      encoder.attribute("gen_ai.usage.input_tokens", usage.input)
      encoder.attribute("gen_ai.usage.output_tokens", usage.output)
      encoder.attribute("gen_ai.usage.cache_read.input_tokens", usage.cachedInput)
      // The name that is coming, and the one that back ends read.
      encoder.attribute("gen_ai.usage.cache_write.input_tokens", usage.cacheWrite)
      encoder.attribute("gen_ai.usage.cache_creation.input_tokens", usage.cacheWrite)
      encoder.attribute("gen_ai.usage.reasoning.output_tokens", usage.reasoning)
      encoder.attribute("gen_ai.usage.cost", cost)
    } else {
      writeOwnUsage(usage, cost, encoder)
    }
  }

  /// Where the application tells it itself, and a back end would count it twice.
  @inline(never)
  private func writeOwnUsage(_ usage: TokenUsage, _ cost: Double?, _ encoder: SpanEncoder) {
    encoder.attribute("remora.usage.input_tokens", usage.input)
    encoder.attribute("remora.usage.output_tokens", usage.output)
    encoder.attribute("remora.usage.cache_read.input_tokens", usage.cachedInput)
    encoder.attribute("remora.usage.cache_write.input_tokens", usage.cacheWrite)
    encoder.attribute("remora.usage.reasoning.output_tokens", usage.reasoning)
    encoder.attribute("remora.usage.cost", cost)
  }

  /// Writes the span of the request, and hands all of them over.
  @inline(never)
  func finish(
    _ trace: ExchangeTrace, _ counted: ExchangeRecord, _ connection: ClientConnection, at end: Instant
  ) {
    guard let plan = lineup.snapshot.telemetry, plan.traces != nil else { return }
    let hasFailed = hasFailed
    guard trace.keeps(failed: hasFailed) else { return }
    let encoder = trace.spans
    encoder.begin(
      trace.ids, parent: trace.parent, state: unsafe trace.traceState.view, flags: trace.flags | 1,
      isRemote: trace.parent != 0, kind: .server)
    let method = ask.headBytes.extracting(ask.head.methodText)
    let route = ask.target.endpoint.route
    encoder.name(method, route.bytes)
    encoder.time(from: trace.unix(record.startedAt), to: trace.unix(end))
    encoder.attribute("http.request.method", method)
    encoder.attribute("url.path", ask.headBytes.extracting(ask.head.path))
    encoder.attribute(
      "url.scheme",
      lineup.snapshot.listenerTLS[ask.entrance.index] == nil ? "http" as StaticString : "https")
    encoder.attribute("http.route", route)
    encoder.attribute("http.response.status_code", counted.status)
    writeServer(encoder)
    encoder.attribute("network.protocol.version", ask.isOld ? "1.0" as StaticString : "1.1")
    encoder.attribute("openinference.span.kind", "CHAIN")
    writeOwn(counted, encoder)
    if !trace.isSampled { encoder.attribute("remora.sampled_by", "error") }
    if hasFailed {
      var code = record.errorName.map { Array($0.utf8) } ?? record.errorCode.bytes.array()
      if code.isEmpty { code = Array(String(counted.status).utf8) }
      encoder.attribute("error.type", code.span)
      let word = record.errorCode
      encoder.status(.error(word.utf8CodeUnitCount == 0 ? record.end.name : word))
    }
    encoder.end()
    state.books.spans.append(unsafe encoder.spans, encoder.count, ceiling: plan.queue, batch: plan.batch)
  }

  /// Whether the exchange is an error in the sense of the conventions: the server's, or an answer that was cut.
  var hasFailed: Bool {
    switch record.end {
    case .upstreamEOF, .idleTimeout: true
    case .error: answer.status >= 500 || answer.status < 400
    case .complete, .clientGone, .shutdown: answer.status >= 500
    }
  }

  /// The address that the client has asked.
  private func writeServer(_ encoder: SpanEncoder) {
    guard let host = ask.head.host else { return }
    let text = ask.headBytes.extracting(host)
    var colon = text.count - 1
    while colon >= 0, ASCII.isDigit(text[colon]) { colon -= 1 }
    guard colon > 0, text[colon] == ASCII.colon, colon < text.count - 1 else {
      return encoder.attribute("server.address", text)
    }
    encoder.attribute("server.address", text.extracting(0..<colon))
    var port = 0
    for at in (colon + 1)..<min(text.count, colon + 6) {
      port = port * 10 + Int(text[at] - UInt8(ascii: "0"))
    }
    encoder.attribute("server.port", port)
  }

  /// What only Remora knows.
  private func writeOwn(_ counted: ExchangeRecord, _ encoder: SpanEncoder) {
    encoder.attribute("remora.request_id", ask.requestID)
    encoder.attribute("remora.attempts", record.attempts)
    encoder.attribute("remora.overhead_us", counted.overheadNanoseconds / 1000)
    if let label = ask.group?.label { encoder.attribute("remora.group", label.span) }
    if let header = ask.watch?.header { encoder.attribute("remora.policies", header.utf8.span) }
    if let result = ask.cache.result { encoder.attribute("remora.cache", result.name) }
    encoder.attribute("remora.model_asked", ask.model)
    if let attempt, attempt.conversation.droppedCount > 0 {
      var text = ByteQueue()
      attempt.conversation.dropped.write(into: &text)
      encoder.attribute("remora.dropped", text.bytes)
    }
    // Calls that an SDK repeats are traces apart, unless its caller is traced.
    if let count = ask.retryCount, count > 0 { encoder.attribute("remora.client_retry", count) }
  }
}

extension APIEndpoint {
  /// `gen_ai.operation.name`; nil for what the conventions have no word for.
  fileprivate var operation: StaticString? {
    switch self {
    case .chatCompletions, .responses, .messages: "chat"
    case .completions: "text_completion"
    case .embeddings: "embeddings"
    case .models, .countTokens, .inputTokens, .other: nil
    }
  }

  /// `http.route`; empty for what is passed on.
  fileprivate var route: StaticString {
    switch self {
    case .chatCompletions: "/v1/chat/completions"
    case .completions: "/v1/completions"
    case .embeddings: "/v1/embeddings"
    case .responses: "/v1/responses"
    case .messages: "/v1/messages"
    case .countTokens: "/v1/messages/count_tokens"
    case .inputTokens: "/v1/responses/input_tokens"
    case .models: "/v1/models"
    case .other: ""
    }
  }
}

extension Upstream {
  /// What every span of a try at a provider says, written once.
  static func spanAttributes(
    _ provider: Config.Provider, _ endpoint: Transport.Endpoint
  ) -> (all: [UInt8], models: [UInt8]) {
    let encoder = SpanEncoder()
    encoder.attribute("server.address", endpoint.host.utf8.span)
    encoder.attribute("server.port", Int(endpoint.port))
    encoder.attribute("remora.provider", provider.name.utf8.span)
    let all = encoder.take()
    let name = provider.kind.conventionalName ?? provider.name
    encoder.attribute("gen_ai.provider.name", name.utf8.span)
    encoder.attribute("gen_ai.system", name.utf8.span)
    return (all, encoder.take())
  }
}

extension ProviderKind {
  /// `gen_ai.provider.name` (semantic-conventions-genai, "Provider name"); nil where the configured name says more.
  fileprivate var conventionalName: String? {
    switch self {
    case .azure: "azure.ai.openai"
    case .gemini: "gcp.gemini"
    case .vertex: "gcp.vertex_ai"
    case .bedrock: "aws.bedrock"
    case .mistral: "mistral_ai"
    case .xai: "x_ai"
    case .openaiCompatible: nil
    default: rawValue
    }
  }
}
