// The answer back to the client: which kind of answer it is, what goes before its body and what follows it. The body
// itself is carried by Carry.swift.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Brings the answer of `attempt`, whose head has come, to the client.
  func relay(_ attempt: Attempt, _ connection: ClientConnection) async throws(Refusal) {
    if !attempt.conversation.asksProvider { return try answerLocally(attempt, connection) }
    // Nothing is repeated once an answer has begun: a stream doesn't keep its request in memory.
    if attempt.call.hasSent {
      ask.body.bytes.removeAll()
      attempt.conversation.forgetBody()
    }
    if attempt.tried.beginning.opened == nil {
      attempt.tried.carriage.patience = Patience(at: now, stalled: state.patience.stalled)
    }
    if attempt.call.reply.names.contains(.contentEncoding) { try attempt.refuseCoding() }
    var facts = attempt.tried.beginning.opened?.facts ?? attempt.replyFacts
    if attempt.tried.beginning.opened == nil, attempt.isUnlabelled(facts) {
      try await attempt.lookAtOpening(&facts)
    }
    if facts.status >= 400, attempt.takesError(facts) {
      return try await relayError(attempt, connection)
    }
    if let strange = attempt.conversation.strangeness(of: facts, isFullService: ask.target.isFullService) {
      throw .notTheAPI(attempt.upstream.name, strange)
    }
    if attempt.isUnreadRedirect(facts) { return try await relayRedirect(attempt, connection) }
    var manner = attempt.tried.beginning.opened?.manner ?? begin(facts, attempt)
    if manner == .watched {
      var mustReadWhole = attempt.mustReadWholeAtOnce()
      if mustReadWhole == nil { mustReadWhole = try await attempt.mustReadWhole() }
      if mustReadWhole == true {
        attempt.conversation.readWhole()
        manner = .whole
      }
    }
    switch manner {
    case .whole:
      // Answers that may need repair, or another form: read whole, looked at, sent with a length of their own. Because
      // nothing is sent before the answer is whole, one that breaks off is a clean 502.
      if try !attempt.readAtOnce(upTo: Ceiling.wholeReply) {
        try await attempt.readWhole(upTo: Ceiling.wholeReply)
      }
      attempt.release()
      return try deliver(attempt, connection)
    case .watched: if attempt.awaitsMember { try await attempt.awaitOpening() }
    case .untouched:
      attempt.metadata.clear()
      try passUnread(facts)
    case .events: break
    }
    if attempt.tried.beginning.opened?.manner == nil { guardText(manner, attempt) }
    if !answer.hasBegun {
      begin(manner, attempt, connection)
    } else if manner != .events {
      throw .notTheAPI(attempt.upstream.name, "it is no stream, and a stream was asked for")
    }
    if !attempt.held.isEmpty {
      answer.piece { $0.append(attempt.held) }
      attempt.held.removeAll()
    }
    var isWhole = try attempt.carryAtOnce(manner)
    if !isWhole { isWhole = try await attempt.carry(manner) }
    try end(isWhole, attempt, connection)
  }

  /// Puts what the policies want of the model's text in the way of a stream.
  func guardText(_ manner: Manner, _ attempt: Attempt) {
    guard manner == .events, let gate = ask.gate else { return }
    gate.begin()
    attempt.tried.carriage.gate = gate
    attempt.tried.carriage.passesGate = attempt.conversation.guardStream(by: gate)
  }

  // A function of its own, as those below, so that its locals take no memory while the answer is carried.
  @inline(never)
  func begin(_ facts: ReplyFacts, _ attempt: Attempt) -> Manner {
    attempt.prepareMetadata(attempts: record.attempts)
    if let trace = ask.trace, trace.isSampled { attempt.conversation.note(in: trace.answer) }
    return attempt.conversation.begin(facts, member: unsafe attempt.metadata.view) {
      AnswerStamp(created: attempt.unixSeconds, seed: attempt.seed())
    }
  }

  /// Writes the head of an answer whose body goes on as it comes.
  @inline(never)
  func begin(_ manner: Manner, _ attempt: Attempt, _ connection: ClientConnection) {
    let isStream = manner == .events
    let isOurs = attempt.conversation.wording == .ours
    var framing = attempt.call.flow.framing
    switch framing {
    case .length(let count) where !isStream && !attempt.call.flow.isCoded:
      framing = .length(count + (attempt.metadata.isEmpty ? 0 : attempt.metadata.count + 1))
    // Events may be left out or added, so the length that a provider gave for its stream doesn't hold; nor does that of
    // a coded body.
    case .length, .chunked, .untilClose:
      // HTTP/1.0 knows no chunks: there the close delimits (RFC 9112 section 6.3, item 8).
      framing = ask.isOld ? .untilClose : .chunked
      if ask.isOld { connection.mustClose = true }
    case .none: break
    }
    answer.begin(isOurs ? 200 : attempt.call.reply.status, isEvents: isStream)
    let relaysTrailers = framing == .chunked && ask.head.acceptsTrailers && !isOurs
    attempt.writeReplyFields(replacesBody: isOurs, relaysTrailers: relaysTrailers)
    if isOurs {
      if isStream {
        HeadWriter.eventStream(to: &answer.outbound)
      } else {
        HeadWriter.field("Content-Type", "application/json", to: &answer.outbound)
      }
    }
    writeCommonFields(connection)
    if case .none = framing, ask.head.method == .head || attempt.call.reply.status == 304,
      let count = attempt.call.reply.contentLength
    {
      framing = .length(count)
    }
    answer.end(head: framing)
  }

  /// Ends an answer whose body went on as it came, in the way in which the conversation says that it ended.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the stream's.
  @inline(never)
  private func end(_ isWhole: Bool, _ attempt: Attempt, _ connection: ClientConnection) throws(Refusal) {
    var ending = Ending.complete
    answer.piece { out in
      let before = out.count
      if let gate = attempt.tried.carriage.gate {
        ending = attempt.end(isWhole: isWhole, gate, into: &out)
      } else {
        ending = attempt.conversation.end(isWhole: isWhole, into: &out)
      }
      if case .fault = ending { attempt.mask(&out, from: before) }
      if attempt.tried.carriage.owesBreakdown { attempt.tellBreakdown(into: &out, from: before) }
      if let write = ask.cache.write { write.take(out.bytes.extracting(before..<out.count)) }
    }
    if attempt.tried.carriage.gate != nil, let refusal = ask.watch?.refusal { throw refusal }
    if ask.turn != nil { attempt.remember() }
    switch ending {
    case .complete: break
    case .failed:
      record.end = .error
      answer.cut()
    case .truncated:
      attempt.tried.carriage.wasCut = true
      throw .protocolBroken(attempt.upstream.name, "the stream ended before the answer did")
    case .fault(let fault):
      // The client has been told in the stream; its framing must not look whole either.
      note(fault)
      answer.cut()
      connection.mustClose = true
      return attempt.call.drop()
    }
    if ask.head.acceptsTrailers, attempt.call.flow.hasTrailers {
      let trailers = attempt.call.flow.trailers
      answer.end(trailers: attempt.showsSecret(head: trailers.span) ? [] : trailers)
    } else {
      answer.end(trailers: [])
    }
    if isWhole { return attempt.release() }
    attempt.call.drop()
    if connection.socket.peerHasClosed {
      // One that only sends no more still gets the framing's end; to one that is gone it is nothing that was missed.
      _ = try? connection.socket.write(from: &answer.outbound)
      answer.outbound.removeAll()
      connection.mustClose = true
    }
  }

  /// Notes for the log why an answer failed: the provider broke the protocol, or its answer told of a failure.
  private func note(_ fault: AnswerFault) {
    record.end = .error
    record.errorCode = fault.breaksProtocol ? "upstream_protocol" : "upstream_answer"
  }

  // MARK: Answers that are read whole

  @inline(never)
  private func deliver(_ attempt: Attempt, _ connection: ClientConnection) throws(Refusal) {
    let name = attempt.upstream.name
    let isOurs = attempt.conversation.wording == .ours
    let verdict = attempt.conversation.conclude(
      provider: name, member: unsafe attempt.metadata.view, into: &answer.body)
    var tellsFailure = attempt.conversation.tellsFailure
    if case .error = verdict { tellsFailure = true }
    if tellsFailure { attempt.mask(&answer.body) }
    if let gate = ask.gate {
      let isStream = if case .stream = verdict { true } else { false }
      gate.restore(&answer.body, isStream: isStream)
      if let refusal = ask.watch?.refusal { throw refusal }
    }
    if ask.turn != nil, verdict.isAnswer { attempt.remember() }
    if attempt.tried.carriage.owesBreakdown { attempt.addBreakdown(to: &answer.body, verdict) }
    if let write = ask.cache.write { write.take(unsafe answer.body.view) }
    switch verdict {
    case .answer where answer.hasBegun: throw .notTheAPI(name, "it is no stream, and a stream was asked for")
    case .answer:
      answerWhole(isOurs ? 200 : attempt.call.reply.status, attempt, isOurs: isOurs, connection)
    case .stream: answerStream(attempt, connection)
    case .error(let status):
      if attempt.hasOwnKey, status == 401 || status == 403 {
        throw .upstreamAuth(name, status: status, key: attempt.upstream.settings.keyPlace)
      }
      answerError(status, attempt, isOurs: isOurs, connection)
    case .fault(let fault): answer(fault, attempt, connection)
    case .invalid(let fault, let start):
      throw .protocolBroken(
        name, "its answer is not valid JSON: \(fault.reason.message) at byte \(start + fault.offset)")
    }
  }

  /// Answers with a body that was made of the provider's.
  private func answerWhole(
    _ status: Int, _ attempt: Attempt, isOurs: Bool, retryAfter: Int? = nil, _ connection: ClientConnection
  ) {
    if !ask.body.flow.hasEnded { connection.mustClose = true }
    answer.begin(status)
    attempt.writeReplyFields(replacesBody: isOurs)
    if isOurs { HeadWriter.field("Content-Type", "application/json", to: &answer.outbound) }
    if let retryAfter, attempt.call.reply.first(.retryAfter) == nil {
      HeadWriter.field("Retry-After", retryAfter, to: &answer.outbound)
    }
    writeCommonFields(connection)
    answer.end(head: .length(answer.body.count))
    answer.send()
  }

  /// Answers with a provider's error, in the client's form.
  private func answerError(
    _ status: Int, _ attempt: Attempt, isOurs: Bool, retryAfter: Int? = nil, _ connection: ClientConnection
  ) {
    let form = ask.errorForm
    if state.writesAccessLog { record.errorMessage = sentence(of: unsafe answer.body.view, status, attempt) }
    let status = form.status(status)
    form.put(&answer.body, status: status, requestID: ask.requestID)
    if answer.hasBegun { return tellInStream(form, connection) }
    answerWhole(status, attempt, isOurs: isOurs, retryAfter: retryAfter, connection)
  }

  /// What the log says of a provider's own error: its status, and the provider's name for it. Its words may be the prompt's.
  ///
  /// - Parameter body: an error in OpenAI's or Anthropic's shape.
  private func sentence(of body: Span<UInt8>, _ status: Int, _ attempt: Attempt) -> String {
    var name = ""
    if let error = JSONView.value(body, in: 0..<body.count, at: "error") {
      for key in ["code" as StaticString, "type"] where name.isEmpty {
        guard let said = JSONView.value(body, in: error, at: key), JSONView.kind(body, said) == .string
        else { continue }
        let text = JSONString.content(body, said)
        if text.isErrorName { name = " (\(text.text()))" }
      }
    }
    return "Provider '\(attempt.upstream.name)' answered \(status)\(name)."
  }

  /// Answers with a stream that was made of a whole answer.
  private func answerStream(_ attempt: Attempt, _ connection: ClientConnection) {
    if !answer.hasBegun {
      if ask.isOld { connection.mustClose = true }
      answer.begin(200, isEvents: true)
      attempt.writeReplyFields(replacesBody: true)
      HeadWriter.eventStream(to: &answer.outbound)
      writeCommonFields(connection)
      answer.end(head: ask.isOld ? .untilClose : .chunked)
    }
    answer.send()
    answer.end(trailers: [])
  }

  /// Answers with what went wrong in a provider's answer that looked good.
  private func answer(_ fault: AnswerFault, _ attempt: Attempt, _ connection: ClientConnection) {
    note(fault)
    answer.body.removeAll()
    Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &answer.body)
    attempt.mask(&answer.body)
    let form = ask.errorForm
    let status = form.status(fault.status)
    form.put(&answer.body, status: status, requestID: ask.requestID)
    if answer.hasBegun { return tellInStream(form, connection) }
    if !ask.body.flow.hasEnded { connection.mustClose = true }
    answer.begin(status)
    attempt.writeReplyFields(replacesBody: true)
    HeadWriter.field("Content-Type", "application/json", to: &answer.outbound)
    HeadWriter.field("x-remora-error-source", Refusal.Source.upstream.name, to: &answer.outbound)
    writeCommonFields(connection)
    answer.end(head: .length(answer.body.count))
    answer.send()
  }

  // MARK: Errors

  /// Reads a provider's error whole and answers with it in OpenAI's shape.
  private func relayError(_ attempt: Attempt, _ connection: ClientConnection) async throws(Refusal) {
    if attempt.errorText.isEmpty { try await attempt.readError() }
    attempt.release()
    attempt.mask(&attempt.errorText)
    try deliver(error: attempt.errorText, attempt, connection)
  }

  @inline(never)
  private func deliver(
    error text: borrowing ByteQueue, _ attempt: Attempt, _ connection: ClientConnection
  ) throws(Refusal) {
    let status = attempt.call.reply.status
    answer.body.removeAll()
    let facts = attempt.conversation.error(
      text.bytes, status: status,
      kind: attempt.call.field(attempt.conversation.faultField),
      provider: attempt.upstream.name, into: &answer.body)
    ask.gate?.restore(&answer.body, looks: false)
    if facts.isAuthentication, attempt.hasOwnKey {
      throw .upstreamAuth(attempt.upstream.name, status: status, key: attempt.upstream.settings.keyPlace)
    }
    answerError(facts.status, attempt, isOurs: true, retryAfter: facts.retryAfter, connection)
  }

  /// Reads a redirect's few words and passes them on, where answers go on unread, without the key that they may repeat.
  private func relayRedirect(_ attempt: Attempt, _ connection: ClientConnection) async throws(Refusal) {
    attempt.tried.carriage.patience = Patience(at: now, stalled: state.patience.stalled)
    if attempt.errorText.isEmpty { try await attempt.readError() }
    guard attempt.call.flow.hasEnded else {
      throw .protocolBroken(attempt.upstream.name, "its redirect breaks off, or says too much")
    }
    attempt.release()
    attempt.mask(&attempt.errorText)
    swap(&answer.body, &attempt.errorText)
    answerWhole(attempt.call.reply.status, attempt, isOurs: false, connection)
  }

  // MARK: Answers from inside

  /// Answers as a provider would, without one.
  private func answerLocally(_ attempt: Attempt, _ connection: ClientConnection) throws(Refusal) {
    guard let mock = attempt.conversation.local else { return }
    let manner = begin(mock.facts, attempt)
    do throws(TakeFault) {
      try attempt.conversation.take(mock.text, member: unsafe attempt.metadata.view, into: &answer.body)
    } catch { throw Refusal(error, provider: attempt.upstream.name) }
    if manner == .whole {
      _ = attempt.conversation.conclude(
        provider: attempt.upstream.name, member: unsafe attempt.metadata.view, into: &answer.body)
    } else {
      _ = attempt.conversation.end(isWhole: true, into: &answer.body)
    }
    ask.gate?.restore(&answer.body, isStream: manner == .events)
    if attempt.tried.carriage.owesBreakdown {
      attempt.addBreakdown(to: &answer.body, manner == .events ? .stream : .answer)
    }
    if let refusal = ask.watch?.refusal { throw refusal }
    if ask.turn != nil { attempt.remember() }
    if let write = ask.cache.write { write.take(unsafe answer.body.view) }
    if manner == .events {
      // All of it is there at once, its first token too.
      if attempt.conversation.hasContent { attempt.tried.times.firstTokenAt = .now }
      return answerStream(attempt, connection)
    }
    answer(200, "application/json", connection)
  }
}

extension Span<UInt8> {
  /// Whether this is what a program calls an error: letters and digits, and no sentence.
  fileprivate var isErrorName: Bool {
    if isEmpty || count > 64 { return false }
    for at in 0..<count {
      switch self[at] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        continue
      default: return false
      }
    }
    return true
  }
}

extension Refusal {
  init(_ fault: TakeFault, provider: String) {
    switch fault {
    case .eventTooLarge: self = .protocolBroken(provider, "an event of its stream is too large")
    case .notJSON: self = .protocolBroken(provider, "an event of its stream is not valid JSON")
    }
  }
}
