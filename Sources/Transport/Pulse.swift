// Whether a loop still turns. It costs nothing while nobody asks: a question is a piece of work for the loop,
// and the answer is that the work was done.

internal import Synchronization

/// One loop's sign of life. Any thread may ask.
package final class Pulse: Sendable {
  /// A turn that takes longer than this is stuck.
  package static let patience = Duration.seconds(5)

  /// When the question was put that is still open, in nanoseconds; 0: none is.
  private let asked = Atomic<UInt64>(0)

  package init() {}

  /// Puts the question, unless one is open already.
  ///
  /// - Parameter post: has a piece of work done on the loop.
  /// - Returns: for how long the loop has owed an answer; nil as long as that is no reason to worry.
  package func silence(
    at now: Instant, post: (@escaping @Sendable () -> Void) -> Void
  ) -> Duration? {
    let (isNew, open) = asked.compareExchange(
      expected: 0, desired: max(now.nanoseconds, 1), ordering: .acquiringAndReleasing)
    if isNew {
      post { self.asked.store(0, ordering: .releasing) }
      return nil
    }
    let silence = Duration.nanoseconds(now.nanoseconds(since: Instant(nanoseconds: open)))
    return silence < Self.patience ? nil : silence
  }
}
