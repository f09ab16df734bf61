// One walk through nested JSON that has been scanned: what is to be read inside is opened where it stands, and not
// first passed over to find its end. So a long list of messages is looked at once, and not once for each level.

/// A place in a text, which moves on over keys and values. On text that was not scanned it ends early, and never traps;
/// it can be made to find out on the way whether the text is JSON (JSONProof.swift).
package struct JSONWalk: ~Escapable {
  let bytes: Span<UInt8>
  /// Where long strings lie.
  private let strings: Span<UInt64>
  /// The first of them that isn't behind.
  private var nextString = 0
  /// Behind what was read last.
  package internal(set) var at: Int
  let end: Int
  /// Nothing of the innermost object or array has been read.
  var isFirst = false
  /// Objects and arrays that have been entered and not left.
  var depth = 0
  /// Values are looked at where they are passed over, for the text was not scanned.
  let proves: Bool
  /// Something was passed over that need not be JSON.
  var isDoubtful = false
  /// The text ended before what was to be read in it, or was none.
  package private(set) var isCut = false

  /// - Parameters:
  ///   - start: where the first value is.
  ///   - strings: where the text's long strings lie, as far as that is known (`JSONScanner.strings`).
  @_lifetime(copy bytes, copy strings)
  package init(_ bytes: Span<UInt8>, from start: Int = 0, strings: Span<UInt64>) {
    self.bytes = bytes
    self.strings = strings
    at = max(start, 0)
    end = bytes.count
    proves = false
  }

  /// A walk that finds out whether the text, of which nothing is known, is JSON: `hasProven` says so behind its end.
  @_lifetime(copy bytes)
  package init(proving bytes: Span<UInt8>) {
    self.bytes = bytes
    strings = Span()
    at = 0
    end = bytes.count
    proves = true
    skipSpace()
    // Blanks alone are none.
    isDoubtful = at == end
  }

  /// What comes next is.
  package var kind: JSONKind? {
    mutating get {
      skipSpace()
      return at < end ? JSONKind(firstByte: bytes[at]) : nil
    }
  }

  /// Opens the object that comes next; false if it is another value.
  package mutating func enterObject() -> Bool { enter(UInt8(ascii: "{")) }

  /// Opens the array that comes next; false if it is another value.
  package mutating func enterArray() -> Bool { enter(UInt8(ascii: "[")) }

  @inline(__always) private mutating func enter(_ opening: UInt8) -> Bool {
    skipSpace()
    guard at < end, bytes[at] == opening else { return false }
    at &+= 1
    depth &+= 1
    isFirst = true
    return true
  }

  /// The key of the object's next member, whose value comes next; nil, behind its brace, at the object's end.
  package mutating func nextKey() -> JSONKey? {
    guard let key = Self.usualKey(bytes, at, isFirst: isFirst) else { return anyKey() }
    at = key.upperBound &+ 2
    isFirst = false
    return JSONKey(range: key, isEscaped: false)
  }

  /// The place of the key that comes next, where it is written as nearly all are: without blanks before it and behind it,
  /// without an escape, and far enough before the end. nil where it isn't.
  @inline(__always)
  private static func usualKey(_ bytes: Span<UInt8>, _ at: Int, isFirst: Bool) -> Range<Int>? {
    unsafe bytes.withUnsafeBytes { raw in
      // From there on are a comma, a quote, sixteen bytes, and two behind them.
      let last = raw.count &- 20
      guard let text = raw.baseAddress, at >= 0, at <= last else { return nil }
      var start = at
      if !isFirst {
        // SAFETY: at is a place of the text, and as many bytes are there from it on; so below.
        guard unsafe text.load(fromByteOffset: start, as: UInt8.self) == ASCII.comma else { return nil }
        start &+= 1
      }
      guard unsafe text.load(fromByteOffset: start, as: UInt8.self) == ASCII.quote else { return nil }
      start &+= 1
      var keyEnd = start
      while true {
        let block = unsafe text.loadUnaligned(fromByteOffset: keyEnd, as: Lanes.Block.self)
        let found = Lanes.bits(StringEnd.marks(block))
        if found != 0 {
          keyEnd &+= found.trailingZeroBitCount
          break
        }
        keyEnd &+= 16
        guard keyEnd <= last else { return nil }
      }
      let signs = unsafe UInt16(
        littleEndian: text.loadUnaligned(fromByteOffset: keyEnd, as: UInt16.self))
      // A quote and a colon.
      // SAFETY: the end was looked for from the start on.
      return unsafe signs == 0x3A22 ? Range(uncheckedBounds: (start, keyEnd)) : nil
    }
  }

  /// As `nextKey`, however the key is written.
  @inline(never) private mutating func anyKey() -> JSONKey? {
    guard nextItem(closing: UInt8(ascii: "}")), bytes[at] == ASCII.quote else { return stop() }
    let start = at &+ 1
    let plain = JSONBytes.plainEnd(bytes, from: start, limit: end)
    var key = JSONKey(range: start..<plain, isEscaped: false)
    if plain < end, bytes[plain] == ASCII.quote {
      at = plain &+ 1
    } else {
      isDoubtful = true
      guard let keyEnd = JSONBytes.stringEnd(bytes, quote: at, limit: end) else { return stop() }
      key = JSONKey(range: start..<keyEnd &- 1, isEscaped: true)
      at = keyEnd
    }
    if at < end, bytes[at] == ASCII.colon {
      at &+= 1
      return key
    }
    skipSpace()
    guard at < end, bytes[at] == ASCII.colon else { return stop() }
    at &+= 1
    return key
  }

  /// Whether the array has another element, which comes next; false, behind its bracket, at the array's end.
  package mutating func nextElement() -> Bool { nextItem(closing: UInt8(ascii: "]")) }

  /// The object's next member, passed over.
  package mutating func nextMember() -> JSONObjectCursor.Member? {
    guard let key = nextKey(), let value = pass() else { return nil }
    return JSONObjectCursor.Member(
      key: key.range, value: value.range, kind: value.kind, isEscaped: key.isEscaped)
  }

  /// Reads a turn of a conversation that is a role (`user` or `assistant`) and a string as its content and nothing else,
  /// in this order: as most turns are, in all formats, and as nearly all clients write them. nil, and nothing is read, where
  /// something else comes next.
  package mutating func takePlainTurn() -> (isAssistant: Bool, text: Range<Int>)? {
    let before = (at, isFirst, nextString, isCut)
    if let turn = readPlainTurn() {
      // Its strings were not looked at.
      if proves { isDoubtful = true }
      return turn
    }
    (at, isFirst, nextString, isCut) = before
    return nil
  }

  @inline(__always) private mutating func readPlainTurn() -> (isAssistant: Bool, text: Range<Int>)? {
    // Entered and left at once, so that no depth is counted.
    skipSpace()
    guard at < end, bytes[at] == UInt8(ascii: "{") else { return nil }
    at &+= 1
    guard take("\"role\":") else { return nil }
    let isUser = take("\"user\",")
    guard isUser || take("\"assistant\","), take("\"content\":") else { return nil }
    skipSpace()
    guard at < end, bytes[at] == ASCII.quote, let textEnd = stringEnd() else { return nil }
    let text = at..<textEnd
    guard textEnd < end, bytes[textEnd] == UInt8(ascii: "}") else { return nil }
    at = textEnd &+ 1
    isFirst = false
    return (!isUser, text)
  }

  /// Moves over `literal`, and a blank before it, if it comes next.
  @inline(__always) mutating func take(_ literal: StaticString) -> Bool {
    let start = at < end && bytes[at] == ASCII.space ? at &+ 1 : at
    guard start <= end &- literal.utf8CodeUnitCount,
      bytes.extracting(start..<start &+ literal.utf8CodeUnitCount).reads(literal)
    else { return false }
    at = start &+ literal.utf8CodeUnitCount
    return true
  }

  /// The whole number of at most fifteen digits that comes next, passed over; nil, and it stays, where it is anything else.
  package mutating func takeCount() -> Int? {
    skipSpace()
    let rest = bytes.extracting(droppingFirst: at)
    var (count, length) = (0, 0)
    while length < rest.count {
      let digit = rest[length] &- 0x30
      if digit > 9 { break }
      count = count &* 10 &+ Int(digit)
      length &+= 1
    }
    // A zero in front of others is no JSON, and a fraction or an exponent may follow.
    guard length > 0, length < 16, length < rest.count, length == 1 || rest[0] != 0x30 else { return nil }
    switch rest[length] {
    case ASCII.comma, UInt8(ascii: "}"), UInt8(ascii: "]"): break
    default: return nil
    }
    at &+= length
    isFirst = false
    return count
  }

  /// Passes over the value that comes next.
  package mutating func pass() -> (range: Range<Int>, kind: JSONKind)? {
    skipSpace()
    let start = at
    guard at < end, let kind = JSONKind(firstByte: bytes[at]),
      let valueEnd = proves ? provenEnd(kind) : valueEnd(kind)
    else {
      cut()
      return nil
    }
    at = valueEnd
    isFirst = false
    return (start..<valueEnd, kind)
  }

  @inline(__always) private mutating func valueEnd(_ kind: JSONKind) -> Int? {
    switch kind {
    case .string: stringEnd()
    case .object, .array: nestEnd()
    case .number, .true, .false, .null: JSONBytes.valueEnd(bytes, start: at, limit: end, kind)
    }
  }

  @inline(__always) private mutating func stringEnd() -> Int? {
    while nextString < strings.count {
      let start = Int(truncatingIfNeeded: strings[nextString] >> 32)
      if start > at { break }
      let stringEnd = Int(truncatingIfNeeded: strings[nextString] & 0xFFFF_FFFF)
      nextString &+= 1
      if start == at, stringEnd <= end { return stringEnd }
    }
    return JSONBytes.stringEnd(bytes, quote: at, limit: end)
  }

  /// Where the object or array at `at` ends: from one long string to the next, over each of them at once.
  mutating func nestEnd() -> Int? {
    var nest = JSONNest()
    var from = at
    while true {
      while nextString < strings.count, Int(truncatingIfNeeded: strings[nextString] >> 32) < from {
        nextString &+= 1
      }
      guard nextString < strings.count else { break }
      let place = strings[nextString]
      let start = Int(truncatingIfNeeded: place >> 32)
      let stringEnd = Int(truncatingIfNeeded: place & 0xFFFF_FFFF)
      guard stringEnd <= end, stringEnd > start &+ 1, bytes[start] == ASCII.quote else { break }
      let stop = nest.pass(bytes, from: from, limit: start, to: 0)
      if nest.depth == 0 { return stop }
      // No string of this text begins inside of another.
      if nest.isInString { return nil }
      nextString &+= 1
      from = stringEnd
    }
    let stop = nest.pass(bytes, from: from, limit: end, to: 0)
    return nest.depth == 0 ? stop : nil
  }

  /// Moves to the next item of the object or array that `closing` ends, or behind its end.
  @inline(__always) private mutating func nextItem(closing: UInt8) -> Bool {
    skipSpace()
    guard at < end else {
      cut()
      return false
    }
    if bytes[at] == closing {
      at &+= 1
      depth &-= 1
      isFirst = false
      return false
    }
    if !isFirst {
      guard bytes[at] == ASCII.comma else {
        cut()
        return false
      }
      at &+= 1
      skipSpace()
      guard at < end else {
        cut()
        return false
      }
    }
    isFirst = false
    return true
  }

  private mutating func stop() -> JSONKey? {
    // Behind a closing brace the walk goes on in what surrounds it.
    if at == 0 || at > end || bytes[at &- 1] != UInt8(ascii: "}") { cut() }
    return nil
  }

  private mutating func cut() {
    at = end
    isCut = true
  }

  /// Moves to what comes next.
  @inline(__always) package mutating func skipSpace() {
    while at < end, JSONBytes.isSpace(bytes[at]) { at &+= 1 }
  }
}
