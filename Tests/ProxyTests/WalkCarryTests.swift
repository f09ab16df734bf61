// Bodies under way: what the client is given, and when, while the provider takes its time.

import Support
import Testing
import Transport

@testable import Proxy

@Suite("Walk, bodies under way") struct WalkCarryTests {
  private static let head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n"

  @Test(
    "a heartbeat never stands in the middle of an event, however its pieces come",
    arguments: [
      ("/v1/images/generations", #"{"model":"m","prompt":"x","stream":true}"#),
      ("/v1/audio/speech", #"{"model":"m","input":"x","voice":"v","stream_format":"sse"}"#),
    ], [700, 14_000])
  func heartbeat(_ request: (path: String, body: String), _ piece: Int) async throws {
    let long = #"data: {"type":"part","b64":""# + String(repeating: "A", count: 70_000) + "B"
    let text = try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { number in
        number == 1
          ? .pieces(Self.head + "data: {\"type\":\"start\"}\n\n" + long, of: piece)
          : .stall(Self.head + "data: {\"type\":\"start\"}\n\n")
      }
      defer { bench.service.close() }
      bench.state.patience.heartbeat = Interval(milliseconds: 5)
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(walkRequest(request.body, to: request.path))
      try await client.receive("AB")
      // So long as another stream has three of them.
      let other = try bench.client()
      defer { other.leave() }
      try await other.send(walkRequest(request.body, to: request.path))
      try await other.receive("start")
      for _ in 0..<3 { try await other.next(": remora\n") }
      return try client.received()
    }
    let event = try #require(text.firstRange(of: #"{"type":"part""#))
    let hasBeat = text[event.lowerBound...].contains(": remora")
    #expect(!hasBeat)
  }

  @Test(
    "a client that takes nothing is sent away, though the kernel takes all that it is sent",
    arguments: [
      // A stream that lives by its heartbeats.
      FakeService.Manner.stall(head + "data: {\"type\":\"start\"}\n\n"),
      // A body that doesn't end.
      .stall("HTTP/1.1 200 X\r\ncontent-type: image/png\r\ncontent-length: 10\r\n\r\n12345"),
      // More than the kernel takes.
      .stall("HTTP/1.1 200 X\r\ncontent-type: image/png\r\n\r\n" + String(repeating: "x", count: 2 << 20)),
      .keep(FakeService.http(String(repeating: "x", count: 2 << 20), fields: "content-type: image/png\r\n")),
      .keep(
        FakeService.http(
          "{\"data\":[\"" + String(repeating: "x", count: 2 << 20) + "\"]}",
          fields: "content-type: application/json\r\n")),
    ])
  func stalledClient(_ manner: FakeService.Manner) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in manner }
      defer { bench.service.close() }
      bench.state.patience.heartbeat = Interval(milliseconds: 5)
      bench.state.patience.stalled = Interval(milliseconds: 40)
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(
        walkRequest(#"{"model":"m","prompt":"x","stream":true}"#, to: "/v1/images/generations"))
      try await client.end()
    }
  }
}
