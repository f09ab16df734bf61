// What the process knows of limits that are counted elsewhere: whether that place answers, how many pods share it, what
// it said last, and what it has still to be told. One for the process and the place; touched for a few additions.
//
// The place is asked once for a request. What requests took in the end goes along with the next question about the same
// group, or alone where none comes. A question without an answer is never asked again: it may have been counted.

internal import Wire

/// The state of one place that counts.
package final class SharedBook: Sendable {
  private struct GroupState: Sendable {
    var settlement = SharedSettlement()
    /// Of the requests that it is about.
    var quota: SharedQuota?
    /// What was said last, and of which limits.
    var last: (answer: SharedAnswer, quota: SharedQuota)?
  }

  private struct State: Sendable {
    var circuit = Circuit()
    /// Nil until the first answer or failure.
    var isUp: Bool?
    var pods: Int64 = 1
    /// The server's clock minus this machine's, in milliseconds.
    var offset: Int64 = 0
    var groups: [String: GroupState] = [:]
  }

  private let state = Guarded(State())

  package init() {}

  // MARK: Whether it answers

  /// Whether a question makes sense now, and with which epoch its end is told; nil: it doesn't.
  package func begin(at now: Nanoseconds) -> UInt32? {
    state.withLock { state in
      guard state.circuit.admits(at: now) else { return nil }
      state.circuit.begin(at: now)
      return state.circuit.epoch
    }
  }

  /// A question was answered, or wasn't.
  ///
  /// - Parameter jitter: spreads the pods' next questions.
  /// - Returns: whether that is news.
  @discardableResult
  package func end(_ isAnswered: Bool, epoch: UInt32, jitter: UInt8, at now: Nanoseconds) -> Bool {
    state.withLock { state in
      state.circuit.end(!isAnswered, epoch: epoch, mayOpen: true, jitter: jitter, at: now)
      defer { state.isUp = isAnswered }
      return state.isUp != isAnswered
    }
  }

  /// A question was given up before its end was known.
  package func abandon(epoch: UInt32, at now: Nanoseconds) {
    state.withLock { $0.circuit.end(nil, epoch: epoch, mayOpen: true, jitter: 0, at: now) }
  }

  /// Whether it answered last.
  package var isUp: Bool { state.withLock { $0.isUp ?? false } }

  /// How many pods a limit is divided by while nobody counts it together.
  package var part: Int { state.withLock { Int(clamping: max($0.pods, 1)) } }

  // MARK: What it says

  /// Keeps what was said, for the metrics, for answers to requests that weren't asked about, and for the time without it.
  ///
  /// - Parameter wall: this machine's clock, in milliseconds since 1970.
  package func take(_ answer: SharedAnswer, _ quota: SharedQuota, of group: String, wall: Int64) {
    state.withLock { state in
      state.pods = answer.pods
      state.offset = answer.time &- wall
      state.groups[group, default: GroupState()].last = (answer, quota)
    }
  }

  /// What was said last of a group, as long as a window has not gone by since.
  package func last(_ group: String, _ quota: SharedQuota, wall: Int64) -> SharedAnswer? {
    state.withLock { state in
      guard let last = state.groups[group]?.last, last.quota == quota else { return nil }
      var answer = last.answer
      let age = max(wall &+ state.offset &- answer.time, 0) / 1000
      if age >= answer.requests.reset { answer.requests = (0, 0) } else { answer.requests.reset -= age }
      if age >= answer.tokens.reset { answer.tokens = (0, 0) } else { answer.tokens.reset -= age }
      let now = (wall &+ state.offset) / 1000
      if quota.per > 0, now - now % quota.per != answer.promise.start { answer.spent = 0 }
      return answer
    }
  }

  // MARK: What it is told

  /// Notes what a request has taken for which nothing was promised there, because it was away.
  ///
  /// - Parameter wall: this machine's clock, in milliseconds since 1970.
  package func book(_ taken: Taken, _ quota: SharedQuota, of group: String, wall: Int64) {
    note(taken, nil, quota, group, wall)
  }

  /// Notes what a request has taken in place of what it was promised.
  package func settle(
    _ taken: Taken, _ promise: SharedPromise, _ quota: SharedQuota, of group: String, wall: Int64
  ) {
    note(taken, promise, quota, group, wall)
  }

  private func note(
    _ taken: Taken, _ promise: SharedPromise?, _ quota: SharedQuota, _ group: String, _ wall: Int64
  ) {
    func bounded(_ value: UInt64) -> Int64 { Int64(min(value, SharedScript.most)) }
    state.withLock { state in
      let seconds = max((wall &+ state.offset) / 1000, 0)
      let now = seconds / SharedScript.bucket
      var slot = promise?.slot ?? now
      var requests: Int64 = taken.isRequest ? 1 : 0
      var tokens = taken.isRequest ? bounded(taken.tokens) : 0
      if let promise {
        requests -= 1
        tokens -= promise.tokens
      }
      if slot <= now - SharedScript.buckets {
        // What is more belongs to where it became known; what is less is gone anyway.
        slot = now
        requests = max(requests, 0)
        tokens = max(tokens, 0)
      }
      var settlement = state.groups[group]?.settlement ?? SharedSettlement()
      if quota.requests == 0 { requests = 0 }
      if quota.tokens == 0 { tokens = 0 }
      settlement.add(requests, tokens, to: slot)
      if quota.budget > 0, quota.per > 0 {
        let start = promise?.start ?? seconds - seconds % quota.per
        let promised = (promise?.cost ?? 0) * 1000
        let cost = Int64(min(UInt64(clamping: max(taken.cost, 0)), SharedScript.most * 1000))
        settlement.add(cost - promised, per: quota.per, start: start, at: seconds)
      }
      state.groups[group, default: GroupState()].settlement = settlement
      state.groups[group]?.quota = quota
    }
  }

  /// Takes out what is to be told about a group, for one question. Parts of a millionth of a dollar stay for the next one.
  package func drain(_ group: String) -> SharedSettlement {
    state.withLock { state in
      guard let known = state.groups[group]?.settlement, !known.isEmpty else { return SharedSettlement() }
      var taken = known
      taken.spans.removeAll { $0.cost / 1000 == 0 }
      var rest = SharedSettlement()
      for span in known.spans where span.cost % 1000 != 0 {
        rest.spans.append(SharedSettlement.Span(per: span.per, start: span.start, cost: span.cost % 1000))
      }
      state.groups[group]?.settlement = rest
      return taken
    }
  }

  /// Takes back what could not be told, and is known not to have been.
  package func putBack(_ settlement: SharedSettlement, of group: String) {
    if settlement.isEmpty { return }
    state.withLock { state in
      var known = state.groups[group]?.settlement ?? SharedSettlement()
      for slot in settlement.slots { known.add(slot.requests, slot.tokens, to: slot.slot) }
      for span in settlement.spans {
        known.add(span.cost / 1000 * 1000, per: span.per, start: span.start, at: span.start)
      }
      state.groups[group, default: GroupState()].settlement = known
    }
  }

  /// Groups about which something is to be told that makes a difference.
  package var unsettled: [(group: String, quota: SharedQuota)] {
    state.withLock { state in
      state.groups.compactMap { name, group in
        let settlement = group.settlement
        guard let quota = group.quota,
          !settlement.slots.isEmpty || settlement.spans.contains(where: { $0.cost / 1000 != 0 })
        else { return nil }
        return (name, quota)
      }
    }
  }
}

extension SharedSettlement {
  /// Adds to a bucket; lets go of buckets that don't count any more, so that there are never more than a few.
  fileprivate mutating func add(_ requests: Int64, _ tokens: Int64, to slot: Int64) {
    if requests == 0, tokens == 0 { return }
    if let place = slots.firstIndex(where: { $0.slot == slot }) {
      slots[place].requests = Self.sum(slots[place].requests, requests)
      slots[place].tokens = Self.sum(slots[place].tokens, tokens)
      if slots[place].requests == 0, slots[place].tokens == 0 { slots.remove(at: place) }
      return
    }
    slots.append(Slot(slot: slot, requests: requests, tokens: tokens))
    let newest = slots.reduce(slot) { max($0, $1.slot) }
    slots.removeAll { $0.slot <= newest - SharedScript.buckets }
    // A clock that was set back leaves buckets of the future.
    if slots.count > Int(SharedScript.buckets) { slots.removeFirst() }
  }

  /// Adds to a span, where it has not ended.
  fileprivate mutating func add(_ cost: Int64, per: Int64, start: Int64, at seconds: Int64) {
    if cost == 0 || start + per <= seconds { return }
    if let place = spans.firstIndex(where: { $0.per == per && $0.start == start }) {
      spans[place].cost = Self.sum(spans[place].cost, cost)
      if spans[place].cost == 0 { spans.remove(at: place) }
      return
    }
    spans.removeAll { $0.start + $0.per <= seconds }
    spans.append(Span(per: per, start: start, cost: cost))
    // A configuration has one span for a group; more come only with each new configuration.
    if spans.count > 4 { spans.removeFirst() }
  }

  private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
    let (sum, isOver) = one.addingReportingOverflow(other)
    let most = Int64(SharedScript.most) * 1000
    return isOver ? (one > 0 ? most : -most) : max(-most, min(sum, most))
  }
}
