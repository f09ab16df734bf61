// The grammar of chunk extensions (RFC 9112 section 7.1.1). Nobody here wants them, but a parser that stops
// looking at the semicolon and one that honours quotes would find different line ends.

/// Where in the extensions of one size line a reader is: `*( ";" BWS name [ BWS "=" BWS value ] )`, each name a
/// token, each value a token or a quoted string.
enum ChunkExtension: Sendable {
  case start, name, nameBlank, valueStart, value, quoted, escape, quotedEnd, valueBlank

  /// Whether the line may end here.
  var mayEnd: Bool { self == .name || self == .value || self == .quotedEnd }

  /// Takes one byte behind a semicolon; false if it may not stand there.
  mutating func take(_ byte: UInt8) -> Bool {
    guard !Syntax.isControl(byte) else { return false }
    switch self {
    case .quoted:
      if byte == ASCII.quote { self = .quotedEnd } else if byte == ASCII.backslash { self = .escape }
    case .escape: self = .quoted
    case .start, .name:
      if Syntax.isToken(byte) { self = .name } else { return takeSeparator(byte) }
    case .valueStart, .value:
      if Syntax.isToken(byte) { self = .value } else { return takeSeparator(byte) }
    case .nameBlank, .quotedEnd, .valueBlank: return takeSeparator(byte)
    }
    return true
  }

  private mutating func takeSeparator(_ byte: UInt8) -> Bool {
    let isName = self == .name || self == .nameBlank
    let isValue = self == .value || self == .quotedEnd || self == .valueBlank
    switch byte {
    case ASCII.space, ASCII.tab:
      if isName { self = .nameBlank } else if isValue { self = .valueBlank }
    case UInt8(ascii: "="):
      guard isName else { return false }
      self = .valueStart
    case UInt8(ascii: ";"):
      guard isName || isValue else { return false }
      self = .start
    case ASCII.quote:
      guard self == .valueStart else { return false }
      self = .quoted
    default: return false
    }
    return true
  }
}
