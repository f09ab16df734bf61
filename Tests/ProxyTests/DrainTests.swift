// The way out, with clients that stop in the middle of what they ask.

import Support
import Testing
import Transport

@testable import Proxy

@Suite("Drain") struct DrainTests {
  private static let half = String(walkRequest().dropLast(5))

  @Test(
    "a client that stops in the middle of its request doesn't hold up the end",
    arguments: [
      "P", "POST /v1/ch", "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n", half,
      // A body that follows its request.
      "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx",
    ], [true, false])
  func unfinished(_ sent: String, _ comesBefore: Bool) async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .silence }
      defer { bench.service.close() }
      let state = bench.state
      state.patience.unfinished = Interval(milliseconds: 5)
      let parker = Parker(on: stage.loop)
      var hasEnded = false
      let drain = Drain(state, quiet: .zero, mayLeave: { true }) {
        hasEnded = true
        parker.signal()
      }
      let client = try bench.client()
      defer { client.leave() }
      try await client.send(sent)
      // Its exchange has begun.
      while state.inFlight == 0 { await parker.yield() }
      if comesBefore { for _ in 0..<20 { await parker.yield() } }
      drain.begin()
      while !hasEnded { try #require(await parker.park(until: .now + .seconds(20)) == .event) }
      #expect(state.inFlight == 0)
      #expect(try await client.answer().status == 408)
    }
  }
}
