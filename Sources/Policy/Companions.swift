// Which target a conversation was last at, where speed decides: what its provider's cache has is worth more than a little
// speed. One for the process; by shares and by prices a conversation's own hash says the same in every pod.

internal import Wire

/// Conversations and the targets that answered them last.
package final class Companions: Sendable {
  /// Conversations that are remembered at the same time.
  private static let ceiling = 1024
  /// Providers keep a prompt for about so long behind its last use.
  private static let age = 300 * Nanoseconds.second

  private let kept = Guarded(LRUCache<UInt64, TargetHealth>(ceiling: Companions.ceiling))

  package init() {}

  /// The target that answered the conversation last; nil where that is long ago.
  package func find(_ conversation: UInt64, at now: Nanoseconds) -> TargetHealth? {
    kept.withLock { $0.use(conversation, age: Self.age, now: now) }
  }

  /// The conversation was answered by `target`.
  package func keep(_ conversation: UInt64, at target: TargetHealth, now: Nanoseconds) {
    _ = kept.withLock { $0.keep(target, for: conversation, weight: 1, age: Self.age, now: now) }
  }
}
