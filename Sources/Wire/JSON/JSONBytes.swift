// The few byte searches that every part of JSON shares.

enum JSONBytes {
  /// RFC 8259 section 2: the four bytes that may stand between tokens.
  static func isSpace(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab
  }

  /// Where the run of bytes that need no look inside a string ends: the first quote, backslash or control
  /// character at or behind `from`, or `limit`, which is at most `bytes.count`.
  static func plainEnd(_ bytes: Span<UInt8>, from: Int, limit: Int) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      let limit = min(limit, raw.count)
      guard let start = raw.baseAddress, from >= 0 else { return limit }
      // SAFETY: from is not negative, and limit at most the count.
      return unsafe Lanes.first(start, from: from, to: limit, StringEnd.self)
    }
  }

  /// As `plainEnd` to the span's end.
  ///
  /// - Parameter isWide: becomes true if one of the bytes is no ASCII, and perhaps if one shortly behind them is none.
  @inline(__always)
  static func plainEnd(_ bytes: Span<UInt8>, from: Int, isWide: inout Bool) -> Int {
    var seen = Lanes.Block()
    let end = unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return raw.count }
      // SAFETY: from is not negative, and the limit is the count.
      return unsafe Lanes.first(start, from: from, to: raw.count, StringEnd.self, seen: &seen)
    }
    isWide = Lanes.isWide(seen)
    return end
  }

  /// As above, and the escapes of a single letter, of which a long text holds thousands, are passed too.
  static func textEnd(_ bytes: Span<UInt8>, from: Int, isWide: inout Bool) -> Int {
    var seen = Lanes.Block()
    defer { isWide = Lanes.isWide(seen) }
    return unsafe bytes.withUnsafeBytes { raw in
      let limit = raw.count
      guard let start = raw.baseAddress, from >= 0 else { return limit }
      var at = from
      while true {
        // SAFETY: at is not negative, and at most the count.
        at = unsafe Lanes.first(start, from: at, to: limit, StringEnd.self, seen: &seen)
        guard at &+ 1 < limit, unsafe start.load(fromByteOffset: at, as: UInt8.self) == ASCII.backslash,
          unsafe unescaped(start.load(fromByteOffset: at &+ 1, as: UInt8.self)) != nil
        else { return at }
        at &+= 2
      }
    }
  }

  /// What a backslash and `byte` stand for (RFC 8259 section 7), or nil.
  @inline(__always) static func unescaped(_ byte: UInt8) -> UInt8? {
    switch byte {
    case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"): byte
    case UInt8(ascii: "n"): ASCII.lf
    case UInt8(ascii: "t"): ASCII.tab
    case UInt8(ascii: "r"): ASCII.cr
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    default: nil
    }
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

  /// Where the value of this kind that begins at `start` ends, in text that is known to be JSON; nil if it doesn't.
  static func valueEnd(_ bytes: Span<UInt8>, start: Int, limit: Int, _ kind: JSONKind) -> Int? {
    guard start >= 0, start < limit, limit <= bytes.count else { return nil }
    switch kind {
    case .string: return stringEnd(bytes, quote: start, limit: limit)
    case .object, .array: return nestEnd(bytes, start: start, limit: limit)
    case .number, .true, .false, .null:
      var at = start
      while at < limit {
        switch bytes[at] {
        case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"): return at
        // No part of a number or a word.
        case ASCII.quote, UInt8(ascii: "["), UInt8(ascii: "{"): return nil
        case let byte: if isSpace(byte) { return at }
        }
        at &+= 1
      }
      return at
    }
  }

  private static func nestEnd(_ bytes: Span<UInt8>, start: Int, limit: Int) -> Int? {
    var nest = JSONNest()
    let end = nest.pass(bytes, from: start, limit: limit, to: 0)
    return nest.depth == 0 ? end : nil
  }

  /// The part of `bytes` that `range` names, cut to what there is.
  @_lifetime(copy bytes)
  static func slice(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Span<UInt8> {
    bytes.extracting(range.clamped(to: 0..<bytes.count))
  }
}
