// Looks for one member of a text's top-level object while the text passes by.
//
// Nothing is checked and nothing is kept: it is for answers, which go on as they came, whatever they hold, and of
// which only one number or two is of interest. Whoever must know that a text is JSON uses JSONScanner.

/// A resumable search for one member, in text that comes in pieces cut anywhere.
package struct JSONSkim: Sendable {
  private let name: StaticString
  private var nest = JSONNest()
  /// The next string at the first level is a key.
  private var expectsKey = false
  /// Bytes of the key under way that match, or -1: the string is none, or another key.
  private var matched = -1
  /// The key before the colon that comes next is the one.
  private var isNamed = false
  private var awaitsValue = false
  private var isInValue = false
  /// The member's value has been seen to its end.
  package private(set) var isComplete = false

  /// - Parameter name: the member's name, as it is written without escapes.
  package init(for name: StaticString) { self.name = name }

  /// Begins a new text.
  package mutating func reset() { self = JSONSkim(for: name) }

  /// Nothing was passed over.
  package var isFresh: Bool { nest.depth == 0 && !nest.isInString && !isComplete }

  /// Begins behind a value of the top-level object, before which there is no member of the name: another has read that far.
  package mutating func enter() {
    reset()
    nest.depth = 1
  }

  /// Passes over the next piece.
  ///
  /// - Parameters:
  ///   - from: what lies before it is passed over, by who has called `enter`.
  ///   - whole: says where the object ends that is the value and begins at a place, if all of it is in the piece. Who reads
  ///     it at once saves the search for its end.
  /// - Returns: the part of it that belongs to the member's value, if any does. Once that `isComplete`, further
  ///   pieces need not be shown.
  package mutating func feed(
    _ bytes: Span<UInt8>, from: Int = 0, whole: (Int) -> Int? = { _ in nil }
  ) -> Range<Int>? {
    var at = from
    var start = 0
    while at < bytes.count, !isComplete {
      if nest.depth > 1 {
        at = nest.pass(bytes, from: at, limit: bytes.count, to: 1)
        if nest.depth == 1, isInValue { end(before: false) }
        continue
      }
      if nest.isInString {
        passString(bytes, &at)
        continue
      }
      let byte = bytes[at]
      if awaitsValue {
        if JSONBytes.isSpace(byte) {
          at &+= 1
          continue
        }
        awaitsValue = false
        if byte == UInt8(ascii: "{"), let end = whole(at) {
          isComplete = true
          return at..<end
        }
        isInValue = true
        start = at
      }
      at &+= 1
      take(byte, bytes, &at)
    }
    guard isInValue else { return nil }
    if !isComplete { return start..<bytes.count }
    // What ends a scalar is not a part of it.
    let end = endsBefore ? at &- 1 : at
    isInValue = false
    return start..<max(start, end)
  }

  /// The value ended before the byte that showed it.
  private var endsBefore = false

  /// Takes a byte that is outside of strings, and what belongs to it: `at` is behind it.
  private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>, _ at: inout Int) {
    switch byte {
    case ASCII.quote:
      let isKey = nest.depth == 1 && expectsKey
      let part = at..<JSONBytes.plainEnd(bytes, from: at, limit: bytes.count)
      at = part.upperBound
      if at < bytes.count, bytes[at] == ASCII.quote {
        // Whole in this piece, as most are.
        isNamed = isKey && bytes.extracting(part).equals(name)
        at &+= 1
        // What mostly follows at once: that saves a turn of the loop.
        guard nest.depth == 1, !isInValue, at < bytes.count else { return }
        let next = bytes[at]
        guard next == (isKey ? ASCII.colon : ASCII.comma) else { return }
        at &+= 1
        expectsKey = !isKey
        if isKey { nameEnds() }
        return
      }
      nest.isInString = true
      matched = isKey ? 0 : -1
      if isKey { match(bytes.extracting(part)) }
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      nest.depth &+= 1
      if nest.depth == 1 { expectsKey = byte == UInt8(ascii: "{") }
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      nest.depth &-= 1
      if nest.depth <= 1, isInValue { end(before: nest.depth < 1) }
    case ASCII.comma:
      guard nest.depth == 1 else { return }
      if isInValue { return end(before: true) }
      expectsKey = true
    case ASCII.colon:
      guard nest.depth == 1 else { return }
      expectsKey = false
      nameEnds()
    default:
      // A number's other digits.
      while at < bytes.count, ASCII.isDigit(bytes[at]) { at &+= 1 }
    }
  }

  /// The colon behind a key has come.
  @inline(__always) private mutating func nameEnds() {
    awaitsValue = isNamed
    isNamed = false
  }

  private mutating func end(before: Bool) {
    isComplete = true
    endsBefore = before
  }

  /// Passes over what has come of a string.
  private mutating func passString(_ bytes: Span<UInt8>, _ at: inout Int) {
    if nest.isEscaped {
      nest.isEscaped = false
      at &+= 1
      return
    }
    let start = at
    at = JSONBytes.plainEnd(bytes, from: at, limit: bytes.count)
    if matched >= 0 { match(bytes.extracting(start..<at)) }
    guard at < bytes.count else { return }
    switch bytes[at] {
    case ASCII.quote:
      nest.isInString = false
      isNamed = matched == name.utf8CodeUnitCount
    case ASCII.backslash:
      nest.isEscaped = true
      matched = -1
    default: matched = -1
    }
    at &+= 1
  }

  private mutating func match(_ part: Span<UInt8>) {
    let rest = name.bytes.extracting(droppingFirst: matched)
    if part.count <= rest.count, part.equals(rest.extracting(first: part.count)) {
      matched &+= part.count
    } else {
      matched = -1
    }
  }
}
