// The loop over tries: one after the other, until there is an answer to bring back or nothing more to try. What comes
// next is decided in Policy/Attempts.swift.

internal import Config
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
    let tries = tries
    try tries.start(plan, self)
    var attempts = Attempts(isKept: ask.isKept, isIdempotent: ask.isIdempotent)
    var trial = attempts.first()
    var isFirst = true
    while true {
      let attempt = begin(tries, connection)
      attempt.tried.times.beganAt = isFirst ? ask.receivedAt ?? now : Instant.now
      attempt.tried.deadlines.answer = tries.deadline
      tries.begin(self)
      attempt.tried.paced = tries.paced(self)
      if tries.hasOther { attempt.tried.rivals = tries }
      if tries.hasOther, let time = lineup.snapshot.retry.firstToken, ask.body.isJSON,
        ask.body.facts.streams
      {
        attempt.tried.deadlines.content = attempt.tried.times.beganAt + time
      }
      isFirst = false
      var outcome = await attempt.run(trial.reuse)
      // What can't be said was no try, nor was a connection that was dead: the upstream has not seen the request.
      if attempt.tried.isSaid, trial.reuse != .new { record.attempts += 1 }
      attempt.tried.number = record.attempts
      record.overhead += attempt.tried.times.overhead
      if attempt.mayHaveAskedTooMuch(outcome), ask.isKept, try await attempt.wasAskedTooMuch() {
        note(.clientError, attempt)
        outcome = .askedTooMuch
      }
      var step = attempts.next(outcome)
      if case .checkKey = step { step = attempts.next(try await checkKey(attempt)) }
      switch step {
      case .call(let next):
        tries.abandoned(self)
        trial = next
        continue
      case .relay:
        note(AttemptOutcome(status: attempt.call.reply.status), attempt)
        if !tries.mustLook(attempt) {
          tries.succeeded(self)
          return attempt
        }
      case .refuse, .checkKey:
        let refusal = attempt.tried.failure ?? .cannotConnect(attempt.upstream.name, "there was no answer")
        note(attempt.outcome(of: refusal), attempt)
        if tries.isTransparent { throw refusal }
        attempt.tried.failure = refusal
      }
      switch try await follow(tries, attempt, connection) {
      case .call: break
      case .wait(let until): try await pause(until: until, connection)
      case .stop: return attempt
      }
      attempts = Attempts(isKept: ask.isKept, isIdempotent: ask.isIdempotent)
      trial = attempts.first()
    }
  }

  // Functions of their own, as those below: what they need would stand in the memory of each stream otherwise.
  @inline(never)
  private func checkKey(_ attempt: Attempt) async throws(Refusal) -> Outcome {
    guard try await attempt.credentialHasChanged() else { return .keyUnchanged }
    note(.authRejected, attempt)
    attempt.letGo()
    return .keyChanged
  }

  @inline(never)
  private func begin(_ tries: Tries, _ connection: ClientConnection) -> Attempt {
    begin(tries.plan[tries.place], connection)
  }

  /// Finds out what a try that brought no plain good answer means, and what follows on it.
  ///
  /// - Throws: what the client is told where it has brought no answer at all and nothing follows.
  @inline(never)
  private func follow(
    _ tries: Tries, _ attempt: Attempt, _ connection: ClientConnection
  ) async throws(Refusal) -> Tries.Next {
    var refusal = attempt.tried.failure
    var failure: Failure?
    if refusal == nil {
      do throws(Refusal) { failure = try await look(attempt, connection) } catch { refusal = error }
    }
    if let refusal { failure = attempt.failure(refusal) }
    if attempt.tried.outcome == .success {
      attempt.tried.outcome =
        refusal.map { attempt.outcome(of: $0) } ?? failure.flatMap { AttemptOutcome($0.cls) } ?? .success
    }
    guard let failure else {
      if let refusal {
        tries.abandoned(self)
        throw refusal
      }
      tries.succeeded(self)
      return .stop
    }
    let blames = attempt.hasOwnKey || failure.cls != .auth && failure.cls != .rate && failure.cls != .quota
    var next = tries.next(failure, began: attempt.tried.times.beganAt, blames: blames, self)
    if case .stop = next {} else if !renewPermit(for: tries.plan[tries.place]) { next = .stop }
    if case .stop = next {
      if ask.isKept, ask.target.isFullService, failure.cls != .caller {
        lineup.snapshot.retry.failed.note(ask.callKey, tries: tries.used, at: now.nanoseconds)
      }
      guard var refusal else {
        let wait = failure.wait.map { Int(clamping: $0 / 1_000_000_000) }
        attempt.tried.shouldRetry = ask.target.isFullService ? tries.shouldRetry(wait: wait) : nil
        return .stop
      }
      // That the last one can't be told is no reason to give up on the one that could.
      if failure.cls == .unsaid {
        let name = attempt.upstream.name
        if let failed = tries.failed { throw .noneLeft(failed, (name, refusal.message)) }
        if tries.hasUnasked { throw .othersAreLeftAlone(name, why: refusal.message) }
      }
      if ask.target.isFullService, tries.shouldRetry(wait: refusal.retryAfter) == false {
        refusal.shouldRetry = false
      }
      throw refusal
    }
    bookFailed(attempt, failure)
    attempt.giveUp(failure)
    return next
  }

  /// Looks at an answer whose head is here: why it is none that is wanted; nil where it can go to the client.
  @inline(never)
  private func look(_ attempt: Attempt, _ connection: ClientConnection) async throws(Refusal) -> Failure? {
    let status = attempt.call.reply.status
    if status < 400 { return try await hold(attempt, connection) }
    if attempt.errorText.isEmpty, attempt.takesError(attempt.replyFacts) {
      attempt.tried.carriage.patience = Patience(at: now, stalled: state.patience.stalled)
      if attempt.call.reply.first(.contentEncoding) != nil { try attempt.refuseCoding() }
      try await attempt.readError()
    }
    return attempt.failure()
  }

  private func note(_ outcome: AttemptOutcome, _ attempt: Attempt) {
    if !attempt.conversation.asksProvider || !attempt.tried.isSaid { return }
    attempt.tried.outcome = outcome
  }
}

extension Attempt {
  /// Whether the answer may be a refusal of the usage that only Remora asked for.
  func mayHaveAskedTooMuch(_ outcome: Outcome) -> Bool {
    switch outcome {
    case .status(400), .status(422): conversation.addsUsage
    case .status(404), .status(405), .status(501):
      ask.target.endpoint == .responses && upstream.settings.responses == .auto && conversation.asksSameAPI
    default: false
    }
  }

  /// Reads the error. Where it speaks of `stream_options`, they are added no more for this provider, until the
  /// configuration is read again.
  ///
  /// - Returns: whether it does.
  func wasAskedTooMuch() async throws(Refusal) -> Bool {
    tried.carriage.patience = Patience(at: now, stalled: state.patience.stalled)
    try await readError()
    if upstream.settings.responses == .auto, [404, 405, 501].contains(call.reply.status) {
      // A name that the provider doesn't know is no path that it doesn't know.
      let code = JSONView.content(unsafe errorText.view, in: 0..<errorText.count, at: "error", "code")
      if code.equals("model_not_found") { return false }
      upstream.learned.lacksResponses.store(true, ordering: .relaxed)
      release()
      return true
    }
    guard Fault.refusesStreamOptions(unsafe errorText.view, status: call.reply.status) else { return false }
    upstream.learned.refusesStreamOptions.store(true, ordering: .relaxed)
    release()
    return true
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
      case .chatCompletions, .completions, .embeddings, .messages, .countTokens, .inputTokens: return true
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
