// The end of a try: what came of it is counted, and told where somebody listens. It comes when the next try begins, and for
// the last one when the exchange is accounted for, because an answer that begins well may end badly.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Counts a try that is over, once.
  ///
  /// - Parameters:
  ///   - end: when that was, where it is known.
  ///   - isLast: the exchange is over with it. Else it failed, and the exchange may.
  func conclude(_ attempt: Attempt, at end: Instant? = nil, isLast: Bool = false) {
    guard let outcome = attempt.tried.outcome else { return }
    attempt.tried.outcome = nil
    let label = attempt.label
    var firstByte: Int?
    if let sent = attempt.tried.times.sentAt {
      firstByte = attempt.tried.times.firstByteAt?.nanoseconds(since: sent)
    }
    let connecting = attempt.tried.times.connecting
    shard.attempted(label, outcome)
    shard.timed(label, firstByte: firstByte, connect: connecting)
    if let trace = ask.trace, trace.keeps(failed: !isLast || hasFailed) {
      writeSpan(of: attempt, outcome, trace, at: end ?? .now)
    }
    if outcome.isProvidersFault { complain(attempt, outcome) }
    if Log.isOn(.debug) { tell(attempt, outcome) }
  }

  /// Counts the last try, whose answer the client got or didn't get.
  func concludeLast(_ attempt: Attempt, at end: Instant? = nil) {
    if attempt.tried.outcome == .success { attempt.tried.outcome = outcomeOfAnswer }
    conclude(attempt, at: end, isLast: true)
  }

  /// What became of an answer that had begun well.
  private var outcomeOfAnswer: AttemptOutcome {
    switch record.end {
    case .complete: return .success
    case .clientGone, .shutdown: return .cancelled
    case .upstreamEOF: return .connectionLost
    case .idleTimeout: return .timeout
    case .error:
      if record.errorCode.bytes.equals("upstream_protocol") { return .protocolError }
      return record.errorCode.bytes.equals("upstream_answer") ? .serverError : .success
    }
  }

  /// Warns of a provider that fails, not more often than is of use.
  @inline(never)
  private func complain(_ attempt: Attempt, _ outcome: AttemptOutcome) {
    let name = attempt.upstream.name
    guard let times = state.books.complaints.take(name, at: now) else { return }
    Log.write(
      .warn, "a provider fails", .text("provider", name), .bytes("outcome", outcome.name.bytes),
      .text("problem", sentence(attempt)), .number("times", times), .bytes("request_id", ask.requestID))
  }

  /// What went wrong in a try. Of a provider's own error its status alone: its words may be the prompt's.
  private func sentence(_ attempt: Attempt) -> String {
    if let failure = attempt.tried.failure { return failure.message }
    let status = attempt.call.reply.status
    if status < 400, let message = record.errorMessage { return message }
    return status >= 400
      ? "Provider '\(attempt.upstream.name)' answered \(status)."
      : "Provider '\(attempt.upstream.name)' began an answer and failed in it."
  }

  @inline(never)
  private func tell(_ attempt: Attempt, _ outcome: AttemptOutcome) {
    let tried = attempt.tried
    let model = attempt.withModel { $0.array() }
    func microseconds(to instant: Instant?) -> Int {
      instant.map { $0.nanoseconds(since: tried.times.beganAt) / 1000 } ?? -1
    }
    Log.write(
      .debug, "try", .bytes("request_id", ask.requestID), .number("number", tried.number),
      .text("provider", attempt.upstream.name), .bytes("model", model.span),
      .bytes("outcome", outcome.name.bytes),
      .number("status", tried.times.firstByteAt == nil ? 0 : attempt.call.reply.status),
      .number("connect_us", tried.times.connecting.map { $0 / 1000 } ?? 0),
      .number("sent_us", microseconds(to: tried.times.sentAt)),
      .number("first_byte_us", microseconds(to: tried.times.firstByteAt)),
      .number("first_token_us", microseconds(to: tried.times.firstTokenAt)),
      .number("duration_us", microseconds(to: Instant.now)))
  }

  /// Says which step the exchange has done, and when.
  @inline(never)
  func trace(_ step: StaticString) {
    Log.write(
      .trace, "step", .bytes("request_id", ask.requestID), .bytes("step", step.bytes),
      .number("at_us", Instant.now.nanoseconds(since: record.startedAt) / 1000))
  }
}

extension Attempt {
  /// How a try counts that brought no answer, or one that can't go on.
  func outcome(of refusal: Refusal) -> AttemptOutcome {
    switch refusal.cause {
    case .unreachable: return tried.times.sentAt == nil ? .connectFailed : .connectionLost
    case .tls: return .tlsFailed
    case .timedOut: return .timeout
    case .broken: return tried.carriage.wasCut ? .connectionLost : .protocolError
    case .request, .clientGone, .credentials, .overloaded, .draining: return .cancelled
    }
  }

  /// Says which step the try has done, and when.
  @inline(never)
  func trace(_ step: StaticString) {
    Log.write(
      .trace, "step", .bytes("request_id", ask.requestID), .bytes("step", step.bytes),
      .text("provider", upstream.name),
      .number("in_try_us", Instant.now.nanoseconds(since: tried.times.beganAt) / 1000))
  }
}

extension AttemptOutcome {
  init(status: Int) {
    self =
      switch status {
      case 401, 403: .authRejected
      case 429: .rateLimited
      case 400..<500: .clientError
      case 500...: .serverError
      default: .success
      }
  }

  /// Of an answer that began well and isn't wanted; nil where it was as good as any.
  init?(_ failure: FailureClass) {
    switch failure {
    case .notSent: self = .connectFailed
    case .tls: self = .tlsFailed
    case .silent: self = .timeout
    case .reset, .partial: self = .connectionLost
    case .overload: self = .serverError
    case .broken: self = .protocolError
    case .rate, .quota: self = .rateLimited
    case .auth: self = .authRejected
    case .model, .context, .caller: self = .clientError
    case .filter, .unsaid: return nil
    }
  }

  /// Whether it is the provider, or the way to it, that failed.
  var isProvidersFault: Bool {
    switch self {
    case .success, .clientError, .cancelled: false
    default: true
    }
  }
}
