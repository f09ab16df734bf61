// A worker's connections to one upstream: kept warm, checked before reuse, never more than allowed. Which of them is
// used next, and which goes, is for Shelf.swift to say.

/// What an upstream's pool may do; durations as the config says.
package struct PoolLimits: Hashable, Sendable {
  /// Connections at the same time, 0 for no limit.
  package var maxConnections: Int
  /// How long an unused connection is kept.
  package var idleTimeout: Duration
  /// Unused connections that are held open ahead of need.
  package var warm: Int
  package var connectTimeout: Duration

  package init(maxConnections: Int, idleTimeout: Duration, warm: Int, connectTimeout: Duration) {
    self.maxConnections = maxConnections
    self.idleTimeout = idleTimeout
    self.warm = warm
    self.connectTimeout = connectTimeout
  }
}

/// Connections to one upstream. Confined to its worker's loop.
package final class Pool {
  /// Connections in use longer than this are not kept, so that a change in DNS drains (10 minutes).
  private static let lifetime = Interval(seconds: 600)
  /// Unused connections kept at most, whatever the burst before was.
  private static let idleCeiling = 256

  package let endpoint: Endpoint
  private let tls: TLSContext?
  private let limits: PoolLimits
  private let connectTime: Interval
  private let loop: Loop
  private let dialer: Dialer
  private var shelf: Shelf<Socket>
  private var waiters: [Parker] = []
  private var reaper: Alarm?
  /// What idle connections tell their events to; one for all, for it is told too often to be made each time.
  ///
  /// Not weak, like the reaper's: an object that ever was is counted the slow way from then on. `deinit` takes back both.
  private lazy var evictor: (Socket) -> Void = { [unowned self] socket in
    // What comes unasked is no answer (RFC 9112 section 9.2): a late 408, most often.
    if !socket.isQuietlyOpen() { evict(socket) }
  }
  private var isClosed = false
  private var warming = 0
  package let sessions = TLSSessions()
  /// Connections that carry an exchange or are being made.
  package private(set) var active = 0
  package var idleCount: Int { shelf.count }

  package init(_ endpoint: Endpoint, tls: TLSContext?, limits: PoolLimits, on loop: Loop, dialer: Dialer) {
    self.endpoint = endpoint
    self.tls = tls
    self.limits = limits
    connectTime = Interval(limits.connectTimeout)
    shelf = Shelf(idleTime: Interval(limits.idleTimeout), warm: limits.warm, ceiling: Self.idleCeiling)
    self.loop = loop
    self.dialer = dialer
  }

  deinit {
    if let reaper { loop.disarm(reaper) }
    for socket in shelf.removeAll() { socket.onIdleEvent = nil }
  }

  /// A connection that is ready to be written to.
  package struct Lease {
    package let socket: Socket
    /// Whether it carried an exchange before, so that it may turn out to be dead.
    package let isReused: Bool

    package init(socket: Socket, isReused: Bool) {
      self.socket = socket
      self.isReused = isReused
    }
  }

  /// Leases the most recently used idle connection that still lives, or makes one.
  ///
  /// - Parameters:
  ///   - freshness: how long it may have been unused.
  ///   - client: whose going away ends the wait.
  ///   - end: what shortens the time that a connection may take.
  package func lease(
    _ freshness: Freshness = .any, parker: Parker, client: (any Asker)?, until end: Instant = .never
  ) async throws(DialFault) -> Lease {
    try await leased(freshness, parker: parker, client: client, until: end).get()
  }

  /// As `lease`. What it needs on its way stays with the task that asks, for as long as a stream lasts, so it is little.
  package func leased(
    _ freshness: Freshness, parker: Parker, client: (any Asker)?, until end: Instant
  ) async -> Result<Lease, DialFault> {
    // By the clock, and not by the loop's last look at it: a long body that was read in this turn is no time of the peer's.
    let deadline = min(Instant.now + connectTime, end)
    while true {
      if let socket = takeIdle(freshness, for: parker) {
        return .success(Lease(socket: socket, isReused: true))
      }
      if hasRoom { break }
      if client?.hasLeft == true { return .failure(.abandoned) }
      waiters.append(parker)
      let wake = await parker.park(until: deadline)
      waiters.removeAll { $0 === parker }
      if wake == .deadline { return .failure(.exhausted) }
    }
    let errand = beginDial(for: parker, client, until: deadline)
    while errand.result == nil {
      // It keeps to the deadline itself. What the client does is seen there too.
      _ = await parker.park(until: .never)
      errand.parker.signal()
    }
    return take(errand, for: parker)
  }

  /// Whether one more connection may be made. Where unused ones are in its way, of which none would do, one of them goes.
  private var hasRoom: Bool {
    if limits.maxConnections == 0 { return true }
    while active + shelf.count >= limits.maxConnections {
      guard let oldest = shelf.removeOldest() else { return false }
      forget(oldest)
    }
    return true
  }

  @inline(never)
  private func beginDial(for parker: Parker, _ client: (any Asker)?, until deadline: Instant) -> Errand {
    active += 1
    count(1)
    return dialer.begin(
      endpoint, tls: tls, sessions: sessions, parker: parker, client: client, until: deadline)
  }

  /// What an errand that is over has brought.
  @inline(never)
  private func take(_ errand: Errand, for parker: Parker) -> Result<Lease, DialFault> {
    let result = errand.result ?? .failure(.abandoned)
    switch result {
    case .success(let socket):
      socket.parker = parker
      socket.establishedAt = loop.now
    case .failure:
      active -= 1
      count(-1)
      wakeWaiter()
    }
    return result.map { Lease(socket: $0, isReused: false) }
  }

  /// The most recently used idle connection that still lives; nil where there is none that is fresh enough.
  package func takeIdle(_ freshness: Freshness = .any, for parker: Parker) -> Socket? {
    while let step = shelf.take(freshness, at: loop.now) {
      switch step {
      case .use(let socket, let isLongUnused):
        if socket.isQuietlyOpen(certainly: isLongUnused) {
          socket.parker = parker
          active += 1
          return socket
        }
        forget(socket)
      case .drop(let socket): forget(socket)
      }
    }
    return nil
  }

  /// Takes back a connection whose exchange has ended in good order.
  ///
  /// - Parameter promise: seconds for which the upstream keeps it (`ResponseHead.keepAliveTimeout`); nil where it
  ///   didn't say.
  package func giveBack(_ socket: Socket, promise: Int? = nil) {
    active -= 1
    socket.parker = nil
    let isOld = loop.now.nanoseconds(since: socket.establishedAt) > Int(Self.lifetime.nanoseconds)
    let isDead = socket.peerHasClosed || socket.hasFailed
    if !isClosed, !isOld, !isDead, let end = shelf.put(socket, promise: promise, at: loop.now) {
      // The upstream may close it at any time: it goes at once, and the peer's memory with it.
      // The closure stays while the connection is lent: a socket tells its parker first.
      if socket.onIdleEvent == nil { socket.onIdleEvent = evictor }
      look(at: end)
    } else {
      forget(socket)
    }
    wakeWaiter()
  }

  /// Closes a connection that can't be used again.
  package func discard(_ socket: Socket) {
    active -= 1
    forget(socket)
    wakeWaiter()
  }

  /// Makes connections ahead of need until `limits.warm` are idle. Failures are left to the next request.
  package func warmUp() async {
    let wanted = limits.maxConnections == 0 ? limits.warm : min(limits.warm, limits.maxConnections)
    while !isClosed, shelf.count + warming < wanted, warming == 0 {
      warming += 1
      defer { warming -= 1 }
      let parker = Parker(on: loop)
      defer { parker.retire() }
      guard let lease = try? await lease(.new, parker: parker, client: nil) else { return }
      giveBack(lease.socket)
    }
  }

  /// Whether fewer connections wait than the config wants warm.
  package var wantsWarmth: Bool { !isClosed && warming == 0 && shelf.count < limits.warm }

  /// Closes what is idle now; what is in use closes when its exchange ends.
  package func close() {
    isClosed = true
    if let reaper { loop.disarm(reaper) }
    for socket in shelf.removeAll() { forget(socket) }
    sessions.removeAll()
  }

  private func evict(_ socket: Socket) {
    guard shelf.remove(where: { $0 === socket }) else { return }
    forget(socket)
    wakeWaiter()
  }

  private func forget(_ socket: Socket) {
    count(-1)
    socket.close()
  }

  /// Tells the dialer of connections more or fewer.
  private func count(_ more: Int) {
    if tls == nil { dialer.pooled.plain += more } else { dialer.pooled.tls += more }
  }

  private func wakeWaiter() {
    if !waiters.isEmpty { waiters.removeFirst().signal() }
  }

  /// Sees to it that the reaper comes no later than at `end`.
  private func look(at end: Instant) {
    if let reaper, reaper.due <= end { return }
    if end == .never { return }
    let reaper = self.reaper ?? Alarm { [unowned self] in reap() }
    self.reaper = reaper
    loop.arm(reaper, at: end)
  }

  private func reap() {
    for socket in shelf.expired(at: loop.now) { forget(socket) }
    look(at: shelf.next)
  }
}
