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

  let places: [Place]
  /// Where matches end.
  let ends: [Int32]
  /// For each set, whether each class is of it, one set behind the other.
  let isMember: [Bool]
  let classes: [UInt8]
  let classCount: Int
  let hasChecks: Bool

  init(
    _ places: [Place], ends: [Int32], isMember: [Bool], classes: [UInt8], classCount: Int
  ) {
    self.places = places
    self.ends = ends
    self.isMember = isMember
    self.classes = classes
    self.classCount = classCount
    hasChecks = places.contains { !$0.checks.isEmpty }
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
