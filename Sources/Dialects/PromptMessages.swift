// The texts of messages and of the items of an input, in every format that has such lists.

internal import Wire

extension PromptTexts {
  /// Reads the list that the walk has entered.
  func readMessages(_ walk: inout JSONWalk, _ top: StaticString, _ each: (PromptText) -> Void) {
    var place = PromptPlace(top: top)
    place.index = 0
    while walk.nextElement() {
      if let turn = walk.takePlainTurn() {
        var place = place
        place.leaf = "content"
        emit(turn.text, turn.isAssistant ? .assistant : .user, .text, place, each)
      } else if case .object? = walk.kind {
        readMessage(&walk, place, each)
      } else if let (value, kind) = walk.pass(), kind == .string {
        emit(value, .user, .text, place, each)
      }
      place.index += 1
    }
  }

  /// Reads the message that comes next. What is in it depends on its role, which may stand behind it.
  private func readMessage(_ walk: inout JSONWalk, _ place: PromptPlace, _ each: (PromptText) -> Void) {
    let members = HeldMembers(&walk)
    let role = Self.role(
      members.content("role", in: bytes), type: members.content("type", in: bytes))
    members.visit(bytes) { read($0, role, place, each) }
  }

  private static func role(_ role: Span<UInt8>, type: Span<UInt8>) -> PromptRole {
    if role.equals("user") { return .user }
    if role.equals("assistant") { return .assistant }
    if role.equals("system") || role.equals("developer") { return .system }
    if role.equals("tool") || role.equals("function") { return .tool }
    if type.ends("_output") { return .tool }
    return role.isEmpty && !type.isEmpty && !type.equals("message") ? .assistant : .user
  }

  private func read(
    _ member: JSONObjectCursor.Member, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    var place = place
    let value = member.value
    for name in Self.contents where member.keyIs(name, in: bytes) {
      place.leaf = name
      readContent(value, role, place, each)
    }
    for name in Self.texts where member.keyIs(name, in: bytes) {
      place.leaf = name
      emit(value, role, .text, place, each)
    }
    if member.keyIs("arguments", in: bytes) || member.keyIs("input", in: bytes) {
      place.leaf = "arguments"
      emit(value, role, .arguments, place, each)
    } else if member.keyIs("function_call", in: bytes) {
      place.leaf = "function_call.arguments"
      if let arguments = JSONView.value(bytes, in: value, at: "arguments") {
        emit(arguments, role, .arguments, place, each)
      }
    } else if member.keyIs("tool_calls", in: bytes) {
      place.leaf = "tool_calls"
      readCalls(value, role, place, each)
    }
  }

  private static let contents: [StaticString] = ["content", "output", "summary"]
  private static let texts: [StaticString] = ["refusal", "reasoning_content", "reasoning", "name", "text"]

  private func readCalls(
    _ list: Range<Int>, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    var calls = JSONArrayCursor(bytes, list)
    var place = place
    place.part = 0
    while let call = calls.next() {
      if let arguments = JSONView.value(bytes, in: call.value, at: "function", "arguments") {
        place.inner = "function.arguments"
        emit(arguments, role, .arguments, place, each)
      }
      if let input = JSONView.value(bytes, in: call.value, at: "custom", "input") {
        place.inner = "custom.input"
        emit(input, role, .arguments, place, each)
      }
      place.part += 1
    }
  }

  /// A string, or a list of strings and parts.
  func readContent(
    _ value: Range<Int>, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    guard JSONView.kind(bytes, value) == .array else { return emit(value, role, .text, place, each) }
    var elements = JSONArrayCursor(bytes, value)
    var place = place
    place.part = 0
    while let element = elements.next() {
      switch element.kind {
      case .string: emit(element.value, role, .text, place, each)
      case .object: readPart(element.value, role, place, each)
      default: break
      }
      place.part += 1
    }
  }

  private func readPart(
    _ part: Range<Int>, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    let type = JSONView.content(bytes, in: part, at: "type")
    // What the provider has signed must come back to it as it was.
    if type.equals("thinking"), !JSONView.content(bytes, in: part, at: "signature").isEmpty { return }
    let isResult = type.equals("tool_result")
    let isDocument = type.equals("document") || type.equals("search_result")
    var members = JSONObjectCursor(bytes, part)
    while let member = members.next() {
      var place = place
      for name: StaticString in ["text", "refusal", "thinking"] where member.keyIs(name, in: bytes) {
        place.inner = name
        emit(member.value, role, .text, place, each)
      }
      if member.keyIs("content", in: bytes), isResult {
        readResult(member.value, place, each)
      } else if member.keyIs("input", in: bytes), member.kind == .object {
        place.inner = "input"
        readAll(member.value, role, .text, place, each)
      } else if isDocument {
        readDocument(member, role, place, each)
      }
    }
  }

  /// What a document or a found page says, as text or in parts, and what it is called.
  private func readDocument(
    _ member: JSONObjectCursor.Member, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    var place = place
    if member.keyIs("title", in: bytes) || member.keyIs("context", in: bytes) {
      place.inner = "title"
      emit(member.value, role, .text, place, each)
    } else if member.keyIs("content", in: bytes) {
      readTexts(member.value, role, place, each)
    } else if member.keyIs("source", in: bytes), member.kind == .string {
      place.inner = "source"
      emit(member.value, role, .text, place, each)
    } else if member.keyIs("source", in: bytes) {
      if JSONView.content(bytes, in: member.value, at: "type").equals("text"),
        let text = JSONView.value(bytes, in: member.value, at: "data")
      {
        place.inner = "source.data"
        emit(text, role, .text, place, each)
      } else if let content = JSONView.value(bytes, in: member.value, at: "content") {
        readTexts(content, role, place, each)
      }
    }
  }

  private func readResult(_ value: Range<Int>, _ place: PromptPlace, _ each: (PromptText) -> Void) {
    readTexts(value, .tool, place, each)
  }

  /// A string, or parts of which the texts count, and documents among them.
  private func readTexts(
    _ value: Range<Int>, _ role: PromptRole, _ place: PromptPlace, _ each: (PromptText) -> Void
  ) {
    var place = place
    place.inner = "content"
    guard JSONView.kind(bytes, value) == .array else { return emit(value, role, .text, place, each) }
    var parts = JSONArrayCursor(bytes, value)
    while let part = parts.next() {
      if part.kind == .string { emit(part.value, role, .text, place, each) }
      let type = JSONView.content(bytes, in: part.value, at: "type")
      let isDocument = type.equals("document") || type.equals("search_result")
      var members = JSONObjectCursor(bytes, part.value)
      while let member = members.next() {
        if member.keyIs("text", in: bytes) {
          emit(member.value, role, .text, place, each)
        } else if isDocument {
          readDocument(member, role, place, each)
        }
      }
    }
  }
}
