import Testing
import Wire

@Suite("Plain words")
struct PlainWordsTests {
  private static let filler = "                    "

  /// What is passed over, told by the words and where it has stopped.
  private func pass(_ text: String, seeking words: [String] = []) -> (count: Int32, met: Bool, rest: String) {
    var filter = WordFilter()
    for word in words {
      var (low, high) = (UInt64(0), UInt64(0))
      for (place, byte) in word.utf8.enumerated() {
        if place < 8 { low |= UInt64(byte) << (place * 8) } else { high |= UInt64(byte) << (place * 8 - 64) }
      }
      filter.insert(LetterRun.mix(low, high))
    }
    let bytes = Array((text + Self.filler).utf8)
    let passed = bytes.span.passPlainWords(from: 0, to: filter, or: 0x6E61)
    return (passed.count, passed.hasMet, String(decoding: bytes[passed.end...].prefix(4), as: UTF8.self))
  }

  @Test(
    "are passed over with what only parts them, up to something else",
    arguments: [
      ("all of it, (and) \"this\"; too: it's", Int32(6), "it's"), ("two words. Next", 2, ". Ne"),
      ("one? two", 1, "? tw"),
      ("line\nline", 1, "\nlin"), ("two words <b", 2, "<b  "), ("two words [x", 2, "[x  "),
      ("one a two", 1, "a tw"),
      ("one abcdefghijklmnop two", 1, "abcd"), ("one abcdefghijklmno two a", 3, "a   "), ("don't", 0, "don'"),
      ("a1b cd", 0, "a1b "),
      ("one two_three", 1, "two_"), ("one caf\u{E9}", 1, "caf\u{FFFD}"), ("one 42", 1, "42  "),
      ("ONE\tTwo\rthree !", 3, "!   "),
      ("one @two", 1, "@two"), ("a", 0, "a   "), ("", 0, "    "),
    ])
  func passed(_ text: String, _ count: Int32, _ rest: String) {
    let found = pass(text)
    #expect(found.count == count && !found.met && found.rest == rest)
  }

  @Test(
    "that are sought end the walk behind them, in any case",
    arguments: [
      ("do ignore this", ["ignore"], Int32(2), " thi"), ("do IGNORE, this", ["ignore"], 2, ", th"),
      ("it is an apple", [], 3, " app"),
      ("some instructions here", ["instructions"], 2, " her"),
    ])
  func met(_ text: String, _ words: [String], _ count: Int32, _ rest: String) {
    let found = pass(text, seeking: words)
    #expect(found.count == count && found.met && found.rest == rest)
  }

  @Test("near the end of the text nothing is passed over, and nothing is read behind it")
  func short() {
    let filter = WordFilter()
    for count in 0..<40 {
      let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count).enumerated().map {
        $0.offset % 4 == 3 ? UInt8(ascii: " ") : $0.element
      }
      for from in 0...count {
        let passed = bytes.span.passPlainWords(from: from, to: filter, or: 0)
        #expect(passed.end >= from && passed.end <= count)
      }
    }
  }
}
