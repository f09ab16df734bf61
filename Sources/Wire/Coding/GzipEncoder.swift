// gzip for what Remora itself sends (RFC 1951 and 1952): one block with the fixed codes, repetitions found by a table of
// the last place of each four bytes. A third of zlib's work, and for telemetry, which repeats itself, near its size.

package enum GzipEncoder {
  private static let window = 32768
  private static let shortest = 4
  private static let longest = 258
  private static let tableBits = 13

  /// Appends `bytes` as a gzip member.
  package static func encode(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    out.reserve(bytes.count / 2 + 64)
    // No name, no time, of no system in particular.
    out.append([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    var bits = BitWriter()
    bits.put(0b011, 3, into: &out)
    // The place behind each four bytes' last occurrence; 0: none.
    var places = [Int32](repeating: 0, count: 1 << tableBits)
    var at = 0
    while at < bytes.count {
      var length = 0
      var distance = 0
      if at + shortest <= bytes.count, at < Int(Int32.max) {
        let slot = slot(bytes, at)
        let earlier = Int(places[slot]) - 1
        places[slot] = Int32(truncatingIfNeeded: at + 1)
        if earlier >= 0, at - earlier <= window {
          length = match(bytes, earlier, at)
          distance = at - earlier
        }
      }
      if length >= shortest {
        putLength(length, &bits, &out)
        putDistance(distance, &bits, &out)
        at += length
      } else {
        putLiteral(bytes[at], &bits, &out)
        at += 1
      }
    }
    bits.putCode(0, 7, into: &out)
    bits.finish(into: &out)
    for word in [CRC32.of(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
      for shift in [0, 8, 16, 24] as [UInt32] { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
  }

  private static func slot(_ bytes: Span<UInt8>, _ at: Int) -> Int {
    let word =
      UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3])
      << 24
    return Int((word &* 0x9E37_79B1) >> (32 - UInt32(tableBits)))
  }

  private static func match(_ bytes: Span<UInt8>, _ earlier: Int, _ at: Int) -> Int {
    let most = min(longest, bytes.count - at)
    var length = 0
    while length < most, bytes[earlier + length] == bytes[at + length] { length += 1 }
    return length
  }

  // MARK: The fixed codes (RFC 1951 section 3.2.6)

  private static func putLiteral(_ byte: UInt8, _ bits: inout BitWriter, _ out: inout ByteQueue) {
    if byte < 144 {
      bits.putCode(0x30 + UInt32(byte), 8, into: &out)
    } else {
      bits.putCode(0x190 + UInt32(byte) - 144, 9, into: &out)
    }
  }

  /// A length: its code stands for a range, and extra bits for the place in it (section 3.2.5).
  private static func putLength(_ length: Int, _ bits: inout BitWriter, _ out: inout ByteQueue) {
    if length == longest { return bits.putCode(0xC0 + 285 - 280, 8, into: &out) }
    let rest = UInt32(length - 3)
    let extra = rest < 8 ? 0 : UInt32(29 - rest.leadingZeroBitCount)
    let code = rest < 8 ? 257 + rest : 257 + (extra << 2) + (rest >> extra)
    if code < 280 {
      bits.putCode(code - 256, 7, into: &out)
    } else {
      bits.putCode(0xC0 + code - 280, 8, into: &out)
    }
    bits.put(rest & ((1 << extra) - 1), Int(extra), into: &out)
  }

  private static func putDistance(_ distance: Int, _ bits: inout BitWriter, _ out: inout ByteQueue) {
    let rest = UInt32(distance - 1)
    let extra = rest < 4 ? 0 : UInt32(30 - rest.leadingZeroBitCount)
    let code = rest < 4 ? rest : (extra << 1) + (rest >> extra)
    bits.putCode(code, 5, into: &out)
    bits.put(rest & ((1 << extra) - 1), Int(extra), into: &out)
  }
}

/// Bits on their way into bytes, the lowest first.
private struct BitWriter {
  private var word: UInt64 = 0
  private var count = 0

  /// Puts the `length` lowest bits of `value`.
  mutating func put(_ value: UInt32, _ length: Int, into out: inout ByteQueue) {
    word |= UInt64(value) << UInt64(count)
    count += length
    while count >= 8 {
      out.append(UInt8(truncatingIfNeeded: word))
      word >>= 8
      count -= 8
    }
  }

  /// Puts a Huffman code, whose highest bit comes first.
  mutating func putCode(_ code: UInt32, _ length: Int, into out: inout ByteQueue) {
    var (reversed, rest) = (UInt32(0), code)
    for _ in 0..<length {
      reversed = reversed << 1 | rest & 1
      rest >>= 1
    }
    put(reversed, length, into: &out)
  }

  mutating func finish(into out: inout ByteQueue) {
    if count > 0 { out.append(UInt8(truncatingIfNeeded: word)) }
    word = 0
    count = 0
  }
}
