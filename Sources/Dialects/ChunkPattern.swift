// Chunks of a chat that differ from the one before only in what their strings say: of most streams all but the first and the
// last. Only the text itself is read of them, for everything else is what was seen to hold no text. The text gate and the
// formats that are made of chats know them so.

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
  func match(_ data: Span<UInt8>) -> (value: Range<Int>, choice: Int)? {
    guard let key = pattern.match(data) else { return nil }
    // The model's text follows its key, and no string of such a chunk has an escape.
    var end = key.upperBound &+ 1
    while end < data.count, data[end] != ASCII.quote { end &+= 1 }
    return end < data.count ? (key.upperBound..<end &+ 1, choice) : nil
  }

  /// Takes a chunk as the model, if its choice brings a text and nothing else.
  mutating func learn(_ data: Span<UInt8>) {
    seen &+= 1
    guard seen > Self.first, left > 0 else { return }
    left -= 1
    pattern.forget()
    var content: JSONObjectCursor.Member?
    var members = JSONObjectCursor(data, 0..<data.count)
    while let member = members.next() {
      if member.keyIs("choices", in: data) {
        guard content == nil, let found = text(data, member.value) else { return }
        content = found
      } else if !Self.holdsNoText(member, in: data) {
        return
      }
    }
    guard let content else { return }
    pattern.learn(data, cut: content.key.lowerBound - 1..<content.value.lowerBound)
  }

  /// Members beside the choices in which no model's words are.
  private static func holdsNoText(_ member: JSONObjectCursor.Member, in data: Span<UInt8>) -> Bool {
    member.kind != .string && member.kind != .object && member.kind != .array || member.keyIs("id", in: data)
      || member.keyIs("object", in: data) || member.keyIs("model", in: data)
      || member.keyIs("service_tier", in: data) || member.keyIs("system_fingerprint", in: data)
      || member.keyIs("obfuscation", in: data)
  }

  /// The member that holds the text, where there is a single choice that has nothing else to say.
  private mutating func text(_ data: Span<UInt8>, _ choices: Range<Int>) -> JSONObjectCursor.Member? {
    var elements = JSONArrayCursor(data, choices)
    guard let element = elements.next(), elements.next() == nil else { return nil }
    var content: JSONObjectCursor.Member?
    choice = 0
    var members = JSONObjectCursor(data, element.value)
    while let member = members.next() {
      if member.keyIs("delta", in: data) {
        guard content == nil, let found = Self.content(data, member.value) else { return nil }
        content = found
      } else if member.keyIs("index", in: data) {
        choice = JSONValue.integer(data, member.value) ?? 0
      } else if member.kind != .null {
        return nil
      }
    }
    return content
  }

  private static func content(_ data: Span<UInt8>, _ delta: Range<Int>) -> JSONObjectCursor.Member? {
    var content: JSONObjectCursor.Member?
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      if member.keyIs("content", in: data), member.kind == .string, content == nil {
        content = member
      } else if member.kind != .null, !member.keyIs("role", in: data) {
        return nil
      }
    }
    return content
  }
}
