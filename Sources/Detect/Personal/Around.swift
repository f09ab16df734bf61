// What the words around a number say of it.

internal import Wire

/// The words around a number, read once for all that ask.
struct Around {
  private var place = -1
  private var end = -1
  private var before: Hints = []
  private var behind: Hints = []
  private(set) var near: Hints = []

  private mutating func read(_ text: Span<UInt8>, _ range: Range<Int>) {
    guard range.lowerBound != place || range.upperBound != end else { return }
    (before, behind, near) = ContextWords.shared.hints(text, around: range)
    place = range.lowerBound
    end = range.upperBound
  }

  /// What is said before or behind the number at `range`.
  mutating func said(_ text: Span<UInt8>, _ range: Range<Int>) -> Hints {
    read(text, range)
    return before.union(behind)
  }

  mutating func before(_ text: Span<UInt8>, _ range: Range<Int>) -> Hints {
    read(text, range)
    return before
  }

  /// Whether the number at `range` is said to be a telephone's.
  mutating func isPhone(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    read(text, range)
    return before.contains(.phone) || near.contains(.weakPhone) || behind.contains(.phoneBehind)
  }
}
