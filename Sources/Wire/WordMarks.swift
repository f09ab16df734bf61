// Words and what stands between them, 32 bytes at a step.

/// Where in up to 32 bytes more than plain words may be: a bit for each byte, the first one's lowest.
package struct WordMarks {
  /// Digits, `_`, `~`, what isn't ASCII, and signs that nothing blank follows, such as a point, a colon or `@`; and the
  /// sixteenth letter in a row and each behind it. Some that only part words are among them: `) * , ; < > ? ^`,
  /// and a colon or `=` before a blank.
  package private(set) var special: UInt32 = 0
  /// How many bytes were looked at: 32, near the end 16 or what is left.
  package private(set) var count = 32
  /// What parts words by a blank or its like, the last byte's bit the highest.
  private var blanks: UInt32 = .max

  package init() {}

  /// Looks at the next bytes of a text, all before which it has seen, until something special is among them.
  ///
  /// - Returns: where the bytes begin that were looked at last; `end` where nothing was special.
  @inline(__always) @unsafe fileprivate mutating func look(
    _ start: UnsafeRawPointer, _ from: Int, _ end: Int
  ) -> Int {
    var at = from
    count = 32
    while at <= end &- 32 {
      // SAFETY: 32 bytes are there from `at` on.
      let low = unsafe WordSignals(start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self))
      let high = unsafe WordSignals(start.loadUnaligned(fromByteOffset: at &+ 16, as: Lanes.Block.self))
      let isLong = take(
        low.marked | high.marked << 16, low.signs | high.signs << 16, low.blanks | high.blanks << 16)
      if isLong { special |= unsafe Self.longWords(start, at, 32) }
      if special != 0 { return at }
      at &+= 32
    }
    while at < end {
      count = min(end &- at, 16)
      // SAFETY: so many bytes are there from `at` on.
      let last = unsafe WordSignals(Lanes.block(start, at, end &- at))
      let isLong = take(last.marked, last.signs, last.blanks)
      if isLong { special |= unsafe Self.longWords(start, at, count) }
      special &= 1 << UInt32(truncatingIfNeeded: count) &- 1
      blanks <<= UInt32(truncatingIfNeeded: 32 &- count)
      if special != 0 { return at }
      at &+= count
    }
    special = 0
    return end
  }

  /// - Returns: whether sixteen bytes in a row, of which one of these is the last, hold no blank.
  @inline(__always) private mutating func take(_ marked: UInt32, _ signs: UInt32, _ blanks: UInt32) -> Bool {
    // What follows the last one isn't known.
    special = marked | signs & ~(blanks >> 1)
    var run = ~(UInt64(blanks) << 16 | UInt64(self.blanks >> 16))
    self.blanks = blanks
    run &= run >> 1
    run &= run >> 2
    run &= run >> 4
    run &= run >> 8
    return run & 0x1_FFFF_FFFE != 0
  }

  /// A bit for each letter of the next `count` bytes, 32 or sixteen at most, that fifteen letters stand before.
  @inline(never) @unsafe private static func longWords(_ start: UnsafeRawPointer, _ at: Int, _ count: Int)
    -> UInt32
  {
    // SAFETY: the text begins sixteen bytes before or earlier, and `count` bytes are there from `at` on.
    var letters =
      unsafe at < 16 ? 0 : UInt64(Lanes.bits(Lanes.letters(Lanes.block(start, at &- 16, 16))))
    unsafe letters |= UInt64(Lanes.bits(Lanes.letters(Lanes.block(start, at, count)))) << 16
    if count > 16 {
      unsafe letters |= UInt64(Lanes.bits(Lanes.letters(Lanes.block(start, at &+ 16, 16)))) << 32
    }
    letters &= letters >> 1
    letters &= letters >> 2
    letters &= letters >> 4
    letters &= letters >> 8
    return UInt32(truncatingIfNeeded: letters >> 1)
  }
}

/// What sixteen bytes are, by as few steps as that takes: a bit for each byte.
private struct WordSignals {
  /// Digits, the signs from the colon to `?`, `^`, `_`, `~`, and what isn't ASCII.
  let marked: UInt32
  /// All from `(` to `@`.
  let signs: UInt32
  /// The controls, a blank, and the signs up to the apostrophe.
  let blanks: UInt32

  @inline(__always) init(_ block: Lanes.Block) {
    let signs = Lanes.within(block, 0x28, 0x40)
    // In each byte's top bit: of those signs the ones from `0` to `?`, which have another bit in common; what isn't ASCII;
    // and what two more make so, with or without the bit that small letters have.
    let raised = (block | Lanes.Block(repeating: 0x20)) &+ Lanes.Block(repeating: 2)
    marked = Lanes.isTop(Lanes.all(signs) & Lanes.times8(block) | block | raised)
    self.signs = Lanes.bits(signs)
    blanks = Lanes.bits(Lanes.below(block, 0x28))
  }
}

extension Span where Element == UInt8 {
  /// Has `marks` tell what is in the next bytes in which something special is, from `from` on.
  ///
  /// - Returns: where they begin; the count where nothing special follows.
  package func mark(_ marks: inout WordMarks, from: Int) -> Int {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, from < raw.count else {
        marks = WordMarks()
        return raw.count
      }
      // SAFETY: from is not negative, and so many bytes are there as the count says.
      return unsafe marks.look(start, from, raw.count)
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
