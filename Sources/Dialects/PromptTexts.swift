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

  package let bytes: Span<UInt8>
  private let strings: Span<UInt64>

  /// - Parameter strings: where long strings lie, as far as that is known (`JSONScanner.strings`).
  @_lifetime(copy bytes, copy strings)
  package init(_ bytes: Span<UInt8>, strings: Span<UInt64> = Span()) {
    self.bytes = bytes
    self.strings = strings
  }

  /// Calls `each` with every text, in the body's order.
  package func find(_ each: (PromptText) -> Void) {
    var walk = JSONWalk(bytes, strings: strings)
    guard walk.enterObject() else { return }
    while let key = walk.nextKey() {
      if key.says("messages", in: bytes), walk.enterArray() {
        readMessages(&walk, "messages", each)
      } else if key.says("input", in: bytes), walk.enterArray() {
        readMessages(&walk, "input", each)
      } else if let value = walk.pass()?.range {
        readMember(key, value, each)
      }
    }
  }

  private func readMember(_ key: JSONKey, _ value: Range<Int>, _ each: (PromptText) -> Void) {
    if key.says("input", in: bytes) {
      read(value, .user, "input", each)
    } else if key.says("prompt", in: bytes) {
      readContent(value, .user, PromptPlace(top: "prompt"), each)
    } else if key.says("suffix", in: bytes) {
      read(value, .user, "suffix", each)
    } else if key.says("instructions", in: bytes) {
      readContent(value, .system, PromptPlace(top: "instructions"), each)
    } else if key.says("system", in: bytes) {
      readContent(value, .system, PromptPlace(top: "system"), each)
    } else if key.says("prediction", in: bytes) {
      if let content = JSONView.value(bytes, in: value, at: "content") {
        readContent(content, .assistant, PromptPlace(top: "prediction", leaf: "content"), each)
      }
    } else if key.says("user", in: bytes) {
      read(value, .other, "user", each)
    } else if key.says("safety_identifier", in: bytes) {
      read(value, .other, "safety_identifier", each)
    } else if key.says("metadata", in: bytes) {
      readAll(value, .other, .text, PromptPlace(top: "metadata"), each)
    } else if key.says("tools", in: bytes) || key.says("functions", in: bytes) {
      readDescriptions(value, PromptPlace(top: "tools"), 0, each)
    }
  }

  private func read(
    _ value: Range<Int>, _ role: PromptRole, _ name: StaticString, _ each: (PromptText) -> Void
  ) {
    emit(value, role, .text, PromptPlace(top: name), each)
  }

  func emit(
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

  // MARK: Values of any shape

  /// All strings among the values in `value`, and of a tool's arguments the numbers.
  func readAll(
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
