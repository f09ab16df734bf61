// A text from left to right: letters to words, and what stands between them.

internal import Wire

extension InjectionScanner {
  func read(_ text: Span<UInt8>) {
    var at = 0
    var lineEnds = 0
    if !text.isEmpty { readToken(text, 0) }
    while at < text.count {
      let byte = text[at]
      if Letters.isAlnum(byte) {
        lineEnds = 0
        if word.isEmpty, let end = readPlain(text, at) {
          at = end
          continue
        }
        if word.isEmpty { word.start = at }
        at = readLetters(text, at)
        continue
      }
      switch byte {
      case UInt8(ascii: "'"):
        at += passApostrophe(text, at)
      case UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: "+"):
        let goesOn = at + 1 < text.count && Letters.isAlnum(text[at + 1])
        if goesOn, !word.isEmpty || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "$") {
          if word.isEmpty { word.start = at }
          word.append(sign: byte)
        } else {
          endWord(text, at: at)
          if byte == UInt8(ascii: "!") { endSentence(text, at) }
        }
        at += 1
      case UInt8(ascii: "."), UInt8(ascii: "?"):
        endWord(text, at: at)
        endSentence(text, at)
        at += 1
      case ASCII.lf:
        endWord(text, at: at)
        readToken(text, at)
        lineEnds += 1
        position &+= lineEnds == 1 ? 1 : lineEnds == 2 ? 2 : 0
        at += 1
      case UInt8(ascii: "<"), UInt8(ascii: "["):
        endWord(text, at: at)
        readToken(text, at)
        at += 1
      case 0x5F:
        if !word.isEmpty { word.append(byte) }
        at += 1
      case 0..<0x80:
        endWord(text, at: at)
        at += 1
      default: at = readWide(text, at)
      }
    }
  }

  /// Reads words of ASCII letters alone, which most words are, without holding them, up to one that is in a class.
  ///
  /// - Returns: where they end; nil where another word comes first, or a letter by itself.
  @inline(__always)
  private func readPlain(_ text: Span<UInt8>, _ start: Int) -> Int? {
    if pending >= 0 || spacedCount > 0 { return readFirstPlain(text, start) }
    let passed = text.passPlainWords(from: start, to: rules.filter, or: Self.article)
    if passed.count == 0 { return readFirstPlain(text, start) }
    position &+= passed.count
    if passed.hasMet {
      if passed.low == Self.article { articleAt = position }
      if let classes = rules.look(passed.hash) { apply(classes) }
    }
    return passed.end
  }

  /// `an`, as `PlainWords` has it.
  private static let article: UInt64 = 0x6E61

  /// Reads one such word, where something waits for what follows it, or near the text's end.
  ///
  /// - Returns: where it ends, behind a blank if one follows; nil where it is another word, or a letter by itself.
  private func readFirstPlain(_ text: Span<UInt8>, _ start: Int) -> Int? {
    guard let run = text.letterRun(from: start), run.count > 1 else { return nil }
    let end = start &+ run.count
    let next = text[end]
    guard WordSigns.part(next) else { return nil }
    position &+= 1
    if spacedCount > 0 { endSpaced() }
    if run.count == 2, run.low == Self.article { articleAt = position }
    if let classes = rules.classes(WordHash(run).value) {
      apply(classes)
    } else if pending >= 0 {
      settle(false)
    }
    return next == ASCII.space ? end &+ 1 : end
  }

  /// The ASCII letters and digits from `at` on.
  @inline(__always)
  private func readLetters(_ text: Span<UInt8>, _ from: Int) -> Int {
    var at = from
    while at < text.count {
      let byte = text[at]
      if Letters.isLetter(byte) {
        word.append(letter: byte | 0x20)
      } else if Letters.isDigit(byte) {
        word.append(digit: byte)
      } else {
        break
      }
      at &+= 1
    }
    return at
  }

  /// `don't` is one word, `you're` are two.
  private func passApostrophe(_ text: Span<UInt8>, _ at: Int) -> Int {
    let isNot =
      at + 1 < text.count && text[at + 1] | 0x20 == UInt8(ascii: "t") && !Letters.isWord(text, at: at + 2)
    if !isNot { endWord(text, at: at) }
    return 1
  }

  private func endSentence(_ text: Span<UInt8>, _ at: Int) {
    if at + 1 >= text.count || text[at + 1] <= ASCII.space { position &+= 3 }
  }

  /// One character that isn't ASCII.
  private func readWide(_ text: Span<UInt8>, _ at: Int) -> Int {
    let (code, width) = Self.character(text, at)
    let folded = Folding.fold(code)
    switch folded {
    case .letter(let first, let second):
      if word.isEmpty { word.start = at }
      if second == 0 {
        Letters.isDigit(first) ? word.append(digit: first) : word.append(letter: first)
      } else if first < 0x80 {
        word.append(letter: first)
        word.append(letter: second)
      } else {
        word.append(wide: first, second)
      }
    case .hidden: if !word.isEmpty { hiddenInside += code == 0xAD || code < 0x370 ? 0 : 1 }
    case .bidirectional: bidirectional += 1
    case .tag(let byte):
      tags += 1
      if Letters.isLetter(byte) { word.append(letter: byte | 0x20) } else { endWord(text, at: at) }
    case .selector: selectors += 1
    case .lineEnd:
      endWord(text, at: at)
      position &+= 1
    case .space, .symbol, .other:
      if case .symbol = folded { hasSymbols = true }
      endWord(text, at: at)
      if code == 0x2019, at + width < text.count {
        return at + width + passApostrophe(text, at + width - 1) - 1
      }
      if code == 0x3002 { position &+= 3 }
    }
    return at + width
  }

  /// The character at `at`, and its length; what is no UTF-8 is U+FFFD.
  static func character(_ text: Span<UInt8>, _ at: Int) -> (UInt32, Int) {
    let lead = text[at]
    let width = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1
    guard width > 1, at + width <= text.count else { return (0xFFFD, 1) }
    var code = UInt32(lead) & (width == 4 ? 0x07 : width == 3 ? 0x0F : 0x1F)
    for place in at + 1..<at + width {
      guard text[place] & 0xC0 == 0x80 else { return (0xFFFD, place - at) }
      code = code << 6 | UInt32(text[place] & 0x3F)
    }
    return (code, width)
  }
}
