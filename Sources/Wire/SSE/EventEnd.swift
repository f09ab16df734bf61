// Finds where an event ends that is passed on piece by piece, because it is too long to be held.

/// A resumable search for the blank line that ends an event; the pieces are cut anywhere.
package struct EventEnd: Sendable {
  /// Nothing but a line end has come since the last one.
  private var isLineEmpty = true
  /// The last byte was a carriage return: a line feed now would belong to it.
  private var isBehindReturn = false

  package init() {}

  /// Looks through the next piece.
  ///
  /// - Returns: the offset behind the blank line; nil where it isn't in the piece.
  package mutating func find(_ bytes: Span<UInt8>) -> Int? {
    var at = 0
    if isBehindReturn, !bytes.isEmpty {
      isBehindReturn = false
      if bytes[0] == ASCII.lf { at = 1 }
    }
    while at < bytes.count {
      let end = LineEnd.next(bytes, from: at)
      if end > at { isLineEmpty = false }
      guard end < bytes.count else { return nil }
      at = end + 1
      if bytes[end] == ASCII.cr {
        if at == bytes.count { isBehindReturn = true } else if bytes[at] == ASCII.lf { at += 1 }
      }
      if isLineEmpty { return at }
      isLineEmpty = true
    }
    return nil
  }
}
