// JSON as a tree that keeps its tokens as they were written: what was recorded comes back with its numbers and its order.

internal import Wire

package indirect enum JSONTree: Sendable, Equatable {
  /// A number, `true`, `false` or `null`, as written.
  case literal([UInt8])
  /// A text as written, with its quotes.
  case text([UInt8])
  case array([JSONTree])
  case object([Member])

  package struct Member: Sendable, Equatable {
    /// As written, with its quotes.
    package var name: [UInt8]
    package var value: JSONTree

    package init(_ name: String, _ value: JSONTree) {
      self.name = JSONTree.quoted(name)
      self.value = value
    }

    init(token: [UInt8], _ value: JSONTree) {
      name = token
      self.value = value
    }

    package var key: String { JSONTree.decoded(name) }
  }

  /// More is refused, so that reading needs a bounded stack.
  private static let depthCeiling = 128

  package init(_ text: String) { self = .text(Self.quoted(text)) }
  package init(_ number: Int) { self = .literal(Array(String(number).utf8)) }

  /// Reads a whole JSON text; nil where it isn't one.
  package static func parse(_ bytes: [UInt8]) -> JSONTree? {
    var reader = Reader(bytes: bytes)
    guard let tree = reader.value(0) else { return nil }
    reader.skipBlanks()
    return reader.at == bytes.count ? tree : nil
  }

  static func quoted(_ text: String) -> [UInt8] {
    var result = ""
    YAMLValue.writeJSON(text, to: &result)
    return Array(result.utf8)
  }

  static func decoded(_ token: [UInt8]) -> String {
    guard token.count > 2 else { return "" }
    return JSONString.text(token.span, 0..<token.count)
  }

  // MARK: Looking

  package subscript(name: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == name }?.value
  }

  package var string: String? { if case .text(let token) = self { Self.decoded(token) } else { nil } }
  package var integer: Int? {
    if case .literal(let token) = self { Int(String(decoding: token, as: UTF8.self)) } else { nil }
  }
  package var items: [JSONTree] { if case .array(let items) = self { items } else { [] } }
  package var members: [Member] { if case .object(let members) = self { members } else { [] } }

  /// The same without a member of its own.
  package func without(_ name: String) -> JSONTree {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { $0.key != name })
  }

  // MARK: Writing

  /// Without white space.
  package var compact: [UInt8] {
    var out: [UInt8] = []
    write(into: &out)
    return out
  }

  private func write(into out: inout [UInt8]) {
    switch self {
    case .literal(let token), .text(let token): out += token
    case .array(let items):
      out.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { out.append(ASCII.comma) }
        item.write(into: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(ASCII.comma) }
        out += member.name
        out.append(ASCII.colon)
        member.value.write(into: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  /// Columns up to which a collection stands on one line.
  private static let width = 100

  /// For people and their version control: a member a line, short collections on one.
  package func pretty(indent: Int = 0, into out: inout [UInt8]) {
    let line = compact
    if line.count + indent <= Self.width { return spaced(into: &out) }
    let inner = [UInt8](repeating: ASCII.space, count: indent + 2)
    switch self {
    case .literal, .text: out += line
    case .array(let items):
      out.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        out += index == 0 ? [ASCII.lf] : [ASCII.comma, ASCII.lf]
        out += inner
        item.pretty(indent: indent + 2, into: &out)
      }
      out += [ASCII.lf] + inner.dropLast(2) + [UInt8(ascii: "]")]
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        out += index == 0 ? [ASCII.lf] : [ASCII.comma, ASCII.lf]
        out += inner + member.name + [ASCII.colon, ASCII.space]
        if member.key == "events" {
          member.value.lines(indent: indent + 4, into: &out)
        } else {
          member.value.pretty(indent: indent + 2, into: &out)
        }
      }
      out += [ASCII.lf] + inner.dropLast(2) + [UInt8(ascii: "}")]
    }
  }

  /// An item a line, however long: an event.
  private func lines(indent: Int, into out: inout [UInt8]) {
    out.append(UInt8(ascii: "["))
    for (index, item) in items.enumerated() {
      out += index == 0 ? [ASCII.lf] : [ASCII.comma, ASCII.lf]
      out += [UInt8](repeating: ASCII.space, count: indent)
      item.spaced(into: &out)
    }
    out.append(UInt8(ascii: "]"))
  }

  /// On one line, with a space behind commas and colons.
  private func spaced(into out: inout [UInt8]) {
    switch self {
    case .literal(let token), .text(let token): out += token
    case .array(let items):
      out.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { out += [ASCII.comma, ASCII.space] }
        item.spaced(into: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      if members.isEmpty {
        out += [UInt8(ascii: "{"), UInt8(ascii: "}")]
        return
      }
      out += [UInt8(ascii: "{"), ASCII.space]
      for (index, member) in members.enumerated() {
        if index > 0 { out += [ASCII.comma, ASCII.space] }
        out += member.name + [ASCII.colon, ASCII.space]
        member.value.spaced(into: &out)
      }
      out += [ASCII.space, UInt8(ascii: "}")]
    }
  }

  // MARK: Reading

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

    mutating func skipBlanks() {
      while at < bytes.count, [ASCII.space, ASCII.tab, ASCII.lf, ASCII.cr].contains(bytes[at]) { at += 1 }
    }

    mutating func value(_ depth: Int) -> JSONTree? {
      guard depth < JSONTree.depthCeiling else { return nil }
      skipBlanks()
      switch next {
      case UInt8(ascii: "{"): return object(depth)
      case UInt8(ascii: "["): return array(depth)
      case ASCII.quote: return token().map { .text($0) }
      default: return literal()
      }
    }

    /// A text with its quotes.
    mutating func token() -> [UInt8]? {
      guard next == ASCII.quote else { return nil }
      let start = at
      at += 1
      while at < bytes.count, bytes[at] != ASCII.quote {
        guard bytes[at] >= 0x20 else { return nil }
        at += bytes[at] == ASCII.backslash ? 2 : 1
      }
      guard at < bytes.count else { return nil }
      at += 1
      return Array(bytes[start..<at])
    }

    mutating func literal() -> JSONTree? {
      let start = at
      while at < bytes.count,
        ASCII.isNameByte(bytes[at]) || bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: ".")
      {
        at += 1
      }
      let text = Array(bytes[start..<at])
      switch String(decoding: text, as: UTF8.self) {
      case "true", "false", "null": return .literal(text)
      case let word:
        return Double(word) != nil && (ASCII.isDigit(text[0]) || text[0] == 0x2D) ? .literal(text) : nil
      }
    }

    mutating func array(_ depth: Int) -> JSONTree? {
      at += 1
      var items: [JSONTree] = []
      skipBlanks()
      if next == UInt8(ascii: "]") {
        at += 1
        return .array([])
      }
      while true {
        guard let item = value(depth + 1) else { return nil }
        items.append(item)
        guard let isLast = separator(UInt8(ascii: "]")) else { return nil }
        if isLast { return .array(items) }
      }
    }

    mutating func object(_ depth: Int) -> JSONTree? {
      at += 1
      var members: [Member] = []
      skipBlanks()
      if next == UInt8(ascii: "}") {
        at += 1
        return .object([])
      }
      while true {
        skipBlanks()
        guard let name = token() else { return nil }
        skipBlanks()
        guard next == ASCII.colon else { return nil }
        at += 1
        guard let item = value(depth + 1) else { return nil }
        members.append(Member(token: name, item))
        guard let isLast = separator(UInt8(ascii: "}")) else { return nil }
        if isLast { return .object(members) }
      }
    }

    /// Whether the collection ends here; nil where neither it does nor a comma comes.
    mutating func separator(_ end: UInt8) -> Bool? {
      skipBlanks()
      let byte = next
      at += 1
      return byte == end ? true : byte == ASCII.comma ? false : nil
    }
  }
}
