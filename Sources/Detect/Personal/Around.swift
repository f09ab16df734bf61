// What the words around a number say of it.

internal import Wire

/// The words around a number, read once for all that ask. Between the groups of a run no words stand: what isn't said
/// before its first group is said before none, and behind a group only what stands behind the last counts.
struct Around {
  /// The run; empty for a word.
  private var run = 0..<0
  /// The most that is said before one of its groups, and near it; nil until somebody asks.
  private var most: (all: Hints, near: Hints)?
  private var start = -1
  private var before: (all: Hints, near: Hints) = ([], [])
  private var end = -1
  private var behind: Hints = []
  /// Whether a word stands near behind the run; nil until somebody asks.
  private var hasWords: Bool?
  private var words = ContextReading()

  /// Begins with another run, further on.
  mutating func begin(_ run: Range<Int>) {
    self.run = run
    most = nil
    start = -1
    end = -1
    hasWords = nil
  }

  /// All that is said before or behind the number at `place`, for who asks for many of them.
  mutating func hints(_ text: Span<UInt8>, _ place: Range<Int>) -> Hints {
    var said: Hints = []
    if !run.contains(place.lowerBound)
      || place.lowerBound &- ContextWords.before < run.lowerBound && !most(text).all.isEmpty
    {
      said = read(text, before: place.lowerBound).all
    }
    return said.union(hints(text, behind: place.upperBound))
  }

  private mutating func hints(_ text: Span<UInt8>, behind place: Int) -> Hints {
    guard mayBeSaid(text, behind: place) else { return [] }
    if place != end {
      end = place
      behind = words.behind(text, end, wordless: max(run.upperBound, end))
    }
    return behind
  }

  /// Whether any of `hints` is said before or behind the number at `place`.
  mutating func says(_ hints: Hints, _ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    saysBefore(hints, text, place) || saysBehind(hints, text, place)
  }

  mutating func saysBefore(_ hints: Hints, _ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    mayBeSaid(hints, text, place, isNear: false)
      && !read(text, before: place.lowerBound).all.isDisjoint(with: hints)
  }

  /// Whether any of `hints` is said within a few words before the number.
  mutating func saysNear(_ hints: Hints, _ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    mayBeSaid(hints, text, place, isNear: true)
      && !read(text, before: place.lowerBound).near.isDisjoint(with: hints)
  }

  private mutating func saysBehind(_ hints: Hints, _ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    !self.hints(text, behind: place.upperBound).isDisjoint(with: hints)
  }

  /// Whether the number at `place` is said to be a telephone's.
  mutating func isPhone(_ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    saysBefore(.phone, text, place) || saysNear(.weakPhone, text, place)
      || saysBehind(.phoneBehind, text, place)
  }

  /// Whether the number at `place` can be said to be a telephone's, if it ends there or before.
  mutating func mayBePhone(_ text: Span<UInt8>, _ place: Range<Int>) -> Bool {
    mayBeSaid(text, behind: place.upperBound)
      || mayBeSaid(.phone, text, place, isNear: false)
      || mayBeSaid(.weakPhone, text, place, isNear: true)
  }

  /// Whether anything can be said behind a number that ends at `end` or before.
  @inline(__always)
  private mutating func mayBeSaid(_ text: Span<UInt8>, behind end: Int) -> Bool {
    if end &+ ContextWords.behind <= run.upperBound { return false }
    if end > run.upperBound { return true }
    if let hasWords { return hasWords }
    let limit = min(run.upperBound &+ ContextWords.behind, text.count)
    let found = text.extracting(0..<limit).latin(from: run.upperBound) < limit
    hasWords = found
    return found
  }

  private mutating func mayBeSaid(
    _ hints: Hints, _ text: Span<UInt8>, _ place: Range<Int>, isNear: Bool
  ) -> Bool {
    guard run.contains(place.lowerBound) else { return true }
    if place.lowerBound &- ContextWords.before >= run.lowerBound { return false }
    let most = most(text)
    return !(isNear ? most.near : most.all).isDisjoint(with: hints)
  }

  private mutating func most(_ text: Span<UInt8>) -> (all: Hints, near: Hints) {
    if let most { return most }
    let said = words.before(text, run.lowerBound)
    most = said
    return said
  }

  private mutating func read(_ text: Span<UInt8>, before place: Int) -> (all: Hints, near: Hints) {
    if place != start {
      start = place
      before = place == run.lowerBound ? most(text) : words.before(text, place)
    }
    return before
  }
}
