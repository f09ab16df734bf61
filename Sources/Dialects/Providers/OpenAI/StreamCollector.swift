// A stream where a whole answer was asked for: its chunks are collected into the one answer that they say.
//
// Each event goes through `PassStream` first, so that only chunks of OpenAI's own form are left to be put together.
// CollectedChoice.swift holds what a choice has said. The other way round: StreamMaker.swift.

package import Wire

/// Collects one stream.
package struct StreamCollector: ~Copyable {
  /// What a stream came to.
  package enum Outcome: Equatable, Sendable {
    /// The answer has been written.
    case whole
    /// The provider told of an error, whose OpenAI shape has been written; `status` is the one that it names, or 502.
    case error(status: Int)
    /// It ended before its answer did.
    case truncated
    /// It isn't a stream of OpenAI's format.
    case malformed
    /// It says more than is kept.
    case tooLarge
  }

  /// Bytes of a stream that are read, as of a whole answer that must be looked at.
  package static let ceiling = 64 << 20

  private let shape: BodyShape
  private var stream: PassStream
  private var events = EventDecoder()
  private var passed = ByteQueue()
  private var count = 0
  private var fault: Outcome?
  /// The answer's members beside `choices`, in the order in which they came.
  private var members = CollectedMembers()
  private var choices: [CollectedChoice] = []
  private var message = CollectedMessage()
  /// The error's event, or the whole response that the last event of a Responses stream holds.
  private var last: [UInt8] = []

  package init(_ shape: BodyShape) {
    self.shape = shape
    stream = PassStream(shape, removesUsage: false, insertsMember: false, repairs: true)
  }

  /// The provider has said its last word, or something that nothing more can mend.
  package var hasEnded: Bool { stream.hasEnded || stream.hasFailed || fault != nil }

  /// Reads the events that are complete in `queue` and takes them out.
  package mutating func take(_ queue: inout ByteQueue) {
    var from = 0
    defer { queue.consume(from) }
    while fault == nil {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(queue.bytes, from: from) } catch {
        fault = .tooLarge
        break
      }
      guard case .event(let event) = step else { break }
      count += event.whole.upperBound - from
      from = event.whole.upperBound
      if count > Self.ceiling {
        fault = .tooLarge
        break
      }
      do throws(PassStream.Fault) {
        try stream.pass(event, in: queue.bytes, member: Span(), into: &passed)
      } catch { fault = .malformed }
      takePassed()
    }
    if fault != nil { from = queue.count }
  }

  /// The stream is over: appends the answer, or the error that it told of.
  package mutating func end(_ queue: inout ByteQueue, into out: inout ByteQueue) -> Outcome {
    if !queue.isEmpty {
      // The blank line behind the last event may be missing.
      queue.append("\n\n")
      take(&queue)
    }
    if let fault { return fault }
    // A response that failed is an answer, and says why.
    if stream.hasFailed, shape != .response || !stream.hasEnded {
      guard !last.isEmpty else { return .malformed }
      StreamFault.write(last.span, into: &out)
      return .error(status: stream.failureStatus ?? Fault.status(in: last.span) ?? 502)
    }
    if shape == .response {
      if last.isEmpty { return stream.hasContent ? .truncated : .malformed }
      out.append(last)
      return .whole
    }
    if shape == .message {
      guard message.hasBegun else { return .malformed }
      guard stream.hasEnded else { return .truncated }
      message.write(into: &out)
      return .whole
    }
    if choices.isEmpty { return stream.hasEnded || members.isEmpty ? .malformed : .truncated }
    guard stream.mayEnd else { return .truncated }
    write(into: &out)
    return .whole
  }

  // MARK: Reading

  private mutating func takePassed() {
    if passed.isEmpty { return }
    var text = ByteQueue()
    swap(&text, &passed)
    var decoder = EventDecoder(ceiling: .max)
    var from = 0
    while case .event(let event)? = try? decoder.next(text.bytes, from: from) {
      from = event.whole.upperBound
      var data = ByteQueue()
      EventDecoder.data(of: event, in: text.bytes, into: &data)
      if data.isEmpty || data.bytes.equals("[DONE]") { continue }
      if stream.hasFailed, !stream.hasEnded {
        if last.isEmpty { last = data.array() }
      } else if shape == .response {
        readResponse(data.bytes)
      } else if shape == .message {
        message.read(data.bytes)
      } else {
        read(data.bytes)
      }
    }
    text.clear()
    swap(&text, &passed)
  }

  private mutating func readResponse(_ data: Span<UInt8>) {
    guard stream.hasEnded, let response = JSONView.value(data, in: 0..<data.count, at: "response") else {
      return
    }
    last = data.extracting(response).array()
  }

  private mutating func read(_ chunk: Span<UInt8>) {
    var top = JSONObjectCursor(chunk, 0..<chunk.count)
    while let member = top.next() {
      if member.keyIs("choices", in: chunk) {
        var elements = JSONArrayCursor(chunk, member.value)
        while let choice = elements.next() { read(choice: choice.value, chunk) }
      } else if member.keyIs("id", in: chunk) || member.keyIs("created", in: chunk)
        || member.keyIs("model", in: chunk)
      {
        // Of the first chunk that says them: Azure's very first has them empty.
        members.keepFirst(chunk, member)
      } else if !member.keyIs("object", in: chunk), !member.keyIs("obfuscation", in: chunk) {
        members.keepLast(chunk, member)
      }
    }
  }

  private mutating func read(choice: Range<Int>, _ chunk: Span<UInt8>) {
    let said = JSONView.value(chunk, in: choice, at: "index").flatMap { JSONValue.integer(chunk, $0) } ?? 0
    let index = min(max(said, 0), AnswerWriter.choiceCeiling - 1)
    while choices.count <= index { choices.append(CollectedChoice(index: choices.count)) }
    choices[index].read(chunk, choice)
  }

  // MARK: Writing

  private mutating func write(into out: inout ByteQueue) {
    out.append("{")
    members.write(["id", "created", "model"], into: &out)
    out.append(shape == .chat ? "\"object\":\"chat.completion\"" : "\"object\":\"text_completion\"")
    out.append(",\"choices\":[")
    var isFirst = true
    for choice in choices where choice.hasBegun {
      if !isFirst { out.append(ASCII.comma) }
      isFirst = false
      choice.write(isChat: shape == .chat, into: &out)
    }
    out.append("]")
    members.writeRest(into: &out)
    out.append("}")
  }
}
