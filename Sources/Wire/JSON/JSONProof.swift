// How a walk finds out whether the text that it reads is JSON, so that a whole answer need not be scanned before it is
// read. It is never more lenient than JSONScanner: what it doesn't look at, it doubts, and whoever hears that scans.

extension JSONWalk {
  /// Whether all of the text is one JSON value, and read to its end. Where it isn't known, false.
  package var hasProven: Bool {
    mutating get {
      skipSpace()
      return proves && at == end && depth == 0 && !isCut && !isDoubtful
    }
  }

  /// Where the value that comes next ends; nil where it is none, and perhaps where that isn't known. Objects and
  /// arrays are walked through.
  @inline(__always) mutating func provenEnd(_ kind: JSONKind) -> Int? {
    switch kind {
    case .string: JSONBytes.provenStringEnd(bytes, quote: at)
    case .number: JSONBytes.provenNumberEnd(bytes, from: at)
    case .true: wordEnd("true")
    case .false: wordEnd("false")
    case .null: wordEnd("null")
    case .object, .array: provenNestEnd()
    }
  }

  private func wordEnd(_ word: StaticString) -> Int? {
    let wordEnd = at &+ word.utf8CodeUnitCount
    return wordEnd <= end && bytes.extracting(at..<wordEnd).reads(word) ? wordEnd : nil
  }

  /// Passes over an object or array. What is nested deeper than a word has bits is passed over unseen.
  @inline(never)
  private mutating func provenNestEnd() -> Int? {
    let before = (at, depth)
    // A bit for each level, 1 for an object, behind one that marks the lowest.
    var levels: UInt64 = 1
    repeat {
      if enterObject() {
        levels = levels << 1 | 1
      } else if enterArray() {
        levels <<= 1
      } else if pass() == nil {
        return nil
      }
      // Out of what ends here, to the next value.
      while levels > 1, levels & 1 == 1 ? nextKey() == nil : !nextElement() {
        if isCut { return nil }
        levels >>= 1
      }
      if levels.leadingZeroBitCount == 0 {
        isDoubtful = true
        (at, depth) = before
        return nestEnd()
      }
    } while levels > 1
    return at
  }
}

extension JSONBytes {
  /// Where the string that opens at `quote` ends: behind its closing quote; nil if it is none (RFC 8259 section 7).
  static func provenStringEnd(_ bytes: Span<UInt8>, quote: Int) -> Int? {
    var at = quote &+ 1
    var isWide = false
    while true {
      at = textEnd(bytes, from: at, isWide: &isWide)
      guard at < bytes.count else { return nil }
      if bytes[at] == ASCII.quote { return at &+ 1 }
      // What ends a run is a control character, or an escape of more than a letter.
      guard bytes[at] == ASCII.backslash, at &+ 6 <= bytes.count, bytes[at &+ 1] == UInt8(ascii: "u") else {
        return nil
      }
      for digit in at &+ 2..<at &+ 6 where ASCII.hexadecimal(bytes[digit]) == nil { return nil }
      at &+= 6
    }
  }

  /// Where the number that begins at `from` ends; nil if it is none (RFC 8259 section 6).
  static func provenNumberEnd(_ bytes: Span<UInt8>, from: Int) -> Int? {
    var at = from
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at &+= 1 }
    let whole = at
    at = digitsEnd(bytes, from: at)
    guard at > whole, at == whole &+ 1 || bytes[whole] != UInt8(ascii: "0") else { return nil }
    guard at < bytes.count else { return at }
    if bytes[at] == UInt8(ascii: ".") {
      let fraction = at &+ 1
      at = digitsEnd(bytes, from: fraction)
      guard at > fraction else { return nil }
    }
    guard at < bytes.count, ASCII.lower(bytes[at]) == UInt8(ascii: "e") else { return at }
    at &+= 1
    if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at &+= 1 }
    let exponent = at
    at = digitsEnd(bytes, from: exponent)
    return at > exponent ? at : nil
  }

  @inline(__always) private static func digitsEnd(_ bytes: Span<UInt8>, from: Int) -> Int {
    var at = from
    while at < bytes.count, ASCII.isDigit(bytes[at]) { at &+= 1 }
    return at
  }
}
