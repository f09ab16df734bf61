// What goes through TLS connections: ends, cuts, bursts, slow readers.

import Glibc
import Support
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(1)), .enabled(if: Certificates.shared != nil, "the openssl command is needed"))
struct TLSByteTests {
  private let certificates: Certificates

  init() throws { certificates = try #require(Certificates.shared) }

  /// What a client reads from a peer of the given manner, and how it ended.
  private func read(_ manner: TLSPeer.Manner, count: Int = .max) async throws -> (
    bytes: [UInt8], fault: IOFault?
  ) {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    async let peer = TLSPeer.serve(right, server, manner)
    let result = try await Stage.run { stage -> (bytes: [UInt8], fault: IOFault?) in
      let socket = try Socket.over(left, on: stage.loop)
      defer { socket.close() }
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      var reader = Reader()
      do { try await reader.read(socket, count: count, until: stage.patience) } catch let fault as IOFault {
        return (reader.text, fault)
      }
      return (reader.text, nil)
    }
    _ = try await peer
    return result
  }

  @Test("an end that was announced is an end, one that wasn't is a cut", arguments: [0, 1, 17_000])
  func truncation(count: Int) async throws {
    let whole = try await read(.speak(pattern(count)))
    #expect(whole.bytes == pattern(count))
    #expect(whole.fault == nil)
    let cut = try await read(.breakOff(pattern(count)))
    #expect(cut.bytes == pattern(count))
    #expect(cut.fault == .truncated)
  }

  @Test(
    "a burst is delivered whole although nothing follows it", arguments: [1, 16 * 1024, 64 * 1024, 200_000])
  func burst(count: Int) async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    async let peer = TLSPeer.serve(right, server)
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      let parker = try #require(socket.parker)
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      // The peer sends back what it gets, and then waits for more.
      var unsent = ByteQueue()
      unsent.append(pattern(count))
      var got: [UInt8] = []
      var queue = ByteQueue(pool: stage.loop.blocks)
      while got.count < count {
        let isSent = try socket.write(from: &unsent)
        switch try socket.read(into: &queue, ceiling: 3000) {
        case .bytes:
          got += queue.array()
          queue.removeAll()
        case .wouldBlock:
          _ = isSent
          try #require(
            await parker.park(until: stage.patience) == .event, "stalled at \(got.count) of \(count)")
        case .end: Issue.record("ended at \(got.count) of \(count)")
        }
      }
      #expect(got == pattern(count))
      #expect(try socket.read(into: &queue, ceiling: 3000) == .wouldBlock)
      #expect(!socket.hasReadable)
      socket.close()
    }
    _ = try await peer
  }

  @Test("ten megabytes reach a slow reader in order, and no more of them wait than fit")
  func backpressure() async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    let count = 10 << 20
    async let sent: Int = Stage.run { stage in
      let socket = try Socket.over(right, on: stage.loop)
      defer { socket.close() }
      let parker = try #require(socket.parker)
      let session = try TLSSession(server, on: socket, host: nil, sessions: nil)
      try await session.handshake(until: stage.patience)
      var queue = ByteQueue()
      queue.append(pattern(count))
      var waits = 0
      while try !socket.write(from: &queue) {
        waits += 1
        try #require(await parker.park(until: stage.patience) == .event)
      }
      while !socket.finishSending() { try #require(await parker.park(until: stage.patience) == .event) }
      return waits
    }
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      let parker = try #require(socket.parker)
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      let expected = pattern(count)
      var queue = ByteQueue(pool: stage.loop.blocks)
      var at = 0
      reading: while true {
        switch try socket.read(into: &queue, ceiling: 10_000) {
        case .bytes(let got):
          #expect(got <= 10_000)
          let isRight = unsafe expected.withUnsafeBytes { whole in
            guard at + got <= count, let base = whole.baseAddress,
              let read = unsafe queue.unsafeBytes.baseAddress
            else { return false }
            return unsafe memcmp(base + at, read, got) == 0
          }
          try #require(isRight, "wrong bytes behind \(at)")
          at += got
          queue.removeAll()
          await parker.yield()
        case .wouldBlock: try #require(await parker.park(until: stage.patience) == .event)
        case .end: break reading
        }
      }
      #expect(at == count)
      socket.close()
    }
    #expect(try await sent > 0)
  }

  @Test("an end that finds the kernel full is announced when there is room")
  func fullAtTheEnd() async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    let (full, signal) = AsyncStream<Void>.makeStream()
    async let tries: Int = Stage.run { stage in
      let socket = try Socket.over(right, on: stage.loop)
      defer { socket.close() }
      let parker = try #require(socket.parker)
      let session = try TLSSession(server, on: socket, host: nil, sessions: nil)
      try await session.handshake(until: stage.patience)
      try await socket.writeAll(pattern(60_000), until: stage.patience)
      // Less than what waits already: nothing more is taken (unix(7), SO_SNDBUF).
      var least: Int32 = 1
      try #require(unsafe setsockopt(right, SOL_SOCKET, SO_SNDBUF, &least, 4) == 0)
      var tries = 1
      while !socket.finishSending() {
        tries += 1
        signal.finish()
        try #require(await parker.park(until: stage.patience) == .event)
      }
      signal.finish()
      return tries
    }
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      for await _ in full {}
      var reader = Reader()
      try await reader.read(socket, ceiling: 10_000, until: stage.patience)
      #expect(reader.text == pattern(60_000))
      #expect(reader.last == .end)
      socket.close()
    }
    #expect(try await tries > 1)
  }

  @Test("idle TLS connections are told apart as plain ones are")
  func idle() async throws {
    let server = try TLSContext(server: certificates.profile("good"))
    let client = try TLSContext(client: TLSProfile(caFile: certificates.authority))
    let (left, right) = try socketPair()
    async let peer = TLSPeer.serve(right, server)
    try await Stage.run { stage in
      let socket = try Socket.over(left, on: stage.loop)
      let session = try TLSSession(client, on: socket, host: "localhost", sessions: nil)
      try await session.handshake(until: stage.patience)
      try await socket.writeAll("x", until: stage.patience)
      var reader = Reader()
      try await reader.read(socket, count: 1, until: stage.patience)
      // Tickets that wait in the kernel are no answer to anybody.
      #expect(socket.isQuietlyOpen())
      socket.close()
      #expect(!socket.isQuietlyOpen())
    }
    _ = try await peer
  }
}
