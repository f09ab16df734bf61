// Looks for one member of a text's top-level object while the text passes by.
//
// Nothing is checked and nothing is kept: it is for answers, which go on as they came, whatever they hold, and of
// which only one number or two is of interest. Whoever must know that a text is JSON uses JSONScanner.

/// A resumable search for one member, in text that comes in pieces cut anywhere.
package struct JSONSkim: Sendable {
  private let name: StaticString
  private var depth = 0
  private var isInString = false
  /// The byte before was a backslash.
  private var isEscaped = false
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

  /// Passes over the next piece.
  ///
  /// - Returns: the part of it that belongs to the member's value, if any does. Once that `isComplete`, further
  ///   pieces need not be shown.
  package mutating func feed(_ bytes: Span<UInt8>) -> Range<Int>? {
    var at = 0
    var start = 0
    while at < bytes.count, !isComplete {
      if isInString {
        passString(bytes, &at)
        continue
      }
      if depth > 1 {
        passNested(bytes, &at)
        continue
      }
      let byte = bytes[at]
      if awaitsValue {
        if JSONBytes.isSpace(byte) {
          at &+= 1
          continue
        }
        awaitsValue = false
        isInValue = true
        start = at
      }
      at &+= 1
      take(byte)
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

  /// Takes a byte that is outside of strings.
  private mutating func take(_ byte: UInt8) {
    switch byte {
    case ASCII.quote:
      isInString = true
      matched = depth == 1 && expectsKey ? 0 : -1
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth &+= 1
      if depth == 1 { expectsKey = byte == UInt8(ascii: "{") }
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth &-= 1
      if depth <= 1, isInValue { end(before: depth < 1) }
    case ASCII.comma:
      guard depth == 1 else { return }
      if isInValue { return end(before: true) }
      expectsKey = true
    case ASCII.colon:
      guard depth == 1 else { return }
      expectsKey = false
      awaitsValue = isNamed
      isNamed = false
    default: break
    }
  }

  private mutating func end(before: Bool) {
    isComplete = true
    endsBefore = before
  }

  /// Passes over what lies deeper than the first level, of which only brackets and strings matter.
  private mutating func passNested(_ bytes: Span<UInt8>, _ at: inout Int) {
    var place = at
    var level = depth
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return }
      while place < raw.count {
        // SAFETY: place is not negative and less than the count.
        let byte = unsafe start.load(fromByteOffset: place, as: UInt8.self)
        place &+= 1
        if byte == ASCII.quote {
          // SAFETY: place is at most the count.
          place = unsafe Lanes.first(start, from: place, to: raw.count, StringEnd.self)
          // SAFETY: as above.
          if unsafe place < raw.count && start.load(fromByteOffset: place, as: UInt8.self) == ASCII.quote {
            place &+= 1
            continue
          }
          // An escape, or the end of the piece: passString goes on.
          isInString = true
          matched = -1
          return
        }
        // `{` and `[`, `}` and `]` differ in one bit.
        switch byte | 0x20 {
        case UInt8(ascii: "{"): level &+= 1
        case UInt8(ascii: "}"):
          level &-= 1
          if level == 1 { return }
        default: break
        }
      }
    }
    at = place
    depth = level
    if depth == 1, isInValue { end(before: false) }
  }

  /// Passes over what has come of a string.
  private mutating func passString(_ bytes: Span<UInt8>, _ at: inout Int) {
    if isEscaped {
      isEscaped = false
      at &+= 1
      return
    }
    let start = at
    at = JSONBytes.plainEnd(bytes, from: at, limit: bytes.count)
    if matched >= 0 { match(bytes.extracting(start..<at)) }
    guard at < bytes.count else { return }
    switch bytes[at] {
    case ASCII.quote:
      isInString = false
      isNamed = matched == name.utf8CodeUnitCount
    case ASCII.backslash:
      isEscaped = true
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
