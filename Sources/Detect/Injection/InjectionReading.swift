// A text from left to right: plain words in blocks, of which only some are looked at, and what stands between words.
//
// Most of what is between them only parts them. What may belong to a word, and the word before it, is read by
// OddReading.swift.

internal import Wire

extension InjectionScanner {
  /// What is left of a block.
  private struct Block {
    let from: Int
    let count: Int
    let letters: UInt64
    /// What is to be looked at.
    var shown: UInt64
    /// Words that weren't counted yet, and those since the last line's end.
    var words: UInt64
    var lineWords: UInt64

    /// Goes on behind `end`, which is in the block: what is before it was read.
    @inline(__always) mutating func pass(to end: Int) {
      let rest: UInt64 = .max &<< UInt64(truncatingIfNeeded: end &- from)
      shown &= rest
      words &= rest
      lineWords &= rest
    }

    /// Everything before `place`.
    @inline(__always) static func before(_ place: Int) -> UInt64 { ~(.max &<< UInt64(place)) }
  }

  func read(_ text: Span<UInt8>) {
    if !text.isEmpty { readToken(text, 0) }
    let filter = table.filter
    var at = 0
    while at < text.count {
      let plain = text.plainWords(from: at, filter)
      var block = Block(
        from: at, count: plain.count, letters: plain.letters, shown: plain.shown, words: plain.starts,
        lineWords: plain.starts)
      at = read(text, &block)
    }
  }

  /// Reads a block, where a word may begin and none goes on.
  ///
  /// - Returns: where it ends.
  @inline(__always)
  private func read(_ text: Span<UInt8>, _ block: inout Block) -> Int {
    while block.shown != 0 {
      let place = block.shown.trailingZeroBitCount
      let end: Int
      if block.letters &>> UInt64(place) & 1 != 0 {
        end = readWord(text, place, block)
      } else {
        let at = block.from &+ place
        switch text[at] {
        case UInt8(ascii: "."), UInt8(ascii: "?"):
          settle(&block, place)
          endSentence(text, at)
          block.shown &= block.shown &- 1
          continue
        case ASCII.lf:
          settle(&block, place)
          let before = Block.before(place)
          if block.lineWords & before != 0 { lineEnds = 0 }
          block.lineWords &= ~before
          endLine(text, at)
          block.shown &= block.shown &- 1
          continue
        default:
          guard let odd = readSign(text, place, &block) else {
            block.shown &= block.shown &- 1
            continue
          }
          end = odd
        }
      }
      if end &- block.from >= block.count { return end }
      block.pass(to: end)
    }
    if block.lineWords != 0 { lineEnds = 0 }
    if block.words != 0 { pass(block.words) }
    return block.from &+ block.count
  }

  /// Passes over words that are in no class, and have more than one letter.
  @inline(__always)
  private func pass(_ words: UInt64) {
    if pending >= 0 || spacedCount > 0 { passFirst() }
    position &+= Int32(truncatingIfNeeded: words.nonzeroBitCount)
  }

  /// What the first of such words decides.
  @inline(never)
  private func passFirst() {
    if spacedCount > 0 { endSpaced() }
    position &+= 1
    settle(false)
    position &-= 1
  }

  // MARK: Words

  /// Reads a word that begins with an ASCII letter.
  ///
  /// - Returns: where it ends.
  @inline(__always)
  private func readWord(_ text: Span<UInt8>, _ place: Int, _ block: Block) -> Int {
    let before = block.words & Block.before(place)
    if before != 0 { pass(before) }
    lineEnds = 0
    let count = (~(block.letters &>> UInt64(place))).trailingZeroBitCount
    let start = block.from &+ place
    let end = start &+ count
    // A blank and a comma are no part of it, and aren't shown.
    if block.shown &>> UInt64(truncatingIfNeeded: place &+ count) & 1 != 0, isOdd(text, end) {
      return readOddly(text, start)
    }
    if count == 1 {
      noteSingle(text[start] | 0x20)
      return spacedCount < Self.spelt ? end : readOddly(text, end)
    }
    // A long one is more than its letters perhaps; there is none, or it's at the text's end.
    guard let run = text.letterRun(from: start, count: count) else { return readOddly(text, start) }
    if spacedCount > 0 { endSpaced() }
    position &+= 1
    if count == 2, run.low == Self.article { articleAt = position }
    if let kind = rules.kind(WordHash(run).value) {
      apply(kind)
    } else if pending >= 0 {
      settle(false)
    }
    return end
  }

  /// `an`, as `LetterRun.low` has it.
  static let article: UInt64 = 0x6E61

  // MARK: Signs

  /// Reads what is no ASCII letter, and ends neither a sentence in the usual way nor a line.
  ///
  /// - Returns: where the word ends of which it is a part; nil: of none.
  @inline(__always)
  private func readSign(_ text: Span<UInt8>, _ place: Int, _ block: inout Block) -> Int? {
    let at = block.from &+ place
    if isOdd(text, at) { return readOddly(text, place, block) }
    if text[at] == UInt8(ascii: "!") {
      settle(&block, place)
      endSentence(text, at)
    } else if text[at] == UInt8(ascii: "<") || text[at] == UInt8(ascii: "[") {
      readToken(text, at)
    }
    return nil
  }

  /// Counts the words before a place that adds to the distance, where one of them decides something. Else it doesn't
  /// matter when they are counted.
  @inline(__always)
  private func settle(_ block: inout Block, _ place: Int) {
    guard pending >= 0 || spacedCount > 0 else { return }
    let before = Block.before(place)
    if block.words & before != 0 { pass(block.words & before) }
    block.words &= ~before
  }

  /// Reads a word with more in it than letters. Those right before `place` are of it.
  @inline(never)
  private func readOddly(_ text: Span<UInt8>, _ place: Int, _ block: Block) -> Int {
    let start = 64 &- (~block.letters & Block.before(place)).leadingZeroBitCount
    let before = Block.before(start)
    if block.lineWords & before != 0 { lineEnds = 0 }
    if block.words & before != 0 { pass(block.words & before) }
    return readOddly(text, block.from &+ start)
  }

  /// Whether the byte at `at` is a part of the word around it, or of one that begins with it.
  @inline(__always)
  private func isOdd(_ text: Span<UInt8>, _ at: Int) -> Bool {
    guard at < text.count, !WordSigns.part(text[at]) else { return false }
    return isJoint(text, at)
  }

  /// As above, where the byte may be one.
  @inline(never)
  private func isJoint(_ text: Span<UInt8>, _ at: Int) -> Bool {
    let byte = text[at]
    let isInside = at > 0 && Letters.isLetter(text[at - 1])
    switch byte {
    case UInt8(ascii: "'"): return isInside && isNot(text, at)
    case 0x5F: return isInside
    case UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: "+"):
      return isInside && at + 1 < text.count && Letters.isAlnum(text[at + 1])
    case UInt8(ascii: "@"), UInt8(ascii: "$"): return at + 1 < text.count && Letters.isAlnum(text[at + 1])
    default: return true
    }
  }

  func endSentence(_ text: Span<UInt8>, _ at: Int) {
    if at + 1 >= text.count || text[at + 1] <= ASCII.space { position &+= 3 }
  }

  /// Ends a line: an empty one behind it parts more.
  func endLine(_ text: Span<UInt8>, _ at: Int) {
    readToken(text, at)
    lineEnds += 1
    position &+= lineEnds == 1 ? 1 : lineEnds == 2 ? 2 : 0
  }

  /// Whether the apostrophe at `at` is inside of a word: `don't` is one, `you're` are two.
  func isNot(_ text: Span<UInt8>, _ at: Int) -> Bool {
    at + 1 < text.count && text[at + 1] | 0x20 == UInt8(ascii: "t") && !Letters.isWord(text, at: at + 2)
  }
}
