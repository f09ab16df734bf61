// The strings and numbers among nested values, at any depth: one pass without recursion, for what is read without
// regard to the names of its members.

/// The values in a text that are strings or numbers, in order. On text that was not scanned it ends early, and never traps.
package struct JSONLeaves: ~Escapable {
  package struct Leaf: Equatable, Sendable {
    /// With a string's quotes.
    package let value: Range<Int>
    package let isNumber: Bool
  }

  private let bytes: Span<UInt8>
  private var at: Int
  private let end: Int

  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    let range = range.clamped(to: 0..<bytes.count)
    self.bytes = bytes
    at = range.lowerBound
    end = range.upperBound
  }

  package mutating func next() -> Leaf? {
    while at < end {
      let start = at
      switch bytes[at] {
      case ASCII.quote:
        guard let stop = JSONBytes.stringEnd(bytes, quote: at, limit: end), stop <= end else {
          at = end
          return nil
        }
        at = stop
        while at < end, JSONBytes.isSpace(bytes[at]) { at &+= 1 }
        // A member's name is none.
        if at < end, bytes[at] == ASCII.colon { continue }
        return Leaf(value: start..<stop, isNumber: false)
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        at = JSONBytes.valueEnd(bytes, start: at, limit: end, .number) ?? end
        return Leaf(value: start..<at, isNumber: true)
      default: at &+= 1
      }
    }
    return nil
  }
}
