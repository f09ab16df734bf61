// The small written forms that metrics and logs share: UTF-8, JSON strings, fractions, instants.

package import Wire

/// What is well-formed UTF-8 (Unicode 15, table 3-7).
enum UTF8Form {
  /// U+FFFD.
  static let replacement: StaticString = "\u{FFFD}"

  /// Bytes of the well-formed character at `at`, or 0 where there is none.
  static func length(of text: Span<UInt8>, at: Int) -> Int {
    let first = text[at]
    if first < 0x80 { return 1 }
    let rest = text.count - at - 1
    // The second byte's range is narrower after these four: no overlong forms, surrogates or beyond U+10FFFF.
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    let length: Int
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if first == 0xE0 { low = 0xA0 }
      if first == 0xED { high = 0x9F }
    case 0xF0...0xF4:
      length = 4
      if first == 0xF0 { low = 0x90 }
      if first == 0xF4 { high = 0x8F }
    default: return 0
    }
    guard rest >= length - 1, text[at + 1] >= low, text[at + 1] <= high else { return 0 }
    for follower in 2..<max(length, 2) where text[at + follower] & 0xC0 != 0x80 { return 0 }
    return length
  }
}

/// A JSON string that may have come from anyone (RFC 8259 section 7).
///
/// - Parameters:
///   - ceiling: bytes of `text` that are looked at; the rest is cut off between two characters.
///   - writtenCeiling: bytes written between the quotes, so that escapes can't multiply a line's length.
package func jsonString(
  _ text: Span<UInt8>, ceiling: Int = .max, writtenCeiling: Int = .max, into out: inout ByteQueue
) {
  out.append(ASCII.quote)
  let start = out.count
  var at = 0
  while at < text.count {
    // What needs no look goes out in one piece.
    let room = min(ceiling &- at, writtenCeiling &- 6 &- (out.count &- start) &+ 1)
    let plain = min(text.plainTextEnd(from: at), at &+ max(room, 0))
    if plain > at {
      out.append(text.extracting(at..<plain))
      at = plain
      continue
    }
    let length = UTF8Form.length(of: text, at: at)
    // The longest form of one character is an escape of six bytes.
    guard at + max(length, 1) <= ceiling, out.count - start <= writtenCeiling - 6 else { break }
    switch text[at] {
    case _ where length == 0: out.append(UTF8Form.replacement)
    case ASCII.quote: out.append("\\\"")
    case ASCII.backslash: out.append("\\\\")
    case ASCII.lf: out.append("\\n")
    case ASCII.cr: out.append("\\r")
    case ASCII.tab: out.append("\\t")
    case let byte where byte < 0x20 || byte == 0x7F:
      out.append(byte < 0x10 ? "\\u000" : "\\u00")
      out.append(hexadecimal: Int(byte))
    default: out.append(text.extracting(at..<at + length))
    }
    at += max(length, 1)
  }
  out.append(ASCII.quote)
}

extension ByteQueue {
  /// Appends `value` / 10^`places` exactly, without trailing zeros; what is below zero is written as 0.
  package mutating func append(_ value: Int, places: Int) {
    var scale = 1
    for _ in 0..<min(places, 18) { scale *= 10 }
    let (whole, fraction) = max(value, 0).quotientAndRemainder(dividingBy: scale)
    append(decimal: whole)
    if fraction == 0 { return }
    append(UInt8(ascii: "."))
    var (rest, places) = (fraction, min(places, 18))
    while rest % 10 == 0 {
      rest /= 10
      places -= 1
    }
    append(rest, digits: places)
  }

  /// Appends a time span or an instant in seconds.
  mutating func append(seconds nanoseconds: Int) { append(nanoseconds, places: 9) }

  /// Appends `value` with zeros in front, `digits` of them in all: 1 to 24.
  fileprivate mutating func append(_ value: Int, digits: Int) {
    if digits > 8 {
      append(value / 100_000_000, digits: digits - 8)
      append(UInt32(truncatingIfNeeded: value % 100_000_000), digits: 8)
    } else {
      append(UInt32(truncatingIfNeeded: value), digits: digits)
    }
  }
}

/// RFC 3339 in UTC with milliseconds: `2026-02-28T23:59:59.999Z`. Years 1970 to 9999; what lies outside is
/// written as the nearer end.
package func appendTimestamp(unixNanoseconds: Int, into out: inout ByteQueue) {
  // 9999-12-31T23:59:59.999 is beyond a 64-bit count of nanoseconds, so only the lower end needs a check.
  let milliseconds = max(unixNanoseconds, 0) / 1_000_000
  appendSecond(milliseconds / 1000, into: &out)
  out.append(milliseconds % 1000, digits: 3)
  out.append(UInt8(ascii: "Z"))
}

/// What stands before the milliseconds: `2026-02-28T23:59:59.`
func appendSecond(_ unixSeconds: Int, into out: inout ByteQueue) {
  let (days, inDay) = unixSeconds.quotientAndRemainder(dividingBy: 86400)
  let date = CivilDate(daysSinceEpoch: days)
  out.append(date.year, digits: 4)
  out.append(UInt8(ascii: "-"))
  out.append(date.month, digits: 2)
  out.append(UInt8(ascii: "-"))
  out.append(date.day, digits: 2)
  out.append(UInt8(ascii: "T"))
  out.append(inDay / 3600, digits: 2)
  out.append(ASCII.colon)
  out.append(inDay / 60 % 60, digits: 2)
  out.append(ASCII.colon)
  out.append(inDay % 60, digits: 2)
  out.append(UInt8(ascii: "."))
}
