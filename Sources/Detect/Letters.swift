// What a byte of a text is to the detectors: a part of a word, a digit, or something between words.

internal import Wire

/// Where words begin and end.
package enum WordBorders {
  /// Whether `at` is inside a word.
  package static func isInside(_ text: Span<UInt8>, _ at: Int) -> Bool {
    Letters.isWord(text, before: at) && Letters.isWord(text, at: at)
  }
}

enum Letters {
  /// The kinds by which the scan branches. `_` is a letter of names.
  enum Kind { case other, letter, digit, inner, mark }

  /// Scripts without spaces between words (lead bytes 0xE3 to 0xED) are no letters here: an address
  /// in the middle of them stands by itself. 0xE2 leads typographic marks, 0xC2 signs and the no-break space.
  @inline(__always) static func kind(_ byte: UInt8) -> Kind {
    switch byte {
    case 0x30...0x39: .digit
    case 0x41...0x5A, 0x61...0x7A, 0x5F: .letter
    case 0x80...0xBF: .inner
    case 0xC3...0xE1: .letter
    case UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "("), UInt8(ascii: ":"), UInt8(ascii: "~"): .mark
    default: .other
    }
  }

  @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  @inline(__always) static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
  @inline(__always) static func isAlnum(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
  @inline(__always) static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
  @inline(__always) static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }

  /// Whether a letter, a digit or `_` begins at `at`.
  @inline(__always)
  static func isWord(_ text: Span<UInt8>, at: Int) -> Bool {
    guard at < text.count else { return false }
    let byte = text[at]
    return isAlnum(byte) || byte == 0x5F || (byte >= 0xC3 && byte <= 0xE1)
  }

  /// Whether a letter, a digit or `_` ends before `at`.
  static func isWord(_ text: Span<UInt8>, before at: Int) -> Bool {
    guard at > 0, at <= text.count else { return false }
    var place = at - 1
    if text[place] < 0x80 { return isAlnum(text[place]) || text[place] == 0x5F }
    while place > 0, at - place < 4, text[place] & 0xC0 == 0x80 { place -= 1 }
    return text[place] >= 0xC3 && text[place] <= 0xE1
  }

  /// Whether something may begin at `at`: no word goes on there, nor one that a point, a hyphen or a slash is glued to,
  /// nor a number with a comma.
  static func isFree(_ text: Span<UInt8>, before at: Int) -> Bool {
    if isWord(text, before: at) { return false }
    guard at > 1 else { return true }
    switch text[at - 1] {
    case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"): return !isWord(text, before: at - 1)
    case UInt8(ascii: ","):
      return !isDigit(text[at - 2]) || isLong(text, before: at - 1)
    default: return true
    }
  }

  /// Whether something may end before `at`.
  static func isFree(_ text: Span<UInt8>, behind at: Int) -> Bool {
    guard at < text.count else { return true }
    if isWord(text, at: at) { return false }
    switch text[at] {
    case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"): return !isWord(text, at: at + 1)
    case UInt8(ascii: ","): return at + 1 >= text.count || !isDigit(text[at + 1]) || isLong(text, before: at)
    default: return true
    }
  }

  /// Whether thirteen digits or more end before `at`: a comma behind them parts two numbers.
  private static func isLong(_ text: Span<UInt8>, before at: Int) -> Bool {
    var digits = 0
    var place = at - 1
    while place >= 0, digits < 13, isDigit(text[place]) || text[place] == ASCII.space || text[place] == 0x2D {
      if isDigit(text[place]) { digits += 1 }
      place -= 1
    }
    return digits >= 13
  }

  /// Where the run of ASCII letters and digits that begins at `at` ends.
  @inline(__always)
  static func alnumEnd(_ text: Span<UInt8>, from at: Int) -> Int {
    var end = at
    while end < text.count, isAlnum(text[end]) { end &+= 1 }
    return end
  }

  /// The plain lower-case letter of a two-byte Latin letter (U+00C0 to U+017F), or 0.
  static func plain(_ lead: UInt8, _ next: UInt8) -> UInt8 {
    let code = Int(lead & 0x1F) << 6 | Int(next & 0x3F)
    let place = code - 0xC0
    let table = plainLetters.bytes
    guard place >= 0, place < table.count else { return 0 }
    let letter = table[place]
    return letter == 0x2A ? 0 : letter
  }

  // One letter for each from U+00C0 on; `*` for what is none.
  private static let plainLetters: StaticString =
    "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuytyaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
}
