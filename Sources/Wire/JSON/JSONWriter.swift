// Writes JSON values at the tail of a queue. Whatever bytes come in, JSON in valid UTF-8 goes out.

/// Appends single values; commas, colons and brackets are the caller's to append.
package enum JSONWriter {
  /// Appends a string value that says `bytes`; what isn't UTF-8 in them becomes U+FFFD.
  package static func string(_ bytes: Span<UInt8>, into queue: inout ByteQueue) {
    queue.reserve(bytes.count + 2)
    queue.append(ASCII.quote)
    escaped(bytes, into: &queue)
    queue.append(ASCII.quote)
  }

  package static func string(_ text: StaticString, into queue: inout ByteQueue) {
    // SAFETY: a static string's bytes live as long as the program.
    string(unsafe Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount), into: &queue)
  }

  @_disfavoredOverload
  package static func string(_ text: String, into queue: inout ByteQueue) {
    var text = text
    text.withUTF8 { string(unsafe Span(_unsafeElements: $0), into: &queue) }
  }

  /// Appends what stands between the quotes of a string that says `bytes`.
  ///
  /// Only what RFC 8259 section 7 demands is escaped, and one U+FFFD stands for each maximal part of a
  /// sequence that isn't UTF-8 (Unicode 16 section 3.9), so cut text is best joined before it is written.
  package static func escaped(_ bytes: Span<UInt8>, into queue: inout ByteQueue) {
    var written = 0
    var at = 0
    while true {
      at = plainEnd(bytes, from: at)
      guard at < bytes.count else { break }
      let byte = bytes[at]
      if byte >= 0x80 {
        // Text of other scripts comes in runs, so the search is left alone until they end.
        repeat {
          let (length, isValid) = sequence(bytes, at)
          if !isValid {
            queue.append(bytes.extracting(written..<at))
            queue.append("\\ufffd")
            written = at + length
          }
          at += length
        } while at < bytes.count && bytes[at] >= 0x80
      } else {
        queue.append(bytes.extracting(written..<at))
        escape(byte, into: &queue)
        at += 1
        written = at
      }
    }
    queue.append(bytes.extracting(written..<bytes.count))
  }

  package static func integer(_ value: Int, into queue: inout ByteQueue) {
    queue.append(decimal: value)
  }

  /// Appends the shortest digits that read back as `value`; JSON has no word for what isn't finite, so that
  /// becomes null.
  package static func double(_ value: Double, into queue: inout ByteQueue) {
    if value.isFinite { queue.append(value.description) } else { queue.append("null") }
  }

  package static func bool(_ value: Bool, into queue: inout ByteQueue) {
    if value { queue.append("true") } else { queue.append("false") }
  }

  package static func null(into queue: inout ByteQueue) {
    queue.append("null")
  }

  private static func escape(_ byte: UInt8, into queue: inout ByteQueue) {
    switch byte {
    case ASCII.quote: queue.append("\\\"")
    case ASCII.backslash: queue.append("\\\\")
    case ASCII.lf: queue.append("\\n")
    case ASCII.cr: queue.append("\\r")
    case ASCII.tab: queue.append("\\t")
    case 0x08: queue.append("\\b")
    case 0x0C: queue.append("\\f")
    default:
      queue.append(byte < 0x10 ? "\\u000" : "\\u00")
      queue.append(hexadecimal: Int(byte))
    }
  }

  /// The first byte at or behind `from` that may not be copied as it is, or must be checked first.
  private static func plainEnd(_ bytes: Span<UInt8>, from: Int) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return raw.count }
      // SAFETY: from is not negative.
      return unsafe Lanes.first(start, from: from, to: raw.count, StringEndOrWide.self)
    }
  }

  /// The length of the sequence that begins at `at` with a byte of 0x80 or more, and whether it is UTF-8;
  /// where it isn't, the length of its longest part that could have become so, at least 1 (Unicode 16 table
  /// 3-7).
  private static func sequence(_ bytes: Span<UInt8>, _ at: Int) -> (length: Int, isValid: Bool) {
    let lead = bytes[at]
    let needed: Int
    var allowed: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: needed = 1
    case 0xE0: (needed, allowed) = (2, 0xA0...0xBF)
    case 0xED: (needed, allowed) = (2, 0x80...0x9F)
    case 0xE1...0xEF: needed = 2
    case 0xF0: (needed, allowed) = (3, 0x90...0xBF)
    case 0xF4: (needed, allowed) = (3, 0x80...0x8F)
    case 0xF1...0xF3: needed = 3
    default: return (1, false)
    }
    for offset in 1...needed {
      guard at + offset < bytes.count, allowed.contains(bytes[at + offset]) else { return (offset, false) }
      allowed = 0x80...0xBF
    }
    return (needed + 1, true)
  }
}
