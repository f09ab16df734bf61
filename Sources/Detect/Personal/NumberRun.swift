// Groups of digits with single signs between them, read once: what every kind of number is looked for in.

internal import Wire

/// A run of groups of digits. It is large, and handed on to all that look at each of its groups: never copied.
struct NumberRun: ~Copyable {
  static let groupCeiling = 16

  struct Group {
    /// Where it lies in the text.
    var start = 0
    var end = 0
    /// Its first digit's place among all.
    var first = 0
    /// The sign before it: a space, `-`, `.` or `/`; 0 before the first group.
    var sign: UInt8 = 0
    var count: Int { end &- start }
  }

  private(set) var digits = Digits()
  private var groups = InlineArray<16, Group>(repeating: Group())
  private(set) var count = 0
  /// Behind what was read.
  private(set) var end: Int

  subscript(_ at: Int) -> Group { at >= 0 && at < count ? groups[at] : Group() }

  /// Reads from `start` on, which is a digit.
  init(_ text: Span<UInt8>, from start: Int) {
    var at = start
    var sign: UInt8 = 0
    end = start
    while count < Self.groupCeiling, at < text.count, Letters.isDigit(text[at]) {
      var group = Group(start: at, end: at, first: digits.count, sign: sign)
      while at < text.count, Letters.isDigit(text[at]) {
        digits.append(text[at])
        at &+= 1
      }
      group.end = at
      // A longer run of digits is none of ours.
      if group.first + group.count > Digits.ceiling { break }
      groups[count] = group
      count += 1
      end = at
      let width = Self.signWidth(text, at, &sign)
      guard width > 0, at + width < text.count, Letters.isDigit(text[at + width]) else { break }
      at += width
    }
    // What of a run was too long is passed over with it.
    end = max(end, at)
    while end < text.count, Letters.isDigit(text[end]) { end += 1 }
  }

  /// Whether another group follows the one that ends at `end`.
  static func goesOn(_ text: Span<UInt8>, behind end: Int) -> Bool {
    var sign: UInt8 = 0
    let width = signWidth(text, end, &sign)
    return width > 0 && end + width < text.count && Letters.isDigit(text[end + width])
  }

  /// The length of the sign at `at` that may stand between groups; 0 where none does. A no-break space is a space, and
  /// typographic hyphens are hyphens.
  private static func signWidth(_ text: Span<UInt8>, _ at: Int, _ sign: inout UInt8) -> Int {
    guard at < text.count else { return 0 }
    switch text[at] {
    case ASCII.space, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"):
      sign = text[at]
      return 1
    case 0xC2 where at + 1 < text.count && text[at + 1] == 0xA0:
      sign = ASCII.space
      return 2
    case 0xE2 where at + 2 < text.count && text[at + 1] == 0x80:
      switch text[at + 2] {
      case 0x90...0x93: sign = UInt8(ascii: "-")
      case 0xAF, 0x89: sign = ASCII.space
      default: return 0
      }
      return 3
    default: return 0
    }
  }

  /// Where in the text the groups `range` lie.
  func place(_ range: Range<Int>) -> Range<Int> {
    self[range.lowerBound].start..<self[range.upperBound - 1].end
  }

  /// The digits of the groups `range`.
  func digits(_ range: Range<Int>) -> Digits {
    let last = self[range.upperBound - 1]
    return digits.part(self[range.lowerBound].first..<last.first + last.count)
  }

  /// How many digits the groups `range` have.
  func total(_ range: Range<Int>) -> Int {
    let last = self[range.upperBound - 1]
    return last.first + last.count - self[range.lowerBound].first
  }

  /// Whether the groups from `from` on have these lengths, written as digits, with the same sign between all.
  func has(_ lengths: StaticString, from: Int) -> Bool {
    let lengths = lengths.bytes
    guard from + lengths.count <= count else { return false }
    let sign = self[from + 1].sign
    for at in 0..<lengths.count {
      let group = groups[from + at]
      if group.count != Int(lengths[at] & 0x0F) { return false }
      if at > 0, lengths.count > 1, group.sign != sign { return false }
    }
    return true
  }

  /// Where a word begins of which the last groups are only the beginning: the address of `5 2001:db8::1`. Its own run
  /// begins with it, so that this is told once.
  ///
  /// - Parameter found: where the last finding ends.
  func wordStart(_ text: Span<UInt8>, behind found: Int) -> Int? {
    guard count > 1, end < text.count, Letters.isLetter(text[end]) || text[end] == ASCII.colon else {
      return nil
    }
    var first = count - 1
    while first > 0, groups[first].sign != ASCII.space { first -= 1 }
    return first > 0 && groups[first].start >= found ? groups[first].start : nil
  }

  /// Whether the text goes on behind group `at` as if the number did.
  func isFree(_ text: Span<UInt8>, behind at: Int) -> Bool {
    guard at < count else { return false }
    return Letters.isFree(text, behind: groups[at].end)
  }

  /// Whether a number may begin with group `at`.
  func isFree(_ text: Span<UInt8>, before at: Int) -> Bool {
    at == 0 ? Letters.isFree(text, before: groups[0].start) : groups[at].sign == ASCII.space
  }
}
