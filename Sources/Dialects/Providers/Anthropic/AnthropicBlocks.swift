// Small pieces of a Messages request's blocks.

internal import Wire

/// Writes pieces of blocks.
enum AnthropicBlocks {
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
