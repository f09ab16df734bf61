// One walk through nested JSON that has been scanned: what is to be read inside is opened where it stands, and not
// first passed over to find its end. So a long list of messages is looked at once, and not once for each level.

/// A place in a text, which moves on over keys and values. On text that was not scanned it ends early, and never traps.
package struct JSONWalk: ~Escapable {
  private let bytes: Span<UInt8>
  /// Behind what was read last.
  package private(set) var at: Int
  private let end: Int
  /// Nothing of the innermost object or array has been read.
  private var isFirst = false

  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
    at = 0
    end = bytes.count
  }

  /// What comes next is.
  package var kind: JSONKind? {
    mutating get {
      skipSpace()
      return at < end ? JSONKind(firstByte: bytes[at]) : nil
    }
  }

  /// Opens the object or array that comes next; false if it is another value.
  package mutating func enter() -> Bool {
    guard let kind, kind == .object || kind == .array else { return false }
    at &+= 1
    isFirst = true
    return true
  }

  /// The key of the object's next member, whose value comes next; nil, behind its brace, at the object's end.
  package mutating func nextKey() -> (range: Range<Int>, isEscaped: Bool)? {
    guard nextItem(closing: UInt8(ascii: "}")), bytes[at] == ASCII.quote else { return stop() }
    let start = at &+ 1
    let plain = JSONBytes.plainEnd(bytes, from: start, limit: end)
    var key = (range: start..<plain, isEscaped: false)
    if plain < end, bytes[plain] == ASCII.quote {
      at = plain &+ 1
    } else {
      guard let keyEnd = JSONBytes.stringEnd(bytes, quote: at, limit: end) else { return stop() }
      key = (start..<keyEnd &- 1, true)
      at = keyEnd
    }
    skipSpace()
    guard at < end, bytes[at] == ASCII.colon else { return stop() }
    at &+= 1
    return key
  }

  /// Whether the array has another element, which comes next; false, behind its bracket, at the array's end.
  package mutating func nextElement() -> Bool { nextItem(closing: UInt8(ascii: "]")) }

  /// The object's next member, passed over.
  @inline(never)
  package mutating func nextMember() -> JSONObjectCursor.Member? {
    guard let key = nextKey(), let value = pass() else { return nil }
    return JSONObjectCursor.Member(
      key: key.range, value: value.range, kind: value.kind, isEscaped: key.isEscaped)
  }

  /// Passes over the value that comes next.
  package mutating func pass() -> (range: Range<Int>, kind: JSONKind)? {
    guard let kind, let valueEnd = JSONBytes.valueEnd(bytes, start: at, limit: end, kind) else {
      at = end
      return nil
    }
    let start = at
    at = valueEnd
    isFirst = false
    return (start..<valueEnd, kind)
  }

  /// Moves to the next item of the object or array that `closing` ends, or behind its end.
  private mutating func nextItem(closing: UInt8) -> Bool {
    skipSpace()
    guard at < end else { return false }
    if bytes[at] == closing {
      at &+= 1
      isFirst = false
      return false
    }
    if !isFirst {
      guard bytes[at] == ASCII.comma else {
        at = end
        return false
      }
      at &+= 1
      skipSpace()
    }
    isFirst = false
    return at < end
  }

  private mutating func stop() -> (range: Range<Int>, isEscaped: Bool)? {
    // Behind a closing brace the walk goes on in what surrounds it.
    if at == 0 || at > end || bytes[at &- 1] != UInt8(ascii: "}") { at = end }
    return nil
  }

  @inline(__always) private mutating func skipSpace() {
    while at < end, JSONBytes.isSpace(bytes[at]) { at &+= 1 }
  }
}
