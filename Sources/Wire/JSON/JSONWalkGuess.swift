// What a text is guessed to say next, for those that are mostly written alike: a guess that holds saves looking for each key
// and for the end of each value. Where one doesn't, the text is walked through from its beginning.

extension JSONWalk {
  /// Moves over `text`, and a blank before it, if it comes next. What is opened or closed in it is not counted.
  @inline(__always)
  package mutating func takes(_ text: StaticString) -> Bool { take(text) }

  /// Moves over a string in which nothing is escaped, if one comes next.
  ///
  /// - Returns: the place of its content.
  package mutating func takesPlainString() -> Range<Int>? {
    guard at < end, bytes[at] == ASCII.quote else { return nil }
    let start = at &+ 1
    let plain = JSONBytes.plainEnd(bytes, from: start, limit: end)
    guard plain < end, bytes[plain] == ASCII.quote else { return nil }
    at = plain &+ 1
    return start..<plain
  }

  /// Moves over a string, if one comes next.
  package mutating func takesString() -> Bool {
    guard at < end, bytes[at] == ASCII.quote,
      let stringEnd = JSONBytes.stringEnd(bytes, quote: at, limit: end)
    else { return false }
    at = stringEnd
    return true
  }

  /// Moves over digits.
  package mutating func takesDigits() -> Bool {
    let start = at
    while at < end, ASCII.isDigit(bytes[at]) { at &+= 1 }
    return at > start
  }

  /// Moves behind the end of the object or array that `takes` has opened, if it is there.
  package mutating func takesRest() -> Bool {
    // Mostly nothing is left.
    if at < end, bytes[at] == UInt8(ascii: "}") {
      at &+= 1
      return true
    }
    var nest = JSONNest()
    nest.depth = 1
    let stop = nest.pass(bytes, from: at, limit: end, to: 0)
    guard nest.depth == 0 else { return false }
    at = stop
    return true
  }
}
