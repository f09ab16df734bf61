// What was read ahead of the walk over a text, or behind it, so that what is looked for at each of many places is read
// once. Without it a text of beginnings alone would be read again from each of them.

internal import Wire

/// What is known of a text beyond the place where the walk is. Places are only asked from left to right.
struct ReadAhead {
  /// Up to where hexadecimal groups were read that are no address.
  var hexEnd = 0
  var scheme = SchemeSearch()
  var around = Around()
  /// Where a private key's head has its kind, and where it ends.
  var keyKind = WordSearch()
  var keyEnd = WordSearch()
  /// The text that some credentials hold, and where it is.
  private var needed: [UInt8] = []
  private var neededPlace = WordSearch()
  private var runs = InlineArray<24, Run>(repeating: Run())
  /// Of short candidates, and of long ones: a place may begin one of each.
  private var short: EntropyWindow?
  private var long: EntropyWindow?

  private struct Run {
    var start = 0
    var end = 0
  }

  /// How many classes of bytes have a run that is kept.
  static let classCeiling = 24

  /// Where the bytes of `part` from `start` on end, of which there are at most as many as it takes.
  mutating func end(of part: SecretRule.Part, _ text: Span<UInt8>, from start: Int) -> Int {
    var run = part.place < Self.classCeiling ? runs.span[part.place] : Run()
    if run.start > start || run.end < start { run = Run(start: start, end: start) }
    let limit = min(start &+ part.most, text.count)
    while run.end < limit, part.takes(text[run.end]) { run.end &+= 1 }
    if part.place < Self.classCeiling { runs[part.place] = run }
    return min(run.end, limit)
  }

  /// Whether `word` is in `range`.
  mutating func has(_ word: [UInt8], _ text: Span<UInt8>, in range: Range<Int>) -> Bool {
    if word != needed { (needed, neededPlace) = (word, WordSearch()) }
    let limit = range.upperBound - word.count + 1
    return neededPlace.first(word.span, text, from: range.lowerBound, before: limit) != nil
  }

  /// Whether the bytes in `range` have so many bits of entropy each.
  mutating func has(_ bits: Double, _ text: Span<UInt8>, in range: Range<Int>) -> Bool {
    if range.count <= 64 {
      if short == nil { short = EntropyWindow() }
      return short?.has(bits, text, in: range) ?? false
    }
    if long == nil { long = EntropyWindow() }
    return long?.has(bits, text, in: range) ?? false
  }
}

/// A word that is looked for from one place after another.
struct WordSearch {
  /// Between these no such word begins.
  private var from = 0
  private var to = 0

  /// Where `word` begins first from `start` on, if before `limit`.
  mutating func first(_ word: Span<UInt8>, _ text: Span<UInt8>, from start: Int, before limit: Int) -> Int? {
    if start < from || start > to { (from, to) = (start, start) }
    let end = min(limit &+ word.count &- 1, text.count)
    guard to < end else { return nil }
    let found = text.extracting(0..<end).place(of: word, from: to)
    to = max(to, found ?? end &- word.count &+ 1)
    return found
  }
}

/// Whether a scheme's `://` stands before a place, in the same word.
struct SchemeSearch {
  private static let reach = 64
  /// Up to where this was found out, what was met last, and where that ends.
  private var end = 0
  private var isScheme = false
  private var place = 0

  mutating func stands(_ text: Span<UInt8>, before start: Int) -> Bool {
    if start < end { self = SchemeSearch() }
    let floor = max(start - Self.reach, 0) + 2
    let known = max(end, floor)
    var at = start
    while at > known {
      let byte = text[at - 1]
      let ends = byte <= ASCII.space || byte == ASCII.quote || byte == ASCII.comma
      if ends
        || byte == UInt8(ascii: "/") && text[at - 2] == UInt8(ascii: "/") && text[at - 3] == ASCII.colon
      {
        (place, isScheme) = (at, !ends)
        break
      }
      at -= 1
    }
    end = start
    return isScheme && place > floor
  }
}
