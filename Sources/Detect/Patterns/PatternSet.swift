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

/// Makes the automaton.
struct PatternBuilder {
  private enum Edge {
    case bytes(ByteSet, Int)
    case free(Int)
    case check(PatternAssertion, Int)
    case match(Int)
  }
  private var edges: [[Edge]] = []
  private var roots: [Int] = []
  private var sets: Set<ByteSet> = []
  private static let placeCeiling = 40_000

  private mutating func place() -> Int {
    edges.append([])
    return edges.count - 1
  }

  mutating func add(_ node: PatternNode, as pattern: Int) {
    let end = place()
    edges[end].append(.match(pattern))
    roots.append(build(node, to: end))
  }

  /// Builds `node` backwards.
  ///
  /// - Returns: where it begins.
  private mutating func build(_ node: PatternNode, to end: Int) -> Int {
    if edges.count > Self.placeCeiling { return end }
    switch node {
    case .empty: return end
    case .bytes(let set):
      sets.insert(set)
      let start = place()
      edges[start].append(.bytes(set, end))
      return start
    case .sequence(let items): return items.reversed().reduce(end) { build($1, to: $0) }
    case .choice(let options):
      let starts = options.map { build($0, to: end) }
      let start = place()
      edges[start] = starts.map { .free($0) }
      return start
    case .assertion(let assertion):
      let start = place()
      edges[start].append(.check(assertion, end))
      return start
    case .repeated(let inner, let least, let most):
      var start = end
      if let most {
        for _ in least..<max(most, least) {
          let skip = place()
          let inside = build(inner, to: start)
          edges[skip] = [.free(inside), .free(end)]
          start = skip
        }
      } else {
        let loop = place()
        let inside = build(inner, to: loop)
        edges[loop] = [.free(inside), .free(end)]
        start = loop
      }
      for _ in 0..<least { start = build(inner, to: start) }
      return start
    }
  }

  /// Which bytes the patterns tell apart; word bytes always from others.
  func byteClasses() -> ([UInt8], Int) {
    var keys: [[Bool]: UInt8] = [:]
    var classes = [UInt8](repeating: 0, count: 256)
    let sets = Array(sets)
    for byte in 0..<256 {
      let value = UInt8(byte)
      var key = sets.map { $0.contains(value) }
      key.append(Letters.isAlnum(value) || value == 0x5F || value >= 0xC3 && value <= 0xE1)
      key.append(value == 0x0A)
      if let known = keys[key] {
        classes[byte] = known
      } else {
        let new = UInt8(truncatingIfNeeded: keys.count)
        keys[key] = new
        classes[byte] = new
      }
    }
    return (classes, keys.count)
  }

  /// What is known of the text on both sides of a place.
  private struct Sides: Sendable {
    /// A word ends before it; nil: the text's start.
    var before: Bool?
    /// A word goes on behind it; nil: the text's end.
    var behind: Bool?

    func holds(_ assertion: PatternAssertion) -> Bool {
      switch assertion {
      case .wordBorder: (before ?? false) != (behind ?? false)
      case .noWordBorder: (before ?? false) == (behind ?? false)
      case .edge: !((before ?? false) && (behind ?? false))
      case .start: before == nil
      case .end: behind == nil
      }
    }
  }

  private struct Key: Hashable {
    var places: [Int32]
    /// 0: behind no word, 1: behind a word, 2: at the start.
    var before: Int8

    var sideBefore: Bool? { before == 2 ? nil : before == 1 }
  }

  /// Follows sets of places. What it needs again for each state is kept in it.
  private struct Follower {
    let edges: [[Edge]]
    /// For each place with bytes, the classes of those.
    let classes: [[Int]]
    private var marks: [Int32]
    private var mark: Int32 = 0
    private var stack: [Int32] = []

    init(_ edges: [[Edge]], _ table: [UInt8], _ classCount: Int) {
      self.edges = edges
      var known: [ByteSet: [Int]] = [:]
      classes = edges.map { edges in
        guard case .bytes(let set, _)? = edges.first else { return [] }
        if let classes = known[set] { return classes }
        var seen = [Bool](repeating: false, count: classCount)
        for byte in 0..<256 where set.contains(UInt8(byte)) { seen[Int(table[byte])] = true }
        let classes = seen.indices.filter { seen[$0] }
        known[set] = classes
        return classes
      }
      marks = [Int32](repeating: 0, count: edges.count)
    }

    /// Calls `each` with all places that are reached from `from` without a byte, between these sides.
    ///
    /// - Returns: whether the sides mattered.
    @discardableResult
    mutating func close(_ from: [Int32], _ sides: Sides, _ each: (Int) -> Void) -> Bool {
      mark += 1
      var hasChecks = false
      stack.removeAll(keepingCapacity: true)
      for place in from where marks[Int(place)] != mark {
        marks[Int(place)] = mark
        stack.append(place)
      }
      while let at = stack.popLast() {
        each(Int(at))
        for edge in edges[Int(at)] {
          let target: Int
          switch edge {
          case .free(let next): target = next
          case .check(let assertion, let next):
            hasChecks = true
            guard sides.holds(assertion) else { continue }
            target = next
          default: continue
          }
          if marks[target] != mark {
            marks[target] = mark
            stack.append(Int32(target))
          }
        }
      }
      return hasChecks
    }
  }

  func determine(
    _ classes: [UInt8], _ classCount: Int
  ) throws(PatternFault) -> (next: [UInt16], ends: [Int16], starts: [UInt16]) {
    let tooMany = PatternFault(
      message: "the patterns need more than \(PatternSet.stateCeiling) states; shorten their repeats",
      column: 0)
    if edges.count > Self.placeCeiling { throw tooMany }
    var samples = [UInt8](repeating: 0, count: classCount)
    for byte in (0..<256).reversed() { samples[Int(classes[byte])] = UInt8(byte) }
    let isWord = samples.map { Letters.isAlnum($0) || $0 == 0x5F || $0 >= 0xC3 && $0 <= 0xE1 }
    var follower = Follower(edges, classes, classCount)
    let placeClasses = follower.classes
    var keys: [Key] = [Key(places: [], before: 0)]
    var numbers: [Key: Int] = [keys[0]: 0]
    var next = [UInt16](repeating: 0, count: classCount)
    var ends: [Int16] = [-1, -1, -1, -1]
    func number(_ key: Key) -> Int {
      if let known = numbers[key] { return known }
      numbers[key] = keys.count
      keys.append(key)
      return keys.count - 1
    }
    let roots = Array(Set(roots.map { Int32($0) })).sorted()
    let starts = (0..<3).map { UInt16(truncatingIfNeeded: number(Key(places: roots, before: Int8($0)))) }
    var targets = [[Int32]](repeating: [], count: classCount)
    var at = 1
    while at < keys.count {
      if keys.count > PatternSet.stateCeiling || keys.count * classCount * 2 > 4 << 20 { throw tooMany }
      let key = keys[at]
      for place in targets.indices { targets[place].removeAll(keepingCapacity: true) }
      // What follows decides of borders, so each kind of byte has a reach of its own.
      for behind in [false, true] {
        follower.close(key.places, Sides(before: key.sideBefore, behind: behind)) { place in
          guard case .bytes(_, let target)? = edges[place].first else { return }
          for known in placeClasses[place] where isWord[known] == behind {
            targets[known].append(Int32(target))
          }
        }
      }
      for known in 0..<classCount {
        guard !targets[known].isEmpty else {
          next.append(0)
          continue
        }
        // The rest of a letter belongs to it.
        let goesOn = isWord[known] || samples[known] & 0xC0 == 0x80 && key.before == 1
        targets[known].sort()
        var places: [Int32] = []
        for target in targets[known] where places.last != target { places.append(target) }
        next.append(UInt16(truncatingIfNeeded: number(Key(places: places, before: goesOn ? 1 : 0))))
      }
      ends += matches(key, &follower)
      at += 1
    }
    return (next, ends, starts)
  }

  /// Which pattern ends in a state, by what follows.
  private func matches(_ key: Key, _ follower: inout Follower) -> [Int16] {
    func least(_ behind: Bool?) -> (Int16, Bool) {
      var best = Int16.max
      let edges = edges
      let hasChecks = follower.close(key.places, Sides(before: key.sideBefore, behind: behind)) { place in
        for case .match(let pattern) in edges[place] { best = min(best, Int16(truncatingIfNeeded: pattern)) }
      }
      return (best == .max ? -1 : best, hasChecks)
    }
    let (first, hasChecks) = least(false)
    return hasChecks ? [-1, first, least(true).0, least(nil).0] : [first, first, first, first]
  }
}
