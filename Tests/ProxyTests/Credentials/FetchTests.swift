// The small client: answers in every form and cut, and everything that can go wrong.

import Support
import Testing
import Transport
import Wire

@testable import Proxy

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
    do throws(CredentialFault) {
      let answer = try await Fetch.run(
        .get(place), by: dialer, parker: parker, until: stage.loop.now + time)
      return .answer(status: answer.status, date: answer.date, body: answer.body.bytes.text())
    } catch { return .fault(error.message) }
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
}
