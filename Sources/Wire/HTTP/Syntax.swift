// The grammar's small pieces: which bytes may stand where, and how a list is taken apart.
//
// Everything above (HeadScanner, RequestHead, ResponseHead, ChunkedDecoder) is built from these.

/// Character classes and list syntax of RFC 9110 section 5.6 and RFC 9112 section 3.
package enum Syntax {
  // One bit per ASCII byte: 0...63 in the first word, 64...127 in the second.
  private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
  private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

  /// Whether `byte` may stand in a token: a field name, a method (RFC 9110 section 5.6.2).
  package static func isToken(_ byte: UInt8) -> Bool {
    byte < 128 && ((byte < 64 ? tokenLow : tokenHigh) >> UInt64(byte & 63)) & 1 != 0
  }

  /// Whether `byte` may stand in a request target.
  ///
  /// Wider than RFC 3986 section 2, because clients leave `|`, `^` and braces in a query as they are;
  /// narrower than a printable byte, because `#`, quotes and angle brackets have no single reading.
  package static func isTarget(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x22, 0x23, 0x3C, 0x3E: false
    default: byte > 0x20 && byte < 0x7F
    }
  }

  /// Whether `byte` is a control that no field value may hold: all but the tab (RFC 9110 section 5.5).
  package static func isControl(_ byte: UInt8) -> Bool {
    (byte < 0x20 && byte != ASCII.tab) || byte == 0x7F
  }

  /// Where the first control byte but a tab is in `from..<end`, or `end`.
  package static func firstControl(in bytes: Span<UInt8>, from: Int, to end: Int) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return 0 }
      // SAFETY: from is not negative, and end at most the count.
      return unsafe firstControl(start, from: max(from, 0), to: min(end, raw.count))
    }
  }

  /// As above, in memory that holds `end` bytes.
  @inline(__always) @unsafe
  static func firstControl(_ start: UnsafeRawPointer, from: Int, to end: Int) -> Int {
    var at = from
    while true {
      // SAFETY: the caller's.
      at = unsafe Lanes.near(start, from: at, to: end, ControlByte.self)
      if at >= end { return end }
      if unsafe start.load(fromByteOffset: at, as: UInt8.self) != ASCII.tab { return at }
      at &+= 1
    }
  }

  /// Where the colon is that follows the token at `from`; nil if there is no token, or something else follows it.
  ///
  /// - Parameter isOdd: set where the token holds other bytes than letters, digits and hyphens.
  @inline(__always)
  static func colon(_ bytes: Span<UInt8>, behindTokenAt from: Int, isOdd: inout Bool) -> Int? {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return nil }
      var at = max(from, 0)
      while true {
        // SAFETY: at is not negative. Letters, digits and hyphens are what names are made of.
        at = unsafe Lanes.near(start, from: at, to: raw.count, NotNameByte.self)
        if at >= raw.count { return nil }
        // SAFETY: at is less than the count.
        let byte = unsafe start.load(fromByteOffset: at, as: UInt8.self)
        if byte == ASCII.colon { return at > from ? at : nil }
        if !isToken(byte) { return nil }
        isOdd = true
        at &+= 1
      }
    }
  }

  /// `range` without the spaces and tabs at both its ends (OWS, RFC 9110 section 5.6.3).
  @inline(__always)
  package static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high, isBlank(bytes[low]) { low &+= 1 }
    while high > low, isBlank(bytes[high &- 1]) { high &-= 1 }
    return low..<high
  }

  /// Whether `byte` is a space or a tab. What stands at a value's ends is mostly greater than either.
  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool {
    byte <= ASCII.space && (byte == ASCII.space || byte == ASCII.tab)
  }

  /// Whether `range` is a token of at least one byte.
  package static func isToken(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    for at in range where !isToken(bytes[at]) { return false }
    return !range.isEmpty
  }

  /// Whether the comma-separated list in `range` has an element that is `text`, in any case.
  package static func list(_ bytes: Span<UInt8>, _ range: Range<Int>, holds text: StaticString) -> Bool {
    var elements = ListElements(range)
    while let element = elements.next(in: bytes) {
      if bytes.extracting(element).equalsIgnoringCase(text) { return true }
    }
    return false
  }

  /// The number that the digits in `range` write, or nil if there are none, something else, or too many.
  ///
  /// The ceiling leaves room for sums: whoever adds a few bodies' lengths can't overflow.
  package static func decimal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    if range.isEmpty { return nil }
    let digits = bytes.extracting(range)
    var value = 0
    for at in 0..<digits.count {
      let digit = digits[at] &- 0x30
      if digit > 9 { return nil }
      // Ten times the ceiling doesn't overflow.
      value = value &* 10 &+ Int(digit)
      if value > lengthCeiling { return nil }
    }
    return value
  }

  /// The largest length, in bytes, that a body or a chunk may announce: 256 PiB, far below what overflows.
  package static let lengthCeiling = 1 << 58
}

/// The elements of one field's comma-separated list, each without the blanks around it (RFC 9110 section
/// 5.6.1).
///
/// Empty elements are given too: who must refuse them can.
package struct ListElements: Sendable {
  private var at: Int
  private let end: Int

  package init(_ range: Range<Int>) {
    at = range.lowerBound
    end = range.upperBound
  }

  package mutating func next(in bytes: Span<UInt8>) -> Range<Int>? {
    if at > end { return nil }
    let start = at
    while at < end, bytes[at] != ASCII.comma { at += 1 }
    defer { at += 1 }
    return Syntax.trimmed(bytes, start..<at)
  }
}
