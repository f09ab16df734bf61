// Responses of models whose provider has no such API, kept for clients that go on with them by an id: for
// `previous_response_id`, for references to items, and for looking them up. An agent's loop asks its next turn a moment
// later, in the same pod, so a small memory does. Whole histories need none of it.
//
// A response refers to the one before it by that one's id: what is said once is kept once. Next: ResponsesRecall.swift.

internal import Synchronization
internal import Wire

/// One process's memory.
package final class ResponsesMemory: Sendable {
  /// A response that was given.
  struct Entry: Sendable {
    /// Whose it is: the caller's group, or empty.
    let scope: [UInt8]
    /// The id of the response that it went on with; empty: none.
    let previous: [UInt8]
    /// The items that the client sent with it, with commas between.
    let input: [UInt8]
    /// The response object.
    let response: [UInt8]
    /// The items of its output, without the list's brackets.
    let output: Range<Int>

    var weight: Int { scope.count + previous.count + input.count + response.count + 256 }
  }

  /// The longest turn that is kept: pictures and files are left to who has them.
  static let longestTurn = 1 << 20

  private let kept = Guarded(LRUCache<ByteKey, Entry>(ceiling: 0))
  /// What they weigh: each request looks at it, and none waits for that.
  private let held = Atomic(0)

  package init() {}

  /// Bytes that are kept.
  package var bytes: Int { held.load(ordering: .relaxed) }

  private func change<Result>(_ body: (inout LRUCache<ByteKey, Entry>) -> Result) -> Result {
    kept.withLock { kept in
      defer { held.store(kept.weight, ordering: .relaxed) }
      return body(&kept)
    }
  }

  /// Takes over how much may be kept, in bytes.
  package func resize(_ ceiling: Int) { change { $0.resize(ceiling) } }

  /// Keeps the response that `turn` came to.
  ///
  /// - Parameters:
  ///   - finished: the response.
  ///   - age: for how long behind its last use, in nanoseconds.
  ///   - now: in nanoseconds of a clock that doesn't step.
  package func keep(
    _ finished: FinishedResponse, _ turn: ResponsesTurn, scope: [UInt8], age: UInt64, now: UInt64
  ) {
    let entry = Entry(
      scope: scope, previous: turn.previous, input: turn.input, response: finished.text,
      output: finished.output)
    change { _ = $0.keep(entry, for: ByteKey(finished.id), weight: entry.weight, age: age, now: now) }
  }

  /// The response `id`, where it is this caller's.
  func entry(_ id: [UInt8], scope: [UInt8], age: UInt64, now: UInt64) -> Entry? {
    let key = ByteKey(id)
    return kept.withLock { kept in
      // One that is another's is not used by being asked for.
      guard let entry = kept.peek(key, now: now), entry.scope == scope else { return nil }
      return kept.use(key, age: age, now: now)
    }
  }

  /// The response `id` behind those that led to it; nil where one of them is not known any more.
  func chain(_ id: [UInt8], scope: [UInt8], age: UInt64, now: UInt64) -> [Entry]? {
    var chain: [Entry] = []
    var next = id
    // Each is used after the one that follows on it, so that none outlives what it needs.
    while !next.isEmpty {
      guard let entry = entry(next, scope: scope, age: age, now: now) else { return nil }
      chain.append(entry)
      next = entry.previous
    }
    return chain.reversed()
  }

  // MARK: Looking up

  /// The response object of `id`; nil where it isn't known, or not this caller's.
  package func response(_ id: [UInt8], scope: [UInt8], age: UInt64, now: UInt64) -> [UInt8]? {
    entry(id, scope: scope, age: age, now: now)?.response
  }

  /// Forgets `id`; false where it isn't known, or not this caller's.
  package func forget(_ id: [UInt8], scope: [UInt8], now: UInt64) -> Bool {
    let key = ByteKey(id)
    return change { kept in
      guard kept.peek(key, now: now)?.scope == scope else { return false }
      return kept.remove(key)
    }
  }
}

/// A response that is whole.
package struct FinishedResponse: Sendable {
  let id: [UInt8]
  /// The response object.
  package let text: [UInt8]
  /// The items of its output, without the list's brackets.
  let output: Range<Int>

  init(id: [UInt8], _ text: [UInt8], output: Range<Int>) {
    self.id = id
    self.text = text
    self.output = output
  }

  /// The response in other words, as policies have them; nil where it is no response any more.
  package init?(_ text: [UInt8]) {
    // Written here, so that each member is there once.
    var id: [UInt8] = []
    var output: Range<Int>?
    var walk = JSONWalk(text.span, strings: Span())
    guard walk.enterObject() else { return nil }
    while output == nil, let member = walk.nextMember() {
      if member.keyIs("id", in: text.span) {
        id = JSONString.content(text.span, member.value).array()
      } else if member.keyIs("output", in: text.span) {
        output = member.value
      }
    }
    guard let output, output.count >= 2 else { return nil }
    self.init(id: id, text, output: output.lowerBound + 1..<output.upperBound - 1)
  }
}

/// A request of the Responses API whose model is spoken to in another API, as far as memory goes.
package final class ResponsesTurn {
  /// The id of the response that it goes on with; empty: none.
  package internal(set) var previous: [UInt8] = []
  /// The client's items, with commas between.
  var input: [UInt8] = []
  /// The response is to be kept.
  package internal(set) var isKept: Bool
  /// The response, once it is whole.
  package var finished: FinishedResponse?

  init(isKept: Bool) { self.isKept = isKept }

  /// Whether a response of `count` bytes will be kept.
  func keeps(_ count: Int) -> Bool { isKept && count + input.count <= ResponsesMemory.longestTurn }
}
