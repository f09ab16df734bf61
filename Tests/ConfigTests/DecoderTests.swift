// Whole configurations: what good ones mean, and every problem of bad ones.

import Testing
import Wire

@testable import Config

@Suite struct DecoderTests {
  @Test(
    "every problem of a bad configuration is reported at its place",
    arguments: ["contract", "syntax", "unknown-keys", "values", "references", "named-provider", "nothing"])
  func bad(_ name: String) throws {
    let loaded = try Fixture.decode("bad/\(name).yaml")
    let found = (loaded.problems + loaded.warnings).map { $0.description + "\n" }.joined()
    #expect(loaded.settings == nil)
    // A secret written in the wrong place is never repeated.
    #expect(!found.contains("hunter2"))
    if Environment.current()["REMORA_REGENERATE"] != nil {
      try write(Array(found.utf8), toFile: Fixture.folder + "bad/\(name).txt")
    }
    let expected = try Fixture.bytes("bad/\(name).txt")
    #expect(found == String(decoding: expected, as: UTF8.self))
  }

  @Test("Azure takes a key or a token, never both, and a token goes before a key of the environment")
  func azure() throws {
    let url = "base_url: https://n.openai.azure.com"
    func provider(_ keys: String, _ environment: [String: String] = [:]) throws -> Provider {
      let text = "providers: { azure: { \(url), \(keys) } }"
      let loaded = Fixture.decode(text: text, environment)
      #expect(loaded.problems.map(\.message) == [])
      return try #require(loaded.settings?.provider("azure"))
    }
    let both = "providers: { azure: { \(url), token: { env: T }, api_key: { env: K } } }"
    #expect(
      Fixture.decode(text: both, ["T": "t", "K": "k"]).problems.map(\.message) == [
        "provider 'azure' has both an api_key and a token; keep one, because a request carries only one"
      ])
    let token = try provider("token: { env: T }", ["T": "t", "AZURE_OPENAI_API_KEY": "k"])
    #expect(token.apiKey == .none)
    if case .azure(let settings) = token.dialect { #expect(settings.token == .environment("T")) }
    let key = try provider("api_version: 2024-10-21", ["AZURE_OPENAI_API_KEY": "k"])
    #expect(key.apiKey == .environment("AZURE_OPENAI_API_KEY"))
    #expect(
      key.dialect
        == .azure(
          {
            var it = DialectSettings.Azure()
            it.apiVersion = "2024-10-21"
            return it
          }()))
    let odd = "providers: { azure: { \(url), api_key: none, api_version: \"1&x=y\" } }"
    #expect(Fixture.decode(text: odd).problems.count == 1)
  }

  @Test("a good configuration says what was meant")
  func everyKey() throws {
    let environment = ["GROQ_API_KEY": "k", "REGION": "eu", "SIGNATURE": "s"]
    let loaded = try Fixture.decode("good/every-key.yaml", environment)
    #expect(loaded.problems.map(\.description) == [])
    #expect(loaded.warnings.map(\.description) == [])
    let settings = try #require(loaded.settings)
    #expect(
      settings.listen.map(\.address.text) == [
        "127.0.0.1:5141", "[::1]:5141", "unix:/run/remora/proxy.sock", "0.0.0.0:8443",
      ])
    #expect(settings.listen[3].tls?.clientCAFile == "/etc/remora/clients.pem")
    #expect(settings.listen[3].defaultProvider == "local" && settings.listen[3].model == "small")
    #expect(settings.admin == .tcp(host: "127.0.0.1", port: 5142))
    #expect(settings.workers == .automatic)
    #expect(settings.providers.map(\.name) == ["gateway", "groq", "local", "mine", "azure", "mock"])
    let gateway = try #require(settings.provider("gateway"))
    #expect(
      gateway.baseURL == BaseURL(scheme: .https, host: "llm-gateway.platform.svc", port: 8443, prefix: "/v1"))
    #expect(gateway.apiKey == .file("/var/run/secrets/remora/gateway"))
    #expect(
      gateway.headers == [
        ProviderHeader(name: "x-team", value: .text("payments-dev")),
        ProviderHeader(name: "x-signature", value: .secret(.environment("SIGNATURE"))),
        ProviderHeader(name: "x-region", value: .secret(.environment("REGION"))),
      ])
    #expect(gateway.tls.serverName == "gateway.example")
    #expect(gateway.timeouts.connect == .milliseconds(250) && gateway.timeouts.firstByte == .seconds(60))
    #expect(gateway.timeouts.idle == .seconds(7200))
    #expect(
      gateway.pool.maxConnections == 8 && gateway.pool.warm == 2 && gateway.pool.idleTimeout == .seconds(60))
    #expect(gateway.streamOptions == .never && settings.provider("groq")?.streamOptions == .auto)
    guard case .openAI(let keys) = gateway.dialect else {
      Issue.record("not OpenAI's keys")
      return
    }
    #expect(keys.organization == "org-1" && keys.project == "proj-1")
    #expect(settings.provider("groq")?.apiKey == .environment("GROQ_API_KEY"))
    #expect(settings.provider("groq")?.baseURL?.text == "https://api.groq.com/openai/v1")
    #expect(settings.provider("groq")?.pool.idleTimeout == .seconds(55))
    #expect(settings.provider("local")?.pool.idleTimeout == .seconds(4))
    #expect(settings.provider("mine")?.apiKey == .passthrough)
    #expect(settings.model("routed")?.targets == [ModelTarget(provider: "local", model: "org/model")])
    #expect(settings.maxBody == 10 << 20 && settings.allowedHosts == ["remora.example"])
    #expect(settings.allowedOrigins == ["https://app.example:8443"])
    #expect(settings.responseMetadata == .headers && settings.shutdown.drain == .seconds(10))
    #expect(settings.telemetry.accessLog == .off && settings.telemetry.level == .debug)
  }

  @Test("JSON is read like YAML")
  func json() throws {
    let loaded = try Fixture.decode("good/same.json", ["OPENAI_API_KEY": "k"])
    #expect(loaded.problems.map(\.description) == [])
    let settings = try #require(loaded.settings)
    #expect(settings.provider("openai")?.timeouts.idle == .seconds(120))
    #expect(settings.listen == [ListenEntry(address: .tcp(host: "127.0.0.1", port: 4141))])
    #expect(settings.admin == .tcp(host: "0.0.0.0", port: 4142))
  }

  @Test("a provider without settings has those of its kind")
  func minimal() throws {
    let found = try Fixture.decode("good/minimal.yaml", ["OPENAI_API_KEY": "k"])
    #expect(found.settings?.providers.first?.apiKey == .environment("OPENAI_API_KEY"))
    let missing = try Fixture.decode("good/minimal.yaml")
    #expect(
      missing.problems.count == 1 && missing.problems.first?.message.contains("OPENAI_API_KEY_FILE") == true)
  }

  @Test(
    "http to a public name is a warning, inside the cluster it is not",
    arguments: [
      ("http://localhost:8000", 0), ("http://127.0.0.2", 0), ("http://[::1]:1", 0),
      ("http://vllm:8000/v1", 0),
      ("http://a.b.svc", 0), ("http://a.b.svc.cluster.local", 0), ("http://10.1.2.3", 0),
      ("http://172.31.0.1", 0),
      ("http://nas.local", 0), ("http://172.32.0.1", 1), ("http://8.8.8.8", 1), ("http://api.example.com", 1),
      ("https://api.example.com", 0), ("http://[2001:db8::1]", 1), ("http://[fd00::1]", 0),
      ("http://a.svc.evil.com", 1),
    ])
  func plainHTTP(_ url: String, _ warnings: Int) {
    let provider = "{ kind: openai_compatible, base_url: \"\(url)\" }"
    let loaded = Fixture.decode(text: "providers: { a: \(provider) }\ndefault_provider: a")
    #expect(loaded.problems.map(\.description) == [])
    #expect(loaded.warnings.count == warnings)
  }

  @Test("variables are replaced in any value, and typed like plain text")
  func interpolation() throws {
    let text = """
      workers: ${WORKERS}
      max_body: ${SIZE:-1MiB}
      listen: "127.0.0.1:${PORT:-4000}"
      providers: { mock: , a: { kind: openai, api_key: "${KEY}", organization: "$${x} $y ${EMPTY:-z}" } }
      """
    let settings = try #require(Fixture.decode(text: text, ["WORKERS": "3", "EMPTY": ""]).settings)
    #expect(settings.workers == .count(3) && settings.maxBody == 1 << 20)
    #expect(settings.listen.map(\.address.text) == ["127.0.0.1:4000"])
    #expect(settings.provider("a")?.apiKey == .environment("KEY"))
    guard case .openAI(let keys)? = settings.provider("a")?.dialect else {
      Issue.record("not OpenAI's keys")
      return
    }
    #expect(keys.organization == "${x} $y z")
  }

  @Test(
    "what is set but has no effect is not complained about",
    arguments: [
      "limits: { requests_per_minute: 0 }", "limits:", "policies: {}", "policy_chain: []", "retry:",
      "prices: {}",
      "limits: { requests_per_minute: \"${NONE:-0}\" }",
      "consumers:", "models: { a: { targets: [mock/a], pick: ordered, deprecated: false } }",
    ])
  func inert(_ text: String) {
    #expect(Fixture.decode(text: "providers: { mock: }\n" + text).problems.map(\.description) == [])
  }

  /// What a name, a key or a value of a file may hold to make one message two, or to be out of sight.
  private static let odd = [
    "a\\nb: error: all is well", "a\\r\\nb", "\\e[2Ja", "a\\Lb", "a\\Pb", "a\\Nb", "\\u202Ea", "a\\u200Bb",
    "\\0",
    String(repeating: "n", count: 200),
  ]

  /// Places of a configuration in which somebody's text ends up in a message.
  private static let places = [
    #"{ providers: { "NAME": { kind: mock } }, default_provider: b }"#,
    #"{ providers: { "NAME": {} } }"#,
    #"{ providers: { a: { kind: mock } }, default_provider: "NAME" }"#,
    #"{ "NAME": 1 }"#,
    #""NAME""#,
    #"["NAME"]"#,
    #"{ providers: { "NAME": { kind: mock } }, default_provider: "NAMEx", models: { x: "NAMEy/z" } }"#,
    #"{ providers: { a: { kind: "NAME" } } }"#,
    #"{ providers: { a: { kind: openai, "NAME": 1, api_key: "NAME" } } }"#,
    #"{ providers: { a: { kind: openai, api_key: { file: "NAME" } } } }"#,
    #"{ providers: { a: { kind: openai, api_key: { env: "NAME" } } } }"#,
    #"{ providers: { a: { kind: openai, api_key: none, base_url: "NAME", headers: { "NAME": "NAME" } } } }"#,
    #"{ providers: { a: { kind: azure, deployments: { "NAME": [] }, api_version: "NAME", token: "NAME" } } }"#,
    #"{ providers: { a: { kind: vertex, project: "NAME", location: "NAME", credentials: "NAME" } } }"#,
    #"{ providers: { a: { kind: bedrock, region: "NAME", credentials: { "NAME": "NAME" } } } }"#,
    #"{ providers: { a: { kind: openai, api_key: none, tls: { ca_file: "NAME", server_name: "NAME" } } } }"#,
    #"{ providers: { a: { kind: mock, timeouts: { idle: "NAME" }, pool: { warm: "NAME" } } } }"#,
    #"{ providers: { mock: }, models: { "NAME": mock/a, b: "NAME", c: ["mock/NAME", "mock/NAME"], d: { pick: "NAME" } } }"#,
    #"{ providers: { mock: }, models: { a: [{ to: "NAME", weight: "NAME", "NAME": 1 }], "NAME": } }"#,
    #"{ providers: { mock: }, listen: ["NAME", { address: "NAME", default_provider: "NAME" }, "unix:/NAME", "unix:/NAME"] }"#,
    #"{ providers: { mock: }, policies: { "NAME": { kind: "NAME", action: "NAME", entities: ["NAME"] } } }"#,
    #"{ providers: { mock: }, policies: { "NAME": { kind: audit_log, file: "NAME" } }, policy_chain: ["NAME", "NAMEx"] }"#,
    #"{ providers: { mock: }, consumers: { header: "NAME", groups: { "NAME": { key: "NAME", policies: ["NAME"] } } } }"#,
    #"{ providers: { mock: }, limits: { budget_usd: { amount: "NAME", per: "NAME" } }, retry: { budget: "NAME" } }"#,
    #"{ providers: { mock: }, prices: { "NAME": { input: "NAME" } }, allowed_hosts: ["NAME"], allowed_origins: ["NAME"] }"#,
    #"{ providers: { mock: }, max_body: "NAME", max_memory: "NAME", workers: "NAME", telemetry: { level: "NAME" } }"#,
    #"{ providers: { mock: }, admin: "${NAME}", shutdown: { drain: "${NAME" } }"#,
    #"{ "NAME": 1, "NAME": 2 }"#,
  ]

  @Test("a problem is one line, whatever a name holds", arguments: places)
  func oneLine(_ place: String) {
    for name in Self.odd {
      let loaded = Fixture.decode(text: place.replacing("NAME", with: name))
      for problem in Check.problems(loaded, environment: Environment([:])) + loaded.warnings {
        let shown = problem.description
        #expect(Shown.line(shown) == shown && shown.utf8.count < 4096, "\(place)")
        // A path is shown whole, a name is cut.
        let isCut = !shown.contains(String(repeating: "n", count: 100)) || place.contains("file")
        #expect(isCut, "\(shown)")
      }
    }
  }

  @Test(
    "what doesn't fit into the container is warned of at its place",
    arguments: [
      (
        "max_memory: 2GiB", 512 << 20,
        "3:13: warning: max_memory (2048MiB) is more than the container may use (512MiB)"
      ),
      ("max_memory: 512MiB", 512 << 20, nil),
      ("max_memory: 2GiB", nil, nil),
      ("max_memory: 0", 64 << 20, nil),
      ("workers: 1", 16 << 20, nil),
      (
        "cache: { size: 1GiB }", 512 << 20,
        "3:16: warning: cache.size (1024MiB) and responses.memory (8MiB) leave less than"
      ),
      ("cache: { size: 300MiB }", 512 << 20, nil),
      ("cache: { size: 1GiB }", nil, nil),
      ("cache: { size: 1GiB }\nmax_memory: 0", 512 << 20, nil),
    ] as [(String, Int?, String?)])
  func memory(_ text: String, _ quota: Int?, _ expected: String?) {
    var environment = Environment([:])
    environment.memoryQuota = quota
    let whole = Array("providers: { openai: { api_key: none } }\n\n\(text)\n".utf8)
    let loaded = ConfigFile.decode(whole, path: "remora.yaml", environment: environment)
    let said = loaded.warnings.map(\.description)
    #expect(loaded.problems.isEmpty && said.count == (expected == nil ? 0 : 1), "\(said)")
    if let expected { #expect(said.first?.contains(expected) == true, "\(said)") }
  }

  @Test("no configuration, cut anywhere, traps")
  func prefixes() throws {
    for name in ["bad/contract.yaml", "bad/values.yaml", "good/every-key.yaml"] {
      let bytes = try Fixture.bytes(name)
      for length in stride(from: 0, to: bytes.count, by: 7) {
        _ = ConfigFile.decode(Array(bytes[..<length]), path: name, environment: Environment([:]))
      }
    }
  }
}
