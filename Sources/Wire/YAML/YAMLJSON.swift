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
    var value = value
    text += value.withUTF8 { bytes in
      let escapes = unsafe bytes.reduce(0) { $0 + (needsEscape($1) ? 1 : 0) }
      var written: [UInt8] = []
      written.reserveCapacity(bytes.count + 2 + 5 * escapes)
      written.append(ASCII.quote)
      if escapes == 0 {
        unsafe written.append(contentsOf: bytes)
      } else {
        unsafe escape(bytes, into: &written)
      }
      written.append(ASCII.quote)
      return String(decoding: written, as: UTF8.self)
    }
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7F || byte == ASCII.quote || byte == ASCII.backslash
  }

  private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, into text: inout [UInt8]) {
    for at in bytes.indices {
      let byte = unsafe bytes[at]
      guard needsEscape(byte) else {
        text.append(byte)
        continue
      }
      text.append(ASCII.backslash)
      switch byte {
      case ASCII.quote, ASCII.backslash: text.append(byte)
      case ASCII.lf: text.append(UInt8(ascii: "n"))
      case ASCII.cr: text.append(UInt8(ascii: "r"))
      case ASCII.tab: text.append(UInt8(ascii: "t"))
      default:
        let digits = String(byte, radix: 16)
        text.append(contentsOf: ("u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
      }
    }
  }
}
