// Redis's protocol: what is written, what is read, in every cut, and what is refused.

import Testing
import Wire

@Suite struct RESPTests {
  private func read(_ text: String) throws(RESPFault) -> (reply: RESPReply, count: Int)? {
    try RESP.read(Array(text.utf8).span)
  }

  @Test(
    "every kind of reply is read whole, and no part of it is",
    arguments: [
      ("+OK\r\n", RESPReply.status(Array("OK".utf8))),
      ("-NOSCRIPT No matching script.\r\n", .error(Array("NOSCRIPT No matching script.".utf8))),
      (":0\r\n", .integer(0)), (":-12\r\n", .integer(-12)), (":+7\r\n", .integer(7)),
      (":9223372036854775807\r\n", .integer(.max)), (":-9223372036854775808\r\n", .integer(.min)),
      ("$0\r\n\r\n", .text([])), ("$5\r\na\r\nbc\r\n", .text(Array("a\r\nbc".utf8))), ("$-1\r\n", .nothing),
      ("*-1\r\n", .nothing), ("*0\r\n", .array([])),
      ("*2\r\n:1\r\n*1\r\n$1\r\nx\r\n", .array([.integer(1), .array([.text([0x78])])])),
    ])
  func replies(_ text: String, _ reply: RESPReply) throws {
    let bytes = Array((text + ":5\r\n").utf8)
    for end in 0..<text.utf8.count {
      #expect(try RESP.read(Array(bytes[..<end]).span) == nil, "\(end) bytes of \(text)")
    }
    for end in text.utf8.count...bytes.count {
      let found = try #require(try RESP.read(Array(bytes[..<end]).span))
      #expect(found.reply == reply)
      #expect(found.count == text.utf8.count)
    }
  }

  @Test(
    "what is no reply is refused",
    arguments: [
      "HTTP/1.1 400 Bad Request\r\n", "\r\n", ":\r\n", ":-\r\n", ":1a\r\n", ":9223372036854775808\r\n",
      "+OK\n", "+OK\r-",
      "$-2\r\n", "$1\r\nxy\r\n", "*-2\r\n", "*1\r\n?\r\n", "$ 1\r\nx\r\n", "%1\r\n", "_\r\n",
    ])
  func refused(_ text: String) {
    #expect(throws: RESPFault.malformed) { _ = try self.read(text) }
  }

  @Test(
    "nothing is believed that is longer than anything that was asked for",
    arguments: [
      "$4097\r\n", "$99999999999\r\n", "*129\r\n",
      "*2\r\n*100\r\n" + String(repeating: ":1\r\n", count: 100) + "*100\r\n",
      "+" + String(repeating: "x", count: 5000), "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    ])
  func bounded(_ text: String) {
    #expect(throws: RESPFault.tooLarge) { _ = try self.read(text) }
  }

  @Test("commands are arrays of texts")
  func commands() {
    var out = ByteQueue()
    RESP.command(words: 5, into: &out)
    RESP.word("SELECT", into: &out)
    RESP.word(0, into: &out)
    RESP.word(-17, into: &out)
    RESP.word(Int.min, into: &out)
    RESP.word(Array("a\r\n".utf8).span, into: &out)
    #expect(
      String(decoding: out.array(), as: UTF8.self)
        == "*5\r\n$6\r\nSELECT\r\n$1\r\n0\r\n$3\r\n-17\r\n$20\r\n-9223372036854775808\r\n$3\r\na\r\n\r\n")
  }
}
