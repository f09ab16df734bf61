import Glibc
import Support
import Testing
import Wire

@testable import Transport

@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
  @Test("a literal is its own answer", arguments: ["127.0.0.1", "::1", "192.0.2.7"])
  func literal(_ ip: String) async throws {
    try await Stage.run { stage in
      let resolver = Resolver(on: stage.loop)
      let found = try await resolver.addresses(of: ip, parker: Parker(on: stage.loop), until: stage.loop.now)
      #expect(found == [Address(ip: ip, port: 0)])
    }
  }

  @Test("localhost is both loopback addresses, whatever the machine's files say")
  func localhost() async throws {
    try await Stage.run { stage in
      let resolver = Resolver(on: stage.loop)
      let found = try await resolver.addresses(
        of: "localhost", parker: Parker(on: stage.loop), until: stage.loop.now)
      #expect(found.map(\.host) == ["127.0.0.1", "::1"])
    }
  }

  // In capitals, because the name in small letters is never looked up.
  @Test("a name is found, for several who ask at once, and again without a new look-up")
  func name() async throws {
    try await Stage.run { stage in
      let resolver = Resolver(on: stage.loop)
      let parker = Parker(on: stage.loop)
      // Given up at once; the look-up goes on.
      let fault = await #expect(throws: ResolveFault.self) {
        _ = try await resolver.addresses(of: "LOCALHOST", parker: parker, until: stage.loop.now)
      }
      #expect(fault?.host == "LOCALHOST")
      let found = try await resolver.addresses(of: "LOCALHOST", parker: parker, until: stage.patience)
      #expect(!found.isEmpty)
      #expect(found.allSatisfy { $0.isLoopback && $0.port == 0 })
      #expect(try await resolver.addresses(of: "LOCALHOST", parker: parker, until: stage.loop.now) == found)
      // Doubted: asked again, and the old answer serves where no new one comes in time.
      resolver.doubt("LOCALHOST")
      #expect(try await resolver.addresses(of: "LOCALHOST", parker: parker, until: stage.loop.now) == found)
      resolver.doubt("no such entry")
    }
  }

  @Test("a name that can't exist is a fault that names it")
  func failure() async throws {
    // Longer than a label may be (RFC 1035 section 2.3.4), so that no server is asked.
    let name = String(repeating: "a", count: 64) + ".invalid"
    try await Stage.run { stage in
      let resolver = Resolver(on: stage.loop)
      let fault = await #expect(throws: ResolveFault.self) {
        _ = try await resolver.addresses(of: name, parker: Parker(on: stage.loop), until: stage.patience)
      }
      #expect(fault?.host == name)
      #expect(fault?.reason.isEmpty == false)
      #expect(fault?.reason != "the name look-up timed out")
    }
  }
}

/// Answers of a name server, one after the other; the last one again and again.
private final class NameServer: Sendable {
  private let state: Guarded<(answers: [[String]], count: Int)>

  init(_ answers: [[String]]) { state = Guarded((answers, 0)) }

  var count: Int { state.withLock { $0.count } }

  func resolver(on loop: Loop, youth: Duration = .zero) -> Resolver {
    Resolver(on: loop, source: { self.answer($0) }, youth: youth)
  }

  private func answer(_ host: String) -> Result<[Address], ResolveFault> {
    let answer = state.withLock {
      $0.count += 1
      return $0.answers.count > 1 ? $0.answers.removeFirst() : $0.answers.first ?? []
    }
    if answer.isEmpty { return .failure(ResolveFault(host: host, reason: "scripted")) }
    return .success(answer.compactMap { Address(ip: $0, port: 0) })
  }
}

@Suite(.timeLimit(.minutes(1))) struct MovedNameTests {
  /// Dials `name.test` at a port where only 127.0.0.1 listens.
  private static func dial(
    _ server: NameServer, times: Int = 1, youth: Duration = .zero
  ) async throws -> [Address?] {
    try await Stage.run { stage in
      let listener = try Listener(
        try #require(Address(ip: "127.0.0.1", port: 0)), on: stage.loop, sharesPort: false
      ) { $0.close() }
      defer { listener.close() }
      let dialer = Dialer(on: stage.loop, resolver: server.resolver(on: stage.loop, youth: youth))
      var reached: [Address?] = []
      for _ in 0..<times {
        do throws(DialFault) {
          let socket = try await dialer.dial(
            Endpoint(host: "name.test", port: listener.address.port), tls: nil, sessions: nil,
            parker: Parker(on: stage.loop), client: nil, until: stage.patience)
          reached.append(socket.peerAddress?.with(port: 0))
          socket.close()
        } catch { reached.append(nil) }
      }
      return reached
    }
  }

  private static let home = Address(ip: "127.0.0.1", port: 0)

  @Test(
    "where the known address refuses, the name is looked up again and the new one taken, within the same dial"
  )
  func moved() async throws {
    let server = NameServer([["127.0.0.2"], ["127.0.0.1"]])
    #expect(try await Self.dial(server) == [Self.home])
    #expect(server.count == 2)
  }

  @Test("of a new answer only what wasn't tried is tried")
  func partlyNew() async throws {
    let server = NameServer([["127.0.0.2", "127.0.0.3"], ["127.0.0.3", "127.0.0.1", "127.0.0.2"]])
    #expect(try await Self.dial(server) == [Self.home])
    #expect(server.count == 2)
  }

  @Test("an answer that stays the same is asked for once more in a dial, and no more")
  func same() async throws {
    let server = NameServer([["127.0.0.2"]])
    #expect(try await Self.dial(server) == [nil])
    #expect(server.count == 2)
  }

  @Test("a look-up that fails leaves the refusal")
  func lost() async throws {
    let server = NameServer([["127.0.0.2"], []])
    #expect(try await Self.dial(server) == [nil])
    #expect(server.count == 2)
  }

  @Test(
    "an answer of the last second isn't asked for again: a provider that is down makes no storm of look-ups")
  func young() async throws {
    let server = NameServer([["127.0.0.2"], ["127.0.0.1"]])
    #expect(try await Self.dial(server, times: 5, youth: .seconds(60)) == [nil, nil, nil, nil, nil])
    #expect(server.count == 1)
  }

  @Test("where some addresses refuse and one answers, the name is looked up behind that")
  func some() async throws {
    let server = NameServer([["127.0.0.2", "127.0.0.1"], ["127.0.0.1"]])
    #expect(try await Self.dial(server) == [Self.home])
    // The look-up has a thread of its own, and nobody waits for it.
    for _ in 0..<1000 where server.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
    #expect(server.count == 2)
  }

  @Test("connections in plain text and over TLS are counted apart")
  func counted() async throws {
    try await Stage.run { stage in
      let listener = try Listener(
        try #require(Address(ip: "127.0.0.1", port: 0)), on: stage.loop, sharesPort: false
      ) { $0.close() }
      defer { listener.close() }
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let limits = PoolLimits(
        maxConnections: 0, idleTimeout: .seconds(1), warm: 0, connectTimeout: .seconds(5))
      let endpoint = Endpoint(host: "127.0.0.1", port: listener.address.port)
      let plain = Pool(endpoint, tls: nil, limits: limits, on: stage.loop, dialer: dialer)
      let lease = try await plain.lease(parker: Parker(on: stage.loop), client: nil)
      #expect(dialer.pooled == (plain: 1, tls: 0))
      plain.discard(lease.socket)
      #expect(dialer.pooled == (plain: 0, tls: 0))
      let context = try TLSContext(client: TLSProfile())
      let secure = Pool(endpoint, tls: context, limits: limits, on: stage.loop, dialer: dialer)
      // The listener closes what it accepts: the handshake fails, and what was counted for it is taken back.
      await #expect(throws: DialFault.self) {
        _ = try await secure.lease(parker: Parker(on: stage.loop), client: nil)
      }
      #expect(dialer.pooled == (plain: 0, tls: 0))
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct DialTests {
  private static func dial(
    _ endpoint: Endpoint, tls: TLSContext? = nil, client: Socket? = nil, parker: Parker? = nil,
    on loop: Loop, until deadline: Instant
  ) async throws -> Socket {
    let dialer = Dialer(on: loop, resolver: Resolver(on: loop))
    return try await dialer.dial(
      endpoint, tls: tls, sessions: nil, parker: parker ?? Parker(on: loop), client: client, until: deadline)
  }

  /// A port of this machine on which nobody listens.
  private static func deadPort(on loop: Loop) throws -> UInt16 {
    let listener = try Listener(
      try #require(Address(ip: "127.0.0.1", port: 0)), on: loop, sharesPort: false
    ) { $0.close() }
    defer { listener.close() }
    return listener.address.port
  }

  @Test("a refused connection names the address and the reason")
  func refused() async throws {
    try await Stage.run { stage in
      let port = try Self.deadPort(on: stage.loop)
      await #expect(throws: DialFault.connect("127.0.0.1:\(port): Connection refused")) {
        _ = try await Self.dial(
          Endpoint(host: "127.0.0.1", port: port), on: stage.loop, until: stage.patience)
      }
    }
  }

  @Test(
    "a path without a listener, or none at all, is a fault",
    arguments: ["/nonexistent/x.sock", "", "/" + String(repeating: "a", count: 200)])
  func localPath(_ path: String) async throws {
    try await Stage.run { stage in
      let fault = await #expect(throws: DialFault.self) {
        _ = try await Self.dial(
          Endpoint(host: path, port: 0, isLocal: true), on: stage.loop, until: stage.patience)
      }
      guard case .connect(let text)? = fault else {
        Issue.record("\(String(describing: fault))")
        return
      }
      #expect(text.contains(path))
    }
  }

  @Test("a name without an address is a fault of the look-up")
  func unresolved() async throws {
    let name = String(repeating: "a", count: 64) + ".invalid"
    try await Stage.run { stage in
      let fault = await #expect(throws: DialFault.self) {
        _ = try await Self.dial(Endpoint(host: name, port: 1), on: stage.loop, until: stage.patience)
      }
      guard case .resolve(let inner)? = fault else {
        Issue.record("\(String(describing: fault))")
        return
      }
      #expect(inner.host == name)
    }
  }

  @Test("of a name's addresses the one that answers wins")
  func fallback() async throws {
    try await Stage.run { stage in
      // localhost may also be ::1, where nobody listens.
      let listener = try Listener(
        try #require(Address(ip: "127.0.0.1", port: 0)), on: stage.loop, sharesPort: false
      ) { $0.close() }
      let socket = try await Self.dial(
        Endpoint(host: "localhost", port: listener.address.port), on: stage.loop, until: stage.patience)
      #expect(socket.peerAddress == listener.address)
      socket.close()
      listener.close()
    }
  }

  /// A listening port whose queue is full: the kernel doesn't answer further connections.
  private struct BlackHole: ~Copyable {
    private let listener: Int32
    private var fillers: [Int32] = []
    let port: UInt16

    init() throws {
      let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      listener = made
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let outcome = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
          unsafe bind(made, raw, size) == 0 && listen(made, 0) == 0
            && getsockname(made, raw, &size) == 0
        }
      }
      try #require(outcome)
      port = UInt16(bigEndian: address.sin_port)
      for _ in 0..<8 {
        let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        fillers.append(filler)
        unsafe withUnsafePointer(to: &address) { pointer in
          _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(filler, $0, size)
          }
        }
      }
    }

    deinit {
      for filler in fillers { close(filler) }
      close(listener)
    }
  }

  @Test("an address that never answers ends with the deadline")
  func blackHole() async throws {
    let hole = try BlackHole()
    let port = hole.port
    try await Stage.run { stage in
      await #expect(throws: DialFault.timedOut) {
        _ = try await Self.dial(
          Endpoint(host: "127.0.0.1", port: port), on: stage.loop, until: stage.loop.now + .milliseconds(20))
      }
    }
    withExtendedLifetime(hole) {}
  }

  @Test("the client's going away ends the attempt")
  func abandoned() async throws {
    let hole = try BlackHole()
    let port = hole.port
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let client = try Socket.over(left, on: stage.loop)
      let alarm = Alarm { close(right) }
      stage.loop.arm(alarm, at: stage.loop.now + .milliseconds(2))
      await #expect(throws: DialFault.abandoned) {
        _ = try await Self.dial(
          Endpoint(host: "127.0.0.1", port: port), client: client, parker: client.parker, on: stage.loop,
          until: stage.patience)
      }
      client.close()
    }
    withExtendedLifetime(hole) {}
  }

  @Test(
    "families take turns, beginning with the first",
    arguments: [
      ("", ""), ("4", "4"), ("44", "44"), ("446", "464"), ("4466", "4646"), ("6644", "6464"),
      ("6444", "6444"),
    ])
  func alternating(_ families: String, _ expected: String) {
    let addresses = families.enumerated().compactMap { index, family in
      Address(ip: family == "4" ? "10.0.0.\(index)" : "fd00::\(index)", port: 0)
    }
    let result = Dialer.alternating(addresses)
    #expect(result.map { $0.family == .ipv4 ? "4" : "6" }.joined() == expected)
    #expect(Set(result) == Set(addresses))
    for family in [Address.Family.ipv4, .ipv6] {
      #expect(result.filter { $0.family == family } == addresses.filter { $0.family == family })
    }
  }
}
