// National numbers with letters in them.

internal import Wire

enum Codes {
  /// What the word `word`, which holds letters and digits, can be.
  ///
  /// - Returns: the entity, the end, and whether words around it must say so.
  static func find(
    _ text: Span<UInt8>, _ word: Range<Int>, _ wanted: Entities
  ) -> (entity: Entity, end: Int, needs: Hints)? {
    let start = word.lowerBound
    let count = word.count
    if wanted.contains(.ukNINO), let end = nino(text, start) { return (.ukNINO, end, []) }
    if wanted.contains(.esDNI), count == 9, isDNI(text, start) { return (.esDNI, word.upperBound, []) }
    if wanted.contains(.itCF), count == 16, isItalian(text, start) { return (.itCF, word.upperBound, []) }
    if wanted.contains(.inPAN), count == 10, isPAN(text, start) { return (.inPAN, word.upperBound, .pan) }
    if count >= 7, count <= 10, !isHexWord(text, word) {
      if wanted.contains(.passport), isDocument(text, word) { return (.passport, word.upperBound, .passport) }
      if wanted.contains(.driversLicense), isDocument(text, word) {
        return (.driversLicense, word.upperBound, .license)
      }
    }
    return nil
  }

  private static func isHexWord(_ text: Span<UInt8>, _ word: Range<Int>) -> Bool {
    for at in word where Letters.isLetter(text[at]) && !Letters.isUpper(text[at]) { return true }
    return false
  }

  /// A letter or two, or one in three places, and digits: the forms of documents' numbers.
  private static func isDocument(_ text: Span<UInt8>, _ word: Range<Int>) -> Bool {
    var digits = 0
    for at in word where Letters.isDigit(text[at]) { digits += 1 }
    return digits >= 4 && Letters.isUpper(text[word.lowerBound])
  }

  /// The United Kingdom's insurance number, with or without spaces.
  private static func nino(_ text: Span<UInt8>, _ start: Int) -> Int? {
    var at = start
    var taken = 0
    var letters = InlineArray<2, UInt8>(repeating: 0)
    var last: UInt8 = 0
    while taken < 9, at < text.count {
      if text[at] == ASCII.space, taken == 2 || taken == 4 || taken == 6 || taken == 8 {
        at += 1
        continue
      }
      let isDigit = taken >= 2 && taken < 8
      guard isDigit ? Letters.isDigit(text[at]) : Letters.isUpper(text[at]) else { return nil }
      if taken < 2 { letters[taken] = text[at] }
      last = text[at]
      taken += 1
      at += 1
    }
    guard taken == 9, last <= UInt8(ascii: "D"), Letters.isFree(text, behind: at) else { return nil }
    for letter in "DFIQUV".utf8 where letter == letters[0] || letter == letters[1] { return nil }
    if letters[1] == UInt8(ascii: "O") { return nil }
    for pair: StaticString in ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"]
    where pair.bytes[0] == letters[0] && pair.bytes[1] == letters[1] { return nil }
    return at
  }

  /// Spain's numbers: eight digits, or X, Y or Z and seven, and a letter that is their remainder.
  private static func isDNI(_ text: Span<UInt8>, _ start: Int) -> Bool {
    var value = 0
    for at in 0..<8 {
      let byte = text[start + at]
      if at == 0, (UInt8(ascii: "X")...UInt8(ascii: "Z")).contains(byte) {
        value = Int(byte) - 0x58
      } else {
        guard Letters.isDigit(byte) else { return false }
        value = value * 10 + Int(byte & 0x0F)
      }
    }
    let letters: StaticString = "TRWAGMYFPDXBNJZSQVHLCKE"
    return letters.bytes[value % 23] == text[start + 8]
  }

  /// Italy's tax code: the sixteenth letter checks fifteen, in which letters may stand for digits.
  private static func isItalian(_ text: Span<UInt8>, _ start: Int) -> Bool {
    // A bit for each of the letters ABCDEHLMPRST, and of LMNPQRSTUV.
    let months: UInt32 = 0xE_989F
    let spare: UInt32 = 0x3F_B800
    // What the letters count in odd places, and the digits as the first of them.
    let odd: StaticString = "BAFHJNPRTVCESULDGIMOQKWZYX"
    let counts = odd.bytes
    var sum = 0
    for at in 0..<16 {
      let byte = Letters.isLetter(text[start + at]) ? text[start + at] & 0xDF : text[start + at]
      let letter: UInt32 = Letters.isUpper(byte) ? 1 &<< UInt32(byte &- 0x41) : 0
      switch at {
      case 0..<6, 11, 15: if letter == 0 { return false }
      case 8: if letter & months == 0 { return false }
      default: if letter & spare == 0, !Letters.isDigit(byte) { return false }
      }
      let value = Int(letter == 0 ? byte & 0x0F : byte &- 0x41)
      if at == 15 { return sum % 26 == value }
      sum &+= at % 2 == 1 ? value : Int(counts[value]) &- 0x41
    }
    return false
  }

  /// India's tax number: AAAPA9999A, where the fourth letter says of what kind its holder is.
  private static func isPAN(_ text: Span<UInt8>, _ start: Int) -> Bool {
    for at in 0..<10 {
      let byte = text[start + at]
      guard (5..<9).contains(at) ? Letters.isDigit(byte) : Letters.isUpper(byte) else { return false }
    }
    for kind in "ABCFGHLJPT".utf8 where kind == text[start + 3] { return true }
    return false
  }
}
