// Sixteen bytes at a step: the one search behind heads, strings and lines.

internal import CLanes

/// What is sought.
protocol ByteKind {
  /// Tells which bytes of the block are of the kind.
  static func marks(_ block: Lanes.Block) -> Lanes.Marks
}

/// The end of what may be copied from a JSON string as it is: a quote, a backslash, a control character.
enum StringEnd: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    // A quote is 0x22, which without that 2 is next to the control characters; they stay among themselves.
    Lanes.below(block ^ Lanes.Block(repeating: 0x02), 0x21) .| Lanes.equal(block, ASCII.backslash)
  }
}

/// As `StringEnd`, and everything that isn't ASCII.
enum StringEndOrWide: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    StringEnd.marks(block) .| Lanes.wide(block)
  }
}

/// What a line of a log can't hold as it is: what ends a string's plain part, DEL, and everything that isn't ASCII.
enum NotPlainText: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    StringEnd.marks(block) .| (block .>= Lanes.Block(repeating: 0x7F))
  }
}

/// What ends a JSON string's part that is visible ASCII, without a blank, and means itself.
enum NotVisible: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    .!Lanes.within(block, 0x21, 0x7E) .| Lanes.equal(block, ASCII.backslash)
  }
}

/// What isn't ASCII.
enum Wide: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks { Lanes.wide(block) }
}

/// A full stop.
enum FullStop: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block, UInt8(ascii: "."))
  }
}

/// A quote.
enum Quote: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block, ASCII.quote)
  }
}

/// A backslash.
enum Backslash: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block, ASCII.backslash)
  }
}

/// What opens an object or an array: `[` and `{` differ in one bit.
enum OpeningBracket: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block | Lanes.Block(repeating: 0x20), UInt8(ascii: "{"))
  }
}

/// What ends an object or an array.
enum ClosingBracket: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block | Lanes.Block(repeating: 0x20), UInt8(ascii: "}"))
  }
}

/// A control byte in a head, the tab among them.
enum ControlByte: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.below(block, 0x20) .| Lanes.equal(block, 0x7F)
  }
}

/// A line feed or a carriage return.
enum LineBreak: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    Lanes.equal(block, ASCII.lf) .| Lanes.equal(block, ASCII.cr)
  }
}

/// What is no ASCII letter, digit or hyphen.
enum NotNameByte: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    let digits = Lanes.within(block, 0x30, 0x39)
    return .!(Lanes.letters(block) .| digits .| Lanes.equal(block, 0x2D))
  }
}

/// What is no ASCII letter or hyphen: nearly every name is made of these alone.
enum NoLetterOrHyphen: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    .!(Lanes.letters(block) .| Lanes.equal(block, 0x2D))
  }
}

/// What is no ASCII letter, digit, hyphen or slash: of such bytes most paths are made, and they have one reading.
enum NotPathByte: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    let digitsAndSlash = Lanes.within(block, 0x2F, 0x39)
    return .!(Lanes.letters(block) .| digitsAndSlash .| Lanes.equal(block, 0x2D))
  }
}

/// What is no ASCII letter, digit or one of `-._~`: of the others a host's name is made.
enum NoHostByte: ByteKind {
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Marks {
    let signs = Lanes.within(block, 0x2D, 0x2E) .| Lanes.equal(block, 0x5F) .| Lanes.equal(block, 0x7E)
    return .!(Lanes.letters(block) .| Lanes.within(block, 0x30, 0x39) .| signs)
  }
}

/// A search for the first byte of a kind.
enum Lanes {
  typealias Block = SIMD16<UInt8>
  /// A truth for each byte of a block.
  typealias Marks = SIMDMask<SIMD16<Int8>>

  /// Each byte's place in a block.
  @inline(__always) static var places: Block { Block(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }

  /// Tells which bytes are `byte`.
  @inline(__always) static func equal(_ block: Block, _ byte: UInt8) -> Marks {
    block .== Block(repeating: byte)
  }

  /// Tells which bytes lie between `low` and `high`, or are one of them.
  @inline(__always) static func within(_ block: Block, _ low: UInt8, _ high: UInt8) -> Marks {
    (block &- Block(repeating: low)) .<= Block(repeating: high &- low)
  }

  /// Tells which bytes are below `bound`.
  @inline(__always) static func below(_ block: Block, _ bound: UInt8) -> Marks {
    block .< Block(repeating: bound)
  }

  /// Tells which bytes aren't ASCII.
  @inline(__always) static func wide(_ block: Block) -> Marks { block .>= Block(repeating: 0x80) }

  /// Tells which bytes are ASCII letters.
  @inline(__always) static func letters(_ block: Block) -> Marks {
    within(block | Block(repeating: 0x20), 0x61, 0x7A)
  }

  /// A bit for each byte of the block that is of the kind, the first one's lowest.
  @inline(__always) private static func bits<Kind: ByteKind>(_ block: Block, _ kind: Kind.Type) -> UInt32 {
    bits(Kind.marks(block))
  }

  /// A bit for each truth, the first one's lowest.
  @inline(__always) static func bits(_ marks: Marks) -> UInt32 {
    // SAFETY: a mask is sixteen bytes, each of which is all ones or zero.
    unsafe lanes_top_bits(unsafeBitCast(marks, to: Block.self))
  }

  /// A bit for each byte that has its top bit, the first one's lowest.
  @inline(__always) static func isTop(_ block: Block) -> UInt32 { lanes_top_bits(block) }

  /// All ones for each truth.
  @inline(__always) static func all(_ marks: Marks) -> Block {
    // SAFETY: a mask is sixteen bytes, each of which is all ones or zero.
    unsafe unsafeBitCast(marks, to: Block.self)
  }

  /// Each byte's top bit becomes the one three places below it; the lowest bits become anything.
  @inline(__always) static func times8(_ block: Block) -> Block {
    // SAFETY: both are sixteen bytes without structure.
    unsafe unsafeBitCast(unsafeBitCast(block, to: SIMD8<UInt16>.self) &<< 3, to: Block.self)
  }

  /// Where the first byte at or behind `from` is that `marks` marks, or `end`.
  ///
  /// `from` may not be negative, and `end` may not pass the end of the memory at `start`.
  @inline(__always) @unsafe static func first<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type
  ) -> Int {
    var seen = Block()
    return unsafe first(start, from: from, to: end, kind, seen: &seen)
  }

  /// As above.
  ///
  /// - Parameter seen: gets the bits of every byte that was looked at: some behind what was found, none behind `end`.
  @inline(__always) @unsafe static func first<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type, seen: inout Block
  ) -> Int {
    var at = from
    // What is sought is mostly near: the first step is a short one.
    if at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let block = unsafe start.loadUnaligned(fromByteOffset: at, as: Block.self)
      seen |= block
      let found = bits(block, kind)
      if found != 0 { return at &+ found.trailingZeroBitCount }
      at &+= 16
    }
    while at <= end &- 32 {
      // SAFETY: at + 32 is at most end.
      let lower = unsafe start.loadUnaligned(fromByteOffset: at, as: Block.self)
      let upper = unsafe start.loadUnaligned(fromByteOffset: at &+ 16, as: Block.self)
      seen |= lower | upper
      let found = bits(lower, kind) | bits(upper, kind) << 16
      if found != 0 { return at &+ found.trailingZeroBitCount }
      at &+= 32
    }
    if at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let block = unsafe start.loadUnaligned(fromByteOffset: at, as: Block.self)
      seen |= block
      let found = bits(block, kind)
      if found != 0 { return at &+ found.trailingZeroBitCount }
      at &+= 16
    }
    if at >= end { return end }
    if at == from { return unsafe last(start, at, end, kind, &seen) }
    // SAFETY: sixteen bytes were looked at, so as many are there before the end.
    return unsafe again(start, at, end, kind, &seen)
  }

  /// Whether any byte of `seen` is no ASCII.
  @inline(__always) static func isWide(_ seen: Block) -> Bool {
    lanes_top_bits(seen) != 0
  }

  /// As `first`, for what is a step or two away: there is less of it, and its rare end is elsewhere.
  @inline(__always) @unsafe static func near<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type
  ) -> Int {
    var at = from
    while at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let found = unsafe bits(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      if found != 0 { return at &+ found.trailingZeroBitCount }
      at &+= 16
    }
    if at >= end { return end }
    // SAFETY: as above.
    return unsafe at == from ? nearEnd(start, at, end, kind) : nearAgain(start, at, end, kind)
  }

  @inline(never) @unsafe private static func nearEnd<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ at: Int, _ end: Int, _ kind: Kind.Type
  ) -> Int {
    var seen = Block()
    return unsafe last(start, at, end, kind, &seen)
  }

  @inline(never) @unsafe private static func nearAgain<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ at: Int, _ end: Int, _ kind: Kind.Type
  ) -> Int {
    var seen = Block()
    return unsafe again(start, at, end, kind, &seen)
  }

  /// The last bytes, fewer than sixteen, together with some before them that are not of the kind.
  @inline(__always) @unsafe private static func again<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ at: Int, _ end: Int, _ kind: Kind.Type, _ seen: inout Block
  ) -> Int {
    // SAFETY: the caller's.
    let block = unsafe start.loadUnaligned(fromByteOffset: end &- 16, as: Block.self)
    seen |= block
    let found = bits(block, kind)
    return found != 0 ? end &- 16 &+ found.trailingZeroBitCount : end
  }

  /// The next bytes: 32 where so many are left, else sixteen or what is left, and others that nothing marks. As many as
  /// `left` says are there from `at` on.
  @inline(__always) @unsafe static func blocks(
    _ start: UnsafeRawPointer, _ at: Int, _ left: Int
  ) -> (lower: Block, upper: Block) {
    if left >= 32 {
      // SAFETY: 32 bytes are there.
      return unsafe (
        start.loadUnaligned(fromByteOffset: at, as: Block.self),
        start.loadUnaligned(fromByteOffset: at &+ 16, as: Block.self)
      )
    }
    // SAFETY: as many are there as `left` says.
    return unsafe (block(start, at, left), Block(repeating: UInt8(truncatingIfNeeded: filler)))
  }

  /// The next sixteen bytes, or what is left and others that nothing marks. As many as `left` says are there from `at` on.
  @inline(__always) @unsafe static func block(_ start: UnsafeRawPointer, _ at: Int, _ left: Int) -> Block {
    // SAFETY: sixteen bytes are there, or there are fewer and no more are read.
    unsafe left < 16 ? some(start, at, left) : start.loadUnaligned(fromByteOffset: at, as: Block.self)
  }

  /// The bytes from `at` on, fewer than sixteen, and others that nothing marks.
  @inline(__always) @unsafe private static func some(
    _ start: UnsafeRawPointer, _ at: Int, _ count: Int
  ) -> Block {
    // SAFETY: `count` bytes are there, and what is read ends with them.
    if count < 8 { return unsafe half(Words.rest(start, at, count).littleEndian) }
    let low = unsafe start.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    let high = unsafe count == 8 ? filler : Words.rest(start, at &+ 8, count &- 8).littleEndian
    // SAFETY: both are sixteen bytes without structure.
    return unsafe unsafeBitCast(SIMD2<UInt64>(low, high), to: Block.self)
  }

  /// The last bytes, fewer than sixteen.
  @inline(__always) @unsafe private static func last<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ from: Int, _ end: Int, _ kind: Kind.Type, _ seen: inout Block
  ) -> Int {
    var at = from
    if at <= end &- 8 {
      // SAFETY: at + 8 is at most end.
      let block = unsafe half(start.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      seen |= block
      let found = bits(block, kind)
      if found != 0 { return at &+ found.trailingZeroBitCount }
      at &+= 8
      if at == end { return end }
    }
    // SAFETY: the bytes from at to end are there, fewer than eight.
    let block = unsafe half(Words.rest(start, at, end &- at).littleEndian)
    seen |= block
    let found = bits(block, kind)
    return found != 0 ? at &+ found.trailingZeroBitCount : end
  }

  /// Eight bytes and eight that nothing marks.
  @inline(__always) private static func half(_ word: UInt64) -> Block {
    // SAFETY: both are sixteen bytes without structure.
    unsafe unsafeBitCast(SIMD2<UInt64>(word, filler), to: Block.self)
  }

  /// Letters, which no search is for.
  static let filler: UInt64 = 0x7878_7878_7878_7878
}
