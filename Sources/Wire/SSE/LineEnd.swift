// The search for the ends of lines, eight bytes at a step.

enum LineEnd {
  /// The first line feed or carriage return at or behind `from`, or `bytes.count`.
  static func next(_ bytes: Span<UInt8>, from: Int) -> Int {
    var at = from
    guard at >= 0 else { return bytes.count }
    while at <= bytes.count &- 16 {
      // SAFETY: at is not negative and sixteen bytes from it on are inside the span.
      let first = unsafe hits(JSONBytes.load(bytes, at))
      let second = unsafe hits(JSONBytes.load(bytes, at &+ 8))
      if first != 0 { return at &+ first.trailingZeroBitCount >> 3 }
      if second != 0 { return at &+ 8 &+ second.trailingZeroBitCount >> 3 }
      at &+= 16
    }
    while at < bytes.count {
      if bytes[at] == ASCII.lf || bytes[at] == ASCII.cr { return at }
      at &+= 1
    }
    return bytes.count
  }

  /// The high bit of each byte that ends a line; only the lowest set bit is to be believed.
  private static func hits(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let feeds = (word ^ (ones &* 0x0A)) &- ones
    let returns = (word ^ (ones &* 0x0D)) &- ones
    return (feeds | returns) & ~word & (ones &* 0x80)
  }
}
