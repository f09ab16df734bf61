// Texts: their places only. What they say is read when it is asked for (ManifestText.text).

internal import Wire

extension ManifestReader {
  // MARK: Plain

  /// Steps over a plain text, with its continuation lines: those indented deeper than `parent`.
  mutating func plain(parent: Int, isFlow: Bool, _ properties: Properties) -> ManifestNode {
    let start = at
    var end = at
    while true {
      end = plainLine(isFlow: isFlow)
      skipBlanks()
      guard isBreak(peek()), at < limit, continues(parent: parent, isFlow: isFlow) else { break }
    }
    return made(.scalar(.plain), properties, content: start, end: max(end, start))
  }

  /// Steps over the plain text on this line, and returns where it ends, without the blanks behind it.
  private mutating func plainLine(isFlow: Bool) -> Int {
    var end = at
    while !atLineEnd {
      let byte = peek()
      if isBlank(byte) {
        if peek(1) == UInt8(ascii: "#") { break }
        at += 1
        continue
      }
      if byte == ASCII.colon, endsWord(peek(1)) || (isFlow && isFlowIndicator(peek(1))) { break }
      if isFlow, isFlowIndicator(byte) { break }
      at += 1
      end = at
    }
    return end
  }

  /// Moves to the next line of a plain text, if there is one; else nothing is moved.
  private mutating func continues(parent: Int, isFlow: Bool) -> Bool {
    let (end, endLine) = (at, lineStart)
    var indent = 0
    repeat {
      newLine()
      while peek() == ASCII.space { at += 1 }
      indent = column
      skipBlanks()
    } while at < limit && isBreak(peek())
    let isOutside = !isFlow && indent <= parent
    if at >= limit || isOutside || peek() == UInt8(ascii: "#") || endsFlowText(isFlow) {
      (at, lineStart) = (end, endLine)
      return false
    }
    return true
  }

  private func endsFlowText(_ isFlow: Bool) -> Bool {
    guard isFlow else { return false }
    if isFlowIndicator(peek()) { return true }
    return peek() == ASCII.colon && (endsWord(peek(1)) || isFlowIndicator(peek(1)))
  }

  // MARK: Quoted

  /// Steps over the quoted text that begins here.
  mutating func quoted(_ properties: Properties) throws(ManifestFault) -> ManifestNode {
    let start = at
    let quote = peek()
    let isDouble = quote == ASCII.quote
    at += 1
    while true {
      if at >= limit { throw fault(.unclosed(quote), at: start) }
      let byte = peek()
      if byte == quote {
        at += 1
        if isDouble || peek() != quote { break }
        at += 1
      } else if isDouble, byte == ASCII.backslash {
        try escape()
      } else if isBreak(byte) {
        newLine()
      } else {
        at += 1
      }
    }
    return made(.scalar(isDouble ? .double : .single), properties, content: start, end: at)
  }

  /// Steps over one escape of a double-quoted text (YAML 1.2 section 5.7).
  private mutating func escape() throws(ManifestFault) {
    let start = at
    let byte = peek(1)
    if isBreak(byte), at + 1 < limit {
      at += 1
      return newLine()
    }
    at += 2
    let digits: Int
    switch byte {
    case UInt8(ascii: "x"): digits = 2
    case UInt8(ascii: "u"): digits = 4
    case UInt8(ascii: "U"): digits = 8
    case UInt8(ascii: "0"), UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "t"), ASCII.tab,
      UInt8(ascii: "n"),
      UInt8(ascii: "v"), UInt8(ascii: "f"), UInt8(ascii: "r"), UInt8(ascii: "e"), ASCII.space, ASCII.quote,
      UInt8(ascii: "/"), ASCII.backslash, UInt8(ascii: "N"), UInt8(ascii: "_"), UInt8(ascii: "L"),
      UInt8(ascii: "P"):
      digits = 0
    default: throw fault(.badEscape, at: start)
    }
    for _ in 0..<digits {
      guard ASCII.hexadecimal(peek()) != nil else { throw fault(.badEscape, at: start) }
      at += 1
    }
  }

  // MARK: Literal and folded

  /// Steps over `|` or `>`, its indicators, and the lines that are indented deeper than `parent`.
  mutating func blockScalar(parent: Int, _ properties: Properties) throws(ManifestFault) -> ManifestNode {
    let start = at
    let style: YAMLNode.Style = peek() == UInt8(ascii: ">") ? .folded : .literal
    at += 1
    var indent = try blockHeader().map { max(parent, 0) + $0 }
    var end = at
    skipBlanks()
    if peek() == UInt8(ascii: "#"), at == end { throw fault(.badBlockHeader) }
    skipComment()
    guard atLineEnd else { throw fault(.badBlockHeader) }
    while at < limit {
      let (lineEnd, line) = (at, lineStart)
      newLine()
      var spaces = 0
      while peek() == ASCII.space, spaces < indent ?? Int.max {
        at += 1
        spaces += 1
      }
      if atLineEnd { continue }
      if indent == nil, spaces > max(parent, 0) || (parent < 0 && spaces > 0) { indent = spaces }
      guard let indent, spaces >= indent else {
        (at, lineStart) = (lineEnd, line)
        break
      }
      while !atLineEnd { at += 1 }
      end = at
    }
    return keep(made(.scalar(style), properties, content: start, end: end))
  }

  /// Reads a digit and a sign, in either order.
  private mutating func blockHeader() throws(ManifestFault) -> Int? {
    var indicator: Int?
    var hasSign = false
    while !endsWord(peek()) {
      let byte = peek()
      if !hasSign, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
        hasSign = true
      } else if indicator == nil, ASCII.isDigit(byte), byte != UInt8(ascii: "0") {
        indicator = Int(byte - UInt8(ascii: "0"))
      } else {
        throw fault(.badBlockHeader)
      }
      at += 1
    }
    return indicator
  }
}
