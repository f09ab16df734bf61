import Testing
import Wire

/// What a walk over text that nobody has scanned says of it.
@Suite struct JSONProofTests {
  /// Whether a walk that passes over the members of the outermost value, or goes into all that it meets, proves that the
  /// text is JSON.
  private static func proves(_ bytes: [UInt8], entering: Bool) -> Bool {
    var walk = JSONWalk(proving: bytes.span)
    read(&walk, entering: entering, depth: 0)
    return walk.hasProven
  }

  private static func read(_ walk: inout JSONWalk, entering: Bool, depth: Int) {
    if entering || depth == 0 {
      if walk.enterObject() {
        while walk.nextKey() != nil { read(&walk, entering: entering, depth: depth + 1) }
        return
      }
      if walk.enterArray() {
        while walk.nextElement() { read(&walk, entering: entering, depth: depth + 1) }
        return
      }
    }
    _ = walk.pass()
  }

  private static func isScanned(_ bytes: [UInt8]) -> Bool { JSONValue.kind(of: bytes.span) != nil }

  @Test("what a walk proves, a scanner takes; and it proves all that one takes where no key is escaped")
  func agreement() {
    var random = Seeded(23)
    var plain = 0
    for seed in 1...1_500 as ClosedRange<UInt64> {
      let text = RandomJSON.text(seed: seed)
      for round in 0..<7 {
        let mutant = round == 0 ? text : JSONAgreementTests.mutate(text, &random)
        let isJSON = Self.isScanned(mutant)
        let isPlain = isJSON && !mutant.contains(UInt8(ascii: "\\"))
        if isPlain { plain += 1 }
        for entering in [false, true] {
          let isProven = Self.proves(mutant, entering: entering)
          #expect(isJSON || !isProven, "\(String(decoding: mutant, as: UTF8.self))")
          #expect(isProven || !isPlain, "\(String(decoding: mutant, as: UTF8.self))")
        }
      }
    }
    // Otherwise the comparison says little.
    #expect(plain > 500)
  }

  @Test(
    "what is JSON is proven, whatever is in it",
    arguments: [
      #"{"a":"x\n\"\\\/\u00e9 é","b":[-0,0.5,1e3,-1.25E-7,12],"c":{"d":[],"e":{}},"f":null,"g":true,"h":false}"#,
      " \n{ \"a\" : [ { \"b\" : [ [ ] , { } ] } , \"\" ] }\t", "[]", "1", #""text""#, "null",
    ])
  func proofs(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(
      Self.isScanned(bytes) && Self.proves(bytes, entering: true) && Self.proves(bytes, entering: false))
    // No part of it is, but of a number.
    for count in bytes.indices where !Self.isScanned(Array(bytes[..<count])) {
      #expect(!Self.proves(Array(bytes[..<count]), entering: true))
      #expect(!Self.proves(Array(bytes[..<count]), entering: false))
    }
  }

  @Test(
    "what is none is not",
    arguments: [
      "", "  ", "{", "{}}", "{} {}", #"{"a":1,}"#, "[1,]", "[,1]", #"{,"a":1}"#, #"{"a" 1}"#, #"{"a":}"#,
      "{a:1}",
      "[01]", "[1.]", "[.5]", "[1e]", "[-]", "[+1]", "[nul]", "[nulll]", "[tru]", #"["\x"]"#, #"["\u12g4"]"#,
      "[\"a\nb\"]", #"["a]"#, "[1 2]", #"{"a":{"b":[1}}"#, "[{]}", "[[1,2],3", "[\"a\"\"b\"]", "\u{FEFF}{}",
    ])
  func refusals(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(!Self.isScanned(bytes))
    #expect(!Self.proves(bytes, entering: true) && !Self.proves(bytes, entering: false))
  }

  @Test(
    "what is nested too deep to be looked at is passed over, and doubted",
    arguments: [60, 61, 62, 63, 64, 200])
  func depth(_ count: Int) {
    let nest = String(repeating: "[", count: count) + String(repeating: "]", count: count)
    let bytes = Array("{\"a\":\(nest),\"b\":2}".utf8)
    var walk = JSONWalk(proving: bytes.span)
    let isObject = walk.enterObject()
    let first = walk.nextMember()
    let second = walk.nextMember()
    let isOver = walk.nextMember() == nil
    #expect(isObject && first?.value == 5..<5 + 2 * count && second?.kind == .number && isOver)
    let isProven = walk.hasProven
    #expect(isProven == (count < 64))
  }

  @Test("a key with an escape is read, and doubted")
  func keys() {
    let bytes = Array(#"{"\u0061":1,"b":2}"#.utf8)
    var walk = JSONWalk(proving: bytes.span)
    _ = walk.enterObject()
    let isFirst = walk.nextMember()?.keyIs("a", in: bytes.span) ?? false
    let isSecond = walk.nextMember()?.keyIs("b", in: bytes.span) ?? false
    let isOver = walk.nextMember() == nil
    let isProven = walk.hasProven
    #expect(isFirst && isSecond && isOver && !isProven)
  }

  @Test("a walk over text that was scanned proves nothing")
  func scanned() {
    let bytes = Array("{}".utf8)
    var walk = JSONWalk(bytes.span, strings: Span())
    _ = walk.enterObject()
    _ = walk.nextKey()
    let isProven = walk.hasProven
    #expect(!isProven)
  }
}
