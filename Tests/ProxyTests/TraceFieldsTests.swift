// What other systems of traces carry along: a company's own gateway gets it, a provider outside doesn't.

import Testing
import Wire

@testable import Config
@testable import Proxy

@Suite("Fields of traces") struct TraceFieldsTests {
  @Test(
    "they go to private addresses only",
    arguments: [
      ("localhost", true), ("127.0.0.1", true), ("10.1.2.3", true), ("gateway", true),
      ("gateway.llm.svc", true),
      ("gateway.llm.svc.cluster.local", true), ("fd00::1", true), ("api.openai.com", false),
      ("8.8.8.8", false),
      ("gateway.example.com.", false),
    ])
  func places(_ host: String, _ isPrivate: Bool) throws {
    let snapshot = try Snapshot(
      WalkBench.settings(BaseURL(scheme: .https, host: host, port: 443)),
      environment: Environment(["KEY": "k"]))
    let held = try #require(snapshot.upstreams.first).held
    #expect(held.contains(.otherTrace) == !isPrivate)
    #expect(!held.contains(.traceparent) && !held.contains(.tracestate))
  }
}
