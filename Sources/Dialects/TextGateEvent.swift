// The events in which a gate says what it had held back, each in the form of the stream that it goes into.

internal import Wire

enum TextGateEvent {
  /// Appends the event.
  ///
  /// - Parameters:
  ///   - model: another event of the stream, whose ids it takes over; empty where there is none.
  ///   - added: how many events were put into a response before.
  static func write(
    _ channel: TextChannel, _ text: Span<UInt8>, like model: Span<UInt8>, added: Int,
    into out: inout ByteQueue
  ) {
    var event = ByteQueue()
    let kind = channel.place.kind
    if kind.isBlock {
      out.append("event: content_block_delta\n")
      writeBlock(channel.place, text, into: &event)
    } else if kind.isResponse {
      out.append("event: ")
      out.append(channel.type)
      out.append(ASCII.lf)
      writeResponse(channel, text, like: model, added: added, into: &event)
    } else {
      writeChunk(channel.place, text, like: model, into: &event)
    }
    EventEncoder.data(event.bytes, into: &out)
  }

  private static func writeChunk(
    _ place: TextChannel.Place, _ text: Span<UInt8>, like model: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append("{")
    for name: StaticString in ["id", "object", "created", "model"] {
      guard let value = JSONView.value(model, in: 0..<model.count, at: name) else { continue }
      out.append("\"")
      out.append(name)
      out.append("\":")
      out.append(model.extracting(value))
      out.append(",")
    }
    out.append("\"choices\":[{\"index\":")
    out.append(decimal: place.choice)
    let end: StaticString
    switch place.kind {
    case .legacy: (_, end) = (out.append(",\"text\":"), "")
    case .refusal: (_, end) = (out.append(",\"delta\":{\"refusal\":"), "}")
    case .reasoning: (_, end) = (out.append(",\"delta\":{\"reasoning_content\":"), "}")
    case .otherReasoning: (_, end) = (out.append(",\"delta\":{\"reasoning\":"), "}")
    case .function: (_, end) = (out.append(",\"delta\":{\"function_call\":{\"arguments\":"), "}}")
    case .tool:
      beginElement("tool_calls", place.part, into: &out)
      (_, end) = (out.append(",\"function\":{\"arguments\":"), "}}]}")
    case .custom:
      beginElement("tool_calls", place.part, into: &out)
      (_, end) = (out.append(",\"custom\":{\"input\":"), "}}]}")
    case .thought:
      beginElement("thinking_blocks", place.part, into: &out)
      (_, end) = (out.append(",\"type\":\"thinking\",\"thinking\":"), "}]}")
    case .detail:
      beginElement("reasoning_details", place.part, into: &out)
      (_, end) = (out.append(",\"type\":\"reasoning.text\",\"text\":"), "}]}")
    default: (_, end) = (out.append(",\"delta\":{\"content\":"), "}")
    }
    JSONWriter.string(text, into: &out)
    out.append(end)
    out.append(",\"finish_reason\":null}]}")
  }

  private static func beginElement(_ list: StaticString, _ index: Int, into out: inout ByteQueue) {
    out.append(",\"delta\":{\"")
    out.append(list)
    out.append("\":[{\"index\":")
    out.append(decimal: index)
  }

  private static func writeBlock(
    _ place: TextChannel.Place, _ text: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append("{\"type\":\"content_block_delta\",\"index\":")
    out.append(decimal: place.choice)
    switch place.kind {
    case .blockInput: out.append(",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":")
    case .blockThinking: out.append(",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":")
    default: out.append(",\"delta\":{\"type\":\"text_delta\",\"text\":")
    }
    JSONWriter.string(text, into: &out)
    out.append("}}")
  }

  /// A piece of the item that the channel's other pieces were of.
  private static func writeResponse(
    _ channel: TextChannel, _ text: Span<UInt8>, like model: Span<UInt8>, added: Int,
    into out: inout ByteQueue
  ) {
    out.append("{\"type\":\"")
    out.append(channel.type)
    out.append("\",")
    if let value = JSONView.value(model, in: 0..<model.count, at: "sequence_number"),
      let number = JSONValue.integer(model, value)
    {
      out.append("\"sequence_number\":")
      out.append(decimal: number.addingReportingOverflow(added).partialValue)
      out.append(",")
    }
    if !channel.item.isEmpty {
      out.append("\"item_id\":\"")
      out.append(channel.item)
      out.append("\",")
    }
    out.append("\"output_index\":")
    out.append(decimal: channel.place.choice)
    let type = channel.type.span
    if type.ends("text.delta") || type.ends("refusal.delta") {
      let part = channel.place.part
      out.append(part < 0 ? ",\"summary_index\":" : ",\"content_index\":")
      out.append(decimal: part < 0 ? -1 - part : part)
    }
    out.append(",\"delta\":")
    JSONWriter.string(text, into: &out)
    if type.equals("response.output_text.delta") { out.append(",\"logprobs\":[]") }
    out.append("}")
  }
}
