// What a worker has found out about patterns read backwards: in one pass over a stretch of text, where matches begin, and
// which that have begun go on.
//
// From each place at which one may begin, a pattern that counts its repeats is read as far as it counts, and comes to
// nothing where its end is missing. Read backwards for all places at once, a step a byte tells which of them begin a
// match; only there it is read forwards, and only as far as the match goes. The steps are found out when they are first
// taken, and kept up to a ceiling. Who sends texts that always need others is read without them.

internal import Wire

/// One worker's memory of sets of patterns. Nothing of a text is kept in it.
package final class PatternMemory {
  private static let ceiling = 16
  /// The one that was asked last is the last.
  private var known: [MatchStarts] = []

  package init() {}

  /// What is known of these patterns.
  func starts(of patterns: BackwardPatterns) -> MatchStarts {
    guard let place = known.lastIndex(where: { $0.patterns === patterns }) else {
      // Who asks for more sets in turn than are kept has no more steps found out for it than who asks for one.
      let credit = known.count == Self.ceiling ? known.removeFirst().credit : MatchStarts.mostCredit
      let starts = MatchStarts(patterns, credit: credit)
      known.append(starts)
      return starts
    }
    let starts = known[place]
    if place != known.count - 1 {
      known.remove(at: place)
      known.append(starts)
    }
    return starts
  }

  /// Forgets all of it: patterns of a configuration that is gone are not asked for any more.
  package func forget() { known.removeAll() }

  /// About how many bytes it takes.
  package var bytes: Int { known.reduce(0) { $0 + $1.bytes } }
}

/// Where matches of a set of patterns begin in a text.
final class MatchStarts {
  let patterns: BackwardPatterns

  /// A stretch is looked at together.
  private static let stretch = 4096
  private static let unknown = UInt16.max
  private static let isStart: UInt16 = 0x8000
  private static let cellCeiling = 1 << 18
  private static let stateCeiling = 4096
  /// Places in the keys of all states.
  private static let keyCeiling = 1 << 18
  /// Steps that may be found out: at first, and more for each byte that is read.
  static let mostCredit = 400_000
  private static let creditPerByte = 8

  /// For each state, which sets of places are live before a byte is read, matches' ends left out.
  private var keys: [[Int32]] = []
  /// A bit for each place that is live behind the step under way.
  private var reached: [UInt64]
  private var numbers: [StateKey: UInt16] = [:]
  /// The next state by state, sides and class, with `isStart` where a match begins.
  private var cells: [UInt16] = []
  private let width: Int
  private let columns: Int
  private let most: Int
  private(set) var credit: Int
  private var keySize = 0
  private var marks: [UInt32]
  private var mark: UInt32 = 0
  private var stack: [Int32] = []
  private var live: [Int32] = []

  /// A bit for each place of the stretch.
  private var bits = [UInt64](repeating: 0, count: stretch / 64)
  private var from = 0
  private var to = 0
  /// The state before each byte of the stretch and of what is read behind it.
  private var states = [UInt16](repeating: 0, count: stretch + PatternSet.matchCeiling + 1)
  /// Up to here, places have states with the numbers by which they are known now.
  private var told = 0
  /// Whether a match goes on, by the two states that say so: their numbers and a bit.
  private var pairs: [UInt32] = []
  private static let pairCount = 4096
  private static let noPair = UInt32.max
  /// Pairs may be compared as steps may be found out.
  private var pairCredit: Int

  init(_ patterns: BackwardPatterns, credit: Int) {
    self.patterns = patterns
    self.credit = credit
    pairCredit = credit
    columns = patterns.classCount + 1
    width = columns * (patterns.hasChecks ? 12 : 1)
    most = min(Self.stateCeiling, max(Self.cellCeiling / width, 16))
    marks = [UInt32](repeating: 0, count: patterns.places.count)
    reached = [UInt64](repeating: 0, count: patterns.places.count / 64 + 1)
    flush()
  }

  private func flush() {
    keys.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    cells.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    told = 0
    keySize = 0
    _ = number([])
  }

  /// About what it takes: cells, keys with their headers, and where each key's number is found.
  var bytes: Int {
    2 * (cells.capacity + states.count) + 4 * (keySize + 2 * marks.count + pairs.capacity) + 104 * keys.count
  }

  /// Begins with a text. What was found out about stretches of another is forgotten.
  func begin() { (from, to) = (0, 0) }

  /// The first place from `at` on where a match may begin: where none is marked, none begins. Places are asked from left
  /// to right.
  ///
  /// - Returns: the text's end where there is none; nil where it would take too many steps that aren't known.
  func next(_ text: Span<UInt8>, from at: Int) -> Int? {
    var at = at
    while at < text.count {
      if at >= to {
        from = at
        to = min(at &+ Self.stretch, text.count)
        guard look(text) else { return nil }
      }
      while at < to {
        let place = at &- from
        let word = bits[place >> 6] >> UInt64(place & 63)
        if word != 0 { return at &+ word.trailingZeroBitCount }
        at = at &+ 64 &- place & 63
      }
      at = to
    }
    return text.count
  }

  /// Whether a match may end behind `at` that began in the stretch and has come to `state` of the automaton that reads
  /// forwards.
  func goesOn(_ at: Int, _ state: Int) -> Bool {
    guard at >= from, at < told else { return true }
    let other = Int(states[at &- from])
    // The automaton that reads forwards has no more than 2^14 states, and this one 2^12.
    let pair = UInt32(truncatingIfNeeded: state &* Self.stateCeiling &+ other)
    let slot = Int(truncatingIfNeeded: (pair &* 0x9e37_79b1) >> 20)
    if slot < pairs.count {
      let known = pairs[slot]
      if known >> 1 == pair { return known & 1 != 0 }
    }
    return compare(pair, slot, state, other)
  }

  private func compare(_ pair: UInt32, _ slot: Int, _ state: Int, _ other: Int) -> Bool {
    guard pairCredit > 0, let waiting = patterns.waiting.of(state) else { return true }
    if pairs.isEmpty { pairs = [UInt32](repeating: Self.noPair, count: Self.pairCount) }
    pairCredit &-= waiting.count &+ keys[other].count
    let meet = patterns.waiting.meet(waiting, keys[other])
    pairs[slot] = pair << 1 | (meet ? 1 : 0)
    return meet
  }

  /// Marks where matches begin in the stretch.
  private func look(_ text: Span<UInt8>) -> Bool {
    // Held here alone while they are written to.
    var (marked, numbered): ([UInt64], [UInt16]) = ([], [])
    swap(&marked, &bits)
    swap(&numbered, &states)
    defer { (bits, states) = (marked, numbered) }
    var bits = marked.mutableSpan
    var states = numbered.mutableSpan
    for at in bits.indices { bits[at] = 0 }
    // What is longer isn't taken for a match.
    var at = min(to &+ PatternSet.matchCeiling, text.count)
    credit = min(credit &+ (at &- from) &* Self.creditPerByte, Self.mostCredit)
    pairCredit = min(pairCredit &+ (at &- from) &* Self.creditPerByte, Self.mostCredit)
    told = at &+ 1
    let classes = patterns.classes
    var state = 0
    var behind = BackwardPatterns.Behind.nothing
    if at < text.count { behind = Letters.isWord(text, at: at) ? .word : .other }
    while at >= from {
      var column = at > 0 ? Int(classes[Int(text[at &- 1])]) : patterns.classCount
      var before = BackwardPatterns.Before.nothing
      if patterns.hasChecks {
        if at > 0 { before = Self.before(text[at &- 1]) }
        column &+= (before.rawValue &* 3 &+ behind.rawValue) &* columns
        if at > 0 { behind = Letters.isWord(text, at: at &- 1) ? .word : .other }
      }
      var cell = cells[state &* width &+ column]
      if cell == Self.unknown {
        guard credit > 0 else { return false }
        cell = find(&state, column)
        // All states behind it have lost their numbers.
        if told == 0 { told = at &+ 1 }
      }
      states[at &- from] = UInt16(truncatingIfNeeded: state)
      if cell & Self.isStart != 0, at < to {
        let place = at &- from
        bits[place >> 6] |= 1 << UInt64(place & 63)
      }
      state = Int(cell & ~Self.isStart)
      at &-= 1
    }
    return true
  }

  private static func before(_ byte: UInt8) -> BackwardPatterns.Before {
    // What a letter of several bytes is, its first one tells.
    byte >= 0x80 ? .unknown : Letters.isAlnum(byte) || byte == 0x5F ? .word : .other
  }

  private func number(_ places: [Int32]) -> UInt16 {
    let key = StateKey(places)
    if let known = numbers[key] { return known }
    let number = UInt16(truncatingIfNeeded: keys.count)
    numbers[key] = number
    keys.append(places)
    keySize &+= places.count
    cells.append(contentsOf: repeatElement(Self.unknown, count: width))
    return number
  }

  /// Finds a step out. Where there is no room for more, all that were found out are forgotten, and `state` gets another
  /// number.
  private func find(_ state: inout Int, _ column: Int) -> UInt16 {
    let key = keys[state]
    if keys.count >= most || keySize >= Self.keyCeiling {
      flush()
      state = Int(number(key))
    }
    let sides = column / columns
    let before = BackwardPatterns.Before(rawValue: sides / 3) ?? .unknown
    let behind = BackwardPatterns.Behind(rawValue: sides % 3) ?? .other
    close(key, before, behind)
    let isStart = reach(column % columns)
    let cell = number(places()) | (isStart ? Self.isStart : 0)
    cells[state * width + column] = cell
    return cell
  }

  /// Takes all live places over a byte of the class `known`, backwards.
  ///
  /// - Returns: whether a pattern begins at one of them.
  private func reach(_ known: Int) -> Bool {
    let (allEdges, allBytes, members) = (patterns.places, patterns.bytes, patterns.isMember)
    let (edges, bytes, isMember) = (allEdges.span, allBytes.span, members.span)
    // Held here alone while it is written to.
    var held: [UInt64] = []
    swap(&held, &reached)
    defer { reached = held }
    var reached = held.mutableSpan
    var isStart = false
    var spent = 0
    for place in live {
      let place = edges[Int(place)]
      if place.isRoot { isStart = true }
      spent &+= 1 &+ place.bytes.count
      guard known < patterns.classCount else { continue }
      var at = Int(place.bytes.lowerBound)
      while at < Int(place.bytes.upperBound) {
        let (set, from) = bytes[at]
        at &+= 1
        if isMember[Int(set) &* patterns.classCount &+ known] {
          reached[Int(from >> 6)] |= 1 &<< UInt64(from & 63)
        }
      }
    }
    credit &-= spent
    return isStart
  }

  /// The places that were reached, in order; none is any more.
  private func places() -> [Int32] {
    var places: [Int32] = []
    for at in reached.indices where reached[at] != 0 {
      var word = reached[at]
      reached[at] = 0
      while word != 0 {
        places.append(Int32(truncatingIfNeeded: at &<< 6 &+ word.trailingZeroBitCount))
        word &= word &- 1
      }
    }
    return places
  }

  private func newMark() {
    mark &+= 1
    guard mark == 0 else { return }
    for at in marks.indices { marks[at] = 0 }
    mark = 1
  }

  /// Follows what needs no byte.
  private func close(_ key: [Int32], _ before: BackwardPatterns.Before, _ behind: BackwardPatterns.Behind) {
    newMark()
    // Held here alone while they are written to.
    var (held, stack, live): ([UInt32], [Int32], [Int32]) = ([], [], [])
    swap(&held, &marks)
    swap(&stack, &self.stack)
    swap(&live, &self.live)
    defer { (marks, self.stack, self.live) = (held, stack, live) }
    var marks = held.mutableSpan
    let mark = mark
    live.removeAll(keepingCapacity: true)
    stack.removeAll(keepingCapacity: true)
    func push(_ place: Int32, _ marks: inout MutableSpan<UInt32>) {
      guard marks[Int(place)] != mark else { return }
      marks[Int(place)] = mark
      stack.append(place)
    }
    for place in key { push(place, &marks) }
    for place in patterns.ends { push(place, &marks) }
    let (allEdges, allFree, allChecks) = (patterns.places, patterns.free, patterns.checks)
    let (edges, free, checks) = (allEdges.span, allFree.span, allChecks.span)
    var spent = 0
    while let place = stack.popLast() {
      live.append(place)
      let place = edges[Int(place)]
      spent &+= 1 &+ place.free.count
      var at = Int(place.free.lowerBound)
      while at < Int(place.free.upperBound) {
        push(free[at], &marks)
        at &+= 1
      }
      at = Int(place.checks.lowerBound)
      while at < Int(place.checks.upperBound) {
        if BackwardPatterns.mayHold(checks[at].assertion, before, behind) { push(checks[at].from, &marks) }
        at &+= 1
      }
    }
    credit &-= spent
  }
}

/// The places of a state, with a number by which most others are told from it.
private struct StateKey: Hashable {
  let places: [Int32]
  private let mix: UInt64

  init(_ places: [Int32]) {
    self.places = places
    var mix: UInt64 = 0x9e37_79b9_7f4a_7c15
    for place in places { mix = (mix ^ UInt64(truncatingIfNeeded: place)) &* 0xd1b5_4a32_d192_ed03 }
    self.mix = mix ^ mix >> 32
  }

  func hash(into hasher: inout Hasher) { hasher.combine(mix) }
}
