// What single values say: numbers, Booleans and strings, read from their bytes when somebody asks.

/// Scalars other than strings. Ranges name a value's bytes in text that has been scanned.
package enum JSONValue {
  /// What kind of value a whole text is; nil where it is no JSON.
  package static func kind(of text: Span<UInt8>) -> JSONKind? {
    var scanner = JSONScanner()
    do throws(JSONFault) {
      try scanner.feed(text)
      try scanner.finish()
    } catch { return nil }
    return scanner.topLevelKind
  }

  /// The integer that the number says, in any of its spellings (`12`, `12.0`, `1.2e1`); nil if it is another
  /// kind of value, has a fraction or doesn't fit.
  package static func integer(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    let text = JSONBytes.slice(bytes, range)
    // Nearly all are a few digits.
    if let value = Self.short(text) { return value }
    guard let decimal = JSONDecimal(text), !decimal.isCut else { return nil }
    if decimal.digits == 0 { return 0 }
    guard decimal.exponent >= 0, decimal.exponent < 19 else { return nil }
    var magnitude = decimal.digits
    for _ in 0..<decimal.exponent {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      magnitude = product
    }
    if !decimal.isNegative { return Int(exactly: magnitude) }
    return magnitude == Int.min.magnitude ? Int.min : Int(exactly: magnitude).map { -$0 }
  }

  /// The number that fewer than nineteen bytes say, if all are digits.
  private static func short(_ text: Span<UInt8>) -> Int? {
    guard text.count > 0, text.count < 19 else { return nil }
    var value = 0
    for at in 0..<text.count {
      let digit = text[at] &- 0x30
      if digit > 9 { return nil }
      value = value &* 10 &+ Int(digit)
    }
    return value
  }

  /// The number as the nearest binary one; nil if it is another kind of value or too large.
  package static func double(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
    let text = JSONBytes.slice(bytes, range)
    guard let decimal = JSONDecimal(text) else { return nil }
    // Both factors are exact, so one rounding gives the nearest value; this holds for all but odd numbers.
    if !decimal.isCut, decimal.digits < 1 << 53, decimal.exponent >= -22, decimal.exponent <= 22 {
      var power = 1.0
      for _ in 0..<abs(decimal.exponent) { power *= 10 }
      let digits = Double(decimal.digits)
      let magnitude = decimal.exponent < 0 ? digits / power : digits * power
      return decimal.isNegative ? -magnitude : magnitude
    }
    guard let value = Double(text.text()), value.isFinite else { return nil }
    return value
  }

  /// The Boolean, or nil if it is another kind of value.
  package static func bool(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool? {
    let text = JSONBytes.slice(bytes, range)
    if text.equals("true") { return true }
    return text.equals("false") ? false : nil
  }

  /// Whether the value is `null`.
  package static func isNull(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    JSONBytes.slice(bytes, range).equals("null")
  }
}

/// A number as digits times a power of ten, without zeros at the end of the digits.
private struct JSONDecimal {
  var isNegative = false
  var digits: UInt64 = 0
  var exponent = 0
  /// Whether digits were lost because they are too many.
  var isCut = false

  init?(_ text: Span<UInt8>) {
    var at = 0
    if text.count > 0, text[0] == UInt8(ascii: "-") {
      isNegative = true
      at = 1
    }
    guard at < text.count, ASCII.isDigit(text[at]) else { return nil }
    // Zeros are held back until another digit shows that they count.
    var zeros = 0
    var isFraction = false
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
      } else if ASCII.isDigit(byte) {
        if isFraction { exponent &-= 1 }
        if byte == UInt8(ascii: "0") { zeros &+= 1 } else { add(byte &- 0x30, after: &zeros) }
      } else {
        break
      }
      at += 1
    }
    exponent &+= zeros
    if at == text.count { return }
    guard ASCII.lower(text[at]) == UInt8(ascii: "e"), addExponent(text, from: at + 1) else { return nil }
  }

  private mutating func add(_ digit: UInt8, after zeros: inout Int) {
    if digits != 0 {
      for _ in 0..<min(zeros, 20) { multiply() }
    }
    zeros = 0
    multiply()
    let (sum, overflow) = digits.addingReportingOverflow(UInt64(digit))
    digits = sum
    if overflow { isCut = true }
  }

  private mutating func multiply() {
    let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
    digits = product
    if overflow { isCut = true }
  }

  private mutating func addExponent(_ text: Span<UInt8>, from start: Int) -> Bool {
    var at = start
    var isMinus = false
    if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") {
      isMinus = text[at] == UInt8(ascii: "-")
      at += 1
    }
    guard at < text.count else { return false }
    var value = 0
    while at < text.count {
      guard ASCII.isDigit(text[at]) else { return false }
      // Far past what any type can hold, so that the sum can't overflow.
      value = min(value * 10 + Int(text[at] &- 0x30), 1 << 40)
      at += 1
    }
    exponent &+= isMinus ? -value : value
    return true
  }
}

/// Strings. A range may be a string value with its quotes, or what is between them, as keys are given.
package enum JSONString {
  /// Whether the string says `text`, however it is escaped.
  package static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    // SAFETY: a static string's bytes live as long as the program.
    let other = unsafe Span<UInt8>(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount)
    let content = content(bytes, range)
    // No escape is shorter than what it says, and at equal lengths there can be none.
    if content.count <= other.count { return content.equals(text) }
    var at = 0
    var matched = 0
    while at < content.count {
      if content[at] != ASCII.backslash {
        guard matched < other.count, content[at] == other[matched] else { return false }
        at += 1
        matched += 1
        continue
      }
      var units = UTF8Units(unescape(content, &at))
      while let unit = units.next() {
        guard matched < other.count, unit == other[matched] else { return false }
        matched += 1
      }
    }
    return matched == other.count
  }

  /// Appends what the string says, in UTF-8. A surrogate without its other half becomes U+FFFD; bytes that
  /// are not UTF-8 are passed on as they are.
  package static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>, into queue: inout ByteQueue) {
    let content = content(bytes, range)
    var at = 0
    while at < content.count {
      let start = at
      at = JSONBytes.plainEnd(content, from: at, limit: content.count)
      // Only a backslash ends a run in scanned text.
      while at < content.count, content[at] != ASCII.backslash { at += 1 }
      queue.append(content.extracting(start..<at))
      guard at < content.count else { return }
      var units = UTF8Units(unescape(content, &at))
      while let unit = units.next() { queue.append(unit) }
    }
  }

  /// What the string says, wrong UTF-8 replaced; off the hot path only.
  package static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    var queue = ByteQueue()
    decode(bytes, range, into: &queue)
    return queue.bytes.text()
  }

  /// The bytes between the quotes, still escaped.
  @_lifetime(copy bytes)
  package static func content(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Span<UInt8> {
    let text = JSONBytes.slice(bytes, range)
    // Content can't begin with a bare quote, so this one opens the string.
    guard text.count >= 2, text[0] == ASCII.quote else { return text }
    return text.extracting(1..<text.count - 1)
  }

  /// The scalar that the escape at `at` stands for; moves behind it (RFC 8259 section 7).
  private static func unescape(_ content: Span<UInt8>, _ at: inout Int) -> UInt32 {
    let replacement: UInt32 = 0xFFFD
    at += 1
    guard at < content.count else { return replacement }
    let byte = content[at]
    at += 1
    if let plain = JSONBytes.unescaped(byte) { return UInt32(plain) }
    guard byte == UInt8(ascii: "u"), let first = unit(content, at) else { return replacement }
    at += 4
    guard first & 0xF800 == 0xD800 else { return first }
    guard first < 0xDC00, at + 1 < content.count, content[at] == ASCII.backslash,
      content[at + 1] == UInt8(ascii: "u"), let second = unit(content, at + 2), second & 0xFC00 == 0xDC00
    else { return replacement }
    at += 6
    return 0x1_0000 + (first & 0x3FF) << 10 + second & 0x3FF
  }

  /// The UTF-16 unit that the four hexadecimal digits at `at` say.
  private static func unit(_ content: Span<UInt8>, _ at: Int) -> UInt32? {
    guard at + 4 <= content.count else { return nil }
    var value: UInt32 = 0
    for index in at..<at + 4 {
      guard let digit = ASCII.hexadecimal(content[index]) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}

/// The UTF-8 bytes of one scalar value, in order (RFC 3629 section 3).
private struct UTF8Units {
  private var packed: UInt32
  private var left: Int

  init(_ scalar: UInt32) {
    let low = 0x80 | scalar & 0x3F
    let second = 0x80 | scalar >> 6 & 0x3F
    let third = 0x80 | scalar >> 12 & 0x3F
    switch scalar {
    case 0..<0x80: (packed, left) = (scalar, 1)
    case 0x80..<0x800: (packed, left) = (0xC0 | scalar >> 6 | low << 8, 2)
    case 0x800..<0x1_0000: (packed, left) = (0xE0 | scalar >> 12 | second << 8 | low << 16, 3)
    default: (packed, left) = (0xF0 | scalar >> 18 & 7 | third << 8 | second << 16 | low << 24, 4)
    }
  }

  mutating func next() -> UInt8? {
    guard left > 0 else { return nil }
    left -= 1
    defer { packed >>= 8 }
    return UInt8(truncatingIfNeeded: packed)
  }
}
