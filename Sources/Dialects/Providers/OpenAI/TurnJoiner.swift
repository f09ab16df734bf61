// User and assistant in turns, for providers that take nothing else.

internal import Wire

/// Makes one turn of turns of one role in a row.
enum TurnJoiner {
  private struct Turn {
    /// Nil: a turn that the client didn't write.
    var range: Range<Int>?
    var role: MessageRules.Role?
    var content: Range<Int>?
    /// Its role and content are all that is said of it.
    var isRewritten = false
  }

  static func write(
    _ body: Span<UInt8>, _ range: Range<Int>, _ rules: MessageRules, _ splice: inout JSONSplice
  ) throws(EditFault) {
    var turns: [Turn] = []
    let isChanged = collect(body, range, rules, &turns)
    if turns.isEmpty { throw .request(.noMessages) }
    var list = ByteQueue()
    var start = 0
    for at in turns.indices where at + 1 == turns.count || !canJoin(turns[at], turns[at + 1], body) {
      let group = turns[start...at]
      start = at + 1
      if isChanged {
        list.append(list.isEmpty ? UInt8(ascii: "[") : ASCII.comma)
        append(group, body, into: &list)
      } else if group.count > 1, let first = group.first?.range, let last = group.last?.range {
        var text = ByteQueue()
        append(group, body, into: &text)
        try splice.change(first.lowerBound..<last.upperBound, text.bytes)
      } else if let range = group.first?.range, group.first?.role == .system,
        let role = JSONView.value(body, in: range, at: "role")
      {
        try splice.change(role, "\"system\"")
      }
    }
    guard isChanged, !list.isEmpty else { return }
    list.append(UInt8(ascii: "]"))
    try splice.change(range, list.bytes)
  }

  /// - Returns: whether they are others than the client's.
  private static func collect(
    _ body: Span<UInt8>, _ range: Range<Int>, _ rules: MessageRules, _ turns: inout [Turn]
  ) -> Bool {
    var isChanged = false
    var messages = SpokenMessages(rules, body, range)
    while let message = messages.next() {
      if message.fate != .stays || message.isBehindFiller { isChanged = true }
      if message.isBehindFiller { turns.append(Turn(role: .user)) }
      switch message.fate {
      case .goes: continue
      case .isFilled: turns.append(Turn(role: .user))
      case .says(let text):
        turns.append(Turn(range: message.range, role: .assistant, content: text, isRewritten: true))
      case .stays:
        let content = JSONView.value(body, in: message.range, at: "content")
        turns.append(Turn(range: message.range, role: message.role, content: content))
      }
    }
    if messages.lacksTurn {
      turns.append(Turn(role: .user))
      isChanged = true
    }
    return isChanged
  }

  private static func canJoin(_ one: Turn, _ other: Turn, _ body: Span<UInt8>) -> Bool {
    guard let role = one.role, role == other.role, role != .tool, let first = one.content,
      let second = other.content
    else { return false }
    for content in [first, second] {
      guard JSONView.kind(body, content) == .string || JSONView.kind(body, content) == .array else {
        return false
      }
    }
    return true
  }

  /// Appends the one turn that a group is.
  private static func append(_ group: ArraySlice<Turn>, _ body: Span<UInt8>, into out: inout ByteQueue) {
    guard let first = group.first else { return }
    guard let range = first.range else { return out.append(SpokenMessages.filler) }
    if group.count == 1, !first.isRewritten {
      guard first.role == .system, let role = JSONView.value(body, in: range, at: "role") else {
        return out.append(body.extracting(range))
      }
      out.append(body.extracting(range.lowerBound..<role.lowerBound))
      out.append("\"system\"")
      return out.append(body.extracting(role.upperBound..<range.upperBound))
    }
    let isText = group.allSatisfy { turn in
      turn.content.map { body[$0.lowerBound] == ASCII.quote } ?? false
    }
    switch first.role {
    case .assistant: out.append("{\"role\":\"assistant\",\"content\":")
    case .system: out.append("{\"role\":\"system\",\"content\":")
    default: out.append("{\"role\":\"user\",\"content\":")
    }
    out.append(isText ? ASCII.quote : UInt8(ascii: "["))
    var isFirst = true
    for turn in group {
      guard let content = turn.content, !JSONView.isHollow(body, content) else { continue }
      if !isFirst { out.append(isText ? "\\n\\n" : ",") }
      isFirst = false
      if isText {
        out.append(JSONString.content(body, content))
      } else if body[content.lowerBound] == ASCII.quote {
        out.append("{\"type\":\"text\",\"text\":")
        out.append(body.extracting(content))
        out.append("}")
      } else {
        out.append(body.extracting(content.lowerBound + 1..<content.upperBound - 1))
      }
    }
    out.append(isText ? ASCII.quote : UInt8(ascii: "]"))
    out.append("}")
  }
}
