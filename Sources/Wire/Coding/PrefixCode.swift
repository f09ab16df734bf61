// A prefix code of DEFLATE, made of the lengths of its symbols' codes (RFC 1951 section 3.2.2).

/// A code of up to 288 symbols and 15 bits.
struct PrefixCode: Sendable {
  /// What the next bits come to.
  enum Reading {
    case symbol(Int, bits: Int)
    /// Too few bits are here to tell.
    case more
    /// No code begins so.
    case none
  }

  /// Codes of so many bits are looked up; longer ones, which are rare, are counted out.
  private static let rootBits = 9
  private static let longest = 15

  /// For each value of the next bits the symbol, times 16, and the bits of its code; 0 where that is longer, or none.
  private var root = [UInt16](repeating: 0, count: 1 << rootBits)
  /// The symbols by their codes.
  private var symbols: [UInt16] = []
  /// How many codes there are of each length.
  private var counts = [UInt16](repeating: 0, count: longest + 1)

  /// - Parameters:
  ///   - range: the part of `lengths` that is this code's.
  ///   - mayBeSingle: whether one code of one bit is enough: then the other bit means nothing.
  mutating func build(_ lengths: [UInt8], _ range: Range<Int>, mayBeSingle: Bool) throws(ContentFault) {
    let lengths = lengths[range]
    for length in 0...Self.longest { counts[length] = 0 }
    for length in lengths { counts[Int(length)] += 1 }
    var places = InlineArray<16, Int>(repeating: 0)
    var codes = InlineArray<16, Int>(repeating: 0)
    var left = 1
    var longest = 0
    for length in 1...Self.longest {
      left = left * 2 - Int(counts[length])
      if left < 0 { throw .codeLengths }
      if counts[length] > 0 { longest = length }
      if length < Self.longest {
        places[length + 1] = places[length] + Int(counts[length])
        codes[length + 1] = (codes[length] + Int(counts[length])) * 2
      }
    }
    // A code that is used nowhere may have no symbols at all.
    if left > 0, longest > 1 || longest == 1 && !mayBeSingle { throw .codeLengths }
    counts[0] = 0
    for at in root.indices { root[at] = 0 }
    if symbols.count < lengths.count { symbols = [UInt16](repeating: 0, count: lengths.count) }
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      symbols[places[length]] = UInt16(symbol)
      places[length] += 1
      if length <= Self.rootBits { enter(symbol, codes[length], length) }
      codes[length] += 1
    }
  }

  /// Enters a short code under all values of the bits that begin with it.
  private mutating func enter(_ symbol: Int, _ code: Int, _ length: Int) {
    var reversed = 0
    for bit in 0..<length { reversed |= (code >> bit & 1) << (length - 1 - bit) }
    let entry = UInt16(symbol << 4 | length)
    for at in stride(from: reversed, to: 1 << Self.rootBits, by: 1 << length) { root[at] = entry }
  }

  /// - Parameters:
  ///   - bits: the next ones, lowest first.
  ///   - available: how many of them are there.
  @inline(__always) func read(_ bits: UInt64, available: Int) -> Reading {
    let entry = Int(root[Int(truncatingIfNeeded: bits) & ((1 << Self.rootBits) - 1)])
    if entry != 0 {
      let length = entry & 15
      return length <= available ? .symbol(entry >> 4, bits: length) : .more
    }
    return readLong(bits, available)
  }

  @inline(never) private func readLong(_ bits: UInt64, _ available: Int) -> Reading {
    var code = 0
    var first = 0
    var place = 0
    for length in 1...Self.longest {
      if length > available { return .more }
      code |= Int(bits >> UInt64(length - 1) & 1)
      let number = Int(counts[length])
      if code - first < number { return .symbol(Int(symbols[place + code - first]), bits: length) }
      place += number
      first = (first + number) * 2
      code *= 2
    }
    return .none
  }
}
