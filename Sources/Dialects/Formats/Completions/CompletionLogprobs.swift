// What the older completions tell of tokens' probabilities: four lists, where a chat has one of objects (OpenAI API
// reference, "Completions").

internal import Wire

struct CompletionLogprobs: ~Copyable {
  private var tokens = ByteQueue()
  private var numbers = ByteQueue()
  /// Of each token the likeliest, an object.
  private var others = ByteQueue()
  private var offsets = ByteQueue()
  /// Characters of the tokens so far.
  private var offset = 0

  /// Forgets all of it.
  mutating func removeAll() {
    forgetWritten()
    offset = 0
  }

  /// Forgets what has been written; what comes next is behind it in the text.
  mutating func forgetWritten() {
    tokens.removeAll()
    numbers.removeAll()
    others.removeAll()
    offsets.removeAll()
  }

  /// Adds a chat's items, with commas between.
  mutating func add(_ items: Span<UInt8>) {
    var list = ByteQueue()
    list.append("[")
    list.append(items)
    list.append("]")
    let text = list.bytes
    var elements = JSONArrayCursor(text, 0..<text.count)
    while let item = elements.next() {
      guard let token = JSONView.value(text, in: item.value, at: "token"),
        JSONView.kind(text, token) == .string
      else { continue }
      let comma = tokens.isEmpty ? "" : "," as StaticString
      tokens.append(comma)
      numbers.append(comma)
      others.append(comma)
      offsets.append(comma)
      tokens.append(text.extracting(token))
      Self.append(number: text, item.value, into: &numbers)
      append(others: text, item.value)
      offsets.append(decimal: offset)
      offset += Self.characters(JSONString.content(text, token))
    }
  }

  private static func append(number text: Span<UInt8>, _ item: Range<Int>, into out: inout ByteQueue) {
    if let number = JSONView.value(text, in: item, at: "logprob") {
      out.append(text.extracting(number))
    } else {
      out.append("null")
    }
  }

  private mutating func append(others text: Span<UInt8>, _ item: Range<Int>) {
    others.append("{")
    if let list = JSONView.value(text, in: item, at: "top_logprobs"), JSONView.kind(text, list) == .array {
      var isFirst = true
      var elements = JSONArrayCursor(text, list)
      while let other = elements.next() {
        guard let token = JSONView.value(text, in: other.value, at: "token"),
          JSONView.kind(text, token) == .string
        else { continue }
        if !isFirst { others.append(ASCII.comma) }
        isFirst = false
        others.append(text.extracting(token))
        others.append(ASCII.colon)
        Self.append(number: text, other.value, into: &others)
      }
    }
    others.append("}")
  }

  /// How many characters a string has, still escaped.
  private static func characters(_ text: Span<UInt8>) -> Int {
    var count = 0
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte == ASCII.backslash {
        let isWide = at + 1 < text.count && text[at + 1] == UInt8(ascii: "u")
        // The second half of a pair is of the character that the first one is of.
        let isSecond =
          isWide && at + 3 < text.count && ASCII.lower(text[at + 2]) == UInt8(ascii: "d")
          && (ASCII.hexadecimal(text[at + 3]) ?? 0) >= 0xC
        if !isSecond { count += 1 }
        at += isWide ? 6 : 2
      } else {
        if byte & 0xC0 != 0x80 { count += 1 }
        at += 1
      }
    }
    return count
  }

  /// Appends the four lists, or null where there is nothing.
  func write(into out: inout ByteQueue) {
    if tokens.isEmpty { return out.append("null") }
    out.append("{\"tokens\":[")
    out.append(tokens)
    out.append("],\"token_logprobs\":[")
    out.append(numbers)
    out.append("],\"top_logprobs\":[")
    out.append(others)
    out.append("],\"text_offset\":[")
    out.append(offsets)
    out.append("]}")
  }
}
