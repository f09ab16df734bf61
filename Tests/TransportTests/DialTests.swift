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
