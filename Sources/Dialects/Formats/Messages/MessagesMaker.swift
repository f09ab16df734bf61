// A whole message where a stream was asked for: the events that say the same, as the provider would have sent them
// (Anthropic docs, "Streaming messages", 2026-10). What is written goes the way of a provider's stream: StreamMaker.swift.
// The other way round: CollectedMessage.swift.

internal import Wire

/// Makes a stream of a whole message.
enum MessagesMaker {
  /// Appends the events that say what `body` says.
  ///
  /// - Parameter body: one JSON text that has been scanned.
  /// - Returns: false, and nothing is appended, where it is no message.
  static func write(_ body: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    let whole = 0..<body.count
    guard let content = JSONView.value(body, in: whole, at: "content"), JSONView.kind(body, content) == .array
    else { return false }
    out.append("event: message_start\ndata: {\"type\":\"message_start\",\"message\":")
    StreamMaker.write(
      body, whole, instead: [("content", "[]"), ("stop_reason", "null"), ("stop_sequence", "null")],
      into: &out)
    out.append("}\n\n")
    var index = 0
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      if block.kind != .object { continue }
      write(block: block.value, index, body, into: &out)
      index += 1
    }
    out.append("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":")
    write(JSONView.value(body, in: whole, at: "stop_reason"), body, otherwise: "null", into: &out)
    out.append(",\"stop_sequence\":")
    write(JSONView.value(body, in: whole, at: "stop_sequence"), body, otherwise: "null", into: &out)
    out.append("},\"usage\":")
    write(JSONView.value(body, in: whole, at: "usage"), body, otherwise: "{\"output_tokens\":0}", into: &out)
    out.append("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    return true
  }

  private static func write(
    _ value: Range<Int>?, _ body: Span<UInt8>, otherwise: StaticString, into out: inout ByteQueue
  ) {
    if let value { StreamMaker.flat(body.extracting(value), into: &out) } else { out.append(otherwise) }
  }

  private static func write(block: Range<Int>, _ index: Int, _ body: Span<UInt8>, into out: inout ByteQueue) {
    begin("content_block_start", index, into: &out)
    out.append(",\"content_block\":")
    StreamMaker.write(
      body, block,
      instead: [
        ("text", "\"\""), ("thinking", "\"\""), ("signature", "\"\""), ("input", "{}"), ("citations", "[]"),
      ], into: &out)
    out.append("}\n\n")
    var members = JSONObjectCursor(body, block)
    while let member = members.next() {
      if member.kind == .string {
        for (name, type) in texts where member.keyIs(name, in: body) && member.value.count > 2 {
          delta(type, name, index, into: &out)
          out.append(body.extracting(member.value))
          out.append("}}\n\n")
        }
      } else if member.kind == .object, member.keyIs("input", in: body) {
        var input = ByteQueue()
        StreamMaker.flat(body.extracting(member.value), into: &input)
        delta("input_json_delta", "partial_json", index, into: &out)
        JSONWriter.string(input.bytes, into: &out)
        out.append("}}\n\n")
      } else if member.kind == .array, member.keyIs("citations", in: body) {
        var citations = JSONArrayCursor(body, member.value)
        while let citation = citations.next() {
          delta("citations_delta", "citation", index, into: &out)
          StreamMaker.flat(body.extracting(citation.value), into: &out)
          out.append("}}\n\n")
        }
      }
    }
    begin("content_block_stop", index, into: &out)
    out.append("}\n\n")
  }

  /// Members of a block that come in pieces, and what a piece of each is called.
  private static let texts: [(StaticString, StaticString)] = [
    ("text", "text_delta"), ("thinking", "thinking_delta"), ("signature", "signature_delta"),
  ]

  private static func begin(_ name: StaticString, _ index: Int, into out: inout ByteQueue) {
    TypedEvent.begin(name, "\",\"index\":", index, into: &out)
  }

  private static func delta(
    _ type: StaticString, _ name: StaticString, _ index: Int, into out: inout ByteQueue
  ) {
    begin("content_block_delta", index, into: &out)
    out.append(",\"delta\":{\"type\":\"")
    out.append(type)
    out.append("\",\"")
    out.append(name)
    out.append("\":")
  }
}
