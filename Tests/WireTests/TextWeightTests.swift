import Testing
import Wire

@Suite("The weight of a text")
struct TextWeightTests {
  /// Each byte by its own number, but for small letters, which weigh the same.
  private static func weight(_ byte: UInt8) -> UInt16 { byte &- 0x61 < 26 ? 1000 : UInt16(byte) * 3 + 1 }

  private static let weights = ByteWeights((0..<256).map { weight(UInt8($0)) })

  private static func sum(_ text: [UInt8]) -> Int { weights.sum(text.span, 0..<text.count) }

  @Test("is that of its bytes together, however many they are", arguments: 0..<80)
  func bytes(_ count: Int) {
    let text = (0..<count).map { at in
      let byte = UInt8(truncatingIfNeeded: at &* 37 &+ count)
      return byte == ASCII.backslash ? 0x61 : byte
    }
    #expect(Self.sum(text) == text.reduce(0) { $0 + Int(Self.weight($1)) })
    let prose = Array(String(repeating: "It is said, and so on. ", count: 4).utf8.prefix(count))
    #expect(Self.sum(prose) == prose.reduce(0) { $0 + Int(Self.weight($1)) })
  }

  @Test("of many letters and blanks is that of all of them")
  func long() {
    let text = [UInt8](repeating: 0x61, count: 9000) + [UInt8](repeating: ASCII.space, count: 9000)
    #expect(Self.sum(text) == 9000 * 1000 + 9000 * 97)
  }

  @Test(
    "counts an escape as what it means, wherever it stands",
    arguments: [
      ("\\n", UInt8(0x0A)), ("\\r", 0x0A), ("\\t", 0x20), ("\\\"", 0x22), ("\\\\", 0x5C), ("\\/", 0x2F),
      ("\\u0041", 0x41), ("\\u00e9", 0xC3), ("\\u20ac", 0xE2), ("\\ud83d", 0xF0), ("\\ude00", 0x80),
    ])
  func escapes(_ escape: String, _ byte: UInt8) {
    for count in 0..<40 {
      let (before, behind) = (String(repeating: "ab ", count: count), " of it, and of more than that")
      let text = Array((before + escape + behind + escape).utf8)
      let others = Array((before + behind).utf8).reduce(0) { $0 + Int(Self.weight($1)) }
      #expect(Self.sum(text) == others + 2 * Int(Self.weight(byte)), "\(count)")
    }
  }

  @Test("of a part is that of no more than it")
  func parts() {
    let text = Array("abcdefghijklmnopqrst\\nuvwxyz".utf8)
    for end in 0...20 { #expect(Self.weights.sum(text.span, 0..<end) == end * 1000) }
    #expect(Self.weights.sum(text.span, 0..<21) == 20 * 1000 + Int(Self.weight(0x5C)))
    #expect(Self.weights.sum(text.span, 0..<22) == 20 * 1000 + Int(Self.weight(0x0A)))
    #expect(Self.weights.sum(text.span, 3..<1000) == 23 * 1000 + Int(Self.weight(0x0A)))
  }
}
