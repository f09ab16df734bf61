// Where in a request's body the texts lie that a model reads: what policies look at.
//
// Every format's positions are here, since a body says by its members which format it has: chats and completions,
// embeddings, Responses, Messages. Names, ids, data in base64 and reasoning that its provider has signed are not texts.

internal import Wire

/// Who says a text.
package enum PromptRole: UInt8, Sendable { case user, tool, assistant, system, other }

/// What a text is written in.
package enum PromptKind: UInt8, Sendable {
  case text
  /// JSON in a string.
  case arguments
  /// What a tool or its parameter is for: the operator's or the application's own words.
  case description
  /// A bare number among a tool's arguments.
  case number
}

/// Where a text stands, for messages: names of the format and numbers, nothing that a client has chosen.
package struct PromptPlace: Sendable {
  package var top: StaticString
  package var index = -1
  package var leaf: StaticString = ""
  package var part = -1
  package var inner: StaticString = ""

  /// `messages[3].content[0].text`
  package var path: String {
    var path = "\(top)"
    if index >= 0 { path += "[\(index)]" }
    if leaf.utf8CodeUnitCount > 0 { path += ".\(leaf)" }
    if part >= 0 { path += "[\(part)]" }
    if inner.utf8CodeUnitCount > 0 { path += ".\(inner)" }
    return path
  }
}

/// One text.
package struct PromptText: Sendable {
  /// What stands between the string's quotes, still escaped; of a number all of it.
  package var range: Range<Int>
  package var role: PromptRole
  package var kind: PromptKind
  package var place: PromptPlace
}

/// Finds the texts of a body that has been scanned.
package struct PromptTexts: ~Escapable {
  /// Values within values that are looked into.
  private static let depthCeiling = 64

  private let bytes: Span<UInt8>

  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// Calls `each` with every text, in the body's order.
  package func find(_ each: (PromptText) -> Void) {
    var members = JSONObjectCursor(bytes, 0..<bytes.count)
    while let member = members.next() {
      let value = member.value
      if member.keyIs("messages", in: bytes) {
        readMessages(value, "messages", each)
      } else if member.keyIs("input", in: bytes) {
        if member.kind == .array {
          readMessages(value, "input", each)
        } else {
          read(value, .user, "input", each)
        }
      } else if member.keyIs("prompt", in: bytes) {
        readContent(value, .user, PromptPlace(top: "prompt"), each)
      } else if member.keyIs("suffix", in: bytes) {
        read(value, .user, "suffix", each)
      } else if member.keyIs("instructions", in: bytes) {
        readContent(value, .system, PromptPlace(top: "instructions"), each)
      } else if member.keyIs("system", in: bytes) {
        readContent(value, .system, PromptPlace(top: "system"), each)
      } else if member.keyIs("prediction", in: bytes) {
        if let content = JSONView.value(bytes, in: value, at: "content") {
          readContent(content, .assistant, PromptPlace(top: "prediction", leaf: "content"), each)
        }
      } else if member.keyIs("user", in: bytes) {
        read(value, .other, "user", each)
      } else if member.keyIs("safety_identifier", in: bytes) {
        read(value, .other, "safety_identifier", each)
      } else if member.keyIs("metadata", in: bytes) {
        readAll(value, .other, .text, PromptPlace(top: "metadata"), each)
      } else if member.keyIs("tools", in: bytes) || member.keyIs("functions", in: bytes) {
        readDescriptions(value, PromptPlace(top: "tools"), 0, each)
      }
    }
  }

  private func read(
    _ value: Range<Int>, _ role: PromptRole, _ name: StaticString, _ each: (PromptText) -> Void
  ) {
    emit(value, role, .text, PromptPlace(top: name), each)
  }

  private func emit(
    _ value: Range<Int>, _ role: PromptRole, _ kind: PromptKind, _ place: PromptPlace,
    _ each: (PromptText) -> Void
  ) {
    guard JSONView.kind(bytes, value) == .string, value.count > 2 else { return }
    let content = value.lowerBound + 1..<value.upperBound - 1
    // A picture is no text.
    if Self.isData(bytes.extracting(content)) { return }
    each(PromptText(range: content, role: role, kind: kind, place: place))
  }

  /// Whether a text is a `data:` address in base64 (RFC 2397).
  private static func isData(_ text: Span<UInt8>) -> Bool {
    guard text.begins("data:") else { return false }
    var at = 5
    while at < min(text.count, 256), text[at] != ASCII.comma {
      // A media type and its parameters have no blanks.
      if text[at] <= ASCII.space { return false }
      at += 1
    }
    return at < text.count && text.extracting(0..<at).ends(";base64")
  }

  // MARK: Messages and items

  private func readMessages(_ list: Range<Int>, _ top: StaticString, _ each: (PromptText) -> Void) {
    var elements = JSONArrayCursor(bytes, list)
    var place = PromptPlace(top: top)
    place.index = 0
    while let element = elements.next() {
      switch element.kind {
      case .string: emit(element.value, .user, .text, place, each)
      case .object: readMessage(element.value, place, each)
      default: break
      }
      place.index += 1
    }
  }

  private func role(of message: Range<Int>) -> PromptRole {
    let role = JSONView.content(bytes, in: message, at: "role")
    if role.equals("user") { return .user }
    if role.equals("assistant") { return .assistant }
    if role.equals("system") || role.equals("developer") { return .system }
    if role.equals("tool") || role.equals("function") { return .tool }
    let type = JSONView.content(bytes, in: message, at: "type")
    if type.ends("_output") { return .tool }
    return role.isEmpty && !type.isEmpty && !type.equals("message") ? .assistant : .user
  }

  private func readMessage(_ message: Range<Int>, _ place: PromptPlace, _ each: (PromptText) -> Void) {
    let role = role(of: message)
    var members = JSONObjectCursor(bytes, message)
    while let member = members.next() {
      var place = place
      let value = member.value
      for name: StaticString in ["content", "output", "summary"] where member.keyIs(name, in: bytes) {
        place.leaf = name
        readContent(value, role, place, each)
      }
      for name: StaticString in ["refusal", "reasoning_content", "reasoning", "name", "text"]
      where member.keyIs(name, in: bytes) {
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
  }

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
  private func readContent(
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

  // MARK: Values of any shape

  /// All strings among the values in `value`, and of a tool's arguments the numbers.
  private func readAll(
    _ value: Range<Int>, _ role: PromptRole, _ kind: PromptKind, _ place: PromptPlace, depth: Int = 0,
    _ each: (PromptText) -> Void
  ) {
    guard depth < Self.depthCeiling else { return readLeaves(value, role, kind, place, each) }
    switch JSONView.kind(bytes, value) {
    case .string: emit(value, role, kind, place, each)
    case .number where value.count > 6 && role != .other:
      each(PromptText(range: value, role: role, kind: .number, place: place))
    case .object:
      var members = JSONObjectCursor(bytes, value)
      while let member = members.next() { readAll(member.value, role, kind, place, depth: depth + 1, each) }
    case .array:
      var elements = JSONArrayCursor(bytes, value)
      while let element = elements.next() {
        readAll(element.value, role, kind, place, depth: depth + 1, each)
      }
    default: break
    }
  }

  /// All strings that lie deeper than is walked, and the numbers as above.
  private func readLeaves(
    _ value: Range<Int>, _ role: PromptRole, _ kind: PromptKind, _ place: PromptPlace,
    _ each: (PromptText) -> Void
  ) {
    var leaves = JSONLeaves(bytes, value)
    while let leaf = leaves.next() {
      if !leaf.isNumber {
        emit(leaf.value, role, kind, place, each)
      } else if leaf.value.count > 6, role != .other, kind != .description {
        each(PromptText(range: leaf.value, role: role, kind: .number, place: place))
      }
    }
  }

  /// The values of all members called `description`.
  private func readDescriptions(
    _ value: Range<Int>, _ place: PromptPlace, _ depth: Int, _ each: (PromptText) -> Void
  ) {
    guard depth < Self.depthCeiling else { return readLeaves(value, .system, .description, place, each) }
    var place = place
    switch JSONView.kind(bytes, value) {
    case .array:
      if depth == 0 { place.index = 0 }
      var elements = JSONArrayCursor(bytes, value)
      while let element = elements.next() {
        readDescriptions(element.value, place, depth + 1, each)
        if depth == 0 { place.index += 1 }
      }
    case .object:
      var members = JSONObjectCursor(bytes, value)
      while let member = members.next() {
        if member.keyIs("description", in: bytes), member.kind == .string {
          place.leaf = "description"
          emit(member.value, .system, .description, place, each)
        } else if member.kind == .object || member.kind == .array {
          readDescriptions(member.value, place, depth + 1, each)
        }
      }
    default: break
    }
  }
}
