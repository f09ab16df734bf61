import Testing
import Wire

@Suite("Plain words")
struct PlainWordsTests {
  private static func filter(_ words: [String]) -> WordFilter {
    var filter = WordFilter()
    for word in words {
      var low: UInt64 = 0
      for (place, byte) in word.utf8.prefix(8).enumerated() { low |= UInt64(byte) << (place * 8) }
      filter.insert(low)
    }
    return filter
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

  /// What is in a text, read a block at a time: where words begin, and what is shown.
  private static func read(_ text: [UInt8], _ filter: WordFilter = WordFilter()) -> (
    starts: [Int], shown: [Int]
  ) {
    var (starts, shown): ([Int], [Int]) = ([], [])
    var at = 0
    while at < text.count {
      let words = text.span.plainWords(from: at, filter)
      #expect(words.count > 0 && at + words.count <= text.count)
      for place in 0..<64 {
        if words.starts >> UInt64(place) & 1 != 0 { starts.append(at + place) }
        if words.shown >> UInt64(place) & 1 != 0 { shown.append(at + place) }
        if place < words.count {
          #expect(words.letters >> UInt64(place) & 1 == (isLetter(text[at + place]) ? 1 : 0))
        }
      }
      at += words.count
    }
    return (starts, shown)
  }

  /// The same, read a byte at a time; where nothing is sought.
  private static func told(_ text: [UInt8]) -> (starts: [Int], shown: [Int]) {
    var (starts, shown): ([Int], [Int]) = ([], [])
    var at = 0
    while at < text.count {
      var end = at
      while end < text.count, isLetter(text[end]) { end += 1 }
      if end > at { starts.append(at) }
      if end - at == 1 || end - at > 15 || end == at && text[at] != 0x20 && text[at] != 0x2C {
        shown.append(at)
      }
      at = max(end, at + 1)
    }
    return (starts, shown)
  }

  @Test("are told from all else, wherever they begin and end", arguments: 0..<150)
  func told(_ count: Int) {
    for unit in [
      "the quick, brown fox ", "a bc def. ", "abcdefghijklmno ", "abcdefghijklmnop ", "caf\u{E9} 12 it's ",
    ] {
      let text = Array(String(repeating: unit, count: count / unit.utf8.count + 1).utf8.prefix(count))
      let (starts, shown) = Self.read(text)
      #expect(starts == Self.told(text).starts && shown == Self.told(text).shown, "\(unit)")
    }
  }

  @Test("of more letters than a block has are shown at its start")
  func long() {
    let text = Array("it is ".utf8) + [UInt8](repeating: 0x61, count: 200)
    let words = text.span.plainWords(from: 0, WordFilter())
    #expect(words.count == 6)
    let rest = text.span.plainWords(from: 6, WordFilter())
    #expect(rest.count == 64 && rest.starts == 1 && rest.shown == 1)
  }

  @Test(
    "that are sought are shown in any case, wherever they stand",
    arguments: ["do", "ignore", "previous", "disregard", "instructions", "abcdefghijklmno"])
  func sought(_ word: String) {
    let filter = Self.filter([word])
    for count in 0..<140 {
      for form in [word, word.uppercased(), word.prefix(1).uppercased() + word.dropFirst()] {
        for end in [
          "", " ", ".", " of all the others, and of what is behind them, which is long enough for a block",
        ] {
          let text = Array((String(repeating: " ", count: count) + form + end).utf8)
          #expect(Self.read(text, filter).shown.contains(count), "\(count) \(form)")
        }
      }
    }
  }

  @Test("that aren't sought are hardly ever shown, nor is one that goes on or ends earlier")
  func others() {
    let filter = Self.filter(["ignore", "instructions", "do"])
    let text = Array("ignored ignor instruc instr doe the quick brown fox jumps over a lazy dog".utf8)
    #expect(Self.read(text, filter).shown == [Self.told(text).shown[0]])
    // Of a long word the first eight letters decide.
    #expect(Self.read(Array("instruction".utf8), filter).shown == [0])
  }

  @Test("are read in lower case, if they are short and not at the very end")
  func letterRuns() {
    for count in 1...16 {
      let letters = (0..<count).map { UInt8(ascii: "A") + UInt8($0) }
      let text = letters + [UInt8](repeating: UInt8(ascii: "1"), count: 16 - count)
      let run = text.span.letterRun(from: 0, count: count)
      var (low, high): (UInt64, UInt64) = (0, 0)
      for (at, letter) in letters.enumerated() {
        if at < 8 {
          low |= UInt64(letter | 0x20) << UInt64(at * 8)
        } else {
          high |= UInt64(letter | 0x20) << UInt64(at * 8 - 64)
        }
      }
      #expect(run?.low == low && run?.high == high)
      let isThere = text.span.letterRun(from: 1, count: count) != nil
      #expect(!isThere)
    }
    let long = [UInt8](repeating: 0x61, count: 40)
    let isShort = long.span.letterRun(from: 0, count: 17) != nil
    #expect(!isShort)
  }
}
