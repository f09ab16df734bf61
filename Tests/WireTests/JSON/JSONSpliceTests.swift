import Support
import Testing
import Wire

@Suite struct JSONSpliceTests {
  private static let text =
    "{ \"z\":12345678901234567890123, \"model\" : \"old\" ,\"x\":\"\\u0041\\/\",\"x\":1.0,\r\n\t"
    + "\"stream\":true,\"user\":{ \"a\" : [ ] }, \"id\":1e5 }  "

  /// What a splice with these edits makes of `text`, whole; checks that every cut and the foretold length agree.
  private func result(_ text: String, _ edit: (inout JSONSplice) throws -> Void) rethrows -> String {
    let bytes = Array(text.utf8)
    var splice = JSONSplice()
    try edit(&splice)
    var whole = ByteQueue()
    splice.apply(to: bytes.span, into: &whole)
    #expect(splice.resultCount(for: bytes.count) == whole.count)
    for pieces in EverySplit(bytes) {
      var cut = JSONSplice()
      try edit(&cut)
      var queue = ByteQueue()
      var base = 0
      for piece in pieces {
        cut.apply(piece: piece.span, base: base, into: &queue)
        base += piece.count
      }
      #expect(queue.array() == whole.array())
    }
    return whole.bytes.text()
  }

  private func scan(_ text: String, _ members: JSONMembers) throws -> JSONScanner {
    var scanner = JSONScanner(watching: members)
    try scanner.feed(Array(text.utf8).span)
    try scanner.finish()
    return scanner
  }

  @Test("no edit, no change")
  func untouched() {
    let unchanged = result(Self.text) { _ in }
    #expect(unchanged == Self.text)
  }

  @Test("a replaced value leaves every other byte as it was")
  func replace() throws {
    let scanner = try scan(Self.text, [.model, .id])
    let changed = try result(Self.text) { splice in
      // Against the text's order, on purpose.
      try splice.replace(required(.id, in: scanner).value, with: Array("\"new\"".utf8).span)
      try splice.replace(required(.model, in: scanner).value, with: Array("\"a longer one\"".utf8).span)
    }
    let expected = Self.text.split(separator: "\"old\"").joined(separator: "\"a longer one\"")
      .split(separator: "1e5").joined(separator: "\"new\"")
    #expect(changed == expected)
  }

  @Test(
    "a removed member takes one comma with it",
    arguments: [
      ("{\"model\":1}", "{}"), ("{ \"model\" : 1 }", "{  }"),
      ("{\"model\":1,\"b\":2}", "{\"b\":2}"), ("{\"a\":0 , \"model\":1 , \"b\":2}", "{\"a\":0  , \"b\":2}"),
      ("{\"a\":0, \"model\":[1,{}]\n}", "{\"a\":0\n}"),
    ])
  func remove(_ text: String, _ expected: String) throws {
    let changed = try result(text) { try $0.remove(required(.model, in: scan(text, .model))) }
    #expect(changed == expected)
  }

  @Test("any set of members, removed in any order, leaves the others, in order and as an object")
  func removeSets() throws {
    let members: [JSONMember] = [.model, .stream, .user, .id, .error]
    let values = ["\"m\"", " true", "{\"a\":[1,2]}", "1.50 ", "null"]
    let text =
      "{ " + zip(members, values).map { "\"\($0.name)\" :\($1)" }.joined(separator: " ,\n") + " }"
    let scanner = try scan(text, .all)
    var random = Seeded(5)
    for mask in 0..<32 {
      for inserts in [false, true] {
        for _ in 0..<6 {
          var wanted = members.enumerated().filter { mask >> $0.offset & 1 == 0 }.map { "\($0.element.name)" }
          let removed = members.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element)
            .shuffled(using: &random)
          if inserts { wanted = ["p", "q"] + wanted }
          let changed = try result(text) { splice in
            if inserts {
              try splice.insertMember(Array("\"p\":1".utf8).span, in: scanner)
              try splice.insertMember(Array("\"q\":{}".utf8).span, in: scanner)
            }
            for member in removed { try splice.remove(required(member, in: scanner)) }
          }
          let output = Array(changed.utf8)
          #expect(Reading([output]).fault == nil)
          var keys: [String] = []
          var cursor = JSONObjectCursor(output.span, 0..<output.count)
          while let member = cursor.next() { keys.append(JSONString.text(output.span, member.key)) }
          #expect(keys == wanted)
        }
      }
    }
  }

  @Test(
    "a member is inserted with the comma it needs",
    arguments: [("{}", "{\"a\":1}"), (" { } ", " {\"a\":1 } "), ("{\"b\":2}", "{\"a\":1,\"b\":2}")])
  func insertMember(_ text: String, _ expected: String) throws {
    let changed = try result(text) { try $0.insertMember(Array("\"a\":1".utf8).span, in: scan(text, [])) }
    #expect(changed == expected)
  }

  @Test("insertions at one place keep the order of their calls and come before what is replaced there")
  func order() throws {
    let changed = try result("abcdef") { splice in
      try splice.replace(2..<4, with: Array("R".utf8).span)
      try splice.insert(at: 2, Array("1".utf8).span)
      try splice.insert(at: 2, Array("2".utf8).span)
      try splice.insert(at: 4, Array("3".utf8).span)
      try splice.insert(at: 6, Array("4".utf8).span)
      try splice.insert(at: 0, Array("0".utf8).span)
    }
    #expect(changed == "0ab12R3ef4")
  }

  @Test("edits that contradict each other are refused and change nothing")
  func overlaps() throws {
    let replaced = try result("0123456789") { splice in
      try splice.replace(2..<6, with: Array("X".utf8).span)
      for range in [1..<3, 3..<4, 5..<9, 2..<6, 4..<4] {
        #expect(throws: JSONSpliceFault.overlappingEdits) { try splice.replace(range, with: Span()) }
      }
      #expect(throws: JSONSpliceFault.misplacedEdit) { try splice.insert(at: -1, Span()) }
    }
    #expect(replaced == "01X6789")

    let text = "{\"model\":\"m\",\"stream\":true}"
    let scanner = try scan(text, [.model, .stream])
    let model = try required(.model, in: scanner)
    let mixed = try result(text) { splice in
      try splice.remove(required(.stream, in: scanner))
      try splice.replace(model.value, with: Array("1".utf8).span)
      #expect(throws: JSONSpliceFault.overlappingEdits) { try splice.remove(model) }
    }
    #expect(mixed == "{\"model\":1}")
  }

  @Test("the number of edits and of bytes has a ceiling")
  func ceilings() throws {
    var splice = JSONSplice(editCeiling: 2, byteCeiling: 5)
    #expect(throws: JSONSpliceFault.tooManyBytes) { try splice.insert(at: 0, Array("123456".utf8).span) }
    try splice.insert(at: 0, Array("12345".utf8).span)
    #expect(throws: JSONSpliceFault.tooManyBytes) { try splice.insert(at: 0, Array("6".utf8).span) }
    try splice.replace(0..<1, with: Span())
    #expect(throws: JSONSpliceFault.tooManyEdits) { try splice.insert(at: 9, Span()) }
    splice.removeAll()
    let isEmpty = splice.isEmpty
    #expect(isEmpty)
    var unchanged = ByteQueue()
    splice.apply(to: Array("{}".utf8).span, into: &unchanged)
    #expect(unchanged.bytes.text() == "{}")
    try splice.insert(at: 0, Array("67890".utf8).span)
  }

  @Test("a member whose end hasn't been seen can't be removed, nor one be put into what is no object")
  func misplaced() throws {
    var scanner = JSONScanner(watching: .model)
    try scanner.feed(Array("{\"model\":\"m".utf8).span)
    let model = try required(.model, in: scanner)
    var splice = JSONSplice()
    #expect(throws: JSONSpliceFault.misplacedEdit) { try splice.remove(model) }
    let list = try scan("[]", [])
    #expect(throws: JSONSpliceFault.misplacedEdit) { try splice.insertMember(Span(), in: list) }
  }

  @Test("edits beyond the text, and pieces out of place, don't trap")
  func beyond() throws {
    let cut = try result("abc") { try $0.replace(1..<99, with: Array("X".utf8).span) }
    #expect(cut == "aX")
    var splice = JSONSplice()
    try splice.replace(1..<99, with: Array("X".utf8).span)
    var queue = ByteQueue()
    splice.apply(piece: Array("abc".utf8).span, base: 500, into: &queue)
    splice.apply(piece: Array("abc".utf8).span, base: 0, into: &queue)
    splice.apply(piece: Array("abc".utf8).span, base: -5, into: &queue)
    #expect(queue.bytes.text() == "Xabc")
  }

  @Test("neighbours that go in any order take their commas with them, and what is changed between them stays")
  func neighbours() throws {
    let names = Array("abcdefg")
    let text = "{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
    let bytes = Array(text.utf8)
    var cases = 0
    for mask in 0..<128 {
      for order in [names, names.reversed(), Array("dbfaceg"), Array("gacebdf")] {
        var splice = JSONSplice()
        for name in order {
          let at = try #require(names.firstIndex(of: name))
          let start = 1 + at * 6
          if mask >> at & 1 == 1 {
            try splice.remove(key: start + 1..<start + 2, value: start + 4..<start + 5, in: bytes.span)
          } else {
            try splice.replace(start + 4..<start + 5, with: Array("22".utf8).span)
          }
        }
        var out = ByteQueue()
        splice.apply(to: bytes.span, into: &out)
        let left = names.indices.filter { mask >> $0 & 1 == 0 }.map { "\"\(names[$0])\":22" }
        #expect(out.bytes.text() == "{" + left.joined(separator: ",") + "}")
        cases += 1
      }
    }
    #expect(cases == 512)
  }

  @Test("an edit inside of what goes is refused, and nothing is lost by it")
  func overlapping() throws {
    let bytes = Array(#"{"a":1,"b":[1,2],"c":3}"#.utf8)
    var splice = JSONSplice()
    try splice.remove(key: 2..<3, value: 5..<6, in: bytes.span)
    try splice.replace(12..<13, with: Array("9".utf8).span)
    #expect(throws: JSONSpliceFault.overlappingEdits) {
      try splice.remove(key: 8..<9, value: 11..<16, in: bytes.span)
    }
    var out = ByteQueue()
    splice.apply(to: bytes.span, into: &out)
    #expect(out.bytes.text() == #"{"b":[9,2],"c":3}"#)
  }
}
