// Finds the end of what is nested, of which only brackets and strings matter.

/// Where in nested brackets and strings a text is that passes by in pieces. Nothing is checked.
struct JSONNest: Sendable {
  /// Brackets that are open.
  var depth = 0
  var isInString = false
  /// The byte before was a string's backslash.
  var isEscaped = false

  /// Passes on to behind the bracket that leaves `floor` levels open, or to `limit`, which is at most `bytes.count`.
  ///
  /// - Returns: where that is; the depth tells which of both.
  mutating func pass(_ bytes: Span<UInt8>, from: Int, limit: Int, to floor: Int) -> Int {
    var at = from
    let end = unsafe bytes.withUnsafeBytes { raw -> Int? in
      guard let start = raw.baseAddress, from >= 0, limit <= raw.count else { return nil }
      while at < limit {
        let left = limit &- at
        // SAFETY: at is not negative, and from there on `left` bytes are there.
        let step = unsafe left >= 32 ? NestStep(start, at, 32) : NestStep(start, at, left)
        if let end = take(step, to: floor) { return at &+ end }
        at &+= step.count
      }
      return nil
    }
    return end ?? limit
  }

  /// Takes what a step has shown.
  ///
  /// - Returns: how many of its bytes lie before the end of what is sought; nil where that isn't among them.
  @inline(__always) private mutating func take(_ step: NestStep, to floor: Int) -> Int? {
    var quotes = step.quotes
    // Most steps within a long string show nothing.
    if quotes | step.backslashes == 0, isInString {
      isEscaped = false
      return nil
    }
    if isEscaped || step.backslashes != 0 {
      let escaped = step.escaped(isEscaped)
      quotes &= ~escaped
      isEscaped = escaped &>> UInt64(truncatingIfNeeded: step.count) & 1 != 0
    }
    let strings = Self.odd(quotes) ^ (isInString ? .max : 0)
    isInString = strings &>> 32 & 1 != 0
    var opening = step.opening & ~strings
    var closing = step.closing & ~strings
    if depth &- closing.nonzeroBitCount > floor {
      depth &+= opening.nonzeroBitCount &- closing.nonzeroBitCount
      return nil
    }
    while closing != 0 {
      let place = closing.trailingZeroBitCount
      let before = opening & ((1 &<< UInt64(truncatingIfNeeded: place)) &- 1)
      depth &+= before.nonzeroBitCount &- 1
      opening &= ~before
      closing &= closing &- 1
      guard depth == floor else { continue }
      isInString = false
      isEscaped = false
      return place &+ 1
    }
    depth &+= opening.nonzeroBitCount
    return nil
  }

  /// Sets each bit at and below which an odd number of bits is set: between two quotes, with the first of them.
  @inline(__always) private static func odd(_ bits: UInt64) -> UInt64 {
    if bits == 0 { return 0 }
    var odd = bits
    odd ^= odd &<< 1
    odd ^= odd &<< 2
    odd ^= odd &<< 4
    odd ^= odd &<< 8
    odd ^= odd &<< 16
    return odd ^ odd &<< 32
  }
}

/// What up to 32 bytes show of how a text nests: a bit for each, the first one's lowest.
private struct NestStep {
  let count: Int
  let quotes: UInt64
  let backslashes: UInt64
  let opening: UInt64
  let closing: UInt64

  /// Of the `left` bytes from `at` on, one at least.
  @inline(__always) @unsafe init(_ start: UnsafeRawPointer, _ at: Int, _ left: Int) {
    count = left >= 32 ? 32 : min(left, 16)
    // SAFETY: as many bytes are there.
    quotes = unsafe UInt64(Lanes.marks(start, at, left, Quote.self))
    backslashes = unsafe UInt64(Lanes.marks(start, at, left, Backslash.self))
    opening = unsafe UInt64(Lanes.marks(start, at, left, OpeningBracket.self))
    closing = unsafe UInt64(Lanes.marks(start, at, left, ClosingBracket.self))
  }

  /// The bytes behind a backslash that isn't behind one itself; that may be the one behind the last.
  ///
  /// - Parameter isFirst: whether the first byte is one.
  @inline(__always) func escaped(_ isFirst: Bool) -> UInt64 {
    let even: UInt64 = 0x5555_5555_5555_5555
    let first: UInt64 = isFirst ? 1 : 0
    let open = backslashes & ~first
    let behind = open &<< 1 | first
    // A run of backslashes that begins at an odd place carries into the place behind it, and so turns over which of its
    // places escape the next (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1.1).
    let odd = open & ~even & ~behind
    return (even ^ (odd &+ open) &<< 1) & behind
  }
}
