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
        // A long string is mostly passed over without a quote or an escape.
        if isInString, !isEscaped { at = unsafe Self.quietEnd(start, at, limit) }
        let left = limit &- at
        if left <= 0 { break }
        // SAFETY: at is not negative, and from there on `left` bytes are there.
        let step = unsafe NestStep(start, at, left)
        if let end = take(step, to: floor) { return at &+ end }
        at &+= step.count
      }
      return nil
    }
    return end ?? limit
  }

  /// Where the 32 bytes begin in which a quote or a backslash comes, or those that are fewer.
  @inline(__always) @unsafe
  private static func quietEnd(_ start: UnsafeRawPointer, _ from: Int, _ limit: Int) -> Int {
    var at = from
    while at <= limit &- 32 {
      // SAFETY: at + 32 is at most limit.
      let lower = unsafe start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self)
      let upper = unsafe start.loadUnaligned(fromByteOffset: at &+ 16, as: Lanes.Block.self)
      let quotes = Lanes.equal(lower, ASCII.quote) .| Lanes.equal(upper, ASCII.quote)
      let backslashes = Lanes.equal(lower, ASCII.backslash) .| Lanes.equal(upper, ASCII.backslash)
      if Lanes.bits(quotes .| backslashes) != 0 { return at }
      at &+= 32
    }
    return at
  }

  /// Takes what a step has shown.
  ///
  /// - Returns: how many of its bytes lie before the end of what is sought; nil where that isn't among them.
  @inline(__always) private mutating func take(_ step: NestStep, to floor: Int) -> Int? {
    var quotes = step.marks(Quote.self)
    let backslashes = step.marks(Backslash.self)
    // All of it is a string's, and nothing of that matters but whether the next byte is escaped.
    if quotes == 0, isInString, backslashes &>> UInt64(truncatingIfNeeded: step.count &- 1) == 0 {
      isEscaped = false
      return nil
    }
    if isEscaped || backslashes != 0 {
      let escaped = NestStep.escaped(by: backslashes, isEscaped)
      quotes &= ~escaped
      isEscaped = escaped &>> UInt64(truncatingIfNeeded: step.count) & 1 != 0
    }
    let strings = Self.odd(quotes) ^ (isInString ? .max : 0)
    isInString = strings &>> 32 & 1 != 0
    let opening = UInt32(truncatingIfNeeded: step.marks(OpeningBracket.self) & ~strings)
    let closing = UInt32(truncatingIfNeeded: step.marks(ClosingBracket.self) & ~strings)
    if opening | closing == 0 { return nil }
    if depth &- closing.nonzeroBitCount > floor {
      depth &+= opening.nonzeroBitCount &- closing.nonzeroBitCount
      return nil
    }
    var brackets = opening | closing
    while brackets != 0 {
      let place = brackets.trailingZeroBitCount
      brackets &= brackets &- 1
      if opening &>> UInt32(truncatingIfNeeded: place) & 1 != 0 {
        depth &+= 1
        continue
      }
      depth &-= 1
      guard depth == floor else { continue }
      isInString = false
      isEscaped = false
      return place &+ 1
    }
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

/// Up to 32 bytes that are looked at together: what they show is a bit for each, the first one's lowest.
private struct NestStep {
  let count: Int
  private let lower: Lanes.Block
  private let upper: Lanes.Block

  /// Of the `left` bytes from `at` on, one at least.
  @inline(__always) @unsafe init(_ start: UnsafeRawPointer, _ at: Int, _ left: Int) {
    count = left >= 32 ? 32 : min(left, 16)
    // SAFETY: as many bytes are there.
    unsafe (lower, upper) = Lanes.blocks(start, at, left)
  }

  /// Those that are of a kind.
  @inline(__always) func marks<Kind: ByteKind>(_ kind: Kind.Type) -> UInt64 {
    UInt64(Lanes.bits(Kind.marks(lower)) | Lanes.bits(Kind.marks(upper)) << 16)
  }

  /// The bytes behind a backslash that isn't behind one itself; that may be the one behind the last.
  ///
  /// - Parameter isFirst: whether the first byte is one.
  @inline(__always) static func escaped(by backslashes: UInt64, _ isFirst: Bool) -> UInt64 {
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
