// The characters of a pattern, and the bytes by which a text holds them.

extension PatternReader {
  /// The same characters in the other case, where there is one of a single character.
  static func otherCase(_ ranges: [(UInt32, UInt32)]) -> [(UInt32, UInt32)] {
    var others: [(UInt32, UInt32)] = []
    for (low, high) in ranges where high - low < 512 {
      for value in low...high {
        guard let scalar = Unicode.Scalar(value) else { continue }
        for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
          if let other = text.unicodeScalars.first, text.unicodeScalars.count == 1, other != scalar {
            others.append((other.value, other.value))
          }
        }
      }
    }
    return others
  }

  static func inverted(_ ranges: [(UInt32, UInt32)]) -> [(UInt32, UInt32)] {
    var result: [(UInt32, UInt32)] = []
    var next: UInt32 = 0
    for (low, high) in ranges.sorted(by: { $0.0 < $1.0 }) {
      if low > next { result.append((next, low - 1)) }
      next = max(next, high + 1)
    }
    if next <= 0x10FFFF { result.append((next, 0x10FFFF)) }
    return result
  }

  /// The UTF-8 of these characters (Unicode 16, table 3-7), as sequences of bytes.
  static func ranges(_ ranges: [(UInt32, UInt32)]) -> PatternNode {
    var ascii = ByteSet()
    var hasASCII = false
    var options: [PatternNode] = []
    for (low, high) in ranges {
      if low < 0x80 {
        ascii.insert(UInt8(low)...UInt8(min(high, 0x7F)))
        hasASCII = true
      }
      for (first, last) in [(UInt32(0x80), UInt32(0x7FF)), (0x800, 0xFFFF), (0x10000, 0x10FFFF)] {
        let low = max(low, first)
        let high = min(high, last)
        if low <= high { split(low, high, into: &options) }
      }
    }
    if hasASCII { options.append(.bytes(ascii)) }
    return options.count == 1 ? options[0] : .choice(options)
  }

  /// Cuts a range of characters of one length until each byte's range stands for itself.
  private static func split(_ low: UInt32, _ high: UInt32, into options: inout [PatternNode]) {
    for bits: UInt32 in [6, 12, 18] {
      let mask = (UInt32(1) << bits) - 1
      guard high > mask, low & ~mask != high & ~mask else { continue }
      if low & mask != 0 {
        split(low, low | mask, into: &options)
        return split((low | mask) + 1, high, into: &options)
      }
      if high & mask != mask {
        split(low, (high & ~mask) - 1, into: &options)
        return split(high & ~mask, high, into: &options)
      }
    }
    guard let first = encoded(low), let last = encoded(high), first.count == last.count else { return }
    options.append(.sequence(zip(first, last).map { .bytes(ByteSet($0...max($0, $1))) }))
  }

  private static func encoded(_ value: UInt32) -> [UInt8]? {
    switch value {
    case ..<0x80: [UInt8(value)]
    case ..<0x800: [0xC0 | UInt8(value >> 6), 0x80 | UInt8(value & 63)]
    case ..<0x10000: [0xE0 | UInt8(value >> 12), 0x80 | UInt8(value >> 6 & 63), 0x80 | UInt8(value & 63)]
    default:
      [
        0xF0 | UInt8(value >> 18), 0x80 | UInt8(value >> 12 & 63), 0x80 | UInt8(value >> 6 & 63),
        0x80 | UInt8(value & 63),
      ]
    }
  }
}
