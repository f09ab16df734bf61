// What a JSON string says, and where in its text each part of that was written.

package import Wire

/// A string's text without its escapes, once or twice removed. It is kept and used again.
package final class EscapedText {
  /// A stretch that is written otherwise than it reads.
  private struct Escape {
    /// Where what it says begins, and how long that is.
    var said: Int
    var saidCount: Int
    /// Where it is written, and how long that is.
    var written: Int
    var writtenCount: Int
  }

  /// What the string says.
  package private(set) var text = ByteQueue()
  private var escapes: [Escape] = []

  package init() {}

  /// Forgets what was read; of a long text the memory goes, too.
  package func forget() {
    if text.room + text.count > 4096 { text.removeAll() } else { text.clear() }
    if escapes.capacity > 4096 { escapes = [] } else { escapes.removeAll(keepingCapacity: true) }
  }

  /// Reads `content`, what stands between a string's quotes. It may be no JSON: a backslash that begins no escape stands
  /// for itself.
  package func read(_ content: Span<UInt8>) {
    text.clear()
    // No more than that is said, and to grow there in steps would take longer than to read it.
    text.reserve(content.count)
    escapes.removeAll(keepingCapacity: true)
    var at = 0
    while at < content.count {
      at = text.append(content, upToBackslashFrom: at)
      guard at < content.count else { break }
      if at &+ 1 < content.count, let sign = Self.sign(content[at &+ 1]) {
        escapes.append(Escape(said: text.count, saidCount: 1, written: at, writtenCount: 2))
        text.append(sign)
        at &+= 2
      } else {
        at &+= readEscape(content, at)
      }
    }
  }

  /// What a backslash and `byte` say; nil where that takes more than the two of them, or they are no escape.
  @inline(__always)
  private static func sign(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "n"): ASCII.lf
    case UInt8(ascii: "t"): ASCII.tab
    case UInt8(ascii: "r"): ASCII.cr
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"): byte
    default: nil
    }
  }

  /// Reads what begins with a backslash and is a character's number, or no escape.
  private func readEscape(_ content: Span<UInt8>, _ at: Int) -> Int {
    let said = text.count
    guard at + 1 < content.count, content[at + 1] == UInt8(ascii: "u"),
      let unit = Self.unit(content, at + 2)
    else {
      // In a text that only looks like JSON this is a path or a pattern.
      text.append(ASCII.backslash)
      return 1
    }
    let width = append(unit, content, at)
    escapes.append(Escape(said: said, saidCount: text.count - said, written: at, writtenCount: width))
    return width
  }

  /// Appends the character of a `\u` escape.
  ///
  /// - Returns: how long it is written.
  private func append(_ unit: UInt32, _ content: Span<UInt8>, _ at: Int) -> Int {
    if unit & 0xFC00 == 0xD800, at + 7 < content.count, content[at + 6] == ASCII.backslash,
      content[at + 7] == UInt8(ascii: "u"), let low = Self.unit(content, at + 8), low & 0xFC00 == 0xDC00
    {
      append(scalar: 0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF)
      return 12
    }
    append(scalar: unit & 0xF800 == 0xD800 ? 0xFFFD : unit)
    return 6
  }

  private func append(scalar: UInt32) {
    for byte in String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8 { text.append(byte) }
  }

  private static func unit(_ content: Span<UInt8>, _ at: Int) -> UInt32? {
    guard at + 4 <= content.count else { return nil }
    var value: UInt32 = 0
    for place in at..<at + 4 {
      guard let digit = ASCII.hexadecimal(content[place]) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// Where in the content the part `range` of the text is written.
  package func written(_ range: Range<Int>) -> Range<Int> {
    let start = place(range.lowerBound, isEnd: false)
    return start..<max(start, place(range.upperBound, isEnd: true))
  }

  /// - Parameter isEnd: whether what is written right before counts, and not what follows.
  private func place(_ offset: Int, isEnd: Bool) -> Int {
    // The last escape that begins before it.
    var low = 0
    var high = escapes.count
    while low < high {
      let middle = (low + high) / 2
      if escapes[middle].said < offset || !isEnd && escapes[middle].said == offset {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low > 0 else { return offset }
    let escape = escapes[low - 1]
    if offset < escape.said + escape.saidCount {
      return isEnd ? escape.written + escape.writtenCount : escape.written
    }
    return escape.written + escape.writtenCount + offset - escape.said - escape.saidCount
  }
}
