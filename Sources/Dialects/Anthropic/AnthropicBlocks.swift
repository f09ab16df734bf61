// Blocks of content and the turns that hold them: both exist only once something is in them, because an empty one
// is refused.

internal import Wire

/// Turns of the conversation: neighbours of one role are one turn, as the API wants it.
struct AnthropicTurns {
  enum Role { case user, assistant }

  private var role: Role?
  private var hasTurns = false

  /// Makes sure that the turn under way is `role`'s, and puts a comma before all but its first block.
  mutating func open(_ role: Role, into out: inout ByteQueue) {
    if self.role == role { return out.append(",") }
    close(into: &out)
    out.append(hasTurns ? "," : "")
    out.append(role == .user ? "{\"role\":\"user\",\"content\":[" : "{\"role\":\"assistant\",\"content\":[")
    self.role = role
    hasTurns = true
  }

  mutating func close(into out: inout ByteQueue) {
    if role != nil { out.append("]}") }
    role = nil
  }
}

/// A list of blocks that is written only if it holds any.
struct AnthropicBlocks {
  private let opening: StaticString
  private var isOpen = false

  /// - Parameter opening: what stands before the first block, its bracket included.
  init(_ opening: StaticString) { self.opening = opening }

  mutating func open(into out: inout ByteQueue) {
    out.append(isOpen ? "," : opening)
    isOpen = true
  }

  mutating func text(
    _ body: Span<UInt8>, _ text: Range<Int>, _ control: Range<Int>?, into out: inout ByteQueue
  ) {
    open(into: &out)
    Self.writeText(body, text, control, trimmed: false, into: &out)
  }

  mutating func close(into out: inout ByteQueue) {
    if isOpen { out.append("]") }
    isOpen = false
  }

  /// Appends a text block.
  ///
  /// - Parameter trimmed: whether white space at the text's end goes.
  static func writeText(
    _ body: Span<UInt8>, _ text: Range<Int>, _ control: Range<Int>?, trimmed: Bool, into out: inout ByteQueue
  ) {
    out.append("{\"type\":\"text\",\"text\":\"")
    let content = JSONString.content(body, text)
    out.append(content.extracting(0..<(trimmed ? trimmedCount(content) : content.count)))
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

  /// Bytes of the text, which is still escaped, before the white space at its end.
  static func trimmedCount(_ content: Span<UInt8>) -> Int {
    var count = content.count
    while count > 0 {
      if content[count - 1] <= ASCII.space {
        count -= 1
      } else if count > 1, content[count - 2] == ASCII.backslash,
        content[count - 1] == UInt8(ascii: "n") || content[count - 1] == UInt8(ascii: "r")
          || content[count - 1] == UInt8(ascii: "t"), isEscape(content, count - 2)
      {
        count -= 2
      } else {
        break
      }
    }
    return count
  }

  /// Whether the backslash at `at` begins an escape, and isn't the second half of one.
  private static func isEscape(_ content: Span<UInt8>, _ at: Int) -> Bool {
    var before = at
    while before > 0, content[before - 1] == ASCII.backslash { before -= 1 }
    return (at - before) % 2 == 0
  }
}
