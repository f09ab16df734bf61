// Clients that ask for more than they take, and others beside them.

import Support
import Testing
import Transport

@testable import Proxy

@Suite("Walk, room for others") struct WalkRoomTests {
  @Test("on the admin port, one that takes nothing of its answers makes room")
  func stalled() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .silence }
      defer { bench.service.close() }
      let client = try bench.client(at: .admin)
      defer { client.leave() }
      let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
      try await client.send(String(repeating: ask, count: 100))
      // Its answers fill all that lies between.
      let parker = Parker(on: stage.loop)
      try await client.receive("HTTP/1.1 200")
      for _ in 0..<200 { await parker.yield() }
      #expect(bench.state.makeRoom(.admin))
      try await client.end()
    }
  }

  @Test("many requests that come at once don't go before another client's one")
  func fair() async throws {
    try await Stage.run { stage in
      let bench = try WalkBench(on: stage) { _ in .silence }
      defer { bench.service.close() }
      let ask = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
      let many = try bench.client()
      let one = try bench.client()
      try await many.send(String(repeating: ask, count: 50))
      try await one.send(ask)
      #expect(try await one.answer().status == 200)
      let before = try many.received().ranges(of: "HTTP/1.1 200").count
      #expect(before < 50)
      many.leave()
      one.leave()
    }
  }
}
