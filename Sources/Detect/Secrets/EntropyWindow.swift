// How evenly the bytes of a credential are spread. Candidates may lie one upon the other, so each byte is counted when the
// stretch comes to it and when it leaves it, and not for each of them.

import Glibc
internal import Wire

/// How often each byte comes in a stretch of a text that moves on.
struct EntropyWindow {
  private var counts = InlineArray<128, Int32>(repeating: 0)
  private var range = 0..<0
  /// The sum of `terms` of all counts.
  private var sum: Int64 = 0

  /// Whether the bytes in `range` have `bits` of entropy each, at least.
  mutating func has(_ bits: Double, _ text: Span<UInt8>, in range: Range<Int>) -> Bool {
    if bits == 0 { return true }
    move(to: range, text)
    let about = log2(Double(range.count)) - Double(sum) / Double(range.count) / Self.unit
    return abs(about - bits) > 1e-6
      ? about > bits : SecretRule.entropy(text.extracting(range)) >= bits
  }

  private mutating func move(to range: Range<Int>, _ text: Span<UInt8>) {
    let kept = self.range.clamped(to: range)
    if kept.count * 2 <= self.range.count {
      counts = InlineArray(repeating: 0)
      sum = 0
      for at in range { change(text[at], by: 1) }
    } else {
      for at in self.range.lowerBound..<kept.lowerBound { change(text[at], by: -1) }
      for at in kept.upperBound..<self.range.upperBound { change(text[at], by: -1) }
      for at in range.lowerBound..<kept.lowerBound { change(text[at], by: 1) }
      for at in kept.upperBound..<range.upperBound { change(text[at], by: 1) }
    }
    self.range = range
  }

  @inline(__always)
  private mutating func change(_ byte: UInt8, by step: Int32) {
    let place = Int(byte & 127)
    let count = counts.span[place]
    counts[place] = count &+ step
    sum &+= Self.term(count &+ step) &- Self.term(count)
  }

  // As whole numbers, so that what is added and taken away again leaves nothing.
  private static let unit = 4_294_967_296.0

  /// `count` times its logarithm, in units.
  @inline(__always)
  private static func term(_ count: Int32) -> Int64 {
    let terms = terms.span
    return count < terms.count ? terms[Int(count)] : reckoned(count)
  }

  private static func reckoned(_ count: Int32) -> Int64 {
    count < 2 ? 0 : Int64((Double(count) * log2(Double(count)) * unit).rounded())
  }

  private static let terms: [Int64] = (0..<256).map { reckoned(Int32($0)) }
}
