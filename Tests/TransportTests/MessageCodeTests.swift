// A keyed code of a message in pieces, against the published examples.

import Testing

@testable import Transport

@Suite("Message code")
struct MessageCodeTests {
  @Test("pieces give what RFC 4231 says of the whole, and so does a second message")
  func pieces() throws {
    // RFC 4231, section 4.3.
    let message = Array("what do ya want for nothing?".utf8)
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    let key = Array("Jefe".utf8)
    let made = MessageCode(key: key.span)
    let code = try #require(made)
    code.take(Array("something else".utf8).span)
    for cut in 0...message.count {
      code.restart()
      code.take(message.span.extracting(0..<cut))
      code.take(message.span.extracting(cut..<message.count))
      #expect(code.finish() == expected)
    }
  }

  @Test("nothing has a code too, as MessageKey gives it")
  func nothing() throws {
    let key = Array("k".utf8)
    let made = MessageCode(key: key.span)
    let code = try #require(made)
    let expected = MessageKey("", key.span).code(of: [UInt8]().span)
    #expect(code.finish() == expected)
  }
}
