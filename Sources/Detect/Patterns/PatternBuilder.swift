// The automaton of a set of patterns (PatternSet.swift), made by following sets of places in all of them at once.

internal import Wire

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

  /// The same patterns, read backwards.
  func backwards(
    _ classes: [UInt8], _ classCount: Int, _ waiting: WaitingPlaces = WaitingPlaces()
  ) -> BackwardPatterns {
    var places = [BackwardPatterns.Place](repeating: BackwardPatterns.Place(), count: edges.count)
    var ends: [Int32] = []
    var known: [ByteSet: Int32] = [:]
    var isMember: [Bool] = []
    for (at, edges) in edges.enumerated() {
      let from = Int32(truncatingIfNeeded: at)
      for edge in edges {
        switch edge {
        case .free(let next): places[next].free.append(from)
        case .check(let assertion, let next): places[next].checks.append((assertion, from))
        case .match: ends.append(from)
        case .bytes(let set, let next):
          let place = known[set] ?? Int32(truncatingIfNeeded: known.count)
          if known[set] == nil {
            known[set] = place
            var held = [Bool](repeating: false, count: classCount)
            for byte in 0..<256 where set.contains(UInt8(byte)) { held[Int(classes[byte])] = true }
            isMember += held
          }
          places[next].bytes.append((place, from))
        }
      }
    }
    for root in roots { places[root].isRoot = true }
    return BackwardPatterns(
      places, ends: ends, isMember: isMember, classes: classes, classCount: classCount, waiting: waiting)
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
    /// For each place with bytes, which set of bytes that is; -1 for any other.
    let sets: [Int32]
    /// For each set, whether each class is of it, one set behind the other.
    let isMember: [Bool]
    private var marks: [Int32]
    private var mark: Int32 = 0
    private var stack: [Int32] = []

    init(_ edges: [[Edge]], _ table: [UInt8], _ classCount: Int) {
      self.edges = edges
      var known: [ByteSet: Int32] = [:]
      var isMember: [Bool] = []
      sets = edges.map { edges in
        guard case .bytes(let set, _)? = edges.first else { return -1 }
        if let place = known[set] { return place }
        let place = Int32(known.count)
        known[set] = place
        var classes = [Bool](repeating: false, count: classCount)
        for byte in 0..<256 where set.contains(UInt8(byte)) { classes[Int(table[byte])] = true }
        isMember += classes
        return place
      }
      self.isMember = isMember
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
  ) throws(PatternFault) -> (
    next: [UInt16], ends: [Int16], starts: [UInt16], waiting: WaitingPlaces
  ) {
    let tooMany = PatternFault(
      message: "the patterns need more than \(PatternSet.stateCeiling) states; shorten their repeats",
      column: 0)
    if edges.count > Self.placeCeiling { throw tooMany }
    var samples = [UInt8](repeating: 0, count: classCount)
    for byte in (0..<256).reversed() { samples[Int(classes[byte])] = UInt8(byte) }
    let isWord = samples.map { Letters.isAlnum($0) || $0 == 0x5F || $0 >= 0xC3 && $0 <= 0xE1 }
    var follower = Follower(edges, classes, classCount)
    var states = States()
    let roots = Array(Set(roots.map { Int32($0) })).sorted()
    let starts = (0..<3).map {
      UInt16(truncatingIfNeeded: states.number(Key(places: roots, before: Int8($0))))
    }
    var next = [UInt16](repeating: 0, count: classCount)
    var ends: [Int16] = [-1, -1, -1, -1]
    var fan = Fan(follower.isMember, classCount)
    var waiting = WaitingPlaces()
    var at = 1
    waiting.close()
    while at < states.keys.count {
      if states.keys.count > PatternSet.stateCeiling || states.keys.count * classCount * 2 > 4 << 20 {
        throw tooMany
      }
      let key = states.keys[at]
      var row = [UInt16](repeating: 0, count: classCount)
      // What follows decides of borders, so each kind of byte has a reach of its own.
      var isTold = false
      for behind in [false, true] {
        fan.clear()
        let sets = follower.sets
        let hasChecks = follower.close(key.places, Sides(before: key.sideBefore, behind: behind)) { place in
          guard case .bytes(_, let target)? = edges[place].first else { return }
          fan.add(sets[place], Int32(target))
          if !isTold { waiting.add(Int32(place)) }
        }
        isTold = !hasChecks
        for known in 0..<classCount where isWord[known] == behind {
          // The rest of a letter belongs to it.
          let goesOn = isWord[known] || samples[known] & 0xC0 == 0x80 && key.before == 1
          row[known] = fan.state(of: known, before: goesOn ? 1 : 0, &states)
        }
      }
      waiting.close()
      next += row
      ends += matches(key, &follower)
      at += 1
    }
    return (next, ends, starts, waiting)
  }

  /// The states by their sets of places.
  private struct States {
    var keys: [Key] = [Key(places: [], before: 0)]
    private var numbers: [Key: Int] = [Key(places: [], before: 0): 0]

    mutating func number(_ key: Key) -> Int {
      if let known = numbers[key] { return known }
      numbers[key] = keys.count
      keys.append(key)
      return keys.count - 1
    }
  }

  /// Where bytes lead from one state. Classes that are of the same sets lead to the same one, which most are.
  private struct Fan {
    private let isMember: [Bool]
    private let classCount: Int
    /// The sets by which places lead on, and the place that each leads to.
    private var sets: [Int32] = []
    private var targets: [(set: Int, place: Int32)] = []
    /// What was found out for one class, by the sets that it is of.
    private var known: [(sets: UInt64, before: Int8, state: UInt16)] = []
    private var places: [Int32] = []

    init(_ isMember: [Bool], _ classCount: Int) {
      self.isMember = isMember
      self.classCount = classCount
    }

    mutating func clear() {
      sets.removeAll(keepingCapacity: true)
      targets.removeAll(keepingCapacity: true)
      known.removeAll(keepingCapacity: true)
    }

    mutating func add(_ set: Int32, _ target: Int32) {
      var place = 0
      while place < sets.count, sets[place] != set { place += 1 }
      if place == sets.count { sets.append(set) }
      targets.append((place, target))
    }

    mutating func state(of known: Int, before: Int8, _ states: inout States) -> UInt16 {
      var held: UInt64 = 0
      for place in 0..<min(sets.count, 64) where has(place, known) { held |= 1 << UInt64(place) }
      let isTold = sets.count <= 64
      if isTold {
        if held == 0 { return 0 }
        for each in self.known where each.sets == held && each.before == before { return each.state }
      }
      places.removeAll(keepingCapacity: true)
      for target in targets where has(target.set, known) { places.append(target.place) }
      places.sort()
      var count = 0
      for at in places.indices where count == 0 || places[count - 1] != places[at] {
        places[count] = places[at]
        count += 1
      }
      places.removeLast(places.count - count)
      let number = places.isEmpty ? 0 : states.number(Key(places: places, before: before))
      let state = UInt16(truncatingIfNeeded: number)
      if isTold { self.known.append((held, before, state)) }
      return state
    }

    private func has(_ place: Int, _ known: Int) -> Bool { isMember[Int(sets[place]) * classCount + known] }
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
