// Words and patterns that the operator doesn't want to see.

/// Deny and allow lists, compiled.
package struct Keywords: Sendable {
  private let words: PatternSet
  private let patterns: PatternSet
  private let exempt: PatternSet
  private let wordCount: Int

  /// - Throws: what is wrong with one of the patterns.
  package init(words: [String], patterns: [String], exempt: [String]) throws(PatternFault) {
    self.words = try PatternSet(literals: words)
    self.patterns = try PatternSet(patterns)
    self.exempt = try PatternSet(exempt)
    wordCount = words.count
  }

  /// Appends what is denied in `text`: the places of words, then of patterns, as rules. What an allowed pattern matches
  /// is exempt.
  package func scan(
    _ text: Span<UInt8>, _ memory: PatternMemory? = nil, into findings: inout [Finding]
  ) {
    let from = findings.count
    words.scan(text, memory) { findings.append(Finding($0, .custom, 100, rule: $1)) }
    patterns.scan(text, memory) { findings.append(Finding($0, .custom, 100, rule: wordCount + $1)) }
    guard findings.count > from, !exempt.isEmpty else { return }
    var allowed: [Range<Int>] = []
    exempt.scan(text, memory) { range, _ in allowed.append(range) }
    guard !allowed.isEmpty else { return }
    var kept = from
    for at in from..<findings.count {
      let range = findings[at].range
      if allowed.contains(where: { $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound }) {
        continue
      }
      findings[kept] = findings[at]
      kept += 1
    }
    findings.removeLast(findings.count - kept)
  }
}
