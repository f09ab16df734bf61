import Support
import Testing
import Wire

@Suite struct JSONWriterTests {
  private func written(_ bytes: [UInt8]) -> [UInt8] {
    var queue = ByteQueue()
    JSONWriter.string(bytes.span, into: &queue)
    return queue.array()
  }

  @Test(
    "strings are escaped where JSON demands it and nowhere else",
    arguments: [
      ("", "\"\""), ("plain/text", "\"plain/text\""), ("a\"b\\c", "\"a\\\"b\\\\c\""),
      ("\n\r\t\u{8}\u{C}\0\u{1}\u{1F}\u{7F}", "\"\\n\\r\\t\\b\\f\\u0000\\u0001\\u001f\u{7F}\""),
      ("é日😀\u{2028}\u{2029}", "\"é日😀\u{2028}\u{2029}\""),
      ("0123456789abcdef\"0123456789", "\"0123456789abcdef\\\"0123456789\""),
    ])
  func escapes(_ text: String, _ expected: String) {
    #expect(String(decoding: written(Array(text.utf8)), as: UTF8.self) == expected)
    var queue = ByteQueue()
    JSONWriter.string(text, into: &queue)
    #expect(queue.bytes.text() == expected)
  }

  @Test("whatever bytes come in, JSON in UTF-8 goes out, and says what Unicode's repair of them says")
  func repair() {
    var random = Seeded(3)
    let parts: [[UInt8]] = [
      [0xFF], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98],
      [0xF4, 0x90, 0x80, 0x80],
      [0xE6, 0x97], [0x80], Array("é日😀a\"\\\n".utf8), Array("some plain text".utf8),
    ]
    for _ in 0..<2_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        bytes += parts.randomElement(using: &random) ?? []
        if Bool.random(using: &random) { bytes.append(UInt8.random(in: .min ... .max, using: &random)) }
      }
      let result = written(bytes)
      #expect(Reading([result]).fault == nil)
      #expect(String(validating: result, as: UTF8.self) != nil)
      #expect(JSONString.text(result.span, 0..<result.count) == String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test("every single byte can be written and read back, at every place of a word")
  func everyByte() {
    for byte in UInt8.min ... .max {
      for place in 0..<9 {
        var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 17)
        bytes[place] = byte
        let result = written(bytes)
        #expect(Reading([result]).fault == nil)
        #expect(JSONString.text(result.span, 0..<result.count) == String(decoding: bytes, as: UTF8.self))
      }
    }
  }

  @Test(
    "numbers read back as they were",
    arguments: [0, 1, -1.5, 0.1, 1e22, 2.5e-308, 1.7976931348623157e308, 1e16])
  func doubles(_ value: Double) {
    var queue = ByteQueue()
    JSONWriter.double(value, into: &queue)
    #expect(Reading([queue.array()]).fault == nil)
    let count = queue.count
    #expect(JSONValue.double(queue.bytes, 0..<count) == value)
  }

  @Test("the other scalars are their words, and what isn't finite is null")
  func words() {
    var queue = ByteQueue()
    JSONWriter.integer(Int.min, into: &queue)
    JSONWriter.bool(true, into: &queue)
    JSONWriter.bool(false, into: &queue)
    JSONWriter.null(into: &queue)
    JSONWriter.double(.infinity, into: &queue)
    JSONWriter.double(.nan, into: &queue)
    JSONWriter.string("a\n" as StaticString, into: &queue)
    #expect(queue.bytes.text() == "-9223372036854775808truefalsenullnullnull\"a\\n\"")
  }
}
