// Anchors, aliases and tags: kept beside the value they stand before. An alias leads to what has its anchor, and nothing
// is expanded.

internal import Wire

/// What may stand before a value: `&name`, `!tag`.
struct Properties {
  var start: Int?
  var anchor: Int?
  var hasTag = false
}

extension ManifestReader {
  func made(
    _ kind: ManifestNode.Kind, _ properties: Properties, content: Int, end: Int, isFlow: Bool = false,
    column: Int = 0
  ) -> ManifestNode {
    ManifestNode(
      kind: kind, start: properties.start ?? content, content: content, end: end, isFlow: isFlow,
      column: column,
      anchor: properties.anchor, hasTag: properties.hasTag)
  }

  func null(_ properties: Properties) -> ManifestNode {
    made(.null, properties, content: at, end: at)
  }

  /// Remembers `node` under its anchor, for aliases that follow.
  mutating func keep(_ node: ManifestNode) -> ManifestNode {
    guard let number = node.anchor, number < anchorNames.count else { return node }
    let name = anchorNames[number]
    // Another value may have taken the name inside of this one.
    if anchors[name]?.number == number { anchors[name]?.node = node }
    return node
  }

  /// Reads `&name` and `!tag`, in either order, and the blanks behind them.
  mutating func properties() throws(ManifestFault) -> Properties {
    var found = Properties()
    while peek() == UInt8(ascii: "&") || peek() == UInt8(ascii: "!") {
      let start = at
      let isAnchor = peek() == UInt8(ascii: "&")
      guard isAnchor ? found.anchor == nil : !found.hasTag else { throw fault(.repeatedProperty) }
      at += 1
      if !isAnchor, peek() == UInt8(ascii: "<") {
        // A verbatim tag (YAML 1.2 section 6.8.2) may hold any sign of a URI.
        while !atLineEnd, peek() != UInt8(ascii: ">") { at += 1 }
      }
      let isInFlow = { (byte: UInt8) in isAnchor || byte != UInt8(ascii: "!") }
      while !endsWord(peek()), !(isFlowIndicator(peek()) && isInFlow(peek())) { at += 1 }
      if isAnchor {
        guard at > start + 1 else { throw fault(.anchor, at: start) }
        let name = String(decoding: bytes[start + 1..<at], as: UTF8.self)
        anchors[name] = (anchorCount, start..<at, nil)
        anchorNames.append(name)
        found.anchor = anchorCount
        anchorCount += 1
      } else {
        found.hasTag = true
      }
      if found.start == nil { found.start = start }
      skipBlanks()
    }
    return found
  }

  /// Reads `*name`.
  mutating func alias() throws(ManifestFault) -> ManifestNode {
    let start = at
    at += 1
    while !endsWord(peek()), !isFlowIndicator(peek()) { at += 1 }
    let name = String(decoding: bytes[start + 1..<at], as: UTF8.self)
    // What isn't read to its end yet would hold itself.
    guard let anchor = anchors[name], let node = anchor.node else {
      throw fault(.unknownAlias(name), at: start)
    }
    if shared[anchor.number] == nil { shared[anchor.number] = (anchor.place, start) }
    return made(.alias(node), Properties(), content: start, end: at)
  }

  static func joined(_ outer: Properties, _ inner: Properties) -> Properties? {
    if outer.anchor != nil, inner.anchor != nil { return nil }
    if outer.hasTag, inner.hasTag { return nil }
    return Properties(
      start: outer.start ?? inner.start, anchor: outer.anchor ?? inner.anchor,
      hasTag: outer.hasTag || inner.hasTag)
  }
}
