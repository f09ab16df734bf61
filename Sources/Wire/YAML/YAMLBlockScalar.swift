// Literal and folded texts: YAML 1.2 section 8.1.

extension YAMLParser {
  private enum Chomping { case strip, clip, keep }

  /// Reads `|` or `>`, its indicators, and the lines that are indented deeper than `parent`.
  mutating func blockScalar(parent: Int, at position: Position) throws(YAMLFault) -> YAMLNode {
    let isFolded = peek() == UInt8(ascii: ">")
    at += 1
    let (chomping, indicator) = try blockHeader()
    let least = max(parent + 1, 1)
    let indent: Int
    if let indicator { indent = max(parent, 0) + indicator } else { indent = try detectIndent(least: least) }
    let text = blockLines(indent: indent, isFolded: isFolded, chomping: chomping)
    return YAMLNode(.scalar(text.span.text(), isFolded ? .folded : .literal), at: position)
  }

  /// Reads the indicators in either order, a comment, and the line break.
  private mutating func blockHeader() throws(YAMLFault) -> (Chomping, indicator: Int?) {
    var chomping: Chomping?
    var indicator: Int?
    while true {
      let byte = peek()
      if chomping == nil, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
        chomping = byte == UInt8(ascii: "+") ? .keep : .strip
      } else if indicator == nil, ASCII.isDigit(byte), byte != UInt8(ascii: "0") {
        indicator = Int(byte - UInt8(ascii: "0"))
      } else {
        break
      }
      at += 1
    }
    guard endsWord(peek()) else { throw fault(.badBlockHeader) }
    skipBlanks()
    try skipComment()
    guard at >= count || peek() == ASCII.lf else { throw fault(.badBlockHeader) }
    if at < count { newLine() }
    return (chomping ?? .clip, indicator)
  }

  /// The indentation of the first line that isn't blank; nothing is moved.
  private mutating func detectIndent(least: Int) throws(YAMLFault) -> Int {
    let (start, startLine) = (at, lineStart)
    var deepest = 0
    var deepestLine = at
    while true {
      while peek() == ASCII.space { at += 1 }
      guard peek() == ASCII.lf else { break }
      if column > deepest { (deepest, deepestLine) = (column, lineStart) }
      newLine()
    }
    let indent = at < count ? column : max(column, deepest)
    let isText = at < count && indent >= least
    (at, lineStart) = (start, startLine)
    // YAML 1.2 section 8.1.1.1: no blank line before the first may have more spaces than it.
    if isText, deepest > indent { throw fault(.blankLineTooDeep, at: deepestLine) }
    return max(least, isText ? indent : deepest)
  }

  /// Skips blank lines and the indentation of the next line; returns how many lines were blank.
  private mutating func blockBreaks(indent: Int) -> Int {
    var breaks = 0
    while true {
      while column < indent, peek() == ASCII.space { at += 1 }
      guard peek() == ASCII.lf else { return breaks }
      newLine()
      breaks += 1
    }
  }

  /// Reads the lines, up to the beginning of the first that is not part of the text.
  private mutating func blockLines(indent: Int, isFolded: Bool, chomping: Chomping) -> [UInt8] {
    var text: [UInt8] = []
    var breaks = blockBreaks(indent: indent)
    var hasBreak = false
    while column == indent, at < count {
      text.append(contentsOf: repeatElement(ASCII.lf, count: breaks))
      let isIndented = isBlank(peek())
      let start = at
      while at < count, peek() != ASCII.lf { at += 1 }
      text.append(contentsOf: source.bytes[start..<at])
      hasBreak = at < count
      if hasBreak { newLine() }
      breaks = blockBreaks(indent: indent)
      guard column == indent, at < count else { break }
      // Section 8.1.3: a line break folds into a space unless a line beside it is indented further.
      if isFolded, !isIndented, !isBlank(peek()) {
        if breaks == 0 { text.append(ASCII.space) }
      } else {
        text.append(ASCII.lf)
      }
    }
    if chomping != .strip, hasBreak { text.append(ASCII.lf) }
    if chomping == .keep { text.append(contentsOf: repeatElement(ASCII.lf, count: breaks)) }
    // What follows is read as a line of its own, indentation and all.
    at = lineStart
    return text
  }
}
