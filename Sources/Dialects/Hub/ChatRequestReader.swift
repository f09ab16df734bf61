// Reads a chat request's body into the intermediate form, and refuses what no provider would understand.
//
// One walk: what is to be read is read where it stands. Next: ChatPartReader.swift, what turns are made of, and
// ChatSettingsReader.swift, what stands beside them.

internal import Wire

extension ChatRequest {
  /// Turns, parts and tools of one request; a body that fits `max_body` can't hold many more that mean anything.
  static let listCeiling = 100_000

  /// Reads `body`, which is one JSON object that has been scanned.
  ///
  /// - Parameter strings: where its long strings lie, as far as that is known.
  func read(_ body: Span<UInt8>, strings: JSONPlaces) throws(RequestFault) {
    removeAll()
    var walk = JSONWalk(body, strings: strings.span)
    if walk.enterObject() { try readMembers(body, &walk) }
    guard given.contains(.messages) else {
      throw RequestFault(.invalid, "messages", "'messages' is missing; send the conversation as a list.")
    }
    try checkTools(body)
    try readChoice(body)
    try readFormat(body)
    try readScalars(body)
    try readEffort(body)
  }

  private func readMembers(_ body: Span<UInt8>, _ walk: inout JSONWalk) throws(RequestFault) {
    while let key = walk.nextKey() {
      let field = ChatField.named(body, key.range)
      let start = walk.at
      // Of several the last counts.
      if field == .messages, walk.enterArray() {
        forgetMessages()
        try readMessages(body, &walk)
        note(.messages, start..<walk.at)
        continue
      }
      if field == .tools, walk.enterArray() {
        tools.removeAll(keepingCapacity: true)
        try readTools(body, &walk)
        note(.tools, start..<walk.at)
        continue
      }
      guard let (value, kind) = walk.pass() else { return }
      if kind == .null { continue }
      guard let field else {
        if extensions.count < 64 { extensions.append(ChatExtension(key: key.range, value: value)) }
        continue
      }
      if field == .messages { throw RequestFault(.invalid, "messages", "'messages' must be a list.") }
      if field == .tools { throw Self.wrong("tools", "a list") }
      note(field, value)
    }
  }

  private func note(_ field: ChatField, _ value: Range<Int>) {
    given.insert(ChatFields(field))
    values[Int(field.rawValue)] = value
  }

  // MARK: Messages

  private func readMessages(_ body: Span<UInt8>, _ walk: inout JSONWalk) throws(RequestFault) {
    while walk.nextElement() {
      let index = messages.count
      if let (isAssistant, text) = walk.takePlainTurn() {
        messages.append(
          ChatMessage(role: isAssistant ? .assistant : .user, parts: parts.count..<parts.count + 1))
        parts.append(ChatPart(kind: .text, value: text, place: (index, 0)))
      } else {
        guard walk.enterObject() else { throw Self.wrong("messages[\(index)]", "an object") }
        try readMessage(body, &walk, index)
      }
      guard messages.count <= Self.listCeiling else {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) turns.")
      }
    }
    if messages.isEmpty { throw RequestFault.noMessages }
  }

  private func readMessage(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ index: Int
  ) throws(RequestFault) {
    var message = ChatMessage(role: .user)
    var hasRole = false
    var refusal: Range<Int>?
    // Calls in front of the role, of which it isn't known whether they count.
    var early: Range<Int>?
    let first = parts.count
    while let key = walk.nextKey() {
      if key.says("content", in: body) {
        if parts.count > first { parts.removeLast(parts.count - first) }
        try readContent(body, &walk, index)
        continue
      }
      if key.says("tool_calls", in: body), hasRole, message.role == .assistant,
        case .array? = walk.kind
      {
        message.calls = try readCalls(body, &walk, index)
        continue
      }
      if key.says("thinking_blocks", in: body), walk.enterArray() {
        message.thinking = readThinking(body, &walk)
        continue
      }
      guard let (value, kind) = walk.pass() else { break }
      switch kind {
      case .null, .true, .false, .number:
        if kind != .null { try Self.checkWrong(key, body, index) }
      case .string:
        if key.says("role", in: body) {
          message.role = try Self.role(body, value, index)
          hasRole = true
        } else if key.says("refusal", in: body) {
          refusal = value
        } else if !Self.read(key, body, value, &message) {
          try Self.checkWrong(key, body, index)
        }
      case .object:
        if key.says("cache_control", in: body) {
          message.cacheControl = value
        } else if key.says("extra_content", in: body) {
          message.extra = value
        } else {
          try Self.checkWrong(key, body, index)
        }
      case .array:
        if key.says("tool_calls", in: body) { early = value } else { try Self.checkWrong(key, body, index) }
      }
    }
    guard hasRole else { throw RequestFault(.invalid, "messages[\(index)].role", "'role' is missing.") }
    add(refusal: refusal, index, from: first)
    message.parts = first..<parts.count
    if let early, message.role == .assistant {
      var late = JSONWalk(body, from: early.lowerBound, strings: Span())
      message.calls = try readCalls(body, &late, index)
    }
    try take(message, index)
  }

  private func take(_ message: ChatMessage, _ index: Int) throws(RequestFault) {
    if message.role == .tool, message.toolCallID == nil {
      throw RequestFault(
        .invalid, "messages[\(index)].tool_call_id", "A tool's turn must say which call it answers.")
    }
    messages.append(message)
  }

  /// Takes a text of a message that isn't its content.
  ///
  /// - Returns: false for what is none of it.
  @inline(__always) private static func read(
    _ key: JSONKey, _ body: Span<UInt8>, _ value: Range<Int>, _ message: inout ChatMessage
  ) -> Bool {
    if key.says("tool_call_id", in: body) {
      message.toolCallID = value
    } else if key.says("name", in: body) {
      message.name = value
    } else if key.says("reasoning_content", in: body) {
      message.reasoning = value
    } else if key.says("reasoning", in: body) {
      message.reasoning = message.reasoning ?? value
    } else {
      return false
    }
    return true
  }

  /// Appends to a message's parts that the model refused. One that does often has an empty content beside it.
  private func add(refusal: Range<Int>?, _ index: Int, from first: Int) {
    guard let refusal, refusal.count > 2 else { return }
    parts.append(ChatPart(kind: .refusal, value: refusal, place: (index, parts.count - first)))
  }

  /// Refuses members of a message whose value is of another kind than it must be, or that are out of use.
  private static func checkWrong(_ key: JSONKey, _ body: Span<UInt8>, _ index: Int) throws(RequestFault) {
    if key.says("tool_calls", in: body) { throw wrong("messages[\(index)].tool_calls", "a list") }
    if key.says("role", in: body) { _ = try role(body, 0..<0, index) }
    if key.says("function_call", in: body) {
      throw RequestFault(
        .unsupported, "messages[\(index)].function_call",
        "'function_call' is out of use; send 'tool_calls'.")
    }
  }

  private static func role(
    _ body: Span<UInt8>, _ range: Range<Int>, _ index: Int
  ) throws(RequestFault) -> ChatMessage.Role {
    // As nearly all write them; other spellings are looked at below.
    let text = JSONString.content(body, range)
    if text.reads("user") { return .user }
    if text.reads("assistant") { return .assistant }
    if text.reads("tool") { return .tool }
    return try rareRole(body, range, index)
  }

  private static func rareRole(
    _ body: Span<UInt8>, _ range: Range<Int>, _ index: Int
  ) throws(RequestFault) -> ChatMessage.Role {
    if JSONString.equals(body, range, "user") { return .user }
    if JSONString.equals(body, range, "assistant") { return .assistant }
    if JSONString.equals(body, range, "tool") { return .tool }
    if JSONString.equals(body, range, "system") { return .system }
    if JSONString.equals(body, range, "developer") { return .developer }
    if JSONString.equals(body, range, "function") {
      throw RequestFault(
        .unsupported, "messages[\(index)].role", "The role 'function' is out of use; send 'tool'.")
    }
    throw RequestFault(
      .invalid, "messages[\(index)].role",
      "'role' must be one of system, developer, user, assistant and tool.")
  }

  static func wrong(_ parameter: String, _ expected: String) -> RequestFault {
    RequestFault(.invalid, parameter, "'\(parameter)' must be \(expected).")
  }
}
