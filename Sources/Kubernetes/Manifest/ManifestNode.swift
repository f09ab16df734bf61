// A manifest that somebody else wrote: what is where, byte by byte, so that text can be inserted without touching the
// rest.
//
// A scalar keeps its place and its style; what it says is read when somebody asks. Anchors, aliases and tags are
// properties that are kept: an alias is read through, and nothing is expanded.
// Next: ManifestReader.swift, which makes these.

package import Wire

/// A value and where it stands. All offsets are those of the text's bytes. A reference, because trees are walked by handing
/// values from hand to hand.
package final class ManifestNode: Sendable {
  package enum Kind: Sendable {
    /// Nothing was written.
    case null
    case scalar(YAMLNode.Style)
    case sequence([ManifestNode])
    /// In the order of the text; no key occurs twice, but for merge keys (`<<`).
    case mapping([ManifestEntry])
    /// `*name`, and what has that anchor.
    case alias(ManifestNode)
  }

  package let kind: Kind
  /// Where its anchor or tag begins, and without one its content.
  package let start: Int
  /// Where its content begins: the bracket, the first key or dash, the text.
  package let content: Int
  /// Behind the last byte of its content.
  package let end: Int
  /// Whether it is a collection in brackets.
  package let isFlow: Bool
  /// The bytes before a block collection's keys or dashes on their lines.
  package let column: Int
  /// The number of its anchor in its document.
  package let anchor: Int?
  package let hasTag: Bool

  package init(
    kind: Kind, start: Int, content: Int, end: Int, isFlow: Bool, column: Int, anchor: Int?, hasTag: Bool
  ) {
    self.kind = kind
    self.start = start
    self.content = content
    self.end = end
    self.isFlow = isFlow
    self.column = column
    self.anchor = anchor
    self.hasTag = hasTag
  }
}

/// One key of a mapping and its value.
package struct ManifestEntry: Sendable {
  package let key: String
  /// Where the key begins, its anchor or tag included.
  package let start: Int
  /// Behind the key's last byte.
  package let end: Int
  /// Whether the key is written as `? key`.
  package let isExplicit: Bool
  package let value: ManifestNode
}

/// What stands between two document markers.
package struct ManifestDocument: Sendable {
  /// Mostly one. JSON objects that follow each other without a marker are several, as kubectl reads them.
  package let roots: [ManifestNode]
  /// Anchors that an alias names, by number: where they are written, and the first such alias.
  package let shared: [Int: (anchor: Range<Int>, alias: Int)]
}

extension ManifestNode {
  /// What it is behind all aliases.
  package var target: ManifestNode {
    if case .alias(let target) = kind { return target.target }
    return self
  }

  package var entries: [ManifestEntry]? {
    if case .mapping(let entries) = kind { return entries }
    return nil
  }

  package var items: [ManifestNode]? {
    if case .sequence(let items) = kind { return items }
    return nil
  }

  package func entry(_ key: String) -> ManifestEntry? { entries?.first { $0.key == key } }

  /// The value of a mapping's key, read through aliases.
  package subscript(key: String) -> ManifestNode? { target.entry(key)?.value.target }

  package func at(_ path: String...) -> ManifestNode? {
    var node: ManifestNode? = target
    for key in path { node = node?[key] }
    return node
  }

  /// A list's values, read through aliases; empty for anything else.
  package var list: [ManifestNode] { target.items?.map(\.target) ?? [] }
}

/// A text and its documents' values read from it.
package struct ManifestText: Sendable {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// What a scalar says; nil for a collection or nothing.
  package func text(_ node: ManifestNode?) -> String? {
    guard let node = node?.target, case .scalar(let style) = node.kind else { return nil }
    let slice = bytes[node.content..<node.end]
    if style == .plain, !slice.contains(where: Self.isBreak) { return String(decoding: slice, as: UTF8.self) }
    if style == .single || style == .double, slice.count >= 2 {
      let inside = slice.dropFirst().dropLast()
      let quote = style == .single ? UInt8(ascii: "'") : ASCII.backslash
      if !inside.contains(where: { $0 == quote || Self.isBreak($0) }) {
        return String(decoding: inside, as: UTF8.self)
      }
    }
    // Lines to fold, or escapes: by itself each style is a document that the strict reader knows.
    var alone = Array(slice)
    if style == .literal || style == .folded { alone.append(ASCII.lf) }
    guard let read = try? YAMLNode.parse(alone.span), case .scalar(let text, _) = read.kind else {
      return nil
    }
    return text
  }

  /// What a scalar says where the API server takes it for a text: quoted, or neither number, flag nor null.
  package func string(_ node: ManifestNode?) -> String? {
    guard let node = node?.target, let text = text(node) else { return nil }
    guard case .scalar(.plain) = node.kind else { return text }
    guard case .string = YAMLValue(plain: text), Self.flag(text) == nil else { return nil }
    return text
  }

  /// Whether a scalar is a flag that is set. The API server reads YAML 1.1 (yaml.org/type/bool.html): `yes` and `on`
  /// are, too.
  package func isTrue(_ node: ManifestNode?) -> Bool {
    guard let node = node?.target, case .scalar(.plain) = node.kind, let text = text(node) else {
      return false
    }
    return Self.flag(text) == true
  }

  package func integer(_ node: ManifestNode?) -> Int? {
    guard let node = node?.target, case .scalar(.plain) = node.kind, let text = text(node) else { return nil }
    if case .integer(let value) = YAMLValue(plain: text) { return value }
    return nil
  }

  /// Whether nothing, `~` or `null` is written.
  package func isNull(_ node: ManifestNode) -> Bool {
    if case .null = node.target.kind { return true }
    return isExplicitNull(node)
  }

  /// Whether `~` or `null` is written.
  package func isExplicitNull(_ node: ManifestNode) -> Bool {
    guard case .scalar(.plain) = node.target.kind, let text = text(node) else { return false }
    return YAMLValue(plain: text) == .null
  }

  private static func flag(_ text: String) -> Bool? {
    switch text {
    case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
    case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
    default: nil
    }
  }

  private static func isBreak(_ byte: UInt8) -> Bool { byte == ASCII.lf || byte == ASCII.cr }

  // MARK: Lines

  /// The offset of the line break that ends the line of `offset`, or the end of the text.
  package func lineEnd(_ offset: Int) -> Int {
    var at = offset
    while at < bytes.count, !Self.isBreak(bytes[at]) { at += 1 }
    return at
  }

  /// The offset at which the line of `offset` begins.
  package func lineStart(_ offset: Int) -> Int {
    var at = offset
    while at > 0, !Self.isBreak(bytes[at - 1]) { at -= 1 }
    return at
  }

  /// The line break that stands at `offset`; where the text ends, the first one of the text.
  package func lineBreak(_ offset: Int) -> [UInt8] {
    guard let at = offset < bytes.count ? offset : bytes.firstIndex(where: Self.isBreak) else {
      return [ASCII.lf]
    }
    if bytes[at] == ASCII.cr {
      return at + 1 < bytes.count && bytes[at + 1] == ASCII.lf ? [ASCII.cr, ASCII.lf] : [ASCII.cr]
    }
    return [ASCII.lf]
  }

  /// The bytes of the line break that ends before `offset`.
  package func breakBefore(_ offset: Int) -> Int {
    guard offset > 0, Self.isBreak(bytes[offset - 1]) else { return 0 }
    return offset > 1 && bytes[offset - 1] == ASCII.lf && bytes[offset - 2] == ASCII.cr ? 2 : 1
  }

  /// Whether nothing but blanks stands before `offset` on its line.
  package func beginsLine(_ offset: Int) -> Bool {
    bytes[lineStart(offset)..<offset].allSatisfy { $0 == ASCII.space || $0 == ASCII.tab }
  }

  package func isOneLine(_ range: Range<Int>) -> Bool { !bytes[range].contains(where: Self.isBreak) }
}

/// Turns offsets into lines and columns. Fast where they are asked for in order.
package struct LineCounter {
  private let bytes: [UInt8]
  private var at: Int
  private var line = 1
  private var column = 1

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    at = Self.origin(bytes)
  }

  private static func origin(_ bytes: [UInt8]) -> Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

  package mutating func position(_ offset: Int) -> Position {
    if offset < at { (at, line, column) = (Self.origin(bytes), 1, 1) }
    while at < offset, at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == ASCII.lf || (byte == ASCII.cr && !(at < bytes.count && bytes[at] == ASCII.lf)) {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        // A scalar is counted at its first byte.
        column += 1
      }
    }
    return Position(line: line, column: column)
  }
}
