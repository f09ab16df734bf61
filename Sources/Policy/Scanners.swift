// What texts are looked at with, one for each worker: a look never waits, so that two never need it at the same time.

internal import Detect

/// A worker's scanners, which remember no text.
package final class Scanners {
  let patterns = PatternMemory()
  private(set) lazy var injections = InjectionScanner(patterns)

  package init() {}

  /// About how many bytes hold what was found out about patterns.
  package var bytes: Int { patterns.bytes }

  /// Forgets what was found out about patterns, those of a new configuration being others.
  package func forget() { patterns.forget() }
}
