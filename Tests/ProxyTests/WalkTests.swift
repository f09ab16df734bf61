// The walk as a whole, below the network: what a provider sends, in one piece or byte by byte, and what exactly the
// client gets for it.

import Support
import Telemetry
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

@Suite("Walk") struct WalkTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var request = walkRequest()
    /// What the provider sends before it closes.
    let sent: String
    /// The answer's first line and the fields that are the provider's.
    var head: String
    /// The body's own length where it is sent with one; else it comes in chunks.
    var isChunked = false
    let body: String
    var isWhole = true
    /// How the try is counted.
    var outcome = "success"
    var testDescription: String { name }

    /// All of the answer.
    var answer: WalkAnswer {
      let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(length ?? body.utf8.count)"
      let own =
        "x-request-id: t\nx-remora-provider: p\nx-remora-model: m\nx-remora-attempts: 1"
        + (closes ? "\nConnection: close" : "")
      return WalkAnswer(head: "\(head)\n\(own)\n\(framing)", body: body, isWhole: isWhole)
    }
    /// The length that the head promises where that isn't the body's.
    var length: Int?
    var closes = false
  }

  private static let streamRequest = walkRequest(#"{"model":"m","stream":true,"messages":[]}"#)
  private static let event =
    #"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#
    + "\n\n"
  private static let done = "data: [DONE]\n\n"
  private static let streamHead = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n"

  private static func chunked(_ pieces: String...) -> String {
    pieces.map { String($0.utf8.count, radix: 16) + "\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
  }

  private static let json = "content-type: application/json"
  private static let answerText = #"{"choices":[{"message":{"content":"a"}}]}"#

  static let cases: [Case] = [
    Case(
      name: "an answer", sent: FakeService.http(answerText, fields: json + "\r\n"),
      head: "HTTP/1.1 200 OK\n\(json)", body: answerText),
    Case(
      name: "an answer in chunks",
      sent: "HTTP/1.1 200 X\r\n\(json)\r\ntransfer-encoding: chunked\r\n\r\n"
        + chunked("{\"choices\":", "[]}"),
      head: "HTTP/1.1 200 OK\n\(json)", isChunked: true, body: "{\"choices\":[]}"),
    Case(
      name: "an answer that the close ends", sent: "HTTP/1.1 200 X\r\n\(json)\r\n\r\n{}",
      head: "HTTP/1.1 200 OK\n\(json)", isChunked: true, body: "{}"),
    Case(
      name: "an answer behind an interim one",
      sent: "HTTP/1.1 102 X\r\n\r\n" + FakeService.http("{}", fields: json + "\r\n"),
      head: "HTTP/1.1 200 OK\n\(json)", body: "{}"),
    Case(
      name: "a stream", request: streamRequest,
      sent: streamHead + "transfer-encoding: chunked\r\n\r\n" + chunked(event, done),
      head: "HTTP/1.1 200 OK\ncontent-type: text/event-stream", isChunked: true, body: event + done),
    Case(
      name: "a stream with a length", request: streamRequest,
      sent: streamHead + "content-length: \((event + done).utf8.count)\r\n\r\n" + event + done,
      head: "HTTP/1.1 200 OK\ncontent-type: text/event-stream", isChunked: true, body: event + done),
    Case(
      name: "a stream whose end the framing leaves out", request: streamRequest,
      sent: streamHead + "content-length: 9999\r\n\r\n" + event + done,
      head: "HTTP/1.1 200 OK\ncontent-type: text/event-stream", isChunked: true, body: event + done),
    Case(
      name: "an error in OpenAI's shape",
      sent: FakeService.http(
        #"{"error":{"message":"no","type":"x","param":null,"code":null}}"#, status: 429,
        fields: json + "\r\nretry-after: 3\r\n"),
      head: "HTTP/1.1 429 Too Many Requests\nretry-after: 3\nContent-Type: application/json",
      body: #"{"error":{"message":"no","type":"x","param":null,"code":null}}"#, outcome: "rate_limited"),
    Case(
      name: "an answer that is cut", sent: "HTTP/1.1 200 X\r\n\(json)\r\ncontent-length: 99\r\n\r\n{\"id\":",
      head: "HTTP/1.1 200 OK\n\(json)", body: "{\"id\":", isWhole: false,
      outcome: "connection_lost", length: 99),
  ]

  @Test("what comes is what the client gets, in one piece and byte by byte", arguments: cases)
  func answers(_ example: Case) async throws {
    try await Stage.run { stage in
      for isSlow in [false, true] {
        let bench = try WalkBench(on: stage) { _ in isSlow ? .trickle(example.sent) : .answer(example.sent) }
        defer { bench.service.close() }
        let answer = try await bench.exchange(example.request)
        #expect(answer == example.answer)
        #expect(bench.attempts == [#"{provider="p",outcome="\#(example.outcome)"} 1"#])
        #expect(bench.service.requests.count == 1)
        // Our key went out, and not the client's fields of the connection.
        #expect(bench.service.requests.first?.contains("authorization: Bearer s3cret-value\r\n") == true)
      }
    }
  }

  static let unlabelled: [(label: String, body: String, isStream: Bool)] = [
    "", "content-type: text/plain\r\n",
  ].flatMap {
    label in
    ["", "\n", "\r\n\r\n \n", String(repeating: "\n", count: 100)].flatMap { blanks in
      [(label, blanks + answerText, false), (label, blanks + event + done, true)]
    }
  }

  @Test("what an answer is shows in its first bytes, however they come", arguments: unlabelled)
  func openings(_ label: String, _ body: String, _ isStream: Bool) async throws {
    try await Stage.run { stage in
      for framing in ["length", "chunks", "short chunks", "close"] {
        for isSlow in [false, true] {
          let head = "HTTP/1.1 200 X\r\n\(label)"
          let sent =
            switch framing {
            case "length": head + "content-length: \(body.utf8.count)\r\n\r\n" + body
            case "chunks": head + "transfer-encoding: chunked\r\n\r\n" + Self.chunked(body)
            case "short chunks":
              head + "transfer-encoding: chunked\r\n\r\n"
                + body.utf8.map { "1\r\n\(Character(UnicodeScalar($0)))\r\n" }.joined()
                + "0\r\n\r\n"
            default: head + "\r\n" + body
            }
          let bench = try WalkBench(on: stage) { _ in isSlow ? .trickle(sent) : .answer(sent) }
          defer { bench.service.close() }
          let answer = try await bench.exchange(isStream ? Self.streamRequest : walkRequest())
          #expect(answer.status == 200 && answer.isWhole, "\(framing) \(isSlow) \(answer)")
          #expect(answer.body.contains(isStream ? Self.event : Self.answerText))
          let lines = answer.head.lowercased().split(separator: "\n")
          let label = isStream ? "text/event-stream; charset=utf-8" : "application/json"
          #expect(lines.filter { $0.hasPrefix("content-type") } == ["content-type: \(label)"], "\(framing)")
        }
      }
    }
  }

  @Test(
    "what never shows what it is goes on when it has been waited for long enough",
    arguments: [
      "transfer-encoding: chunked\r\n\r\n1;" + String(repeating: "a", count: 40_000),
      "\r\n" + String(repeating: "\n", count: 40_000),
    ])
  func neverShown(_ rest: String) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .answer("HTTP/1.1 200 X\r\n\(Self.json)\r\n" + rest) }
      defer { bench.service.close() }
      let answer = try await bench.exchange(walkRequest())
      #expect(answer.status == 502)
    }
  }

  @Test("a stream that is cut ends with an error that no client takes for its end", arguments: [false, true])
  func cutStream(_ isSlow: Bool) async throws {
    let sent =
      Self.streamHead + "transfer-encoding: chunked\r\n\r\n"
      + String(Self.event.utf8.count, radix: 16) + "\r\n\(Self.event)\r\n"
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in isSlow ? .trickle(sent) : .answer(sent) }
      defer { bench.service.close() }
      let answer = try await bench.exchange(Self.streamRequest)
      #expect(answer.status == 200)
      #expect(!answer.isWhole)
      #expect(answer.body.hasPrefix(Self.event + #"data: {"error":{"message":"Provider 'p' "#))
      #expect(!answer.body.contains("[DONE]"))
      #expect(bench.metric("remora_streams_ended_total") == [#"{provider="p",reason="upstream_eof"} 1"#])
      #expect(bench.attempts == [#"{provider="p",outcome="connection_lost"} 1"#])
    }
  }

  @Test(
    "a provider that says nothing, or no HTTP, is an error of its own",
    arguments: ["", "HTTP/1.1 2", "SSH-2.0-x\r\n"])
  func noAnswer(_ sent: String) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .answer(sent) }
      defer { bench.service.close() }
      let answer = try await bench.exchange(walkRequest())
      #expect(answer.status == 502)
      #expect(answer.isWhole)
      #expect(answer.has("x-remora-error-source: \(sent.isEmpty ? "network" : "upstream")"))
      #expect(answer.has("x-remora-attempts: 1"))
      let outcome = sent.isEmpty ? "connection_lost" : "protocol_error"
      #expect(bench.attempts == [#"{provider="p",outcome="\#(outcome)"} 1"#])
    }
  }

  @Test("a kept connection that turns out to be dead is replaced, once, and is no try")
  func deadConnection() async throws {
    let good = FakeService.http("{}", fields: Self.json + "\r\n")
    for dies in [1, 2] {
      try await Stage.run { stage in
        let bench = try WalkBench(on: stage) { number in
          (2..<2 + dies).contains(number) ? .hangUp : .keep(good)
        }
        defer { bench.service.close() }
        let client = try bench.client()
        defer { client.leave() }
        try await client.send(walkRequest())
        #expect(try await client.answer().status == 200)
        try await client.send(walkRequest())
        let answer = try await client.answer()
        #expect(answer.status == (dies == 1 ? 200 : 502))
        #expect(answer.has("x-remora-attempts: 1"))
        #expect(bench.service.requests.count == 3)
        #expect(bench.service.connections == 2)
        // As it went out first.
        #expect(bench.service.requests[1] == bench.service.requests[2])
        // The client goes on all the same.
        try await client.send(walkRequest())
        #expect(try await client.answer().status == 200)
      }
    }
  }

  @Test(
    "an answer that comes before the request has ended is passed on, and nothing follows on either connection"
  )
  func earlyAnswer() async throws {
    try await Stage.run { stage in
      // As much as fits into no socket's buffers, of which the provider reads no more than it takes to refuse it.
      let error = #"{"error":{"message":"no","type":"x","param":null,"code":null}}"#
      let early = try EarlyService(
        on: stage.loop, FakeService.http(error, status: 413, fields: Self.json + "\r\n"))
      defer { early.close() }
      let bench = try WalkBench(on: stage, { _ in .silence }) { _ in
        WalkBench.settings(BaseURL(scheme: .http, host: "127.0.0.1", port: Int(early.port)))
      }
      defer { bench.service.close() }
      let long = #"{"model":"m","messages":[],"user":""# + String(repeating: "x", count: 16 << 20) + "\"}"
      let client = try bench.client()
      defer { client.leave() }
      try await client.sendWithoutWaiting(walkRequest(long))
      let answer = try await client.answer()
      #expect(answer.status == 413)
      #expect(answer.body == error)
      #expect(answer.isWhole)
      try await client.end()
      #expect(bench.attempts == [#"{provider="p",outcome="client_error"} 1"#])
      #expect(bench.state.lineup.pools[0]?.idleCount == 0)
      #expect(bench.state.lineup.pools[0]?.active == 0)
    }
  }

  static let bare: [(request: String, sent: String, head: String)] = [
    (
      "HEAD /v1/files/x", "HTTP/1.1 200 X\r\ncontent-length: 7\r\n\r\n",
      "HTTP/1.1 200 OK|Content-Length: 7"
    ),
    ("HEAD /v1/files/x", "HTTP/1.1 404 X\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 404 Not Found"),
    ("DELETE /v1/files/x", "HTTP/1.1 204 X\r\n\r\n", "HTTP/1.1 204 No Content"),
    (
      "GET /v1/files/x", "HTTP/1.1 304 X\r\ncontent-length: 7\r\n\r\n",
      "HTTP/1.1 304 Not Modified|Content-Length: 7"
    ),
  ]

  @Test("answers without a body leave both connections in order", arguments: bare)
  func bareAnswers(_ example: (request: String, sent: String, head: String)) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .keep(example.sent) }
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      for _ in 0..<2 {
        try await client.send(example.request + " HTTP/1.1\r\nHost: localhost\r\nx-request-id: t\r\n\r\n")
        let parts = example.head.split(separator: "|")
        let own = "\nx-request-id: t\nx-remora-provider: p\nx-remora-attempts: 1"
        let framing = parts.count > 1 ? "\n" + parts[1] : ""
        #expect(try await client.head() == String(parts[0]) + own + framing)
      }
      #expect(bench.service.connections == 1)
      #expect(bench.service.requests.count == 2)
    }
  }

  @Test("HTTP/1.0 gets no chunks, and the end of a stream by the close alone")
  func oldClient() async throws {
    try await Stage.run { stage in
      let sent = Self.streamHead + "transfer-encoding: chunked\r\n\r\n" + Self.chunked(Self.event, Self.done)
      let bench = try WalkBench(on: stage) { _ in .trickle(sent) }
      defer { bench.service.close() }
      let answer = try await bench.exchange(Self.streamRequest.replacing("HTTP/1.1", with: "HTTP/1.0"))
      #expect(answer.body == Self.event + Self.done)
      #expect(answer.has("Connection: close"))
      #expect(!answer.head.contains("Transfer-Encoding"))
    }
  }

  @Test("a client that doesn't read holds up its provider, and no more than the windows are kept")
  func slowClient() async throws {
    try await Stage.run { stage in
      let body = String(repeating: "x", count: 8 << 20)
      let bench = try WalkBench(on: stage) { _ in
        .keep(FakeService.http(body, fields: "content-type: text/plain\r\n"))
      }
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send("GET /v1/files/x/content HTTP/1.1\r\nHost: localhost\r\n\r\n")
      while bench.service.requests.isEmpty { await Task.yield() }
      for _ in 0..<200 { await Task.yield() }
      #expect(bench.loop.blocks.held < 512 << 10)
      let answer = try await client.answer()
      #expect(answer.isWhole)
      #expect(answer.body == body)
    }
  }

  @Test("a client that leaves takes its call with it")
  func clientLeaves() async throws {
    for manner in [
      FakeService.Manner.silence,
      // The head of an answer, and a part of its body.
      .keep("HTTP/1.1 200 X\r\n\(Self.json)\r\ncontent-length: 99\r\n\r\n{"),
    ] {
      try await Stage.run { stage in
        let bench = try WalkBench(on: stage) { _ in manner }
        defer { bench.service.close() }
        let client = try bench.client()
        try await client.send(walkRequest())
        while bench.service.requests.isEmpty { await Task.yield() }
        client.leave()
        try await client.end()
        #expect(bench.state.inFlight == 0)
        #expect(bench.state.lineup.pools[0]?.active == 0)
        #expect(bench.state.lineup.pools[0]?.idleCount == 0)
      }
    }
  }
}

/// Answers as soon as a request's head has come, and reads no further.
private final class EarlyService {
  private(set) var port: UInt16 = 0
  private var listener: Listener?

  init(on loop: Loop, _ answer: String) throws {
    guard let address = Transport.Address(ip: "127.0.0.1", port: 0) else { return }
    let listener = try Listener(address, on: loop, sharesPort: false) { socket in
      let socket = Confined(socket)
      loop.start { _ in
        let socket = socket.value
        let parker = Parker(on: loop)
        socket.parker = parker
        defer { parker.retire() }
        var incoming = ByteQueue()
        while incoming.count < 1000 {
          if (try? socket.read(into: &incoming, ceiling: 2000)) == .end { return }
          if incoming.count < 1000 { _ = await parker.park(until: .now + .seconds(20)) }
        }
        var out = ByteQueue()
        out.append(answer)
        _ = try? socket.write(from: &out)
        while !socket.peerHasClosed { _ = await parker.park(until: .now + .seconds(20)) }
        socket.close()
      }
    }
    self.listener = listener
    port = listener.address.port
  }

  func close() { listener?.close() }
}
