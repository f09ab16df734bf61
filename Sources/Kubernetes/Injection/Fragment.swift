// What is put into a manifest: a small tree, written as YAML, as JSON, or compared with what is there already.

internal import Wire

/// A value of ours. Strings are always written in quotes and numbers in decimal, so that readers of YAML 1.1, of YAML
/// 1.2 and of JSON understand the same.
package indirect enum Fragment: Sendable, Equatable {
  case text(String)
  case number(Int)
  case flag(Bool)
  case list([Fragment])
  case map([Member])

  package struct Member: Sendable, Equatable {
    package let key: String
    package let value: Fragment
  }

  static func map(_ members: KeyValuePairs<String, Fragment?>) -> Fragment {
    .map(members.compactMap { key, value in value.map { Member(key: key, value: $0) } })
  }

  /// `name: value` of a container's variables.
  static func variable(_ name: String, _ value: String) -> Fragment {
    .map(["name": .text(name), "value": .text(value)])
  }

  subscript(key: String) -> Fragment? {
    guard case .map(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }
}

extension Fragment {
  /// JSON on one line, as it may also stand in YAML between brackets.
  package var json: String {
    var text = ""
    write(to: &text, separator: ", ", colon: ": ")
    return text
  }

  /// JSON without a blank.
  package var compactJSON: String {
    var text = ""
    write(to: &text, separator: ",", colon: ":")
    return text
  }

  private func write(to text: inout String, separator: String, colon: String) {
    switch self {
    case .text(let value): YAMLValue.writeJSON(value, to: &text)
    case .number(let value): text += String(value)
    case .flag(let value): text += value ? "true" : "false"
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += separator }
        item.write(to: &text, separator: separator, colon: colon)
      }
      text += "]"
    case .map(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += separator }
        YAMLValue.writeJSON(member.key, to: &text)
        text += colon
        member.value.write(to: &text, separator: separator, colon: colon)
      }
      text += "}"
    }
  }

  /// The lines of `key: …` in a block mapping at `column`; a list's items begin `indent` further.
  func entryLines(_ key: String, at column: Int, indent: Int) -> [String] {
    let blanks = String(repeating: " ", count: column)
    switch self {
    case .list(let items) where items.contains(where: \.isMap):
      return ["\(blanks)\(key):"] + items.flatMap { $0.itemLines(at: column + indent) }
    case .map(let members) where !members.isEmpty:
      return ["\(blanks)\(key):"]
        + members.flatMap { $0.value.entryLines($0.key, at: column + 2, indent: indent) }
    default:
      return ["\(blanks)\(key): \(inline)"]
    }
  }

  /// The lines of an item of a block list at `column`: its members a line each, and what they hold in brackets.
  func itemLines(at column: Int) -> [String] {
    let blanks = String(repeating: " ", count: column)
    guard case .map(let members) = self else { return ["\(blanks)- \(inline)"] }
    return members.enumerated().map { index, member in
      "\(blanks)\(index == 0 ? "- " : "  ")\(member.key): \(member.value.inline)"
    }
  }

  /// As JSON, but for a text with quotes in it, which is easier to read in single ones.
  private var inline: String {
    guard case .text(let value) = self, value.contains("\""),
      value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value < 0x7F && $0 != "\\" })
    else { return json }
    return "'" + value.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
  }

  private var isMap: Bool {
    if case .map = self { return true }
    return false
  }

  /// Whether `node` says all that this does; a cluster adds defaults of its own.
  func isWithin(_ node: ManifestNode?, _ text: ManifestText) -> Bool {
    guard let node = node?.target else { return false }
    switch self {
    case .text(let value): return text.text(node) == value
    case .number(let value): return text.integer(node) == value
    case .flag(let value): return text.isTrue(node) == value
    case .list(let items):
      let there = node.list
      return there.count == items.count && zip(items, there).allSatisfy { $0.isWithin($1, text) }
    case .map(let members): return members.allSatisfy { $0.value.isWithin(node[$0.key], text) }
    }
  }
}
