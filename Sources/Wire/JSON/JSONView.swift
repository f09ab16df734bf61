// A lazy walk over JSON that has been scanned: ranges out, nothing built, nothing allocated.
//
// Every look-up stays inside its range and its bytes; on text that was not scanned it ends early, and never
// traps.

/// A member's name.
public struct JSONKey: Equatable, Sendable {
  /// Between the quotes, still escaped.
  public let range: Range<Int>
  /// Whether it holds a backslash, so that it is not what it looks like.
  @usableFromInline let isEscaped: Bool

  @inlinable @inline(__always)
  init(range: Range<Int>, isEscaped: Bool) {
    self.range = range
    self.isEscaped = isEscaped
  }

  /// Whether the name is `name`, however it is escaped.
  @inlinable @inline(__always)
  public func says(_ name: StaticString, in bytes: Span<UInt8>) -> Bool {
    if isEscaped { return saysEscaped(name, bytes) }
    return range.count == name.utf8CodeUnitCount && bytes.extracting(range).reads(name)
  }

  @usableFromInline
  func saysEscaped(_ name: StaticString, _ bytes: Span<UInt8>) -> Bool {
    JSONString.equals(bytes, range, name)
  }
}

/// The members of one object, in order.
public struct JSONObjectCursor: ~Escapable {
  // Public, as what is `@inlinable` is: names are told apart by their length, mostly.
  public struct Member: Equatable, Sendable {
    /// Between the quotes, still escaped.
    public let key: Range<Int>
    /// With quotes and brackets.
    public let value: Range<Int>
    package let kind: JSONKind
    /// Whether the key holds a backslash, so that it is not what it looks like.
    @usableFromInline let isEscaped: Bool

    /// A key, and what a walk has passed over behind it.
    package init(key: JSONKey, _ passed: (range: Range<Int>, kind: JSONKind)) {
      self.init(key: key.range, value: passed.range, kind: passed.kind, isEscaped: key.isEscaped)
    }

    init(key: Range<Int>, value: Range<Int>, kind: JSONKind, isEscaped: Bool) {
      self.key = key
      self.value = value
      self.kind = kind
      self.isEscaped = isEscaped
    }

    /// Whether the member is called `name`, however its key is escaped.
    @inlinable @inline(__always)
    public func keyIs(_ name: StaticString, in bytes: Span<UInt8>) -> Bool {
      JSONKey(range: key, isEscaped: isEscaped).says(name, in: bytes)
    }
  }

  private var tokens: JSONTokens
  /// Behind the object's closing brace, once `next` has come to it.
  package private(set) var end: Int?

  /// - Parameter range: where the object lies in `bytes`; white space around it is passed over. Any other
  ///   value has no members.
  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    tokens = JSONTokens(bytes, range, opening: UInt8(ascii: "{"))
  }

  // One for all, because it is long.
  @inline(never)
  package mutating func next() -> Member? {
    guard tokens.nextItem(), let key = tokens.takeKey(), tokens.take(ASCII.colon),
      let value = tokens.takeValue()
    else {
      if tokens.take(UInt8(ascii: "}")) { end = tokens.at }
      tokens.stop()
      return nil
    }
    return Member(key: key.range, value: value.range, kind: value.kind, isEscaped: key.isEscaped)
  }
}

/// The elements of one array, in order.
package struct JSONArrayCursor: ~Escapable {
  package struct Element: Equatable, Sendable {
    /// With quotes and brackets.
    package let value: Range<Int>
    package let kind: JSONKind
  }

  private var tokens: JSONTokens

  /// - Parameter range: where the array lies in `bytes`; white space around it is passed over. Any other
  ///   value has no elements.
  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    tokens = JSONTokens(bytes, range, opening: UInt8(ascii: "["))
  }

  package mutating func next() -> Element? {
    guard tokens.nextItem(), let value = tokens.takeValue() else {
      tokens.stop()
      return nil
    }
    return Element(value: value.range, kind: value.kind)
  }
}

/// Look-ups by name.
package enum JSONView {
  /// The value of the member `name` of the object in `range`. Of several the last counts, as it does for the
  /// readers of Python, JavaScript and Go.
  package static func value(
    _ bytes: Span<UInt8>, in range: Range<Int>, at name: StaticString
  ) -> Range<Int>? {
    var members = JSONObjectCursor(bytes, range)
    var value: Range<Int>?
    while let member = members.next() {
      if member.keyIs(name, in: bytes) { value = member.value }
    }
    return value
  }

  /// The value of the member `inner` of the member `outer`.
  package static func value(
    _ bytes: Span<UInt8>, in range: Range<Int>, at outer: StaticString, _ inner: StaticString
  ) -> Range<Int>? {
    guard let range = value(bytes, in: range, at: outer) else { return nil }
    return value(bytes, in: range, at: inner)
  }

  /// The value of the member `inner` of the member `middle` of the member `outer`.
  package static func value(
    _ bytes: Span<UInt8>, in range: Range<Int>, at outer: StaticString, _ middle: StaticString,
    _ inner: StaticString
  ) -> Range<Int>? {
    guard let range = value(bytes, in: range, at: outer, middle) else { return nil }
    return value(bytes, in: range, at: inner)
  }

  /// What the string member `name` of the object in `range` says, still escaped; empty where there is no such member
  /// or it is another kind of value.
  @_lifetime(copy bytes)
  package static func content(
    _ bytes: Span<UInt8>, in range: Range<Int>, at name: StaticString
  ) -> Span<UInt8> {
    guard let value = value(bytes, in: range, at: name), kind(bytes, value) == .string else {
      return bytes.extracting(0..<0)
    }
    return JSONString.content(bytes, value)
  }

  /// As above, of the member `inner` of the member `outer`.
  @_lifetime(copy bytes)
  package static func content(
    _ bytes: Span<UInt8>, in range: Range<Int>, at outer: StaticString, _ inner: StaticString
  ) -> Span<UInt8> {
    guard let range = value(bytes, in: range, at: outer) else { return bytes.extracting(0..<0) }
    return content(bytes, in: range, at: inner)
  }

  /// What kind of value `range` holds, or nil if none.
  package static func kind(_ bytes: Span<UInt8>, _ range: Range<Int>) -> JSONKind? {
    let text = JSONBytes.slice(bytes, range)
    return text.isEmpty ? nil : JSONKind(firstByte: text[0])
  }
}

/// The steps that both cursors take.
private struct JSONTokens: ~Escapable {
  private let bytes: Span<UInt8>
  private(set) var at: Int
  private var end: Int
  private var isFirst = true

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, _ range: Range<Int>, opening: UInt8) {
    let range = range.clamped(to: 0..<bytes.count)
    self.bytes = bytes
    at = range.lowerBound
    end = range.upperBound
    if !take(opening) { stop() }
  }

  /// Nothing more is found.
  @inline(__always) mutating func stop() { at = end }

  /// Moves to the next item; false if there is none.
  @inline(__always) mutating func nextItem() -> Bool {
    if isFirst {
      isFirst = false
    } else if !take(ASCII.comma) {
      return false
    }
    skipSpace()
    return at < end
  }

  /// Passes over `byte`, and white space before it, if it is next.
  @inline(__always) mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard at < end, bytes[at] == byte else { return false }
    at &+= 1
    return true
  }

  /// A key, without its quotes, and whether it holds a backslash.
  @inline(__always) mutating func takeKey() -> (range: Range<Int>, isEscaped: Bool)? {
    guard at < end, bytes[at] == ASCII.quote else { return nil }
    let start = at &+ 1
    let stop = JSONBytes.plainEnd(bytes, from: start, limit: end)
    if stop < end, bytes[stop] == ASCII.quote {
      at = stop + 1
      return (start..<stop, false)
    }
    guard let keyEnd = JSONBytes.stringEnd(bytes, quote: at, limit: end) else { return nil }
    at = keyEnd
    return (start..<keyEnd &- 1, true)
  }

  @inline(__always) mutating func takeValue() -> (range: Range<Int>, kind: JSONKind)? {
    skipSpace()
    guard at < end, let kind = JSONKind(firstByte: bytes[at]),
      let valueEnd = JSONBytes.valueEnd(bytes, start: at, limit: end, kind)
    else { return nil }
    defer { at = valueEnd }
    return (at..<valueEnd, kind)
  }

  @inline(__always) private mutating func skipSpace() {
    while at < end, JSONBytes.isSpace(bytes[at]) { at &+= 1 }
  }
}
