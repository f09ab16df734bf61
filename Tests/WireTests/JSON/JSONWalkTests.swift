import Support
import Testing
import Wire

@Suite struct JSONWalkTests {
  /// A long string of every sort: plain, with escapes, with quotes at its ends, of other alphabets.
  private static let long = [
    String(repeating: "a", count: 60), String(repeating: #"\""#, count: 40),
    #"\"# + #""# + String(repeating: "b", count: 60) + #"\\"#, String(repeating: "é", count: 30),
    String(repeating: "x", count: 46), String(repeating: "x", count: 45), "", "short",
  ]

  /// A text that holds them as members, elements and keys, between other values.
  private static func text() -> String {
    var text = " {"
    for (index, string) in long.enumerated() {
      text +=
        #""k\#(index)" : "\#(string)", "\#(string)\#(index)":[1, "\#(string)" , {"n":null,"s":"\#(string)"}],"#
    }
    return text + #""end":true} "#
  }

  /// Every key and every value that holds no other, in order.
  private static func read(_ bytes: [UInt8], strings: JSONPlaces) -> [String] {
    var walk = JSONWalk(bytes.span, strings: strings.span)
    var found: [String] = []
    read(bytes, &walk, &found)
    return found
  }

  private static func read(_ bytes: [UInt8], _ walk: inout JSONWalk, _ found: inout [String]) {
    if walk.enterObject() {
      found.append("{")
      while let key = walk.nextKey() {
        found.append(String(decoding: bytes[key.range], as: UTF8.self))
        read(bytes, &walk, &found)
      }
      found.append("}")
    } else if walk.enterArray() {
      found.append("[")
      while walk.nextElement() { read(bytes, &walk, &found) }
      found.append("]")
    } else if let (range, kind) = walk.pass() {
      found.append("\(kind) " + String(decoding: bytes[range], as: UTF8.self))
    }
  }

  private static func places(_ pieces: [[UInt8]]) throws -> JSONPlaces {
    var scanner = JSONScanner(notesStrings: true)
    for piece in pieces { try scanner.feed(piece.span) }
    try scanner.finish()
    return scanner.strings
  }

  @Test("a walk that knows where long strings lie finds what one finds that looks for them")
  func notes() throws {
    let bytes = Array(Self.text().utf8)
    let looked = Self.read(bytes, strings: JSONPlaces())
    #expect(
      looked.filter { $0 == "}" }.count == Self.long.count + 1
        && looked.suffix(3) == ["end", "true true", "}"])
    for pieces in EverySplit(bytes) {
      let places = try Self.places(pieces)
      let known = Self.read(bytes, strings: places)
      #expect(known == looked)
      if known != looked { return }
    }
  }

  /// The members of the outermost object, each passed over whole.
  private static func pass(_ bytes: [UInt8], strings: JSONPlaces) -> [String] {
    var walk = JSONWalk(bytes.span, strings: strings.span)
    _ = walk.enterObject()
    var found: [String] = []
    while let member = walk.nextMember() {
      found.append(String(decoding: bytes[member.key.lowerBound..<member.value.upperBound], as: UTF8.self))
    }
    return found + ["\(walk.at)"]
  }

  @Test("an object or an array is passed over from one long string to the next")
  func nests() throws {
    let inner = Self.text().trimming
    let text = #"{"a":\#(inner),"b":[[\#(inner)],"\#(Self.long[0])"],"c":[],"d":{"x":[]},"e":\#(inner)}"#
    let bytes = Array(text.utf8)
    let looked = Self.pass(bytes, strings: JSONPlaces())
    let known = Self.pass(bytes, strings: try Self.places([bytes]))
    #expect(looked.count == 6 && looked.last == "\(bytes.count)")
    #expect(known == looked)
  }

  @Test("places of another text lead nowhere, and never out of the text")
  func foreignPlaces() throws {
    let places = try Self.places([Array(Self.text().utf8)])
    for text in [
      #"{"a":[1,{"b":2}],"c":3}"#, "{\"a\":[" + String(repeating: "\"x\",", count: 300) + "1]}", "[[[",
    ] {
      #expect(Self.pass(Array(text.utf8), strings: places).count <= 3)
    }
  }

  @Test("members that are held are asked for by name, the last of several counts")
  func held() throws {
    func members(_ bytes: [UInt8]) -> HeldMembers {
      var walk = JSONWalk(bytes.span, strings: Span())
      return HeldMembers(&walk)
    }
    let bytes = Array(#" {"a":"x","b":{"c":[1]},"\u0061":"y","d":null}"#.utf8)
    let few = members(bytes)
    #expect(few.range == 0..<bytes.count)
    #expect(few.content("a", in: bytes.span).text() == "y")
    #expect(
      few.value("b", in: bytes.span).map { String(decoding: bytes[$0], as: UTF8.self) } == #"{"c":[1]}"#)
    #expect(few.string("b", in: bytes.span) == nil && few.value("e", in: bytes.span) == nil)
    var kinds: [JSONKind] = []
    few.visit(bytes.span) { kinds.append($0.kind) }
    #expect(kinds == [.string, .object, .string, .null])
    let long = Array(("{" + (0..<20).map { "\"k\($0)\":\"v\($0)\"" }.joined(separator: ",") + "}").utf8)
    let many = members(long)
    var names: [String] = []
    many.visit(long.span) { names.append(String(decoding: long[$0.key], as: UTF8.self)) }
    #expect(names == (0..<20).map { "k\($0)" })
    #expect(
      many.content("k0", in: long.span).text() == "v0" && many.content("k12", in: long.span).text() == "v12")
    let none = members(Array("[1]".utf8))
    #expect(none.value("a", in: [UInt8]("[1]".utf8).span) == nil)
  }

  @Test("strings behind those that are noted are looked for")
  func manyStrings() throws {
    let string = "\"" + String(repeating: "a", count: 60) + "\""
    let bytes = Array(("[" + [String](repeating: string, count: 10_000).joined(separator: ",") + "]").utf8)
    let places = try Self.places([bytes])
    #expect(places.span.count < 10_000)
    #expect(Self.read(bytes, strings: places).count == 10_002)
  }

  @Test(
    "on a text that is no JSON a walk ends early",
    arguments: [
      "", "{", "[", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"b", "{a:1}", "{\"a\" 1}", "[1", "[1 2]", "[\"a",
      "{\"a\":[}", "{\"a\":1,}", "]", "}", "\"a", "nul", "{\"a\":1}}", "[[[[", "{\"\\\":1}",
    ])
  func broken(text: String) {
    let bytes = Array(text.utf8)
    #expect(Self.read(bytes, strings: JSONPlaces()).count < 16)
  }

  @Test("a key is told apart however it is escaped")
  func keys() throws {
    let bytes = Array(#"{"content":1,"c\u006fntent":2,"contents":3,"\u0063":4}"#.utf8)
    var walk = JSONWalk(bytes.span, strings: Span())
    let isObject = walk.enterObject()
    #expect(isObject)
    var found: [Bool] = []
    while let key = walk.nextKey() {
      found.append(key.says("content", in: bytes.span))
      _ = walk.pass()
    }
    #expect(found == [true, true, false, false])
  }

  @Test(
    "a key is found alike however near the end it is",
    arguments: ["", "\\", "ä", "\t", "\\\"", " ", "\\:", "\t:"])
  func nearEnd(_ odd: String) {
    let behind = String(repeating: " ", count: 40)
    for count in 0..<40 {
      let name = String(repeating: "k", count: count)
      for text in [
        "{\"\(name)\(odd)\":1}", "{\(odd)\"\(name)\":1}", "{\"\(name)\"\(odd):1}",
        "{\"a\":1,\"\(name)\(odd)\(name)\":[]}",
        "{\"a\":1\"\(name)\":2}", "{\"a\":[];\"\(name)\":2}", "{,\"\(name)\":1}", "{\"\(name)\(odd)",
        "{\"a\":1,\"\(name)\"",
      ] {
        func read(_ text: String) -> [String] {
          let bytes = Array(text.utf8)
          var walk = JSONWalk(bytes.span, strings: Span())
          guard walk.enterObject() else { return [] }
          var found: [String] = []
          while let key = walk.nextKey() {
            let value = walk.pass().map { bytes.span.extracting($0.range).text() }
            found.append("\(key.range) \(key.says("k", in: bytes.span)) \(value ?? "") \(walk.isCut)")
          }
          return found
        }
        #expect(read(text) == read(text + behind), "\(text)")
      }
    }
  }

  @Test(
    "a text that ends early is told from one that ends",
    arguments: [
      (#"{"a":[1,{"b":2}],"c":"d"} "#, false), (#"{"a":1}x"#, false), (#"{"a":1"#, true), (#"{"a":1,"#, true),
      (#"{"a":[1,"#, true), (#"{"a":{"b":1}"#, true), (#"{"a":"b"#, true), (#"{"a""#, true),
      (#"{"a":{}"b":1}"#, true),
    ])
  func cut(_ text: String, _ isCut: Bool) {
    let bytes = Array(text.utf8)
    var walk = JSONWalk(bytes.span, strings: Span())
    var found: [String] = []
    Self.read(bytes, &walk, &found)
    #expect(walk.isCut == isCut)
  }

  @Test(
    "a role and a text are read at once as clients write them, and anything else is left for the walk",
    arguments: [
      (#"{"role":"user","content":"hi"}"#, "user hi"), (#"{"role":"assistant","content":""}"#, "assistant "),
      (#"{"role": "user", "content": "a \"b\" }"}"#, #"user a \"b\" }"#),
      (#" { "role":"user","content":  "hi"}"#, "user hi"), (#"{"role":"user","content":"hi" }"#, nil),
      (#"{"role":"user","content":"hi","name":"x"}"#, nil), (#"{"content":"hi","role":"user"}"#, nil),
      (#"{"role":"user","content":null}"#, nil), (#"{"role":"user","content":["hi"]}"#, nil),
      (#"{"role":"tool","content":"hi"}"#, nil), (#"{"role":"user"}"#, nil),
      (#"{"role":"users","content":""}"#, nil),
      (#"{"r\u006fle":"user","content":"hi"}"#, nil), (#"{"role":"user","contents":"hi"}"#, nil), ("{}", nil),
      (#"["role"]"#, nil), (#"{"role":"user","content":"hi"#, nil), (#"{"role":"#, nil), ("", nil),
    ])
  func plainTurns(_ text: String, _ expected: String?) {
    let bytes = Array(text.utf8)
    var walk = JSONWalk(bytes.span, strings: Span())
    let turn = walk.takePlainTurn()
    let told = turn.map {
      ($0.isAssistant ? "assistant " : "user ")
        + String(decoding: bytes[$0.text.lowerBound + 1..<$0.text.upperBound - 1], as: UTF8.self)
    }
    #expect(told == expected)
    // What isn't read is all still there, what is read is behind.
    #expect(walk.at == (expected == nil ? 0 : bytes.count))
  }

  @Test("plain turns stand between others, and their long texts are found by the places of strings")
  func plainTurnsInALine() throws {
    let long = String(repeating: "word ", count: 40)
    let text =
      #"[{"role":"user","content":"\#(long)"},{"role":"tool","content":"x"},{"role":"assistant","content":"\#(long)"}]"#
    let bytes = Array(text.utf8)
    let places = try Self.places([bytes])
    var walk = JSONWalk(bytes.span, strings: places.span)
    var found: [String] = []
    let isList = walk.enterArray()
    #expect(isList)
    while walk.nextElement() {
      if let turn = walk.takePlainTurn() {
        found.append("\(turn.isAssistant) \(turn.text.count)")
      } else {
        found.append(walk.pass().map { "\($0.kind)" } ?? "nothing")
      }
    }
    #expect(found == ["false \(long.utf8.count + 2)", "object", "true \(long.utf8.count + 2)"])
    #expect(walk.at == bytes.count && !walk.isCut)
  }
}

extension String {
  /// Without the blanks at its ends.
  fileprivate var trimming: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }

  @Test(
    "a count is a whole number of few digits, and all else stays",
    arguments: [
      ("7,", 7), (" 12]", 12), ("0}", 0), ("999999999999999,", 999_999_999_999_999),
      ("1000000000000000,", nil),
      ("07,", nil), ("00}", nil), ("-1,", nil), ("1.0,", nil), ("1e3,", nil), ("1 ,", nil), ("7", nil),
      ("", nil),
      ("\"7\",", nil), ("[7],", nil), ("99999999999999999999999999999999,", nil),
    ])
  func counts(_ text: String, _ expected: Int?) {
    let bytes = Array(text.utf8)
    var walk = JSONWalk(bytes.span, strings: Span())
    #expect(walk.takeCount() == expected)
    let left = expected.map { "\($0)".utf8.count } ?? 0
    let blanks = text.prefix { $0 == " " }.utf8.count
    #expect(walk.at == blanks + left)
  }
}
