// A provider's answer on its way through a dialect: delimited, read, and written in OpenAI's form.

package import Wire

extension Translation {
  /// The answer begins.
  ///
  /// - Parameters:
  ///   - created: Unix time in seconds.
  ///   - seed: what ids are made of.
  ///   - member: `"x_remora":{…}`, or empty.
  ///   - readsWhole: whether the answer is one value, which is looked at when all of it has come.
  package func begin(created: Int, seed: AnswerSeed, member: Span<UInt8>, readsWhole: Bool = false) {
    self.readsWhole = readsWhole
    held.removeAll()
    answer.begin(
      AnswerWriter.Frame(
        form: streams && blocks == nil ? .chunks : .whole, includesUsage: includesUsage,
        model: request.model, created: created, seed: seed),
      member: member)
    answer.blocks = blocks
  }

  /// Something that the model made has come.
  package var hasContent: Bool { answer.hasContent }
  /// The client has been told all: what still comes is not read.
  package var hasEnded: Bool { answer.hasEnded }

  /// Bytes that are kept of what came.
  package var heldCount: Int { held.count }

  /// Takes the next piece of the answer's body, cut anywhere, and appends what the client gets for it.
  package func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    if readsWhole { return held.append(bytes) }
    swap(&answer.out, &out)
    defer { swap(&answer.out, &out) }
    // What came in one piece is read where it lies.
    if held.isEmpty {
      let used = takeEvents(bytes)
      if used < bytes.count { held.append(bytes.extracting(used..<bytes.count)) }
      return
    }
    held.append(bytes)
    var queue = ByteQueue()
    swap(&held, &queue)
    queue.consume(takeEvents(queue.bytes))
    swap(&held, &queue)
  }

  /// The answer's bytes are over.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the last word of what it says.
  package func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    if isWhole, failure == nil { end(into: &out) }
    held.removeAll()
    return failure.map { .fault($0) } ?? .complete
  }

  /// Answers with what was read whole.
  package func conclude(into out: inout ByteQueue) -> Verdict {
    var body = ByteQueue()
    swap(&held, &body)
    // Back to where its memory belongs.
    defer {
      body.removeAll()
      swap(&held, &body)
    }
    do throws(AnswerFault) { try takeWhole(body.bytes, into: &out) } catch { return .fault(error) }
    return streams ? .stream : .answer
  }

  /// Reads the events that are complete. A stream that goes wrong ends with an error event, and `failure` says why.
  ///
  /// - Returns: how many bytes they had; all where nothing more is read.
  private func takeEvents(_ bytes: Span<UInt8>) -> Int {
    guard let reader, failure == nil else { return bytes.count }
    var used = 0
    do throws(AnswerFault) {
      switch dialect.framing {
      case .events: try takeEvents(bytes, &used, reader)
      case .lines: try takeLines(bytes, &used, reader)
      case .frames: try takeFrames(bytes, &used, reader)
      }
      if reader.hasEnded {
        answer.end()
        used = bytes.count
      }
    } catch {
      fail(error)
      used = bytes.count
    }
    return used
  }

  /// The provider's stream is over, in good order; what is held is its last event, if its delimiter is missing.
  private func end(into out: inout ByteQueue) {
    if !answer.hasEnded, !held.isEmpty, dialect.framing != .frames {
      take(("\n\n" as StaticString).bytes, into: &out)
    }
    held.removeAll()
    guard !answer.hasEnded, failure == nil, let reader else { return }
    swap(&answer.out, &out)
    defer { swap(&answer.out, &out) }
    if reader.mayEnd { answer.end() } else { fail(.truncated) }
  }

  /// Ends the client's stream with an error event.
  private func fail(_ fault: AnswerFault) {
    failure = fault
    if streams { answer.fail(fault) }
  }

  private func takeEvents(
    _ bytes: Span<UInt8>, _ from: inout Int, _ reader: any AnswerReader
  ) throws(AnswerFault) {
    while !reader.hasEnded {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(bytes, from: from) } catch { throw .tooLarge }
      guard case .event(let found) = step else { return }
      from = found.whole.upperBound
      if found.dataLines == 0 { continue }
      let name = bytes.extracting(found.name ?? 0..<0)
      if let data = found.data {
        try read(StreamEvent(), name, bytes.extracting(data), reader)
      } else {
        joined.clear()
        EventDecoder.data(of: found, in: bytes, into: &joined)
        try read(StreamEvent(), name, unsafe joined.view, reader)
      }
    }
  }

  /// One JSON value a message. An error that the service's model doesn't know has no value: its headers say it.
  private func takeFrames(
    _ bytes: Span<UInt8>, _ from: inout Int, _ reader: any AnswerReader
  ) throws(AnswerFault) {
    while !reader.hasEnded {
      let step: EventStreamDecoder.Step
      do throws(EventStreamFault) { step = try frames.next(bytes, from: from) } catch {
        throw AnswerFault(protocol: Array("The provider's stream is damaged: \(error.message).".utf8))
      }
      guard case .message(let message) = step else { return }
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
  }

  /// One JSON value a line; a line that isn't complete yet waits.
  private func takeLines(
    _ bytes: Span<UInt8>, _ from: inout Int, _ reader: any AnswerReader
  ) throws(AnswerFault) {
    while !reader.hasEnded {
      var end = from + searched
      searched = 0
      while end < bytes.count, bytes[end] != ASCII.lf { end += 1 }
      guard end < bytes.count else {
        // Where the search goes on, so that a long line which comes in small pieces is not searched again each time.
        searched = bytes.count - from
        if searched > Self.eventCeiling { throw .tooLarge }
        return
      }
      let line = bytes.extracting(from..<end)
      from = end + 1
      try read(StreamEvent(), Span(), line, reader)
    }
  }

  /// Hands one event to the dialect.
  private func read(
    _ event: StreamEvent, _ name: Span<UInt8>, _ data: Span<UInt8>, _ reader: any AnswerReader
  ) throws(AnswerFault) {
    var isBlank = true
    for at in 0..<min(data.count, 8) where data[at] > ASCII.space { isBlank = false }
    if isBlank || data.equals("[DONE]") { return }
    let isMessage = if case .message = event.kind { true } else { false }
    if isMessage, let piece = template.match(data), name.equals(unsafe templateName.view) {
      return answer.again(data.extracting(piece))
    }
    guard scan(data) else { throw .malformed }
    let told = answer.tellings.count
    template.forget()
    try reader.read(event, name: name, data: data, to: &answer)
    // What else the event says, the reader knows now: hearing it again changes nothing.
    guard isMessage, let piece = answer.tellings.repeatable(since: told, in: data) else { return }
    template.learn(data, hole: piece)
    if name.equals(unsafe templateName.view) { return }
    templateName.clear()
    templateName.append(name)
  }

  /// Reads a whole answer and appends what the client gets: an answer of OpenAI's form, or all of its chunks where
  /// a stream was asked for.
  package func takeWhole(_ body: Span<UInt8>, into out: inout ByteQueue) throws(AnswerFault) {
    if operation == .chat, !streams, let reader, try takeUnscanned(body, reader) {
      return writeWhole(into: &out)
    }
    guard scan(body) else {
      if streams { return try takeMislabelled(body, into: &out) }
      throw .malformed
    }
    if operation == .tokenCount {
      guard let count = dialect.readCount(body) else { throw .malformed }
      out.append("{\"input_tokens\":")
      out.append(decimal: count)
      if !answer.member.isEmpty {
        out.append(",")
        out.append(answer.member)
      }
      return out.append("}")
    }
    if let embeddings {
      var writer = EmbeddingWriter(
        wantsBase64: embeddings.wantsBase64, model: request.model, member: answer.member.array())
      try dialect.readEmbeddings(body, to: &writer)
      // With one too few, which text each belongs to isn't known.
      guard writer.count >= embeddings.inputs.count else { throw .tooFewVectors }
      writer.end()
      embeddingUsage = writer.usage
      out.append(writer.out.bytes)
      return
    }
    guard let reader else { throw .malformed }
    if streams, Self.isArray(body) {
      try takeElements(body, reader)
    } else {
      try reader.read(body, strings: scanner.strings, to: &answer)
    }
    writeWhole(into: &out)
  }

  /// Reads a whole answer, and finds out on the way whether it is JSON: few aren't, and of those nothing that was told
  /// holds.
  ///
  /// - Returns: false, and nothing is read, where the reader needs it scanned.
  private func takeUnscanned(_ body: Span<UInt8>, _ reader: any AnswerReader) throws(AnswerFault) -> Bool {
    var isProven = false
    var fault: AnswerFault?
    do throws(AnswerFault) {
      guard let proven = try reader.readUnscanned(body, to: &answer) else { return false }
      isProven = proven
    } catch { fault = error }
    if !isProven, !scan(body) {
      answer.takeBack()
      throw .malformed
    }
    if let fault { throw fault }
    return true
  }

  /// Whether `body` is one JSON value.
  private func scan(_ body: Span<UInt8>) -> Bool {
    scanner.reset(watching: [])
    do throws(JSONFault) {
      try scanner.feed(body)
      try scanner.finish()
    } catch { return false }
    return true
  }

  /// Ends an answer that was read whole, and appends what the client gets.
  private func writeWhole(into out: inout ByteQueue) {
    if answer.out.isEmpty {
      // Mostly all of it is written now: into its place.
      swap(&answer.out, &out)
      answer.end()
      return swap(&answer.out, &out)
    }
    answer.end()
    out.append(answer.out.bytes)
    answer.out.clear()
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
    readsWhole = false
    var text = ByteQueue()
    take(body, into: &text)
    if failure == nil { end(into: &text) }
    guard answer.hasContent else { throw .malformed }
    if let failure { throw failure }
    out.append(text.bytes)
  }
}
