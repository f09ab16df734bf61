// A stream of manifests, cut into documents without reading any: YAML forbids a line that begins with `---` inside of
// every text, so that a marker is one wherever it stands (YAML 1.2 section 9.1.2).

internal import Wire

/// A document's place in a stream.
package struct ManifestPart: Sendable {
  /// Everything up to the next document, with the marker that begins this one.
  package let range: Range<Int>
  /// What is to be read of it.
  package let content: Range<Int>
}

package enum ManifestStream {
  /// The documents of `bytes`, in order. Their ranges make up the whole of it.
  package static func parts(_ bytes: [UInt8]) -> [ManifestPart] {
    var parts: [ManifestPart] = []
    var start = 0
    var line = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var content = skipDirectives(bytes, line)
    var end: Int?
    func close(at offset: Int) {
      let last = end ?? offset
      if offset > start {
        parts.append(ManifestPart(range: start..<offset, content: min(content, last)..<last))
      }
      start = offset
      end = nil
    }
    while line < bytes.count {
      if isMarker(bytes, line, UInt8(ascii: "-")) {
        close(at: line)
        content = line + 3
      } else if isMarker(bytes, line, UInt8(ascii: ".")) {
        end = line
        let next = nextLine(bytes, line)
        close(at: next)
        content = skipDirectives(bytes, next)
      }
      line = nextLine(bytes, line)
    }
    close(at: bytes.count)
    return parts
  }

  /// Steps over `%YAML` and the like, with comments and blank lines before it; moves nothing where there is none.
  private static func skipDirectives(_ bytes: [UInt8], _ start: Int) -> Int {
    var line = start
    var behind = start
    while line < bytes.count {
      switch bytes[line] {
      case UInt8(ascii: "%"): behind = nextLine(bytes, line)
      case UInt8(ascii: "#"), ASCII.lf, ASCII.cr: break
      default: return behind
      }
      line = nextLine(bytes, line)
    }
    return behind
  }

  private static func isMarker(_ bytes: [UInt8], _ line: Int, _ sign: UInt8) -> Bool {
    guard bytes[line] == sign, line + 2 < bytes.count, bytes[line + 1] == sign, bytes[line + 2] == sign else {
      return false
    }
    return line + 3 == bytes.count || isSpace(bytes[line + 3])
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == ASCII.tab || byte == ASCII.lf || byte == ASCII.cr
  }

  /// The offset behind the line break that ends the line of `offset`.
  private static func nextLine(_ bytes: [UInt8], _ offset: Int) -> Int {
    var at = offset
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == ASCII.lf { return at }
      if byte == ASCII.cr { return at < bytes.count && bytes[at] == ASCII.lf ? at + 1 : at }
    }
    return at
  }
}
