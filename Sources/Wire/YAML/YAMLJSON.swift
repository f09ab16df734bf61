// A node as JSON, typed by the core schema, so that another reader's result can be compared with ours.

extension YAMLNode {
  /// This node as JSON text; infinities and not-a-number, which JSON lacks, become the strings `.inf`,
  /// `-.inf`, `.nan`.
  package func json() -> String {
    var text = ""
    writeJSON(to: &text)
    return text
  }

  private func writeJSON(to text: inout String) {
    switch kind {
    case .null: text += "null"
    case .scalar:
      if let value { value.writeJSON(to: &text) }
    case .sequence(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.writeJSON(to: &text)
      }
      text += "]"
    case .mapping(let entries):
      text += "{"
      for (index, entry) in entries.enumerated() {
        if index > 0 { text += "," }
        YAMLValue.writeJSON(entry.key, to: &text)
        text += ":"
        entry.value.writeJSON(to: &text)
      }
      text += "}"
    }
  }
}

extension YAMLValue {
  fileprivate func writeJSON(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .float(let value):
      if value.isNaN {
        text += "\".nan\""
      } else if value.isInfinite {
        text += value > 0 ? "\".inf\"" : "\"-.inf\""
      } else {
        text += value.description
      }
    case .string(let value): Self.writeJSON(value, to: &text)
    }
  }

  /// Appends `value` as a JSON string.
  package static func writeJSON(_ value: String, to text: inout String) {
    text += "\""
    // Nearly all texts need no escape.
    if value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != ASCII.quote && $0 != ASCII.backslash }) {
      text += value
      text += "\""
      return
    }
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
