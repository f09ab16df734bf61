// A source of credentials through its whole life, on a clock that the test sets, with a service that it scripts.

import HTTP
import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

/// A clock that only a test moves.
private final class ManualClock {
  var now = Instant(nanoseconds: 1_000_000_000_000)
  func advance(_ duration: Duration) { now = now + duration }
}

/// Gives out `token-1`, `token-2`, … for an hour each, as the metadata server does.
private func token(_ number: Int, life: String = "3600") -> String {
  FakeService.http(
    "{\"access_token\":\"token-\(number)\",\"expires_in\":\(life),\"token_type\":\"Bearer\"}")
}

/// A source with its service, its clock and a task's place to wait.
private struct Bench {
  let service: FakeService
  let source: CredentialSource
  let clock = ManualClock()
  let parker: Parker

  init(on stage: isolated Stage, manner: @escaping (Int) -> FakeService.Manner) throws {
    let loop = stage.loop
    service = try FakeService(on: loop, manner: manner)
    parker = Parker(on: loop)
    let plan = CredentialPlan(
      origin: .asked(MetadataService(server: service.place("/computeMetadata/v1/token"))), scope: nil)
    let clock = self.clock
    source = CredentialSource(
      "vertex", plan, on: loop, dialer: Dialer(on: loop, resolver: Resolver(on: loop)), clock: { clock.now })
  }

  /// The token that is granted, after a wait if need be; nil for a refusal.
  func token(_ waiter: Parker? = nil) async throws -> String? {
    let parker = waiter ?? self.parker
    while true {
      switch source.ask(parker) {
      case .granted(let grant): return Self.text(grant)
      case .refused: return nil
      case .pending: if await parker.park(until: .now + .seconds(20)) == .deadline { throw GaveUp() }
      }
    }
  }

  static func text(_ grant: Grant) -> String? {
    guard case .bearer(let secret) = grant.proof else { return nil }
    return secret.bytes.text()
  }

  /// Waits until the source has another token in hand than `old`.
  func replacement(of old: String) async throws -> String? {
    for _ in 0..<100_000 {
      let current = try await token()
      if current != old { return current }
      await parker.yield()
      _ = await parker.park(until: .now + .milliseconds(1))
    }
    throw GaveUp()
  }

  var fault: CredentialFault? {
    if case .refused(let fault) = source.ask(nil) { return fault }
    return nil
  }

  func close() {
    parker.retire()
    service.close()
  }
}

private struct GaveUp: Error {}

private struct Missing: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

@Suite("CredentialSource") struct CredentialSourceTests {
  @Test("many waiters are one question, and later ones are answered at once")
  func waiters() async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { .trickle(token($0)) }
      defer { bench.close() }
      let parkers = (0..<20).map { _ in Parker(on: stage.loop) }
      for parker in parkers {
        guard case .pending = bench.source.ask(parker) else {
          throw Missing("an answer out of nothing")
        }
      }
      for parker in parkers {
        let given = try await bench.token(parker)
        #expect(given == "token-1")
        parker.retire()
      }
      guard case .granted = bench.source.ask(nil) else { throw Missing("nothing in hand") }
      #expect(bench.service.requests.count == 1)
      #expect(bench.service.requests[0].contains("metadata-flavor: Google\r\n"))
    }
  }

  @Test("at four fifths of its life a token is replaced, and serves until the new one is there")
  func refresh() async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { .answer(token($0)) }
      defer { bench.close() }
      var given = try await bench.token()
      #expect(given == "token-1")
      bench.clock.advance(.seconds(2879))
      given = try await bench.token()
      #expect(given == "token-1")
      await bench.parker.yield()
      #expect(bench.service.requests.count == 1)
      bench.clock.advance(.seconds(1))
      guard case .granted(let old) = bench.source.ask(nil) else { throw Missing("a wait") }
      #expect(Bench.text(old) == "token-1")
      given = try await bench.replacement(of: "token-1")
      #expect(given == "token-2")
      #expect(bench.service.requests.count == 2)
    }
  }

  @Test("a token that has run out is not shown any more, even where no other can be had")
  func expiry() async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) {
        $0 == 1 ? .answer(token(1)) : .answer(FakeService.http("", status: 503))
      }
      defer { bench.close() }
      var given = try await bench.token()
      #expect(given == "token-1")
      // Half a minute before its end, so that it doesn't end on its way.
      bench.clock.advance(.seconds(3569))
      given = try await bench.token()
      #expect(given == "token-1")
      bench.clock.advance(.seconds(2))
      given = try await bench.token()
      #expect(given == nil)
      #expect(bench.fault?.isPassing == true)
      #expect(bench.fault?.message.contains("refused (503)") == true)
    }
  }

  @Test("a service that fails is asked later and later, and answers count again at once")
  func backoff() async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { number in
        number <= 8 ? .answer(FakeService.http("{\"error\":\"x\"}", status: 500)) : .answer(token(number))
      }
      defer { bench.close() }
      for (failures, pause) in [1, 2, 4, 8, 16, 32, 60, 60].enumerated() {
        var given = try await bench.token()
        #expect(given == nil)
        #expect(bench.service.requests.count == failures + 1)
        // Nobody waits meanwhile, and nobody asks.
        bench.clock.advance(.milliseconds(pause * 1000 - 1))
        given = try await bench.token()
        #expect(given == nil && bench.service.requests.count == failures + 1)
        bench.clock.advance(.milliseconds(1))
      }
      let given = try await bench.token()
      #expect(given == "token-9")
    }
  }

  @Test("a refused token is given up once it is old enough, and only the one that was refused")
  func refusal() async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { .answer(token($0)) }
      defer { bench.close() }
      _ = try await bench.token()
      guard case .granted(let first) = bench.source.ask(nil) else { throw Missing("nothing in hand") }
      #expect(!bench.source.giveUp(first))
      bench.clock.advance(.seconds(11))
      #expect(bench.source.giveUp(first))
      let given = try await bench.token()
      #expect(given == "token-2")
      // Somebody else's refusal of the old one doesn't hurt the new one.
      #expect(bench.source.giveUp(first))
      guard case .granted(let second) = bench.source.ask(nil) else { throw Missing("nothing in hand") }
      #expect(Bench.text(second) == "token-2" && bench.service.requests.count == 2)
    }
  }

  static let useless: [(body: String, reason: String)] = [
    ("", "no JSON object"), ("[]", "no JSON object"), ("{\"access_token\":", "no JSON object"),
    ("{}", "access_token is empty"), ("{\"access_token\":7,\"expires_in\":1}", "access_token is empty"),
    ("{\"access_token\":\"a\\r\\nb\",\"expires_in\":1}", "access_token control byte"),
    ("{\"access_token\":\"token-1\"}", "expires_in is no number"),
    ("{\"access_token\":\"token-1\",\"expires_in\":\"soon\"}", "expires_in is no number"),
    ("{\"access_token\":\"token-1\",\"expires_in\":-5}", "expires_in is no number"),
    ("{\"access_token\":\"token-1\",\"expires_in\":0}", "expired already"),
    ("{\"access_token\":\"token-1\",\"expires_in\":1e300}", "expires_in is no number"),
    (
      "{\"access_token\":\"\(String(repeating: "x", count: 9000))\",\"expires_in\":9}",
      "at most 8192 are sent"
    ),
  ]

  @Test("what can't be used is a fault that says why, and shows nothing of it", arguments: useless)
  func malformed(_ example: (body: String, reason: String)) async throws {
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { _ in .answer(FakeService.http(example.body)) }
      defer { bench.close() }
      let given = try await bench.token()
      #expect(given == nil)
      let message = bench.fault?.message ?? ""
      #expect(message.contains(example.reason), "\(message)")
      #expect(!message.contains("token-1") && !message.contains("xxx"))
    }
  }

  @Test("a refusal shows what the service says, but nothing that could be a token")
  func echoes() async throws {
    let echo = String(repeating: "eyJhbGciOi", count: 30)
    try await Stage.run { stage in
      let bench = try Bench(on: stage) { _ in
        .answer(
          FakeService.http(
            "{\"error\":\"invalid_grant\",\"error_description\":\"Bad\\n token \(echo) given\"}", status: 400)
        )
      }
      defer { bench.close() }
      let given = try await bench.token()
      #expect(given == nil)
      let message = bench.fault?.message ?? ""
      #expect(message.contains("refused (400: invalid_grant: Bad token … given)"), "\(message)")
      #expect(message.contains("check that the pod's service account"))
      #expect(bench.fault?.isPassing == false)
    }
  }

  @Test("a clock that is wrong is told by the provider, once")
  func skew() async throws {
    let keys = AWSKeys(
      accessKeyID: try Secret(Array("AKIDEXAMPLE".utf8).span),
      secretAccessKey: try Secret(Array("secret".utf8).span), sessionToken: nil)
    try await Stage.run { stage in
      let loop = stage.loop
      let plan = CredentialPlan(
        origin: .given(.keys(keys)), scope: SigV4.Scope(region: "us-east-1", service: "bedrock"))
      let source = CredentialSource(
        "bedrock", plan, on: loop, dialer: Dialer(on: loop, resolver: Resolver(on: loop)))
      let honest = source.cloudTime
      #expect(!source.hasLearned(date: honest + 200))
      #expect(source.hasLearned(date: honest + 7200))
      #expect(!source.hasLearned(date: honest + 7200))
      #expect(abs(source.cloudTime - honest - 7200) < 60)
      guard case .granted(let grant) = source.ask(nil) else { throw Missing("nothing in hand") }
      // What was given can't be replaced by asking.
      #expect(!source.giveUp(grant))
      let request = SigV4.Request(
        method: Array("POST".utf8), path: Array("/".utf8), fields: [], payloadHash: Array("x".utf8))
      var head = ByteQueue()
      #expect(source.append(grant, signing: request, into: &head))
      var expected = ByteQueue()
      CivilTime.appendCompact(unixSeconds: source.cloudTime, into: &expected)
      #expect(head.bytes.text().hasPrefix("x-amz-date: \(expected.bytes.text().prefix(11))"))
    }
  }
}
