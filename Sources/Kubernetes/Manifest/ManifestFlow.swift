// Collections in brackets, over one line or many, and with them JSON.

internal import Wire

extension ManifestReader {
  /// Reads the collection whose bracket is here.
  mutating func flowCollection(_ properties: Properties) throws(ManifestFault) -> ManifestNode {
    try enter()
    let start = at
    let isList = peek() == UInt8(ascii: "[")
    at += 1
    try skipFlowSpace(opened: start)
    let kind = isList ? try flowItems(opened: start) : try flowEntries(opened: start)
    at += 1
    leave()
    return keep(made(kind, properties, content: start, end: at, isFlow: true))
  }

  private mutating func flowItems(opened: Int) throws(ManifestFault) -> ManifestNode.Kind {
    var items: [ManifestNode] = []
    while peek() != UInt8(ascii: "]") {
      items.append(try flowItem(opened: opened))
      try separator(UInt8(ascii: "]"), opened: opened)
    }
    return .sequence(items)
  }

  /// An entry of a list: a node, or a mapping of one pair without braces (YAML 1.2 example 7.20).
  private mutating func flowItem(opened: Int) throws(ManifestFault) -> ManifestNode {
    let line = lineStart
    let node = try flowNode()
    let end = at
    skipBlanks()
    guard isFlowValueSign(after: node) else {
      at = end
      return node
    }
    guard lineStart == line else { throw fault(.valueNotAllowed) }
    try enter()
    let value = try flowValue(closing: UInt8(ascii: "]"), opened: opened)
    leave()
    let entry = try makeEntry(node, value, isExplicit: false)
    // Not a collection that anything could be put into: it has no braces.
    return made(.mapping([entry]), Properties(), content: node.start, end: max(value.end, end), isFlow: true)
  }

  private mutating func flowEntries(opened: Int) throws(ManifestFault) -> ManifestNode.Kind {
    var entries: [ManifestEntry] = []
    var seen = Set<String>()
    while peek() != UInt8(ascii: "}") {
      let start = at
      let isExplicit = isExplicitKey
      if isExplicit {
        at += 1
        try skipFlowSpace(opened: opened)
      }
      let key = try flowNode()
      try skipFlowSpace(opened: opened)
      let hasValue = isFlowValueSign(after: key)
      let value: ManifestNode
      if hasValue {
        value = try flowValue(closing: UInt8(ascii: "}"), opened: opened)
      } else {
        value = made(.null, Properties(), content: key.end, end: key.end)
      }
      let entry = try makeEntry(key, value, isExplicit: isExplicit, from: start)
      try append(entry, to: &entries, &seen)
      try separator(UInt8(ascii: "}"), opened: opened)
    }
    return .mapping(entries)
  }

  /// Whether a `:` that ends the key `node` is here; behind a quoted one no space is needed, as in JSON.
  private func isFlowValueSign(after node: ManifestNode) -> Bool {
    guard peek() == ASCII.colon else { return false }
    switch node.kind {
    case .scalar(.plain), .alias: return endsWord(peek(1)) || isFlowIndicator(peek(1))
    default: return true
    }
  }

  /// Reads what follows the `:` that is here.
  private mutating func flowValue(closing: UInt8, opened: Int) throws(ManifestFault) -> ManifestNode {
    at += 1
    let nothing = null(Properties())
    try skipFlowSpace(opened: opened)
    if peek() == ASCII.comma || peek() == closing { return nothing }
    return try flowNode()
  }

  /// Demands a comma or the closing bracket, and moves to the next entry or to that bracket.
  private mutating func separator(_ closing: UInt8, opened: Int) throws(ManifestFault) {
    try skipFlowSpace(opened: opened)
    if peek() == closing { return }
    if peek() == ASCII.colon { throw fault(.valueNotAllowed) }
    guard peek() == ASCII.comma else { throw fault(.expectedSeparator(closing: closing)) }
    at += 1
    try skipFlowSpace(opened: opened)
    if peek() == ASCII.comma { throw fault(.unexpected(ASCII.comma)) }
  }

  /// Skips blanks, comments and line breaks inside a collection opened at `opened`.
  private mutating func skipFlowSpace(opened: Int) throws(ManifestFault) {
    while true {
      skipBlanks()
      skipComment()
      if at >= limit { throw fault(.unclosed(bytes[opened]), at: opened) }
      guard isBreak(peek()) else { return }
      newLine()
    }
  }

  private mutating func flowNode() throws(ManifestFault) -> ManifestNode {
    let start = at
    let found = try properties()
    if found.start != nil, atLineEnd || peek() == UInt8(ascii: "#") { try skipFlowSpace(opened: start) }
    switch peek() {
    case UInt8(ascii: "*"):
      guard found.start == nil else { throw fault(.repeatedProperty, at: start) }
      return try alias()
    case UInt8(ascii: "["), UInt8(ascii: "{"): return try flowCollection(found)
    case ASCII.quote, UInt8(ascii: "'"): return keep(try quoted(found))
    case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"):
      guard found.start != nil else { throw fault(.unexpected(peek())) }
      return keep(null(found))
    default:
      try refuseFlowIndicator()
      return keep(plain(parent: -1, isFlow: true, found))
    }
  }

  /// Refuses what a plain text can't begin with inside of brackets.
  private func refuseFlowIndicator() throws(ManifestFault) {
    let byte = peek()
    switch byte {
    case UInt8(ascii: "?") where endsWord(peek(1)): throw fault(.complexKey)
    case ASCII.colon where endsWord(peek(1)) || isFlowIndicator(peek(1)): throw fault(.emptyKey)
    case UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
      throw fault(.reservedCharacter(byte))
    case UInt8(ascii: "-") where endsWord(peek(1)): throw fault(.sequenceNotAllowed)
    case UInt8(ascii: "-") where isFlowIndicator(peek(1)): throw fault(.reservedCharacter(byte))
    default: return
    }
  }
}
