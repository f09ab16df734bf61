// YAML 1.2, the part of it that configurations need.
//
// Read: block and flow collections, the five scalar styles, comments, several documents, and JSON as it is.
// Refused by name: anchors, aliases, tags, merge keys, complex keys, directives, tabs that indent, and keys
// that occur twice. What is read means what YAML 1.2 says it means; where common readers differ, it is
// refused.
//
// This file has documents and block collections; YAMLFlow.swift has flow collections, YAMLScalars.swift and
// YAMLBlockScalar.swift the texts. The parser descends recursively, at most `depthCeiling` levels.

extension YAMLNode {
  /// The largest text that is read, in bytes: as much as a Kubernetes ConfigMap can hold.
  package static let sizeCeiling = 1 << 20
  /// The deepest nesting of collections; a configuration needs eight.
  package static let depthCeiling = 64

  /// Reads a text that holds at most one document; an empty one is null.
  package static func parse(_ text: Span<UInt8>) throws(YAMLFault) -> YAMLNode {
    let documents = try parseAll(text)
    if documents.count > 1 { throw YAMLFault(.severalDocuments, at: documents[1].position) }
    return documents.first ?? YAMLNode(.null, at: Position(line: 1, column: 1))
  }

  /// Reads every document of a text, in order; an empty text has none.
  package static func parseAll(_ text: Span<UInt8>) throws(YAMLFault) -> [YAMLNode] {
    var parser = YAMLParser(source: try YAMLSource(text, ceiling: sizeCeiling))
    return try parser.documents()
  }
}

/// A position in a text, and what to do there.
struct YAMLParser {
  var source: YAMLSource
  /// The offset of the next byte.
  var at = 0
  /// The offset at which the line of `at` begins.
  var lineStart = 0
  private var depth = 0

  init(source: YAMLSource) { self.source = source }

  // MARK: Looking

  var count: Int { source.bytes.count }

  /// The byte `ahead` of the next one; 0, which no checked text holds, at the end.
  func peek(_ ahead: Int = 0) -> UInt8 {
    at + ahead < count ? source.bytes[at + ahead] : 0
  }

  /// Spaces before `at`, if nothing but spaces and list dashes is before it.
  var column: Int { at - lineStart }

  func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
  /// Whether `byte` ends a word: a blank, a line break, or the end.
  func endsWord(_ byte: UInt8) -> Bool { isBlank(byte) || byte == ASCII.lf || byte == 0 }

  func isFlowIndicator(_ byte: UInt8) -> Bool {
    switch byte {
    case ASCII.comma, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
    default: false
    }
  }

  /// Whether `---` or `...` stands at `at`, which is the beginning of a line.
  var isMarker: Bool {
    guard column == 0, peek() == UInt8(ascii: "-") || peek() == UInt8(ascii: ".") else { return false }
    return peek(1) == peek() && peek(2) == peek() && endsWord(peek(3))
  }

  var isDash: Bool { peek() == UInt8(ascii: "-") && endsWord(peek(1)) }

  mutating func fault(_ kind: YAMLFault.Kind, at offset: Int? = nil) -> YAMLFault {
    YAMLFault(kind, at: source.position(of: offset ?? at))
  }

  mutating func null() -> YAMLNode { YAMLNode(.null, at: source.position(of: at)) }

  /// Counts one more level of nesting; `leave` follows.
  mutating func enter() throws(YAMLFault) {
    depth += 1
    if depth > YAMLNode.depthCeiling { throw fault(.tooDeep(ceiling: YAMLNode.depthCeiling)) }
  }

  mutating func leave() { depth -= 1 }

  // MARK: Moving

  mutating func skipBlanks() {
    while isBlank(peek()) { at += 1 }
  }

  /// Steps over a line break.
  mutating func newLine() {
    at += 1
    lineStart = at
  }

  /// Skips a comment up to its line break.
  mutating func skipComment() throws(YAMLFault) {
    guard peek() == UInt8(ascii: "#") else { return }
    if at > lineStart, !isBlank(source.bytes[at - 1]) { throw fault(.commentNeedsSpace) }
    while at < count, peek() != ASCII.lf { at += 1 }
  }

  /// Demands that nothing but blanks and a comment follow on this line.
  mutating func finishLine() throws(YAMLFault) {
    skipBlanks()
    try skipComment()
    guard at < count, peek() != ASCII.lf else { return }
    throw fault(isSlashComment ? .slashComment : peek() == ASCII.comma ? .trailingComma : .trailingContent)
  }

  /// Moves to the next thing that is not a blank, a comment or a line break.
  ///
  /// - Returns: false at the end of the document.
  mutating func nextContent() throws(YAMLFault) -> Bool {
    while true {
      if isMarker { return false }
      let indents = at == lineStart
      let start = at
      skipBlanks()
      try skipComment()
      if at >= count { return false }
      if peek() == ASCII.lf {
        newLine()
        continue
      }
      if indents, let tab = source.bytes[start..<at].firstIndex(of: ASCII.tab) { throw fault(.tab, at: tab) }
      return true
    }
  }

  // MARK: Documents

  mutating func documents() throws(YAMLFault) -> [YAMLNode] {
    var documents: [YAMLNode] = []
    while true {
      var hasContent = try nextContent()
      var isBehindMarker = false
      if !hasContent {
        if at >= count { return documents }
        let isStart = peek() == UInt8(ascii: "-")
        at += 3
        if !isStart {
          try finishLine()
          continue
        }
        isBehindMarker = true
        skipBlanks()
        try skipComment()
        if at >= count || peek() == ASCII.lf {
          isBehindMarker = false
          hasContent = try nextContent()
        } else {
          hasContent = true
        }
      }
      documents.append(hasContent ? try node(parent: -1, allowsBlock: !isBehindMarker) : null())
      if try nextContent() {
        throw fault(column == 0 ? .trailingContent : .badIndentation)
      }
    }
  }

  // MARK: Block nodes

  /// Reads the node that begins here.
  ///
  /// - Parameters:
  ///   - parent: the column of the collection that holds it, -1 for a document's.
  ///   - allowsBlock: whether a block collection may begin here: not behind `key:` on the same line.
  mutating func node(parent: Int, allowsBlock: Bool) throws(YAMLFault) -> YAMLNode {
    let position = source.position(of: at)
    if isDash {
      guard allowsBlock else { throw fault(.sequenceNotAllowed) }
      return try sequence(at: column)
    }
    switch peek() {
    case UInt8(ascii: "|"), UInt8(ascii: ">"):
      return try blockScalar(parent: parent, at: position)
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      let start = at
      let node = try flowCollection()
      skipBlanks()
      if peek() == ASCII.colon {
        throw fault(ASCII.isDigit(peek(1)) ? .bareIPv6 : .complexKey, at: start)
      }
      try finishLine()
      return node
    default:
      break
    }
    let start = at
    let startColumn = column
    let startLine = lineStart
    let scalar = try scalarOrKey(parent: parent)
    guard isValueSign else {
      try finishLine()
      return YAMLNode(.scalar(scalar.text, scalar.style), at: position)
    }
    guard allowsBlock, lineStart == startLine else {
      throw misplacedKey(behind: start, startLine, scalar.style, isValue: !allowsBlock)
    }
    return try mapping(at: startColumn, first: scalar, keyStart: start)
  }

  /// Why no `:` can stand here, behind a text that began at `start`.
  ///
  /// A text that goes on over lines ends at a `:` where a line is indented too deep, or where its first was a key.
  private mutating func misplacedKey(
    behind start: Int, _ startLine: Int, _ style: YAMLNode.Style, isValue: Bool
  ) -> YAMLFault {
    guard lineStart != startLine, style == .plain else { return fault(.valueNotAllowed) }
    guard isValue else { return fault(.missingColonAbove, at: start) }
    var text = lineStart
    while text < at, source.bytes[text] == ASCII.space { text += 1 }
    let line = source.position(of: start).line
    return fault(.indentedTooDeep(under: line), at: text)
  }

  /// Whether what begins a comment in other languages is here.
  var isSlashComment: Bool {
    peek() == UInt8(ascii: "/") && (peek(1) == UInt8(ascii: "/") || peek(1) == UInt8(ascii: "*"))
  }

  /// Whether the `:` between a key and its value is here.
  private var isValueSign: Bool { peek() == ASCII.colon && endsWord(peek(1)) }

  /// Reads a quoted or plain text, and skips the blanks behind it.
  private mutating func scalarOrKey(parent: Int) throws(YAMLFault) -> (text: String, style: YAMLNode.Style) {
    switch peek() {
    case ASCII.quote, UInt8(ascii: "'"):
      let scalar = try quoted()
      skipBlanks()
      if peek() == ASCII.colon, !endsWord(peek(1)) { throw fault(.missingSpaceAfterColon) }
      return scalar
    default:
      try refuseIndicator()
      return (try plain(parent: parent), .plain)
    }
  }

  /// Refuses what a plain text can't begin with in a block.
  private mutating func refuseIndicator() throws(YAMLFault) {
    let byte = peek()
    switch byte {
    case UInt8(ascii: "&"): throw fault(.anchor)
    case UInt8(ascii: "*"): throw fault(.alias)
    case UInt8(ascii: "!"): throw fault(.tag)
    case UInt8(ascii: "%"): throw fault(column == 0 ? .directive : .reservedCharacter(byte))
    case UInt8(ascii: "@"), UInt8(ascii: "`"): throw fault(.reservedCharacter(byte))
    case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"): throw fault(.unexpected(byte))
    case UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "["), UInt8(ascii: "{"): throw fault(.complexKey)
    case UInt8(ascii: "?") where endsWord(peek(1)): throw fault(.complexKey)
    case UInt8(ascii: "/") where isSlashComment: throw fault(.slashComment)
    case ASCII.colon where endsWord(peek(1)): throw fault(.emptyKey)
    default: return
    }
  }

  /// Reads `- item` lines at this column.
  private mutating func sequence(at indent: Int) throws(YAMLFault) -> YAMLNode {
    try enter()
    let position = source.position(of: at)
    var items: [YAMLNode] = []
    while true {
      at += 1
      items.append(try item(of: indent))
      guard try nextContent(), column >= indent else { break }
      guard column == indent else { throw fault(.badIndentation) }
      guard isDash else { break }
    }
    leave()
    return YAMLNode(.sequence(items), at: position)
  }

  private mutating func item(of indent: Int) throws(YAMLFault) -> YAMLNode {
    let blanks = at
    let nothing = null()
    skipBlanks()
    try skipComment()
    if at < count, peek() != ASCII.lf {
      if let tab = source.bytes[blanks..<at].firstIndex(of: ASCII.tab) { throw fault(.tab, at: tab) }
      return try node(parent: indent, allowsBlock: true)
    }
    guard try nextContent(), column > indent else { return nothing }
    return try node(parent: indent, allowsBlock: true)
  }

  /// Reads `key: value` lines at this column; the first key is read already, and its `:` is next.
  private mutating func mapping(
    at indent: Int, first: (text: String, style: YAMLNode.Style), keyStart: Int
  ) throws(YAMLFault) -> YAMLNode {
    try enter()
    var entries = YAMLEntries()
    var key = first
    var start = keyStart
    let position = source.position(of: start)
    while true {
      if at - start > YAMLEntries.keyCeiling {
        throw fault(.keyTooLong(ceiling: YAMLEntries.keyCeiling), at: start)
      }
      if key.style == .plain, key.text == "<<" { throw fault(.mergeKey, at: start) }
      let keyPosition = source.position(of: start)
      at += 1
      let value = try value(of: indent)
      try entries.append(key.text, at: keyPosition, value)
      guard try nextContent(), column >= indent else { break }
      guard column == indent else { throw fault(.badIndentation) }
      if isDash { throw fault(.sequenceNotAllowed) }
      start = at
      let line = lineStart
      key = try scalarOrKey(parent: indent)
      guard isValueSign, lineStart == line else {
        throw fault(
          isValueSign ? .missingColonAbove : Self.isTight(key) ? .missingSpaceAfterColon : .missingColon,
          at: start)
      }
    }
    leave()
    return YAMLNode(.mapping(entries.list), at: position)
  }

  /// Whether a text would be a key and its value with a space behind its first colon; `https://` wouldn't.
  private static func isTight(_ key: (text: String, style: YAMLNode.Style)) -> Bool {
    guard key.style == .plain, let colon = key.text.firstIndex(of: ":") else { return false }
    // `admin 127.0.0.1:4142` lacks the colon, and not the space.
    return colon > key.text.startIndex && !key.text[colon...].hasPrefix("://")
      && !key.text[..<colon].utf8.contains { $0 == ASCII.space || $0 == UInt8(ascii: "=") }
  }

  /// Reads what follows `key:`.
  private mutating func value(of indent: Int) throws(YAMLFault) -> YAMLNode {
    let nothing = null()
    skipBlanks()
    try skipComment()
    if at < count, peek() != ASCII.lf { return try node(parent: indent, allowsBlock: false) }
    guard try nextContent() else { return nothing }
    // YAML 1.2 section 8.2.1: a list may stand at the column of the key that holds it.
    if column > indent || (column == indent && isDash) { return try node(parent: indent, allowsBlock: true) }
    return nothing
  }
}

/// The entries of a mapping, none of them twice.
struct YAMLEntries {
  /// The longest key of a block mapping, in bytes: YAML 1.2 section 7.4.2 says 1024 characters.
  static let keyCeiling = 1024
  private(set) var list: [YAMLEntry] = []
  private var seen: [String: Position] = [:]

  mutating func append(_ key: String, at position: Position, _ value: YAMLNode) throws(YAMLFault) {
    if let first = seen.updateValue(position, forKey: key) {
      throw YAMLFault(.duplicateKey(key, first: first), at: position)
    }
    list.append(YAMLEntry(key: key, keyPosition: position, value: value))
  }
}
