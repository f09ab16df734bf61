import Glibc
import Support
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(1)), .enabled(if: Certificates.shared != nil, "the openssl command is needed"))
struct TLSTests {
  private let certificates: Certificates

  init() throws { certificates = try #require(Certificates.shared) }

  /// Shakes hands as a client with a server that shows `certificate`.
  private func shake(_ certificate: String, host: String, caFile: String? = nil) async throws -> TLSFault? {
    let server = try TLSContext(server: certificates.profile(certificate))
    let client = try TLSContext(client: TLSProfile(caFile: caFile ?? certificates.authority))
    let (left, right) = try socketPair()
    async let peer = TLSPeer.serve(right, server)
    let fault = try await Stage.run { stage -> TLSFault? in
      let socket = try Socket.over(left, on: stage.loop)
      defer { socket.close() }
      do throws(TLSFault) {
        let session = try TLSSession(client, on: socket, host: host, sessions: nil)
        try await session.handshake(until: stage.patience)
        return nil
      } catch { return error }
    }
    _ = try await peer
    return fault
  }

  @Test(
    "a certificate that is right is taken",
    arguments: [
      ("good", "localhost"), ("good", "LOCALHOST"), ("good", "localhost."), ("ip", "127.0.0.1"),
      ("ip", "::1"),
      ("ip", "0:0:0:0:0:0:0:1"), ("wild", "a.example.test"), ("wild", "A.EXAMPLE.TEST"),
      ("other", "another.test"),
    ])
  func taken(_ certificate: String, _ host: String) async throws {
    #expect(try await shake(certificate, host: host) == nil)
  }

  @Test(
    "a certificate for another name is refused, and its names are told",
    arguments: [
      ("other", "localhost", "another.test"), ("good", "127.0.0.1", "localhost"),
      ("good", "local", "localhost"),
      ("good", "localhost.test", "localhost"), ("good", "sub.localhost", "localhost"),
      ("ip", "127.0.0.2", "127.0.0.1"), ("ip", "::2", "127.0.0.1"), ("ip", "localhost", "127.0.0.1"),
      ("wild", "example.test", "*.example.test"), ("wild", "a.b.example.test", "*.example.test"),
      ("partial", "foo.example.test", "f*.example.test"),
      // The common name is none of the names that count (RFC 9525 section 2).
      ("cn", "localhost", "no name"),
    ])
  func wrongName(_ certificate: String, _ host: String, _ names: String) async throws {
    let fault = try await shake(certificate, host: host)
    guard case .wrongName(let expected, let found)? = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
    #expect(expected == host)
    #expect(found.contains(names))
  }

  @Test("a certificate out of its time is refused, with the date")
  func time() async throws {
    let expired = try await shake("expired", host: "localhost")
    guard case .expired(let end)? = expired else {
      Issue.record("\(String(describing: expired))")
      return
    }
    #expect(end.contains("2021"))
    let future = try await shake("future", host: "localhost")
    guard case .notYetValid(let start)? = future else {
      Issue.record("\(String(describing: future))")
      return
    }
    #expect(start.contains("2098"))
  }

  @Test("a certificate that nobody trusted has signed is refused, and the signer is named")
  func untrusted() async throws {
    let selfSigned = try await shake("self", host: "localhost")
    guard case .selfSigned(let subject)? = selfSigned else {
      Issue.record("\(String(describing: selfSigned))")
      return
    }
    #expect(subject.contains("self"))
    let unknown = try await shake("good", host: "localhost", caFile: certificates.otherAuthority)
    guard case .unknownIssuer(let issuer)? = unknown else {
      Issue.record("\(String(describing: unknown))")
      return
    }
    #expect(issuer.contains("Throwaway CA"))
    #expect(try await shake("self", host: "localhost", caFile: certificates.path("self.pem")) == nil)
  }

  @Test(
    "a name that can't be one is refused before anything is sent",
    arguments: ["", ".", ".example.test", "a\u{0}b"])
  func impossibleName(_ host: String) async throws {
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      #expect(throws: TLSFault.self) { _ = try TLSSession(client, on: socket, host: host, sessions: nil) }
      socket.close()
    }
    close(right)
  }

  /// Shakes hands with a peer that says `bytes` and then, perhaps, goes.
  private func shake(withRaw bytes: String, goes: Bool, patience: Duration = .seconds(20)) async throws
    -> TLSFault?
  {
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    return try await Stage.run { stage -> TLSFault? in
      let (left, right) = try socketPair()
      let socket = try Socket.over(left, on: stage.loop)
      let peer = try Socket.over(right, on: stage.loop)
      if !bytes.isEmpty { try await peer.writeAll(bytes, until: stage.patience) }
      if goes { peer.close() }
      defer {
        socket.close()
        peer.close()
      }
      do throws(TLSFault) {
        let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
        try await session.handshake(until: stage.loop.now + patience)
        return nil
      } catch { return error }
    }
  }

  @Test(
    "a peer that speaks plain text is told from one that speaks bad TLS",
    arguments: [
      "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "220 mail.example.test ESMTP\r\n",
    ])
  func plainText(_ greeting: String) async throws {
    #expect(try await shake(withRaw: greeting, goes: false) == .plainText)
  }

  @Test("a peer that goes in the middle of the handshake has closed", arguments: ["", "\u{16}\u{3}\u{3}"])
  func closed(_ bytes: String) async throws {
    #expect(try await shake(withRaw: bytes, goes: true) == .closed)
  }

  @Test("a peer that says nothing times out")
  func silent() async throws {
    #expect(try await shake(withRaw: "", goes: false, patience: .milliseconds(5)) == .timedOut)
  }

  @Test("nobody waits for a handshake that isn't wanted any more")
  func abandoned() async throws {
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let socket = try Socket.over(left, on: stage.loop)
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      await #expect(throws: TLSFault.abandoned) {
        try await session.handshake(until: stage.patience) { true }
      }
      socket.close()
      close(right)
    }
  }

  @Test(
    "an alert in the handshake is told by its meaning (RFC 8446 section 6)",
    arguments: [
      (70, .version), (42, .certificateRequired), (46, .certificateRequired), (48, .certificateRequired),
      (116, .certificateRequired), (40, .refused),
    ] as [(UInt8, TLSFault)])
  func alert(_ code: UInt8, _ expected: TLSFault) async throws {
    let alert: [UInt8] = [0x15, 3, 3, 0, 2, 2, code]
    #expect(try await shake(withRaw: String(decoding: alert, as: UTF8.self), goes: false) == expected)
  }

  // MARK: Client certificates

  @Test(
    "a demanded client certificate is given, or its lack is told",
    arguments: [("good", true), (nil, false), ("self", false)] as [(String?, Bool)])
  func clientCertificate(_ certificate: String?, _ isTaken: Bool) async throws {
    let server = try TLSContext(server: certificates.profile("good", trusting: certificates.authority))
    var profile = TLSProfile(caFile: certificates.authority)
    if let certificate { profile = certificates.profile(certificate, trusting: certificates.authority) }
    let client = try TLSContext(client: profile)
    let (left, right) = try socketPair()
    async let peer = TLSPeer.serve(right, server)
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      defer { socket.close() }
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      // In TLS 1.3 the server's verdict comes behind the client's handshake.
      var fault: IOFault?
      do {
        // A peer that refuses reads nothing more: bytes on their way to it would become a reset, which can
        // overtake the alert.
        if isTaken { try await socket.writeAll("x", until: stage.patience) }
        var reader = Reader()
        try await reader.read(socket, count: 1, until: stage.patience)
        #expect(reader.text == Array("x".utf8))
      } catch let error as IOFault { fault = error }
      #expect(fault == (isTaken ? nil : .tls(.certificateRequired)))
    }
    let refusal = try await peer
    #expect((refusal == nil) == isTaken)
  }

  // MARK: Resumption

  @Test("the second connection takes up the first one's session, and each session is used once")
  func resumption() async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    var pairs: [(Int32, Int32)] = []
    for _ in 0..<3 { pairs.append(try socketPair()) }
    let descriptors = pairs
    async let peers: Void = withThrowingTaskGroup(of: TLSFault?.self) { group in
      for (_, right) in descriptors { group.addTask { try await TLSPeer.serve(right, server) } }
      for try await fault in group { #expect(fault == nil) }
    }
    try await Stage.run { stage in
      let sessions = TLSSessions()
      var wasResumed: [Bool] = []
      for (left, _) in descriptors {
        let socket = try Socket.over(left, on: stage.loop)
        let session = try TLSSession(client, on: socket, host: "localhost", sessions: sessions)
        try await session.handshake(until: stage.patience)
        wasResumed.append(session.wasResumed)
        // Tickets come with the first bytes.
        try await socket.writeAll("x", until: stage.patience)
        var reader = Reader()
        try await reader.read(socket, count: 1, until: stage.patience)
        socket.close()
      }
      #expect(wasResumed == [false, true, true])
      #expect(sessions.resumed == 2)
      sessions.removeAll()
    }
    try await peers
  }

  @Test("a resumed session doesn't do for another name")
  func resumptionElsewhere() async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (first, firstPeer) = try socketPair()
    let (second, secondPeer) = try socketPair()
    async let one = TLSPeer.serve(firstPeer, server)
    async let two = TLSPeer.serve(secondPeer, server)
    try await Stage.run { stage in
      let sessions = TLSSessions()
      for (descriptor, host) in [(first, "localhost"), (second, "other.test")] {
        let socket = try Socket.over(descriptor, on: stage.loop)
        let session = try TLSSession(client, on: socket, host: host, sessions: sessions)
        var fault: TLSFault?
        do throws(TLSFault) { try await session.handshake(until: stage.patience) } catch { fault = error }
        if host == "localhost" {
          #expect(fault == nil)
          try await socket.writeAll("x", until: stage.patience)
          var reader = Reader()
          try await reader.read(socket, count: 1, until: stage.patience)
        } else {
          #expect(fault != nil)
        }
        socket.close()
      }
    }
    _ = try await (one, two)
  }
}
