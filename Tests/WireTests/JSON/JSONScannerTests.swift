import Support
import Testing
import Wire

@Suite struct JSONScannerTests {
  struct SuiteCase: CustomTestStringConvertible, Sendable {
    let name: String
    let expect: String
    let bytes: [UInt8]
    var testDescription: String { name }

    static let all: [SuiteCase] = SharedVectors.jsonTestSuite.cases.map { place in
      let vectors = SharedVectors.jsonTestSuite
      let name = vectors.text(place, "name") ?? "?"
      return SuiteCase(
        name: name, expect: vectors.text(place, "expect") ?? "?", bytes: vectors.payload(place) ?? large(name)
      )
    }

    /// The two cases that the file holds compressed; they are easily said in words.
    private static func large(_ name: String) -> [UInt8] {
      switch name {
      case "n_structure_100000_opening_arrays.json": Array(repeating: UInt8(ascii: "["), count: 100_000)
      case "n_structure_open_array_object.json":
        Array(String(repeating: "[{\"\":", count: 50_000).utf8) + [0x0A]
      default: []
      }
    }
  }

  @Test(
    "the suite has all its cases", .enabled(if: SharedVectors.jsonTestSuite.isPresent, "JSONTestSuite.json"))
  func suiteIsWhole() {
    #expect(SuiteCase.all.count == 318)
    #expect(SuiteCase.all.filter { $0.bytes.isEmpty }.map(\.name) == ["n_structure_no_data.json"])
    for (verdict, count) in [("y", 95), ("n", 188), ("i", 35)] {
      #expect(SuiteCase.all.count { $0.expect == verdict && $0.name.hasPrefix(verdict) } == count)
    }
  }

  /// What RFC 8259 leaves open, and is refused: other encodings, and a byte order mark. The rest of it passes, as
  /// it came, for the provider to judge: numbers of any size, surrogates by themselves, wrong UTF-8 in strings.
  static let decided: [String: JSONFault.Reason] = [
    "i_string_UTF-16LE_with_BOM.json": .expectedValue, "i_string_utf16BE_no_BOM.json": .expectedValue,
    "i_string_utf16LE_no_BOM.json": .expectedValue, "i_structure_UTF-8_BOM_empty_object.json": .byteOrderMark,
  ]

  @Test(
    "JSONTestSuite is judged as it says, in every cut",
    .enabled(if: SharedVectors.jsonTestSuite.isPresent, "../shared/vectors/JSONTestSuite.json is absent"),
    arguments: SuiteCase.all)
  func suite(_ example: SuiteCase) {
    let whole = Reading([example.bytes], watching: .all)
    switch example.expect {
    case "y": #expect(whole.fault == nil)
    case "n": #expect(whole.fault != nil)
    default: #expect(whole.fault?.reason == Self.decided[example.name])
    }
    var cuts = 0
    for pieces in EverySplit(example.bytes) {
      #expect(Reading(pieces, watching: .all) == whole)
      cuts += 1
      // The large cases end at the 513th bracket; later cuts say nothing new.
      if cuts > 3_000 { break }
    }
  }

  struct FaultCase: CustomTestStringConvertible, Sendable {
    let text: String
    let offset: Int
    let reason: JSONFault.Reason
    var testDescription: String { text }
  }

  @Test(
    "a fault says where and what, in every cut",
    arguments: [
      FaultCase(text: "", offset: 0, reason: .emptyText),
      FaultCase(text: " \n", offset: 2, reason: .emptyText),
      FaultCase(text: "\u{FEFF}{}", offset: 0, reason: .byteOrderMark),
      FaultCase(text: " \u{FEFF}{}", offset: 1, reason: .expectedValue),
      FaultCase(text: "{,}", offset: 1, reason: .expectedKeyOrEnd),
      FaultCase(text: "{\"a\":1,}", offset: 7, reason: .expectedKey),
      FaultCase(text: "{\"a\" 1}", offset: 5, reason: .expectedColon),
      FaultCase(text: "{\"a\":}", offset: 5, reason: .expectedValue),
      FaultCase(text: "{\"a\":1]", offset: 6, reason: .expectedCommaOrBrace),
      FaultCase(text: "[1}", offset: 2, reason: .expectedCommaOrBracket),
      FaultCase(text: "[1,]", offset: 3, reason: .expectedValue),
      FaultCase(text: "[trve]", offset: 3, reason: .wrongLiteral),
      FaultCase(text: "[-01]", offset: 3, reason: .leadingZero),
      FaultCase(text: "[1.e]", offset: 3, reason: .expectedDigit),
      FaultCase(text: "-", offset: 1, reason: .endsEarly),
      FaultCase(text: "\"a\nb\"", offset: 2, reason: .controlCharacter),
      FaultCase(text: "\"\\x\"", offset: 2, reason: .wrongEscape),
      FaultCase(text: "\"\\u12g4\"", offset: 5, reason: .wrongHexadecimal),
      FaultCase(text: "{} {}", offset: 3, reason: .trailingBytes),
      FaultCase(text: "\"abc", offset: 4, reason: .endsInString),
      FaultCase(text: "\"abc\\", offset: 5, reason: .endsInString),
      FaultCase(text: "[1", offset: 2, reason: .endsEarly),
      FaultCase(text: "{\"model\":1, \"model\":2}", offset: 12, reason: .duplicateMember),
      FaultCase(text: "{\"model\":1,\"mod\\u0065l\":2}", offset: 11, reason: .duplicateMember),
      FaultCase(
        text: String(repeating: "[", count: 513) + String(repeating: "]", count: 513), offset: 512,
        reason: .tooDeep),
    ])
  func faults(_ example: FaultCase) {
    for pieces in EverySplit(example.text) {
      let reading = Reading(pieces, watching: .model)
      #expect(reading.fault == JSONFault(offset: example.offset, reason: example.reason))
    }
  }

  @Test("every reason has words of its own")
  func messages() {
    let messages = JSONFault.Reason.allCases.map { "\($0.message)" }
    #expect(Set(messages).count == messages.count)
  }

  @Test("512 levels are read, in objects and arrays by turns")
  func depth() {
    let text =
      String(repeating: "[{\"a\":", count: 256) + "1" + String(repeating: "}]", count: 256)
    #expect(Reading([Array(text.utf8)]).fault == nil)
    let crossed = String(repeating: "[{\"a\":", count: 255) + "1" + String(repeating: "]}", count: 255)
    #expect(Reading([Array(crossed.utf8)]).fault?.reason == .expectedCommaOrBrace)
  }

  @Test("a fault stays until the next text")
  func sticky() throws {
    var scanner = JSONScanner()
    let fault = JSONFault(offset: 1, reason: .expectedValue)
    #expect(throws: fault) { try scanner.feed([UInt8]("[}".utf8).span) }
    #expect(throws: fault) { try scanner.feed([UInt8]("]".utf8).span) }
    #expect(throws: fault) { try scanner.finish() }
    scanner.reset(watching: .model)
    try scanner.feed([UInt8]("{\"model\":1}".utf8).span)
    try scanner.finish()
    #expect(scanner.found(.model)?.value == 9..<10)
  }
}

@Suite struct JSONMemberTests {
  @Test("names are distinct, and every one is found and fits the tables", arguments: JSONMember.allCases)
  func names(_ member: JSONMember) throws {
    let text = "{\"\(member.name)\":[1]}"
    let reading = Reading([Array(text.utf8)], watching: .all)
    let found = try #require(reading.found[Int(member.rawValue)])
    let end = text.utf8.count - 1
    #expect(found.value == end - 3..<end)
    #expect(reading.found.compactMap { $0 }.count == 1)
  }

  /// Where `part` first begins in `bytes` at or behind `from`, by plain search.
  private func offset(of part: String, in bytes: [UInt8], from: Int = 0) throws -> Int {
    let wanted = Array(part.utf8)
    let starts = from...max(from, bytes.count - wanted.count)
    return try #require(starts.first { bytes[$0...].starts(with: wanted) })
  }

  @Test("watched members are found at their place in every cut; others and nested ones are not")
  func places() throws {
    let text =
      " { \"x\" : {\"model\":\"inner\"} , \"mod\\u0065l\" :\t\"gpt-\\\"4o\" ,\"n\":[{\"stream\":1}],"
      + "\"stream\": true, \"usage\" :{\"a\":[1,{}]} , \"created\":-12.5e3\n, \"type\":null} \n"
    let bytes = Array(text.utf8)
    let commas = bytes.indices.filter { bytes[$0] == ASCII.comma }
    let rows: [(member: JSONMember, key: String, colon: String, value: String, kind: JSONKind)] = [
      (.model, "\"mod\\u0065l\"", " :\t", "\"gpt-\\\"4o\"", .string),
      (.stream, "\"stream\"", ": ", "true", .true),
      (.usage, "\"usage\"", " :", "{\"a\":[1,{}]}", .object),
      (.created, "\"created\"", ":", "-12.5e3", .number),
      (.type, "\"type\"", ":", "null", .null),
    ]
    for pieces in EverySplit(bytes) {
      let reading = Reading(pieces, watching: [.model, .stream, .usage, .created, .type, .id])
      #expect(reading.fault == nil)
      #expect(reading.braces == [1, bytes.count - 3])
      #expect(reading.found.compactMap { $0 }.count == rows.count)
      for row in rows {
        let found = try #require(reading.found[Int(row.member.rawValue)])
        let key = try offset(of: row.key + row.colon + row.value, in: bytes)
        let value = key + row.key.utf8.count + row.colon.utf8.count
        #expect(found.key == key..<key + row.key.utf8.count)
        #expect(found.value == value..<value + row.value.utf8.count)
        #expect(found.kind == row.kind)
        #expect(found.precedingComma == commas.last { $0 < key })
        #expect(found.followingComma == commas.first { $0 >= found.value.upperBound })
      }
    }
  }

  @Test("a member can be read before the text is whole")
  func partial() throws {
    var scanner = JSONScanner(watching: [.model, .messages])
    try scanner.feed([UInt8]("{\"model\":\"g\", \"messages\" : [1,".utf8).span)
    let model = try required(.model, in: scanner)
    #expect(model.value == 9..<12 && model.isComplete && model.followingComma == 12)
    let messages = try required(.messages, in: scanner)
    #expect(messages.value == 27..<27 && !messages.isComplete && messages.kind == .array)
    #expect(messages.precedingComma == 12 && messages.followingComma == nil)
    #expect(!scanner.isComplete && scanner.offset == 30)
  }

  @Test("members that nobody watches may occur twice")
  func unwatchedTwice() {
    #expect(Reading([Array("{\"x\":1,\"x\":2,\"id\":1,\"id\":2}".utf8)], watching: .model).fault == nil)
  }

  @Test(
    "keys that only resemble a watched name are not it",
    arguments: [
      "Model", "model ", "mode", "models", "\\u006dode", "m\\u00f6del", "model\\u0000", "\\/model", "",
    ])
  func resembling(_ key: String) {
    let reading = Reading([Array("{\"\(key)\":1,\"\(key)\":2}".utf8)], watching: .all)
    #expect(reading.fault == nil)
    #expect(reading.found.compactMap { $0 }.isEmpty)
  }

  @Test("an empty object is known as such", arguments: ["{}", " {\n} "])
  func empty(_ text: String) {
    for pieces in EverySplit(text) { #expect(Reading(pieces).isEmptyObject) }
    #expect(!Reading([Array("{\"a\":{}}".utf8)]).isEmptyObject)
    #expect(!Reading([Array("[{}]".utf8)]).isEmptyObject)
  }
}

@Suite struct JSONAgreementTests {
  @Test("random texts and their mutations are judged as a plain reader does, in random cuts")
  func agreement() {
    var random = Seeded(7)
    var refused = 0
    for seed in 1...1_500 as ClosedRange<UInt64> {
      let text = RandomJSON.text(seed: seed)
      #expect(Reading([text]).fault == nil && ReferenceReader.accepts(text))
      for _ in 0..<6 {
        let mutant = Self.mutate(text, &random)
        let accepted = ReferenceReader.accepts(mutant)
        if !accepted { refused += 1 }
        let cut = Int.random(in: 0...mutant.count, using: &random)
        let whole = Reading([mutant])
        #expect((whole.fault == nil) == accepted, "\(mutant)")
        #expect(Reading([Array(mutant[..<cut]), Array(mutant[cut...])]) == whole)
        #expect(Reading(mutant.map { [$0] }) == whole)
        let watched = Reading([mutant], watching: .all)
        #expect((watched.fault == nil) == accepted || watched.fault?.reason == .duplicateMember)
        #expect(Reading([Array(mutant[..<cut]), Array(mutant[cut...])], watching: .all) == watched)
        #expect(Reading(mutant.map { [$0] }, watching: .all) == watched)
      }
    }
    // Both verdicts must be well represented, or the comparison says little.
    #expect(refused > 1_000 && refused < 8_900)
  }

  @Test("a value that is known to be JSON is taken as read")
  func pass() throws {
    let text = Array(#"{"model":"m","messages":[1,{"a":"\u00e9"}],"stream":true}"#.utf8)
    let list = 24..<42
    var scanner = JSONScanner(watching: [.model, .messages, .stream])
    try scanner.feed(text.span.extracting(0..<list.lowerBound))
    try scanner.pass(.array, count: list.count)
    try scanner.feed(text.span.extracting(list.upperBound...))
    try scanner.finish()
    var whole = JSONScanner(watching: [.model, .messages, .stream])
    try whole.feed(text.span)
    try whole.finish()
    for member: JSONMember in [.model, .messages, .stream] {
      #expect(scanner.found(member) == whole.found(member) && scanner.found(member)?.isComplete == true)
    }
    #expect(scanner.closeBrace == whole.closeBrace && scanner.isComplete)
  }

  @Test("only an object or a list can be taken as read, and only where a value comes next")
  func passElsewhere() throws {
    for (before, kind, count) in [
      ("{", JSONKind.array, 2), ("", .array, 2), ("{\"a\":1", .array, 2), ("{\"a\":", .string, 2),
      ("{\"a\":", .array, 1),
    ] {
      var scanner = JSONScanner()
      try scanner.feed(Array(before.utf8).span)
      #expect(throws: JSONFault.self) { try scanner.pass(kind, count: count) }
      #expect(throws: JSONFault.self) { try scanner.finish() }
    }
  }

  static func mutate(_ text: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var text = text
    for _ in 0..<Int.random(in: 1...2, using: &random) {
      let at = Int.random(in: 0...text.count, using: &random)
      let byte =
        Bool.random(using: &random)
        ? Array("{}[]\",:\\ue+-.0 1tn\n".utf8).randomElement(using: &random) ?? 0
        : UInt8.random(in: .min ... .max, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: text.insert(byte, at: at)
      case 1: if at < text.count { text[at] = byte }
      default: if at < text.count { text.remove(at: at) }
      }
    }
    return text
  }
}
