// One request on its way through a dialect and back: the single thing that the walk holds of it.
//
// Bytes in, bytes out, no I/O: the body goes in once and becomes a `ProviderRequest`; the answer goes in as it
// arrives, cut anywhere, and comes out in OpenAI's form.

package import Wire

/// One translated exchange.
package final class Translation {
  package let dialect: any Dialect
  package let operation: Operation
  /// What goes to the provider.
  package private(set) var request: ProviderRequest
  /// The client wants a stream.
  package let streams: Bool
  private let reader: (any AnswerReader)?
  private var answer: AnswerWriter
  private var embeddings: EmbeddingRequest?
  private var events = EventDecoder(ceiling: 16 << 20)
  private var frames = EventStreamDecoder(ceiling: 16 << 20)
  private var joined = ByteQueue()
  /// What came of an event that isn't complete, or of an answer that is read whole.
  private var held: ByteQueue
  private var readsWhole = false
  /// Bytes of an incomplete line that are known to hold no line feed.
  private var searched = 0
  private var scanner = JSONScanner()
  /// What ended the stream before its time; told to the client already.
  package private(set) var failure: AnswerFault?
  package private(set) var usage = TokenUsage()
  /// What the provider said and the dialect doesn't know.
  package var unknown: UnknownCounts { answer.unknown }

  /// Translates the request.
  ///
  /// - Parameters:
  ///   - model: the name that the provider knows, in UTF-8.
  ///   - body: the client's body, one JSON object that has been scanned; empty for `models`.
  ///   - pool: what the answer's bytes that wait are kept in.
  package init(
    _ dialect: any Dialect, _ operation: Operation, model: [UInt8], body: Span<UInt8>, pool: BlockPool? = nil
  ) throws(RequestFault) {
    held = ByteQueue(pool: pool)
    let dialect = try operation == .models ? dialect : dialect.spoken(to: model)
    self.dialect = dialect
    self.operation = operation
    var request = ProviderRequest(model: model)
    var streams = false
    var reader: (any AnswerReader)?
    var embeddings: EmbeddingRequest?
    switch operation {
    case .chat:
      var chat = try ChatRequest(body)
      try Self.check(chat, body, dialect, &request)
      chat.given.formIntersection(dialect.takes.union(.always))
      // Mostly it is a little longer, seldom much: so it grows once at most.
      request.body.reserve(body.count + body.count / 8 + 512)
      try dialect.writeChat(chat, of: body, to: &request)
      reader = dialect.makeReader(for: chat, of: body)
      streams = chat.streams
      includesUsage = chat.asksForUsage
    case .embeddings:
      let wanted = try EmbeddingRequest(body)
      try dialect.writeEmbeddings(wanted, of: body, to: &request)
      embeddings = wanted
      includesUsage = false
    case .models:
      guard dialect.writeModels(to: &request) else {
        throw RequestFault(.unsupported, "model", "The provider has no list of models.")
      }
      includesUsage = false
    }
    self.request = request
    self.streams = streams
    self.reader = reader
    self.embeddings = embeddings
    answer = AnswerWriter(
      AnswerWriter.Frame(form: .whole, includesUsage: false, model: model, created: 0, seed: [], member: []))
  }

  private let includesUsage: Bool

  /// What the dialect has no word for: dropped with a note, or refused.
  private static func check(
    _ chat: ChatRequest, _ body: Span<UInt8>, _ dialect: any Dialect, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let missing = chat.given.subtracting(dialect.takes).subtracting(.always)
    for field in ChatField.allCases where missing.contains(field) {
      switch field {
      case .n where chat.n == 1: continue
      case .responseFormat where chat.format == .text: continue
      case .toolChoice where chat.tools.isEmpty || chat.toolChoice == .auto: continue
      case .tools where chat.tools.isEmpty: continue
      case .parallelToolCalls where chat.tools.isEmpty || chat.parallelCalls == true: continue
      case .logprobs where !chat.logprobs: continue
      case .topLogprobs where !chat.logprobs: continue
      case .modalities:
        if onlyText(body, chat.value(.modalities)) { continue }
      default: break
      }
      if ChatFields.meaningful.contains(field) {
        throw RequestFault(
          .unsupported, "\(field.name)",
          "'\(field.name)' can't be expressed for the model's provider; leave it out, or use another model.")
      }
      request.dropped.add(field.name)
    }
    chat.noteUnsaid(keepsCacheControl: dialect.keepsCacheControl, &request.dropped)
    for member in chat.extensions {
      var isTaken = false
      for name in dialect.takesExtensions where JSONString.equals(body, member.key, name) { isTaken = true }
      if !isTaken { request.dropped.add(body.extracting(member.key)) }
    }
  }

  private static func onlyText(_ body: Span<UInt8>, _ range: Range<Int>?) -> Bool {
    guard let range else { return true }
    var elements = JSONArrayCursor(body, range)
    while let element = elements.next() {
      if !JSONString.equals(body, element.value, "text") { return false }
    }
    return true
  }

  /// What the provider is asked to answer with.
  package var acceptedTypes: StaticString {
    guard streams else { return "application/json" }
    switch dialect.framing {
    case .events: return "text/event-stream"
    case .frames: return "application/vnd.amazon.eventstream"
    case .lines: return "application/x-ndjson"
    }
  }

  /// The body has reached the provider and won't be sent again: a long stream doesn't keep it in memory.
  package func forgetBody() { request.body.removeAll() }

  // MARK: The answer

  /// The answer begins.
  ///
  /// - Parameters:
  ///   - created: Unix time in seconds.
  ///   - seed: random letters and digits.
  ///   - member: `"x_remora":{…}`, or empty.
  ///   - readsWhole: whether the answer is one value, which is looked at when all of it has come.
  package func begin(created: Int, seed: [UInt8], member: [UInt8], readsWhole: Bool = false) {
    self.readsWhole = readsWhole
    held.removeAll()
    answer = AnswerWriter(
      AnswerWriter.Frame(
        form: streams ? .chunks : .whole, includesUsage: includesUsage, model: request.model,
        created: created,
        seed: seed, member: member))
  }

  /// Something that the model made has come.
  package var hasContent: Bool { answer.hasContent }
  /// The client has been told all: what still comes is not read.
  package var hasEnded: Bool { answer.hasEnded }

  /// Bytes that are kept of what came.
  package var heldCount: Int { held.count }

  /// Takes the next piece of the answer's body, cut anywhere, and appends what the client gets for it.
  package func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    held.append(bytes)
    if readsWhole { return }
    var queue = ByteQueue()
    swap(&held, &queue)
    take(&queue, into: &out)
    swap(&held, &queue)
  }

  /// The answer's bytes are over.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the last word of what it says.
  package func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    if isWhole, failure == nil {
      var queue = ByteQueue()
      swap(&held, &queue)
      end(&queue, into: &out)
    }
    held.removeAll()
    return failure.map { .fault($0) } ?? .complete
  }

  /// Answers with what was read whole.
  package func conclude(into out: inout ByteQueue) -> Verdict {
    var body = ByteQueue()
    swap(&held, &body)
    do throws(AnswerFault) { try takeWhole(body.bytes, into: &out) } catch { return .fault(error) }
    return streams ? .stream : .answer
  }

  /// Reads the events that are complete in `queue`, takes them out, and appends what the client gets. A stream
  /// that goes wrong ends with an error event, and `failure` says why.
  package func take(_ queue: inout ByteQueue, into out: inout ByteQueue) {
    guard let reader, failure == nil else { return queue.removeAll() }
    do throws(AnswerFault) {
      switch dialect.framing {
      case .events: try takeEvents(&queue, reader)
      case .lines: try takeLines(&queue, reader)
      case .frames: try takeFrames(&queue, reader)
      }
      if reader.hasEnded { answer.end() }
    } catch { fail(error) }
    flush(into: &out)
  }

  /// The provider's stream is over, in good order; what is left in `queue` is its last event, if its delimiter is
  /// missing.
  package func end(_ queue: inout ByteQueue, into out: inout ByteQueue) {
    if !answer.hasEnded, !queue.isEmpty, dialect.framing != .frames {
      queue.append("\n\n")
      take(&queue, into: &out)
    }
    queue.removeAll()
    guard !answer.hasEnded, failure == nil, let reader else { return flush(into: &out) }
    if reader.mayEnd { answer.end() } else { fail(.truncated) }
    flush(into: &out)
  }

  /// Ends the client's stream with an error event.
  private func fail(_ fault: AnswerFault) {
    failure = fault
    if answer.isStream { answer.fail(fault) }
  }

  private func flush(into out: inout ByteQueue) {
    usage = answer.usage
    if answer.out.isEmpty { return }
    out.append(answer.out.bytes)
    answer.out.clear()
  }

  private func takeEvents(_ queue: inout ByteQueue, _ reader: any AnswerReader) throws(AnswerFault) {
    var from = 0
    defer { queue.consume(from) }
    while !reader.hasEnded {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(queue.bytes, from: from) } catch {
        throw .tooLarge
      }
      guard case .event(let found) = step else { return }
      from = found.whole.upperBound
      if found.dataLines == 0 { continue }
      let name = found.name ?? 0..<0
      if let data = found.data {
        try read(StreamEvent(), queue.bytes.extracting(name), queue.bytes.extracting(data), reader)
      } else {
        joined.clear()
        EventDecoder.data(of: found, in: queue.bytes, into: &joined)
        try read(StreamEvent(), queue.bytes.extracting(name), joined.view, reader)
      }
    }
    from = queue.count
  }

  /// One JSON value a message. An error that the service's model doesn't know has no value: its headers say it.
  private func takeFrames(_ queue: inout ByteQueue, _ reader: any AnswerReader) throws(AnswerFault) {
    var from = 0
    defer { queue.consume(from) }
    while !reader.hasEnded {
      let step: EventStreamDecoder.Step
      do throws(EventStreamFault) { step = try frames.next(queue.bytes, from: from) } catch {
        throw AnswerFault(protocol: Array("The provider's stream is damaged: \(error.message).".utf8))
      }
      guard case .message(let message) = step else { return }
      let bytes = queue.bytes
      var event = StreamEvent()
      var name = Span<UInt8>()
      switch message.kind {
      case .event: if let type = message.eventType { name = bytes.extracting(type) }
      case .exception:
        event.kind = .exception
        if let type = message.exceptionType { name = bytes.extracting(type) }
      case .error:
        throw AnswerFault(
          message.errorMessage.map { bytes.extracting($0).array() } ?? [],
          code: message.errorCode.map { bytes.extracting($0).array() } ?? [])
      case .other:
        // As AWS's own SDK reads it: what doesn't say what it is, is an event, whose name or the lack of it decides.
        if let type = message.eventType { name = bytes.extracting(type) }
        if name.isEmpty, let type = message.exceptionType {
          event.kind = .exception
          name = bytes.extracting(type)
        }
      }
      from = message.whole.upperBound
      let data = bytes.extracting(message.payload)
      // Without words it is one nevertheless.
      try read(
        event, name, data.isEmpty && event.kind == .exception ? ("{}" as StaticString).bytes : data, reader)
    }
    from = queue.count
  }

  /// One JSON value a line; a line that isn't complete yet waits.
  private func takeLines(_ queue: inout ByteQueue, _ reader: any AnswerReader) throws(AnswerFault) {
    var from = 0
    defer { queue.consume(from) }
    while !reader.hasEnded {
      let bytes = queue.bytes
      var end = from + searched
      searched = 0
      while end < bytes.count, bytes[end] != ASCII.lf { end += 1 }
      guard end < bytes.count else {
        // Where the search goes on, so that a long line which comes in small pieces is not searched again each time.
        searched = bytes.count - from
        if searched > 16 << 20 {
          throw .tooLarge
        }
        return
      }
      let line = bytes.extracting(from..<end)
      from = end + 1
      try read(StreamEvent(), Span(), line, reader)
    }
    from = queue.count
  }

  /// Hands one event to the dialect.
  private func read(
    _ event: StreamEvent, _ name: Span<UInt8>, _ data: Span<UInt8>, _ reader: any AnswerReader
  ) throws(AnswerFault) {
    var isBlank = true
    for at in 0..<min(data.count, 8) where data[at] > ASCII.space { isBlank = false }
    if isBlank || data.equals("[DONE]") { return }
    scanner.reset(watching: [])
    do throws(JSONFault) {
      try scanner.feed(data)
      try scanner.finish()
    } catch { throw .malformed }
    try reader.read(event, name: name, data: data, to: &answer)
  }

  /// Reads a whole answer and appends what the client gets: an answer of OpenAI's form, or all of its chunks where
  /// a stream was asked for.
  package func takeWhole(_ body: Span<UInt8>, into out: inout ByteQueue) throws(AnswerFault) {
    scanner.reset(watching: [])
    do throws(JSONFault) {
      try scanner.feed(body)
      try scanner.finish()
    } catch {
      if streams { return try takeMislabelled(body, into: &out) }
      throw .malformed
    }
    if let embeddings {
      var writer = EmbeddingWriter(
        wantsBase64: embeddings.wantsBase64, model: request.model, member: answer.frame.member)
      try dialect.readEmbeddings(body, to: &writer)
      // With one too few, which text each belongs to isn't known.
      guard writer.count >= embeddings.inputs.count else { throw .tooFewVectors }
      writer.end()
      usage = writer.usage
      out.append(writer.out.bytes)
      return
    }
    guard let reader else { throw .malformed }
    if streams, Self.isArray(body) {
      try takeElements(body, reader)
    } else {
      try reader.read(body, to: &answer)
    }
    answer.end()
    flush(into: &out)
  }

  private static func isArray(_ body: Span<UInt8>) -> Bool {
    for at in 0..<body.count where body[at] > ASCII.space { return body[at] == UInt8(ascii: "[") }
    return false
  }

  /// Reads a stream's values from one array: so does Gemini answer where `alt=sse` is lost on the way.
  private func takeElements(_ body: Span<UInt8>, _ reader: any AnswerReader) throws(AnswerFault) {
    var elements = JSONArrayCursor(body, 0..<body.count)
    var isEmpty = true
    while !reader.hasEnded, let element = elements.next() {
      isEmpty = false
      try reader.read(StreamEvent(), name: Span(), data: body.extracting(element.value), to: &answer)
    }
    if isEmpty { throw .malformed }
    if !reader.hasEnded, !reader.mayEnd { throw .truncated }
  }

  /// Reads a stream that its head calls one JSON value.
  private func takeMislabelled(_ body: Span<UInt8>, into out: inout ByteQueue) throws(AnswerFault) {
    var queue = ByteQueue()
    queue.append(body)
    var held = ByteQueue()
    take(&queue, into: &held)
    if failure == nil { end(&queue, into: &held) }
    guard answer.hasContent else { throw .malformed }
    if let failure { throw failure }
    out.append(held.bytes)
  }
}
