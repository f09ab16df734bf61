// gzip for what Remora itself sends (RFC 1951 and 1952): one block with the fixed codes, repetitions found at the last
// one's distance, or by a table of the last place of each four bytes. A tenth of zlib's work, and for telemetry, which
// repeats itself, near its size.

package enum GzipEncoder {
  private static let window = 32768
  private static let longest = 258
  private static let tableBits = 13
  /// Bytes that are compared at once.
  private static let block = 16

  /// Appends `head` and what follows it as a gzip member. The head is short: no repetitions are looked for in it.
  package static func encode(
    _ bytes: Span<UInt8>, behind head: Span<UInt8> = Span(), into out: inout ByteQueue
  ) {
    out.reserve(bytes.count / 4 + 64)
    // No name, no time, of no system in particular.
    out.append([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    var bits = BitWriter()
    bits.put(FixedCode(bits: 0b011, length: 3), into: &out)
    let codes = FixedCodes.all
    literals(head, 0..<head.count, codes, &bits, &out)
    pack(bytes, codes, &bits, &out)
    bits.put(FixedCodes.end, into: &out)
    bits.finish(into: &out)
    let sum = CRC32.of(bytes, after: CRC32.of(head))
    for word in [sum, UInt32(truncatingIfNeeded: head.count &+ bytes.count)] {
      for shift in [0, 8, 16, 24] as [UInt32] { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
  }

  private static func pack(
    _ bytes: Span<UInt8>, _ codes: FixedCodes, _ bits: inout BitWriter, _ out: inout ByteQueue
  ) {
    // The place behind each four bytes' last occurrence; 0: none.
    var places = [Int32](repeating: 0, count: 1 << tableBits)
    // What lies before is written.
    var written = 0
    // How far back the last match was, and its code; 0: there was none. A span repeats an earlier one with a few bytes
    // changed, and behind those the match goes on at the same distance.
    var distance = 0
    var code = FixedCode(bits: 0, length: 0)
    // Matches are looked for where a block can be loaded, and where a place fits into the table.
    let end = min(bytes.count &- block, Int(Int32.max) &- 1)
    var (at, misses) = (0, 0)
    while at <= end {
      if distance > 0, let more = repeated(bytes, at, distance, end) {
        at &+= more
      } else {
        // SAFETY: at is not negative, and sixteen bytes from it on are inside the span.
        let word = unsafe UInt32(truncatingIfNeeded: Words.load(bytes, at))
        let slot = Int((word &* 0x9E37_79B1) &>> UInt32(32 &- tableBits))
        let back = at &+ 1 &- Int(places[slot])
        places[slot] = Int32(truncatingIfNeeded: at &+ 1)
        // SAFETY: a place is not negative, and before at.
        guard back <= min(window, at),
          unsafe UInt32(truncatingIfNeeded: Words.load(bytes, at &- back)) == word
        else {
          // Numbers that nobody can guess are passed over in longer and longer steps.
          at &+= 1 &+ misses &>> 2
          misses = min(misses &+ 1, 31)
          continue
        }
        distance = back
        code = codes.distance(back)
        while at > written, at > back, bytes[at &- 1] == bytes[at &- 1 &- back] { at &-= 1 }
      }
      literals(bytes, written..<at, codes, &bits, &out)
      let length = match(bytes, at &- distance, at)
      bits.put(codes.length(length), code, into: &out)
      at &+= length
      written = at
      misses = 0
    }
    literals(bytes, written..<bytes.count, codes, &bits, &out)
  }

  @inline(__always)
  private static func literals(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ codes: FixedCodes, _ bits: inout BitWriter,
    _ out: inout ByteQueue
  ) {
    var at = range.lowerBound
    // Three of them have at most 27 bits.
    while at &+ 3 <= range.upperBound {
      let pair = codes.literal(bytes[at]).joined(codes.literal(bytes[at &+ 1]))
      bits.put(pair.joined(codes.literal(bytes[at &+ 2])), into: &out)
      at &+= 3
    }
    while at < range.upperBound {
      bits.put(codes.literal(bytes[at]), into: &out)
      at &+= 1
    }
  }

  /// How many bytes from `at` on come before four that are the same `distance` before; nil where three blocks show none.
  ///
  /// So long is the longest that nobody can guess in a span, an id in 32 digits: to look it up byte by byte would find
  /// nothing.
  @inline(__always)
  private static func repeated(_ bytes: Span<UInt8>, _ at: Int, _ distance: Int, _ end: Int) -> Int? {
    var passed = 0
    while passed <= 2 &* (block &- 3), at &+ passed <= end {
      let same = same(bytes, at &+ passed &- distance, at &+ passed)
      let fours = same & same &>> 1 & same &>> 2 & same &>> 3
      if fours != 0 { return passed &+ fours.trailingZeroBitCount }
      // The last three of a block may begin four.
      passed &+= block &- 3
    }
    return nil
  }

  /// How many bytes are the same at both places, at least four, `earlier` being the lower.
  @inline(__always)
  private static func match(_ bytes: Span<UInt8>, _ earlier: Int, _ at: Int) -> Int {
    let most = min(longest, bytes.count &- at)
    var length = 0
    while length &+ block <= most {
      let same = same(bytes, earlier &+ length, at &+ length)
      if same != 0xFFFF { return length &+ (~same).trailingZeroBitCount }
      length &+= block
    }
    while length < most, bytes[earlier &+ length] == bytes[at &+ length] { length &+= 1 }
    return length
  }

  /// A bit for each byte of the blocks at both places that is the same, the first one's lowest. A block from `at` on is inside
  /// the span, and `earlier` is not negative and lower.
  @inline(__always)
  private static func same(_ bytes: Span<UInt8>, _ earlier: Int, _ at: Int) -> UInt32 {
    // SAFETY: as it is said above.
    let left = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: earlier, as: Lanes.Block.self)
    let right = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: Lanes.Block.self)
    return Lanes.bits(left .== right)
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

  /// With another code behind it, where they have at most 32 bits together.
  @inline(__always)
  func joined(_ next: FixedCode) -> FixedCode {
    FixedCode(bits: bits | next.bits &<< length, length: length &+ next.length)
  }

  /// With `count` bits of `rest` behind it.
  func followed(by rest: UInt32, _ count: UInt32) -> FixedCode {
    FixedCode(bits: bits | rest << length, length: length + count)
  }
}

/// The fixed codes (RFC 1951 section 3.2.6), worked out once: a word each, the length in its lowest byte.
private struct FixedCodes {
  static let all = FixedCodes()
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
  func literal(_ byte: UInt8) -> FixedCode {
    // SAFETY: there are as many as a byte has values.
    unsafe Self.code(literals.span[unchecked: Int(byte)])
  }

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

  /// A length's code and a distance's: up to 31 bits.
  @inline(__always)
  mutating func put(_ length: FixedCode, _ distance: FixedCode, into out: inout ByteQueue) {
    put(length.joined(distance), into: &out)
  }

  mutating func finish(into out: inout ByteQueue) {
    while count > 0 {
      out.append(UInt8(truncatingIfNeeded: word))
      word >>= 8
      count -= min(count, 8)
    }
  }
}
