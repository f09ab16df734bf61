// The client's answer to a request that went as a chat: told by a dialect, or read out of a chat's answer.

internal import Wire

extension Recast {
  /// Begins an answer whose head has come.
  func begin(_ reply: ReplyFacts, member: Span<UInt8>, stamp: AnswerStamp) -> Manner {
    made.removeAll()
    if format == .invocation { return beginInvocation(reply, member: member, stamp) }
    self.member = counts ? member.array() : []
    var frame = FormFrame()
    frame.streams = facts.streams
    frame.model = model
    frame.created = stamp.created
    frame.seed = stamp.seed
    frame.member = member.array()
    answer.begin(frame)
    reader.begin()
    if !counts { inner.tell(reader) }
    // Where a chat's answer gets it, its form decides.
    switch inner.begin(reply, member: counts ? member : Span(), stamp: { stamp }) {
    case .events:
      holdsAll = false
      return .events
    case .whole:
      holdsAll = false
      return .whole
    case .watched, .untouched:
      holdsAll = true
      return .whole
    }
  }

  /// The client's answer is told, by a dialect or by the one who reads a chat's.
  private var isTold: Bool { !counts && !holdsAll }

  /// Takes the next piece of the answer's body.
  func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) throws(TakeFault) {
    if format == .invocation { return try takeInvocation(bytes, into: &out) }
    if isTold {
      try inner.take(bytes, member: Span(), into: &out)
      return answer.checkHeld(into: &out)
    }
    let member = self.member
    try inner.take(bytes, member: member.span, into: &made)
  }

  /// Ends a stream whose bytes are over.
  func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    if format == .invocation {
      let isBroken = invoked?.isInside ?? false
      return isWhole && isBroken ? .truncated : inner.end(isWhole: isWhole, into: &out)
    }
    let ending = inner.end(isWhole: isWhole, into: &out)
    return answer.isOverfull ? .fault(.tooLarge) : ending
  }

  /// The client has been told that more came than can be held: nothing more is read.
  var hasOverflowed: Bool { answer.isOverfull }

  /// Writes the client's answer from what was read whole.
  func conclude(provider: String, into out: inout ByteQueue) -> Verdict {
    let verdict = writeAnswer(provider: provider, into: &out)
    if case .fault = verdict { answer.takeBack() }
    return verdict
  }

  private func writeAnswer(provider: String, into out: inout ByteQueue) -> Verdict {
    if format == .invocation { return concludeInvocation(provider: provider, into: &out) }
    if isTold {
      let verdict = inner.conclude(provider: provider, member: Span(), into: &out)
      return answer.isOverfull ? .fault(.tooLarge) : verdict
    }
    var verdict = Verdict.answer
    if holdsAll {
      _ = inner.end(isWhole: true, into: &made)
    } else {
      let member = self.member
      verdict = inner.conclude(provider: provider, member: member.span, into: &made)
    }
    guard case .answer = verdict else {
      if case .error = verdict { out.append(made) }
      made.removeAll()
      return verdict
    }
    // What no chat's answer can be.
    guard counts else { return .fault(.malformed) }
    if format == .inputTokens, JSONValue.kind(of: unsafe made.view) == .object {
      // OpenAI's answer says what it is (API reference, "Get input token counts").
      out.append("{\"object\":\"response.input_tokens\",")
      out.append(made, 1..<made.count)
    } else {
      out.append(made)
    }
    made.removeAll()
    return verdict
  }

  /// Ends a stream with what went wrong on the way here, in the words of the client's format.
  ///
  /// - Parameters:
  ///   - error: in OpenAI's shape.
  ///   - stamp: for an answer whose head hasn't come.
  /// - Returns: false where the format has none of its own.
  func fail(_ error: Span<UInt8>, stamp: () -> AnswerStamp, into out: inout ByteQueue) -> Bool {
    guard format == .responses else { return false }
    answer.identify(model, stamp)
    answer.fail(error, into: &out)
    return true
  }

  /// Bytes of the answer that are held.
  var heldCount: Int { made.count + inner.heldCount + answer.heldCount + (invoked?.heldCount ?? 0) }

  /// The provider signs what its model thinks.
  var keepsThoughts: Bool { format == .invocation || answer.hasSigned }

  // MARK: An invocation

  /// Whether a stream's events come in frames: a provider's own ones, behind another gateway, are Anthropic's already.
  private func beginInvocation(_ reply: ReplyFacts, member: Span<UInt8>, _ stamp: AnswerStamp) -> Manner {
    self.member = member.array()
    invoked = nil
    var reply = reply
    isStream = facts.streams && reply.media != .json
    if isStream {
      if reply.media != .events { invoked = InvokedEvents() }
      reply.media = .events
    }
    let manner = inner.begin(reply, member: member) { stamp }
    if case .events = manner { return .events }
    if case .whole = manner { holdsAll = false } else { holdsAll = true }
    return .whole
  }

  private func takeInvocation(_ bytes: Span<UInt8>, into out: inout ByteQueue) throws(TakeFault) {
    let member = self.member
    guard isStream else { return made.append(bytes) }
    guard invoked != nil else { return try inner.take(bytes, member: member.span, into: &out) }
    var text = ByteQueue()
    try invoked?.take(bytes, into: &text)
    if !text.isEmpty { try inner.take(text.bytes, member: member.span, into: &out) }
  }

  private func concludeInvocation(provider: String, into out: inout ByteQueue) -> Verdict {
    let member = self.member
    var text = ByteQueue()
    swap(&text, &made)
    guard JSONValue.kind(of: text.bytes) == .object else { return .fault(.malformed) }
    do throws(TakeFault) { try inner.take(text.bytes, member: member.span, into: &out) } catch {
      return .fault(.malformed)
    }
    if holdsAll {
      _ = inner.end(isWhole: true, into: &out)
      return .answer
    }
    return inner.conclude(provider: provider, member: member.span, into: &out)
  }
}
