// Flow collections: `[a, b]` and `{a: b}`, over one line or many, and with them JSON.

extension YAMLParser {
  /// Reads the collection whose bracket is here.
  mutating func flowCollection() throws(YAMLFault) -> YAMLNode {
    try enter()
    let node = peek() == UInt8(ascii: "[") ? try flowSequence() : try flowMapping()
    leave()
    return node
  }

  private mutating func flowSequence() throws(YAMLFault) -> YAMLNode {
    let start = at
    let position = source.position(of: start)
    var items: [YAMLNode] = []
    at += 1
    try skipFlowSpace(opened: start)
    while peek() != UInt8(ascii: "]") {
      items.append(try flowItem(opened: start))
      try separator(UInt8(ascii: "]"), opened: start)
    }
    at += 1
    return YAMLNode(.sequence(items), at: position)
  }

  /// An entry of a flow sequence: a node, or a mapping of one pair without braces (YAML 1.2 example 7.20).
  private mutating func flowItem(opened: Int) throws(YAMLFault) -> YAMLNode {
    let start = at
    let line = lineStart
    let node = try flowNode()
    skipBlanks()
    guard isFlowValueSign(after: node) else { return node }
    guard case .scalar(let key, let style) = node.kind else {
      throw fault(ASCII.isDigit(peek(1)) ? .bareIPv6 : .complexKey, at: start)
    }
    guard lineStart == line else { throw fault(.valueNotAllowed) }
    if style == .plain, key == "<<" { throw fault(.mergeKey, at: start) }
    try enter()
    let value = try flowValue(closing: UInt8(ascii: "]"), opened: opened)
    leave()
    return YAMLNode(
      .mapping([YAMLEntry(key: key, keyPosition: node.position, value: value)]), at: node.position)
  }

  private mutating func flowMapping() throws(YAMLFault) -> YAMLNode {
    let start = at
    let position = source.position(of: start)
    var entries = YAMLEntries()
    at += 1
    try skipFlowSpace(opened: start)
    while peek() != UInt8(ascii: "}") {
      let keyStart = at
      let key = try flowNode()
      guard case .scalar(let text, let style) = key.kind else { throw fault(.complexKey, at: keyStart) }
      if style == .plain, text == "<<" { throw fault(.mergeKey, at: keyStart) }
      try skipFlowSpace(opened: start)
      let hasValue = isFlowValueSign(after: key)
      let value = hasValue ? try flowValue(closing: UInt8(ascii: "}"), opened: start) : null()
      try entries.append(text, at: key.position, value)
      try separator(UInt8(ascii: "}"), opened: start)
    }
    at += 1
    return YAMLNode(.mapping(entries.list), at: position)
  }

  /// Whether a `:` that ends the key `node` is here; behind a quoted one no space is needed, as in JSON.
  private func isFlowValueSign(after node: YAMLNode) -> Bool {
    guard peek() == ASCII.colon else { return false }
    if case .scalar(_, .plain) = node.kind { return endsWord(peek(1)) || isFlowIndicator(peek(1)) }
    return true
  }

  /// Reads what follows the `:` that is here.
  private mutating func flowValue(closing: UInt8, opened: Int) throws(YAMLFault) -> YAMLNode {
    at += 1
    let nothing = null()
    try skipFlowSpace(opened: opened)
    if peek() == ASCII.comma || peek() == closing { return nothing }
    return try flowNode()
  }

  /// Demands a comma or the closing bracket, and moves to the next entry or to that bracket.
  private mutating func separator(_ closing: UInt8, opened: Int) throws(YAMLFault) {
    try skipFlowSpace(opened: opened)
    if peek() == closing { return }
    if peek() == ASCII.colon { throw fault(.valueNotAllowed) }
    if isSlashComment { throw fault(.slashComment) }
    guard peek() == ASCII.comma else { throw fault(.expectedSeparator(closing: closing)) }
    at += 1
    try skipFlowSpace(opened: opened)
    if peek() == ASCII.comma { throw fault(.unexpected(ASCII.comma)) }
  }

  /// Skips blanks, comments and line breaks inside a collection opened at `opened`.
  private mutating func skipFlowSpace(opened: Int) throws(YAMLFault) {
    while true {
      skipBlanks()
      try skipComment()
      if at >= count { throw fault(.unclosed(source.bytes[opened]), at: opened) }
      guard peek() == ASCII.lf else { return }
      newLine()
      if isMarker { throw fault(.markerInside) }
    }
  }

  private mutating func flowNode() throws(YAMLFault) -> YAMLNode {
    let position = source.position(of: at)
    switch peek() {
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      return try flowCollection()
    case ASCII.quote, UInt8(ascii: "'"):
      let scalar = try quoted()
      return YAMLNode(.scalar(scalar.text, scalar.style), at: position)
    default:
      try refuseFlowIndicator()
      return YAMLNode(.scalar(try plainInFlow(), .plain), at: position)
    }
  }

  /// Refuses what a plain text can't begin with inside a flow collection.
  ///
  /// Stricter than YAML 1.2 section 7.3.3: also a leading `?` or `:`, which common readers take for a key's
  /// sign.
  private mutating func refuseFlowIndicator() throws(YAMLFault) {
    let byte = peek()
    switch byte {
    case UInt8(ascii: "&"): throw fault(.anchor)
    case UInt8(ascii: "*"): throw fault(.alias)
    case UInt8(ascii: "!"): throw fault(.tag)
    case UInt8(ascii: "?"): throw fault(.complexKey)
    case ASCII.colon where peek(1) == ASCII.colon: throw fault(.bareIPv6)
    case ASCII.colon: throw fault(.emptyKey)
    case UInt8(ascii: "/") where isSlashComment: throw fault(.slashComment)
    case UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
      throw fault(.reservedCharacter(byte))
    case ASCII.comma, UInt8(ascii: "]"), UInt8(ascii: "}"): throw fault(.unexpected(byte))
    case UInt8(ascii: "-") where endsWord(peek(1)): throw fault(.sequenceNotAllowed)
    case UInt8(ascii: "-") where isFlowIndicator(peek(1)): throw fault(.reservedCharacter(byte))
    default: return
    }
  }
}
