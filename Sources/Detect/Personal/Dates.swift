// Days in a calendar, in the forms in which people write when they were born.

internal import Wire

enum Dates {
  /// The date that begins with group `at`, or around it: a month's name may stand before.
  static func find(_ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int) -> Range<Int>? {
    if let groups = numeric(run, text, at) {
      guard run.isFree(text, behind: at + groups - 1) || followsTime(text, run[at + groups - 1].end) else {
        return nil
      }
      return run.place(at..<at + groups)
    }
    // Between the groups of a run no name stands.
    guard run.length(at) <= 2, at == 0 || at == run.count - 1 else { return nil }
    return named(text, run[at].start..<run[at].end, goesOn: at < run.count - 1)
  }

  /// `1990-04-12T…` is a date, too.
  private static func followsTime(_ text: Span<UInt8>, _ end: Int) -> Bool {
    end < text.count && text[end] == UInt8(ascii: "T")
  }

  @inline(__always)
  private static func numeric(_ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int) -> Int? {
    guard at + 3 <= run.count, run.sign(at + 1) != ASCII.space, run.sign(at + 1) == run.sign(at + 2) else {
      return nil
    }
    return signed(run, text, at)
  }

  private static func signed(_ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int) -> Int? {
    let lengths = (run.length(at), run.length(at + 1), run.length(at + 2))
    guard lengths.0 + lengths.1 + lengths.2 <= 8 else { return nil }
    let values = (run.number(at, text), run.number(at + 1, text), run.number(at + 2, text))
    if lengths.0 == 4 {
      return lengths.1 <= 2 && lengths.2 <= 2 && isYear(values.0)
        && Checksum.isDay(month: values.1, day: values.2) ? 3 : nil
    }
    guard lengths.0 <= 2, lengths.1 <= 2, lengths.2 == 4 || lengths.2 == 2 else { return nil }
    if lengths.2 == 4, !isYear(values.2) { return nil }
    return Checksum.isDay(month: values.1, day: values.0) || Checksum.isDay(month: values.0, day: values.1)
      ? 3 : nil
  }

  private static func isYear(_ value: Int) -> Bool { (1880...2035).contains(value) }

  /// `29 Jun 1926`, `12. April 1990`, `12 de abril de 1990`; `April 12, 1990` where the month stands before.
  ///
  /// - Parameters:
  ///   - day: its digits.
  ///   - goesOn: whether more digits follow, and no name.
  static func named(_ text: Span<UInt8>, _ day: Range<Int>, goesOn: Bool = false) -> Range<Int>? {
    guard day.count == 1 || day.count == 2 else { return nil }
    let value = day.reduce(0) { $0 * 10 + Int(text[$1] & 0x0F) }
    guard (1...31).contains(value) else { return nil }
    var place = day.upperBound
    let start = day.lowerBound
    // A single letter behind it is neither an ordinal's end nor a month, and no year follows it.
    if place < text.count, Letters.isLetter(text[place]),
      place + 1 == text.count || !isNamePart(text[place + 1])
    {
      return nil
    }
    if place + 1 < text.count, Letters.isLetter(text[place]), isOrdinal(text[place], text[place + 1]) {
      place += 2
    }
    if let month = monthStart(text, before: start) {
      if place < text.count, text[place] == ASCII.comma { place += 1 }
      while place < text.count, text[place] == ASCII.space { place += 1 }
      return yearEnd(text, place).map { month..<$0 }
    }
    if goesOn { return nil }
    place = pass(text, place)
    guard let month = monthEnd(text, place) else { return nil }
    place = pass(text, month)
    return yearEnd(text, place).map { start..<$0 }
  }

  /// Whether these letters make a day's number an ordinal.
  private static func isOrdinal(_ first: UInt8, _ second: UInt8) -> Bool {
    switch (first | 0x20, second | 0x20) {
    case (UInt8(ascii: "s"), UInt8(ascii: "t")), (UInt8(ascii: "n"), UInt8(ascii: "d")),
      (UInt8(ascii: "r"), UInt8(ascii: "d")), (UInt8(ascii: "t"), UInt8(ascii: "h")),
      (UInt8(ascii: "e"), UInt8(ascii: "r")):
      true
    default: false
    }
  }

  /// Behind signs and `de` between day, month and year.
  private static func pass(_ text: Span<UInt8>, _ from: Int) -> Int {
    var at = from
    while at < text.count, at - from < 3,
      text[at] == ASCII.space || text[at] == UInt8(ascii: ".")
        || text[at] == ASCII.comma || text[at] == UInt8(ascii: "-")
    { at += 1 }
    if at + 3 <= text.count, text.extracting(at..<at + 3).equalsIgnoringCase("de ") { at += 3 }
    return at
  }

  private static func yearEnd(_ text: Span<UInt8>, _ at: Int) -> Int? {
    guard at + 4 <= text.count else { return nil }
    var value = 0
    for place in at..<at + 4 {
      guard Letters.isDigit(text[place]) else { return nil }
      value = value * 10 + Int(text[place] & 0x0F)
    }
    return isYear(value) && !Letters.isWord(text, at: at + 4) ? at + 4 : nil
  }

  private static func monthStart(_ text: Span<UInt8>, before at: Int) -> Int? {
    var end = at
    while end > 0, at - end < 2, text[end - 1] == ASCII.space || text[end - 1] == UInt8(ascii: ".") {
      end -= 1
    }
    guard end > 0, Letters.isLetter(text[end - 1]) || text[end - 1] >= 0x80 else { return nil }
    var start = end
    while start > 0, end - start < 12, Letters.isWord(text, before: start) { start -= 1 }
    return end > start && monthEnd(text, start) == end ? start : nil
  }

  private static func isNamePart(_ byte: UInt8) -> Bool { Letters.isLetter(byte) || byte >= 0x80 }

  /// Behind the month's name that begins at `at`.
  private static func monthEnd(_ text: Span<UInt8>, _ at: Int) -> Int? {
    if at + 2 < text.count, text[at] < 0x80, !Letters.isLetter(text[at]) || !isNamePart(text[at + 1]) {
      return nil
    }
    var folded = InlineArray<12, UInt8>(repeating: 0)
    var count = 0
    var end = at
    while end < text.count, count < 12 {
      if Letters.isLetter(text[end]) {
        folded[count] = text[end] | 0x20
        end += 1
      } else if text[end] >= 0xC3, text[end] <= 0xC5, end + 1 < text.count {
        folded[count] = Letters.plain(text[end], text[end + 1])
        end += 2
      } else {
        break
      }
      count += 1
    }
    guard count >= 3, count < 12 else { return nil }
    let head = UInt32(folded[0]) << 16 | UInt32(folded[1]) << 8 | UInt32(folded[2])
    let heads = heads.span
    for place in 0..<heads.count where heads[place] == head {
      let bytes = months[place].bytes
      guard bytes.count == count || count == 3 && bytes.count > 3 || count == 4 && bytes.count > 4 else {
        continue
      }
      var isSame = true
      for at in 0..<count where bytes[at] != folded[at] { isSame = false }
      if isSame { return end }
    }
    return nil
  }

  /// The months' first three letters, by which nearly all words are told from them.
  private static let heads: [UInt32] = months.map { (name: StaticString) in
    let bytes = name.bytes
    return UInt32(bytes[0]) << 16 | UInt32(bytes[1]) << 8 | UInt32(bytes[2])
  }

  private static let months: [StaticString] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november",
    "december", "januar", "februar", "marz", "mai", "juni", "juli", "oktober", "dezember", "janvier",
    "fevrier", "mars",
    "avril", "juin", "juillet", "aout", "septembre", "octobre", "novembre", "decembre", "enero", "febrero",
    "marzo",
    "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
  ]
}
