// Nothing of one request reaches the next, although the worker keeps what they are made of.

import HTTP
import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

@Suite("Walk, one request after the other") struct WalkStateTests {
  /// `p` is told less than the client says, `a` in words of its own.
  private static func settings(_ address: BaseURL) -> Settings {
    var settings = WalkBench.settings(address)
    settings.providers = [
      Provider(name: "p", kind: .mistral, baseURL: address, apiKey: .none),
      Provider(name: "a", kind: .anthropic, baseURL: address, apiKey: .none),
      Provider(name: "mock", kind: .mock, baseURL: nil, apiKey: .none),
    ]
    return settings
  }

  private static let answer = FakeService.http(
    #"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18}}"#,
    fields: "content-type: application/json\r\n")

  private static let dropping = walkRequest(
    #"{"model":"m","logit_bias":{},"messages":[{"role":"user","content":"x"}]}"#)

  /// Requests that are refused before anything could be left out of them.
  static let refused = [
    walkRequest(#"{"model":"a/m","prompt":"x","suffix":"y"}"#, to: "/v1/completions"),
    walkRequest(#"{"model":"a/m","messages":7}"#),
    walkRequest(#"{"model":"mock/m","messages":7}"#),
  ]

  @Test("fields that one request lost are not told of the next", arguments: refused)
  func dropped(_ request: String) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .keep(Self.answer) }, settings: Self.settings)
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(Self.dropping)
      #expect(try await client.answer().has("x-remora-dropped: logit_bias"))
      try await client.send(request)
      let answer = try await client.answer()
      #expect(answer.status == 400 || answer.status == 404)
      #expect(!answer.head.contains("x-remora-dropped"))
    }
  }

  @Test("what can't be put into a provider's words is no try", arguments: refused)
  func noTry(_ request: String) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .silence }, settings: Self.settings)
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(request)
      let answer = try await client.answer()
      #expect(answer.has("x-remora-attempts: 0"))
      #expect(bench.attempts.isEmpty)
      #expect(bench.service.connections == 0)
    }
  }

  @Test("a model of a provider with words of its own can't be deleted, and is not listed instead")
  func deletion() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .silence }) { address in
        var settings = Self.settings(address)
        settings.defaultProvider = "a"
        return settings
      }
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send("DELETE /v1/models/m HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let answer = try await client.answer()
      #expect(answer.status == 405)
      #expect(answer.has("Allow: GET, HEAD"))
      #expect(bench.service.requests.isEmpty)
    }
  }

  @Test(
    "a model is told the same to a request that says its body is empty",
    arguments: ["", "Content-Length: 0\r\n"])
  func emptyBody(_ field: String) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .silence }) { address in
        var settings = Self.settings(address)
        settings.defaultProvider = "a"
        settings.models = [ModelEntry(name: "alias", targets: [ModelTarget(provider: "a", model: "m")])]
        return settings
      }
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send("HEAD /v1/models/alias HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n")
      #expect(try await client.head().hasPrefix("HTTP/1.1 200 OK\n"))
      #expect(bench.service.requests.isEmpty)
    }
  }

  @Test("an answer that breaks off has no tokens of the one before it")
  func usage() async throws {
    try await Stage.run { stage in
      let cut = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"id\":"
      let bench = try WalkBench(
        on: stage, { $0 == 1 ? .keep(Self.answer) : .answer(cut) }, settings: Self.settings)
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(Self.dropping)
      #expect(try await client.answer().status == 200)
      let tokens = bench.metric("remora_tokens_total")
      #expect(!tokens.isEmpty)
      try await client.send(Self.dropping)
      #expect(try await client.answer().status == 502)
      #expect(bench.metric("remora_tokens_total") == tokens)
    }
  }

  @Test("a head that can't be read is not counted as what was asked for before it")
  func endpoint() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .keep(Self.answer) }, settings: Self.settings)
      defer { bench.service.close() }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(Self.dropping)
      #expect(try await client.answer().status == 200)
      try await client.send("G@T / HTTP/1.1\r\n\r\n")
      let status = try await client.answer().status
      try await client.end()
      let counted = bench.metric("remora_requests_total").filter { $0.contains("\"\(status)\"") }
      #expect(counted.count == 1)
      #expect(counted.first?.contains("endpoint=\"other\"") == true)
    }
  }

  @Test("what a client that has left had sent takes no memory")
  func memory() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage, { _ in .silence }, settings: Self.settings)
      defer { bench.service.close() }
      let client = try bench.client()
      // A whole request, and a part of the next one.
      try await client.send(Self.dropping + Self.dropping.prefix(100))
      while bench.service.requests.isEmpty { await Task.yield() }
      client.leave()
      try await client.end()
      #expect(bench.loop.blocks.held == 0)
    }
  }

  @Test("what is kept of a burst counts as memory in use, and goes where a body needs the memory")
  func spares() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(
        on: stage, { _ in .silence },
        settings: {
          var settings = Self.settings($0)
          settings.maxMemory = 64 << 20
          return settings
        })
      defer { bench.service.close() }
      let state = bench.state
      let before = state.memoryInUse
      let burst = (0..<1_000).map { _ in state.takeExchange() }
      for exchange in burst {
        exchange.answer.outbound.append("a")
        state.giveBack(exchange)
      }
      #expect(state.spareExchanges > 900)
      #expect(state.memoryInUse > before + 900 * Ceiling.exchangeMemory)
      // A body that nothing else is in the way of.
      try state.admitBody(40 << 20, beside: 0)
      #expect(state.spareExchanges == 0 && !bench.loop.blocks.isHigh)
      #expect(state.memoryInUse == before)
    }
  }
}
