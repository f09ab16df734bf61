// A whole answer where a stream was asked for: the chunks that say the same, as the provider would have sent them.
//
// What is written is a provider's stream, and goes the way of one: `PassStream` brings it into form, counts its usage
// and puts our member in. The other way round: StreamCollector.swift.

package import Wire

/// Makes a stream of a whole answer.
package enum StreamMaker {
  /// Appends the events that say what `body` says.
  ///
  /// - Parameter body: one JSON text that has been scanned.
  /// - Returns: false, and nothing is appended, where it is no answer of that shape: an error, for one.
  package static func write(_ body: Span<UInt8>, _ shape: BodyShape, into out: inout ByteQueue) -> Bool {
    switch shape {
    case .chat, .completion: break
    case .response: return ResponsesMaker.write(body, into: &out)
    case .message: return MessagesMaker.write(body, into: &out)
    case .embedding, .tokenCount, .other: return false
    }
    var choices: Range<Int>?
    var usage: Range<Int>?
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.kind == .array, member.keyIs("choices", in: body) { choices = member.value }
      if member.kind == .object, member.keyIs("usage", in: body) { usage = member.value }
      if member.kind != .null, member.keyIs("error", in: body) { return false }
    }
    guard let choices else { return false }
    var chunk = ChunkHead(body, shape)
    var position = 0
    var elements = JSONArrayCursor(body, choices)
    while let choice = elements.next() {
      if choice.kind == .object { write(choice: choice.value, position, body, shape, &chunk, into: &out) }
      position += 1
    }
    if let usage {
      chunk.open(into: &out)
      out.append("],\"usage\":")
      flat(body.extracting(usage), into: &out)
      out.append("}\n\n")
    }
    EventEncoder.done(into: &out)
    return true
  }

  /// What every chunk begins with.
  private struct ChunkHead: ~Copyable {
    private var text = ByteQueue()
    /// What only the first chunk has.
    private var once = ByteQueue()

    init(_ body: Span<UInt8>, _ shape: BodyShape) {
      text.append("data: {")
      var members = JSONObjectCursor(body, 0..<body.count)
      while let member = members.next() {
        if member.keyIs("choices", in: body) || member.keyIs("usage", in: body)
          || member.keyIs("object", in: body)
        {
          continue
        }
        let whole = body.extracting(member.key.lowerBound - 1..<member.value.upperBound)
        // What steers is in every chunk; the rest is told once.
        let isOften =
          member.keyIs("id", in: body) || member.keyIs("created", in: body) || member.keyIs("model", in: body)
          || member.keyIs("system_fingerprint", in: body) || member.keyIs("service_tier", in: body)
        if isOften {
          StreamMaker.flat(whole, into: &text)
          text.append(ASCII.comma)
        } else {
          StreamMaker.flat(whole, into: &once)
          once.append(ASCII.comma)
        }
      }
      text.append(
        shape == .chat ? "\"object\":\"chat.completion.chunk\"," : "\"object\":\"text_completion\",")
    }

    /// Appends an event up to the first item of its choices.
    mutating func open(into out: inout ByteQueue) {
      out.append(text.bytes)
      out.append(once.bytes)
      once.clear()
      out.append("\"choices\":[")
    }
  }

  private static func write(
    choice range: Range<Int>, _ position: Int, _ body: Span<UInt8>, _ shape: BodyShape,
    _ chunk: inout ChunkHead, into out: inout ByteQueue
  ) {
    var index = position
    var message: Range<Int>?
    var logprobs: Range<Int>?
    var rest = ByteQueue()
    var hasReason = false
    var members = JSONObjectCursor(body, range)
    while let member = members.next() {
      if member.keyIs("index", in: body) {
        index = JSONValue.integer(body, member.value) ?? position
      } else if shape == .chat, member.keyIs("message", in: body) {
        message = member.kind == .object ? member.value : nil
      } else if shape == .chat, member.keyIs("logprobs", in: body) {
        logprobs = member.value
      } else if !member.keyIs("delta", in: body) {
        if member.keyIs("finish_reason", in: body) {
          // An answer that is here whole has ended, whether it says so or not.
          guard member.kind == .string, member.value.count > 2 else { continue }
          hasReason = true
        }
        rest.append(ASCII.comma)
        flat(body.extracting(member.key.lowerBound - 1..<member.value.upperBound), into: &rest)
      }
    }
    if shape == .chat {
      open(index, &chunk, into: &out)
      out.append(",\"delta\":")
      if let message { write(message: message, body, into: &out) } else { out.append("{}") }
      if let logprobs {
        out.append(",\"logprobs\":")
        flat(body.extracting(logprobs), into: &out)
      }
      out.append(",\"finish_reason\":null}]}\n\n")
    }
    // The last chunk says why it ended; of a completion, which has but one, it is the text as well.
    open(index, &chunk, into: &out)
    if shape == .chat { out.append(",\"delta\":{}") }
    if !hasReason {
      let calls = message.flatMap { JSONView.value(body, in: $0, at: "tool_calls") }
      let hasCalls = calls.map { !JSONView.isHollow(body, $0) } ?? false
      out.append(hasCalls ? ",\"finish_reason\":\"tool_calls\"" : ",\"finish_reason\":\"stop\"")
    }
    out.append(rest.bytes)
    out.append("}]}\n\n")
  }

  private static func open(_ index: Int, _ chunk: inout ChunkHead, into out: inout ByteQueue) {
    chunk.open(into: &out)
    out.append("{\"index\":")
    out.append(decimal: index)
  }

  /// Appends the message, whose calls get the index that tells them apart in a stream.
  private static func write(message: Range<Int>, _ body: Span<UInt8>, into out: inout ByteQueue) {
    var calls: Range<Int>?
    var members = JSONObjectCursor(body, message)
    while let member = members.next() {
      if member.kind == .array, member.keyIs("tool_calls", in: body) { calls = member.value }
    }
    guard let calls else { return flat(body.extracting(message), into: &out) }
    flat(body.extracting(message.lowerBound..<calls.lowerBound), into: &out)
    out.append("[")
    var position = 0
    var elements = JSONArrayCursor(body, calls)
    while let call = elements.next() {
      if position > 0 { out.append(ASCII.comma) }
      let hasIndex = JSONView.value(body, in: call.value, at: "index") != nil
      if call.kind == .object, !hasIndex, !JSONView.isHollow(body, call.value) {
        out.append("{\"index\":")
        out.append(decimal: position)
        out.append(ASCII.comma)
        flat(body.extracting(call.value.lowerBound + 1..<call.value.upperBound), into: &out)
      } else {
        flat(body.extracting(call.value), into: &out)
      }
      position += 1
    }
    out.append("]")
    flat(body.extracting(calls.upperBound..<message.upperBound), into: &out)
  }

  /// Appends an object on one line, in which the members that `instead` names say something else, where it has them.
  static func write(
    _ body: Span<UInt8>, _ object: Range<Int>, instead: [(name: StaticString, value: StaticString)],
    into out: inout ByteQueue
  ) {
    var from = object.lowerBound
    var members = JSONObjectCursor(body, object)
    while let member = members.next() {
      for other in instead where member.keyIs(other.name, in: body) {
        flat(body.extracting(from..<member.value.lowerBound), into: &out)
        out.append(other.value)
        from = member.value.upperBound
      }
    }
    flat(body.extracting(from..<object.upperBound), into: &out)
  }

  /// Appends JSON that may have line ends between its tokens, which would end a line of data.
  static func flat(_ json: Span<UInt8>, into out: inout ByteQueue) {
    var start = 0
    for at in 0..<json.count where json[at] == ASCII.lf || json[at] == ASCII.cr {
      out.append(json.extracting(start..<at))
      out.append(ASCII.space)
      start = at + 1
    }
    out.append(json.extracting(start..<json.count))
  }
}
