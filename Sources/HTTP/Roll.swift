// Who is connected to a port, and who makes room for a new client where there are as many as there may be: of those that
// ask for nothing, the one that has been silent longest goes.

package import Transport

/// A port's connections on one loop, or those of all ports that have one ceiling.
package final class Roll {
  package private(set) var members: [ObjectIdentifier: Connection] = [:]
  private var silent = SilentClients()
  /// Those that are on their way out, to make room.
  private var leaving = 0
  private var order: UInt64 = 0
  /// How long a client may stop in the middle of a request, where that is less than at other times: the port is on its way
  /// out.
  private(set) var grace: Interval?

  package init() {}

  package var count: Int { members.count }
  /// Those that are not on their way out.
  package var staying: Int { members.count - leaving }

  func add(_ connection: Connection) { members[ObjectIdentifier(connection)] = connection }

  func remove(_ connection: Connection) {
    guard members.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    if connection.isLeaving { leaving -= 1 }
  }

  /// Of silence, until a client's task gives its memory back for the first time: the whole time where there are few, and
  /// less and less where there are many. Thousands that come at once and stay then never have tasks all at the same time,
  /// and what lives longer than those lies close together.
  ///
  /// - Parameter nap: for less than 128 of them.
  func nap(_ nap: Interval) -> Interval { Self.nap(nap, among: count) }

  static func nap(_ nap: Interval, among count: Int) -> Interval {
    Interval(nanoseconds: nap.nanoseconds / UInt64(max(1, count / 64)))
  }

  /// One that is on it is to go.
  func noteLeaving() { leaving += 1 }

  /// The place of what happens now among all that has.
  func nextOrder() -> UInt64 {
    order &+= 1
    return order
  }

  /// Closes the client that has been silent longest.
  ///
  /// - Parameter latest: those that have been silent only since then stay.
  /// - Returns: false where every one is busy, or has just come.
  package func makeRoom(silentSince latest: Instant) -> Bool {
    let client = silent.next(silentSince: latest) {
      members.values.compactMap(\.silence)
    } isStill: { client in
      members[client.id]?.silence == client
    }
    guard let client, let connection = members[client.id] else { return false }
    connection.leave()
    return true
  }

  /// Waits only for so long for more of a request that has begun.
  package func hurry(_ grace: Interval) {
    self.grace = grace
    wakeAll()
  }

  /// Has each look again at what it waits for.
  package func wakeAll() {
    for connection in members.values { connection.parker.signal() }
  }
}

/// Those that may go, the longest silent first.
///
/// Collected when they are needed, a part of all at a time: a list that is kept up to date would cost every request, and
/// a search for each newcomer would be dear in a flood of them.
package struct SilentClients {
  package struct Client: Equatable {
    package let id: ObjectIdentifier
    /// When it was last served, or came.
    package let since: Instant
    /// Its place among those of the same instant, which all that happens in one turn of the loop shares.
    package let order: UInt64
    /// A part of a request has come. Those of which nothing has go first.
    package let hasBegun: Bool

    package init(id: ObjectIdentifier, since: Instant, order: UInt64, hasBegun: Bool) {
      self.id = id
      self.since = since
      self.order = order
      self.hasBegun = hasBegun
    }
  }

  package init() {}

  /// The longest silent last.
  private var candidates: [Client] = []

  /// Takes out the client that is to go; nil where none may.
  ///
  /// - Parameters:
  ///   - latest: the silent ones that have been so only since then stay.
  ///   - all: every silent client, asked where no earlier answer is left.
  ///   - isStill: whether a client that was silent then has been since.
  package mutating func next(
    silentSince latest: Instant, all: () -> [Client], isStill: (Client) -> Bool
  ) -> Client? {
    while let client = candidates.popLast() {
      if client.since <= latest, isStill(client) { return client }
    }
    collect(all().filter { $0.since <= latest })
    return candidates.popLast()
  }

  private mutating func collect(_ all: [Client]) {
    // `order` grows with `since`.
    candidates = all.sorted { ($0.hasBegun ? 0 : 1, $1.order) < ($1.hasBegun ? 0 : 1, $0.order) }
    // Those that have been silent for a shorter time will have changed before they would be looked at.
    candidates.removeFirst(candidates.count - min(candidates.count, candidates.count / 16 + 16))
  }
}
