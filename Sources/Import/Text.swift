// YAML as people write it: short collections on a line, comments above what they speak of.

internal import Wire

indirect enum Out {
  /// A text, in quotes where it would be read as something else.
  case text(String)
  /// A number, a duration, a word: as it stands.
  case word(String)
  /// `${NAME}` or `${NAME:-default}`.
  case variable(String, default: String?)
  case list([Out])
  case map([Member])

  struct Member {
    var key: String
    var value: Out
    /// Lines above it.
    var comments: [String] = []

    init(_ key: String, _ value: Out, comments: [String] = []) {
      self.key = key
      self.value = value
      self.comments = comments
    }
  }

  static func words(_ words: [String]) -> Out { .list(words.map { .text($0) }) }
}

struct TextWriter {
  private(set) var text = ""
  /// Collections that fit are written on one line.
  private static let width = 110

  mutating func line(_ line: String = "") { text += line + "\n" }

  mutating func comment(_ comment: String, indent: Int = 0) {
    line(String(repeating: " ", count: indent) + "# " + Shown.line(comment))
  }

  mutating func members(_ members: [Out.Member], indent: Int = 0) {
    for member in members {
      for each in member.comments { comment(each, indent: indent) }
      let start = String(repeating: " ", count: indent) + Self.scalar(member.key) + ":"
      value(member.value, behind: start, indent: indent)
    }
  }

  private mutating func value(_ value: Out, behind start: String, indent: Int) {
    let flow = Self.flow(value)
    if let flow, start.count + 1 + flow.count <= Self.width { return line(start + " " + flow) }
    switch value {
    case .map(let members):
      line(start)
      self.members(members, indent: indent + 2)
    case .list(let items):
      line(start)
      for item in items {
        let dash = String(repeating: " ", count: indent + 2) + "-"
        line(dash + " " + (Self.flow(item, comments: false) ?? "null"))
      }
    default: line(start + " " + (flow ?? "null"))
    }
  }

  /// A value on one line; nil where a comment stands in it.
  private static func flow(_ value: Out, comments: Bool = true) -> String? {
    switch value {
    case .text(let text): return scalar(text.replacing("${", with: "$${"))
    case .word(let word): return word
    case .variable(let name, let fallback):
      return quoted("${\(name)\(fallback.map { ":-\($0)" } ?? "")}")
    case .list(let items):
      let parts = items.map { flow($0, comments: comments) ?? "" }
      return items.count == parts.count ? "[\(parts.joined(separator: ", "))]" : nil
    case .map(let members):
      if members.isEmpty { return "{}" }
      var parts: [String] = []
      for member in members {
        if comments, !member.comments.isEmpty { return nil }
        guard let part = flow(member.value, comments: comments) else { return nil }
        parts.append("\(scalar(member.key)): \(part)")
      }
      return "{ \(parts.joined(separator: ", ")) }"
    }
  }

  /// A text as it is where nothing can read it as something else, and in quotes everywhere else.
  static func scalar(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
      ASCII.isNameByte($0)
        || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "@")].contains($0)
        || $0 == ASCII.colon
    }
    guard isPlain, let first = text.utf8.first, ASCII.isNameByte(first) || first == UInt8(ascii: "/"),
      first != UInt8(ascii: "-"),
      text.utf8.last != ASCII.colon, !text.hasPrefix("//"), YAMLValue(plain: text) == .string(text)
    else { return quoted(text) }
    return text
  }

  private static func quoted(_ text: String) -> String {
    var result = ""
    YAMLValue.writeJSON(text, to: &result)
    return result
  }
}
