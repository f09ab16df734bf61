// How many tries were made for calls that failed, so that an SDK which repeats one by itself doesn't get as many again.
//
// Process-wide, and asked only where an exchange fails or where an SDK says that it repeats one.

internal import Wire

/// A table of failed calls, by a hash of what was asked.
package final class FailedCalls: Sendable {
  /// More calls than these fail at once only where everything does.
  private static let ceiling = 1024
  /// SDKs repeat within seconds; what they were told to wait for is minutes.
  private static let keeps = 600 * Nanoseconds.second

  private struct Entry: Sendable {
    var key: UInt64 = 0
    var tries: UInt8 = 0
    var at: Nanoseconds = 0
  }

  private struct Table: ~Copyable, Sendable {
    /// Two-way: a key stands in one of two places.
    var entries: [Entry] = []
  }

  private let table = Guarded(Table())

  package init() {}

  /// Adds tries of a call that failed.
  package func note(_ key: UInt64, tries: Int, at now: Nanoseconds) {
    table.withLock { table in
      if table.entries.isEmpty { table.entries = Array(repeating: Entry(), count: Self.ceiling) }
      let place = Self.place(key, table.entries, now) ?? Self.oldest(key, table.entries)
      var entry = table.entries[place]
      if entry.key != key || now.minus(entry.at) > Self.keeps { entry = Entry(key: key) }
      entry.tries = UInt8(clamping: Int(entry.tries) + max(tries, 0))
      entry.at = now
      table.entries[place] = entry
    }
  }

  /// Tries that were made for a call; nil where it isn't known.
  package func tries(_ key: UInt64, at now: Nanoseconds) -> Int? {
    table.withLock { table in
      guard !table.entries.isEmpty, let place = Self.place(key, table.entries, now) else { return nil }
      return Int(table.entries[place].tries)
    }
  }

  private static func first(_ key: UInt64) -> Int { Int(key & 1023) }
  private static func second(_ key: UInt64) -> Int { Int(key >> 32 & 1023) }

  private static func place(_ key: UInt64, _ entries: [Entry], _ now: Nanoseconds) -> Int? {
    for place in [first(key), second(key)]
    where entries[place].key == key && entries[place].at > 0 && now.minus(entries[place].at) <= keeps {
      return place
    }
    return nil
  }

  private static func oldest(_ key: UInt64, _ entries: [Entry]) -> Int {
    entries[first(key)].at <= entries[second(key)].at ? first(key) : second(key)
  }

  /// The key of a call: who asks, what for, and with which words. Swift's own hash is seeded for each process, so that no
  /// client can make two calls alike.
  package static func key(group: Int?, path: Span<UInt8>, body: Span<UInt8>) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(group ?? -1)
    hasher.combine(path)
    hasher.combine(body)
    let hash = UInt64(bitPattern: Int64(hasher.finalize()))
    return hash == 0 ? 1 : hash
  }
}
