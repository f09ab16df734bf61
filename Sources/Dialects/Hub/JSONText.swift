// Small changes to JSON text that is passed on: white space out, quotes escaped, strings joined.

package import Wire

/// Appends JSON that was scanned before, changed a little.
package enum JSONText {
  /// Appends the value without the white space between its tokens; numbers, escapes and the order of keys stay.
  ///
  /// - Parameter escaped: whether the text is to stand inside a string: quotes and backslashes get a backslash.
  package static func appendCompact(_ json: Span<UInt8>, escaped: Bool, into out: inout ByteQueue) {
    var isInString = false
    var start = 0
    var at = 0
    while at < json.count {
      let byte = json[at]
      if isInString {
        if byte == ASCII.backslash {
          if escaped {
            out.append(json.extracting(start..<at))
            out.append("\\\\")
            start = at + 1
            if start < json.count, json[start] == ASCII.quote || json[start] == ASCII.backslash {
              out.append("\\")
            }
          }
          at += 2
          continue
        }
        if byte == ASCII.quote { isInString = false }
      } else if byte == ASCII.quote {
        isInString = true
      } else if byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab {
        out.append(json.extracting(start..<at))
        start = at + 1
      }
      if byte == ASCII.quote, escaped {
        out.append(json.extracting(start..<at))
        out.append("\\\"")
        start = at + 1
      }
      at += 1
    }
    if start < json.count { out.append(json.extracting(start..<json.count)) }
  }

  /// Appends what stands between the quotes of the string in `range`.
  package static func appendContent(_ bytes: Span<UInt8>, _ range: Range<Int>, into out: inout ByteQueue) {
    out.append(JSONString.content(bytes, range))
  }

  /// Bytes of the text, which is still escaped, before the white space at its end.
  static func trimmedCount(_ content: Span<UInt8>) -> Int {
    var count = content.count
    while count > 0 {
      if content[count - 1] <= ASCII.space {
        count -= 1
      } else if count > 1, content[count - 2] == ASCII.backslash,
        content[count - 1] == UInt8(ascii: "n") || content[count - 1] == UInt8(ascii: "r")
          || content[count - 1] == UInt8(ascii: "t"), isEscape(content, count - 2)
      {
        count -= 2
      } else {
        break
      }
    }
    return count
  }

  /// Whether the backslash at `at` begins an escape, and isn't the second half of one.
  private static func isEscape(_ content: Span<UInt8>, _ at: Int) -> Bool {
    var before = at
    while before > 0, content[before - 1] == ASCII.backslash { before -= 1 }
    return (at - before) % 2 == 0
  }

  /// Whether the string in `range` is empty or only white space.
  package static func isBlank(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    isBlank(JSONString.content(bytes, range))
  }

  /// As above, of what stands between a string's quotes.
  static func isBlank(_ content: Span<UInt8>) -> Bool {
    let count = blankCount(content)
    if count == content.count { return true }
    // Few texts begin with what is neither a letter nor such white space.
    guard content[count] == ASCII.backslash || content[count] >= 0x80 else { return false }
    return isBlankInAnyScript(content)
  }

  /// Providers trim what Unicode calls white space, and refuse what is left if that is nothing. The first character that
  /// is none tells.
  @inline(never)
  private static func isBlankInAnyScript(_ content: Span<UInt8>) -> Bool {
    var at = 0
    while at < content.count {
      let (code, length) = character(content, at)
      guard isWhiteSpace(code) else { return false }
      at += length
    }
    return true
  }

  /// Unicode's property White_Space.
  private static func isWhiteSpace(_ code: UInt32) -> Bool {
    switch code {
    case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// The character at `at` of a JSON string's content, as far as it may be white space, and the bytes that it takes; of
  /// others U+FFFD.
  private static func character(_ content: Span<UInt8>, _ at: Int) -> (UInt32, Int) {
    func next(_ place: Int) -> UInt32 { at + place < content.count ? UInt32(content[at + place]) : 0 }
    switch content[at] {
    case ASCII.backslash:
      switch UInt8(truncatingIfNeeded: next(1)) {
      case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), UInt8(ascii: "f"):
        return (0x20, 2)
      case UInt8(ascii: "u"):
        var code: UInt32 = 0
        for place in 2..<6 {
          guard let digit = ASCII.hexadecimal(UInt8(truncatingIfNeeded: next(place))) else {
            return (0xFFFD, 1)
          }
          code = code << 4 | UInt32(digit)
        }
        return (code, 6)
      default: return (0xFFFD, 1)
      }
    case let byte where byte < 0x80: return (UInt32(byte), 1)
    case let lead where lead & 0xE0 == 0xC0: return (UInt32(lead & 0x1F) << 6 | next(1) & 0x3F, 2)
    case let lead where lead & 0xF0 == 0xE0:
      return (UInt32(lead & 0x0F) << 12 | (next(1) & 0x3F) << 6 | next(2) & 0x3F, 3)
    default: return (0xFFFD, 1)
    }
  }

  /// Bytes of the white space that it begins with.
  static func blankCount(_ content: Span<UInt8>) -> Int {
    var at = 0
    while at < content.count {
      if content[at] <= ASCII.space {
        at += 1
      } else if content[at] == ASCII.backslash, at + 1 < content.count,
        content[at + 1] == UInt8(ascii: "n") || content[at + 1] == UInt8(ascii: "r")
          || content[at + 1] == UInt8(ascii: "t")
      {
        at += 2
      } else {
        return at
      }
    }
    return at
  }
}

extension ChatRequest {
  /// Appends a call's arguments as the JSON object that they are meant to be: `{}` where there are none.
  ///
  /// - Returns: false where they are not an object; then `{}` was appended too.
  package func appendArguments(
    of call: ChatCall, _ body: Span<UInt8>, into out: inout ByteQueue
  ) -> Bool {
    guard let range = call.arguments else {
      out.append("{}")
      return true
    }
    // Some clients keep the object itself.
    if JSONView.kind(body, range) == .object {
      out.append(body.extracting(range))
      return true
    }
    var text = ByteQueue()
    JSONString.decode(body, range, into: &text)
    var isBlank = true
    for at in 0..<text.count where text.bytes[at] > ASCII.space { isBlank = false }
    if isBlank {
      out.append("{}")
      return true
    }
    guard JSONValue.kind(of: text.bytes) == .object else {
      out.append("{}")
      return false
    }
    out.append(text.bytes)
    return true
  }
}
