// What a person wrote in YAML or JSON, with the place of every value.
//
// A plain scalar keeps its text; its type is decided when it is asked for, by the core schema of YAML 1.2
// (section 10.3). So `yes`, `on` and `010` are what 1.2 says: two strings and the number ten.
// Next: YAMLParser.swift, which makes these.

/// A place in a text: lines and columns count from 1, columns in characters (Unicode scalars).
package struct Position: Sendable, Hashable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A value and where it begins.
package struct YAMLNode: Sendable, Equatable {
  package enum Style: Sendable, Equatable {
    case plain, single, double, literal, folded
  }

  package enum Kind: Sendable, Equatable {
    /// Nothing was written: an empty value, or an empty document.
    case null
    /// The text after unfolding and unescaping.
    case scalar(String, Style)
    case sequence([YAMLNode])
    /// In the order of the text; no key occurs twice.
    case mapping([YAMLEntry])
  }

  package let kind: Kind
  package let position: Position

  package init(_ kind: Kind, at position: Position) {
    self.kind = kind
    self.position = position
  }
}

/// One key of a mapping and its value.
package struct YAMLEntry: Sendable, Equatable {
  package let key: String
  package let keyPosition: Position
  package let value: YAMLNode

  package init(key: String, keyPosition: Position, value: YAMLNode) {
    self.key = key
    self.keyPosition = keyPosition
    self.value = value
  }
}

/// What a scalar is under the core schema.
package enum YAMLValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  /// Also an integer that doesn't fit 64 bits.
  case float(Double)
  case string(String)
}

extension YAMLNode {
  /// The value of a mapping's key, or nil.
  package subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = kind else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// A scalar's type and value by the core schema; nil for a collection.
  package var value: YAMLValue? {
    switch kind {
    case .null: .null
    case .scalar(let text, .plain): YAMLValue(plain: text)
    case .scalar(let text, _): .string(text)
    case .sequence, .mapping: nil
    }
  }

  /// Whether nothing, `~` or `null` was written.
  package var isNull: Bool { value == .null }
}

extension YAMLValue {
  /// Types a plain scalar: YAML 1.2 section 10.3.2, table of tag resolution.
  package init(plain text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .bool(true)
    case "false", "False", "FALSE": self = .bool(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .float(-.infinity)
    case ".nan", ".NaN", ".NAN": self = .float(.nan)
    default: self = Self.number(text) ?? .string(text)
    }
  }

  private static func number(_ text: String) -> YAMLValue? {
    var text = text
    return text.withUTF8 { bytes -> YAMLValue? in
      let span = unsafe Span(_unsafeElements: bytes)
      if span.count > 2, span[0] == 0x30, span[1] == UInt8(ascii: "x") || span[1] == UInt8(ascii: "o") {
        let radix = span[1] == UInt8(ascii: "x") ? 16 : 8
        return radixNumber(span.extracting(2..<span.count), radix: radix)
      }
      guard let isInteger = decimalForm(span) else { return nil }
      let text = span.text()
      if isInteger, let value = Int(text) { return .integer(value) }
      return Double(text).map { .float($0) }
    }
  }

  /// `0x` and `0o` numbers, which have no sign.
  private static func radixNumber(_ digits: Span<UInt8>, radix: Int) -> YAMLValue? {
    var value = 0
    var wide = 0.0
    var fits = true
    for at in 0..<digits.count {
      guard let digit = ASCII.hexadecimal(digits[at]), digit < radix else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(Int(digit))
      fits = fits && !overflow && !carry
      value = sum
      wide = wide * Double(radix) + Double(digit)
    }
    return fits ? .integer(value) : .float(wide)
  }

  /// True for an integer's form, false for a float's, nil for neither.
  private static func decimalForm(_ bytes: Span<UInt8>) -> Bool? {
    var at = 0
    func digits() -> Int {
      let start = at
      while at < bytes.count, ASCII.isDigit(bytes[at]) { at += 1 }
      return at - start
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
    let whole = digits()
    if at == bytes.count { return whole > 0 ? true : nil }
    var fraction = 0
    if bytes[at] == UInt8(ascii: ".") {
      at += 1
      fraction = digits()
    }
    guard whole + fraction > 0 else { return nil }
    if at < bytes.count, ASCII.lower(bytes[at]) == UInt8(ascii: "e") {
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
      guard digits() > 0 else { return nil }
    }
    return at == bytes.count ? false : nil
  }
}
