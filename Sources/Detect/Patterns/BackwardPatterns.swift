// A set of patterns read backwards: what leads from a match's end to its beginning.

/// The automaton's edges the other way round, made with it and never changed.
final class BackwardPatterns: Sendable {
  /// How one place is reached from others: by a byte of a set, or by nothing.
  struct Place: Sendable {
    var bytes: [(set: Int32, from: Int32)] = []
    var free: [Int32] = []
    var checks: [(assertion: PatternAssertion, from: Int32)] = []
    /// A pattern begins here.
    var isRoot = false
  }

  /// One place's edges among all of them, each kind of which lies behind the one before.
  struct Edges: Sendable {
    var bytes: Range<Int32>
    var free: Range<Int32>
    var checks: Range<Int32>
    var isRoot: Bool
  }

  /// For each place.
  let places: [Edges]
  /// The edges of all places: arrays of each place's own would be counted and let go at each step.
  let bytes: [(set: Int32, from: Int32)]
  let free: [Int32]
  let checks: [(assertion: PatternAssertion, from: Int32)]
  /// Where matches end.
  let ends: [Int32]
  /// For each set, whether each class is of it, one set behind the other.
  let isMember: [Bool]
  let classes: [UInt8]
  let classCount: Int
  let hasChecks: Bool
  let waiting: WaitingPlaces

  init(
    _ places: [Place], ends: [Int32], isMember: [Bool], classes: [UInt8], classCount: Int,
    waiting: WaitingPlaces
  ) {
    func ranges(_ counts: [Int]) -> [Range<Int32>] {
      var end: Int32 = 0
      return counts.map { count in
        let start = end
        end += Int32(truncatingIfNeeded: count)
        return start..<end
      }
    }
    let bytes = ranges(places.map { $0.bytes.count })
    let free = ranges(places.map { $0.free.count })
    let checks = ranges(places.map { $0.checks.count })
    self.places = places.indices.map {
      Edges(bytes: bytes[$0], free: free[$0], checks: checks[$0], isRoot: places[$0].isRoot)
    }
    self.bytes = places.flatMap { $0.bytes }
    self.free = places.flatMap { $0.free }
    self.checks = places.flatMap { $0.checks }
    self.ends = ends
    self.isMember = isMember
    self.classes = classes
    self.classCount = classCount
    self.waiting = waiting
    hasChecks = !self.checks.isEmpty
  }

  /// What is known of the text before a place: nothing is there, no word, a word, or one of both.
  enum Before: Int { case nothing, other, word, unknown }
  /// What follows it.
  enum Behind: Int { case nothing, other, word }

  /// Whether `assertion` holds, or may.
  static func mayHold(_ assertion: PatternAssertion, _ before: Before, _ behind: Behind) -> Bool {
    switch assertion {
    case .start: before == .nothing
    case .end: behind == .nothing
    case .wordBorder: before == .unknown || (before == .word) != (behind == .word)
    case .noWordBorder: before == .unknown || (before == .word) == (behind == .word)
    case .edge: before == .unknown || !(before == .word && behind == .word)
    }
  }
}

/// For each state of the automaton that reads forwards, which places wait for a byte in it: the same places that the
/// backward one counts up, so that both tell together whether a match goes on.
struct WaitingPlaces: Sendable {
  /// Patterns with more are read without.
  private static let ceiling = 1 << 18

  private var places: [Int32] = []
  /// Where each state's begin, and behind them all.
  private var starts: [Int32] = [0]
  private var isTooMany = false

  /// Adds a place of the state under way.
  mutating func add(_ place: Int32) {
    if !isTooMany { places.append(place) }
  }

  /// Ends with a state.
  mutating func close() {
    if isTooMany { return }
    let from = Int(starts[starts.count - 1])
    var count = from
    for place in places[from...].sorted() where count == from || places[count - 1] != place {
      places[count] = place
      count += 1
    }
    places.removeLast(places.count - count)
    starts.append(Int32(truncatingIfNeeded: count))
    guard count > Self.ceiling else { return }
    isTooMany = true
    (places, starts) = ([], [0])
  }

  /// The places of `state`, in order; nil where they aren't known.
  func of(_ state: Int) -> Range<Int>? {
    guard state + 1 < starts.count else { return nil }
    return Int(starts[state])..<Int(starts[state + 1])
  }

  /// Whether any place of `range` is in `others`, which are in order, too.
  func meet(_ range: Range<Int>, _ others: [Int32]) -> Bool {
    var (at, other) = (range.lowerBound, 0)
    while at < range.upperBound, other < others.count {
      if places[at] == others[other] { return true }
      if places[at] < others[other] { at &+= 1 } else { other &+= 1 }
    }
    return false
  }
}
