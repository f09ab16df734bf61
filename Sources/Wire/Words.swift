// Eight bytes at a step: the loads and comparisons that names, searches and scans share.

/// Bytes taken eight at a time, the first in the lowest place.
@usableFromInline enum Words {
  /// A one in each byte.
  static let ones: UInt64 = 0x0101_0101_0101_0101

  /// Eight bytes from `at` on, which the caller knows to be there.
  @inlinable @inline(__always) @unsafe static func load(_ start: UnsafeRawPointer, _ at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: start.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }

  /// As above, of a span. `at + 8` must not pass its end.
  @inline(__always) @unsafe static func load(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
  }

  @inlinable @inline(__always) @unsafe static func half(_ start: UnsafeRawPointer, _ at: Int) -> UInt64 {
    unsafe UInt64(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
  }

  /// The `count` bytes from `at` on, one to seven, with letters in the places of those that are missing.
  @inline(__always) @unsafe static func rest(_ start: UnsafeRawPointer, _ at: Int, _ count: Int) -> UInt64 {
    let padding = Lanes.filler &<< UInt64(truncatingIfNeeded: count &* 8)
    if count >= 4 {
      // The two halves overlap where there are fewer than eight.
      let high = unsafe half(start, at &+ count &- 4) &<< UInt64(truncatingIfNeeded: (count &- 4) &* 8)
      return unsafe half(start, at) | high | padding
    }
    let first = unsafe UInt64(start.load(fromByteOffset: at, as: UInt8.self))
    if count == 1 { return first | padding }
    let second = unsafe UInt64(start.load(fromByteOffset: at &+ 1, as: UInt8.self))
    let last = unsafe UInt64(start.load(fromByteOffset: at &+ count &- 1, as: UInt8.self))
    return first | second << 8 | last &<< UInt64(truncatingIfNeeded: (count &- 1) &* 8) | padding
  }

  /// `count` bytes of fewer than eight, in one word that is as good as they are for a comparison.
  @inlinable @inline(__always) @unsafe static func short(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
    if count >= 4 { return unsafe half(start, 0) | half(start, count &- 4) << 32 }
    if count == 0 { return 0 }
    // The first, the middle and the last byte are all that there can be.
    return unsafe UInt64(start.load(as: UInt8.self))
      | UInt64(start.load(fromByteOffset: count >> 1, as: UInt8.self)) << 8
      | UInt64(start.load(fromByteOffset: count &- 1, as: UInt8.self)) << 16
  }

  /// Whether the `count` bytes at both places are the same.
  @usableFromInline @unsafe static func same(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int
  ) -> Bool {
    if count < 8 { return unsafe short(left, count) == short(right, count) }
    var at = 0
    while at < count &- 8 {
      if unsafe load(left, at) != load(right, at) { return false }
      at &+= 8
    }
    return unsafe load(left, count &- 8) == load(right, count &- 8)
  }

  /// As above, compiled into the caller: where it knows `count` and what lies at one of the places, nothing but loads and
  /// comparisons with constants is left.
  @inlinable @inline(__always) @unsafe static func sameHere(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int
  ) -> Bool {
    if count < 8 { return unsafe short(left, count) == short(right, count) }
    if count <= 16 {
      return unsafe load(left, 0) == load(right, 0) && load(left, count &- 8) == load(right, count &- 8)
    }
    return unsafe load(left, 0) == load(right, 0) && same(left, right, count)
  }

  /// Whether the `count` bytes at both places are the same but for the case of letters; those at `lower`, a
  /// text of ours, are in lower case and hold no underscore.
  @usableFromInline @unsafe static func sameIgnoringCase(
    _ left: UnsafeRawPointer, lower: UnsafeRawPointer, _ count: Int
  ) -> Bool {
    if count < 8 { return unsafe differsInCaseOnly(short(left, count), short(lower, count)) }
    var at = 0
    while at < count &- 8 {
      if unsafe !differsInCaseOnly(load(left, at), load(lower, at)) { return false }
      at &+= 8
    }
    return unsafe differsInCaseOnly(load(left, count &- 8), load(lower, count &- 8))
  }

  /// Of the bytes in our texts only letters have bit 0x40, and an upper-case letter lacks bit 0x20.
  @inline(__always)
  private static func differsInCaseOnly(_ word: UInt64, _ lower: UInt64) -> Bool {
    (word ^ lower) & ~((lower & (ones &* 0x40)) >> 1) == 0
  }
}
