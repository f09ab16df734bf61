// Why a text is not JSON. The offset and the message go into the 400 that the client sees.

/// A text that is not JSON by RFC 8259, or that this house refuses to read in one of two ways.
package struct JSONFault: Error, Equatable, Sendable {
  /// Bytes from the start of the whole text to the first one that can't stand where it does; the text's
  /// length if it ends too early.
  package let offset: Int
  package let reason: Reason

  package init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  package enum Reason: UInt8, Sendable, CaseIterable {
    case emptyText
    case byteOrderMark
    case expectedValue
    case expectedKey
    case expectedKeyOrEnd
    case expectedColon
    case expectedCommaOrBrace
    case expectedCommaOrBracket
    case wrongLiteral
    case leadingZero
    case expectedDigit
    case controlCharacter
    case notUTF8
    case wrongEscape
    case wrongHexadecimal
    case tooDeep
    case trailingBytes
    case duplicateMember
    case endsInString
    case endsEarly

    /// What was found or expected, for people.
    package var message: StaticString {
      switch self {
      case .emptyText: "the text is empty"
      case .byteOrderMark: "a byte order mark is not allowed before JSON"
      case .expectedValue: "expected a value"
      case .expectedKey: "expected a member name in double quotes"
      case .expectedKeyOrEnd: "expected a member name in double quotes or '}'"
      case .expectedColon: "expected ':'"
      case .expectedCommaOrBrace: "expected ',' or '}'"
      case .expectedCommaOrBracket: "expected ',' or ']'"
      case .wrongLiteral: "expected true, false or null"
      case .leadingZero: "a number can't begin with 0 and another digit"
      case .expectedDigit: "expected a digit"
      case .controlCharacter: "unescaped control character in a string"
      case .notUTF8: "a string that is not UTF-8"
      case .wrongEscape: "unknown escape in a string"
      case .wrongHexadecimal: "expected four hexadecimal digits after \\u"
      case .tooDeep: "nesting deeper than 512"
      case .trailingBytes: "expected nothing after the value"
      case .duplicateMember: "duplicate member"
      case .endsInString: "the text ends inside a string"
      case .endsEarly: "the text ends too early"
      }
    }
  }
}
