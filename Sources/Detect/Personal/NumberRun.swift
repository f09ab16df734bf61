// Groups of digits with single signs between them, read once: what every kind of number is looked for in.

internal import Wire

/// A run of groups of digits.
struct NumberRun: ~Copyable {
  static let groupCeiling = 16

  struct Group {
    /// Where it lies in the text.
    var start = 0
    var end = 0
    /// The sign before it: a space, `-`, `.` or `/`; 0 before the first group.
    var sign: UInt8 = 0
    var count: Int { end &- start }
  }

  // Few registers hold it all, for each group is asked for many things: an array in place would be copied whole for each.
  // No more than forty digits are taken, so that what lies between the run's start and the last group's is less than 256
  // bytes.
  private var starts = SIMD16<UInt8>()
  /// How many digits are before each group.
  private var firsts = SIMD16<UInt8>()
  /// The groups' lengths, four bits each, the first one's the highest; 15 for longer ones.
  private var lengths: UInt64 = 0
  /// The signs before the groups, two bits each, the first one's the lowest: their places in `kinds`.
  private var signs: UInt32 = 0
  /// A bit for each group with the same sign before it as the group before.
  private var repeated: UInt32 = 0
  private(set) var count = 0
  /// How many digits the groups have, and how many were read.
  private var last = 0
  private var digitCount = 0
  /// Where it begins.
  let start: Int
  /// Behind what was read.
  private(set) var end: Int

  /// The signs that there may be, the first one in the lowest byte: a space, a hyphen, a point and a slash.
  private static let kinds: UInt32 = 0x2F2E_2D20

  @inline(__always)
  subscript(_ at: Int) -> Group {
    guard at >= 0, at < count else { return Group() }
    let first = start &+ Int(starts[at])
    return Group(start: first, end: first &+ length(at), sign: sign(at))
  }

  /// How many digits group `at` has; 0 where there is none.
  @inline(__always)
  func length(_ at: Int) -> Int {
    guard at >= 0, at < count else { return 0 }
    let length = Int(truncatingIfNeeded: lengths >> UInt64(truncatingIfNeeded: 60 &- 4 &* at) & 15)
    return length < 15 ? length : long(at)
  }

  private func long(_ at: Int) -> Int { (at + 1 < count ? Int(firsts[at + 1]) : last) - Int(firsts[at]) }

  /// The sign before group `at`; 0 where there is none.
  @inline(__always)
  func sign(_ at: Int) -> UInt8 {
    guard at > 0, at < count else { return 0 }
    let kind = signs >> UInt32(truncatingIfNeeded: 2 &* at) & 3
    return UInt8(truncatingIfNeeded: Self.kinds >> (8 &* kind))
  }

  /// Reads from `start` on, which is a digit.
  init(_ text: Span<UInt8>, from start: Int) {
    self.start = start
    var at = start
    var kind: UInt32 = 0
    var before: UInt32 = 4
    end = start
    while count < Self.groupCeiling, at < text.count, Letters.isDigit(text[at]) {
      let groupStart = at
      repeat { at &+= 1 } while at < text.count && Letters.isDigit(text[at])
      let length = at &- groupStart
      digitCount &+= length
      // A longer run of digits is none of ours.
      if digitCount > Digits.ceiling { break }
      starts[count] = UInt8(truncatingIfNeeded: groupStart &- start)
      firsts[count] = UInt8(truncatingIfNeeded: digitCount &- length)
      if count > 0 {
        signs |= kind &<< UInt32(truncatingIfNeeded: 2 &* count)
        if kind == before { repeated |= 1 &<< UInt32(truncatingIfNeeded: count) }
        before = kind
      }
      lengths |= UInt64(min(length, 15)) &<< UInt64(truncatingIfNeeded: 60 &- 4 &* count)
      count &+= 1
      last = digitCount
      end = at
      let width = Self.signWidth(text, at, &kind)
      guard width > 0, at &+ width < text.count, Letters.isDigit(text[at &+ width]) else { break }
      at &+= width
    }
    // What of a run was too long is passed over with it.
    end = max(end, at)
    while end < text.count, Letters.isDigit(text[end]) { end &+= 1 }
  }

  /// Whether another group follows the one that ends at `end`.
  static func goesOn(_ text: Span<UInt8>, behind end: Int) -> Bool {
    var kind: UInt32 = 0
    let width = signWidth(text, end, &kind)
    return width > 0 && end + width < text.count && Letters.isDigit(text[end + width])
  }

  /// The length of the sign at `at` that may stand between groups, and its place in `kinds`; 0 where none does. A no-break
  /// space is a space, and typographic hyphens are hyphens.
  @inline(__always)
  private static func signWidth(_ text: Span<UInt8>, _ at: Int, _ kind: inout UInt32) -> Int {
    guard at < text.count else { return 0 }
    if text[at] == ASCII.space || text[at] &- 0x2D < 3 {
      kind = text[at] == ASCII.space ? 0 : UInt32(text[at] & 3)
      return 1
    }
    return text[at] < 0x80 ? 0 : wideSignWidth(text, at, &kind)
  }

  private static func wideSignWidth(_ text: Span<UInt8>, _ at: Int, _ kind: inout UInt32) -> Int {
    switch text[at] {
    case 0xC2 where at + 1 < text.count && text[at + 1] == 0xA0:
      kind = 0
      return 2
    case 0xE2 where at + 2 < text.count && text[at + 1] == 0x80:
      switch text[at + 2] {
      case 0x90...0x93: kind = 1
      case 0xAF, 0x89: kind = 0
      default: return 0
      }
      return 3
    default: return 0
    }
  }

  /// Whether it has at most three digits.
  var isFew: Bool { digitCount <= 3 }

  /// How many digits it has from group `at` on.
  func rest(from at: Int) -> Int { digitCount &- Int(firsts[at & 15]) }

  /// Where the group ends behind which no number of so many digits goes that begins with group `at`.
  func end(of at: Int, digits: Int) -> Int {
    var last = at
    while last < count - 1, total(at..<last + 1) < digits { last += 1 }
    return self[last].end
  }

  /// Where in the text the groups `range` lie.
  func place(_ range: Range<Int>) -> Range<Int> {
    self[range.lowerBound].start..<self[range.upperBound - 1].end
  }

  /// The digit at `place` behind the beginning of group `at`, which may be one of the next group's; 0 behind the last.
  @inline(__always)
  func digit(_ place: Int, of at: Int, _ text: Span<UInt8>) -> Int {
    place < length(at) ? Int(text[self[at].start &+ place] & 0x0F) : farDigit(place, at, text)
  }

  private func farDigit(_ place: Int, _ at: Int, _ text: Span<UInt8>) -> Int {
    var (place, at) = (place, at)
    while at < count, place >= length(at) {
      place -= length(at)
      at += 1
    }
    return at < count ? Int(text[self[at].start + place] & 0x0F) : 0
  }

  /// The number that group `at` says, or so many of its first digits.
  func number(_ at: Int, _ text: Span<UInt8>, first: Int = 4) -> Int {
    var value = 0
    let start = self[at].start
    for place in 0..<min(length(at), first) { value = value &* 10 &+ Int(text[start &+ place] & 0x0F) }
    return value
  }

  /// The digits of the groups `range`.
  func digits(_ range: Range<Int>, _ text: Span<UInt8>) -> Digits {
    var digits = Digits()
    for at in range {
      let group = self[at]
      for place in group.start..<group.end { digits.append(text[place]) }
    }
    return digits
  }

  /// How many digits the groups `range` have.
  func total(_ range: Range<Int>) -> Int {
    let end = range.upperBound < count ? Int(firsts[range.upperBound]) : last
    return end &- Int(firsts[range.lowerBound & 15])
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
    while first > 0, sign(first) != ASCII.space { first -= 1 }
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
  @inline(__always)
  func isFree(_ text: Span<UInt8>, before at: Int) -> Bool {
    at == 0 ? Letters.isFree(text, before: start) : sign(at) == ASCII.space
  }
}
