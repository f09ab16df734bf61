// Which target a conversation was last at, where speed decides: what its provider's cache has is worth more than a little
// speed. One for the process; by shares and by prices a conversation's own hash says the same in every pod.

internal import Wire

/// Conversations and the targets that answered them last.
package final class Companions: Sendable {
  private struct Place: Sendable {
    var conversation: UInt64 = 0
    var target: TargetHealth?
    var at: Nanoseconds = 0
  }

  /// Conversations that are remembered at the same time: so many sets, a conversation's being its number's, of so many
  /// places. Where a set is full, the one that was used longest ago goes. A list by last use would cost each request more.
  private static let sets = 256
  private static let places = 4
  /// Providers keep a prompt for about so long behind its last use.
  private static let age = 300 * Nanoseconds.second

  /// Empty until the first conversation.
  private let kept = Guarded([Place]())

  package init() {}

  /// The target that answered the conversation last; nil where that is long ago.
  package func find(_ conversation: UInt64, at now: Nanoseconds) -> TargetHealth? {
    kept.withLock { kept in
      for at in Self.range(conversation) where at < kept.count && kept[at].conversation == conversation {
        guard let target = kept[at].target, now.minus(kept[at].at) <= Self.age else { return nil }
        kept[at].at = now
        return target
      }
      return nil
    }
  }

  /// The conversation was answered by `target`.
  package func keep(_ conversation: UInt64, at target: TargetHealth, now: Nanoseconds) {
    kept.withLock { kept in
      if kept.isEmpty { kept = Array(repeating: Place(), count: Self.sets * Self.places) }
      let range = Self.range(conversation)
      var oldest = range.lowerBound
      for at in range {
        if kept[at].conversation == conversation || kept[at].target == nil {
          oldest = at
          break
        }
        if kept[at].at < kept[oldest].at { oldest = at }
      }
      kept[oldest] = Place(conversation: conversation, target: target, at: now)
    }
  }

  private static func range(_ conversation: UInt64) -> Range<Int> {
    let first = Int(conversation % UInt64(sets)) * places
    return first..<first + places
  }
}
