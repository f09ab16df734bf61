// The few byte searches that every part of JSON shares, eight bytes at a step.

enum JSONBytes {
  /// RFC 8259 section 2: the four bytes that may stand between tokens.
  static func isSpace(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab
  }

  /// Where the run of bytes that need no look inside a string ends: the first quote, backslash or control
  /// character at or behind `from`, or `limit`, which is at most `bytes.count`.
  static func plainEnd(_ bytes: Span<UInt8>, from: Int, limit: Int) -> Int {
    var at = from
    let limit = min(limit, bytes.count)
    guard at >= 0 else { return limit }
    while at <= limit &- 32 {
      // SAFETY: at is not negative and at + 32 is at most limit, which is at most the span's count.
      let first = unsafe special(load(bytes, at))
      let second = unsafe special(load(bytes, at &+ 8))
      let third = unsafe special(load(bytes, at &+ 16))
      let fourth = unsafe special(load(bytes, at &+ 24))
      if first | second | third | fourth != 0 {
        if first != 0 { return at &+ first.trailingZeroBitCount >> 3 }
        if second != 0 { return at &+ 8 &+ second.trailingZeroBitCount >> 3 }
        if third != 0 { return at &+ 16 &+ third.trailingZeroBitCount >> 3 }
        return at &+ 24 &+ fourth.trailingZeroBitCount >> 3
      }
      at &+= 32
    }
    while at <= limit &- 8 {
      // SAFETY: as above, with 8 bytes.
      let hit = unsafe special(load(bytes, at))
      if hit != 0 { return at &+ hit.trailingZeroBitCount >> 3 }
      at &+= 8
    }
    while at < limit {
      let byte = bytes[at]
      if byte < 0x20 || byte == ASCII.quote || byte == ASCII.backslash { return at }
      at &+= 1
    }
    return limit
  }

  /// Where the string that opens at `quote` ends: behind its closing quote; nil if it doesn't before `limit`.
  static func stringEnd(_ bytes: Span<UInt8>, quote: Int, limit: Int) -> Int? {
    var at = quote &+ 1
    while true {
      at = plainEnd(bytes, from: at, limit: limit)
      guard at < limit else { return nil }
      switch bytes[at] {
      case ASCII.quote: return at &+ 1
      case ASCII.backslash: at &+= 2
      default: at &+= 1
      }
    }
  }

  /// Where the value that begins at `start` ends, in text that is known to be JSON; nil if it doesn't.
  static func valueEnd(_ bytes: Span<UInt8>, start: Int, limit: Int) -> Int? {
    guard start >= 0, start < limit, limit <= bytes.count, let kind = JSONKind(firstByte: bytes[start])
    else { return nil }
    switch kind {
    case .string: return stringEnd(bytes, quote: start, limit: limit)
    case .object, .array: return nestEnd(bytes, start: start, limit: limit)
    case .number, .true, .false, .null:
      var at = start
      while at < limit {
        switch bytes[at] {
        case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"): return at
        case let byte: if isSpace(byte) { return at }
        }
        at &+= 1
      }
      return at
    }
  }

  private static func nestEnd(_ bytes: Span<UInt8>, start: Int, limit: Int) -> Int? {
    var at = start
    var depth = 0
    while at < limit {
      switch bytes[at] {
      case ASCII.quote:
        guard let end = stringEnd(bytes, quote: at, limit: limit) else { return nil }
        at = end
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth &-= 1
        if depth == 0 { return at &+ 1 }
      default: break
      }
      at &+= 1
    }
    return nil
  }

  /// The part of `bytes` that `range` names, cut to what there is.
  @_lifetime(copy bytes)
  static func slice(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Span<UInt8> {
    bytes.extracting(range.clamped(to: 0..<bytes.count))
  }

  /// Eight bytes, the first in the lowest place. `at + 8` must not pass the end.
  @unsafe static func load(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
  }

  /// The high bit of each byte of `word` that is a control character, a quote or a backslash.
  ///
  /// A borrow may also set bits above a true one, so only the lowest set bit is to be believed.
  private static func special(_ word: UInt64) -> UInt64 {
    candidates(word) & ~word & (ones &* 0x80)
  }

  /// As `special`, and the high bit of each byte that is not ASCII.
  static func specialOrWide(_ word: UInt64) -> UInt64 {
    (candidates(word) | word) & (ones &* 0x80)
  }

  private static func candidates(_ word: UInt64) -> UInt64 {
    let quotes = (word ^ (ones &* 0x22)) &- ones
    let backslashes = (word ^ (ones &* 0x5C)) &- ones
    let controls = word &- (ones &* 0x20)
    return quotes | backslashes | controls
  }

  private static let ones: UInt64 = 0x0101_0101_0101_0101
}
