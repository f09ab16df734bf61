// Codes against RFC 4231, signatures against OpenSSL's own command.

import Testing
import Transport

@Suite("MessageKey") struct MessageKeyTests {
  /// RFC 4231, test cases 1, 2, 3, 6, and a message of nothing.
  static let vectors: [(key: [UInt8], message: [UInt8], code: String)] = [
    (
      Array(repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      Array(repeating: 0xAA, count: 20), Array(repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      Array(repeating: 0xAA, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ]

  @Test("HMAC-SHA256", arguments: vectors)
  func codes(_ vector: (key: [UInt8], message: [UInt8], code: String)) {
    #expect(MessageKey("", vector.key.span).code(of: vector.message.span) == vector.code)
  }

  @Test("a prefix is part of the key, and a derived key is the code of its message")
  func derivation() {
    let whole = MessageKey("", Array("AWS4secret".utf8).span)
    let joined = MessageKey("AWS4", Array("secret".utf8).span)
    let message = Array("20250601".utf8)
    #expect(whole.code(of: message.span) == joined.code(of: message.span))
    let derived = joined.derived(by: message.span)
    #expect(derived != nil && derived?.code(of: message.span) != joined.code(of: message.span))
  }
}
