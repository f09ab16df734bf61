// The loop over tries: one after the other, until there is an answer to bring back or nothing more to try. What comes
// next is decided in Policy/Attempts.swift.

internal import Dialects
internal import HTTP
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Calls the plan's targets until one has an answer to bring back.
  ///
  /// - Returns: the try that has an answer.
  func call(_ plan: Plan, _ connection: ClientConnection) async throws(Refusal) -> Attempt {
    var attempts = Attempts(isKept: ask.isKept, isIdempotent: ask.isIdempotent)
    var trial = attempts.first()
    var isFirst = true
    while true {
      let attempt = begin(plan[trial.target], connection)
      attempt.tried.beganAt = isFirst ? ask.receivedAt ?? now : Instant.now
      isFirst = false
      var outcome = await attempt.run(trial.reuse)
      // What can't be said was no try, nor was a connection that was dead: the upstream has not seen the request.
      if attempt.tried.isSaid, trial.reuse != .new { record.attempts += 1 }
      record.take(attempt.tried)
      if attempt.mayHaveAskedTooMuch(outcome), ask.isKept, try await attempt.wasAskedTooMuch() {
        note(.clientError, attempt)
        outcome = .askedTooMuch
      }
      var step = attempts.next(outcome)
      if case .checkKey = step {
        let hasChanged = try await attempt.credentialHasChanged()
        if hasChanged {
          note(.authRejected, attempt)
          attempt.letGo()
        }
        step = attempts.next(hasChanged ? .keyChanged : .keyUnchanged)
      }
      switch step {
      case .call(let next): trial = next
      case .relay:
        note(AttemptOutcome(status: attempt.call.reply.status), attempt)
        return attempt
      case .refuse, .checkKey:
        let refusal = attempt.tried.failure ?? .cannotConnect(attempt.upstream.name, "there was no answer")
        note(AttemptOutcome(refusal.cause), attempt)
        throw refusal
      }
    }
  }

  private func note(_ outcome: AttemptOutcome, _ attempt: Attempt) {
    // An answer from inside Remora has no upstream.
    if attempt.conversation.isLocal || !attempt.tried.isSaid { return }
    state.shard.attempted(attempt.label, outcome)
  }
}

extension Attempt {
  /// Whether the answer may be a refusal of the usage that only Remora asked for.
  func mayHaveAskedTooMuch(_ outcome: Outcome) -> Bool {
    switch outcome {
    case .status(400), .status(422): conversation.addsUsage
    default: false
    }
  }

  /// Reads the error. Where it speaks of `stream_options`, they are added no more for this provider, until the
  /// configuration is read again.
  ///
  /// - Returns: whether it does.
  func wasAskedTooMuch() async throws(Refusal) -> Bool {
    tried.patience = Patience(at: now)
    try await readError()
    guard Fault.refusesStreamOptions(errorText.view, status: call.reply.status) else { return false }
    upstream.refusesStreamOptions.store(true, ordering: .relaxed)
    release()
    return true
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

  init(_ cause: Refusal.Cause) {
    self =
      switch cause {
      case .unreachable: .connectFailed
      case .tls: .tlsFailed
      case .timedOut: .timeout
      case .broken: .protocolError
      case .request, .clientGone, .credentials, .overloaded, .draining: .cancelled
      }
  }
}

extension Ask {
  /// Whether all of the request is still here, so that it can go out again.
  var isKept: Bool { !body.isFollowed && (body.isJSON || head.framing == .none) }

  /// Whether a repetition makes nothing that the first one made already (RFC 9110 section 9.2.2).
  var isIdempotent: Bool {
    switch head.method {
    case .get, .head, .options, .put, .delete: return true
    case .post:
      // Inference leaves nothing at the provider that a second call would double; a stored response would be doubled.
      switch target.endpoint {
      case .chatCompletions, .completions, .embeddings, .messages, .countTokens: return true
      default: return head.first(.idempotencyKey) != nil
      }
    case .patch, .trace, .connect, .other: return false
    }
  }

  /// Where the body is taken from while it is sent.
  var upload: Upload {
    if body.isFollowed { return .followed }
    if body.isJSON { return .kept(at: 0) }
    return head.framing == .none ? .sent : .streamed(isChunked: head.framing == .chunked)
  }
}
