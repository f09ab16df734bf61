// What a request will take, before it is made: its prompt's tokens by the weight of its bytes, its answer's by what it
// asks for or by what such answers had.

package import Wire

/// What of a body decides how many tokens it has.
package struct Prompt: Sendable {
  /// Members that hold texts, at most: `messages`, `input`, `prompt`, `instructions`, `system`.
  fileprivate static let ceiling = 5
  /// Where the texts stand.
  fileprivate var texts = InlineArray<5, Range<Int>>(repeating: 0..<0)
  fileprivate var count = 0
  package var tools: Range<Int>?
  /// Bytes of the whole body, of which a part may not be here yet.
  package var total = 0

  package init() {}

  /// Adds the place of a member's value.
  package mutating func add(_ text: Range<Int>) {
    guard count < Self.ceiling else { return }
    texts[count] = text
    count += 1
  }
}

package enum Estimate {
  /// Up to so many bytes are weighed one by one: as many as are looked at of more.
  private static let whole = 4 << 10
  /// Of more, so many blocks of so many bytes, evenly spaced: within 6 % of all, in 4 us.
  private static let blocks = 64
  private static let block = 64
  /// What a picture counts, whatever its bytes: a middle one at the usual detail.
  private static let picture = 1100
  /// What stands around each message, and around all of them.
  private static let message = 4
  private static let frame = 3
  /// Of the weight of tools' JSON: providers write them in a shorter form.
  private static let toolShare = (6, 10)

  /// Tokens of a prompt.
  ///
  /// - Parameters:
  ///   - body: what is here of it.
  ///   - strings: where its long strings lie, as far as that is known.
  package static func tokens(
    _ body: Span<UInt8>, _ prompt: Prompt, _ counting: Counting, strings: JSONPlaces = JSONPlaces()
  ) -> Int {
    var weight = 0
    var extra = frame
    for place in 0..<prompt.count {
      let range = prompt.texts[place]
      if range.count <= whole {
        var reader = PromptReader(counting.vocabulary)
        var walk = JSONWalk(body, from: range.lowerBound, strings: strings.span)
        reader.read(&walk, body)
        weight += reader.weight
        extra += reader.pictures * picture + reader.messages * message + reader.numbers
        extra += reader.calls * counting.callFrame
      } else {
        let (sampled, pictures) = sample(body, range, counting.vocabulary)
        weight += sampled
        extra += pictures * picture
      }
    }
    if let tools = prompt.tools {
      let raw =
        tools.count <= whole
        ? counting.vocabulary.weight(body, tools) : sample(body, tools, counting.vocabulary).weight
      weight += raw / toolShare.1 * toolShare.0
      extra += counting.toolPreamble
    } else {
      extra += counting.preamble
    }
    // Of a body that is sent on while it comes only the beginning is known; the rest is taken to be like it.
    if prompt.total > body.count, !body.isEmpty {
      weight = Int(clamping: UInt64(weight) * UInt64(prompt.total) / UInt64(body.count))
    }
    return max(weight / 64 + extra, 1)
  }

  /// Weighs a long text by a part of it. What looks like base64 is a picture or a file: each stretch counts as one.
  private static func sample(
    _ body: Span<UInt8>, _ range: Range<Int>, _ vocabulary: Vocabulary
  ) -> (weight: Int, pictures: Int) {
    let step = range.count / blocks
    var weight = 0
    var pictures = 0
    var wasCoded = false
    for place in 0..<blocks {
      let start = range.lowerBound + place * step
      let end = min(start + block, range.upperBound, body.count)
      if start >= end { break }
      if isCoded(body, start..<end) {
        if !wasCoded { pictures += 1 }
        wasCoded = true
      } else {
        wasCoded = false
        weight += vocabulary.weight(body, start..<end)
      }
    }
    return (weight / block * step + weight % block * step / block, pictures)
  }

  /// Whether these bytes are of base64 and nothing else; words are never that long.
  private static func isCoded(_ body: Span<UInt8>, _ range: Range<Int>) -> Bool {
    for at in range {
      let byte = body[at]
      let isLetter = ASCII.lower(byte) &- UInt8(ascii: "a") < 26
      guard isLetter || ASCII.isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") else {
        return false
      }
    }
    return range.count == block
  }
}

/// Weighs the texts in a short value: what a person or a model has said, without the words of the format.
struct PromptReader {
  private let vocabulary: Vocabulary
  var weight = 0
  var pictures = 0
  var messages = 0
  /// Calls of tools, and their results.
  var calls = 0
  /// Tokens that are given as numbers.
  var numbers = 0
  /// As deep as any request goes; the scanner has its own ceiling.
  private static let ceiling = 16

  init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

  /// Reads the value that comes next.
  mutating func read(_ walk: inout JSONWalk, _ bytes: Span<UInt8>) {
    if case .string? = walk.kind { messages += 1 }
    read(&walk, bytes, depth: 0)
  }

  private mutating func read(_ walk: inout JSONWalk, _ bytes: Span<UInt8>, depth: Int) {
    if depth <= Self.ceiling, walk.enterArray() {
      while walk.nextElement() {
        if depth == 0, case .object? = walk.kind {
          messages += 1
          if let turn = walk.takePlainTurn() {
            weigh(turn.text, bytes)
            continue
          }
        }
        read(&walk, bytes, depth: depth + 1)
      }
    } else if depth <= Self.ceiling, walk.enterObject() {
      while let key = walk.nextKey() {
        if let kind = walk.kind, counts(bytes.extracting(key.range), kind) {
          read(&walk, bytes, depth: depth + 1)
        } else {
          _ = walk.pass()
        }
      }
    } else if let (range, kind) = walk.pass(), depth <= Self.ceiling {
      if kind == .string { weigh(range, bytes) } else if kind == .number { numbers += 1 }
    }
  }

  /// - Parameter string: with its quotes.
  private mutating func weigh(_ string: Range<Int>, _ bytes: Span<UInt8>) {
    weight += vocabulary.weight(
      bytes, string.lowerBound + 1..<max(string.upperBound - 1, string.lowerBound + 1))
  }

  /// Takes account of a member.
  ///
  /// - Returns: whether what is in its value counts.
  private mutating func counts(_ key: Span<UInt8>, _ kind: JSONKind) -> Bool {
    switch Self.part(key, kind) {
    case .format: return false
    case .media:
      if kind == .string || key.equals("image_url") { pictures += 1 }
      return false
    case .call:
      calls += 1
      // Of an id only that it is there counts.
      return kind != .string
    case .text: return kind != .number
    }
  }

  /// What a member's value is.
  private enum Part { case text, format, call, media }

  /// What the value of a member of this name is. Each name is compared with those of its length.
  private static func part(_ key: Span<UInt8>, _ kind: JSONKind) -> Part {
    switch key.count {
    case 2: key.equals("id") ? .format : .text
    case 3: key.equals("url") ? .media : .text
    case 4: key.equals("role") || key.equals("type") ? .format : key.equals("data") ? .media : .text
    case 5: kind == .object && key.equals("input") ? .call : .text
    case 6: key.equals("detail") || key.equals("status") ? .format : .text
    case 7: key.equals("call_id") ? .call : key.equals("file_id") ? .media : .text
    case 8: kind == .object && key.equals("function") ? .call : key.equals("file_url") ? .media : .text
    case 9:
      key.equals("signature") ? .format : key.equals("image_url") || key.equals("file_data") ? .media : .text
    case 10: key.equals("media_type") ? .format : .text
    case 11: key.equals("tool_use_id") ? .call : .text
    case 12: key.equals("tool_call_id") ? .call : .text
    case 13: key.equals("cache_control") ? .format : .text
    case 17: key.equals("encrypted_content") ? .format : .text
    default: .text
    }
  }
}
