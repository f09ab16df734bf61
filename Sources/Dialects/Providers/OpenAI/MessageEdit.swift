// The messages of a chat, put into what a strict provider takes.

internal import Wire

/// Carries out the rules for messages.
struct MessageEdit {
  private let rules: MessageRules
  private let thinks: Bool

  /// - Parameter thinks: whether the model may think before it answers.
  init(_ rules: MessageRules, thinks: Bool = true) {
    self.rules = rules
    self.thinks = thinks
  }

  /// Adds the edits of the list in `range`.
  func write(
    _ body: Span<UInt8>, _ range: Range<Int>, _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    if rules.joinsTurns { return try TurnJoiner.write(body, range, rules, &splice) }
    var messages = SpokenMessages(rules, body, range)
    var removal = InnerRemoval()
    var last: SpokenMessages.Message?
    var index = -1
    while let message = messages.next() {
      index += 1
      if message.fate == .goes {
        try removal.remove(message.range, &splice)
        continue
      }
      try removal.keep(message.range, &splice)
      if message.isBehindFiller { try put(filler: true, at: message.range.lowerBound, &splice) }
      last = message
      switch message.fate {
      case .goes: break
      case .isFilled: try splice.change(message.range, SpokenMessages.filler)
      case .says(let text): try say(text, message.range, body, &splice)
      case .stays:
        if body[message.range.lowerBound] == UInt8(ascii: "{") {
          try edit(message.range, message.role, index, body, &splice, &dropped)
        }
      }
    }
    if index < 0, rules.refusesBlanks { throw .request(.noMessages) }
    if messages.lacksTurn {
      guard let last else {
        return try splice.change(range.lowerBound + 1..<range.upperBound - 1, SpokenMessages.filler)
      }
      try put(filler: false, at: last.range.upperBound, &splice)
    }
    try removal.finish(&splice)
    if rules.prefixesLast, let last, last.role == .assistant, last.fate == .stays,
      JSONView.value(body, in: last.range, at: "prefix") == nil
    {
      try splice.put((",\"prefix\":true" as StaticString).bytes, at: last.range.upperBound - 1)
    }
  }

  /// Puts a user's turn before the message that begins at `offset`, or behind the one that ends there.
  private func put(filler isBefore: Bool, at offset: Int, _ splice: inout JSONSplice) throws(EditFault) {
    var text = ByteQueue()
    if !isBefore { text.append(ASCII.comma) }
    text.append(SpokenMessages.filler)
    if isBefore { text.append(ASCII.comma) }
    try splice.put(text.bytes, at: offset)
  }

  private func say(
    _ text: Range<Int>, _ message: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    var turn = ByteQueue()
    turn.append("{\"role\":\"assistant\",\"content\":")
    turn.append(body.extracting(text))
    turn.append("}")
    try splice.change(message, turn.bytes)
  }

  /// The role that a message has; nil where it is none that has rules.
  static func role(_ body: Span<UInt8>, _ message: Range<Int>) -> MessageRules.Role? {
    guard let role = JSONView.value(body, in: message, at: "role") else { return nil }
    let text = JSONString.content(body, role)
    switch text.count {
    case 4:
      if text.equals("user") { return .user }
      return text.equals("tool") ? .tool : nil
    case 6: return text.equals("system") ? .system : nil
    case 9:
      if text.equals("assistant") { return .assistant }
      return text.equals("developer") ? .system : nil
    default: return nil
    }
  }

  private func edit(
    _ message: Range<Int>, _ role: MessageRules.Role?, _ index: Int, _ body: Span<UInt8>,
    _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    let known = role.flatMap { rules.known[$0] } ?? []
    let thought = role == .assistant ? reasoning(body, message) : nil
    if let thought, case .chunk = rules.reasoning { try think(thought, message, body, &splice) }
    if rules.thinksBetweenCalls, thinks, role == .assistant { try thinkNothing(message, body, &splice) }
    var removal = InnerRemoval()
    var members = JSONObjectCursor(body, message)
    while let member = members.next() {
      if rules.developerIsSystem, member.keyIs("role", in: body),
        JSONString.equals(body, member.value, "developer")
      {
        try splice.change(JSONString.range(body, member.value), "system")
        try removal.keep(member, &splice)
      } else if let thought, member.value == thought, case .member(let name) = rules.reasoning {
        try splice.change(member.key, name)
        try removal.keep(member, &splice)
      } else if let thought, member.value == thought, case .chunk = rules.reasoning {
        try removal.remove(member, &splice)
      } else if known.isEmpty {
        try removal.keep(member, &splice)
      } else if !known.contains(where: { member.keyIs($0, in: body) }) {
        if !JSONView.isHollow(body, member.value) {
          dropped.add("messages", index, body.extracting(member.key))
        }
        try removal.remove(member, &splice)
      } else if member.kind == .null, role == .tool, member.keyIs("content", in: body) {
        // A tool that gives nothing back has answered nevertheless, and without a content there is no such turn.
        try splice.change(member.value, "\"\"")
        try removal.keep(member, &splice)
      } else if member.kind == .null, thought == nil || !member.keyIs("content", in: body) {
        try removal.remove(member, &splice)
      } else {
        try removal.keep(member, &splice)
        if role == .assistant && member.keyIs("tool_calls", in: body) {
          try editCalls(member.value, index, body, &splice, &dropped)
        } else if rules.shortIDs, role == .tool, member.keyIs("tool_call_id", in: body) {
          try shorten(member.value, body, &splice)
        } else if rules.strictParts, member.keyIs("content", in: body) {
          try PartEdit.write(body, member.value, of: index, &splice, &dropped)
        }
      }
    }
    try removal.finish(&splice)
  }

  // MARK: Reasoning

  /// What the model thought in an earlier turn, if it has to move.
  private func reasoning(_ body: Span<UInt8>, _ message: Range<Int>) -> Range<Int>? {
    if case .asIs = rules.reasoning { return nil }
    guard let value = JSONView.value(body, in: message, at: "reasoning_content"),
      JSONView.kind(body, value) == .string, value.count > 2
    else { return nil }
    if case .member(let name) = rules.reasoning, JSONView.value(body, in: message, at: name) != nil {
      return nil
    }
    return value
  }

  /// Puts a chunk with what the model thought before the content, where it came from.
  private func think(
    _ thought: Range<Int>, _ message: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    var text = ByteQueue()
    let content = JSONView.value(body, in: message, at: "content")
    let kind = content.flatMap { JSONView.kind(body, $0) }
    if content == nil { text.append("\"content\":") }
    if kind != .array { text.append("[") }
    text.append("{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":")
    text.append(body.extracting(thought))
    text.append("}]}")
    guard let content else {
      text.append("],")
      return try splice.put(text.bytes, at: message.lowerBound + 1)
    }
    switch kind {
    case .array:
      if !JSONView.isHollow(body, content) { text.append(ASCII.comma) }
      try splice.put(text.bytes, at: content.lowerBound + 1)
    case .string where content.count > 2:
      text.append(",{\"type\":\"text\",\"text\":")
      text.append(body.extracting(content))
      text.append("}]")
      try splice.change(content, text.bytes)
    default:
      text.append("]")
      try splice.change(content, text.bytes)
    }
  }

  /// Says that nothing was thought before tools were called, where the turn doesn't say what was.
  private func thinkNothing(
    _ message: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    var hasCalls = false
    var thought: JSONObjectCursor.Member?
    var members = JSONObjectCursor(body, message)
    while let member = members.next() {
      if member.keyIs("tool_calls", in: body) { hasCalls = !JSONView.isHollow(body, member.value) }
      if member.keyIs("reasoning_content", in: body) { thought = member }
    }
    guard hasCalls else { return }
    if let thought {
      if thought.kind == .null { try splice.change(thought.value, "\"\"") }
    } else {
      try splice.put((",\"reasoning_content\":\"\"" as StaticString).bytes, at: message.upperBound - 1)
    }
  }

  // MARK: Tool calls

  /// Leaves calls the members that the provider takes: those that another one's answers carry, such as Google's
  /// `extra_content`, it would refuse.
  private func editCalls(
    _ range: Range<Int>, _ message: Int, _ body: Span<UInt8>, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(EditFault) {
    if rules.calls.isEmpty { return }
    var calls = JSONArrayCursor(body, range)
    var index = -1
    while let call = calls.next() {
      index += 1
      var removal = InnerRemoval()
      var members = JSONObjectCursor(body, call.value)
      while let member = members.next() {
        guard member.kind != .null, rules.calls.contains(where: { member.keyIs($0, in: body) }) else {
          if !JSONView.isHollow(body, member.value) {
            dropped.add("messages", message, "tool_calls", index, body.extracting(member.key))
          }
          try removal.remove(member, &splice)
          continue
        }
        try removal.keep(member, &splice)
        if member.keyIs("id", in: body) {
          if rules.shortIDs { try shorten(member.value, body, &splice) }
        } else if member.keyIs("function", in: body) {
          try PartEdit.keep(["name", "arguments"], of: member.value, body, &splice, &dropped) {
            key, dropped in
            dropped.add("messages", message, "tool_calls", index, key)
          }
        } else if member.keyIs("type", in: body), !JSONString.equals(body, member.value, "function") {
          throw .unsupported("messages", "calls of tools that are not functions")
        }
      }
      try removal.finish(&splice)
    }
  }

  /// Gives an id nine letters and digits: the same ones wherever it stands.
  private func shorten(
    _ value: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    let id = JSONString.content(body, value)
    guard JSONView.kind(body, value) == .string, !Self.isShort(id) else { return }
    // In base 62: nine digits keep 53 of its bits.
    var hash = FNV.hash(id)
    var text = ByteQueue()
    for _ in 0..<9 {
      let digit = UInt8(truncatingIfNeeded: hash % 62)
      hash /= 62
      text.append(digit < 10 ? 0x30 + digit : digit < 36 ? 0x41 + digit - 10 : 0x61 + digit - 36)
    }
    try splice.change(JSONString.range(body, value), text.bytes)
  }

  private static func isShort(_ id: Span<UInt8>) -> Bool {
    guard id.count == 9 else { return false }
    for at in 0..<9 where !ASCII.isDigit(id[at]) && ASCII.lower(id[at]) &- 0x61 >= 26 { return false }
    return true
  }
}
