// gzip for what Remora itself sends (RFC 1951 and 1952): one block with the fixed codes, repetitions found by a table of
// the last place of each four bytes. A tenth of zlib's work, and for telemetry, which repeats itself, near its size.

package enum GzipEncoder {
  private static let window = 32768
  private static let shortest = 4
  private static let longest = 258
  private static let tableBits = 13

  /// Appends `bytes` as a gzip member.
  package static func encode(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    out.reserve(bytes.count / 4 + 64)
    // No name, no time, of no system in particular.
    out.append([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    var bits = BitWriter()
    bits.put(FixedCode(bits: 0b011, length: 3), into: &out)
    pack(bytes, &bits, &out)
    bits.put(FixedCodes.end, into: &out)
    bits.finish(into: &out)
    for word in [CRC32.of(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
      for shift in [0, 8, 16, 24] as [UInt32] { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
  }

  private static func pack(_ bytes: Span<UInt8>, _ bits: inout BitWriter, _ out: inout ByteQueue) {
    let codes = FixedCodes()
    // The place behind each four bytes' last occurrence; 0: none.
    var places = [Int32](repeating: 0, count: 1 << tableBits)
    var at = 0
    // A match is looked for where eight bytes can be loaded, and where a place fits into the table.
    let end = min(bytes.count &- 8, Int(Int32.max) &- 1)
    while at <= end {
      // SAFETY: at is not negative, and eight bytes from it on are inside the span.
      let word = unsafe Words.load(bytes, at)
      let mixed = UInt32(truncatingIfNeeded: word) &* 0x9E37_79B1
      let slot = Int(mixed &>> UInt32(32 &- tableBits))
      let earlier = Int(places[slot]) &- 1
      places[slot] = Int32(truncatingIfNeeded: at &+ 1)
      if earlier >= 0, at &- earlier <= window {
        let length = match(bytes, earlier, at)
        if length >= shortest {
          bits.put(codes.length(length), into: &out)
          bits.put(codes.distance(at &- earlier), into: &out)
          at &+= length
          continue
        }
      }
      bits.put(codes.literal(UInt8(truncatingIfNeeded: word)), into: &out)
      at &+= 1
    }
    while at < bytes.count {
      bits.put(codes.literal(bytes[at]), into: &out)
      at &+= 1
    }
  }

  /// How many bytes are the same at both places, `earlier` being the lower.
  @inline(__always)
  private static func match(_ bytes: Span<UInt8>, _ earlier: Int, _ at: Int) -> Int {
    let most = min(longest, bytes.count &- at)
    var length = 0
    while length &+ 8 <= most {
      // SAFETY: eight bytes from at + length on are inside the span, and earlier is not negative and lower.
      let difference = unsafe Words.load(bytes, earlier &+ length) ^ Words.load(bytes, at &+ length)
      if difference != 0 { return length &+ difference.trailingZeroBitCount &>> 3 }
      length &+= 8
    }
    while length < most, bytes[earlier &+ length] == bytes[at &+ length] { length &+= 1 }
    return length
  }
}

/// Bits as they go out, the lowest first: a code and what follows it.
private struct FixedCode {
  var bits: UInt32
  var length: UInt32

  /// A Huffman code, whose highest bit comes first (RFC 1951 section 3.1.1).
  static func huffman(_ code: UInt32, _ length: UInt32) -> FixedCode {
    var (reversed, rest) = (UInt32(0), code)
    for _ in 0..<length {
      reversed = reversed << 1 | rest & 1
      rest >>= 1
    }
    return FixedCode(bits: reversed, length: length)
  }

  /// With `count` bits of `rest` behind it.
  func followed(by rest: UInt32, _ count: UInt32) -> FixedCode {
    FixedCode(bits: bits | rest << length, length: length + count)
  }
}

/// The fixed codes (RFC 1951 section 3.2.6), worked out once for an encoding: a word each, the length in its lowest byte.
private struct FixedCodes {
  static let end = FixedCode(bits: 0, length: 7)
  private let literals: [UInt32]
  /// By the length less 3.
  private let lengths: [UInt32]
  private let distances: [UInt32]

  init() {
    let bytes = 0..<256 as Range<UInt32>
    literals = bytes.map { Self.word($0 < 144 ? .huffman(0x30 + $0, 8) : .huffman(0x190 + $0 - 144, 9)) }
    lengths = bytes.map { Self.word(Self.length($0)) }
    distances = (0..<30).map { Self.word(.huffman($0, 5)) }
  }

  /// A length's code stands for a range, and extra bits for the place in it (section 3.2.5).
  private static func length(_ rest: UInt32) -> FixedCode {
    // 258 has a code of its own.
    if rest == 255 { return .huffman(0xC0 + 285 - 280, 8) }
    let extra = rest < 8 ? 0 : UInt32(29 - rest.leadingZeroBitCount)
    let code = rest < 8 ? 257 + rest : 257 + (extra << 2) + (rest >> extra)
    let word = code < 280 ? FixedCode.huffman(code - 256, 7) : .huffman(0xC0 + code - 280, 8)
    return word.followed(by: rest & ((1 << extra) - 1), extra)
  }

  private static func word(_ code: FixedCode) -> UInt32 { code.bits << 8 | code.length }

  private static func code(_ word: UInt32) -> FixedCode { FixedCode(bits: word &>> 8, length: word & 0xFF) }

  @inline(__always)
  func literal(_ byte: UInt8) -> FixedCode { Self.code(literals[Int(byte)]) }

  /// - Parameter length: 3 to 258.
  @inline(__always)
  func length(_ length: Int) -> FixedCode { Self.code(lengths[length &- 3]) }

  /// - Parameter distance: 1 to 32768.
  @inline(__always)
  func distance(_ distance: Int) -> FixedCode {
    let rest = UInt32(truncatingIfNeeded: distance &- 1)
    if rest < 4 { return Self.code(distances[Int(rest)]) }
    let extra = UInt32(truncatingIfNeeded: 30 &- rest.leadingZeroBitCount)
    let code = Self.code(distances[Int((extra &<< 1) &+ (rest &>> extra))])
    let bits = rest & ((1 &<< extra) &- 1)
    return FixedCode(bits: code.bits | bits &<< code.length, length: code.length &+ extra)
  }
}

/// Bits on their way into bytes, the lowest first.
private struct BitWriter {
  private var word: UInt64 = 0
  /// Below 32 between two calls, so that a code of up to 32 bits always fits.
  private var count: UInt64 = 0

  @inline(__always)
  mutating func put(_ code: FixedCode, into out: inout ByteQueue) {
    word |= UInt64(code.bits) &<< count
    count &+= UInt64(code.length)
    if count < 32 { return }
    out.append(littleEndian: UInt32(truncatingIfNeeded: word))
    word &>>= 32
    count &-= 32
  }

  mutating func finish(into out: inout ByteQueue) {
    while count > 0 {
      out.append(UInt8(truncatingIfNeeded: word))
      word >>= 8
      count -= min(count, 8)
    }
  }
}
