// A stream in OpenAI's format on its way to the client, event by event.
//
// What passes is made safe for every SDK: no ids, no retry times, no comments, no empty data, no `"error":null`.
// A stream of another API goes on as it came, and is only watched.
// Usage is noted, the usage that only Remora asked for is taken out again, and it is known at any time whether
// the provider has come to its own end. Nothing is held back: an event leaves in the turn in which it is complete.

package import Wire

/// Passes one stream on.
package struct PassStream: ~Copyable {
  package enum Fault: Error, Equatable, Sendable {
    case json(JSONFault)
  }

  let shape: BodyShape
  /// Usage was asked for by Remora alone.
  private let removesUsage: Bool
  /// Its chunks may come in other forms.
  let repairs: Bool
  private let watched: JSONMembers
  /// What a span tells of the answer; nil where there is none.
  let facts: AnswerFacts?
  /// Who is told the chunks of a chat, where the client speaks another format; nil: they go on.
  let reader: ChatAnswerReader?
  private var repair: ChoiceRepair
  private var tail = UsageChunk()
  private var needsMember: Bool
  private(set) var scanner = JSONScanner()
  private var splice = JSONSplice()
  private var joined = ByteQueue()
  var carried = CarriedChunk()
  /// What the events go through on their way to the client; nil: they go on.
  var gate: TextGate?
  private var seen = StreamChoices()
  /// What the chunk that was read last has shown.
  private(set) var chunk = ChunkNotes()

  package internal(set) var usage = TokenUsage()
  /// `[DONE]`, or the Responses API's last event, has passed.
  package internal(set) var hasEnded = false
  /// The provider itself has told of a failure in the stream.
  package internal(set) var hasFailed = false
  /// The status that the failure names.
  package internal(set) var failureStatus: Int?
  /// Something that the model made has passed.
  package internal(set) var hasContent = false
  /// Of a stream of the Responses API.
  var response = ResponseCourse()

  /// - Parameters:
  ///   - removesUsage: whether the client is not to see usage, because it didn't ask for it.
  ///   - insertsMember: whether the first event is to carry a further member.
  ///   - repairs: whether chunks may come in forms that are not OpenAI's at all, as errors that don't say so.
  package init(
    _ shape: BodyShape, removesUsage: Bool, insertsMember: Bool, repairs: Bool = false,
    facts: AnswerFacts? = nil
  ) {
    self.init(
      shape, removesUsage: removesUsage, insertsMember: insertsMember, isBehindRemora: false,
      repairs: repairs, facts: facts, nil)
  }

  /// - Parameters:
  ///   - isBehindRemora: whether another Remora may have put its own member into any event.
  ///   - reader: who is told the chunks of a chat that goes on in another format.
  init(
    _ shape: BodyShape, removesUsage: Bool, insertsMember: Bool, isBehindRemora: Bool, repairs: Bool,
    facts: AnswerFacts?, _ reader: ChatAnswerReader?
  ) {
    self.shape = shape
    self.reader = reader
    self.removesUsage = removesUsage
    needsMember = insertsMember
    self.repairs = repairs && (shape == .chat || shape == .completion)
    self.facts = facts
    repair = ChoiceRepair(.chunk, isChat: shape == .chat)
    let watched =
      switch shape {
      case .response: Self.ofResponse
      case .message: Self.ofMessage
      default: self.repairs ? Self.ofDoubtful : facts == nil ? Self.ofChunk : Self.ofTracedChunk
      }
    self.watched = isBehindRemora && insertsMember ? watched.union(.xRemora) : watched
  }

  private static let ofResponse: JSONMembers = [.type, .response, .error, .sequenceNumber]
  private static let ofMessage: JSONMembers = [.type, .message, .usage, .error]
  private static let ofChunk: JSONMembers = [
    .choices, .usage, .error, .xGroq, .object, .message, .detail, .id,
  ]
  private static let ofTracedChunk: JSONMembers = ofChunk.union(.model)
  private static let ofDoubtful: JSONMembers = ofChunk.union([.created, .model])

  /// Whether the body may end here in good order.
  package var mayEnd: Bool {
    switch shape {
    case .chat, .completion: hasEnded || hasFailed || seen.haveFinished
    case .response, .message: hasEnded || hasFailed
    case .embedding, .tokenCount, .other: true
    }
  }

  /// Appends what is missing at the provider's end: the `[DONE]` that some providers leave out.
  package mutating func end(into out: inout ByteQueue) {
    guard !hasEnded, !hasFailed, shape == .chat || shape == .completion else { return }
    done(into: &out)
  }

  private mutating func done(into out: inout ByteQueue) {
    hasEnded = true
    // Behind an error it would say that all is well.
    if hasFailed { return }
    if let reader { return reader.finish(usage, into: &out) }
    if repairs, !removesUsage { tail.write(into: &out) }
    EventEncoder.done(into: &out)
  }

  /// Appends what the client gets for `event`, which is nothing at all for most comments.
  ///
  /// - Parameter member: `"key":value` for the first event.
  package mutating func pass(
    _ event: Event, in bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue
  ) throws(Fault) {
    // After the end nothing may follow: SDKs have stopped reading.
    if event.dataLines == 0 || hasEnded { return }
    if let data = event.data {
      try pass(bytes.extracting(data), event, bytes, member, into: &out)
    } else {
      joined.clear()
      EventDecoder.data(of: event, in: bytes, into: &joined)
      var text = ByteQueue()
      swap(&joined, &text)
      defer { swap(&joined, &text) }
      try pass(text.bytes, event, bytes, member, into: &out)
    }
  }

  private mutating func pass(
    _ data: Span<UInt8>, _ event: Event, _ bytes: Span<UInt8>, _ member: Span<UInt8>,
    into out: inout ByteQueue
  ) throws(Fault) {
    if data.isEmpty { return }
    if data.equals("[DONE]") { return done(into: &out) }
    if shape == .embedding {
      hasContent = true
      return write(data, event, bytes, into: &out)
    }
    if shape == .message, !needsMember, let name = event.name,
      MessagesEvents.onlyCarriesOn(bytes.extracting(name), &hasContent)
    {
      return write(data, event, bytes, into: &out)
    }
    if isNamedError(event, bytes) {
      if shape == .chat || shape == .completion { return hasFailed ? () : fail(data, into: &out) }
      hasFailed = true
    }
    if event.data != nil, event.name == nil, !hasFailed {
      if let reader {
        if reader.again(data, into: &out) { return }
      } else if let found = carried.match(data) {
        return carried.write(data, without: found.cut, into: &out)
      }
    }
    // Another Remora may have put its own member in, mostly in its first event.
    scanner.reset(watching: needsMember ? watched.union(.xRemora) : watched)
    do throws(JSONFault) {
      try scanner.feed(data)
      try scanner.finish()
    } catch { throw .json(error) }
    splice.removeAll()
    if shape == .response {
      readResponseEvent(data)
    } else if shape == .message {
      readMessageEvent(data)
    } else {
      // An error is the last that SDKs read; what follows is only counted.
      guard readChunk(data), !hasFailed else { return }
      if let error = errorText(data) { return fail(data.extracting(error), into: &out) }
      if let reason = repair.failure { return giveUp(data, reason, into: &out) }
    }
    if let reader { return tell(data, to: reader, into: &out) }
    if let theirs = scanner.found(.xRemora) { try? splice.remove(theirs) }
    if chunk.carriesOn, hasContent, !needsMember { carried.learn(data, splice, pointsOut: gate != nil) }
    if needsMember, scanner.openBrace != nil {
      needsMember = false
      try? splice.insertMember(member, in: scanner)
    }
    if splice.isEmpty { return write(data, event, bytes, into: &out) }
    writeEdited(data, event, bytes, into: &out)
  }

  private mutating func writeEdited(
    _ data: Span<UInt8>, _ event: Event, _ bytes: Span<UInt8>, into out: inout ByteQueue
  ) {
    if event.data == nil {
      // The text may hold line ends, each of which begins another data line.
      var edited = ByteQueue()
      splice.apply(to: data, into: &edited)
      return write(edited.bytes, event, bytes, into: &out)
    }
    writeName(event, bytes, into: &out)
    out.append("data: ")
    splice.apply(to: data, into: &out)
    out.append("\n\n")
  }

  /// Tells a chunk, brought into form.
  private mutating func tell(
    _ data: Span<UInt8>, to reader: ChatAnswerReader, into out: inout ByteQueue
  ) {
    if splice.isEmpty {
      return reader.read(chunk: data, carriesOn: chunk.carriesOn && hasContent, into: &out)
    }
    var edited = ByteQueue()
    splice.apply(to: data, into: &edited)
    reader.read(chunk: edited.bytes, carriesOn: false, into: &out)
  }

  /// Takes note of a chat or completion chunk; false if the client is not to see it.
  private mutating func readChunk(_ data: Span<UInt8>) -> Bool {
    var isOnlyUsage = false
    chunk = ChunkNotes(
      carriesOn: scanner.found(.choices)?.kind == .array && scanner.found(.error) == nil)
    if let facts { facts.identify(data, id: scanner.found(.id), model: scanner.found(.model)) }
    if let choices = scanner.found(.choices), choices.kind == .array {
      var count = 0
      var hasOdd = false
      var elements = JSONArrayCursor(data, choices.value)
      while let choice = elements.next() {
        guard choice.kind == .object else {
          hasOdd = true
          continue
        }
        let before = seen.begun
        // A chunk with more to change than the splice takes goes as it is.
        if readChoice(data, choice.value, at: count) {
          try? repair.read(data, choice.value, at: count, begins: before != seen.begun, &splice)
        }
        count += 1
      }
      if hasOdd { try? repair.clean(choices.value, data, &splice) }
      isOnlyUsage = count == 0
      if isOnlyUsage || hasOdd { chunk.carriesOn = false }
      if count > 0 || scanner.found(.usage) != nil { nameObject(data) }
    } else if repairs ? !isError(data) : isChunk(data) {
      addChoices()
    }
    // Go's SDK fails on the key itself; null means that there is no error.
    if let error = scanner.found(.error), error.kind == .null { try? splice.remove(error) }
    if let found = scanner.found(.usage) {
      if found.kind == .object { usage.read(data, found.value) }
      if removesUsage {
        if isOnlyUsage, found.kind == .object { return false }
        try? splice.remove(found)
      }
    }
    if scanner.found(.usage)?.kind == .object {
      tail.forget()
      chunk.carriesOn = false
    } else if let beside = GroqExtension.usage(data, scanner) ?? chunk.usage {
      usage.read(data, beside)
      if repairs { tail.keep(data, beside, scanner) }
      chunk.carriesOn = false
    }
    if scanner.found(.xGroq) != nil { chunk.carriesOn = false }
    return true
  }

  /// Takes note of a choice; true if something in it may be what no SDK can read, or is missing, which few have: then it
  /// is looked at once more.
  ///
  /// - Parameter position: among the chunk's choices.
  private mutating func readChoice(_ data: Span<UInt8>, _ choice: Range<Int>, at position: Int) -> Bool {
    var members = JSONObjectCursor(data, choice)
    var index = min(position, 63)
    var hasIndex = false
    var knowsReason = false
    var hasReason = false
    var hasDelta = shape == .completion
    var message: Range<Int>?
    var isDoubtful = false
    while let member = members.next() {
      if member.keyIs("index", in: data) {
        guard let said = JSONValue.integer(data, member.value) else { continue }
        hasIndex = true
        index = min(max(said, 0), 63)
      } else if member.keyIs("finish_reason", in: data) {
        knowsReason = member.kind == .string || member.kind == .null
        guard member.kind == .string else { continue }
        hasReason = member.value.count > 2
        if let facts { facts.finish(data, member.value) }
        if !Reason.isKnown(data, member.value) { isDoubtful = true }
      } else if member.keyIs("delta", in: data) {
        hasDelta = member.kind == .object
        if readDelta(data, member.value) { isDoubtful = true }
      } else if member.keyIs("text", in: data) {
        if member.value.count > 2 { hasContent = true }
      } else if member.kind == .object {
        if member.keyIs("message", in: data) { message = member.value }
        if member.keyIs("usage", in: data) { chunk.usage = member.value }
        if member.keyIs("error", in: data) { chunk.error = member.value }
      }
    }
    let begins = seen.take(index, isFinished: hasReason)
    if !hasDelta {
      isDoubtful = true
      if let message, begins { _ = readDelta(data, message) }
    }
    if hasReason || isDoubtful { chunk.carriesOn = false }
    return isDoubtful || !hasIndex || !knowsReason
  }

  /// Notes whether a delta carries more than a role and empty values; true if it holds a list, of tool calls or of
  /// what should be text.
  private mutating func readDelta(_ data: Span<UInt8>, _ delta: Range<Int>) -> Bool {
    var members = JSONObjectCursor(data, delta)
    var hasList = false
    while let member = members.next() {
      if member.kind == .array { hasList = true }
      if member.kind == .null || member.value.count <= 2 { continue }
      if !hasContent, !member.keyIs("role", in: data) { hasContent = true }
    }
    return hasList
  }

  /// SDKs go through `choices` without a look whether it is there.
  private mutating func addChoices() {
    if let choices = scanner.found(.choices) {
      try? splice.replace(choices.value, with: ("[]" as StaticString).bytes)
    } else {
      try? splice.insertMember(("\"choices\":[]" as StaticString).bytes, in: scanner)
    }
  }

  /// Says what the chunk is, where it doesn't itself or calls itself a whole answer: SDKs leave such a one out.
  private mutating func nameObject(_ data: Span<UInt8>) {
    let object = scanner.found(.object)
    if let object, object.kind != .null {
      guard shape == .chat,
        JSONString.equals(data, object.value, "chat.completion")
          || JSONString.equals(data, object.value, "chat.completion.done")
      else { return }
    }
    var member = ByteQueue()
    if object == nil { member.append("\"object\":") }
    JSONWriter.string(objectName, into: &member)
    if let object {
      try? splice.replace(object.value, with: member.bytes)
    } else {
      try? splice.insertMember(member.bytes, in: scanner)
    }
  }

  private mutating func writeName(_ event: Event, _ bytes: Span<UInt8>, into out: inout ByteQueue) {
    guard let name = event.name else { return }
    out.append("event: ")
    out.append(bytes.extracting(name))
    out.append(ASCII.lf)
  }

  private mutating func write(
    _ data: Span<UInt8>, _ event: Event, _ bytes: Span<UInt8>, into out: inout ByteQueue
  ) {
    writeName(event, bytes, into: &out)
    EventEncoder.data(data, into: &out)
  }
}
