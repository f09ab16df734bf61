// Finds the end of what is nested, of which only brackets and strings matter.

/// Where in nested brackets and strings a text is that passes by in pieces. Nothing is checked.
struct JSONNest: Sendable {
  /// Brackets that are open.
  var depth = 0
  var isInString = false
  /// The byte before was a string's backslash.
  var isEscaped = false

  /// Passes on to behind the bracket that leaves `floor` levels open, or to `limit`, which is at most `bytes.count`.
  ///
  /// - Returns: where that is; the depth tells which of both.
  mutating func pass(_ bytes: Span<UInt8>, from: Int, limit: Int, to floor: Int) -> Int {
    var depth = depth
    var isInString = isInString
    let from = isEscaped ? from &+ 1 : from
    let end = unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, limit <= raw.count else { return limit }
      // SAFETY: from is not negative, a place is less than the limit, and the limit at most the count.
      return unsafe Lanes.visit(start, from: from, to: limit, NestByte.self) { place in
        let byte = unsafe start.load(fromByteOffset: place, as: UInt8.self)
        if byte == ASCII.quote {
          isInString.toggle()
        } else if isInString {
          if byte == ASCII.backslash { return place &+ 2 }
        } else if byte | 0x20 == UInt8(ascii: "{") {
          depth &+= 1
        } else if byte | 0x20 == UInt8(ascii: "}") {
          depth &-= 1
          if depth == floor { return nil }
        }
        return place &+ 1
      }
    }
    self.depth = depth
    self.isInString = isInString
    isEscaped = end > limit
    return depth == floor ? end &+ 1 : min(end, limit)
  }
}
