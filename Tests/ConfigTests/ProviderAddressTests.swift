import Config
import Testing

@Suite struct ProviderAddressTests {
  private func vertex(_ keys: String, _ environment: [String: String] = [:]) -> Loaded {
    Fixture.decode(text: "providers: { vertex: { \(keys) } }", environment)
  }

  @Test(
    "Vertex AI's host is its location's",
    arguments: [
      ("project: p", "https://aiplatform.googleapis.com"),
      ("project: p, location: global", "https://aiplatform.googleapis.com"),
      ("project: p, location: europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
      ("project: p, location: eu", "https://aiplatform.eu.rep.googleapis.com"),
      ("project: p, location: us", "https://aiplatform.us.rep.googleapis.com"),
      (
        "project: p, location: us-east5, base_url: https://proxy.example.com/x", "https://proxy.example.com/x"
      ),
    ])
  func hosts(_ keys: String, _ url: String) {
    let loaded = vertex(keys)
    #expect(loaded.settings?.providers.first?.baseURL?.text == url)
    #expect(loaded.problems.isEmpty)
  }

  @Test("project and location may come from the environment")
  func environment() {
    let loaded = vertex(
      "pool: { warm: 1 }", ["GOOGLE_CLOUD_PROJECT": "p2", "GOOGLE_CLOUD_LOCATION": "asia-east1"])
    #expect(loaded.problems.isEmpty)
    #expect(loaded.settings?.providers.first?.baseURL?.text == "https://asia-east1-aiplatform.googleapis.com")
    guard case .vertex(let keys)? = loaded.settings?.providers.first?.dialect else {
      Issue.record("no settings of Vertex AI")
      return
    }
    #expect(keys.project == "p2" && keys.location == "asia-east1")
  }

  @Test(
    "what can't be a part of an address is refused",
    arguments: [
      ("location: us-east5", [:], "needs the project"),
      ("project: p, location: \"x/y\"", [:], "location has letters"),
      ("project: \"a b\"", [:], "project has letters"),
      ("project: p", ["GOOGLE_CLOUD_LOCATION": "evil.example.com/"], "GOOGLE_CLOUD_LOCATION has letters"),
    ] as [(String, [String: String], String)])
  func refused(_ keys: String, _ environment: [String: String], _ message: String) {
    let problems = vertex(keys, environment).problems
    #expect(problems.count == 1 && problems.first?.message.contains(message) == true, "\(problems)")
  }
}
