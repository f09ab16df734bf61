// Patterns of which only one thing is asked: whether any of them matches in a text.

/// Patterns that together would need too many states, read backwards in one pass all the same.
struct PatternGroup: Sendable {
  private let sets: [PatternSet]
  private let backwards: BackwardPatterns

  /// - Parameter patterns: none is longer than what is taken for a match, and none says a border.
  init(_ patterns: [String]) throws(PatternFault) {
    var builder = PatternBuilder()
    var sets: [PatternSet] = []
    for (place, pattern) in patterns.enumerated() {
      var reader = PatternReader(pattern)
      builder.add(try reader.read(), as: place)
      sets.append(try PatternSet([pattern]))
    }
    self.sets = sets
    let (classes, classCount) = builder.byteClasses()
    backwards = builder.backwards(classes, classCount)
  }

  /// Whether one of the patterns matches anywhere in `text`.
  func isIn(_ text: Span<UInt8>, _ memory: PatternMemory) -> Bool {
    let starts = memory.starts(of: backwards)
    starts.begin()
    guard let first = starts.next(text, from: 0) else { return sets.contains { $0.isIn(text) } }
    return first < text.count
  }
}
