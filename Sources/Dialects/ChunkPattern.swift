// Chunks of a chat that differ from the one before only in what their strings say: of most streams all but the first and the
// last. Only the text itself is read of them, for everything else is what was seen to hold no text. The text gate and the
// formats that are made of chats know them so; what only passes points the text out to the gate (Stream.swift).

internal import Wire

/// A chunk as a model for others.
struct ChunkPattern: ~Copyable {
  /// So many chunks of a stream are taken as models: one that changes all the time has none.
  private static let attempts = 4
  /// The first chunks are like no other, and of a whole answer that is told in chunks there are no more.
  private static let first = 2

  private var pattern = JSONPattern()
  private var choice = 0
  private var left = attempts
  private var seen = 0

  mutating func forget() {
    pattern.forget()
    left = Self.attempts
    seen = 0
  }

  /// Where the text lies in a chunk that is like the model, and whose it is.
  func match(_ data: Span<UInt8>) -> ChunkText? {
    guard let found = pattern.match(data) else { return nil }
    return ChunkText(value: found.string, choice: choice)
  }

  /// Takes a chunk, which is JSON, as the model, if its choice brings a text and nothing else.
  ///
  /// - Parameter isStrict: as of `ChunkText`.
  mutating func learn(_ data: Span<UInt8>, isStrict: Bool = false) {
    seen &+= 1
    guard seen > Self.first, left > 0 else { return }
    left -= 1
    pattern.forget()
    guard let text = ChunkText(only: data, isStrict: isStrict) else { return }
    choice = text.choice
    pattern.learn(data, cut: 0..<0)
    if !pattern.point(at: text.value) { pattern.forget() }
  }
}

/// The one text that a chat's chunk brings.
struct ChunkText {
  /// Where it lies, with its quotes.
  var value: Range<Int>
  var choice = 0

  /// The text of a chunk whose only choice has nothing else to say; nil for any other chunk.
  ///
  /// - Parameter isStrict: what is no name may not be there, though it holds no words either.
  init?(only data: Span<UInt8>, isStrict: Bool = false) {
    value = 0..<0
    var members = JSONObjectCursor(data, 0..<data.count)
    while let member = members.next() {
      if member.keyIs("choices", in: data) {
        guard value.isEmpty, readChoices(data, member.value) else { return nil }
      } else if !Self.holdsNoText(member, isStrict, in: data) {
        return nil
      }
    }
    if value.isEmpty { return nil }
  }

  init(value: Range<Int>, choice: Int) {
    self.value = value
    self.choice = choice
  }

  /// Members beside the choices in which no model's words are.
  private static func holdsNoText(
    _ member: JSONObjectCursor.Member, _ isStrict: Bool, in data: Span<UInt8>
  ) -> Bool {
    member.kind != .string && member.kind != .object && member.kind != .array || member.keyIs("id", in: data)
      || member.keyIs("object", in: data) || member.keyIs("model", in: data)
      || member.keyIs("service_tier", in: data) || member.keyIs("system_fingerprint", in: data)
      || !isStrict && member.keyIs("obfuscation", in: data)
  }

  /// Finds the text, where there is a single choice that has nothing else to say.
  private mutating func readChoices(_ data: Span<UInt8>, _ choices: Range<Int>) -> Bool {
    var elements = JSONArrayCursor(data, choices)
    guard let element = elements.next(), elements.next() == nil else { return false }
    var members = JSONObjectCursor(data, element.value)
    while let member = members.next() {
      if member.keyIs("delta", in: data) {
        guard value.isEmpty, let found = Self.content(data, member.value) else { return false }
        value = found
      } else if member.keyIs("index", in: data) {
        choice = JSONValue.integer(data, member.value) ?? 0
      } else if member.kind != .null {
        return false
      }
    }
    return !value.isEmpty
  }

  private static func content(_ data: Span<UInt8>, _ delta: Range<Int>) -> Range<Int>? {
    var content: Range<Int>?
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      if member.keyIs("content", in: data), member.kind == .string, content == nil {
        content = member.value
      } else if member.kind != .null, !member.keyIs("role", in: data) {
        return nil
      }
    }
    return content
  }
}
