// Numbers at a queue's tail: as words of a fixed width, and as digits.

extension ByteQueue {
  /// Appends the word's bytes, the lowest first.
  @inlinable
  public mutating func append(littleEndian word: UInt64) {
    reserve(8)
    // SAFETY: reserve made room behind the tail.
    unsafe base?.storeBytes(of: word.littleEndian, toByteOffset: tail, as: UInt64.self)
    tail &+= 8
  }

  /// As above, of a word of four bytes.
  @inline(__always)
  mutating func append(littleEndian word: UInt32) {
    reserve(4)
    // SAFETY: as above.
    unsafe base?.storeBytes(of: word.littleEndian, toByteOffset: tail, as: UInt32.self)
    tail &+= 4
  }

  /// Appends two bytes.
  @inlinable
  public mutating func append(_ first: UInt8, _ second: UInt8) {
    reserve(2)
    // SAFETY: as above.
    unsafe base?.storeBytes(
      of: (UInt16(first) | UInt16(second) << 8).littleEndian, toByteOffset: tail, as: UInt16.self)
    tail &+= 2
  }

  /// Appends a number in decimal digits.
  public mutating func append(decimal value: Int) {
    // Most are small.
    if value >= 0, value < 100_000_000 {
      var rest = UInt32(truncatingIfNeeded: value)
      var (text, count) = (UInt64(0), 0)
      repeat {
        text = text &<< 8 | UInt64(48 &+ rest % 10)
        rest /= 10
        count &+= 1
      } while rest > 0
      return append(text: text, count)
    }
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var at = 20
    var rest = value.magnitude
    repeat {
      at -= 1
      digits[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
    } while rest > 0
    if value < 0 { append(UInt8(ascii: "-")) }
    append(digits.span.extracting(at..<20))
  }

  /// Appends the lowest `count` digits of a number, zeros in front: 1 to 8 of them.
  public mutating func append(_ value: UInt32, digits count: Int) {
    var rest = value
    var text: UInt64 = 0
    for _ in 0..<count {
      text = text &<< 8 | UInt64(48 &+ rest % 10)
      rest /= 10
    }
    append(text: text, min(count, 8))
  }

  /// Appends the word's lowest `count` bytes, at most eight, the lowest first.
  private mutating func append(text word: UInt64, _ count: Int) {
    reserve(8)
    // SAFETY: reserve made room behind the tail for all eight, of which `count` are kept.
    unsafe base?.storeBytes(of: word.littleEndian, toByteOffset: tail, as: UInt64.self)
    tail &+= count
  }

  /// Appends a number in lower-case hexadecimal digits.
  public mutating func append(hexadecimal value: Int) {
    var digits = InlineArray<16, UInt8>(repeating: 0)
    var at = 16
    var rest = UInt(bitPattern: value)
    repeat {
      at -= 1
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      digits[at] = digit < 10 ? 48 + digit : 87 + digit
      rest >>= 4
    } while rest > 0
    append(digits.span.extracting(at..<16))
  }

  /// Appends all sixteen hexadecimal digits of `word`, in lower case.
  public mutating func append(hexadecimalWord word: UInt64) {
    reserve(16)
    for half in 0..<2 {
      let half = half == 0 ? word >> 32 : word & 0xFFFF_FFFF
      // Four bits into each byte, the highest first: halves, quarters, eighths.
      var digits = (half | half << 16) & 0x0000_FFFF_0000_FFFF
      digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
      digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
      // Those from ten on reach 16 with six more, and take the 39 places to the letters.
      let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
      let text = (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).bigEndian
      unsafe base?.storeBytes(of: text, toByteOffset: tail, as: UInt64.self)
      tail &+= 8
    }
  }
}
