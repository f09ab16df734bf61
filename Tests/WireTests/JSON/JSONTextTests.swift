import Support
import Testing
import Wire

/// Strings that must be UTF-8 (RFC 3629 section 4).
@Suite struct JSONTextTests {
  /// Where the first byte of `bytes` lies that no character can have there; their count if the last one is cut; nil if
  /// all is well. The grammar of section 4, read slowly.
  private static func fault(_ bytes: [UInt8]) -> Int? {
    let forms: [[ClosedRange<UInt8>]] = [
      [0x00...0x7F], [0xC2...0xDF, 0x80...0xBF], [0xE0...0xE0, 0xA0...0xBF, 0x80...0xBF],
      [0xE1...0xEC, 0x80...0xBF, 0x80...0xBF], [0xED...0xED, 0x80...0x9F, 0x80...0xBF],
      [0xEE...0xEF, 0x80...0xBF, 0x80...0xBF], [0xF0...0xF0, 0x90...0xBF, 0x80...0xBF, 0x80...0xBF],
      [0xF1...0xF3, 0x80...0xBF, 0x80...0xBF, 0x80...0xBF],
      [0xF4...0xF4, 0x80...0x8F, 0x80...0xBF, 0x80...0xBF],
    ]
    var at = 0
    while at < bytes.count {
      guard let form = forms.first(where: { $0[0].contains(bytes[at]) }) else { return at }
      for step in form {
        guard at < bytes.count, step.contains(bytes[at]) else { return at }
        at += 1
      }
    }
    return nil
  }

  /// Checks that a string with `bytes` in it is judged by them, as a value and as a key, whole and in pieces.
  private static func check(_ bytes: [UInt8], everySplit: Bool = false) {
    for (opening, closing) in [("{\"a\":\"", "\"}"), ("{\"", "\":1}"), ("[\"\\n", "\\u0041\"]")] {
      let text = Array(opening.utf8) + bytes + Array(closing.utf8)
      let expected = fault(bytes).map { JSONFault(offset: opening.utf8.count + $0, reason: .notUTF8) }
      #expect(Reading([text], checksText: true).fault == expected, "\(bytes)")
      #expect(Reading(text.map { [$0] }, checksText: true).fault == expected, "\(bytes)")
      #expect(Reading([text]).fault == nil)
      guard everySplit else { continue }
      for pieces in EverySplit(text) {
        #expect(Reading(pieces, checksText: true).fault == expected, "\(bytes) in \(pieces)")
      }
    }
  }

  /// Bytes at the borders of the grammar.
  private static let borders: [UInt8] = [
    0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
    0xEF,
    0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
  ]

  @Test("every two bytes, and every three of the grammar's borders")
  func few() {
    for first in borders {
      for second in UInt8(0x80)...0xFF { Self.check([first, second]) }
      for second in borders {
        for third in borders { Self.check([first, second, third]) }
      }
    }
  }

  private var borders: [UInt8] { Self.borders }

  static let cases: [[UInt8]] = [
    Array("naïve – 日本語 🐟 é".utf8),
    [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xF0, 0x80, 0x80, 0x80],
    [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
    [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x90], [0x80], [0xFF], [0xFE],
    [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xEF, 0xBB, 0xBF],
  ]

  @Test("at every place among the lanes, with every kind of text around, in every cut", arguments: cases)
  func places(_ bytes: [UInt8]) {
    for filler in ["a", "é", "語", "🐟"] {
      for count in [0, 1, 2, 3, 5, 7, 8, 11, 15, 16, 17, 31, 33] {
        let around = Array(String(repeating: filler, count: count).utf8)
        Self.check(around + bytes + around, everySplit: count == 5 || count == 16)
      }
    }
  }

  @Test("random bytes of the borders")
  func random() {
    var random = Seeded(7)
    for _ in 0..<3000 {
      let count = Int.random(in: 0..<40, using: &random)
      let bytes = (0..<count).map { _ in
        Bool.random(using: &random) ? 0x61 : Self.borders.randomElement(using: &random) ?? 0
      }
      Self.check(bytes)
    }
  }

  @Test("a text that ends in the middle of a character ends in a string")
  func end() {
    #expect(
      Reading([[0x22, 0xE2, 0x82]], checksText: true).fault == JSONFault(offset: 3, reason: .endsInString))
  }

  @Test("a scanner forgets the character that a text broke off in")
  func again() throws {
    var scanner = JSONScanner(checksText: true)
    try scanner.feed(([0x22, 0xE2] as [UInt8]).span)
    scanner.reset(watching: [])
    try scanner.feed(Array("\"a\"".utf8).span)
    try scanner.finish()
  }
}
