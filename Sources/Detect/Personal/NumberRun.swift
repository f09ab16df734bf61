// Groups of digits with single signs between them, read once: what every kind of number is looked for in.

internal import Wire

/// A run of groups of digits.
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

  private var digits = Digits()
  // A byte for each group, since an array in place is copied whole where one element is read. No more than forty digits
  // are held, so that what lies between the run's start and the last group's is less than 256 bytes.
  private var starts = SIMD16<UInt8>()
  private var counts = SIMD16<UInt8>()
  private var firsts = SIMD16<UInt8>()
  private var signs = SIMD16<UInt8>()
  private(set) var count = 0
  /// The groups' lengths, four bits each, the first one's the highest; 15 for longer ones.
  private var lengths: UInt64 = 0
  /// A bit for each group with the same sign before it as the group before.
  private var repeated: UInt32 = 0
  /// Where it begins.
  let start: Int
  /// Behind what was read.
  private(set) var end: Int

  @inline(__always)
  subscript(_ at: Int) -> Group {
    guard at >= 0, at < count else { return Group() }
    let first = start &+ Int(starts[at])
    return Group(start: first, end: first &+ Int(counts[at]), first: Int(firsts[at]), sign: signs[at])
  }

  /// Reads from `start` on, which is a digit.
  init(_ text: Span<UInt8>, from start: Int) {
    self.start = start
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
      starts[count] = UInt8(truncatingIfNeeded: group.start &- start)
      counts[count] = UInt8(truncatingIfNeeded: group.count)
      firsts[count] = UInt8(truncatingIfNeeded: group.first)
      if count > 0, sign == signs[count &- 1] { repeated |= 1 &<< UInt32(count) }
      signs[count] = sign
      lengths |= UInt64(min(group.count, 15)) &<< UInt64(60 &- 4 &* count)
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

  /// Whether it has at most three digits.
  var isFew: Bool { digits.count <= 3 }

  /// Where in the text the groups `range` lie.
  func place(_ range: Range<Int>) -> Range<Int> {
    self[range.lowerBound].start..<self[range.upperBound - 1].end
  }

  /// The digit at `place` of group `at`; 0 outside.
  @inline(__always)
  func digit(_ place: Int, of at: Int) -> Int { digits[self[at].first &+ place] }

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

  /// Whether the groups from `from` on have these lengths, written as a number's hexadecimal digits, with the same sign
  /// between all.
  @inline(__always)
  func has(_ shape: UInt32, from: Int) -> Bool {
    let groups = (35 &- shape.leadingZeroBitCount) >> 2
    guard from &+ groups <= count,
      (lengths &<< UInt64(4 &* from)) >> UInt64(64 &- 4 &* groups) == UInt64(shape)
    else { return false }
    // The sign before the second group is that of the others.
    let others: UInt32 = groups > 2 ? (1 &<< UInt32(groups &- 2) &- 1) &<< UInt32(from &+ 2) : 0
    return repeated & others == others
  }

  /// The word of which the last groups are only the beginning: the address of `5 2001:db8::1`.
  ///
  /// - Parameter found: where the last finding ends.
  /// - Returns: its first group, and whether it may be more than the beginning of an address: a word of letters and
  ///   digits, or a number that wasn't read to its end. Else all that its digits can be was looked for in this run.
  func lastWord(_ text: Span<UInt8>, behind found: Int) -> (group: Range<Int>, mayBeMore: Bool)? {
    guard count > 1, end < text.count, Letters.isLetter(text[end]) || text[end] == ASCII.colon else {
      return nil
    }
    var first = count - 1
    while first > 0, self[first].sign != ASCII.space { first -= 1 }
    let group = self[first]
    // No group of an address has more than four digits.
    if text[end] == ASCII.colon, group.count > 4 { return nil }
    guard first > 0, group.start >= found else { return nil }
    let isCut = self[count - 1].end != end
    let mayBeMore = isCut || first == count - 1 && Letters.isLetter(text[end])
    return (group.start..<group.end, mayBeMore)
  }

  /// Whether the text goes on behind group `at` as if the number did.
  func isFree(_ text: Span<UInt8>, behind at: Int) -> Bool {
    guard at < count else { return false }
    return Letters.isFree(text, behind: self[at].end)
  }

  /// Whether a number may begin with group `at`.
  func isFree(_ text: Span<UInt8>, before at: Int) -> Bool {
    at == 0 ? Letters.isFree(text, before: start) : self[at].sign == ASCII.space
  }
}
