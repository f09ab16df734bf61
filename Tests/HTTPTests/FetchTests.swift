// The small client: answers in every form and cut, and everything that can go wrong.

import HTTP
import Support
import Testing
import Transport
import Wire

/// An answer where there should have been a fault.
private struct NoFault: Error {}

@Suite("Fetch") struct FetchTests {
  /// What one exchange came to.
  enum Outcome: Equatable {
    case answer(status: Int, date: Int?, body: String)
    case fault(String)
  }

  private func fetch(
    _ place: FetchPlace, on stage: isolated Stage, within time: Duration = .seconds(20)
  ) async -> Outcome {
    let parker = Parker(on: stage.loop)
    defer { parker.retire() }
    let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
    do throws(FetchFault) {
      let answer = try await Fetch.run(
        FetchRequest(.get, place, ceiling: 65_536), over: .own(dialer, within: Interval(seconds: 5)),
        parker: parker,
        until: stage.loop.now + time)
      return .answer(status: answer.status, date: answer.date, body: answer.body.bytes.text())
    } catch { return .fault("\(place.shown) \(error.message)") }
  }

  static let answers: [(text: String, outcome: Outcome)] = [
    (FakeService.http("{}"), .answer(status: 200, date: nil, body: "{}")),
    (FakeService.http("", status: 204), .answer(status: 204, date: nil, body: "")),
    (
      FakeService.http("no", status: 403, fields: "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
      .answer(status: 403, date: 784_111_777, body: "no")
    ),
    (
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
      .answer(status: 200, date: nil, body: "abcd")
    ),
    ("HTTP/1.0 200 OK\r\n\r\nto the end", .answer(status: 200, date: nil, body: "to the end")),
    (
      "HTTP/1.1 103 Hints\r\n\r\n" + FakeService.http("{}"), .answer(status: 200, date: nil, body: "{}")
    ),
  ]

  @Test("answers are read whole in every framing, at once and byte by byte", arguments: answers)
  func framings(_ example: (text: String, outcome: Outcome)) async throws {
    try await Stage.run { stage in
      for slowly in [false, true] {
        let service = try FakeService(on: stage.loop) { _ in
          slowly ? .trickle(example.text) : .answer(example.text)
        }
        defer { service.close() }
        let outcome = await fetch(service.place(), on: stage)
        #expect(outcome == example.outcome)
        let request = service.requests.first ?? ""
        #expect(request.hasPrefix("GET /token HTTP/1.1\r\nhost: 127.0.0.1:\(service.port)\r\n"))
      }
    }
  }

  static let broken: [(text: String, reason: String)] = [
    (
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "closed the connection before its answer was whole"
    ),
    ("HTTP/1.1 200 OK\r\ncontent-le", "closed the connection before its answer was whole"),
    ("", "closed the connection before its answer was whole"),
    ("SSH-2.0-x\r\n", "broke the protocol"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "broke the protocol"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12", "broke the protocol"),
    (FakeService.http(String(repeating: "x", count: 70_000)), "more than 65536 bytes"),
    (
      "HTTP/1.1 200 OK\r\n" + String(repeating: "x: y\r\n", count: 12_000),
      "broke the protocol"
    ),
  ]

  @Test("what isn't an answer is a fault that names the place", arguments: broken)
  func faults(_ example: (text: String, reason: String)) async throws {
    try await Stage.run { stage in
      let service = try FakeService(on: stage.loop) { _ in .answer(example.text) }
      defer { service.close() }
      guard case .fault(let message) = await fetch(service.place("/a?secret=b"), on: stage) else {
        throw NoFault()
      }
      #expect(message.hasPrefix("http://127.0.0.1:\(service.port)/a "), "\(message)")
      #expect(message.contains(example.reason), "\(message)")
    }
  }

  @Test("nobody there, and nobody speaking, are faults too")
  func absence() async throws {
    try await Stage.run { stage in
      let service = try FakeService(on: stage.loop) { _ in .silence }
      let place = service.place()
      var outcome = await fetch(place, on: stage, within: .milliseconds(50))
      #expect(outcome == .fault("\(place.shown) did not answer in time"))
      service.close()
      outcome = await fetch(place, on: stage)
      guard case .fault(let message) = outcome else { throw NoFault() }
      #expect(message.contains("could not be reached") && message.contains("127.0.0.1:\(service.port)"))
    }
  }

  @Test("TLS is verified")
  func tls() async throws {
    let directory = try ThrowawayDirectory(in: "/tmp")
    let authority = try ThrowawayAuthority(in: directory)
    let server = try TLSContext(
      server: TLSProfile(certificateFile: authority.certificateFile, keyFile: authority.keyFile))
    let trusting = try TLSContext(client: TLSProfile(caFile: authority.authorityFile))
    let elsewhere = try ThrowawayDirectory(in: "/tmp")
    let other = try ThrowawayAuthority(in: elsewhere)
    let distrusting = try TLSContext(client: TLSProfile(caFile: other.authorityFile))
    try await Stage.run { stage in
      let service = try FakeService(on: stage.loop, tls: server) { _ in .answer(FakeService.http("{}")) }
      defer { service.close() }
      var outcome = await fetch(service.place(tls: trusting), on: stage)
      #expect(outcome == .answer(status: 200, date: nil, body: "{}"))
      outcome = await fetch(service.place(tls: distrusting), on: stage)
      guard case .fault(let message) = outcome else { throw NoFault() }
      #expect(message.contains("the server's certificate") && service.requests.count == 1, "\(message)")
    }
  }

  // MARK: On a pool's connections

  private func ask(
    _ service: FakeService, _ pool: Pool, _ parker: Parker, _ method: Method = .get
  ) async -> Outcome {
    do throws(FetchFault) {
      let request = FetchRequest(method, service.place(), ceiling: 65_536)
      let answer = try await Fetch.run(
        request, over: .pooled(pool), parker: parker, until: parker.loop.now + .seconds(20))
      return .answer(status: answer.status, date: answer.date, body: answer.body.bytes.text())
    } catch { return .fault(error.message) }
  }

  /// Runs `body` with a pool of connections to a service.
  private func pooled(
    _ manner: @escaping @Sendable (Int) -> FakeService.Manner,
    _ body: @Sendable (isolated Stage, FakeService, Pool, Parker) async -> Void
  ) async throws {
    try await Stage.run { stage in
      let service = try FakeService(on: stage.loop, manner: manner)
      defer { service.close() }
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let limits = PoolLimits(
        maxConnections: 0, idleTimeout: .seconds(60), warm: 0, connectTimeout: .seconds(5))
      let pool = Pool(service.place().endpoint, tls: nil, limits: limits, on: stage.loop, dialer: dialer)
      defer { pool.close() }
      let parker = Parker(on: stage.loop)
      defer { parker.retire() }
      await body(stage, service, pool, parker)
    }
  }

  @Test("a pool's connection is used again, and says nothing of an end")
  func reuse() async throws {
    try await pooled {
      .keep(FakeService.http("\($0)"))
    } _: { _, service, pool, parker in
      for number in 1...3 {
        let outcome = await ask(service, pool, parker)
        #expect(outcome == .answer(status: 200, date: nil, body: "\(number)"))
      }
      #expect(service.connections == 1 && pool.idleCount == 1 && pool.active == 0)
      #expect(service.requests.allSatisfy { !$0.contains("connection: close") })
    }
  }

  @Test(
    "what can't be used again isn't",
    arguments: [
      FakeService.http("x", fields: "Connection: close\r\n"),
      FakeService.http("x", fields: "Keep-Alive: timeout=0\r\n"),
      FakeService.http("x") + "more", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
    ])
  func noReuse(_ text: String) async throws {
    try await pooled { _ in
      .keep(text)
    } _: { _, service, pool, parker in
      let outcome = await ask(service, pool, parker)
      #expect(outcome == .answer(status: 200, date: nil, body: "x"))
      #expect(pool.idleCount == 0 && pool.active == 0)
    }
  }

  @Test(
    "a kept connection that turns out dead is replaced once, by a new one",
    arguments: [FakeService.Manner.hangUp, .answer(FakeService.http("", status: 408)), .answer("HTTP/1.1 2")])
  func dead(_ manner: FakeService.Manner) async throws {
    try await pooled {
      $0 == 2 ? manner : .keep(FakeService.http("\($0)"))
    } _: { _, service, pool, parker in
      _ = await ask(service, pool, parker)
      let outcome = await ask(service, pool, parker)
      #expect(outcome == .answer(status: 200, date: nil, body: "3"))
      #expect(service.connections == 2 && service.requests.count == 3)
    }
  }

  @Test("what may do something is asked once")
  func unsafe() async throws {
    try await pooled {
      $0 == 2 ? .hangUp : .keep(FakeService.http("\($0)"))
    } _: { _, service, pool, parker in
      _ = await ask(service, pool, parker)
      let outcome = await ask(service, pool, parker, .post)
      #expect(outcome == .fault("closed the connection before its answer was whole"))
      #expect(service.requests.count == 2 && pool.active == 0)
    }
  }

  @Test("a new connection that dies is no kept one")
  func deadAtOnce() async throws {
    try await pooled { _ in
      .hangUp
    } _: { _, service, pool, parker in
      let outcome = await ask(service, pool, parker)
      #expect(outcome == .fault("closed the connection before its answer was whole"))
      #expect(service.requests.count == 1 && pool.active == 0)
    }
  }

  // MARK: Requests

  @Test("a form is escaped, and comes whole")
  func form() async throws {
    try await Stage.run { stage in
      let service = try FakeService(on: stage.loop, answering: "{}")
      defer { service.close() }
      let parker = Parker(on: stage.loop)
      defer { parker.retire() }
      var request = FetchRequest(.post, service.place(), ceiling: 65_536)
      request.appendForm("a", Array("x y&=/+%ü-._~".utf8).span)
      request.appendForm("b", Array(String(repeating: "+", count: 9000).utf8).span)
      request.appendForm("c", Span())
      request.appendField("authorization", secret: Array("key".utf8).span)
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      _ = try await Fetch.run(
        request, over: .own(dialer, within: Interval(seconds: 5)), parker: parker,
        until: stage.loop.now + .seconds(20))
      let text = service.requests.first ?? ""
      let pluses = String(repeating: "%2B", count: 9000)
      #expect(text.hasSuffix("\r\n\r\na=x%20y%26%3D%2F%2B%25%C3%BC-._%7E&b=\(pluses)&c="))
      #expect(text.contains("\r\nauthorization: key\r\n"))
    }
  }
}

extension FakeService {
  func place(_ target: String = "/token", tls: TLSContext? = nil) -> FetchPlace {
    let host = isTLS ? "localhost" : "127.0.0.1"
    return FetchPlace(
      endpoint: Endpoint(host: host, port: port, serverName: isTLS ? host : nil),
      host: Array("\(host):\(port)".utf8), target: Array(target.utf8), tls: tls,
      shown: "\(isTLS ? "https" : "http")://\(host):\(port)\(target.prefix { $0 != "?" })")
  }
}
