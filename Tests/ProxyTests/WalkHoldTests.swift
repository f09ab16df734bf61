// Streams whose beginning is held: what a client that waits is shown, and what another target can still give it.

import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

@Suite("Walk, beginnings that are held") struct WalkHoldTests {
  private static let head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n"
  private static let role =
    #"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#
    + "\n\n"
  private static let said =
    #"data: {"id":"2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"said"},"finish_reason":"stop"}]}"#
    + "\n\ndata: [DONE]\n\n"
  private static let whole =
    #"{"id":"2","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"said"},"finish_reason":"stop"}]}"#
  private static let request = walkRequest(#"{"model":"two","stream":true,"messages":[]}"#)

  /// Two targets; the first one begins a stream, falls silent, and goes once the client has been given a heartbeat.
  private func ask(_ second: FakeService.Manner) async throws -> WalkAnswer {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { number in
        number == 1 ? .stall(Self.head + Self.role) : second
      } settings: { address in
        var settings = WalkBench.settings(address)
        settings.providers = ["one", "other"].map {
          Provider(name: $0, kind: .openai, baseURL: address, apiKey: .none)
        }
        settings.models = [
          ModelEntry(
            name: "two",
            targets: [ModelTarget(provider: "one", model: "1"), ModelTarget(provider: "other", model: "2")])
        ]
        settings.retry.attempts = 2
        return settings
      }
      bench.state.patience.heartbeat = Interval(milliseconds: 5)
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(Self.request)
      // A line of no name is no field of the head: the comment has come.
      try await client.receive("\r\n: ")
      bench.service.endStalls()
      return try await client.answer()
    }
  }

  @Test("a heartbeat commits the head only: the next target's stream follows on it")
  func fallback() async throws {
    let answer = try await ask(.answer(Self.head + Self.said))
    #expect(answer.status == 200 && answer.isWhole)
    #expect(answer.has("x-remora-attempts: 1"))
    #expect(answer.body.hasPrefix(": "))
    #expect(answer.body.ranges(of: "data: {").count == 1)
    #expect(!answer.body.contains(#""id":"1""#))
    #expect(answer.body.hasSuffix("data: [DONE]\n\n"))
  }

  @Test("a whole answer behind a heartbeat becomes a stream")
  func wholeAnswer() async throws {
    let answer = try await ask(
      .answer(FakeService.http(Self.whole, fields: "content-type: application/json\r\n")))
    #expect(answer.isWhole && answer.body.contains(#""content":"said""#))
    #expect(answer.body.hasSuffix("data: [DONE]\n\n"))
  }

  @Test(
    "an error behind a heartbeat is told in the stream",
    arguments: [
      FakeService.Manner.answer(FakeService.http(#"{"error":{"message":"busy"}}"#, status: 400)),
      .answer(FakeService.http("no stream", fields: "content-type: text/plain\r\n")), .hangUp,
    ])
  func error(_ second: FakeService.Manner) async throws {
    let answer = try await ask(second)
    #expect(answer.status == 200 && !answer.isWhole)
    #expect(answer.body.contains(#"data: {"error":{"#))
    #expect(!answer.body.contains("HTTP/1.1") && !answer.body.contains(#""id":"1""#))
  }
}
