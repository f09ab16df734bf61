// A chat's body in the making, for requests that came in another format.

internal import Wire

/// What the chat's provider takes beside what every chat can say.
package struct ChatTarget: Sendable {
  /// It is spoken to in a dialect: parts, cache marks and signed reasoning are read by Remora itself.
  package var isTranslated = false
  /// Members that only some know, by name, and which its dialect takes.
  package var extensions: [StaticString] = []
  /// It takes `reasoning_content` back in the conversation.
  package var takesReasoning = false
  /// It reads the newer name of an answer's limit alone.
  package var wantsCompletionTokens = false
  /// The model thinks before it answers, so that it can be told how hard; nil: unknown.
  package var reasons: Bool?
  /// Tokens that an answer may have; 0: unknown.
  package var outputCeiling = 0

  package init() {}

  func takes(_ name: StaticString) -> Bool {
    for known in extensions where known.bytes.equals(name) { return true }
    return false
  }
}

struct ChatBody: ~Copyable {
  let target: ChatTarget
  var out = ByteQueue()
  var dropped = DroppedFields()
  private var hasMembers = false

  init(_ target: ChatTarget) {
    self.target = target
    out.append("{")
  }

  /// Begins a member: its value is appended to `out`.
  mutating func member(_ name: StaticString) {
    if hasMembers { out.append(ASCII.comma) }
    hasMembers = true
    out.append("\"")
    out.append(name)
    out.append("\":")
  }

  mutating func member(_ name: StaticString, _ value: Span<UInt8>) {
    member(name)
    out.append(value)
  }

  mutating func finish(into text: inout ByteQueue) {
    out.append("}")
    swap(&text, &out)
  }
}
