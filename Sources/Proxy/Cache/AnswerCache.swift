// Answers that are kept, the one that was used longest ago first to go, and who is making one that others wait for. One for
// the process; its lock is held for a look-up.

internal import Policy
internal import Synchronization
internal import Wire

/// What requests have in common that get the same answer: a SHA-256.
struct CacheKey: Hashable, Sendable {
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  init(_ words: InlineArray<4, UInt64>) {
    (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
  }
}

/// An answer as it was sent, without what is about one exchange alone.
struct CachedAnswer: Sendable {
  /// Before and behind `x_remora`'s place.
  var head: [UInt8]
  var tail: [UInt8] = []
  /// Whether there is such a place.
  var hasPlace = false
  var isEvents = false
  /// Which target gave it.
  var route: Route
  var madeAt: Nanoseconds = 0

  /// Bytes that it counts for.
  fileprivate var weight: Int { head.count + tail.count + 256 }
}

final class AnswerCache: Sendable {
  private struct State: Sendable {
    var kept = LRUCache<CacheKey, CachedAnswer>(ceiling: 0)
    /// Who is told when an answer that is being made is there, or won't come.
    var flights: [CacheKey: [ObjectIdentifier: @Sendable () -> Void]] = [:]
  }

  private let state = Guarded(State())
  /// What the answers weigh: each request looks at it, and none waits for that.
  private let held = Atomic(0)

  init() {}

  /// - Parameter bytes: how many may be kept.
  func resize(to bytes: Int) {
    change { $0.kept.resize(bytes) }
  }

  /// Bytes that are kept.
  var bytes: Int { held.load(ordering: .relaxed) }

  /// Lets go of half of what is kept, what was used longest ago first: memory is short, and an answer can be had again.
  func halve() {
    change { $0.kept.shrink(to: $0.kept.weight / 2) }
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      body(&state)
      held.store(state.kept.weight, ordering: .relaxed)
    }
  }

  /// The answer that is kept under `key`, if it is young enough.
  func find(_ key: CacheKey, notOlderThan age: Nanoseconds, at now: Nanoseconds) -> CachedAnswer? {
    state.withLock { state -> CachedAnswer? in
      // Its age counts from when it was made, however often it is used.
      guard let answer = state.kept.peek(key, now: now), now.minus(answer.madeAt) < age else { return nil }
      return state.kept.use(key, age: .max, now: now)
    }
  }

  func keep(_ answer: CachedAnswer, under key: CacheKey) {
    change { state in
      // One answer must not drive all others out.
      guard answer.weight <= state.kept.ceiling / 4 else {
        state.kept.remove(key)
        return
      }
      state.kept.keep(answer, for: key, weight: answer.weight, age: .max, now: answer.madeAt)
    }
  }

  /// Begins to make the answer for `key`, unless somebody does already.
  ///
  /// - Parameters:
  ///   - waiter: who asks; it is told once.
  ///   - tell: what is called when that answer is there, or won't come; on any thread.
  /// - Returns: whether the caller is to make it, and to call `land`.
  func lead(_ key: CacheKey, waiter: ObjectIdentifier, _ tell: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if state.flights[key] == nil {
        state.flights[key] = [:]
        return true
      }
      state.flights[key]?[waiter] = tell
      return false
    }
  }

  /// Nobody waits there any more.
  func leave(_ key: CacheKey, waiter: ObjectIdentifier) {
    state.withLock { state in
      if state.flights[key]?[waiter] != nil { state.flights[key]?[waiter] = nil }
    }
  }

  /// The answer that was being made is there, or won't come.
  func land(_ key: CacheKey) {
    let waiting = state.withLock { $0.flights.removeValue(forKey: key) } ?? [:]
    for tell in waiting.values { tell() }
  }
}

/// An answer that is being made and will be kept. Let go of, it tells those who wait for it.
final class CacheWrite {
  let key: CacheKey
  private let cache: AnswerCache
  private let ceiling: Int
  private let leads: Bool
  private var bytes: [UInt8] = []
  private var isTooLong = false

  /// - Parameters:
  ///   - ceiling: bytes above which it isn't kept.
  ///   - leads: whether others may wait for it.
  init(_ key: CacheKey, _ cache: AnswerCache, ceiling: Int, leads: Bool) {
    self.key = key
    self.cache = cache
    self.ceiling = ceiling
    self.leads = leads
  }

  deinit {
    if leads { cache.land(key) }
  }

  /// Another try begins.
  func restart() {
    bytes = []
    isTooLong = false
  }

  /// Takes what goes to the client.
  func take(_ piece: Span<UInt8>) {
    if isTooLong { return }
    guard piece.count <= ceiling - bytes.count else {
      bytes = []
      isTooLong = true
      return
    }
    for at in 0..<piece.count { bytes.append(piece[at]) }
  }

  /// Keeps it, now that it is whole.
  ///
  /// - Parameter member: what is about this exchange alone, as it stands in the answer.
  func keep(without member: Span<UInt8>, isEvents: Bool, route: Route, at now: Nanoseconds) {
    if isTooLong || bytes.isEmpty { return }
    // Of its own, for a view of it must not outlive a look at the property.
    let bytes = bytes
    var answer = CachedAnswer(head: bytes, isEvents: isEvents, route: route)
    answer.madeAt = now
    if let place = Self.place(of: member, in: bytes.span) {
      answer.head = Array(bytes[..<place])
      answer.tail = Array(bytes[(place + member.count)...])
      answer.hasPlace = true
    }
    cache.keep(answer, under: key)
  }

  private static func place(of member: Span<UInt8>, in bytes: Span<UInt8>) -> Int? {
    guard !member.isEmpty, bytes.count >= member.count else { return nil }
    for at in 0...(bytes.count - member.count)
    where bytes[at] == member[0] && bytes.extracting(at..<at + member.count).equals(member) {
      return at
    }
    return nil
  }
}
