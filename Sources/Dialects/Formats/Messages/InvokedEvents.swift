// The events of a message that Claude at Bedrock answers with: one in each of AWS's frames, in base64 (Bedrock API reference,
// "InvokeModelWithResponseStream", PayloadPart). They come out as Anthropic's own stream has them.

internal import Wire

/// Takes events out of their frames.
struct InvokedEvents: ~Copyable {
  private var frames = EventStreamDecoder(ceiling: Translation.eventCeiling)
  /// The part of a frame that has come.
  private var held = ByteQueue()

  /// A frame is under way.
  var isInside: Bool { !held.isEmpty }
  var heldCount: Int { held.count }

  /// Takes the next piece of the answer's body, cut anywhere, and appends the events that are complete.
  mutating func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) throws(TakeFault) {
    held.append(bytes)
    var queue = ByteQueue()
    swap(&held, &queue)
    defer { swap(&held, &queue) }
    var from = 0
    defer { queue.consume(from) }
    while true {
      let step: EventStreamDecoder.Step
      // A frame that doesn't fit its sums is no answer.
      do throws(EventStreamFault) { step = try frames.next(queue.bytes, from: from) } catch { throw .notJSON }
      guard case .message(let message) = step else { return }
      from = message.whole.upperBound
      Self.write(message, queue.bytes, into: &out)
    }
  }

  private static func write(
    _ message: EventStreamMessage, _ bytes: Span<UInt8>, into out: inout ByteQueue
  ) {
    let payload = bytes.extracting(message.payload)
    switch message.kind {
    case .event, .other:
      var text = ByteQueue()
      Base64.decode(JSONView.content(payload, in: 0..<payload.count, at: "bytes"), into: &text)
      let type = JSONView.content(text.bytes, in: 0..<text.count, at: "type")
      if type.isEmpty { return }
      out.append("event: ")
      out.append(type)
      out.append("\n")
      EventEncoder.data(text.bytes, into: &out)
    case .exception:
      fail(BedrockFault.answerFault(bytes.extracting(message.exceptionType ?? 0..<0), payload), into: &out)
    case .error:
      fail(AnswerFault(message.errorMessage.map { bytes.extracting($0).array() } ?? []), into: &out)
    }
  }

  private static func fail(_ fault: AnswerFault, into out: inout ByteQueue) {
    var error = ByteQueue.forSecrets()
    Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &error)
    var text = ByteQueue.forSecrets()
    MessagesFault.write(error.bytes, status: fault.status, requestID: Span(), into: &text)
    out.append("event: error\n")
    EventEncoder.data(text.bytes, into: &out)
  }
}
