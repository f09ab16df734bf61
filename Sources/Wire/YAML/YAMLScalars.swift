// Plain and quoted texts: YAML 1.2 sections 7.3 and 6.5 (line folding).

extension YAMLParser {
  // MARK: Plain

  /// Reads a plain text in a block, with its continuation lines, which are indented deeper than `parent`.
  mutating func plain(parent: Int) throws(YAMLFault) -> String {
    try plain(parent: parent, isFlow: false)
  }

  /// Reads a plain text inside a flow collection.
  mutating func plainInFlow() throws(YAMLFault) -> String {
    try plain(parent: -1, isFlow: true)
  }

  private mutating func plain(parent: Int, isFlow: Bool) throws(YAMLFault) -> String {
    var text: [UInt8] = []
    while true {
      let line = plainLine(isFlow: isFlow)
      text.append(contentsOf: source.bytes[line])
      skipBlanks()
      guard peek() == ASCII.lf, let breaks = continuation(parent: parent, isFlow: isFlow) else { break }
      // YAML reads it as more of the text, which no one means.
      if !isFlow, isDash { throw fault(.dashTooDeep) }
      Self.fold(breaks, into: &text)
    }
    return text.span.text()
  }

  /// Steps over the plain text on this line, and returns its range without the blanks at its end.
  private mutating func plainLine(isFlow: Bool) -> Range<Int> {
    let start = at
    var end = at
    while true {
      let byte = peek()
      if byte == 0 || byte == ASCII.lf { break }
      if isBlank(byte) {
        if !isBlank(peek(1)), peek(1) == UInt8(ascii: "#") { break }
        at += 1
        continue
      }
      if byte == ASCII.colon, endsWord(peek(1)) || (isFlow && isFlowIndicator(peek(1))) { break }
      if isFlow, isFlowIndicator(byte) { break }
      at += 1
      end = at
    }
    return start..<end
  }

  /// Moves to the next line of a plain text, if there is one.
  ///
  /// - Returns: the line breaks between; nil, and nothing is moved, where the text has ended.
  private mutating func continuation(parent: Int, isFlow: Bool) -> Int? {
    let (end, endLine) = (at, lineStart)
    var breaks = 0
    var indent = 0
    repeat {
      newLine()
      breaks += 1
      while peek() == ASCII.space { at += 1 }
      indent = column
      skipBlanks()
    } while peek() == ASCII.lf
    let isOutside = !isFlow && indent <= parent
    if at >= count || isOutside || isMarker || peek() == UInt8(ascii: "#") || endsFlowText(isFlow) {
      (at, lineStart) = (end, endLine)
      return nil
    }
    return breaks
  }

  /// Whether a flow collection goes on here, so that a plain text before it has ended.
  private func endsFlowText(_ isFlow: Bool) -> Bool {
    guard isFlow else { return false }
    if isFlowIndicator(peek()) { return true }
    return peek() == ASCII.colon && (endsWord(peek(1)) || isFlowIndicator(peek(1)))
  }

  /// One line break is a space; of several the first is dropped.
  private static func fold(_ breaks: Int, into text: inout [UInt8]) {
    if breaks == 1 { return text.append(ASCII.space) }
    text.append(contentsOf: repeatElement(ASCII.lf, count: breaks - 1))
  }

  // MARK: Quoted

  /// Reads the quoted text that begins here.
  mutating func quoted() throws(YAMLFault) -> (text: String, style: YAMLNode.Style) {
    let start = at
    let quote = peek()
    let isDouble = quote == ASCII.quote
    var text: [UInt8] = []
    at += 1
    while true {
      // Blanks wait until it is known that no line break follows them.
      let blanks = at
      skipBlanks()
      let waiting = blanks..<at
      if at >= count { throw fault(.unclosed(quote), at: start) }
      if peek() == ASCII.lf {
        Self.fold(try quotedBreaks(), into: &text)
        continue
      }
      text.append(contentsOf: source.bytes[waiting])
      let byte = peek()
      if byte == quote {
        at += 1
        if isDouble || peek() != quote { break }
        text.append(quote)
        at += 1
      } else if isDouble, byte == ASCII.backslash {
        try escape(into: &text)
      } else {
        text.append(byte)
        at += 1
      }
    }
    return (text.span.text(), isDouble ? .double : .single)
  }

  /// Steps over line breaks inside a quoted text, and the blanks around them; returns how many there were.
  private mutating func quotedBreaks() throws(YAMLFault) -> Int {
    var breaks = 0
    while peek() == ASCII.lf {
      newLine()
      breaks += 1
      if isMarker { throw fault(.markerInside) }
      skipBlanks()
    }
    return breaks
  }

  /// Reads one escape of a double-quoted text: YAML 1.2 section 5.7, which has all of JSON's.
  private mutating func escape(into text: inout [UInt8]) throws(YAMLFault) {
    let start = at
    let byte = peek(1)
    at += 2
    switch byte {
    case ASCII.lf:
      // An escaped line break joins the lines as they are; blank lines after it stay line breaks.
      at -= 1
      let breaks = try quotedBreaks()
      text.append(contentsOf: repeatElement(ASCII.lf, count: breaks - 1))
    case UInt8(ascii: "x"): try scalar(digits: 2, from: start, into: &text)
    case UInt8(ascii: "u"): try scalar(digits: 4, from: start, into: &text)
    case UInt8(ascii: "U"): try scalar(digits: 8, from: start, into: &text)
    default:
      guard let value = Self.escaped(byte) else { throw fault(.badEscape, at: start) }
      text.append(contentsOf: Array(String(value).utf8))
    }
  }

  private static func escaped(_ byte: UInt8) -> UnicodeScalar? {
    switch byte {
    case UInt8(ascii: "0"): "\0"
    case UInt8(ascii: "a"): "\u{7}"
    case UInt8(ascii: "b"): "\u{8}"
    case UInt8(ascii: "t"), ASCII.tab: "\t"
    case UInt8(ascii: "n"): "\n"
    case UInt8(ascii: "v"): "\u{B}"
    case UInt8(ascii: "f"): "\u{C}"
    case UInt8(ascii: "r"): "\r"
    case UInt8(ascii: "e"): "\u{1B}"
    case ASCII.space: " "
    case ASCII.quote: "\""
    case UInt8(ascii: "/"): "/"
    case ASCII.backslash: "\\"
    case UInt8(ascii: "N"): "\u{85}"
    case UInt8(ascii: "_"): "\u{A0}"
    case UInt8(ascii: "L"): "\u{2028}"
    case UInt8(ascii: "P"): "\u{2029}"
    default: nil
    }
  }

  /// Reads a scalar's hexadecimal digits; two surrogates in a row are one scalar, as in JSON (RFC 8259
  /// section 7).
  private mutating func scalar(digits: Int, from start: Int, into text: inout [UInt8]) throws(YAMLFault) {
    guard var value = hexadecimal(digits) else { throw fault(.badEscape, at: start) }
    if digits == 4, (0xD800...0xDBFF).contains(value), peek() == ASCII.backslash, peek(1) == UInt8(ascii: "u")
    {
      at += 2
      guard let low = hexadecimal(4), (0xDC00...0xDFFF).contains(low) else {
        throw fault(.badEscape, at: start)
      }
      value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = UnicodeScalar(value) else { throw fault(.badEscape, at: start) }
    text.append(contentsOf: Array(String(scalar).utf8))
  }

  private mutating func hexadecimal(_ digits: Int) -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<digits {
      guard let digit = ASCII.hexadecimal(peek()) else { return nil }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }
}
