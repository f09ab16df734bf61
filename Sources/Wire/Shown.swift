// Texts from outside, made fit for a line of a message: the one place where that is done.
//
// A name out of a file, an argument or a provider may hold anything: line breaks that make one message two, codes
// that steer a terminal, letters that can't be seen. All of them are shown as escapes, so that a message is one line
// and says what is there.

/// How messages show a text that somebody else wrote.
package enum Shown {
  /// Characters of a name or a value that a message shows: enough to find it by.
  package static let ceiling = 60
  /// Bytes of a path are as many as the kernel takes (PATH_MAX): half a path finds nothing.
  private static let pathCeiling = 4096
  /// Names of a list that a message shows before it says how many more there are.
  private static let listCeiling = 24

  /// At most `ceiling` characters of `text`, escaped.
  package static func text(_ text: some StringProtocol, ceiling: Int = Self.ceiling) -> String {
    Self.text(String(text), ceiling: ceiling)
  }

  /// The same, of a text that is no part of another: short and fit to be shown as it is, nearly always.
  package static func text(_ text: String, ceiling: Int = Self.ceiling) -> String {
    if text.utf8.count <= ceiling, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
    var result = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
      if index == ceiling { return result + "…" }
      write(scalar, to: &result)
    }
    return result
  }

  /// A path of the file system, escaped.
  package static func path(_ path: some StringProtocol) -> String { text(path, ceiling: pathCeiling) }

  /// All of a line, escaped: for what was made of shown texts already, and for what must not be cut.
  package static func line(_ line: some StringProtocol) -> String { text(line, ceiling: .max) }

  /// Names behind commas, each of them cut and escaped.
  package static func list(_ names: [String]) -> String {
    let shown = names.prefix(listCeiling).map { text($0) }.joined(separator: ", ")
    return names.count > listCeiling ? shown + " and \(names.count - listCeiling) more" : shown
  }

  private static func write(_ scalar: Unicode.Scalar, to result: inout String) {
    switch scalar {
    case " "..."~": result.unicodeScalars.append(scalar)
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    default:
      switch scalar.properties.generalCategory {
      // What breaks lines (U+0085, U+2028, U+2029), steers (C0, C1, bidirectional marks), or isn't seen.
      case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse, .unassigned:
        result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
