// Telephone numbers: international ones by their calling code, North American ones by their form, others by the words
// around them.

internal import Wire

enum Phones {
  /// The number that begins with the `+` at `at`, or with `00`.
  ///
  /// - Parameter from: the first digit of the calling code.
  /// - Returns: behind its last digit.
  static func international(_ text: Span<UInt8>, from: Int) -> Int? {
    // The first three digits name the code, and with it the lengths of the whole.
    var code = 0
    var lengths: UInt32 = 0
    var count = 0
    var end: Int?
    var at = from
    while at < text.count, Letters.isDigit(text[at]), count < 16 {
      let limit = min(at &+ 16 &- count, text.count)
      while at < limit, Letters.isDigit(text[at]) {
        if count < 3 {
          code = code &* 10 &+ Int(text[at] & 0x0F)
          if count == 2 {
            lengths = CallingCodes.lengths(code)
            if lengths == 0 { return nil }
          }
        }
        count &+= 1
        at &+= 1
      }
      if count >= 7, count <= 15, lengths >> UInt32(count) & 1 == 1, Letters.isFree(text, behind: at) {
        end = at
      }
      at = passSigns(text, at)
    }
    return end
  }

  /// Behind the few signs between two groups. A zero in parentheses isn't dialled.
  private static func passSigns(_ text: Span<UInt8>, _ from: Int) -> Int {
    var at = from
    // Most often it is one.
    if at &+ 2 < text.count, isSign(text[at]), Letters.isDigit(text[at &+ 1]),
      text[at] != UInt8(ascii: "(") || text[at &+ 2] != UInt8(ascii: ")")
    {
      return at &+ 1
    }
    if at + 3 < text.count, text[at] == UInt8(ascii: "("), text[at + 1] == 0x30,
      text[at + 2] == UInt8(ascii: ")")
    {
      at += 3
    } else if at + 4 < text.count, text[at] == ASCII.space, text[at + 1] == UInt8(ascii: "("),
      text[at + 2] == 0x30,
      text[at + 3] == UInt8(ascii: ")")
    {
      at += 4
    }
    var count = 0
    while at < text.count, count < 3 {
      switch text[at] {
      case let byte where isSign(byte): at += 1
      case 0xC2 where at + 1 < text.count && text[at + 1] == 0xA0: at += 2
      case 0xE2
      where at + 2 < text.count && text[at + 1] == 0x80
        && ((0x90...0x93).contains(text[at + 2]) || text[at + 2] == 0xAF):
        at += 3
      default: return at
      }
      count += 1
    }
    return at
  }

  @inline(__always)
  private static func isSign(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte &- 0x2D < 3
  }

  /// `(NXX) NXX-XXXX`, which begins with the parenthesis at `at`.
  static func parenthesised(_ text: Span<UInt8>, at: Int) -> Int? {
    guard at + 13 <= text.count, text[at + 1] >= 0x32, text[at + 4] == UInt8(ascii: ")") else { return nil }
    for place in at + 1...at + 3 where !Letters.isDigit(text[place]) { return nil }
    var start = at + 5
    if text[start] == ASCII.space || text[start] == UInt8(ascii: "-") { start += 1 }
    guard start + 8 <= text.count else { return nil }
    for place in start..<start + 8 {
      if place == start + 3 {
        switch text[place] {
        case UInt8(ascii: "-"), UInt8(ascii: "."), ASCII.space: continue
        default: return nil
        }
      }
      if !Letters.isDigit(text[place]) { return nil }
    }
    return Letters.isFree(text, behind: start + 8) ? start + 8 : nil
  }

  /// A place behind which no international number goes that begins with group `at`.
  static func end(of run: borrowing NumberRun, _ text: Span<UInt8>, at: Int) -> Int {
    if run.rest(from: at) > 17 { return run.end(of: at, digits: 17) }
    // Behind the run it goes on by signs only.
    let isEnd = run.end >= text.count || passSigns(text, run.end) == run.end
    return isEnd ? run.end : .max - ContextWords.behind
  }

  /// How a number's own form speaks for it.
  enum Form { case formatted, strict, loose }

  /// A national number that begins with group `at`, known by its form.
  ///
  /// - Returns: how many groups it has.
  @inline(__always)
  static func formatted(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int, _ regions: Regions
  ) -> Int? {
    let sign = run.sign(at &+ 1)
    let (length, first) = (run.length(at), run.digit(0, of: at, text))
    // One digit is a 1, with three groups behind it; and by blanks only what begins with a zero is known besides.
    guard sign != 0, length <= 5,
      length > 1 ? sign != ASCII.space || first == 0 : first == 1 && run.count > at + 3
    else {
      return nil
    }
    return told(run, text, at, regions)
  }

  private static func told(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ regions: Regions
  ) -> Int? {
    if let groups = northAmerican(run, text, at), run.isFree(text, behind: at + groups - 1) { return groups }
    if let groups = distinctive(run, text, at, regions), run.isFree(text, behind: at + groups - 1) {
      return groups
    }
    return nil
  }

  private static func northAmerican(_ run: borrowing NumberRun, _ text: Span<UInt8>, _ from: Int) -> Int? {
    var at = from
    if run[at].count == 1, run.digit(0, of: at, text) == 1, run.count > at + 3 { at += 1 }
    guard run.has(0x334, from: at), run.digit(0, of: at, text) >= 2, run[at + 1].sign != ASCII.space,
      run[at + 1].sign != UInt8(ascii: "/")
    else { return nil }
    return at + 3 - from
  }

  private static func distinctive(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int, _ regions: Regions
  ) -> Int? {
    guard run.digit(0, of: at, text) == 0, run.count > at + 1 else { return nil }
    let second = run.digit(1, of: at, text)
    let sign = run[at + 1].sign
    if regions.contains(.france), (1...9).contains(second), sign != UInt8(ascii: "/"),
      run.has(0x22222, from: at)
    {
      return 5
    }
    guard sign == ASCII.space else {
      let isGerman =
        regions.contains(.germany) && sign == UInt8(ascii: "/") && (3...5).contains(run[at].count)
        && second != 0
        && (5...9).contains(run[at + 1].count)
      return isGerman ? 2 : nil
    }
    guard regions.contains(.britain) else { return nil }
    if second == 7, run.has(0x56, from: at) { return 2 }
    if second == 2, run.has(0x344, from: at) { return 3 }
    if second == 1, run.has(0x434, from: at) { return 3 }
    return nil
  }

  /// The most groups of a number that only words make one.
  static let groupCeiling = 6

  /// Seven to thirteen digits that only words around them can make a number.
  static func byContext(
    _ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int
  ) -> (groups: Int, form: Form)? {
    var best: (groups: Int, form: Form)?
    var total = 0
    for groups in 1...groupCeiling where at + groups <= run.count {
      let range = at..<at + groups
      total &+= run[at + groups - 1].count
      if total > 13 { break }
      guard total >= 7, run.isFree(text, behind: at + groups - 1), !isDate(run, range),
        !isDecimal(run, text, range)
      else {
        continue
      }
      if groups > 1, run[at].count > 6 { break }
      best = (groups, total == 10 && isStrict(run, text, at) ? .strict : .loose)
    }
    return best
  }

  /// Whether ten digits are as North America's numbers are: neither part begins with 0 or 1.
  private static func isStrict(_ run: borrowing NumberRun, _ text: Span<UInt8>, _ at: Int) -> Bool {
    run.digit(0, of: at, text) >= 2 && run.digit(3, of: at, text) >= 2
  }

  private static func isDate(_ run: borrowing NumberRun, _ range: Range<Int>) -> Bool {
    guard range.count == 3 else { return false }
    let at = range.lowerBound
    return (run.has(0x422, from: at) || run.has(0x224, from: at)) && run[at + 1].sign != ASCII.space
  }

  /// Whether two groups are a number with a fraction, or two years.
  private static func isDecimal(_ run: borrowing NumberRun, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool
  {
    guard range.count == 2 else { return false }
    let at = range.lowerBound
    if run[at + 1].sign == UInt8(ascii: ".") { return true }
    return run.has(0x44, from: at) && run[at + 1].sign == UInt8(ascii: "-")
      && (18...20).contains(run.number(at, text, first: 2))
      && (18...20).contains(run.number(at + 1, text, first: 2))
  }

  /// Behind an extension that follows `end`: `x123`, `ext. 12`, `#4`.
  static func passExtension(_ text: Span<UInt8>, _ end: Int) -> Int {
    var at = end
    if at < text.count, text[at] == ASCII.space || text[at] == ASCII.comma { at += 1 }
    if at < text.count, text[at] == ASCII.space { at += 1 }
    guard at < text.count else { return end }
    if text[at] == UInt8(ascii: "#") || text[at] | 0x20 == UInt8(ascii: "x") {
      at += 1
    } else if at + 2 < text.count, text.extracting(at..<at + 3).equalsIgnoringCase("ext") {
      at += 3
      if at < text.count, text[at] == UInt8(ascii: ".") { at += 1 }
      if at < text.count, text[at] == ASCII.space { at += 1 }
    } else {
      return end
    }
    let first = at
    while at < text.count, at - first < 7, Letters.isDigit(text[at]) { at += 1 }
    return at > first && at - first <= 6 && !Letters.isWord(text, at: at) ? at : end
  }
}

/// Where national numbers are known by their form.
package struct Regions: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package static let america = Regions(rawValue: 1)
  package static let britain = Regions(rawValue: 2)
  package static let france = Regions(rawValue: 4)
  package static let germany = Regions(rawValue: 8)
  package static let all: Regions = [.america, .britain, .france, .germany]
}
