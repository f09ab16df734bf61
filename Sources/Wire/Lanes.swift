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
    // A quote is 0x22, which without that 2 is next to the control characters; they stay among themselves.
    Lanes.below(block ^ Lanes.Block(repeating: 0x02), 0x21) | Lanes.equal(block, ASCII.backslash)
  }
}

/// As `StringEnd`, and everything that isn't ASCII.
enum StringEndOrWide: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block { StringEnd.marks(block) }
}

/// What a line of a log can't hold as it is: what ends a string's plain part, DEL, and everything that isn't ASCII.
enum NotPlainText: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    StringEnd.marks(block) | Lanes.equal(block, 0x7F)
  }
}

/// A full stop.
enum FullStop: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.equal(block, UInt8(ascii: "."))
  }
}

/// A backslash.
enum Backslash: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.equal(block, ASCII.backslash)
  }
}

/// What shows how a JSON text nests: a quote, a backslash, a bracket of either kind, and `|` for nothing, because
/// `[`, `\` and `]` differ from `{`, `|` and `}` in one bit.
enum NestByte: ByteKind {
  static var isWide: Bool { false }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    Lanes.equal(block, ASCII.quote) | Lanes.within(block | Lanes.Block(repeating: 0x20), 0x7B, 0x7D)
  }
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

/// What is no ASCII letter.
enum NotLetter: ByteKind {
  static var isWide: Bool { true }
  @inline(__always) static func marks(_ block: Lanes.Block) -> Lanes.Block {
    ~Lanes.within(block | Lanes.Block(repeating: 0x20), 0x61, 0x7A)
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
      let found = exact(block, kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 16
    }
    while at <= end &- 32 {
      // SAFETY: at + 32 is at most end.
      let lower = unsafe start.loadUnaligned(fromByteOffset: at, as: Block.self)
      let upper = unsafe start.loadUnaligned(fromByteOffset: at &+ 16, as: Block.self)
      seen |= lower | upper
      let low = exact(lower, kind)
      let high = exact(upper, kind)
      if isAny(low | high) { return isAny(low) ? at &+ place(low) : at &+ 16 &+ place(high) }
      at &+= 32
    }
    if at <= end &- 16 {
      // SAFETY: at + 16 is at most end.
      let block = unsafe start.loadUnaligned(fromByteOffset: at, as: Block.self)
      seen |= block
      let found = exact(block, kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 16
    }
    return at >= end ? end : unsafe last(start, at, end, kind, &seen)
  }

  /// Whether any byte of `seen` is no ASCII.
  @inline(__always) static func isWide(_ seen: Block) -> Bool {
    // SAFETY: both are sixteen bytes without structure.
    let halves = unsafe unsafeBitCast(seen, to: SIMD2<UInt64>.self)
    return (halves[0] | halves[1]) & 0x8080_8080_8080_8080 != 0
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
    var seen = Block()
    return at >= end ? end : unsafe last(start, at, end, kind, &seen)
  }

  /// Shows `visit` where the bytes are that `marks` marks, each in its turn. It says from where on it wants to see
  /// more, or nil for an end.
  ///
  /// `from` and `end` are as for `first`, which is dearer where much is found and passed.
  ///
  /// - Returns: the place at which `visit` made an end; else from where on it wanted more, at `end` or behind.
  @inline(__always) @unsafe static func visit<Kind: ByteKind>(
    _ start: UnsafeRawPointer, from: Int, to end: Int, _ kind: Kind.Type, _ visit: (Int) -> Int?
  ) -> Int {
    var at = from
    var next = from
    while at < end {
      let left = end &- at
      // SAFETY: what `marks` asks for is what is left.
      var bits = unsafe marks(start, at, left, kind)
      while bits != 0 {
        let place = at &+ bits.trailingZeroBitCount
        bits &= bits &- 1
        if place < next { continue }
        guard let further = visit(place) else { return place }
        next = further
      }
      at &+= left >= 32 ? 32 : 16
    }
    return max(next, end)
  }

  /// A bit for each of the next bytes that is of the kind, the first one's lowest: of 32 where so many are left, else of
  /// sixteen or of what is left. As many as `left` says are there from `at` on, one at least.
  @inline(__always) @unsafe static func marks<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ at: Int, _ left: Int, _ kind: Kind.Type
  ) -> UInt32 {
    if left >= 32 {
      // SAFETY: 32 bytes are there.
      let low = unsafe exact(start.loadUnaligned(fromByteOffset: at, as: Block.self), kind)
      let high = unsafe exact(start.loadUnaligned(fromByteOffset: at &+ 16, as: Block.self), kind)
      return isAny(low | high) ? bits(low) | bits(high) << 16 : 0
    }
    // SAFETY: sixteen bytes are there, or there are fewer and no more are read.
    let block =
      unsafe left < 16 ? some(start, at, left) : start.loadUnaligned(fromByteOffset: at, as: Block.self)
    return bits(exact(block, kind))
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

  /// A bit for each mark, the first byte's lowest.
  @inline(__always) private static func bits(_ marks: SIMD2<UInt64>) -> UInt32 {
    UInt32(truncatingIfNeeded: gathered(marks[0]) | gathered(marks[1]) << 8)
  }

  /// The top bits of eight bytes, whose other bits are zero, in one byte.
  @inline(__always) private static func gathered(_ marks: UInt64) -> UInt64 {
    // Each of the factor's bits brings another byte's into the product's top byte, and none meets another below it.
    ((UInt64(littleEndian: marks) >> 7) &* 0x0102_0408_1020_4080) >> 56
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
      let found = exact(block, kind)
      if isAny(found) { return at &+ place(found) }
      at &+= 8
      if at == end { return end }
    }
    // SAFETY: the bytes from at to end are there, fewer than eight.
    let block = unsafe half(Words.rest(start, at, end &- at).littleEndian)
    seen |= block
    let found = exact(block, kind)
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
