// What a pool decides: which of its unused connections is used next, and which have been kept for long enough. It knows
// neither sockets nor clocks, so that a test says what time it is.

/// How long a connection may have been unused that a request is sent on.
package enum Freshness: Sendable {
  /// As long as it is kept: it may turn out to be dead, and the request can be sent again.
  case any
  /// A second at most: for a request that can't be sent again. No server closes a connection so soon.
  case recent
  /// Not at all: a new one is made.
  case new
}

/// A pool's unused connections, which are its items.
package struct Shelf<Item> {
  /// What to do with the item that was taken out.
  package enum Step {
    /// - Parameter isLongUnused: whether its silence must be made sure of.
    case use(Item, isLongUnused: Bool)
    /// Its time is over.
    case drop(Item)
  }

  private struct Entry {
    let item: Item
    let since: Instant
    /// Until when the upstream has promised to keep it, less a margin; `.never` where it didn't say.
    let promised: Instant
  }

  /// Below this a connection counts as just used: a fraction of the shortest time after which servers close one.
  private static var recent: Interval { Interval(seconds: 1) }
  /// A promise of more is as good as none.
  private static var longestPromise: Int { 86_400 }

  /// The oldest first.
  private var entries: [Entry] = []
  private let idleTime: Interval
  private let warm: Int
  private let ceiling: Int

  /// - Parameters:
  ///   - idleTime: how long an item is kept; one of no length keeps nothing.
  ///   - warm: so many stay when their time is over, as long as the upstream keeps them.
  ///   - ceiling: items at most.
  package init(idleTime: Interval, warm: Int, ceiling: Int) {
    self.idleTime = idleTime
    self.warm = warm
    self.ceiling = ceiling
  }

  /// How many items there are.
  package var count: Int { entries.count }

  /// Keeps `item`, which was used until now.
  ///
  /// - Parameter promise: seconds for which the upstream says that it keeps it.
  /// - Returns: when to look at it again; nil where it isn't kept.
  package mutating func put(_ item: Item, promise: Int?, at now: Instant) -> Instant? {
    guard idleTime.nanoseconds > 0, entries.count < ceiling else { return nil }
    var promised = Instant.never
    if let promise {
      guard promise > 0 else { return nil }
      // The upstream counts from its answer's end, and a request is on its way for a while: a second's margin.
      let rest =
        promise == 1
        ? Interval(milliseconds: 500) : Interval(seconds: UInt64(min(promise, Self.longestPromise)) - 1)
      promised = now + rest
    }
    entries.append(Entry(item: item, since: now, promised: promised))
    return min(now + idleTime, promised)
  }

  /// Takes out the item that was used last; nil where none is fresh enough.
  package mutating func take(_ freshness: Freshness, at now: Instant) -> Step? {
    let place = entries.count - 1
    guard place >= 0 else { return nil }
    if entries[place].promised <= now { return .drop(entries.removeLast().item) }
    let isLongUnused = now.nanoseconds(since: entries[place].since) > Int(Self.recent.nanoseconds)
    switch freshness {
    case .new: return nil
    case .recent: if isLongUnused { return nil }
    case .any: break
    }
    return .use(entries.removeLast().item, isLongUnused: isLongUnused)
  }

  /// Takes out the item that was used first.
  package mutating func removeOldest() -> Item? { entries.isEmpty ? nil : entries.removeFirst().item }

  /// Takes out the item that `isIt` finds; false where there is none.
  package mutating func remove(where isIt: (Item) -> Bool) -> Bool {
    guard let index = entries.firstIndex(where: { isIt($0.item) }) else { return false }
    entries.remove(at: index)
    return true
  }

  /// Takes out all items.
  package mutating func removeAll() -> [Item] {
    defer { entries.removeAll() }
    return entries.map(\.item)
  }

  /// Takes out those whose time is over: all whose promise has ended, and the oldest of the others but for the warm ones.
  package mutating func expired(at now: Instant) -> [Item] {
    var gone: [Item] = []
    entries.removeAll { entry in
      guard entry.promised <= now else { return false }
      gone.append(entry.item)
      return true
    }
    var count = 0
    while entries.count - count > warm, entries[count].since + idleTime <= now {
      gone.append(entries[count].item)
      count += 1
    }
    entries.removeFirst(count)
    return gone
  }

  /// When the next one's time is over; `.never` where none's will be.
  package var next: Instant {
    var next = Instant.never
    for entry in entries { next = min(next, entry.promised) }
    if entries.count > warm, let oldest = entries.first { next = min(next, oldest.since + idleTime) }
    return next
  }
}
