import Testing

@testable import Wire

@Suite("Marks of words") struct WordMarksTests {
  /// Where a whole text is marked, block by block.
  private func places(_ text: [UInt8]) -> [Int] {
    var marks = WordMarks()
    var found: [Int] = []
    var at = 0
    while true {
      at = text.span.mark(&marks, from: at)
      guard at < text.count else { return found }
      for place in 0..<32 where marks.special >> UInt32(place) & 1 == 1 { found.append(at + place) }
      at += marks.count
    }
  }

  /// What is marked wherever it stands, and what is only where no blank follows.
  private let marked = Set(0x30...0x3F as ClosedRange<UInt8>).union([0x5E, 0x5F, 0x7E, 0x7F]).union(
    0x80...0xFF)
  private let signs = Set("()*+,-./@".utf8)

  @Test("are at each byte that may be of more than a word, wherever it stands", arguments: 0..<80)
  func bytes(_ place: Int) {
    for byte in UInt8.min...UInt8.max {
      var text = [UInt8](repeating: ASCII.space, count: 80)
      text[place] = byte
      // That a blank follows is only seen in the same block.
      let isLast = place == 31 || place == 63 || place == 79
      let isMarked = marked.contains(byte) || isLast && signs.contains(byte)
      #expect(places(text) == (isMarked ? [place] : []), "\(byte)")
    }
  }

  @Test("are at a sign that goes on with a word or another sign")
  func goesOn() {
    for sign in signs {
      #expect(places(Array("ab".utf8) + [sign] + Array("cd".utf8)) == [2])
      #expect(places(Array("ab".utf8) + [sign, sign] + Array(" cd".utf8)) == [2])
      #expect(places(Array("ab".utf8) + [sign] + Array("\"cd".utf8)) == [])
    }
  }

  @Test("are at the sixteenth letter in a row and those behind it", arguments: 0..<70)
  func longWords(_ start: Int) {
    for count in [15, 16, 17, 40] {
      var text = [UInt8](repeating: ASCII.space, count: 128)
      for at in start..<start + count { text[at] = UInt8(ascii: "k") }
      #expect(places(text) == Array(start + 15..<max(start + count, start + 15)), "\(count)")
    }
  }

  @Test("are at no letter behind fifteen bytes that aren't all letters, though no blank is among them")
  func noLongWords() {
    for sign in "[]{}|`\\".utf8 {
      for place in 0..<16 {
        var text = [UInt8](repeating: UInt8(ascii: "k"), count: 16)
        text[place] = sign
        #expect(places([0x20] + text + [0x20]) == [])
      }
    }
  }

  @Test("end with the text, however long it is", arguments: 0..<70)
  func ends(_ count: Int) {
    #expect(places([UInt8](repeating: UInt8(ascii: "7"), count: count)) == Array(0..<count))
    #expect(places([UInt8](repeating: ASCII.space, count: count)) == [])
  }
}
