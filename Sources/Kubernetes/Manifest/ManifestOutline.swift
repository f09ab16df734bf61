// What a document is about, told from its lines: most of a stream is no workload and need not be read.

internal import Wire

/// A document's kind and name, as far as they can be seen without reading it.
struct ManifestOutline {
  enum Reading {
    /// Nothing in it can be a pod's template.
    case no
    /// It may be of some other kind with a pod's template; what can't be read is none of our business.
    case ifPossible
    case yes
  }

  var kind: String?
  var name: String?
  var reading = Reading.no

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    guard let first = Self.firstContent(bytes, range) else { return }
    let byte = bytes[first]
    let isAtMargin = first == range.lowerBound || bytes[first - 1] == ASCII.lf || bytes[first - 1] == ASCII.cr
    let isKey =
      ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || byte == ASCII.quote || byte == UInt8(ascii: "'")
    guard isAtMargin || first == 3, isKey else {
      // In brackets, indented, or begun by an anchor: only a reader knows.
      reading = Workload.words.contains { Self.contains(bytes, range, $0) } ? .yes : .no
      return
    }
    readLines(bytes, range)
    guard let kind else { return }
    if Workload.isRead(kind) {
      reading = .yes
    } else if Self.contains(bytes, range, "containers") {
      reading = Self.contains(bytes, range, "remora.dev/inject") ? .yes : .ifPossible
    }
  }

  /// Looks at the lines that begin at the margin, and for the name at those below `metadata:`.
  private mutating func readLines(_ bytes: [UInt8], _ range: Range<Int>) {
    var line = range.lowerBound
    var isMetadata = false
    while line < range.upperBound {
      var end = line
      while end < range.upperBound, bytes[end] != ASCII.lf, bytes[end] != ASCII.cr { end += 1 }
      if end > line {
        if bytes[line] != ASCII.space, bytes[line] != UInt8(ascii: "#") {
          isMetadata = false
          if let value = Self.value("kind", bytes, line..<end) { kind = kind ?? value }
          if let value = Self.value("metadata", bytes, line..<end) {
            isMetadata = true
            if let at = Self.find("name:", bytes, line..<end), value.hasPrefix("{") {
              name = name ?? Self.value("name", bytes, at..<end)
            }
          }
        } else if isMetadata, name == nil {
          var at = line
          while at < end, bytes[at] == ASCII.space { at += 1 }
          name = Self.value("name", bytes, at..<end) ?? Self.value("generateName", bytes, at..<end)
        }
      }
      line = end + 1
    }
  }

  /// What stands behind `key:` on a line that begins with it, in quotes or not; nil on another line.
  private static func value(_ key: StaticString, _ bytes: [UInt8], _ line: Range<Int>) -> String? {
    var at = line.lowerBound
    let isQuoted = at < line.upperBound && (bytes[at] == ASCII.quote || bytes[at] == UInt8(ascii: "'"))
    if isQuoted { at += 1 }
    let count = key.utf8CodeUnitCount
    guard line.upperBound - at > count, bytes[at..<at + count].elementsEqual(key.bytes.array()) else {
      return nil
    }
    at += count + (isQuoted ? 1 : 0)
    while at < line.upperBound, bytes[at] == ASCII.space { at += 1 }
    guard at < line.upperBound, bytes[at] == ASCII.colon else { return nil }
    at += 1
    while at < line.upperBound, bytes[at] == ASCII.space || bytes[at] == ASCII.tab { at += 1 }
    var end = at
    if at < line.upperBound, bytes[at] == ASCII.quote || bytes[at] == UInt8(ascii: "'") {
      let quote = bytes[at]
      at += 1
      end = bytes[at..<line.upperBound].firstIndex(of: quote) ?? line.upperBound
    } else {
      while end < line.upperBound, bytes[end] != ASCII.space, bytes[end] != ASCII.tab,
        bytes[end] != ASCII.comma,
        bytes[end] != UInt8(ascii: "}")
      {
        end += 1
      }
    }
    return String(decoding: bytes[at..<end], as: UTF8.self)
  }

  private static func firstContent(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    var at = range.lowerBound
    while at < range.upperBound {
      switch bytes[at] {
      case ASCII.space, ASCII.tab, ASCII.lf, ASCII.cr: at += 1
      case UInt8(ascii: "#"):
        while at < range.upperBound, bytes[at] != ASCII.lf, bytes[at] != ASCII.cr { at += 1 }
      default: return at
      }
    }
    return nil
  }

  static func contains(_ bytes: [UInt8], _ range: Range<Int>, _ word: StaticString) -> Bool {
    find(word, bytes, range) != nil
  }

  private static func find(_ word: StaticString, _ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    let text = bytes.span.extracting(range)
    let wanted = word.bytes
    guard wanted.count > 0, text.count >= wanted.count else { return nil }
    let first = wanted[0]
    for start in 0...(text.count - wanted.count) where text[start] == first {
      if text.extracting(start..<start + wanted.count).equals(wanted) { return range.lowerBound + start }
    }
    return nil
  }
}
