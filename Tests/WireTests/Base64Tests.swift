import Testing
import Wire

@Suite("Base64") struct Base64Tests {
  /// RFC 4648 section 10, and the bytes in which the alphabets differ.
  static let cases: [(bytes: [UInt8], standard: String, url: String)] = [
    ([], "", ""), (Array("f".utf8), "Zg==", "Zg"), (Array("fo".utf8), "Zm8=", "Zm8"),
    (Array("foo".utf8), "Zm9v", "Zm9v"), (Array("foob".utf8), "Zm9vYg==", "Zm9vYg"),
    (Array("fooba".utf8), "Zm9vYmE=", "Zm9vYmE"), (Array("foobar".utf8), "Zm9vYmFy", "Zm9vYmFy"),
    ([0xFB, 0xEF, 0xFF], "++//", "--__"), ([0xFF, 0xFE], "//4=", "__4"),
    ([0x00, 0x10, 0x83, 0x10, 0x51, 0x87], "ABCDEFGH", "ABCDEFGH"),
  ]

  @Test("both alphabets", arguments: cases)
  func encode(_ example: (bytes: [UInt8], standard: String, url: String)) {
    var standard = ByteQueue()
    var url = ByteQueue()
    Base64Encoder.encode(example.bytes.span, into: &standard)
    Base64Encoder.encode(example.bytes.span, .url, into: &url)
    #expect(standard.bytes.text() == example.standard)
    #expect(url.bytes.text() == example.url)
  }

  @Test("both come back, however lines and padding stand in them", arguments: cases)
  func decode(_ example: (bytes: [UInt8], standard: String, url: String)) {
    let broken = example.standard.map { "\r\n \($0)" }.joined()
    for text in [example.standard, example.url, broken] {
      var out = ByteQueue()
      Base64.decode(Array(text.utf8).span, into: &out)
      #expect(out.array() == example.bytes)
    }
  }
}
