// Each kind of exchange behind each other kind: on buffers that the worker has kept, and on new ones. A client and a
// scrape must not be able to tell which.

import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

@Suite("Walk, each exchange after each") struct WalkPairsTests {
  /// A request, and what the provider sends for it before it closes.
  struct Scene: Sendable, CustomTestStringConvertible {
    let name: String
    let request: String
    var sent = ""
    var testDescription: String { name }
  }

  private static let json = "content-type: application/json\r\n"
  private static let events = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n"
  private static let chunk =
    #"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#
    + "\n\n"
  private static let usage =
    #"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#
    + "\n\ndata: [DONE]\n\n"
  private static let whole =
    #"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18}}"#
  private static let message =
    #"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"a"},{"type":"news"}],"stop_reason":"end_turn","usage":{"input_tokens":2,"output_tokens":4}}"#

  private static func chat(_ model: String, _ more: String = "") -> String {
    walkRequest(#"{"model":"\#(model)",\#(more)"messages":[{"role":"user","content":"x"}]}"#)
  }

  static let scenes = [
    Scene(name: "an answer", request: chat("o/m"), sent: FakeService.http(whole, fields: json)),
    Scene(
      name: "an answer that is cut", request: chat("o/m"),
      sent: "HTTP/1.1 200 X\r\n\(json)content-length: 999\r\n\r\n{\"id\":"),
    Scene(
      name: "a repaired answer", request: chat("p/m", #""logit_bias":{},"#),
      sent: FakeService.http(whole, fields: json)),
    Scene(
      name: "a repaired answer that is cut", request: chat("p/m"),
      sent: "HTTP/1.1 200 X\r\n\(json)\r\n{\"id\":"),
    Scene(name: "a stream", request: chat("o/m", #""stream":true,"#), sent: events + chunk + usage),
    Scene(name: "a stream that is cut", request: chat("o/m", #""stream":true,"#), sent: events + chunk),
    Scene(
      name: "a stream in half an event", request: chat("p/m", #""stream":true,"#), sent: events + "data: {\"i"
    ),
    Scene(
      name: "a translated answer", request: chat("a/m", #""seed":1,"#),
      sent: FakeService.http(message, fields: json)),
    Scene(
      name: "a translated stream that says nothing", request: chat("a/m", #""stream":true,"#), sent: events),
    Scene(name: "what can't be translated", request: walkRequest(#"{"model":"a/m","messages":7}"#)),
    Scene(name: "an error", request: chat("o/m"), sent: FakeService.http("slow down", status: 429)),
    Scene(
      name: "interim answers and then nothing", request: chat("o/m"), sent: "HTTP/1.1 102 X\r\n\r\n"),
    Scene(name: "no answer", request: chat("o/m")),
    Scene(name: "a mock's stream", request: chat("mock/m", #""stream":true,"#)),
    Scene(
      name: "a file", request: "GET /v1/files/x HTTP/1.1\r\nHost: localhost\r\nx-request-id: t\r\n\r\n",
      sent: FakeService.http("text", fields: "content-type: text/plain\r\n")),
    Scene(name: "no HTTP", request: "G@T / HTTP/1.1\r\n\r\n"),
    Scene(name: "no JSON", request: walkRequest("{]")),
  ]

  private final class Script { var sent = "" }

  private static func settings(_ address: BaseURL) -> Settings {
    var settings = WalkBench.settings(address)
    settings.responseMetadata = .body
    settings.providers = [("o", ProviderKind.openai), ("p", .mistral), ("a", .anthropic), ("mock", .mock)].map
    {
      Provider(name: $0.0, kind: $0.1, baseURL: $0.1 == .mock ? nil : address, apiKey: .none)
    }
    settings.defaultProvider = "o"
    return settings
  }

  private static let families = [
    "requests_total", "tokens_total", "upstream_attempts_total", "streams_ended_total",
    "request_body_bytes_total", "response_body_bytes_total", "usage_missing_total", "dropped_fields_total",
    "translate_unknown_total",
  ]

  /// What a client and a scrape see of `scenes`, one after the other.
  private func told(_ scenes: [Scene], isKept: Bool) async throws -> [String] {
    try await Stage.run { stage in
      let script = Script()
      let bench = try WalkBench(on: stage, { _ in .answer(script.sent) }, settings: Self.settings)
      defer { bench.service.close() }
      var told: [String] = []
      for scene in scenes {
        script.sent = scene.sent
        if !isKept { bench.state.adopt(bench.state.lineup.snapshot) }
        let client = try bench.client()
        try await client.send(scene.request)
        let answer = try await client.answer()
        client.leave()
        try await client.end()
        told.append(Self.plain("\(answer)"))
      }
      return told
        + Self.families.flatMap { name in bench.metric("remora_" + name).map { name + $0 }.sorted() }
    }
  }

  /// Without what is made up for each answer.
  private static func plain(_ text: String) -> String {
    text.replacing(#/(chatcmpl-|req_)[0-9A-Za-z]+/#, with: "ID").replacing(
      #/created\\*":[0-9]+/#, with: "created")
  }

  @Test("on kept buffers and on new ones", arguments: scenes)
  func pairs(_ first: Scene) async throws {
    let scenes = Self.scenes.flatMap { [first, $0] }
    let kept = try await told(scenes, isKept: true)
    let new = try await told(scenes, isKept: false)
    #expect(kept.count > scenes.count)
    for (kept, new) in zip(kept, new) { #expect(kept == new) }
    #expect(kept.count == new.count)
  }
}
