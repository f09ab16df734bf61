// Whether bytes are UTF-8 (RFC 3629 section 4), as they arrive.

/// A resumable check of text that comes in pieces cut anywhere: no overlong form, no surrogate, nothing beyond U+10FFFF.
struct UTF8Check: Sendable {
  /// Bytes that the character under way still wants.
  private var left: UInt8 = 0
  /// What the next one of them may be.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  /// Whether the text could end here.
  var isWhole: Bool { left == 0 }

  /// Reads on.
  ///
  /// - Returns: the place of the first byte that can't stand where it does; nil if there is none.
  mutating func firstFault(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    let part = bytes.extracting(range)
    let fault = unsafe part.withUnsafeBytes { raw -> Int? in
      guard let start = raw.baseAddress else { return nil }
      let count = raw.count
      var at = 0
      while at < count {
        // SAFETY: at is not negative and at most count.
        if left == 0 { at = unsafe Self.passUsual(start, from: at, to: count) }
        guard at < count else { return nil }
        // SAFETY: at is below count.
        guard take(unsafe start.load(fromByteOffset: at, as: UInt8.self)) else { return at }
        at &+= 1
      }
      return nil
    }
    return fault.map { range.lowerBound + $0 }
  }

  /// Passes ASCII, and whole characters of two and three bytes, as most are.
  ///
  /// - Returns: the place of the first byte that must be looked at by itself, or `end`.
  @inline(__always) @unsafe private static func passUsual(
    _ start: UnsafeRawPointer, from: Int, to end: Int
  ) -> Int {
    var at = from
    while at <= end &- 8 {
      // SAFETY: at + 8 is at most end.
      let word = unsafe Words.load(start, at)
      if word & 0x80 == 0 {
        // Up to the first byte that is no ASCII.
        at &+= (word & 0x8080_8080_8080_8080).trailingZeroBitCount >> 3
        continue
      }
      if word & 0xC0_C0F0 == 0x80_80E0 {
        // E0 wants a second byte from A0 on, and ED one below it.
        let mark = word & 0x200F
        if mark == 0x0000 || mark == 0x200D { return at }
        at &+= 3
      } else if word & 0xC0E0 == 0x80C0, word & 0x1E != 0 {
        at &+= 2
      } else {
        return at
      }
    }
    return at
  }

  /// Takes one byte; false if it can't stand here.
  private mutating func take(_ byte: UInt8) -> Bool {
    if left > 0 {
      guard byte >= lowest, byte <= highest else { return false }
      left &-= 1
      (lowest, highest) = (0x80, 0xBF)
      return true
    }
    switch byte {
    case 0x00...0x7F: return true
    case 0xC2...0xDF: left = 1
    case 0xE0: (left, lowest) = (2, 0xA0)
    case 0xED: (left, highest) = (2, 0x9F)
    case 0xE1...0xEF: left = 2
    case 0xF0: (left, lowest) = (3, 0x90)
    case 0xF4: (left, highest) = (3, 0x8F)
    case 0xF1...0xF3: left = 3
    default: return false
    }
    return true
  }
}
