// A pool over real connections: what it keeps, what it lets go of, and who waits. Its decisions are in ShelfTests.

import Support
import Testing
import Transport
import Wire

@Suite("A pool's connections", .timeLimit(.minutes(1))) struct PoolTests {
  /// The side that is connected to. Confined to its loop.
  private final class Server {
    private(set) var accepted: [Socket] = []
    private var listener: Listener?
    private(set) var endpoint = Endpoint(host: "127.0.0.1", port: 0)

    init(on loop: Loop) throws {
      let address = Address(ip: "127.0.0.1", port: 0)
      let listener = try Listener(try #require(address), on: loop, sharesPort: false) { [weak self] socket in
        self?.accepted.append(socket)
      }
      self.listener = listener
      endpoint.port = listener.address.port
    }

    func close() {
      listener?.close()
      for socket in accepted { socket.close() }
    }

    /// Says something on the connection that was made last.
    func say(_ text: String) throws {
      var queue = ByteQueue()
      queue.append(text)
      _ = try accepted.last?.write(from: &queue)
    }
  }

  private struct Scene {
    let server: Server
    let pool: Pool
    let parker: Parker

    /// Waits until `isSo`, turn by turn.
    func wait(_ stage: isolated Stage, until isSo: () -> Bool) async throws {
      let patience = stage.patience
      while !isSo() {
        if stage.loop.now >= patience { throw GaveUp() }
        _ = await parker.park(until: stage.loop.now + .milliseconds(2))
      }
    }
  }

  private static func run(
    maxConnections: Int = 0, warm: Int = 0, connect: Duration = .seconds(5),
    _ body: @Sendable (isolated Stage, Scene) async throws -> Void
  ) async throws {
    try await Stage.run { stage in
      let server = try Server(on: stage.loop)
      defer { server.close() }
      let limits = PoolLimits(
        maxConnections: maxConnections, idleTimeout: .seconds(60), warm: warm, connectTimeout: connect)
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let pool = Pool(server.endpoint, tls: nil, limits: limits, on: stage.loop, dialer: dialer)
      defer { pool.close() }
      let parker = Parker(on: stage.loop)
      defer { parker.retire() }
      try await body(stage, Scene(server: server, pool: pool, parker: parker))
    }
  }

  @Test("one that was given back is leased again, whatever freshness but new is asked for")
  func reuse() async throws {
    try await Self.run { _, scene in
      let first = try await scene.pool.lease(parker: scene.parker, client: nil)
      #expect(!first.isReused && scene.pool.active == 1)
      scene.pool.giveBack(first.socket)
      #expect(scene.pool.idleCount == 1 && scene.pool.active == 0)
      let second = try await scene.pool.lease(.recent, parker: scene.parker, client: nil)
      #expect(second.isReused && second.socket === first.socket)
      scene.pool.giveBack(second.socket)
      let third = try await scene.pool.lease(.new, parker: scene.parker, client: nil)
      #expect(!third.isReused && third.socket !== first.socket)
      scene.pool.giveBack(third.socket)
      #expect(scene.pool.idleCount == 2)
    }
  }

  @Test(
    "what comes unasked ends a kept connection as it comes",
    arguments: ["HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", "x", "\r\n"])
  func unasked(_ text: String) async throws {
    try await Self.run { stage, scene in
      let lease = try await scene.pool.lease(parker: scene.parker, client: nil)
      scene.pool.giveBack(lease.socket)
      try await scene.wait(stage) { !scene.server.accepted.isEmpty }
      try scene.server.say(text)
      try await scene.wait(stage) { scene.pool.idleCount == 0 }
      let next = try await scene.pool.lease(parker: scene.parker, client: nil)
      #expect(!next.isReused)
      scene.pool.discard(next.socket)
    }
  }

  @Test("what the loop hasn't heard of yet is found where the kernel is asked")
  func certainly() async throws {
    try await Self.run { stage, scene in
      let lease = try await scene.pool.lease(parker: scene.parker, client: nil)
      try await scene.wait(stage) { !scene.server.accepted.isEmpty }
      #expect(lease.socket.isQuietlyOpen(certainly: true))
      try scene.server.say("HTTP/1.1 408")
      // No turn of the loop in between.
      #expect(lease.socket.isQuietlyOpen())
      #expect(!lease.socket.isQuietlyOpen(certainly: true))
      scene.pool.discard(lease.socket)
    }
  }

  @Test("an end goes at once too")
  func end() async throws {
    try await Self.run { stage, scene in
      let lease = try await scene.pool.lease(parker: scene.parker, client: nil)
      scene.pool.giveBack(lease.socket)
      try await scene.wait(stage) { !scene.server.accepted.isEmpty }
      scene.server.accepted[0].close()
      try await scene.wait(stage) { scene.pool.idleCount == 0 }
    }
  }

  @Test("no more than allowed: an unused one makes room, else one waits, and in vain only for so long")
  func ceiling() async throws {
    try await Self.run(maxConnections: 1, connect: .milliseconds(60)) { stage, scene in
      let first = try await scene.pool.lease(parker: scene.parker, client: nil)
      await #expect(throws: DialFault.exhausted) {
        // A closure that doesn't name the stage isn't isolated to it.
        _ = stage
        _ = try await scene.pool.lease(parker: scene.parker, client: nil)
      }
      scene.pool.giveBack(first.socket)
      let second = try await scene.pool.lease(.new, parker: scene.parker, client: nil)
      #expect(!second.isReused && scene.pool.active == 1 && scene.pool.idleCount == 0)
      scene.pool.discard(second.socket)
    }
  }

  @Test("who waits for a connection gets the one that is given back")
  func waiting() async throws {
    try await Self.run(maxConnections: 1) { stage, scene in
      let first = try await scene.pool.lease(parker: scene.parker, client: nil)
      let back = Alarm { scene.pool.giveBack(first.socket) }
      stage.loop.arm(back, at: stage.loop.now + .milliseconds(5))
      let second = try await scene.pool.lease(parker: scene.parker, client: nil)
      #expect(second.isReused && second.socket === first.socket)
      scene.pool.discard(second.socket)
    }
  }

  @Test("a promise of no time is kept by closing")
  func promise() async throws {
    try await Self.run { _, scene in
      let lease = try await scene.pool.lease(parker: scene.parker, client: nil)
      scene.pool.giveBack(lease.socket, promise: 0)
      #expect(scene.pool.idleCount == 0 && lease.socket.descriptor == -1)
    }
  }

  @Test("a connection that the upstream keeps for a second is closed here before")
  func reaping() async throws {
    try await Self.run { stage, scene in
      let lease = try await scene.pool.lease(parker: scene.parker, client: nil)
      scene.pool.giveBack(lease.socket, promise: 1)
      let began = Instant.now
      try await scene.wait(stage) { scene.pool.idleCount == 0 }
      #expect(Instant.now.nanoseconds(since: began) < 1_000_000_000)
    }
  }

  @Test("a closed pool keeps nothing")
  func closing() async throws {
    try await Self.run { _, scene in
      let used = try await scene.pool.lease(parker: scene.parker, client: nil)
      let idle = try await scene.pool.lease(.new, parker: scene.parker, client: nil)
      scene.pool.giveBack(idle.socket)
      scene.pool.close()
      #expect(scene.pool.idleCount == 0 && idle.socket.descriptor == -1 && used.socket.descriptor >= 0)
      scene.pool.giveBack(used.socket)
      #expect(used.socket.descriptor == -1 && scene.pool.active == 0)
    }
  }

  @Test("so many as are wanted are made ahead of need")
  func warmth() async throws {
    try await Self.run(warm: 3) { _, scene in
      #expect(scene.pool.wantsWarmth)
      await scene.pool.warmUp()
      #expect(scene.pool.idleCount == 3 && scene.pool.active == 0 && !scene.pool.wantsWarmth)
    }
  }
}
