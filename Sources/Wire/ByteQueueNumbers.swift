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
    if value >= 0, value < 1000 {
      var rest = UInt32(truncatingIfNeeded: value)
      var (text, count) = (UInt64(0), 0)
      repeat {
        text = text &<< 8 | UInt64(48 &+ rest % 10)
        rest /= 10
        count &+= 1
      } while rest > 0
      return append(text: text, count)
    }
    if value > 0, value < 100_000_000 { return append(short: value) }
    if value > 0, value < 10_000_000_000_000_000 {
      append(short: value / 100_000_000)
      return append(text: Self.eightDigits(value % 100_000_000) | Self.zeros, 8)
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

  /// Appends a number of at most eight digits.
  @inline(__always) private mutating func append(short value: Int) {
    let digits = Self.eightDigits(value)
    // Zeros in front are left out, but not the last of them.
    let blanks = (digits | 1 << 56).trailingZeroBitCount & ~7
    append(text: (digits | Self.zeros) &>> UInt64(truncatingIfNeeded: blanks), 8 &- blanks >> 3)
  }

  private static let zeros: UInt64 = 0x3030_3030_3030_3030

  /// The eight digits of a number below 10^8, as numbers in a byte each, the first one lowest. Halves, pairs and digits
  /// are each divided at once; the factors are 1/100 and 1/10 in binary, and exact for what they divide.
  @inline(__always) private static func eightDigits(_ value: Int) -> UInt64 {
    let value = UInt64(truncatingIfNeeded: value)
    let halves = value / 10_000 | (value % 10_000) << 32
    let hundreds = (halves &* 10_486) >> 20 & 0x0000_007F_0000_007F
    let pairs = hundreds | (halves &- hundreds &* 100) << 16
    let tens = (pairs &* 103) >> 10 & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) << 8
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
    // SAFETY: reserve made room behind the tail.
    unsafe base?.storeBytes(
      of: Self.hexadecimal(word >> 32).littleEndian, toByteOffset: tail, as: UInt64.self)
    unsafe base?.storeBytes(
      of: Self.hexadecimal(word & 0xFFFF_FFFF).littleEndian, toByteOffset: tail &+ 8, as: UInt64.self)
    tail &+= 16
  }

  /// The eight hexadecimal digits of a number of 32 bits, in lower case, the first one lowest.
  @inlinable @inline(__always) public static func hexadecimal(_ half: UInt64) -> UInt64 {
    // Four bits into each byte, the highest first: halves, quarters, eighths.
    var digits = (half | half << 16) & 0x0000_FFFF_0000_FFFF
    digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
    digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
    // Those from ten on reach 16 with six more, and take the 39 places to the letters.
    let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
    return (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
  }
}
