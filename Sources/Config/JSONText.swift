// Indented JSON, for the few pages that people read.

internal import Wire

/// Appends JSON, one member a line. The caller opens and closes in pairs.
struct JSONText {
  private(set) var text = ""
  private var depth = 0
  private var isFirst = true

  private mutating func begin(_ name: String?) {
    if depth > 0 {
      text += isFirst ? "\n" : ",\n"
      text += String(repeating: "  ", count: depth)
    }
    isFirst = false
    guard let name else { return }
    YAMLValue.writeJSON(name, to: &text)
    text += ": "
  }

  mutating func open(_ bracket: String, _ name: String? = nil) {
    begin(name)
    text += bracket
    depth += 1
    isFirst = true
  }

  mutating func close(_ bracket: String) {
    depth -= 1
    if !isFirst { text += "\n" + String(repeating: "  ", count: depth) }
    text += bracket
    isFirst = false
  }

  mutating func member(_ name: String? = nil, _ value: String?) {
    begin(name)
    if let value { YAMLValue.writeJSON(value, to: &text) } else { text += "null" }
  }

  mutating func member(_ name: String, _ value: Bool) {
    begin(name)
    text += value ? "true" : "false"
  }

  mutating func member(_ name: String, _ value: Int) {
    begin(name)
    text += String(value)
  }

  mutating func member(_ name: String, _ value: Double) {
    begin(name)
    text += value.description
  }

  /// - Parameter number: a number as JSON writes it.
  mutating func member(_ name: String, number: String) {
    begin(name)
    text += number
  }

  mutating func member(_ name: String, _ values: [String]) {
    begin(name)
    text += "["
    for (index, value) in values.enumerated() {
      if index > 0 { text += ", " }
      YAMLValue.writeJSON(value, to: &text)
    }
    text += "]"
  }
}
