// A text where it is more than plain words: digits and signs inside of words, what isn't ASCII, letters that stand by
// themselves one after another.

internal import Wire

extension InjectionScanner {
  /// Reads on until a word of ASCII letters may begin.
  ///
  /// - Returns: where; the text's end where there is none.
  @inline(never)
  func readOddly(_ text: Span<UInt8>, _ from: Int) -> Int {
    var at = from
    while at < text.count {
      let byte = text[at]
      if Letters.isAlnum(byte) {
        if word.isEmpty {
          if at > from, Letters.isLetter(byte), spacedCount < Self.spelt { break }
          word.start = at
        }
        lineEnds = 0
        at = readLetters(text, at)
        continue
      }
      switch byte {
      case UInt8(ascii: "'"):
        if !isNot(text, at) { endWord(text, at: at) }
        at += 1
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
        endLine(text, at)
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
    return at
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
