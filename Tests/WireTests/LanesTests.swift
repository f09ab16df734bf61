import CLanes
import Testing

@testable import Wire

@Suite struct LanesTests {
  @Test("both ways of gathering top bits give each byte's")
  func topBits() {
    for wanted in 0..<UInt32(1 << 16) {
      var block = SIMD16<UInt8>(repeating: 0x7F)
      for place in 0..<16 where wanted >> UInt32(place) & 1 == 1 { block[place] = 0x80 }
      guard lanes_top_bits(block) == wanted, lanes_top_bits_reckoned(block) == wanted else {
        Issue.record("\(wanted)")
        return
      }
    }
  }

  @Test(
    "every byte is of the kinds that it is of, wherever it stands",
    arguments: [0, 1, 7, 8, 15, 16, 31, 32, 47])
  func kinds(_ place: Int) {
    for byte in UInt8.min...UInt8.max {
      var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 48)
      bytes[place] = byte
      let end = bytes.span.plainTextEnd(from: 0)
      let isPlain = byte >= 0x20 && byte < 0x7F && byte != ASCII.quote && byte != ASCII.backslash
      #expect(end == (isPlain ? 48 : place), "\(byte)")
      #expect(bytes.span.wide(from: 0) == (byte < 0x80 ? 48 : place), "\(byte)")
      #expect(bytes.span.backslash(from: 0) == (byte == ASCII.backslash ? place : 48), "\(byte)")
    }
  }
}
