import Support
import Testing
import Wire

@Suite struct JSONViewTests {
  /// The members of a text's object as strings, for comparison.
  private func members(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    var cursor = JSONObjectCursor(bytes.span, 0..<bytes.count)
    var result: [String] = []
    while let member = cursor.next() {
      let key = String(decoding: bytes[member.key], as: UTF8.self)
      result.append("\(key)=\(String(decoding: bytes[member.value], as: UTF8.self)) \(member.kind)")
    }
    return result
  }

  private func elements(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    var cursor = JSONArrayCursor(bytes.span, 0..<bytes.count)
    var result: [String] = []
    while let element = cursor.next() { result.append(String(decoding: bytes[element.value], as: UTF8.self)) }
    return result
  }

  @Test("an object's members come in order, with their bytes as they are")
  func objects() {
    let text =
      " {\"a\" : 1.50 ,\"b\":\"x,\\\"}\" , \"c\":{\"d\":[1,\"]\"]},"
      + "\"\\u0065\":[ ] ,\"f\":true,\"g\":false, \"h\":null}\n"
    #expect(
      members(text) == [
        "a=1.50 number", "b=\"x,\\\"}\" string", "c={\"d\":[1,\"]\"]} object", "\\u0065=[ ] array",
        "f=true true",
        "g=false false", "h=null null",
      ])
    #expect(members("{}").isEmpty && members(" { } ").isEmpty)
    #expect(members("[1]").isEmpty && members("\"a\"").isEmpty && members("").isEmpty)
  }

  @Test("an array's elements come in order")
  func arrays() {
    #expect(elements(" [1 , [2,3], {\"a\":[]},\"]\" ]") == ["1", "[2,3]", "{\"a\":[]}", "\"]\""])
    #expect(elements("[]").isEmpty && elements("[ ]").isEmpty && elements("{\"a\":1}").isEmpty)
  }

  @Test("a cursor over a part of the bytes stays inside of it")
  func parts() {
    let bytes = Array("[[1,2],[3]]".utf8)
    var cursor = JSONArrayCursor(bytes.span, 1..<6)
    var seen: [Range<Int>] = []
    while let element = cursor.next() { seen.append(element.value) }
    #expect(seen == [2..<3, 4..<5])
    var beyond = JSONArrayCursor(bytes.span, 7..<9_999)
    let first = beyond.next()?.value
    #expect(first == 8..<9)
  }

  private func look(_ text: String, _ path: [StaticString]) -> String? {
    let bytes = Array(text.utf8)
    let whole = 0..<bytes.count
    let range: Range<Int>? =
      switch path.count {
      case 1: JSONView.value(bytes.span, in: whole, at: path[0])
      case 2: JSONView.value(bytes.span, in: whole, at: path[0], path[1])
      default: JSONView.value(bytes.span, in: whole, at: path[0], path[1], path[2])
      }
    return range.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test("values are found by path; of two the last counts; a wrong kind on the way is nothing")
  func paths() {
    let text = "{\"usage\":{\"a\":{\"b\":1,\"\\u0062\":2},\"n\":7},\"choices\":[{\"b\":3}]}"
    #expect(look(text, ["usage", "a", "b"]) == "2")
    #expect(look(text, ["usage", "n"]) == "7")
    #expect(look(text, ["choices"]) == "[{\"b\":3}]")
    #expect(look(text, ["choices", "b"]) == nil)
    #expect(look(text, ["usage", "n", "b"]) == nil)
    #expect(look(text, ["missing"]) == nil)
  }

  @Test("nothing traps on text that was never scanned")
  func garbage() {
    var random = Seeded(11)
    for seed in 1...600 as ClosedRange<UInt64> {
      let bytes = JSONAgreementTests.mutate(RandomJSON.text(seed: seed), &random)
      let start = Int.random(in: 0...bytes.count, using: &random)
      let end = Int.random(in: start...bytes.count + 3, using: &random)
      for range in [0..<bytes.count, start..<end] {
        var queue = ByteQueue()
        var objects = JSONObjectCursor(bytes.span, range)
        while let member = objects.next() {
          JSONString.decode(bytes.span, member.key, into: &queue)
          _ = JSONValue.double(bytes.span, member.value)
          _ = member.keyIs("model", in: bytes.span)
        }
        var arrays = JSONArrayCursor(bytes.span, range)
        while let element = arrays.next() {
          JSONString.decode(bytes.span, element.value, into: &queue)
          _ = JSONValue.integer(bytes.span, element.value)
        }
        _ = JSONView.value(bytes.span, in: range, at: "a", "model")
        _ = JSONView.kind(bytes.span, range)
        // What a run over a range finds lies within it, and no run makes bytes from nothing.
        #expect(queue.count <= 3 * bytes.count)
      }
    }
  }
}

@Suite struct JSONValueTests {
  @Test(
    "integers are read in every spelling",
    arguments: [
      ("12", 12), ("-12", -12), ("0", 0), ("-0", 0), ("0.0", 0), ("0e999999999999999999999", 0), ("12.0", 12),
      ("1e3", 1000), ("1.2e1", 12), ("1200e-2", 12), ("100", 100), ("1.500e3", 1500), ("0.012E+3", 12),
      ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
      ("9223372036854775807.000", Int.max),
      ("9223372036854775808", nil), ("-9223372036854775809", nil), ("18446744073709551616", nil),
      ("1e19", nil),
      ("1e18", 1_000_000_000_000_000_000), ("10000000000000000000000e-21", 10),
      ("1e99999999999999999999", nil),
      ("1e-99999999999999999999", nil), ("1.5", nil), ("1e-1", nil), ("\"1\"", nil), ("true", nil), ("", nil),
      ("-", nil), ("1e", nil), ("1x", nil), ("[1]", nil),
    ] as [(String, Int?)])
  func integers(_ text: String, _ value: Int?) {
    let bytes = Array(text.utf8)
    #expect(JSONValue.integer(bytes.span, 0..<bytes.count) == value)
  }

  @Test(
    "doubles are the nearest ones",
    arguments: [
      "0", "-0", "1.5", "0.1", "-2.5e-3", "1e22", "1e23", "123456789012345678", "9007199254740993", "5e-324",
      "1.7976931348623157e308", "0.30000000000000004", "3.14159265358979323846264338327950288", "1e-400",
    ])
  func doubles(_ text: String) {
    let bytes = Array(text.utf8)
    let value = JSONValue.double(bytes.span, 0..<bytes.count)
    #expect(value != nil && value?.bitPattern == Double(text)?.bitPattern)
  }

  @Test("what is no finite number is none", arguments: ["1e400", "nan", "inf", "0x10", "\"1\"", "null", ""])
  func notDoubles(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(JSONValue.double(bytes.span, 0..<bytes.count) == nil)
  }

  @Test("Booleans and null are read as such")
  func words() {
    let bytes = Array("true false null".utf8)
    #expect(JSONValue.bool(bytes.span, 0..<4) == true)
    #expect(JSONValue.bool(bytes.span, 5..<10) == false)
    #expect(JSONValue.bool(bytes.span, 11..<15) == nil)
    #expect(JSONValue.isNull(bytes.span, 11..<15) == true)
    #expect(JSONValue.isNull(bytes.span, 0..<4) == false)
  }

  @Test(
    "strings say what their escapes stand for",
    arguments: [
      ("\"\"", ""), ("\"abc\"", "abc"), ("\"a\\n\\t\\r\\b\\f\\/\\\\\\\"z\"", "a\n\t\r\u{8}\u{C}/\\\"z"),
      ("\"\\u0041\\u00e9\\u65E5\\ud83d\\ude00\"", "Aé日😀"), ("\"é日😀\"", "é日😀"), ("\"\\u0000\"", "\0"),
      ("\"\\ud800\"", "\u{FFFD}"), ("\"\\ude00x\"", "\u{FFFD}x"), ("\"\\ud800\\ud83d\\ude00\"", "\u{FFFD}😀"),
      ("\"\\ud800\\u0041\"", "\u{FFFD}A"), ("\"\\ud800\\n\"", "\u{FFFD}\n"), ("bare \\u0041", "bare A"),
      ("\"\\udbff\\udfff\\uffff\"", "\u{10FFFF}\u{FFFF}"),
    ])
  func strings(_ text: String, _ value: String) {
    let bytes = Array(text.utf8)
    #expect(JSONString.text(bytes.span, 0..<bytes.count) == value)
  }

  @Test(
    "strings are compared by what they say",
    arguments: [
      ("\"\"", "none", false), ("\"model\"", "model", true), ("model", "model", true),
      ("\"mod\\u0065l\"", "model", true),
      ("\"mode\"", "model", false), ("\"models\"", "model", false), ("\"mod\\u0066l\"", "model", false),
      ("\"\\ud83d\\ude00\"", "emoji", true), ("\"😀\"", "emoji", true), ("\"\\ud83d\"", "emoji", false),
    ])
  func equality(_ text: String, _ name: String, _ isEqual: Bool) {
    let bytes = Array(text.utf8)
    let range = 0..<bytes.count
    switch name {
    case "model": #expect(JSONString.equals(bytes.span, range, "model") == isEqual)
    case "emoji": #expect(JSONString.equals(bytes.span, range, "😀") == isEqual)
    default: #expect(JSONString.equals(bytes.span, range, "") != isEqual)
    }
  }
}
