// Requests that are read whole, on a pair of sockets: framings and cuts, refusals, what a connection outlives.

import Glibc
import HTTP
import Support
import Testing
import Transport
import Wire

/// A client's end of a connection that a `WholePort` serves. Confined to its loop.
private final class Client {
  let socket: Socket
  let parker: Parker
  let roll: Roll
  private(set) var hasLeft = false
  private var incoming = ByteQueue()

  init(_ port: WholePort, _ roll: Roll, on stage: isolated Stage) throws {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the call writes two descriptors, for which there is room.
    let made = unsafe socketpair(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
    try #require(made == 0)
    self.roll = roll
    socket = try Socket(ends[1], on: stage.loop, isConnected: true)
    parker = Parker(on: stage.loop)
    socket.parker = parker
    let pair = Confined((port.accept(try Socket(ends[0], on: stage.loop, isConnected: true)), self))
    stage.loop.start { _ in
      await pair.value.0.serve(nil)
      pair.value.1.hasLeft = true
      pair.value.1.parker.signal()
    }
  }

  func send(_ text: String) throws {
    var queue = ByteQueue()
    queue.append(text)
    #expect(try socket.write(from: &queue))
  }

  /// What comes up to `end`, or to the connection's end.
  func receive(to end: String? = nil) async throws -> String {
    let deadline = socket.loop.now + Interval(seconds: 20)
    while true {
      let text = incoming.bytes.text()
      if let end, text.hasSuffix(end) {
        incoming.removeAll()
        return text
      }
      switch try socket.read(into: &incoming, ceiling: 1 << 16) {
      case .bytes: continue
      case .end: return text
      case .wouldBlock:
        if await parker.park(until: deadline) == .deadline { return text + "<nothing came>" }
      }
    }
  }

  /// Waits until the task that serves the connection is over.
  func waitForTask() async {
    let deadline = socket.loop.now + Interval(seconds: 20)
    while !hasLeft, socket.loop.now < deadline { _ = await parker.park(until: deadline) }
    #expect(hasLeft)
  }

  func leave() {
    socket.close()
    parker.retire()
  }
}

@Suite("Whole requests") struct WholeTests {
  private static let times = ConnectionTimes(
    handshake: Interval(seconds: 9), opening: Interval(seconds: 9), idle: Interval(seconds: 9),
    head: Interval(seconds: 9), stalled: Interval(seconds: 9))

  /// Whose clients nap at once, and leave after `idle`.
  private static func napping(idle: Interval) -> ConnectionTimes {
    ConnectionTimes(
      handshake: Interval(seconds: 9), opening: idle, idle: idle, head: Interval(seconds: 9),
      stalled: Interval(seconds: 9), nap: Interval(milliseconds: 1))
  }

  private static func echo(_ roll: Roll, _ times: ConnectionTimes = times) -> WholePort {
    WholePort(roll, times, bodyCeiling: 8, stall: Interval(seconds: 9)) { request, reply in
      reply.send(WholeAnswer("\(request.head.method.text) \(request.path) \(request.body.text())."))
    }
  }

  private static func answer(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  @Test("a connection takes one request after the other, in every framing and cut")
  func kept() async throws {
    let posts = [
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    ]
    try await Stage.run { stage in
      let roll = Roll()
      let port = Self.echo(roll)
      let client = try Client(port, roll, on: stage)
      for post in posts {
        for piece in [post.utf8.count, 1] {
          for at in stride(from: 0, to: post.utf8.count, by: piece) {
            try client.send(String(post.dropFirst(at).prefix(piece)))
            await client.parker.yield()
          }
          #expect(try await client.receive(to: "abc.") == Self.answer("POST /a abc."))
        }
      }
      #expect(roll.count == 1)
      client.leave()
    }
  }

  @Test("a silent connection gives its task back, and is served again by the next bytes, in every cut")
  func naps() async throws {
    let post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    try await Stage.run { stage in
      for cut in 0..<post.utf8.count {
        let roll = Roll()
        let client = try Client(Self.echo(roll, Self.napping(idle: Interval(seconds: 20))), roll, on: stage)
        await client.waitForTask()
        #expect(roll.count == 1)
        if cut > 0 { try client.send(String(post.prefix(cut))) }
        await client.parker.yield()
        try client.send(String(post.dropFirst(cut)))
        #expect(try await client.receive(to: "abc.") == Self.answer("POST /a abc."))
        client.leave()
      }
    }
  }

  @Test("a connection that naps ends when its time is over, when it is to leave, and when its client does")
  func endsInNap() async throws {
    try await Stage.run { stage in
      for way in 0..<3 {
        let roll = Roll()
        let idle = way == 0 ? Interval(milliseconds: 5) : Interval(seconds: 20)
        let client = try Client(Self.echo(roll, Self.napping(idle: idle)), roll, on: stage)
        await client.waitForTask()
        if way == 1 { #expect(roll.makeRoom(silentSince: stage.loop.now)) }
        if way < 2 { #expect(try await client.receive() == "") }
        client.leave()
        let deadline = stage.loop.now + Interval(seconds: 20)
        while roll.count > 0, stage.loop.now < deadline { await Parker(on: stage.loop).yield() }
        #expect(roll.count == 0)
      }
    }
  }

  static let refusals: [(request: String, status: String)] = [
    ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/2.0\r\n\r\n", "505"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", "413"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n", "413"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400"),
  ]

  @Test("what can't be read is refused, and ends the connection", arguments: refusals)
  func refused(_ example: (request: String, status: String)) async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let client = try Client(Self.echo(roll), roll, on: stage)
      try client.send(example.request)
      let answer = try await client.receive()
      #expect(answer.hasPrefix("HTTP/1.1 \(example.status) "))
      #expect(answer.contains("\r\nConnection: close\r\n"))
      client.leave()
    }
  }

  @Test("TLS on a plain port is answered with an alert")
  func alert() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let client = try Client(Self.echo(roll), roll, on: stage)
      try client.send("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}")
      #expect(try await client.receive().utf8.prefix(2).elementsEqual([0x15, 0x03]))
      client.leave()
    }
  }

  @Test("an answer says what becomes of the connection")
  func manners() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let port = Self.echo(roll)
      let old = try Client(port, roll, on: stage)
      try old.send("GET /a HTTP/1.0\r\n\r\n")
      #expect(try await old.receive() == Self.answer("GET /a .", "Connection: close\r\n"))
      let head = try Client(port, roll, on: stage)
      try head.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n")
      let text = try await head.receive(to: "\r\n\r\n")
      #expect(text == String(Self.answer("HEAD /a .").dropLast(9)))
      // The port comes to its end: what is asked now is answered, and nothing after it.
      port.isEnding = true
      try head.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
      #expect(try await head.receive() == Self.answer("GET /a .", "Connection: close\r\n"))
      old.leave()
      head.leave()
    }
  }

  @Test("a client that waits for it is told to go on")
  func goOn() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let client = try Client(Self.echo(roll), roll, on: stage)
      try client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
      #expect(try await client.receive(to: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      try client.send("abc")
      #expect(try await client.receive(to: "abc.") == Self.answer("POST /a abc."))
      client.leave()
    }
  }

  @Test("a client that sends its body byte by byte has only so long for all of it")
  func slowBody() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let hour = Interval(seconds: 3600)
      let times = ConnectionTimes(
        handshake: hour, opening: hour, idle: hour, head: hour, stalled: hour,
        body: Interval(milliseconds: 20))
      let port = WholePort(roll, times, bodyCeiling: 8, stall: hour) { _, reply in
        reply.send(WholeAnswer("too late"))
      }
      let client = try Client(port, roll, on: stage)
      try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na")
      #expect(try await client.receive() == "")
      client.leave()
    }
  }

  @Test("an answer that closes is read whole by a client that has sent more")
  func lingering() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let client = try Client(Self.echo(roll), roll, on: stage)
      let more = String(repeating: "x", count: 64 << 10)
      try client.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + more)
      #expect(try await client.receive() == Self.answer("GET /a .", "Connection: close\r\n"))
      client.leave()
    }
  }

  /// Serves `port` on TCP, which has addresses, resets and halves that close, and connects to it.
  private static func connect(
    to port: WholePort, on stage: isolated Stage
  ) async throws -> (listener: Listener, socket: Socket, parker: Parker) {
    let place = try #require(Address(ip: "127.0.0.1", port: 0))
    let listener = try Listener(place, on: stage.loop, sharesPort: false) { socket in
      let accepted = Confined(port.accept(socket))
      stage.loop.start { _ in await accepted.value.serve(nil) }
    }
    let parker = Parker(on: stage.loop)
    let endpoint = Endpoint(host: "127.0.0.1", port: listener.address.port)
    let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
    let socket = try await dialer.dial(
      endpoint, tls: nil, sessions: nil, parker: parker, client: nil, until: stage.patience)
    return (listener, socket, parker)
  }

  private static func send(_ text: String, on socket: Socket) throws {
    var queue = ByteQueue()
    queue.append(text)
    #expect(try socket.write(from: &queue))
  }

  /// Whether what comes ends in a reset, and not in good order.
  private static func isReset(_ socket: Socket, _ parker: Parker, until deadline: Instant) async -> Bool {
    var incoming = ByteQueue()
    while true {
      guard let step = try? socket.read(into: &incoming, ceiling: 1 << 16) else { return true }
      if step == .end { return false }
      if step == .wouldBlock, await parker.park(until: deadline) == .deadline { return false }
    }
  }

  /// What a port's function was called with. Confined to its loop.
  private final class Seen {
    var values: [Bool] = []
  }

  @Test("a client that has reset its connection is not taken for this machine's", arguments: [false, true])
  func origin(resets: Bool) async throws {
    try await Stage.run { stage in
      let (roll, seen, waiter) = (Roll(), Seen(), Parker(on: stage.loop))
      let port = WholePort(roll, Self.times, bodyCeiling: 8, stall: Interval(seconds: 9)) { request, _ in
        seen.values.append(request.isFromLoopback)
        waiter.signal()
      }
      let (listener, socket, parker) = try await Self.connect(to: port, on: stage)
      try Self.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", on: socket)
      if resets { socket.close(abruptly: true) }
      while seen.values.isEmpty, await waiter.park(until: stage.patience) == .event {}
      #expect(seen.values == [!resets])
      socket.close()
      listener.close()
      parker.retire()
      waiter.retire()
    }
  }

  @Test("an answer whose end is the connection's ends in a reset where it is cut")
  func cut() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let port = WholePort(roll, Self.times, bodyCeiling: 8, stall: Interval(seconds: 9)) { _, reply in
        reply.answer.begin(200)
        reply.end(head: .untilClose)
        reply.answer.piece { $0.append("half of it") }
        await reply.flush()
        reply.drop()
      }
      for version in ["1.0", "1.1"] {
        let (listener, socket, parker) = try await Self.connect(to: port, on: stage)
        try Self.send("GET /a HTTP/\(version)\r\nHost: h\r\n\r\n", on: socket)
        #expect(await Self.isReset(socket, parker, until: stage.patience))
        socket.close()
        listener.close()
        parker.retire()
      }
    }
  }

  @Test("a client that closes in good order ends a pause")
  func pause() async throws {
    try await Stage.run { stage in
      let (roll, seen, waiter) = (Roll(), Seen(), Parker(on: stage.loop))
      let port = WholePort(roll, Self.times, bodyCeiling: 8, stall: Interval(seconds: 9)) { _, reply in
        await reply.pause(until: .never)
        seen.values.append(reply.isGone)
        waiter.signal()
      }
      let (listener, socket, parker) = try await Self.connect(to: port, on: stage)
      try Self.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", on: socket)
      socket.close()
      while seen.values.isEmpty, await waiter.park(until: stage.patience) == .event {}
      #expect(seen.values == [true])
      listener.close()
      parker.retire()
      waiter.retire()
    }
  }

  @Test("of clients that ask for nothing, the one that has been silent longest makes room")
  func room() async throws {
    try await Stage.run { stage in
      let roll = Roll()
      let port = Self.echo(roll)
      let clients = [try Client(port, roll, on: stage), try Client(port, roll, on: stage)]
      try clients[0].send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
      _ = try await clients[0].receive(to: ".")
      #expect(roll.makeRoom(silentSince: stage.loop.now))
      #expect(roll.staying == 1)
      #expect(try await clients[1].receive() == "")
      while !clients[1].hasLeft { _ = await clients[1].parker.park(until: stage.loop.now + .seconds(9)) }
      #expect(roll.count == 1)
      #expect(roll.staying == 1)
      for client in clients { client.leave() }
    }
  }
}
