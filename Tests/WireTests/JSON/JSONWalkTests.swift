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
}
