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
    events = EventDecoder(ceiling: 16 << 20)
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

  /// A dialect tells the client's answer itself.
  private var isTold: Bool { if case .translated = inner { !counts } else { false } }

  /// Takes the next piece of the answer's body.
  func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) throws(TakeFault) {
    if format == .invocation { return try takeInvocation(bytes, into: &out) }
    if isTold {
      try inner.take(bytes, member: Span(), into: &out)
      return answer.checkHeld(into: &out)
    }
    let member = self.member
    try inner.take(bytes, member: member.span, into: &made)
    if holdsAll || made.isEmpty { return }
    try readEvents(into: &out)
  }

  /// Ends a stream whose bytes are over.
  func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    if format == .invocation {
      let isBroken = invoked?.isInside ?? false
      return isWhole && isBroken ? .truncated : inner.end(isWhole: isWhole, into: &out)
    }
    if isTold {
      let ending = inner.end(isWhole: isWhole, into: &out)
      return answer.isOverfull ? .fault(.tooLarge) : ending
    }
    let ending = inner.end(isWhole: isWhole, into: &made)
    if (try? readEvents(into: &out)) == nil { answer.overflow(into: &out) }
    made.removeAll()
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
      verdict = inner.conclude(provider: provider, member: Span(), into: &made)
    }
    switch verdict {
    case .answer where counts:
      if format == .inputTokens, JSONValue.kind(of: unsafe made.view) == .object {
        // OpenAI's answer says what it is (API reference, "Get input token counts").
        out.append("{\"object\":\"response.input_tokens\",")
        out.append(made, 1..<made.count)
      } else {
        out.append(made)
      }
      made.removeAll()
      return verdict
    case .answer:
      var text = ByteQueue()
      swap(&text, &made)
      guard JSONValue.kind(of: text.bytes) == .object else { return .fault(.malformed) }
      answer.start(into: &out)
      switch reader.read(text.bytes, into: &out) {
      case .choices: break
      case .other: return .fault(.malformed)
      case .error where facts.streams: answer.fail(text.bytes, into: &out)
      case .error:
        Fault.translate(text.bytes, status: 502, provider: provider, into: &out)
        return .error(status: Fault.status(in: text.bytes) ?? 502)
      }
      answer.finish(inner.usage, into: &out)
      if answer.isOverfull { return .fault(.tooLarge) }
      // A stream was asked for: what was made of the whole is one.
      return facts.streams ? .stream : .answer
    case .stream:
      do throws(TakeFault) { try readEvents(into: &out) } catch {
        if !facts.streams { return .fault(.tooLarge) }
        answer.overflow(into: &out)
      }
      made.removeAll()
      if !facts.streams, answer.isOverfull { return .fault(.tooLarge) }
      return facts.streams ? .stream : .answer
    case .error:
      out.append(made)
      made.removeAll()
      return verdict
    case .fault, .invalid: return verdict
    }
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

  private func readEvents(into out: inout ByteQueue) throws(TakeFault) {
    var queue = ByteQueue()
    swap(&made, &queue)
    defer { swap(&made, &queue) }
    var from = 0
    defer { queue.consume(from) }
    while true {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(queue.bytes, from: from) } catch { throw .eventTooLarge }
      guard case .event(let event) = step else { return }
      from = event.whole.upperBound
      if event.dataLines == 0 { continue }
      if let place = event.data {
        read(queue.bytes.extracting(place), into: &out)
      } else {
        joined.clear()
        EventDecoder.data(of: event, in: queue.bytes, into: &joined)
        read(unsafe joined.view, into: &out)
      }
    }
  }

  private func read(_ data: Span<UInt8>, into out: inout ByteQueue) {
    if data.equals("[DONE]") {
      answer.finish(inner.usage, into: &out)
    } else {
      reader.read(chunk: data, into: &out)
    }
  }
}
