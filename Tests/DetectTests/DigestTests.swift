// Digests and codes against the standards' own examples.

import Detect
import Testing

@Suite("Digests") struct DigestTests {
  private static func hexadecimal(_ digest: InlineArray<32, UInt8>) -> String {
    (0..<32).map { (digest[$0] < 16 ? "0" : "") + String(digest[$0], radix: 16) }.joined()
  }

  /// FIPS 180-4's examples, and lengths around a block's end, as `sha256sum` has them.
  @Test(
    "SHA-256, taken whole and byte by byte",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
      ),
      (
        String(repeating: "a", count: 1000),
        "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
      ),
    ])
  func digests(_ text: String, _ expected: String) {
    let bytes = Array(text.utf8)
    var whole = SHA256()
    whole.append(bytes.span)
    #expect(Self.hexadecimal(whole.finish()) == expected)
    var pieces = SHA256()
    for byte in bytes { pieces.append(byte) }
    #expect(Self.hexadecimal(pieces.finish()) == expected)
  }

  /// RFC 4231, test cases 1, 2, 3 and 6; twice with the same key, which no message changes.
  @Test(
    "HMAC-SHA-256",
    arguments: [
      (
        [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
      ),
      (
        [UInt8](repeating: 0xAA, count: 131),
        Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ])
  func codes(_ key: [UInt8], _ message: [UInt8], _ expected: String) {
    let hash = KeyedHash(key: key.span)
    for _ in 0..<2 {
      var digest = hash.begin()
      digest.append(message.span)
      #expect(Self.hexadecimal(hash.finish(digest)) == expected)
    }
  }
}
