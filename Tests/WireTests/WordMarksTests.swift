import Testing

@testable import Wire

@Suite("Marks of words") struct WordMarksTests {
  /// Where a whole text is marked, block by block.
  private func marked(_ text: [UInt8]) -> [Int] {
    var marks = WordMarks()
    var found: [Int] = []
    var at = 0
    while at < text.count {
      text.span.mark(&marks, from: at)
      for place in 0..<32 where marks.special >> UInt32(place) & 1 == 1 { found.append(at + place) }
      at += marks.count
    }
    return found
  }

  private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
  private func isPart(_ byte: UInt8) -> Bool {
    byte <= 0x20 || Array(##"!"#$%&'),*;<>?[\]^`{|}"##.utf8).contains(byte)
  }

  @Test("are at each byte that is neither of a word nor between words, wherever it stands", arguments: 0..<80)
  func bytes(_ place: Int) {
    for byte in UInt8.min...UInt8.max {
      var text = [UInt8](repeating: ASCII.space, count: 80)
      text[place] = byte
      let isStop = ".:-/=".utf8.contains(byte)
      // A stop is none before a blank, which is only seen in the same block.
      let isPlain = isLetter(byte) || isPart(byte) || isStop && place != 31 && place != 63 && place != 79
      #expect(marked(text) == (isPlain ? [] : [place]), "\(byte)")
    }
  }

  @Test("are at a stop that goes on with a word or another stop")
  func stops() {
    for stop in ".:-/=".utf8 {
      #expect(marked(Array("ab".utf8) + [stop] + Array("cd".utf8)) == [2])
      #expect(marked(Array("ab".utf8) + [stop, stop] + Array(" cd".utf8)) == [2])
      #expect(marked(Array("ab".utf8) + [stop] + Array(", cd".utf8)) == [])
    }
  }

  @Test("are at the sixteenth letter in a row and those behind it", arguments: 0..<70)
  func longWords(_ start: Int) {
    for count in [15, 16, 17, 40] {
      var text = [UInt8](repeating: ASCII.space, count: 128)
      for at in start..<start + count { text[at] = UInt8(ascii: "k") }
      #expect(marked(text) == Array(start + 15..<max(start + count, start + 15)), "\(count)")
    }
  }

  @Test("end with the text, however long it is", arguments: 0..<70)
  func ends(_ count: Int) {
    #expect(marked([UInt8](repeating: UInt8(ascii: "7"), count: count)) == Array(0..<count))
    #expect(marked([UInt8](repeating: ASCII.space, count: count)) == [])
  }

  @Test("a run of letters is read in lower case, if it is short and not at the very end")
  func letterRuns() {
    for count in 0..<16 {
      let letters = (0..<count).map { UInt8(ascii: "A") + UInt8($0) }
      let text = letters + [UInt8](repeating: UInt8(ascii: "1"), count: 16 - count)
      let run = text.span.letterRun(from: 0)
      #expect(run?.count == count)
      var (low, high): (UInt64, UInt64) = (0, 0)
      for (at, letter) in letters.enumerated() {
        if at < 8 {
          low |= UInt64(letter | 0x20) << UInt64(at * 8)
        } else {
          high |= UInt64(letter | 0x20) << UInt64(at * 8 - 64)
        }
      }
      #expect(run?.low == low && run?.high == high)
      let isThere = text.span.letterRun(from: 1) != nil
      #expect(!isThere)
    }
    let long = [UInt8](repeating: 0x61, count: 40)
    let isShort = long.span.letterRun(from: 0) != nil
    #expect(!isShort)
  }
}
