// Room for a new client where there are as many as there may be: of those that ask for nothing, the one that has been
// silent longest goes.

internal import Telemetry
internal import Transport

/// Those that may go, the longest silent first.
///
/// Collected when they are needed, a part of all at a time: a list that is kept up to date would cost every request, and
/// a search for each newcomer would be dear in a flood of them.
struct SilentClients {
  struct Client: Equatable {
    let id: ObjectIdentifier
    /// When it was last served, or came.
    let since: Instant
    /// Its place among those of the same instant, which all that happens in one turn of the loop shares.
    let order: UInt64
    /// A part of a request has come. Those of which nothing has go first.
    let hasBegun: Bool
  }

  /// The longest silent last.
  private var candidates: [Client] = []

  /// Takes out the client that is to go; nil where none may.
  ///
  /// - Parameters:
  ///   - latest: the silent ones that have been so only since then stay.
  ///   - all: every silent client, asked where no earlier answer is left.
  ///   - isStill: whether a client that was silent then has been since.
  mutating func next(silentSince latest: Instant, all: () -> [Client], isStill: (Client) -> Bool) -> Client? {
    while let client = candidates.popLast() {
      // Others are younger.
      guard client.since <= latest else { break }
      if isStill(client) { return client }
    }
    collect(all())
    guard let client = candidates.last, client.since <= latest else { return nil }
    return candidates.popLast()
  }

  private mutating func collect(_ all: [Client]) {
    // `order` grows with `since`.
    candidates = all.sorted { ($0.hasBegun ? 0 : 1, $1.order) < ($1.hasBegun ? 0 : 1, $0.order) }
    // Those that have been silent for a shorter time will have changed before they would be looked at.
    candidates.removeFirst(candidates.count - min(candidates.count, candidates.count / 16 + 16))
  }
}

/// How many newcomers have found one port full; the log is told once in a while.
struct Crowd {
  private var isQuietUntil = Instant(nanoseconds: 0)
  private var closed = 0
  /// Between two lines of the log.
  static let pause = Interval(seconds: 60)

  /// One more; `isClosed`: a silent client was closed for it.
  ///
  /// - Returns: how many were closed since the last line, where it is time for another.
  mutating func count(isClosed: Bool, at now: Instant) -> Int? {
    if isClosed { closed += 1 }
    guard now >= isQuietUntil else { return nil }
    isQuietUntil = now + Self.pause
    defer { closed = 0 }
    return closed
  }
}

extension WorkerState {
  /// Whether the port has as many clients as it may.
  func isFull(_ role: Entrance.Role) -> Bool {
    switch role {
    case .admin: adminConnections - leaving.admin >= Ceiling.adminClients
    // One more than this is accepted before the listeners wait.
    case .proxy: proxyConnections - leaving.proxy >= clientCeiling - 1
    }
  }

  /// Closes the client of this port that has been silent longest.
  ///
  /// - Returns: false where every one is busy, or has just come.
  func makeRoom(_ role: Entrance.Role) -> Bool {
    // A probe speaks as soon as it is connected. The applications' clients of a burst may only be about to.
    let latest = role == .admin ? loop.now : loop.now - Deadline.silence
    let client = silent[role].next(silentSince: latest) {
      connections.values.compactMap { $0.entrance.role == role ? $0.silence : nil }
    } isStill: { client in
      connections[client.id]?.silence == client
    }
    guard let client, let connection = connections[client.id] else { return false }
    leaving[role] += 1
    connection.leave()
    shard.evicted(role.port)
    return true
  }

  /// Says, once in a while, that a port is full.
  func noteCrowd(_ role: Entrance.Role, isClosed: Bool) {
    guard let closed = crowd[role].count(isClosed: isClosed, at: loop.now) else { return }
    let count = role == .admin ? adminConnections : proxyConnections
    if isClosed {
      Log.write(
        .warn, "closed the clients that were silent longest, to make room for others",
        .text("port", "\(role.port.name)"), .number("connections", count), .number("closed", closed))
    } else {
      Log.write(
        .warn, "there are as many clients as there may be, all at work; others wait",
        .text("port", "\(role.port.name)"), .number("connections", count))
    }
  }
}

/// One thing for each port.
struct Ports<Value> {
  var proxy: Value
  var admin: Value

  init(_ value: Value) {
    proxy = value
    admin = value
  }

  subscript(role: Entrance.Role) -> Value {
    get { role == .admin ? admin : proxy }
    set { if role == .admin { admin = newValue } else { proxy = newValue } }
  }
}

extension Entrance.Role {
  /// As the metrics name it.
  var port: Port { self == .admin ? .admin : .proxy }
}
