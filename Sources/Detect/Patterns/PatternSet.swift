// All patterns of a policy as one automaton without choices: one step a byte, and no way back.
//
// It is made when the configuration is read, by following sets of places in the patterns at once, and has a ceiling. A
// match is looked for from each place at which one can begin. Where one comes to nothing, VainRuns.swift remembers in which
// state it was where, and the next ones, which repeats (`.*`, `(a|ab)*`) bring to the same states, end there. What counts
// its repeats (`[ab]{1,64}c`) is in another state from each place: where that takes long, PatternMemory.swift tells at
// which places matches begin, and only there they are looked for, and no further than they go.

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
  /// The next state by state and class, with `mayEnd` where a pattern may end in it; 0: dead.
  private let next: [UInt16]
  private static let mayEnd: UInt16 = 0x8000
  /// For each state: the pattern that ends there whatever follows, the one that ends where a word doesn't go on, where a
  /// word goes on, and at the text's end; -1: none.
  private let ends: [Int16]
  /// The states in which reading begins: behind no word, behind a word, at the text's start.
  private let starts: [UInt16]
  /// Whether it matters what a match begins behind.
  private let looksBehind: Bool
  /// Whether a match can begin with this byte, where it isn't the text's first.
  private let isFirst: [Bool]
  /// Whether a match begins with what isn't ASCII, wherever it is.
  private let isWide: Bool
  private let backwards: BackwardPatterns
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
    backwards = builder.backwards(classes, classCount, built.waiting)
    looksBehind = backwards.hasChecks
    let ends = built.ends
    next = built.next.map { state in
      let place = Int(state) * 4
      return ends[place..<place + 4].contains { $0 >= 0 } ? state | Self.mayEnd : state
    }
    self.ends = ends
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
  ///
  /// - Parameter memory: what is known of matches' beginnings; without it a text may be read again and again.
  package func scan(
    _ text: Span<UInt8>, _ memory: PatternMemory? = nil,
    _ found: (_ range: Range<Int>, _ pattern: Int) -> Void
  ) {
    guard !isEmpty else { return }
    let isFirst = isFirst.span
    // What comes to nothing is remembered where there is more than a little of it.
    var vain: VainRuns?
    var starts: MatchStarts?
    var mayAsk = memory != nil
    var tries = 0
    var at = 0
    while at < text.count {
      if let known = starts {
        guard let next = known.next(text, from: at) else {
          (starts, mayAsk) = (nil, false)
          continue
        }
        at = next
        if at == text.count { return }
      }
      if isFirst[Int(text[at])] { tries &+= 1 }
      if tries == VainRuns.least, vain == nil { vain = VainRuns() }
      if isFirst[Int(text[at])] || at == 0, let match = match(text, at, &vain, starts) {
        found(at..<match.end, match.pattern)
        at = match.end
      } else {
        at &+= 1
        if isWide, at < text.count, text[at] < 0x80 { at = text.wide(from: at) }
      }
      if mayAsk, let vain, vain.isMuch(at) {
        mayAsk = false
        starts = memory?.starts(of: backwards)
        starts?.begin()
      }
    }
  }

  /// Whether a pattern matches anywhere in `text`.
  func isIn(_ text: Span<UInt8>) -> Bool {
    let isFirst = isFirst.span
    var at = 0
    while at < text.count {
      if isFirst[Int(text[at])] || at == 0, match(text, at) != nil { return true }
      at &+= 1
      if isWide, at < text.count, text[at] < 0x80 { at = text.wide(from: at) }
    }
    return false
  }

  /// The longest match that begins at `start`.
  func match(_ text: Span<UInt8>, _ start: Int) -> (end: Int, pattern: Int)? {
    var none: VainRuns?
    return match(text, start, &none, nil)
  }

  private func match(
    _ text: Span<UInt8>, _ start: Int, _ vain: inout VainRuns?, _ starts: MatchStarts?
  ) -> (end: Int, pattern: Int)? {
    let next = next.span
    let classes = classes.span
    let isBehindWord = looksBehind && Letters.isWord(text, before: start)
    var state = Int(self.starts[start == 0 ? 2 : isBehindWord ? 1 : 0])
    var best: (end: Int, pattern: Int)?
    var at = start
    let limit = min(text.count, start &+ Self.matchCeiling)
    // Most runs end within a few bytes. Where it is known which go on, a byte is enough to ask.
    let few = vain == nil ? limit : min(limit, start &+ (starts == nil ? VainRuns.step : 1))
    while at < few {
      let entry = next[state &* classCount &+ Int(classes[Int(text[at])])]
      state = Int(entry & ~Self.mayEnd)
      if state == 0 { return best }
      at &+= 1
      if entry & Self.mayEnd != 0, let pattern = ending(text, at, state) { best = (at, pattern) }
    }
    guard at < limit, vain != nil else { return best }
    if starts?.goesOn(at, state) == false { return best }
    vain?.begin(start)
    return goOn(text, at..<limit, state, best, &vain, starts)
  }

  /// Goes on with a run, to `range`'s end at most, that has come to its beginning in `state` and matches up to `best`.
  @inline(never)
  private func goOn(
    _ text: Span<UInt8>, _ range: Range<Int>, _ state: Int, _ best: (end: Int, pattern: Int)?,
    _ vain: inout VainRuns?, _ starts: MatchStarts?
  ) -> (end: Int, pattern: Int)? {
    let next = next.span
    let classes = classes.span
    var (at, state, best) = (range.lowerBound, state, best)
    let limit = range.upperBound
    while at < limit {
      if at % VainRuns.step == 0, starts?.goesOn(at, state) == false { return best }
      if at % VainRuns.step == 0, let end = vain?.end(at, state), end > limit {
        vain?.tell(end)
        return best
      }
      let entry = next[state &* classCount &+ Int(classes[Int(text[at])])]
      state = Int(entry & ~Self.mayEnd)
      if state == 0 {
        vain?.tell(VainRuns.never)
        return best
      }
      at &+= 1
      if entry & Self.mayEnd != 0, let pattern = ending(text, at, state) {
        best = (at, pattern)
        vain?.tell(at)
      }
    }
    follow(text, at, state, &vain)
    return best
  }

  /// Follows a run that came to its ceiling, for those behind it.
  private func follow(_ text: Span<UInt8>, _ from: Int, _ state: Int, _ vain: inout VainRuns?) {
    guard let last = vain?.limit, vain?.isOpen == true else { return }
    let next = next.span
    let classes = classes.span
    var (at, state) = (from, state)
    while at < min(text.count, last) {
      if at % VainRuns.step == 0, let end = vain?.end(at, state) { return vain?.tell(end) ?? () }
      let entry = next[state &* classCount &+ Int(classes[Int(text[at])])]
      state = Int(entry & ~Self.mayEnd)
      if state == 0 { break }
      at &+= 1
      if entry & Self.mayEnd != 0, ending(text, at, state) != nil { return vain?.tell(at) ?? () }
    }
    vain?.tell(VainRuns.never)
  }

  /// Which pattern ends in `state` before `at`.
  @inline(__always)
  private func ending(_ text: Span<UInt8>, _ at: Int, _ state: Int) -> Int? {
    let ends = ends.span
    let kind = at == text.count ? 3 : Letters.isWord(text, at: at) ? 2 : 1
    let pattern = max(ends[state &* 4], ends[state &* 4 &+ kind])
    return pattern >= 0 ? Int(pattern) : nil
  }
}
