// The operator's own patterns: a subset of RE2's syntax that can be matched in one pass, whatever the text.
//
// Literals, classes, `.`, `?*+{m,n}`, alternation, groups, `(?i)`, `\b \B \d \w \s ^ $`. What needs going back (`\1`,
// look-around) is refused with its column.

internal import Wire

/// Why a pattern is refused.
package struct PatternFault: Error, Equatable, Sendable {
  /// What is wrong, and what would be right.
  package let message: String
  /// The column in the pattern, from 1; 0 where none can be named.
  package let column: Int
}

/// A pattern, read.
indirect enum PatternNode {
  case empty
  /// One byte of these.
  case bytes(ByteSet)
  case sequence([PatternNode])
  case choice([PatternNode])
  /// `most` nil: without a ceiling.
  case repeated(PatternNode, least: Int, most: Int?)
  case assertion(PatternAssertion)
}

enum PatternAssertion: UInt8 {
  case wordBorder, noWordBorder, start, end
  /// Anywhere but inside a word.
  case edge
}

/// A set of bytes.
struct ByteSet: Hashable {
  var words: [UInt64] = [0, 0, 0, 0]

  func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }
  mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
  mutating func insert(_ range: ClosedRange<UInt8>) { for byte in range { insert(byte) } }

  init() {}
  init(_ range: ClosedRange<UInt8>) { insert(range) }
}

/// Reads a pattern.
struct PatternReader {
  static let lengthCeiling = 512
  static let repeatCeiling = 64
  /// How many characters a pattern may have with its counts written out: a count within another multiplies. Of so many a
  /// text can bring it to few enough states for all to be kept.
  static let writtenCeiling = 640
  private static let depthCeiling = 32

  private let text: [Unicode.Scalar]
  private var at = 0
  private var ignoresCase = false
  private var depth = 0
  /// How many characters were read, with their counts written out.
  private var written = 0

  init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

  mutating func read() throws(PatternFault) -> PatternNode {
    if text.isEmpty { throw PatternFault(message: "a pattern can't be empty", column: 0) }
    if text.count > Self.lengthCeiling {
      throw PatternFault(message: "a pattern has at most \(Self.lengthCeiling) characters", column: 0)
    }
    let node = try choice()
    if at < text.count { throw fault("')' closes nothing; write '\\)' for the sign itself") }
    // What stands behind the last count adds to it.
    if written > Self.writtenCeiling { throw tooLong(text.count - 1) }
    return node
  }

  private func fault(_ message: String) -> PatternFault { PatternFault(message: message, column: at + 1) }

  private mutating func choice() throws(PatternFault) -> PatternNode {
    var options = [try sequence()]
    while at < text.count, text[at] == "|" {
      at += 1
      options.append(try sequence())
    }
    return options.count == 1 ? options[0] : .choice(options)
  }

  private mutating func sequence() throws(PatternFault) -> PatternNode {
    var items: [PatternNode] = []
    while at < text.count, text[at] != "|", text[at] != ")" {
      let before = written
      if let item = try item() { items.append(try counted(item, written - before)) }
    }
    return items.isEmpty ? .empty : items.count == 1 ? items[0] : .sequence(items)
  }

  /// One item without its count; nil for a flag.
  private mutating func item() throws(PatternFault) -> PatternNode? {
    let sign = text[at]
    switch sign {
    case "(": return try group()
    case "[":
      written += 1
      return try set()
    case "*", "+", "?": throw fault("'\(sign)' repeats nothing; write '\\\(sign)' for the sign itself")
    case "{": throw fault("'{' repeats nothing; write '\\{' for the sign itself")
    case ".":
      at += 1
      written += 1
      return Self.ranges([(0, 9), (11, 0x10FFFF)])
    case "^":
      at += 1
      return .assertion(.start)
    case "$":
      at += 1
      return .assertion(.end)
    case "\\": return try escape()
    default:
      at += 1
      written += 1
      return literal(sign)
    }
  }

  private mutating func group() throws(PatternFault) -> PatternNode? {
    at += 1
    let outer = ignoresCase
    if at < text.count, text[at] == "?" {
      let rest = String(String.UnicodeScalarView(text[at..<min(at + 4, text.count)]))
      if rest.hasPrefix("?i)") {
        ignoresCase = true
        at += 3
        return nil
      } else if rest.hasPrefix("?i:") {
        ignoresCase = true
        at += 3
      } else if rest.hasPrefix("?:") {
        at += 2
      } else {
        throw fault(
          "'(?' begins nothing that can be matched in one pass; only (?:…) and (?i) are known, no look-around"
        )
      }
    }
    depth += 1
    if depth > Self.depthCeiling { throw fault("groups are nested too deeply") }
    let node = try choice()
    depth -= 1
    guard at < text.count, text[at] == ")" else { throw fault("a group isn't closed; add ')'") }
    at += 1
    ignoresCase = outer
    return node
  }

  /// - Parameter size: how many characters `node` has.
  private mutating func counted(_ node: PatternNode, _ size: Int) throws(PatternFault) -> PatternNode {
    // A group of nothing is as long to write out as one of something.
    var (node, size) = (node, max(size, 1))
    while at < text.count {
      let start = at
      let least: Int
      let most: Int?
      switch text[at] {
      case "*": (least, most) = (0, nil)
      case "+": (least, most) = (1, nil)
      case "?": (least, most) = (0, 1)
      case "{": (least, most) = try braces()
      default: return node
      }
      at += 1
      if at < text.count, text[at] == "?" || text[at] == "+" {
        throw fault("'\(text[at])' behind a count has no meaning here: the longest match counts")
      }
      if case .assertion = node { throw fault("a border can't be repeated") }
      let times = max(most ?? least, 1)
      written += size * (times - 1)
      size *= times
      if written > Self.writtenCeiling { throw tooLong(start) }
      node = .repeated(node, least: least, most: most)
    }
    return node
  }

  private func tooLong(_ count: Int) -> PatternFault {
    PatternFault(
      message:
        "with its counts written out the pattern has \(written) characters so far, and \(Self.writtenCeiling) are the most: counts within counts multiply; lower them, or write '+' or '*'",
      column: count + 1)
  }

  /// `{3}`, `{3,}`, `{3,5}`, up to its brace.
  private mutating func braces() throws(PatternFault) -> (Int, Int?) {
    at += 1
    let least = try number()
    var most: Int? = least
    if at < text.count, text[at] == "," {
      at += 1
      most = at < text.count && text[at] == "}" ? nil : try number()
    }
    guard at < text.count, text[at] == "}" else { throw fault("a count looks like {3}, {3,} or {3,5}") }
    if let most, most < least { throw fault("a count's second number can't be less than its first") }
    return (least, most)
  }

  private mutating func number() throws(PatternFault) -> Int {
    var value = 0
    let start = at
    while at < text.count, let digit = Int(String(text[at])), text[at].isASCII {
      value = value * 10 + digit
      if value > Self.repeatCeiling { throw fault("a count goes to \(Self.repeatCeiling) at most") }
      at += 1
    }
    if at == start { throw fault("a count looks like {3}, {3,} or {3,5}") }
    return value
  }

  private mutating func escape() throws(PatternFault) -> PatternNode {
    at += 1
    guard at < text.count else { throw fault("a pattern can't end in '\\'") }
    let sign = text[at]
    at += 1
    switch sign {
    case "b": return .assertion(.wordBorder)
    case "B": return .assertion(.noWordBorder)
    case "A": return .assertion(.start)
    case "z": return .assertion(.end)
    default:
      written += 1
      if let ranges = Self.named(sign) { return Self.ranges(ranges) }
      if let scalar = try Self.control(sign) { return literal(scalar) }
      at -= 1
      if sign == "p" || sign == "P" {
        throw fault("'\\\(sign)' isn't known; write \\w, a range, or the letters themselves")
      }
      throw fault(
        sign.properties.isAlphabetic || ("1"..."9").contains(sign)
          ? "'\\\(sign)' isn't known; of what goes back to an earlier part nothing is"
          : "'\\\(sign)' isn't known")
    }
  }

  /// The character that a backslash and `sign` stand for; nil for none.
  private static func control(_ sign: Unicode.Scalar) throws(PatternFault) -> Unicode.Scalar? {
    switch sign {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "f": return "\u{0C}"
    case "v": return "\u{0B}"
    default: return sign.isASCII && !("0"..."9").contains(sign) && !sign.properties.isAlphabetic ? sign : nil
    }
  }

  /// The ranges of a class with a name.
  private static func named(_ sign: Unicode.Scalar) -> [(UInt32, UInt32)]? {
    switch sign {
    case "d": [(0x30, 0x39)]
    case "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
    case "s": [(9, 13), (32, 32)]
    case "D": inverted([(0x30, 0x39)])
    case "W": inverted([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
    case "S": inverted([(9, 13), (32, 32)])
    default: nil
    }
  }

  private mutating func set() throws(PatternFault) -> PatternNode {
    let open = at
    at += 1
    var isInverted = false
    if at < text.count, text[at] == "^" {
      isInverted = true
      at += 1
    }
    var ranges: [(UInt32, UInt32)] = []
    var isFirst = true
    while true {
      guard at < text.count else {
        at = open
        throw fault("a class isn't closed; add ']'")
      }
      if text[at] == "]", !isFirst { break }
      isFirst = false
      let (low, whole) = try member()
      if let whole {
        ranges += whole
        continue
      }
      var high = low
      if at + 1 < text.count, text[at] == "-", text[at + 1] != "]" {
        at += 1
        high = try member().0
        if high < low { throw fault("a range in a class begins with its lesser end") }
      }
      ranges.append((low, high))
    }
    at += 1
    if ignoresCase { ranges += Self.otherCase(ranges) }
    let node = isInverted ? Self.inverted(ranges) : ranges
    if node.isEmpty { throw fault("a class that holds nothing never matches") }
    return Self.ranges(node)
  }

  /// One character of a class, or a class within it.
  private mutating func member() throws(PatternFault) -> (UInt32, [(UInt32, UInt32)]?) {
    let sign = text[at]
    at += 1
    if sign == "[", at < text.count, text[at] == ":" {
      throw fault("[:…:] isn't known; write \\d, \\w or a range")
    }
    guard sign == "\\" else { return (sign.value, nil) }
    guard at < text.count else { throw fault("a class isn't closed; add ']'") }
    let escaped = text[at]
    at += 1
    if let ranges = Self.named(escaped) { return (0, ranges) }
    guard let scalar = try Self.control(escaped) else {
      at -= 1
      throw fault("'\\\(escaped)' isn't known in a class")
    }
    return (scalar.value, nil)
  }

  // MARK: Characters as bytes

  private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
    var ranges = [(scalar.value, scalar.value)]
    if ignoresCase { ranges += Self.otherCase(ranges) }
    return Self.ranges(ranges)
  }
}
