// A request in OpenAI's format and its answer, to and from a provider that speaks it: the client's bytes and the
// provider's go on as they are, but for what must change. Next: PassageWhole.swift, answers that are read whole.

package import Wire

/// One exchange that passes. It is large, so its memory is kept and used again; `begin` forgets the exchange before.
package final class Passage {
  /// Changes in one request: a few for each message of a long conversation.
  private static let editCeiling = 64 * 1024
  /// Bytes that are held of an event of another API; a longer one goes on as it comes.
  private static let foreignCeiling = 64 * 1024

  // The request.
  var splice = JSONSplice(editCeiling: editCeiling)
  /// The fields of the request that the provider can't be told.
  package private(set) var dropped = DroppedFields()
  private(set) var asked = AskedAnswer()
  /// Header lines that go before the body in the place of the client's, and the fields that they replace.
  package internal(set) var fields = ByteQueue()
  package internal(set) var heldFields = FieldNames()
  /// Answers may hold what no OpenAI SDK can read.
  private(set) var repairs = false
  /// Usage is asked for although the client didn't.
  package internal(set) var addsUsage = false

  // The answer.
  var course = Course.untouched
  /// The fields that describe the body are Remora's, and not the provider's.
  package private(set) var isReworded = false
  /// The answer comes from another Remora.
  private(set) var isBehindRemora = false
  /// An answer that was read whole tells of a failure, or a stream of another API seems to.
  var hasToldFailure = false
  var events = EventDecoder()
  /// The end of an event of another API, of which a part has gone on; nil between events.
  private var eventEnd: EventEnd?
  var stream = PassStream(.other, removesUsage: false, insertsMember: false)
  /// What comes out of an event before it goes through the stream's gate.
  var gated = ByteQueue()
  var reply = PassReply(insertsMember: false)
  /// What a span tells of the answer; nil where there is none.
  package var facts: AnswerFacts?
  /// Who is told the answer of a chat, where the client speaks another format; nil: it goes on.
  var reader: ChatAnswerReader?
  /// The part of an incomplete event that has come, or of an answer that is read whole.
  package var held: ByteQueue

  enum Course {
    case untouched, json, events, foreignEvents, whole
    /// A stream where a whole answer was asked for.
    case collected
    /// A whole answer where a stream was asked for.
    case made
  }

  /// Makes a passage whose held bytes lie in `pool`'s blocks.
  package init(pool: BlockPool?) { held = ByteQueue(pool: pool) }

  /// Forgets the exchange; keeps what memory is worth keeping.
  package func end() {
    course = .untouched
    splice.removeAll()
    dropped.removeAll()
    fields.clear()
    heldFields = FieldNames()
    addsUsage = false
    course = .untouched
    eventEnd = nil
    isReworded = false
    hasToldFailure = false
    facts = nil
    reader = nil
    stream.gate = nil
    gated.removeAll()
    held.removeAll()
  }

  // MARK: The request

  /// Begins an exchange, and forgets the one before.
  ///
  /// - Parameter repairs: whether the answer may hold what no OpenAI SDK can read.
  package func begin(_ asked: AskedAnswer, repairs: Bool) {
    end()
    self.asked = asked
    self.repairs = repairs
  }

  /// Works out what must change in a body, which is JSON and is here as far as `scanner` has read.
  ///
  /// - Parameters:
  ///   - model: the name that the provider knows, where it isn't the one in the body.
  ///   - addsUsage: whether the stream is to tell its usage although the client didn't ask.
  ///   - quirks: how the provider differs from OpenAI; nil where that concerns no request.
  package func edit(
    _ body: Span<UInt8>, _ scanner: borrowing JSONScanner, _ facts: RequestFacts, model: Span<UInt8>?,
    addsUsage: Bool, _ quirks: Quirks?
  ) throws(RequestFault) {
    self.addsUsage = addsUsage
    // The edits are few and lie inside the scanned text, so they can't fail; without them the body is the client's.
    try? facts.edit(&splice, body, scanner, model: model, addsUsage: addsUsage)
    let noticed = Noticed(scanner)
    if noticed.contains(.gateway) {
      try GatewayMembers.remove(from: body, asked.shape, facts, &splice, &dropped)
    }
    if asked.shape == .response || asked.shape == .tokenCount {
      try ResponsesThoughts.remove(from: body, &splice)
    }
    guard let quirks, let edit = RequestEdit.of(quirks, asked.shape, count: body.count, noticed) else {
      return
    }
    do throws(RequestFault) { try edit.write(body, &splice, dropped: &dropped) } catch {
      dropped.removeAll()
      throw error
    }
  }

  /// Reads on in a body that is sent as it comes, and works out what must change in it.
  ///
  /// - Parameters:
  ///   - window: the part of the body that is held.
  ///   - start: the offset of its first byte.
  package func follow(
    _ facts: inout RequestFacts, _ window: Span<UInt8>, from start: Int, _ scanner: borrowing JSONScanner,
    mayAddUsage: Bool
  ) throws(RequestFacts.Fault) {
    if try facts.editFurther(&splice, window, from: start, scanner, mayAddUsage: mayAddUsage) {
      addsUsage = true
    }
    asked.streams = facts.streams
    asked.asksForUsage = facts.asksForUsage
  }

  /// The length of the body as it goes out.
  func sentCount(of count: Int) -> Int { splice.resultCount(for: count) }

  /// Whether the piece of the body that is `range` goes out changed.
  func touches(_ range: Range<Int>) -> Bool { splice.touches(range) }

  /// As `Conversation.fill`.
  func fill(_ out: inout ByteQueue, upTo ceiling: Int, from body: Span<UInt8>, at start: Int) -> Int {
    splice.fill(&out, upTo: ceiling, from: body, at: start)
  }

  /// Moves the decided part of a body that is sent as it comes to `out`, changed and in chunks, until that holds
  /// `ceiling` bytes.
  ///
  /// - Parameters:
  ///   - held: the part of the body that is held; what has gone is taken off it.
  ///   - start: the offset of its first byte in the body.
  ///   - decided: the offset of the first byte that may still have to change.
  package func pass(
    _ held: inout ByteQueue, from start: inout Int, to decided: Int, into out: inout ByteQueue,
    upTo ceiling: Int, pool: BlockPool?
  ) {
    splice.pass(&held, from: &start, to: decided, into: &out, upTo: ceiling, pool: pool)
  }

  /// Takes usage out of a stream that tells it unasked, unless the client asked for it.
  package func removeUsage() { addsUsage = !asked.asksForUsage }

  // MARK: The answer

  /// Decides how the answer is read.
  package func begin(_ reply: ReplyFacts, insertsMember: Bool) -> Manner {
    held.removeAll()
    course = .untouched
    eventEnd = nil
    guard reply.hasBody, !reply.isCoded else { return .untouched }
    let isAnswer = asked.isFullService && reply.status < 300
    isReworded = reply.isMislabelled
    isBehindRemora = reply.isBehindRemora
    self.reply.facts = isAnswer ? facts : nil
    switch reply.media {
    case .events where isAnswer && !asked.streams:
      course = .collected
      isReworded = true
      self.reply.reset(insertsMember: false)
      return .whole
    case .events:
      course = asked.isFullService ? .events : .foreignEvents
      beginStream(insertsMember: asked.isFullService && insertsMember)
      return .events
    case _ where isAnswer && reader != nil:
      // As JSON, whatever its head calls it.
      course = .whole
      return .whole
    case .json where isAnswer && asked.streams && asked.shape.hasStreams:
      course = .made
      isReworded = true
      beginStream(insertsMember: false)
      return .whole
    case .json where isAnswer:
      self.reply.reset(insertsMember: insertsMember, isMessage: asked.shape == .message)
      if looksAtWhole || insertsMember && reply.isBehindRemora {
        course = .whole
        return .whole
      }
      course = .json
      return .watched
    default: return .untouched
    }
  }

  var isChoices: Bool { asked.shape == .chat || asked.shape == .completion }

  func beginStream(insertsMember: Bool) {
    stream = PassStream(
      asked.isFullService ? asked.shape : .other, removesUsage: addsUsage && reader == nil,
      insertsMember: insertsMember, isBehindRemora: isBehindRemora, repairs: repairs,
      facts: asked.isFullService ? facts : nil, reader)
    events = course == .foreignEvents ? EventDecoder(ceiling: .max) : EventDecoder()
  }

  /// Whether an answer is looked at whole before it goes on.
  private var looksAtWhole: Bool {
    guard repairs, !asked.isRestored else { return asked.isRestored }
    switch asked.shape {
    case .chat, .completion: return true
    case .embedding: return asked.wantsBase64
    case .response, .message, .tokenCount, .other: return false
    }
  }

  /// Leaves out the member that `begin` was told of: the answer can't take it.
  package func withoutMember() { reply.reset(insertsMember: false, isMessage: asked.shape == .message) }

  /// Takes the next piece of the answer's body, cut anywhere, and appends what the client gets for it.
  ///
  /// - Parameter member: `"key":value`, in the place where the answer begins.
  package func take(
    _ bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) {
    switch course {
    case .untouched: out.append(bytes)
    case .json: reply.piece(bytes, member: member, into: &out)
    case .whole, .collected, .made: held.append(bytes)
    case .foreignEvents: try takeForeign(bytes, member, into: &out)
    case .events: try takeEvents(bytes, member, into: &out)
    }
  }

  /// Passes an API's stream on that isn't read here: event by event, so that what Remora adds comes between them, but for
  /// those that are long.
  private func takeForeign(
    _ bytes: Span<UInt8>, _ member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) {
    var start = 0
    if eventEnd != nil {
      guard let end = eventEnd?.find(bytes) else { return out.append(bytes) }
      out.append(bytes.extracting(0..<end))
      eventEnd = nil
      start = end
    }
    try takeEvents(bytes.extracting(start..<bytes.count), member, into: &out)
    guard held.count > Self.foreignCeiling else { return }
    var search = EventEnd()
    // The decoder has found no end in it, but perhaps the second half of the last one's.
    var at = 0
    while let end = search.find(unsafe held.view.extracting(at..<held.count)) { at += end }
    eventEnd = search
    stream.watchPart()
    out.append(held)
    held.removeAll()
    events = EventDecoder(ceiling: .max)
  }

  /// A part of an event has gone on to the client, so that nothing can be added before its end.
  package var isInEvent: Bool { eventEnd != nil }

  /// Passes the events on that are complete, and holds what is left.
  private func takeEvents(
    _ bytes: Span<UInt8>, _ member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) {
    // An event that came in one piece is passed from where it lies.
    if held.isEmpty {
      let used = try passEvents(bytes, member, into: &out)
      if used < bytes.count { held.append(bytes.extracting(used...)) }
    } else {
      held.append(bytes)
      var queue = ByteQueue()
      swap(&held, &queue)
      defer { swap(&held, &queue) }
      queue.consume(try passEvents(queue.bytes, member, into: &out))
    }
  }

  /// Passes the events on that are complete.
  ///
  /// - Returns: how many bytes they had.
  func passEvents(
    _ bytes: Span<UInt8>, _ member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) -> Int {
    var from = 0
    while true {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(bytes, from: from) } catch { throw .eventTooLarge }
      guard case .event(let event) = step else { return from }
      let start = from
      from = event.whole.upperBound
      if course == .foreignEvents {
        if stream.watch(event, in: bytes) { hasToldFailure = true }
        out.append(bytes.extracting(start..<from))
        continue
      }
      do throws(PassStream.Fault) {
        if let gate = stream.gate {
          try passGated(event, in: bytes, member, gate, into: &out)
        } else {
          try stream.pass(event, in: bytes, member: member, into: &out)
        }
      } catch { throw .notJSON }
    }
  }

  /// Ends the answer, whose bytes are over: appends what is left to say.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the stream's last word.
  package func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    guard isStream else { return .complete }
    if isWhole {
      guard stream.mayEnd else { return .truncated }
      if course == .events { stream.end(into: &out) } else { out.append(held) }
    }
    held.removeAll()
    return stream.hasFailed ? .failed : .complete
  }

  /// Bytes of the answer that are held.
  package var heldCount: Int { held.count }

  /// The stream has said its last word: only the body's own end is awaited.
  package var hasEnded: Bool { isStream && stream.hasEnded }

  /// Something that the model made has passed, in a stream.
  package var hasContent: Bool { isStream && stream.hasContent }
  var isStream: Bool { course == .events || course == .foreignEvents }

  /// The tokens that the provider has told so far.
  package var usage: TokenUsage {
    switch course {
    case .json, .whole, .collected: reader?.usage ?? reply.usage
    case .events, .foreignEvents, .made: stream.usage
    case .untouched: TokenUsage()
    }
  }
}

extension Passage {
  /// The provider has told of a failure in its stream.
  var tellsFailure: Bool { course == .events ? stream.hasFailed : hasToldFailure }
}
