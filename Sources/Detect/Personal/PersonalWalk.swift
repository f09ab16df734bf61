// The walk over a text in search of personal data and credentials. Words between blanks and plain signs are nothing, and
// are passed over by the block; where more may be (WordMarks.swift), what is there is looked at.

internal import Wire

extension PersonalData {
  /// Appends what is found in `text` to `findings`, in order and without overlaps.
  package func scan(_ text: Span<UInt8>, into findings: inout [Finding]) {
    let from = findings.count
    var ahead = ReadAhead()
    // What was looked at whole is before it.
    var start = 0
    var block = 0
    var marks = WordMarks()
    while true {
      block = text.mark(&marks, from: block)
      guard block < text.count else { break }
      var bits = marks.special
      while bits != 0 {
        let at = block &+ bits.trailingZeroBitCount
        bits &= bits &- 1
        if at >= start, !Self.onlyParts(text, at) { start = look(text, at, from: start, &ahead, &findings) }
      }
      block &+= marks.count
    }
    if text.count > start, Letters.isLetter(text[text.count &- 1]) {
      start = word(text, Self.wordStart(text, text.count &- 1, from: start), &ahead, &findings)
    }
    if findings.count > from + 1 { Self.settle(&findings, from: from) }
  }

  /// Whether the byte at `at`, which is marked, only parts words.
  @inline(__always)
  private static func onlyParts(_ text: Span<UInt8>, _ at: Int) -> Bool {
    let place = text[at] &- 0x28
    // Those from `(` to `_` that do: `) * , ; < > ? ^`; and a colon and `=`, before a blank.
    let always: UInt64 =
      1 << 0x01 | 1 << 0x02 | 1 << 0x04 | 1 << 0x13 | 1 << 0x14 | 1 << 0x16 | 1 << 0x17 | 1 << 0x36
    let mostly: UInt64 = 1 << 0x12 | 1 << 0x15
    guard place < 64 else { return false }
    if always >> UInt64(place) & 1 != 0 { return true }
    return mostly >> UInt64(place) & 1 != 0 && at &+ 1 < text.count && text[at &+ 1] < 0x28
  }

  /// Looks at a byte that may be part of something, and at the word before it. Words between blanks and plain signs are
  /// nothing, unless they are as long as the shortest credential: so most text isn't looked at by the word.
  ///
  /// - Parameter from: where the text begins that wasn't looked at.
  /// - Returns: where the walk goes on.
  @inline(never)
  private func look(
    _ text: Span<UInt8>, _ at: Int, from: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int {
    // A long word is looked at where it is found to be long.
    let end = Letters.isLetter(text[at]) ? at &+ 1 : at
    var start = Self.wordStart(text, end &- 1, from: from)
    while start < end { start = word(text, start, &ahead, &findings) }
    if start > at { return start }
    if let initials = initials(text, before: at, from: from) {
      start = word(text, initials, &ahead, &findings)
      if start > at { return start }
    }
    start = sign(text, at, &ahead, &findings)
    // A private key's first word stands behind hyphens.
    if text[at] == UInt8(ascii: "-"), start < text.count, start == at &+ 1, Letters.isLetter(text[start]) {
      return word(text, start, &ahead, &findings)
    }
    return start
  }

  /// Where the letters begin that end with `last`; behind it, if it is none.
  @inline(__always)
  private static func wordStart(_ text: Span<UInt8>, _ last: Int, from: Int) -> Int {
    var start = last &+ 1
    while start > from, Letters.isLetter(text[start &- 1]) { start &-= 1 }
    return start
  }

  /// Where the two letters begin that a British number has before its first digit, and a blank behind them.
  private func initials(_ text: Span<UInt8>, before digit: Int, from: Int) -> Int? {
    let start = digit &- 3
    guard entities.contains(.ukNINO), start >= from, Letters.isDigit(text[digit]),
      Letters.isUpper(text[start]),
      Letters.isLetter(text[start &+ 1]), !Letters.isLetter(text[start &+ 2]),
      start == from || !Letters.isLetter(text[start &- 1])
    else { return nil }
    return start
  }

  // MARK: Overlaps

  /// Sorts what was found from `from` on, and keeps of what overlaps the more telling one.
  private static func settle(_ findings: inout [Finding], from: Int) {
    var isSorted = true
    for at in from + 1..<findings.count
    where findings[at].range.lowerBound < findings[at - 1].range.upperBound {
      isSorted = false
    }
    if isSorted { return }
    findings[from...].sort { $0.range.lowerBound < $1.range.lowerBound }
    var kept = from
    for at in from + 1..<findings.count {
      if findings[at].range.lowerBound >= findings[kept].range.upperBound {
        kept += 1
        findings[kept] = findings[at]
      } else if outranks(findings[at], findings[kept]) {
        findings[kept] = findings[at]
      }
    }
    findings.removeLast(findings.count - kept - 1)
  }

  private static func outranks(_ one: Finding, _ other: Finding) -> Bool {
    func rank(_ entity: Entity) -> Int {
      switch entity {
      case .iban: 5
      case .crypto: 4
      case .email: 3
      case .creditCard: 2
      default: 1
      }
    }
    if rank(one.entity) != rank(other.entity) { return rank(one.entity) > rank(other.entity) }
    if one.score != other.score { return one.score > other.score }
    return one.range.count > other.range.count
  }
}
