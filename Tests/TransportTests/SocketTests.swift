import Glibc
import Support
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(1))) struct SocketTests {
  @Test("bytes come through whole, however large the reads are", arguments: [1, 7, 4096, 1 << 20])
  func transfer(ceiling: Int) async throws {
    let count = ceiling == 1 ? 3000 : 300_000
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let reading = try Socket.over(left, on: stage.loop)
      let deadline = stage.patience
      async let sent: Void = Stage.run { peer in
        let writing = try Socket.over(right, on: peer.loop)
        try await writing.writeAll(pattern(count), until: deadline)
        writing.close()
      }
      var reader = Reader()
      try await reader.read(reading, ceiling: ceiling, until: deadline)
      #expect(reader.text == pattern(count))
      #expect(reader.last == .end)
      // The end stays the end.
      var queue = ByteQueue()
      #expect(try reading.read(into: &queue, ceiling: 10) == .end)
      reading.close()
      try await sent
    }
  }

  @Test("no read takes more than its ceiling, and what is left needs no further event")
  func ceiling() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let reading = try Socket.over(left, on: stage.loop)
      let writing = try Socket.over(right, on: stage.loop)
      try await writing.writeAll("0123456789", until: stage.patience)
      var queue = ByteQueue(pool: stage.loop.blocks)
      #expect(try reading.read(into: &queue, ceiling: 4) == .bytes(4))
      #expect(reading.hasReadable)
      #expect(try reading.read(into: &queue, ceiling: 4) == .bytes(4))
      #expect(try reading.read(into: &queue, ceiling: 4) == .bytes(2))
      #expect(try reading.read(into: &queue, ceiling: 4) == .wouldBlock)
      #expect(queue.bytes.text() == "0123456789")
      reading.close()
      writing.close()
      #expect(throws: IOFault.self) { try Self.write("x", to: writing) }
    }
  }

  private static func write(_ text: String, to socket: Socket) throws {
    var queue = ByteQueue()
    queue.append(text)
    // A closed socket takes nothing, and says so by not emptying the queue.
    if try !socket.write(from: &queue) { throw IOFault.truncated }
  }

  @Test("a peer's progress is what it takes, and not what the kernel takes", arguments: [true, false])
  func progress(isLocal: Bool) async throws {
    try await Stage.run { stage in
      let near: Socket
      let far: Socket
      if isLocal {
        let (left, right) = try socketPair()
        near = try Socket.over(left, on: stage.loop)
        far = try Socket.over(right, on: stage.loop)
      } else {
        (near, far) = try await connection(on: stage.loop, until: stage.patience)
      }
      #expect(near.progress.isAll)
      var queue = ByteQueue()
      var last = near.progress.taken
      // Until the kernel's memory is full.
      repeat {
        queue.append([UInt8](repeating: 1, count: 1000))
        let isTaken = try near.write(from: &queue)
        if isLocal { #expect(near.progress.taken <= last) }
        last = near.progress.taken
        if !isTaken { break }
      } while true
      #expect(!near.progress.isAll && near.progress.taken == last)
      let parker = try #require(far.parker)
      var sink = ByteQueue()
      while near.progress.taken <= last {
        try #require(.now < stage.patience)
        while case .bytes = try far.read(into: &sink, ceiling: 1 << 20) {}
        // What the peer's kernel acknowledges late is no event.
        _ = await parker.park(until: .now + .milliseconds(5))
      }
      near.close()
      far.close()
    }
  }

  @Test("one end may stop sending and still read")
  func halfClose() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let client = try Socket.over(left, on: stage.loop)
      let upstream = try Socket.over(right, on: stage.loop)
      try await client.writeAll("question", until: stage.patience)
      client.finishSending()
      var question = Reader()
      try await question.read(upstream, until: stage.patience)
      #expect(question.text == Array("question".utf8))
      #expect(question.last == .end)
      #expect(upstream.peerHasClosed && !upstream.hasFailed)
      #expect(!client.peerHasClosed)
      try await upstream.writeAll("answer", until: stage.patience)
      var answer = Reader()
      try await answer.read(client, count: 6, until: stage.patience)
      #expect(answer.text == Array("answer".utf8))
      client.close()
      upstream.close()
    }
  }

  @Test("a reset is a fault, not an end")
  func reset() async throws {
    try await Stage.run { stage in
      let (client, upstream) = try await connection(on: stage.loop, until: stage.patience)
      try await client.writeAll("x", until: stage.patience)
      var reader = Reader()
      try await reader.read(upstream, count: 1, until: stage.patience)
      client.close(abruptly: true)
      let fault = await #expect(throws: IOFault.self) {
        var reader = Reader()
        try await reader.read(upstream, until: stage.patience)
      }
      #expect(fault == .system(SystemFault("recv", ECONNRESET)))
      #expect(upstream.hasFailed && upstream.peerHasClosed)
      upstream.close()
    }
  }

  @Test("writing to a peer that is gone is a fault, and raises no signal")
  func brokenPipe() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let client = try Socket.over(left, on: stage.loop)
      close(right)
      await #expect(throws: IOFault.system(SystemFault("send", EPIPE))) {
        try await client.writeAll("x", until: stage.patience)
      }
      client.close()
    }
  }

  @Test("an idle connection tells when its peer goes, and is not taken for open")
  func idle() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let socket = try Socket.over(left, on: stage.loop)
      #expect(socket.isQuietlyOpen())
      let parker = Parker(on: stage.loop)
      socket.parker = nil
      socket.onIdleEvent = { _ in parker.signal() }
      close(right)
      while !socket.peerHasClosed {
        try #require(await parker.park(until: stage.patience) == .event)
      }
      #expect(!socket.isQuietlyOpen())
      socket.close()
    }
  }

  @Test("a connection on which something unexpected came is not taken for open")
  func chatty() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let socket = try Socket.over(left, on: stage.loop)
      let peer = try Socket.over(right, on: stage.loop)
      try await peer.writeAll("HTTP/1.1 408 Request Timeout\r\n\r\n", until: stage.patience)
      #expect(!socket.isQuietlyOpen())
      socket.close()
      peer.close()
    }
  }

  @Test("a client's going away is seen while its answer is awaited")
  func clientGone() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let client = try Socket.over(left, on: stage.loop)
      let parker = try #require(client.parker)
      let alarm = Alarm { close(right) }
      stage.loop.arm(alarm, at: stage.loop.now + .milliseconds(1))
      while !client.peerHasClosed {
        try #require(await parker.park(until: stage.patience) == .event)
      }
      client.close()
      #expect(client.descriptor == -1)
      client.close()
    }
  }

  @Test("a queue gives its block back when it is empty")
  func blocks() async throws {
    try await Stage.run { stage in
      let (left, right) = try socketPair()
      let socket = try Socket.over(left, on: stage.loop)
      var queue = ByteQueue(pool: stage.loop.blocks)
      #expect(try socket.read(into: &queue, ceiling: 4096) == .wouldBlock)
      let isEmpty = queue.isEmpty
      #expect(isEmpty)
      close(right)
      socket.close()
    }
  }
}

/// A connection over TCP, both ends on `loop`.
func connection(
  on loop: Loop, until deadline: Instant
) async throws -> (client: Socket, upstream: Socket) {
  let parker = Parker(on: loop)
  var accepted: Socket?
  let listener = try Listener(
    try #require(Address(ip: "127.0.0.1", port: 0)), on: loop, sharesPort: false
  ) {
    accepted = $0
    parker.signal()
  }
  defer { listener.close() }
  let dialer = Dialer(on: loop, resolver: Resolver(on: loop))
  let client = try await dialer.dial(
    Endpoint(host: "127.0.0.1", port: listener.address.port), tls: nil, sessions: nil,
    parker: Parker(on: loop),
    client: nil, until: deadline)
  while accepted == nil {
    if await parker.park(until: deadline) == .deadline { throw GaveUp() }
  }
  let upstream = try #require(accepted)
  upstream.parker = parker
  return (client, upstream)
}
