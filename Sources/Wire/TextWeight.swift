// What the bytes of a JSON string weigh together, by a table: sixteen at a step, of which prose's small letters and blanks
// are only counted.

internal import CLanes

/// A weight for each byte.
package struct ByteWeights: Sendable, Equatable {
  private let weights: [UInt16]
  private let letter: Int
  private let blank: Int

  /// - Parameter weights: of each byte, 256 in all. All small letters weigh the same.
  package init(_ weights: [UInt16]) {
    self.weights = weights.count == 256 ? weights : [UInt16](repeating: 0, count: 256)
    letter = Int(self.weights[Int(UInt8(ascii: "a"))])
    blank = Int(self.weights[Int(ASCII.space)])
  }

  /// The weight of a text that is still escaped. `\u00e9` counts as the character that it means, by its first byte.
  package func sum(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
    let end = min(range.upperBound, bytes.count)
    var at = max(range.lowerBound, 0)
    var counts = Counts()
    var sum = 0
    let weights = weights.span
    while at < end {
      // Up to the next escape each byte stands for itself.
      sum &+= pass(bytes, &at, end, weights, &counts)
      if at < end { sum &+= escape(bytes, &at, end, weights) }
    }
    counts.gather()
    return sum &+ counts.letters &* letter &+ counts.blanks &* blank
  }

  /// Letters and blanks that weren't weighed yet.
  private struct Counts {
    var letters = 0
    var blanks = 0
    /// In each lane of a block fewer than 256.
    private var letterLanes = Lanes.Block()
    private var blankLanes = Lanes.Block()
    private var steps = 0

    @inline(__always) mutating func add(_ isLetter: Lanes.Marks, _ isBlank: Lanes.Marks) {
      // All ones are one less than nothing.
      letterLanes &-= Lanes.all(isLetter)
      blankLanes &-= Lanes.all(isBlank)
      steps &+= 1
      if steps == 255 { gather() }
    }

    @inline(__always) mutating func gather() {
      letters &+= Self.sum(letterLanes)
      blanks &+= Self.sum(blankLanes)
      letterLanes = Lanes.Block()
      blankLanes = Lanes.Block()
      steps = 0
    }

    // By itself, so that the lanes stay in registers.
    @inline(never) private static func sum(_ lanes: Lanes.Block) -> Int {
      var sum = 0
      for place in 0..<16 { sum &+= Int(lanes[place]) }
      return sum
    }
  }

  /// The weight of the bytes before the next escape, but for what was only counted.
  @inline(__always)
  private func pass(
    _ bytes: Span<UInt8>, _ at: inout Int, _ end: Int, _ weights: Span<UInt16>, _ counts: inout Counts
  ) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return 0 }
      var sum = 0
      while at <= end &- 16 {
        // SAFETY: at + 16 is at most the end.
        let block = unsafe start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self)
        var isLetter = Lanes.within(block, 0x61, 0x7A)
        var isBlank = Lanes.equal(block, ASCII.space)
        var others = ~Lanes.bits(isLetter .| isBlank) & 0xFFFF
        let escapes = others == 0 ? 0 : Lanes.bits(Backslash.marks(block))
        var count = 16
        if escapes != 0 {
          count = escapes.trailingZeroBitCount
          let isBefore = Lanes.places .< Lanes.Block(repeating: UInt8(truncatingIfNeeded: count))
          isLetter .&= isBefore
          isBlank .&= isBefore
          others &= 1 &<< UInt32(truncatingIfNeeded: count) &- 1
        }
        counts.add(isLetter, isBlank)
        while others != 0 {
          // SAFETY: as above.
          let byte = unsafe start.load(fromByteOffset: at &+ others.trailingZeroBitCount, as: UInt8.self)
          sum &+= Int(weights[Int(byte)])
          others &= others &- 1
        }
        at &+= count
        if count < 16 { return sum }
      }
      while at < end {
        // SAFETY: at is before the end.
        let byte = unsafe start.load(fromByteOffset: at, as: UInt8.self)
        if byte == ASCII.backslash { break }
        sum &+= Int(weights[Int(byte)])
        at &+= 1
      }
      return sum
    }
  }

  /// The weight of the escape at `at`, which is passed over.
  private func escape(_ bytes: Span<UInt8>, _ at: inout Int, _ end: Int, _ weights: Span<UInt16>) -> Int {
    at &+= 1
    guard at < end else { return Int(weights[Int(ASCII.backslash)]) }
    let escaped = bytes[at]
    at &+= 1
    switch escaped {
    case UInt8(ascii: "n"), UInt8(ascii: "r"): return Int(weights[Int(ASCII.lf)])
    case UInt8(ascii: "t"): return blank
    case UInt8(ascii: "u"):
      var unit = 0
      var digits = 0
      while digits < 4, at < end, let digit = ASCII.hexadecimal(bytes[at]) {
        unit = unit << 4 | Int(digit)
        digits += 1
        at &+= 1
      }
      return Int(weights[Self.leadingByte(unit)])
    default: return Int(weights[Int(escaped)])
    }
  }

  /// The first byte of a UTF-16 unit's character in UTF-8. The second half of a pair weighs nothing.
  private static func leadingByte(_ unit: Int) -> Int {
    switch unit {
    case ..<0x80: unit
    case ..<0x800: 0xC0 | unit >> 6
    case 0xD800..<0xDC00: 0xF0
    case 0xDC00..<0xE000: 0x80
    default: 0xE0 | unit >> 12
    }
  }
}
