import Detect
import Testing
import Wire

@Suite("Patterns")
struct PatternTests {
  private func matches(
    _ pattern: String, _ text: String, _ memory: PatternMemory? = nil, whole: Bool = false
  ) throws -> [String] {
    let set = try PatternSet([pattern], wholeWords: [whole])
    let bytes = Array(text.utf8)
    var found: [String] = []
    set.scan(bytes.span, memory) { range, _ in found.append(String(decoding: bytes[range], as: UTF8.self)) }
    return found
  }

  @Test(
    "match the longest text from the left",
    arguments: [
      ("a+", "baaac", ["aaa"]), ("a|ab|abc", "abcd", ["abc"]),
      ("EMP-[0-9]{6}", "x EMP-123456, EMP-12", ["EMP-123456"]),
      ("(?i)internal only", "INTERNAL ONLY", ["INTERNAL ONLY"]),
      ("\\bcat\\b", "cat concat cats cat.", ["cat", "cat"]),
      ("[^ ]+", "äö ü", ["äö", "ü"]), (".", "é\n日", ["é", "日"]), ("(ab){2,3}", "abababab", ["ababab"]),
      ("^a", "aa", ["a"]),
      ("a$", "aba", ["a"]), ("(?i)straße", "STRASSE Straße", ["Straße"]), ("[α-ω]+", "xαβγ", ["αβγ"]),
      ("a.c", "abc a\nc", ["abc"]), ("\\d{3}-\\w+", "123-x_1 12-a", ["123-x_1"]),
      ("x*y", "xxy y", ["xxy", "y"]),
    ] as [(String, String, [String])])
  func longest(_ pattern: String, _ text: String, _ expected: [String]) throws {
    #expect(try matches(pattern, text) == expected)
  }

  @Test(
    "that can't be matched in one pass are refused with their column",
    arguments: [
      ("(a)\\1", 5), ("(?=a)", 2), ("a{3", 4), ("[a", 1), ("a**?", 4), ("(a", 3), ("a)", 2), ("*a", 1),
      ("[z-a]", 5),
      ("a{65}", 4), ("\\q", 2), ("(?<n>a)", 2), ("", 0), ("a?", 0), ("a*", 0), ("[[:alpha:]]", 3), ("\\", 2),
    ] as [(String, Int)])
  func refused(_ pattern: String, _ column: Int) {
    #expect { try PatternSet([pattern]) } throws: { ($0 as? PatternFault)?.column == column }
  }

  @Test("that need too many states are refused")
  func tooLarge() {
    #expect { try PatternSet(["(a|b){0,30}a(a|b){20}"]) } throws: {
      ($0 as? PatternFault)?.message.contains("states") == true
    }
  }

  @Test(
    "whose counts multiply are refused at the count that makes them too long",
    arguments: [
      ("(a{0,64}){0,64}c", 10, 4096), ("([ab]{1,64}){1,11}", 13, 704), ("x[^y]{64}((b{8}){8}){10}", 21, 705),
      ("(\\d{2}(?:ab|\\.){40}){6}", 21, 732), ("(.{0,64}){2}(.{0,64}){9}z{3}", 22, 704),
      ("((a{33}){4}){5,}", 13, 660), ("([ab]{1,64}){1,10}c", 19, 641), ("c([ab]{1,64}){1,10}", 14, 641),
      ("x(){64}{64}{64}", 8, 4096), ("x(?:(?i)){64}{11}", 14, 704),
    ] as [(String, Int, Int)])
  func multiplied(_ pattern: String, _ column: Int, _ written: Int) {
    #expect {
      try PatternSet([pattern])
    } throws: { error in
      guard let fault = error as? PatternFault else { return false }
      return fault.column == column && fault.message.contains("has \(written) characters")
    }
  }

  @Test(
    "with counts that people write are taken",
    arguments: [
      "[A-Z]{2}\\d{6,12}", "\\b(foo|bar){1,8}\\b", "[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,64}\\.[a-z]{2,16}",
      "([A-Z]{2}\\d{6,12}[,;]?\\s?){1,20}", "(?:[A-Za-z0-9+/]{4}){10,64}", "([ab]{1,64}){1,8}c",
      "eyJ[\\w-]{10,64}\\.[\\w-]{10,64}\\.[\\w-]{10,64}", "(\\w+\\s*){1,64}", "secret.{0,64}key",
      "[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\\.){1,8}[a-z]{2,63}",
      "(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.){1,8}[a-z]{2,16}",
    ])
  func counted(_ pattern: String) throws {
    _ = try PatternSet([pattern])
  }

  @Test(
    "with repeats find in a long text what they find in a short one",
    arguments: [
      "(a|ab)*c", "(aaa)*c", "a|a*b", "[ab]{1,64}c", "b?a{3,7}c", "(a{7})*b|(a{5})*c", ".*c", ".+b",
    ])
  func longTexts(_ pattern: String) throws {
    var seed: UInt32 = 7
    let memory = PatternMemory()
    for count in [60, 1023, 1100] {
      for rest in ["", "caab", "\nac"] {
        var text = String(repeating: "a", count: count) + rest
        text += text
        for _ in 0..<20 {
          seed = seed &* 1_664_525 &+ 1_013_904_223
          text += seed >> 28 == 0 ? "c" : seed >> 29 == 1 ? "b" : "aaa"
        }
        let expected = try slowMatches(pattern, text)
        #expect(try matches(pattern, text) == expected, "\(pattern) \(count) \(rest)")
        #expect(try matches(pattern, text, memory) == expected, "\(pattern) \(count) \(rest)")
      }
    }
  }

  /// What is found when the search begins anew at each place, in a text of its own.
  private func slowMatches(_ pattern: String, _ text: String) throws -> [String] {
    let set = try PatternSet(["^(?:\(pattern))"])
    let bytes = Array(text.utf8)
    var found: [String] = []
    var at = 0
    while at < bytes.count {
      var first: Range<Int>?
      let part = Array(bytes[at..<min(at + PatternSet.matchCeiling, bytes.count)])
      set.scan(part.span) { range, _ in first = first ?? range }
      if let first { found.append(String(decoding: part[first], as: UTF8.self)) }
      at += first?.upperBound ?? 1
    }
    return found
  }

  @Test(
    "are found where it is known in which places they begin",
    arguments: [
      // So many states that not all are kept.
      ["a[abc]{40}d"], ["[ab]{1,64}c", "b[^c]{3,20}d"], ["(aab|b{2,5}a){2,9}d"],
      ["a.{0,60}é", "[é-ü]{2}a{3}"],
      ["a(?:[^c]{0,60}c)?b?", "b(?:.{2,50}\\bd)?"], ["\\b[ab]{1,64}c\\b"], ["[ab]{3,64}$", "^[abc]{1,40}d"],
      ["a\\B[ab]{2,60}\\bd?"], ["a(?:[^d]{0,60}d)?"],
    ])
  func remembered(_ patterns: [String]) throws {
    let memory = PatternMemory()
    var seed: UInt32 = 3
    func random(_ count: Int) -> Int {
      seed = seed &* 1_664_525 &+ 1_013_904_223
      return Int(seed >> 8) % count
    }
    for whole in [false, true] {
      let set = try PatternSet(patterns, wholeWords: patterns.map { _ in whole })
      for alphabet in ["ab", "abc", "aaaaaaaab cd", "abcé\n d_1", "abcabcabcabcabcabcd"] {
        let letters = alphabet.map { Array(String($0).utf8) }
        for count in [700, 9000] {
          var text: [UInt8] = []
          // Runs make the search by place take long, and so begin to remember.
          while text.count < count {
            text += random(99) == 0 ? Array("abaabd".utf8) : letters[random(letters.count)]
          }
          // What isn't UTF-8 is a text, too.
          if count == 9000, random(2) == 0 {
            for _ in 0..<50 { text[random(count)] = 0x80 + UInt8(random(0x80)) }
          }
          var expected: [Range<Int>] = []
          var found: [Range<Int>] = []
          set.scan(text.span) { range, _ in expected.append(range) }
          set.scan(text.span, memory) { range, _ in found.append(range) }
          #expect(found == expected, "\(patterns) \(whole) \(alphabet) \(count)")
        }
      }
    }
  }

  @Test(
    "match as far as they go where most that have matched come to nothing further on",
    arguments: [
      "a(?:[^x]{0,60}b)?", "a(?:(?:.{64})*c)?", "a(?:.*c)?", "a(?:(?:a{3})*ca)?|a{9}",
      "a\\B(?:[^x]{2,40}\\bc)?",
      "a(?:[^x]{0,30}é)?", "a(?:[^x]{0,60}$)?",
    ])
  func further(_ pattern: String) throws {
    let memory = PatternMemory()
    let set = try PatternSet([pattern])
    for rest in ["b", "c", "ca", " c", "é", "x", "\n"] {
      // What lies behind the longest match counts for none, and stretches are read one by one.
      for gap in [3, 59, 61, 900, 1021, 1022, 1023, 1024, 1025, 3071, 3072, 4095, 4096] {
        let text = Array(
          (String(repeating: "a", count: 400) + "x" + String(repeating: "a", count: gap) + rest).utf8)
        let twice = text + [0x80, 0xC3] + text
        var expected: [Range<Int>] = []
        var found: [Range<Int>] = []
        set.scan(twice.span) { range, _ in expected.append(range) }
        set.scan(twice.span, memory) { range, _ in found.append(range) }
        #expect(found == expected, "\(pattern) \(rest) \(gap)")
      }
    }
  }

  @Test("match as far in a text for which more has to be found out than is kept")
  func forgotten() throws {
    let set = try PatternSet(["a(?:.{40}d)?"])
    var seed: UInt32 = 5
    let text = (0..<60_000).map { _ -> UInt8 in
      seed = seed &* 1_664_525 &+ 1_013_904_223
      return UInt8(ascii: (seed >> 8) % 28 == 0 ? "d" : "a")
    }
    var expected: [Range<Int>] = []
    var found: [Range<Int>] = []
    set.scan(text.span) { range, _ in expected.append(range) }
    set.scan(text.span, PatternMemory()) { range, _ in found.append(range) }
    #expect(found == expected)
  }

  @Test("match whole words where that is asked for")
  func whole() throws {
    #expect(try matches("EMP[0-9]+", "EMP12 xEMP12 EMP12x (EMP7)", whole: true) == ["EMP12", "EMP7"])
    #expect(try matches("#[0-9]+", "#12 a#3", whole: true) == ["#12", "#3"])
  }

  @Test("of plain words ignore case and the kind of blank")
  func literals() throws {
    let words = try Keywords(
      words: ["project titan", " C++\t", "机密"], patterns: ["(?i)internal only"],
      exempt: ["(?i)project titan ii"]
    )
    func found(_ text: String) -> [String] {
      let bytes = Array(text.utf8)
      var findings: [Finding] = []
      words.scan(bytes.span, into: &findings)
      return findings.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }
    #expect(found("about Project\n  TITAN.") == ["Project\n  TITAN"])
    #expect(found("projects titan, project titans") == [])
    #expect(found("in C++ now") == ["C++"])
    #expect(found("这是机密文件") == ["机密"])
    #expect(found("Internal only") == ["Internal only"])
    #expect(found("project titan II, project titan") == ["project titan"])
    #expect(found("C++") == ["C++"])
    // It would be found in every text.
    for blank in ["", " ", "\u{3000}\n"] {
      #expect(throws: PatternFault.self) { _ = try Keywords(words: ["a", blank], patterns: [], exempt: []) }
    }
  }

  @Test("that look far are remembered, in little memory, and forgotten with their configuration")
  func memory() throws {
    let memory = PatternMemory()
    var random = UInt64(7)
    let text = (0..<500).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return "aaaaaaac"[random >> 61]
    }
    for number in 0..<18 {
      let set = try PatternSet(["a[abc]{40}d\(number)"])
      var found = 0
      set.scan(text.span, memory) { _, _ in found += 1 }
      #expect(memory.bytes > 0)
    }
    // Sixteen of them, each with half a MiB of steps and up to one of what they are told apart by.
    #expect(memory.bytes < 20 << 20)
    memory.forget()
    #expect(memory.bytes == 0)
  }
}

extension String {
  fileprivate subscript(place: UInt64) -> UInt8 { Array(utf8)[Int(place)] }
}
