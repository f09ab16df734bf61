// A request in a format that the provider doesn't have, on its way as a chat: the request is put into a chat's body, which
// goes on as every chat does, translated or passed; the chat's answer comes back in the client's format.
//
// So each format needs one file that reads its requests and one that writes its answers, whatever the provider speaks.

package import Wire

/// One exchange in another format.
package final class Recast {
  /// The format that the client speaks.
  package enum Format: Sendable {
    case messages, responses, completions
    /// The count of a message's tokens, of a response's.
    case tokenCount, inputTokens
    /// A message that Claude at Bedrock gets as it is, but in the form of InvokeModel.
    case invocation
  }

  /// The request as a chat; what goes out, once it has been `settle`d.
  package private(set) var body = ByteQueue()
  /// Where its long strings lie, for a dialect.
  private var strings = JSONPlaces()
  /// What was found in it.
  package private(set) var scanner = JSONScanner(watching: RequestFacts.watched)
  package private(set) var facts = RequestFacts()
  /// What the chat can't say.
  package internal(set) var dropped: DroppedFields
  /// How the chat goes.
  package private(set) var inner: Conversation
  let format: Format
  let target: ChatTarget
  private let model: [UInt8]
  private let reader: any AnswerForm
  private var answer: ChatAnswerReader
  private var events = EventDecoder(ceiling: 16 << 20)
  /// What the chat's conversation has made and isn't read yet.
  private var made = ByteQueue()
  private var joined = ByteQueue()
  private var holdsAll = false
  /// Takes the events of an invocation out of their frames; nil where there are none.
  private var invoked: InvokedEvents?
  /// An invocation's answer is a stream.
  private var isStream = false
  private var hasStarted = false

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - body: the client's, one JSON object that has been scanned.
  ///   - strings: where its long strings lie, as far as that is known.
  ///   - sent: the name of the model that the provider knows; nil: the same.
  ///   - passage: what the chat passes through where it isn't translated.
  package init(
    _ format: Format, _ body: Span<UInt8>, strings: JSONPlaces = JSONPlaces(), for target: ChatTarget,
    model: [UInt8], sent: [UInt8]? = nil, passage: Passage, _ turn: ResponsesTurn? = nil
  ) throws(RequestFault) {
    self.format = format
    self.target = target
    self.model = model
    inner = .passed(passage)
    var chat = ChatBody(target, model: sent ?? model, count: body.count, strings.span)
    reader = try Self.write(format, body, strings.span, turn, into: &chat)
    answer = ChatAnswerReader(reader)
    dropped = chat.dropped
    do throws(JSONFault) {
      try chat.finish(into: &self.body, &scanner, &self.strings)
    } catch { throw RequestFault(.invalid, "body", "The request can't be put into a chat.") }
    do throws(RequestFacts.Fault) { try facts.read(unsafe self.body.view, scanner) } catch {
      switch error {
      case .notAnObject: throw RequestFault(.invalid, "body", "The request body must be a JSON object.")
      case .wrongType(let parameter, let expected):
        throw RequestFault(.invalid, "\(parameter)", "'\(parameter)' must be \(expected).")
      }
    }
  }

  /// Reads a message that goes as it is, in the form of InvokeModel.
  ///
  /// - Parameters:
  ///   - body: the client's, one JSON object that `scanner` has read.
  ///   - asked: how its answer is read.
  package init(
    invoking body: Span<UInt8>, _ scanner: borrowing JSONScanner, _ facts: RequestFacts,
    _ way: inout MessagesWay, _ asked: AskedAnswer, _ passage: Passage
  ) throws(RequestFault) {
    format = .invocation
    target = ChatTarget()
    model = []
    reader = MessagesForm()
    answer = ChatAnswerReader(reader)
    dropped = DroppedFields()
    inner = .passed(passage)
    self.facts = facts
    passage.begin(asked, repairs: false)
    try passage.edit(body, scanner, facts, model: nil, addsUsage: false, nil)
    let beta = way.invokedBeta ?? []
    try passage.take(&way, body, scanner)
    var text = ByteQueue()
    _ = passage.fill(&text, upTo: passage.sentCount(of: body.count) + 1, from: body, at: 0)
    InvokedRequest.write(text.bytes, beta: beta, into: &self.body)
  }

  /// Whether the request's tokens are asked for, and no answer.
  package var counts: Bool { format == .tokenCount || format == .inputTokens }

  /// How the chat's answer is read.
  package var askedAnswer: AskedAnswer {
    var asked = AskedAnswer()
    asked.shape = counts ? .tokenCount : .chat
    asked.isFullService = true
    asked.streams = facts.streams
    return asked
  }

  /// Has the chat go through a dialect.
  ///
  /// - Parameters:
  ///   - asked: the client's body, for what must be said of it.
  ///   - model: the name that the provider knows, in UTF-8.
  ///   - pool: what the answer's bytes that wait are kept in.
  package func translate(
    _ dialect: any Dialect, _ asked: Span<UInt8>, model: [UInt8], pool: BlockPool?
  ) throws(RequestFault) -> Translation {
    let made: Translation
    do throws(RequestFault) {
      made = try Translation(
        dialect, counts ? .tokenCount : .chat, model: model, body: unsafe body.view, strings: strings,
        pool: pool)
    } catch { throw inClientWords(error, asked) }
    made.tellsChunks = true
    settle(.translated(made), asked)
    return made
  }

  /// Has the chat pass to a provider in OpenAI's format.
  ///
  /// - Parameters:
  ///   - asked: the client's body, for what must be said of it.
  ///   - addsUsage: whether a stream may be made to tell its usage.
  ///   - repairs: whether the answer may hold what no OpenAI SDK can read.
  ///   - quirks: how the provider differs from OpenAI; nil where that concerns no request.
  package func pass(
    _ passage: Passage, _ asked: Span<UInt8>, addsUsage: Bool, repairs: Bool, _ quirks: Quirks?
  ) throws(RequestFault) {
    passage.begin(askedAnswer, repairs: repairs)
    do throws(RequestFault) {
      try passage.edit(
        unsafe body.view, scanner, facts, model: nil, addsUsage: addsUsage && facts.streams, quirks)
    } catch { throw inClientWords(error, asked) }
    settle(.passed(passage), asked)
  }

  /// Says how the chat goes, once that is worked out; what it can't say either is named too.
  ///
  /// - Parameter asked: the client's body, for what must be said of it.
  package func settle(_ conversation: Conversation, _ asked: Span<UInt8>) {
    inner = conversation
    nameLost(conversation, asked)
    guard case .passed(let passage) = conversation, !passage.splice.isEmpty else { return }
    var out = ByteQueue()
    _ = passage.fill(&out, upTo: passage.sentCount(of: body.count) + 1, from: unsafe body.view, at: 0)
    swap(&body, &out)
  }

  /// The request in another form than the client's.
  var ownRequest: OwnRequest? {
    switch inner {
    case .translated(let translation): OwnRequest(translation)
    case .passed: OwnRequest(chat: self)
    case .mock, .recast: nil
    }
  }

  /// What the provider is asked to answer with.
  var acceptedTypes: StaticString {
    guard facts.streams else { return "application/json" }
    return format == .invocation ? "application/vnd.amazon.eventstream" : "text/event-stream"
  }

  /// The body has reached the provider and won't be sent again.
  package func forgetBody() {
    body.removeAll()
    inner.forgetBody()
  }

  // MARK: The answer

  /// Begins an answer whose head has come.
  func begin(_ reply: ReplyFacts, member: Span<UInt8>, stamp: AnswerStamp) -> Manner {
    made.removeAll()
    if format == .invocation { return beginInvocation(reply, member: member, stamp) }
    // Where a chat's answer gets it, its form decides.
    let manner = inner.begin(reply, member: counts ? member : Span()) { stamp }
    var frame = FormFrame()
    frame.streams = facts.streams
    frame.model = model
    frame.created = stamp.created
    frame.seed = stamp.seed
    frame.member = member.array()
    self.frame = frame
    hasStarted = false
    answer = ChatAnswerReader(reader)
    events = EventDecoder(ceiling: 16 << 20)
    switch manner {
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

  private var frame = FormFrame()

  /// Takes the next piece of the answer's body.
  func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) throws(TakeFault) {
    if format == .invocation { return try takeInvocation(bytes, into: &out) }
    let member = counts ? frame.member : []
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
    let ending = inner.end(isWhole: isWhole, into: &made)
    if (try? readEvents(into: &out)) == nil { answer.overflow(into: &out) }
    made.removeAll()
    return answer.isOverfull ? .fault(.tooLarge) : ending
  }

  /// The client has been told that more came than can be held: nothing more is read.
  var hasOverflowed: Bool { answer.isOverfull }

  /// Writes the client's answer from what was read whole.
  func conclude(provider: String, into out: inout ByteQueue) -> Verdict {
    if format == .invocation { return concludeInvocation(provider: provider, into: &out) }
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
      let error = ChatAnswerReader.error(in: text.bytes)
      if error, !facts.streams {
        Fault.translate(text.bytes, status: 502, provider: provider, into: &out)
        return .error(status: Fault.status(in: text.bytes) ?? 502)
      }
      start(into: &out)
      guard error || answer.read(whole: text.bytes, into: &out) else {
        return .fault(answer.isOverfull ? .tooLarge : .malformed)
      }
      if error { answer.read(chunk: text.bytes, into: &out) }
      answer.finish(inner.usage, into: &out)
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
    if !hasStarted, frame.seed.isEmpty {
      let stamp = stamp()
      frame.streams = true
      frame.model = model
      frame.created = stamp.created
      frame.seed = stamp.seed
    }
    start(into: &out)
    answer.read(chunk: error, into: &out)
    return true
  }

  private func start(into out: inout ByteQueue) {
    if hasStarted { return }
    hasStarted = true
    reader.start(frame, into: &out)
  }

  /// Bytes of the answer that are held.
  var heldCount: Int { made.count + inner.heldCount + answer.heldCount + (invoked?.heldCount ?? 0) }

  /// The provider signs what its model thinks.
  var keepsThoughts: Bool { format == .invocation || answer.hasSigned }

  // MARK: An invocation

  /// Whether a stream's events come in frames: a provider's own ones, behind another gateway, are Anthropic's already.
  private func beginInvocation(_ reply: ReplyFacts, member: Span<UInt8>, _ stamp: AnswerStamp) -> Manner {
    frame.member = member.array()
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
    let member = frame.member
    guard isStream else { return made.append(bytes) }
    guard invoked != nil else { return try inner.take(bytes, member: member.span, into: &out) }
    var text = ByteQueue()
    try invoked?.take(bytes, into: &text)
    if !text.isEmpty { try inner.take(text.bytes, member: member.span, into: &out) }
  }

  private func concludeInvocation(provider: String, into out: inout ByteQueue) -> Verdict {
    let member = frame.member
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
      start(into: &out)
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
      answer.read(chunk: data, into: &out)
    }
  }
}
