// The blocks of a Messages request's content.

internal import Wire

/// Writes single blocks.
enum AnthropicBlocks {
  /// Appends a text block.
  ///
  /// - Parameter trimmed: whether white space at the text's end goes.
  static func writeText(
    _ body: Span<UInt8>, _ text: Range<Int>, _ control: Range<Int>?, trimmed: Bool, into out: inout ByteQueue
  ) {
    out.append("{\"type\":\"text\",\"text\":\"")
    let content = JSONString.content(body, text)
    out.append(content.extracting(0..<(trimmed ? JSONText.trimmedCount(content) : content.count)))
    out.append("\"")
    writeControl(body, control, into: &out)
    out.append("}")
  }

  static func writeControl(_ body: Span<UInt8>, _ control: Range<Int>?, into out: inout ByteQueue) {
    guard let control else { return }
    out.append(",\"cache_control\":")
    out.append(body.extracting(control))
  }

  /// Appends a tool call's id, with `_` for each byte that ids may not have (`[a-zA-Z0-9_-]`), so that a call and its
  /// result still agree.
  static func appendID(_ body: Span<UInt8>, _ id: Range<Int>?, fallback: Int, into out: inout ByteQueue) {
    guard let id, id.count > 2 else {
      out.append("call_")
      return out.append(decimal: fallback)
    }
    let content = JSONString.content(body, id)
    for at in 0..<content.count {
      let byte = content[at]
      let isLegal =
        ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "-")
      out.append(isLegal ? byte : UInt8(ascii: "_"))
    }
  }
}
