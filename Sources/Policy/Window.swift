// What was counted in the last minute.
//
// A bucket for each second: sixty full ones and the one that runs. So a limit holds in every span of sixty seconds, while
// all of it may still come at once; a token bucket would let twice the limit through in one of them. Exact to a second,
// on the strict side.

/// A rolling minute.
struct Window: Sendable {
  /// Full buckets; one more is under way.
  private static let span: UInt64 = 60
  private static let second: UInt64 = 1_000_000_000

  private var buckets = [UInt64](repeating: 0, count: Int(Window.span) + 1)
  /// The second under way.
  private(set) var head: UInt64 = 0
  /// Of all buckets.
  private(set) var sum: UInt64 = 0

  /// Lets go of what is older than a minute.
  ///
  /// - Parameter now: nanoseconds on a clock that doesn't go back; a moment before the last one counts as that.
  mutating func advance(to now: UInt64) {
    let second = now / Self.second
    guard second > head else { return }
    if second - head > Self.span {
      for place in buckets.indices { buckets[place] = 0 }
      sum = 0
      head = second
      return
    }
    while head < second {
      head += 1
      let place = Self.place(of: head)
      sum -= buckets[place]
      buckets[place] = 0
    }
  }

  /// Counts in the second under way.
  mutating func add(_ amount: UInt64) { change(head, by: amount, adds: true) }

  /// Sets to `new` what was counted as `old` in a second that may be past. What is more than `old` and belongs to a
  /// second that is gone counts now, where it became known.
  mutating func correct(in second: UInt64, from old: UInt64, to new: UInt64) {
    let isHere = second <= head && head - second <= Self.span
    if new > old {
      change(isHere ? second : head, by: new - old, adds: true)
    } else if isHere {
      change(second, by: old - new, adds: false)
    }
  }

  private mutating func change(_ second: UInt64, by amount: UInt64, adds: Bool) {
    let place = Self.place(of: second)
    if adds {
      // An absurd count must not turn into a small one.
      let room = UInt64.max - sum
      buckets[place] += min(amount, room)
      sum += min(amount, room)
    } else {
      let less = min(amount, buckets[place])
      buckets[place] -= less
      sum -= less
    }
  }

  /// How long it takes until `need` fits under `limit`, if nothing more comes; 0: it fits.
  func wait(for need: UInt64, under limit: UInt64, at now: UInt64) -> UInt64 {
    guard need <= limit else { return Self.span * Self.second }
    var left = sum
    var second = head >= Self.span ? head - Self.span : 0
    while left > limit - need, second <= head {
      left -= buckets[Self.place(of: second)]
      second += 1
    }
    return left == sum ? 0 : Self.time(until: second + Self.span, at: now)
  }

  /// How long it takes until nothing is counted any more, if nothing more comes.
  func timeToEmpty(at now: UInt64) -> UInt64 {
    if sum == 0 { return 0 }
    var second = head
    while second > 0, head - second < Self.span, buckets[Self.place(of: second)] == 0 { second -= 1 }
    return Self.time(until: second + 1 + Self.span, at: now)
  }

  private static func time(until second: UInt64, at now: UInt64) -> UInt64 {
    let end = second * Self.second
    return end > now ? end - now : 0
  }

  private static func place(of second: UInt64) -> Int { Int(second % (span + 1)) }
}
