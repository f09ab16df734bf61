// All patterns of a policy as one automaton without choices: one step a byte, and no way back.
//
// It is made when the configuration is read, by following sets of places in the patterns at once, and has a ceiling. A
// match is looked for from each place at which one can begin; where one fails, nothing that was read of it is read again
// more often than the longest match is long, so patterns have a longest match, too.

internal import Wire

/// Patterns, compiled.
package struct PatternSet: Sendable {
  /// Patterns in one set.
  package static let ceiling = 64
  static let stateCeiling = 10_000
  /// What a match is read to, in bytes. A pattern without an end of its own (`.*`) ends there.
  package static let matchCeiling = 1024

  /// Bytes that no pattern tells apart have the same class.
  private let classes: [UInt8]
  private let classCount: Int
  /// The next state by state and class; 0: dead.
  private let next: [UInt16]
  /// For each state: the pattern that ends there whatever follows, the one that ends where a word doesn't go on, where a
  /// word goes on, and at the text's end; -1: none.
  private let ends: [Int16]
  /// The states in which reading begins: behind no word, behind a word, at the text's start.
  private let starts: [UInt16]
  /// Whether a match can begin with this byte, where it isn't the text's first.
  private let isFirst: [Bool]
  /// Whether a match begins with what isn't ASCII, wherever it is.
  private let isWide: Bool
  package let count: Int
  package var isEmpty: Bool { count == 0 }

  /// - Parameter wholeWords: which of the patterns match only whole words.
  package init(_ patterns: [String], wholeWords: [Bool] = []) throws(PatternFault) {
    var builder = PatternBuilder()
    for (place, pattern) in patterns.enumerated() {
      var reader = PatternReader(pattern)
      let node = try reader.read()
      let isWhole = place < wholeWords.count && wholeWords[place]
      builder.add(isWhole ? Self.bordered(node) : node, as: place)
    }
    count = patterns.count
    (classes, classCount) = builder.byteClasses()
    let built = try builder.determine(classes, classCount)
    next = built.next
    ends = built.ends
    starts = built.starts
    var first = [Bool](repeating: false, count: 256)
    for byte in 0..<256 {
      for start in starts[..<2] where next[Int(start) * classCount + Int(classes[byte])] != 0 {
        first[byte] = true
      }
    }
    isFirst = first
    isWide = !first[..<0x80].contains(true)
    for start in starts where ends[Int(start) * 4..<Int(start) * 4 + 4].contains(where: { $0 >= 0 }) {
      throw PatternFault(
        message: "a pattern may not match nothing at all; ask for a character with '+' or {1,}", column: 0)
    }
  }

  /// A set of plain texts: case doesn't matter, they match whole words, and any blanks stand for a blank. Blanks around one
  /// are none of its own.
  package init(literals: [String]) throws(PatternFault) {
    var patterns: [String] = []
    for literal in literals {
      var pattern = "(?i)"
      var wasBlank = false
      for scalar in literal.unicodeScalars {
        let isBlank = scalar.properties.isWhitespace
        if !isBlank {
          if wasBlank, pattern != "(?i)" { pattern += "\\s+" }
          let isPlain = scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || !scalar.isASCII
          pattern += isPlain ? String(scalar) : "\\" + String(scalar)
        }
        wasBlank = isBlank
      }
      if pattern == "(?i)" {
        throw PatternFault(message: "a word is blank, which would be found everywhere", column: 0)
      }
      patterns.append(pattern)
    }
    try self.init(patterns, wholeWords: literals.map { _ in true })
  }

  private static func bordered(_ node: PatternNode) -> PatternNode {
    .sequence([.assertion(.edge), node, .assertion(.edge)])
  }

  /// Calls `found` for each match, from left to right, the longest from each place, without overlaps.
  package func scan(_ text: Span<UInt8>, _ found: (_ range: Range<Int>, _ pattern: Int) -> Void) {
    guard !isEmpty else { return }
    let isFirst = isFirst.span
    var at = 0
    while at < text.count {
      guard isFirst[Int(text[at])] || at == 0, let match = match(text, at) else {
        at = isWide ? text.wide(from: at &+ 1) : at &+ 1
        continue
      }
      found(at..<match.end, match.pattern)
      at = match.end
    }
  }

  /// The longest match that begins at `start`.
  func match(_ text: Span<UInt8>, _ start: Int) -> (end: Int, pattern: Int)? {
    let next = next.span
    let classes = classes.span
    let ends = ends.span
    var state = Int(starts[start == 0 ? 2 : Letters.isWord(text, before: start) ? 1 : 0])
    var best: (end: Int, pattern: Int)?
    var at = start
    let limit = min(text.count, start + Self.matchCeiling)
    while at < limit {
      state = Int(next[state &* classCount &+ Int(classes[Int(text[at])])])
      if state == 0 { break }
      at &+= 1
      let kind = at == text.count ? 3 : Letters.isWord(text, at: at) ? 2 : 1
      let pattern = max(ends[state &* 4], ends[state &* 4 &+ kind])
      if pattern >= 0 { best = (at, Int(pattern)) }
    }
    return best
  }
}
