// A text in a text: 32 places at a step, by its first byte and its last.

extension Span where Element == UInt8 {
  /// Where `part`, which is not empty, stands first at or behind `from`.
  package func place(of part: Span<UInt8>, from: Int = 0) -> Int? {
    unsafe withUnsafeBytes { raw in
      unsafe part.withUnsafeBytes { sought in
        guard let text = raw.baseAddress, let start = sought.baseAddress, sought.count > 0, from >= 0 else {
          return nil
        }
        // SAFETY: the texts have so many bytes, and a place below `end` has room for the one that is sought.
        return unsafe Sought(start, sought.count).place(
          in: text, from: from, end: raw.count &- sought.count &+ 1)
      }
    }
  }
}

/// A text that is sought.
@safe private struct Sought {
  // SAFETY: `count` bytes are there while it is sought, which are one at least.
  private let start: UnsafeRawPointer
  private let count: Int
  private let first: Lanes.Block
  private let last: Lanes.Block

  @inline(__always) @unsafe init(_ start: UnsafeRawPointer, _ count: Int) {
    unsafe self.start = start
    self.count = count
    first = unsafe Lanes.Block(repeating: start.load(as: UInt8.self))
    last = unsafe Lanes.Block(repeating: start.load(fromByteOffset: count &- 1, as: UInt8.self))
  }

  /// The first place at or behind `from`, and before `end`, from which on `count` bytes are there.
  @inline(__always) @unsafe func place(in text: UnsafeRawPointer, from: Int, end: Int) -> Int? {
    var at = from
    while at <= end &- 32 {
      // SAFETY: each of the 32 places is before the end.
      let (low, high) = unsafe (ends(text, at), ends(text, at &+ 16))
      if Lanes.bits(low .| high) != 0,
        let place = unsafe match(text, at, Lanes.bits(low) | Lanes.bits(high) << 16)
      {
        return place
      }
      at &+= 32
    }
    if at <= end &- 16 {
      // SAFETY: each of the sixteen places is before the end.
      if let place = unsafe match(text, at, Lanes.bits(ends(text, at))) { return place }
      at &+= 16
    }
    if at >= end { return nil }
    // SAFETY: as above. At those of the places that were looked at it isn't.
    if at != from { return unsafe match(text, end &- 16, Lanes.bits(ends(text, end &- 16))) }
    while at < end {
      // SAFETY: as above.
      if unsafe Words.same(text + at, start, count) { return at }
      at &+= 1
    }
    return nil
  }

  /// At which of the sixteen places from `at` on the first byte is, and the last one where it has to be.
  @inline(__always) @unsafe private func ends(_ text: UnsafeRawPointer, _ at: Int) -> Lanes.Marks {
    // SAFETY: the caller's.
    unsafe (text.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self) .== first)
      .& (text.loadUnaligned(fromByteOffset: at &+ count &- 1, as: Lanes.Block.self) .== last)
  }

  /// The first of the places from `at` on that have a bit, and at which it is.
  @inline(__always) @unsafe
  private func match(_ text: UnsafeRawPointer, _ at: Int, _ bits: UInt32) -> Int? {
    unsafe Self.match(text, at, bits, start, count)
  }

  @inline(never) @unsafe
  private static func match(
    _ text: UnsafeRawPointer, _ at: Int, _ bits: UInt32, _ start: UnsafeRawPointer, _ count: Int
  ) -> Int? {
    var bits = bits
    while bits != 0 {
      let place = at &+ bits.trailingZeroBitCount
      // SAFETY: the caller's.
      if unsafe Words.same(text + place, start, count) { return place }
      bits &= bits &- 1
    }
    return nil
  }
}
