// Words and what stands between them, 32 bytes at a step.

/// Where in up to 32 bytes more than plain words may be: a bit for each byte, the first one's lowest.
package struct WordMarks {
  /// Digits, `@`, `_` and their like, a point, colon or hyphen that nothing blank follows, what isn't ASCII; and the
  /// sixteenth letter in a row and each behind it.
  package private(set) var special: UInt32 = 0
  /// How many bytes were looked at: 32, near the end 16 or what is left.
  package private(set) var count = 32
  /// ASCII letters, the last byte's bit the highest.
  private var letters: UInt32 = 0

  package init() {}

  /// Looks at the next bytes of a text, all before which it has seen.
  @inline(__always) @unsafe fileprivate mutating func look(_ start: UnsafeRawPointer, _ at: Int, _ left: Int)
  {
    // SAFETY: so many bytes are there from `at` on.
    let isLetter = unsafe Lanes.marks(start, at, left, Letter.self)
    let parts = unsafe Lanes.marks(start, at, left, WordPart.self)
    let stops = unsafe Lanes.marks(start, at, left, WordStop.self)
    var run = UInt64(isLetter) << 16 | UInt64(letters >> 16)
    run &= run >> 1
    run &= run >> 2
    run &= run >> 4
    run &= run >> 8
    // The last one's follower isn't known.
    special = ~(isLetter | parts | stops & parts >> 1) | UInt32(truncatingIfNeeded: run >> 1)
    letters = isLetter
    if left < 32 {
      count = left < 16 ? left : 16
      special &= 1 << UInt32(truncatingIfNeeded: count) &- 1
      letters <<= UInt32(truncatingIfNeeded: 32 &- count)
    }
  }
}

extension Span where Element == UInt8 {
  /// Has `marks` tell what is in the next bytes, from `from` on.
  package func mark(_ marks: inout WordMarks, from: Int) {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, from < raw.count else {
        marks = WordMarks()
        return
      }
      // SAFETY: so many bytes are there from `from` on.
      unsafe marks.look(start, from, raw.count &- from)
    }
  }
}

extension Span where Element == UInt8 {
  /// Where the first ASCII letter at or behind `from` is, or the first letter of two bytes of Latin's first 320; the count
  /// where there is none.
  package func latin(from: Int) -> Int {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return raw.count }
      // SAFETY: from is not negative, and the limit is the count.
      return unsafe Lanes.first(start, from: from, to: raw.count, LatinLetter.self)
    }
  }
}

/// A short word of ASCII letters, in lower case, as two numbers.
package struct LetterRun {
  /// Its first eight letters, the first one in the lowest byte, and those behind them.
  package var low: UInt64
  package var high: UInt64
  package var count: Int
}

extension Span where Element == UInt8 {
  /// The letters from `from` on; nil where there are sixteen or more, or fewer bytes than that are left.
  package func letterRun(from: Int) -> LetterRun? {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, from <= raw.count &- 16 else { return nil }
      // SAFETY: sixteen bytes are there from `from` on.
      let block = unsafe start.loadUnaligned(fromByteOffset: from, as: Lanes.Block.self)
      let others = ~Lanes.bits(Lanes.letters(block)) & 0xFFFF
      guard others != 0 else { return nil }
      let count = others.trailingZeroBitCount
      // SAFETY: both are sixteen bytes without structure.
      let words = unsafe unsafeBitCast(block | Lanes.Block(repeating: 0x20), to: SIMD2<UInt64>.self)
      let low: UInt64 = count < 8 ? 1 &<< UInt64(count &* 8) &- 1 : .max
      let high: UInt64 = count > 8 ? 1 &<< UInt64(count &* 8 &- 64) &- 1 : 0
      return LetterRun(low: words[0].littleEndian & low, high: words[1].littleEndian & high, count: count)
    }
  }
}

/// An ASCII letter.
enum Letter: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks { Lanes.letters(block) }
}

/// An ASCII letter, or the first byte of one with a mark (U+00C0 to U+017F).
enum LatinLetter: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.letters(block) .| Lanes.within(block, 0xC3, 0xC5)
  }
}

/// What parts words: the controls, a blank, and the signs that are neither in credentials nor in addresses and numbers.
enum WordPart: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    // Up to the apostrophe; `)` and `*`; `,`; `;` and `<`; `>` and `?`; `[`, `\`, `]`, `{`, `|` and `}`; `^`; a grave.
    Lanes.below(block, 0x28) .| Lanes.within(block, 0x29, 0x2A) .| Lanes.equal(block, 0x2C)
      .| Lanes.within(block, 0x3B, 0x3C) .| Lanes.within(block, 0x3E, 0x3F)
      .| Lanes.within(block | Lanes.Block(repeating: 0x20), 0x7B, 0x7D) .| Lanes.equal(block, 0x5E)
      .| Lanes.equal(block, 0x60)
  }
}

/// What ends a sentence, or goes on with an address or a number: `.`, `:`, `-`, `/`, `=`. Before a part it is one, too.
enum WordStop: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.within(block, 0x2D, 0x2F) .| Lanes.equal(block, 0x3A) .| Lanes.equal(block, 0x3D)
  }
}
