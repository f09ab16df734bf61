// Sixteen bytes at a step: the one search behind heads, strings and lines.
//
// Comparisons of `SIMD16` are not compiled to vector instructions, additions and logic are, so a byte is tested by
// arithmetic whose top bit says what came of it. Byte by byte nothing carries over: every mark is exact.

/// What is sought.
protocol ByteKind {
  /// Whether all bytes from 0x80 on are of the kind; else none is.
  static var isWide: Bool { get }
  /// Sets the top bit of each byte below 0x80 that is of the kind; what it makes of others doesn't matter.
  static func marks(_ block: SIMD16<UInt8>) -> SIMD16<UInt8>
}

/// The end of what may be copied from a JSON string as it is: a quote, a backslash, a control character.
enum StringEnd: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.equal(block, ASCII.quote) | Lanes.equal(block, ASCII.backslash) | Lanes.below(block, 0x20)
  }
}

/// As `StringEnd`, and everything that isn't ASCII.
enum StringEndOrWide: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block { StringEnd.marks(block) }
}

/// A control byte in a head, the tab among them.
enum ControlByte: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.below(block, 0x20) | Lanes.equal(block, 0x7F)
  }
}

/// A line feed or a carriage return.
enum LineBreak: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.equal(block, ASCII.lf) | Lanes.equal(block, ASCII.cr)
  }
}

/// What is no ASCII letter, digit or hyphen.
enum NotNameByte: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    let lower = block | Lanes.Block(repeating: 0x20)
    let letters = Lanes.within(lower, 0x61, 0x7A)
    let digits = Lanes.within(block, 0x30, 0x39)
    return ~(letters | digits | Lanes.equal(block, 0x2D))
  }
}

/// What is no ASCII letter, digit, hyphen or slash: of such bytes most paths are made, and they have one reading.
enum NotPathByte: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    let lower = block | Lanes.Block(repeating: 0x20)
    let letters = Lanes.within(lower, 0x61, 0x7A)
    let digitsAndSlash = Lanes.within(block, 0x2F, 0x39)
    return ~(letters | digitsAndSlash | Lanes.equal(block, 0x2D))
  }
}

/// A search for the first byte of a kind.
enum Lanes {
  typealias Block = SIMD16<UInt8>

  /// Marks the bytes that are `byte`, which is ASCII.
  @inline(__always) static func equal(_ block: Block, _ byte: UInt8) -> Block {
    (block ^ Block(repeating: byte)) &- Block(repeating: 1)
  }

  /// Marks the bytes from `low` to `high`, both ASCII. Each sum leaves the top bit only to what is at least so much.
  @inline(__always) static func within(_ block: Block, _ low: UInt8, _ high: UInt8) -> Block {
    (block &+ Block(repeating: 0x80 &- low)) & ~(block &+ Block(repeating: 0x7F &- high))
  }

  /// Marks the bytes below `bound`, which is at most 0x80.
  @inline(__always) static func below(_ block: Block, _ bound: UInt8) -> Block {
    block &- Block(repeating: bound)
  }

  /// Where the first byte at or behind `from` is that `marks` marks, or `end`.
  ///
  /// `from` may not be negative, and `end` may not pass the end of the memory at `start`.
  @inline(__always) @unsafe static func first<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type
  ) -> Int {
    var at = from
    // What is sought is mostly near: the first step is a short one.
    if at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let found = unsafe exact(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 16
    }
    while at <= end &- 32 {
      // SAFETY: at + 32 is at most end.
      let low = unsafe exact(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      let high = unsafe exact(start.loadUnaligned(fromByteOffset: at &+ 16, as: Block.self), kind)
      if isAny(low | high) { return isAny(low) ? at &+ place(low) : at &+ 16 &+ place(high) }
      at &+= 32
    }
    if at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let found = unsafe exact(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 16
    }
    return at >= end ? end : unsafe last(start, at, end, kind)
  }

  /// As `first`, for what is a step or two away: there is less of it, and its rare end is elsewhere.
  @inline(__always) @unsafe static func near<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type
  ) -> Int {
    var at = from
    while at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let found = unsafe exact(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 16
    }
    return unsafe nearEnd(start, at, end, kind)
  }

  @inline(never) @unsafe private static func nearEnd<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ at: Int, _ end: Int, _ kind: Kind.Type
  ) -> Int {
    at >= end ? end : unsafe last(start, at, end, kind)
  }

  /// The last bytes, fewer than sixteen.
  @inline(__always) @unsafe private static func last<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ from: Int, _ end: Int, _ kind: Kind.Type
  ) -> Int {
    var at = from
    if at <= end &- 8 {
      // SAFETY: at + 8 is at most end.
      let found = unsafe exact(half(start.loadUnaligned(fromByteOffset: at, as: UInt64.self)), kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 8
      if at == end { return end }
    }
    // SAFETY: the bytes from at to end are there, fewer than eight.
    let found = unsafe exact(half(Words.rest(start, at, end &- at).littleEndian), kind)
    return isAny(found) ? at &+ place(found) : end
  }

  /// Eight bytes and eight that nothing marks.
  @inline(__always) private static func half(_ word: UInt64) -> Block {
    // SAFETY: both are sixteen bytes without structure.
    unsafe unsafeBitCast(SIMD2<UInt64>(word, filler), to: Block.self)
  }

  /// Letters, which no search is for.
  static let filler: UInt64 = 0x7878_7878_7878_7878

  @inline(__always) private static func exact<Kind: ByteKind>(
    _ block: Block, _ kind: Kind.Type
  ) -> SIMD2<UInt64> {
    let found = Kind.isWide ? Kind.marks(block) | block : Kind.marks(block) & ~block
    // SAFETY: both are sixteen bytes without structure.
    return unsafe unsafeBitCast(found & Block(repeating: 0x80), to: SIMD2<UInt64>.self)
  }

  @inline(__always) private static func isAny(_ marks: SIMD2<UInt64>) -> Bool { marks[0] | marks[1] != 0 }

  @inline(__always) private static func place(_ marks: SIMD2<UInt64>) -> Int {
    // The first byte lies in the lowest place of a word, on machines of either order.
    let low = UInt64(littleEndian: marks[0])
    if low != 0 { return low.trailingZeroBitCount >> 3 }
    return 8 &+ UInt64(littleEndian: marks[1]).trailingZeroBitCount >> 3
  }
}
