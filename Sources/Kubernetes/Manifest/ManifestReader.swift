// Reads YAML that other people wrote, and with it JSON: everything that the API server takes, with the place of each
// value.
//
// Unlike the reader of configurations (Wire/YAML) it takes anchors, aliases, tags and merge keys, because manifests have
// them, and it keeps the bytes as they are: line breaks of any kind, comments, styles. Refused are keys that occur twice,
// tabs that indent, and collections as keys.
// This file has documents and block collections; ManifestFlow.swift what is in brackets, ManifestScalars.swift texts,
// ManifestProperties.swift anchors, aliases and tags.

package import Wire

/// A place in a text where reading failed, and why.
package struct ManifestFault: Error, Sendable {
  package let kind: YAMLFault.Kind
  package let offset: Int
}

/// A place in one document, and what to do there.
struct ManifestReader {
  /// The deepest nesting that is read. A definition of a custom resource has some sixty levels.
  static let depthCeiling = 256
  /// Keys of one mapping that are compared one by one; beyond, a set is made.
  private static let fewKeys = 16

  let bytes: [UInt8]
  /// Behind the document's last byte.
  let limit: Int
  var at: Int
  /// Where the line of `at` begins.
  var lineStart: Int
  private var depth = 0
  var anchorCount = 0
  var anchors: [String: (number: Int, place: Range<Int>, node: ManifestNode?)] = [:]
  var anchorNames: [String] = []
  var shared: [Int: (anchor: Range<Int>, alias: Int)] = [:]

  private init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    at = range.lowerBound
    lineStart = range.lowerBound
    limit = range.upperBound
  }

  /// Reads the document in `range` of checked text. It may stand behind its marker on the same line.
  static func read(_ bytes: [UInt8], _ range: Range<Int>) throws(ManifestFault) -> ManifestDocument {
    var reader = ManifestReader(bytes, range)
    let isBehindMarker = range.lowerBound > 0 && bytes[range.lowerBound - 1] == UInt8(ascii: "-")
    var roots: [ManifestNode] = []
    while true {
      reader.skipBlanks()
      let onMarkerLine =
        isBehindMarker && roots.isEmpty && !reader.atLineEnd && reader.peek() != UInt8(ascii: "#")
      guard try reader.nextContent() else { break }
      if let first = roots.first {
        let isJSON = first.isFlow && reader.peek() == UInt8(ascii: "{")
        guard isJSON else { throw reader.fault(reader.column == 0 ? .trailingContent : .badIndentation) }
      }
      roots.append(try reader.node(parent: -1, allowsBlock: !onMarkerLine, Properties()))
    }
    return ManifestDocument(roots: roots, shared: reader.shared)
  }

  // MARK: Looking

  func peek(_ ahead: Int = 0) -> UInt8 { at + ahead < limit ? bytes[at + ahead] : 0 }

  /// Bytes before `at` on its line: columns, where only spaces and dashes are before it.
  var column: Int { at - lineStart }

  func isBreak(_ byte: UInt8) -> Bool { byte == ASCII.lf || byte == ASCII.cr }
  func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
  func endsWord(_ byte: UInt8) -> Bool { isBlank(byte) || isBreak(byte) || byte == 0 }
  var atLineEnd: Bool { at >= limit || isBreak(peek()) }

  func isFlowIndicator(_ byte: UInt8) -> Bool {
    switch byte {
    case ASCII.comma, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
    default: false
    }
  }

  private var isDash: Bool { peek() == UInt8(ascii: "-") && endsWord(peek(1)) }
  var isExplicitKey: Bool { peek() == UInt8(ascii: "?") && endsWord(peek(1)) }
  /// Whether the `:` between a key and its value is here.
  private var isValueSign: Bool { peek() == ASCII.colon && endsWord(peek(1)) }

  func fault(_ kind: YAMLFault.Kind, at offset: Int? = nil) -> ManifestFault {
    ManifestFault(kind: kind, offset: offset ?? at)
  }

  mutating func enter() throws(ManifestFault) {
    depth += 1
    if depth > Self.depthCeiling { throw fault(.tooDeep(ceiling: Self.depthCeiling)) }
  }

  mutating func leave() { depth -= 1 }

  // MARK: Moving

  mutating func skipBlanks() {
    while isBlank(peek()) { at += 1 }
  }

  /// Steps over a line break.
  mutating func newLine() {
    at += peek() == ASCII.cr && peek(1) == ASCII.lf ? 2 : 1
    lineStart = at
  }

  mutating func skipComment() {
    guard peek() == UInt8(ascii: "#") else { return }
    while !atLineEnd { at += 1 }
  }

  /// Demands that nothing but blanks and a comment follow on this line.
  private mutating func finishLine() throws(ManifestFault) {
    let end = at
    skipBlanks()
    if peek() == UInt8(ascii: "#"), at == end, at > lineStart { throw fault(.commentNeedsSpace) }
    skipComment()
    if !atLineEnd { throw fault(.trailingContent) }
  }

  /// Moves to the next thing that is not a blank, a comment or a line break; false at the end of the document.
  private mutating func nextContent() throws(ManifestFault) -> Bool {
    while true {
      let indents = at == lineStart
      let start = at
      skipBlanks()
      skipComment()
      if at >= limit { return false }
      if isBreak(peek()) {
        newLine()
        continue
      }
      if indents, let tab = bytes[start..<at].firstIndex(of: ASCII.tab) { throw fault(.tab, at: tab) }
      return true
    }
  }

  // MARK: Block nodes

  /// Reads the node that begins here.
  ///
  /// - Parameters:
  ///   - parent: the column of the collection that holds it, -1 for a document's.
  ///   - allowsBlock: whether a block collection may begin here: not behind `key:` on the same line.
  ///   - isValue: whether it is a key's, so that a list may stand at the column of the key.
  ///   - outer: the properties that stood before it.
  private mutating func node(
    parent: Int, allowsBlock: Bool, isValue: Bool = false, _ outer: Properties
  ) throws(ManifestFault) -> ManifestNode {
    if isDash || isExplicitKey {
      guard allowsBlock else { throw fault(isDash ? .sequenceNotAllowed : .complexKey) }
      return keep(isDash ? try sequence(outer) : try mapping(outer, at: column, first: nil))
    }
    let (start, startColumn, startLine) = (at, column, lineStart)
    let inner = try properties()
    if inner.start != nil, atLineEnd || peek() == UInt8(ascii: "#") {
      // On a line of their own they are those of what follows.
      guard let both = Self.joined(outer, inner) else { throw fault(.repeatedProperty, at: start) }
      guard try nextContent(), belongs(to: parent, isValue: isValue) else { return keep(null(both)) }
      return try node(parent: isValue && column == parent ? parent - 1 : parent, allowsBlock: true, both)
    }
    let key = try keyOrValue(parent: parent, inner)
    skipBlanks()
    guard isValueSign else {
      if key.isFlow, peek() == ASCII.colon { throw fault(.complexKey, at: key.content) }
      guard let both = Self.joined(outer, inner) else { throw fault(.repeatedProperty, at: start) }
      if case .alias = key.kind, both.start != nil { throw fault(.repeatedProperty, at: start) }
      if case .scalar(.literal) = key.kind {
      } else if case .scalar(.folded) = key.kind {
      } else {
        at = key.end
        try finishLine()
      }
      return keep(made(key.kind, both, content: key.content, end: key.end, isFlow: key.isFlow))
    }
    guard allowsBlock, lineStart == startLine else { throw fault(.valueNotAllowed) }
    if bytes[startLine..<start].contains(ASCII.tab) { throw fault(.tab, at: startLine) }
    return keep(try mapping(outer, at: startColumn, first: key))
  }

  /// Reads what may be a key: an alias, a text, a collection in brackets.
  private mutating func keyOrValue(parent: Int, _ properties: Properties) throws(ManifestFault)
    -> ManifestNode
  {
    switch peek() {
    case UInt8(ascii: "*"): return try alias()
    case UInt8(ascii: "|"), UInt8(ascii: ">"): return try blockScalar(parent: parent, properties)
    case UInt8(ascii: "["), UInt8(ascii: "{"): return try flowCollection(properties)
    case ASCII.quote, UInt8(ascii: "'"): return keep(try quoted(properties))
    default:
      try refuseIndicator()
      return keep(plain(parent: parent, isFlow: false, properties))
    }
  }

  /// Refuses what a plain text can't begin with (YAML 1.2 section 7.3.3).
  private func refuseIndicator() throws(ManifestFault) {
    let byte = peek()
    switch byte {
    case UInt8(ascii: "%"): throw fault(column == 0 ? .directive : .reservedCharacter(byte))
    case UInt8(ascii: "@"), UInt8(ascii: "`"): throw fault(.reservedCharacter(byte))
    case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"): throw fault(.unexpected(byte))
    case ASCII.colon where endsWord(peek(1)): throw fault(.emptyKey)
    case UInt8(ascii: "-") where endsWord(peek(1)): throw fault(.sequenceNotAllowed)
    case UInt8(ascii: "?") where endsWord(peek(1)): throw fault(.complexKey)
    default: return
    }
  }

  /// Reads `- item` lines at this column.
  private mutating func sequence(_ properties: Properties) throws(ManifestFault) -> ManifestNode {
    try enter()
    let (start, indent) = (at, column)
    if let tab = bytes[lineStart..<at].firstIndex(of: ASCII.tab) { throw fault(.tab, at: tab) }
    var items: [ManifestNode] = []
    var end = at
    while true {
      end = at + 1
      at += 1
      let item = try child(of: indent, isItem: true)
      items.append(item)
      end = max(end, item.end)
      guard try nextContent(), column >= indent else { break }
      guard column == indent else { throw fault(.badIndentation) }
      guard isDash else { break }
    }
    leave()
    return made(.sequence(items), properties, content: start, end: end, column: indent)
  }

  /// Reads what follows a dash or a key's colon, on this line or the next ones.
  private mutating func child(of indent: Int, isItem: Bool) throws(ManifestFault) -> ManifestNode {
    skipBlanks()
    if !atLineEnd, peek() != UInt8(ascii: "#") {
      return try node(parent: indent, allowsBlock: isItem, isValue: !isItem, Properties())
    }
    let nothing = null(Properties())
    skipComment()
    guard try nextContent(), belongs(to: indent, isValue: !isItem) else { return nothing }
    return try node(
      parent: !isItem && column == indent ? indent - 1 : indent, allowsBlock: true, Properties())
  }

  /// Whether what is here is part of what stands at the column `parent`. A list may stand at the column of the key that
  /// holds it (YAML 1.2 section 8.2.1).
  private func belongs(to parent: Int, isValue: Bool) -> Bool {
    column > parent || (isValue && column == parent && isDash)
  }

  /// Reads `key: value` lines at a column; the first key is read already, and its `:` is next, or it is `? key`.
  private mutating func mapping(
    _ properties: Properties, at indent: Int, first: ManifestNode?
  ) throws(ManifestFault) -> ManifestNode {
    try enter()
    let start = first?.start ?? at
    var entries: [ManifestEntry] = []
    var seen = Set<String>()
    var key = first
    while true {
      let entry = try entry(of: indent, key)
      try append(entry, to: &entries, &seen)
      guard try nextContent(), column >= indent else { break }
      guard column == indent else { throw fault(.badIndentation) }
      if isDash { throw fault(.sequenceNotAllowed) }
      key = nil
      if isExplicitKey { continue }
      let (keyStart, line) = (at, lineStart)
      let inner = try self.properties()
      let next = try keyOrValue(parent: indent, inner)
      skipBlanks()
      guard isValueSign, lineStart == line else { throw fault(.missingColon, at: keyStart) }
      key = next
    }
    leave()
    let end = entries.last.map { max($0.end, $0.value.end) } ?? start
    return made(.mapping(entries), properties, content: start, end: end, column: indent)
  }

  /// Reads the value of `key`, whose `:` is here, or of the `? key` that is here.
  private mutating func entry(of indent: Int, _ key: ManifestNode?) throws(ManifestFault) -> ManifestEntry {
    if let key {
      at += 1
      return try makeEntry(key, try child(of: indent, isItem: false), isExplicit: false)
    }
    at += 1
    let key = try child(of: indent, isItem: true)
    guard try nextContent(), column == indent, isValueSign else {
      return try makeEntry(key, null(Properties()), isExplicit: true)
    }
    at += 1
    return try makeEntry(key, try child(of: indent, isItem: true), isExplicit: true)
  }

  /// - Parameter start: where the entry begins, if not with its key.
  func makeEntry(
    _ key: ManifestNode, _ value: ManifestNode, isExplicit: Bool, from start: Int? = nil
  ) throws(ManifestFault) -> ManifestEntry {
    guard case .scalar = key.target.kind, let text = ManifestText(bytes).text(key) else {
      throw fault(.complexKey, at: key.start)
    }
    return ManifestEntry(
      key: text, start: start ?? key.start, end: key.end, isExplicit: isExplicit, value: value)
  }

  /// Adds an entry whose key isn't there yet; `seen` is used where keys are many.
  func append(
    _ entry: ManifestEntry, to entries: inout [ManifestEntry], _ seen: inout Set<String>
  ) throws(ManifestFault) {
    let isThere: Bool
    if entries.count < Self.fewKeys {
      isThere = entries.contains { $0.key == entry.key }
    } else {
      if seen.isEmpty { for each in entries { seen.insert(each.key) } }
      isThere = !seen.insert(entry.key).inserted
    }
    if isThere, entry.key != "<<", let first = entries.first(where: { $0.key == entry.key }) {
      var lines = LineCounter(bytes)
      throw fault(.duplicateKey(entry.key, first: lines.position(first.start)), at: entry.start)
    }
    entries.append(entry)
  }
}
