// Mistakes that people make, and the sentence that each needs: at its place, and with what would be right.

import Testing
import Wire

@testable import Config

struct Mistake: Sendable, CustomTestStringConvertible {
  let text: String
  let line: Int
  let column: Int
  let message: String
  init(_ text: String, _ line: Int, _ column: Int, _ message: String) {
    (self.text, self.line, self.column, self.message) = (text, line, column, message)
  }
  var testDescription: String { text.debugDescription }

  /// What was found, and what should have been.
  func expect(_ found: [Problem]) {
    let problem = found.first
    #expect(problem?.position == Position(line: line, column: column), "\(found)")
    #expect(problem?.message.contains(message) == true, "\(found)")
  }
}

/// A configuration with `keys` behind a provider that needs nothing.
private func with(_ keys: String) -> String { "providers: { mock: {} }\ndefault_provider: mock\n" + keys }

@Suite struct HintTests {
  @Test("a mistake is named where it stands, and nothing else is", arguments: mistakes)
  func names(_ mistake: Mistake) {
    let loaded = Fixture.decode(text: mistake.text)
    #expect(loaded.problems.count == 1, "\(loaded.problems)")
    mistake.expect(loaded.problems)
  }

  static let mistakes: [Mistake] = [
    // Habits of other gateways.
    Mistake("providers: { a: { kind: replay } }", 1, 25, "'remora replay DIR'"),
    Mistake("providers: { a: { kind: google } }", 1, 25, "write gemini, or vertex for Vertex AI"),
    // Habits of other languages.
    Mistake(with("response_metadata: body,"), 3, 20, "a comma at the line's end"),
    Mistake(with("max_body: 1MiB,"), 3, 11, "a comma at the line's end"),
    Mistake(with("response_metadata: body // or headers"), 3, 20, "write '#'"),
    Mistake("providers: { openai: { api_key: none, } }\nmax_body: 1MiB /* all */", 2, 11, "write '#'"),
    Mistake("providers: { openai: { api_key: { file: ~/key } } }", 1, 41, "write the whole path"),
    Mistake(with("state_dir: ~/state"), 3, 12, "write the whole path"),
    // Quantities.
    Mistake(with("max_body: 64Mi"), 3, 11, "write 64MiB"),
    Mistake(with("max_body: 64mb"), 3, 11, "write 64MiB"),
    Mistake(with("max_body: 4 K"), 3, 11, "write 4KiB"), Mistake(with("max_body: 1TiB"), 3, 11, "one of KiB"),
    Mistake(with("max_body: 1.5GiB"), 3, 11, "write 1536MiB"),
    Mistake(with("max_body: 0.25 mb"), 3, 11, "write 256KiB"),
    Mistake(with("retry: { backoff: 1m30s }"), 3, 19, "write 90s"),
    Mistake(with("retry: { backoff: 1.5s }"), 3, 19, "write 1500ms"),
    Mistake(with("retry: { backoff: 30 seconds }"), 3, 19, "write 30s"),
    Mistake(with("shutdown: { drain: 1hr }"), 3, 20, "write 1h"),
    Mistake(with("shutdown: { drain: 1x }"), 3, 20, "unknown unit"),
    Mistake(with("retry: { budget: 0.2 }"), 3, 18, "write 20%"),
    Mistake(with("retry: { budget: 20 }"), 3, 18, "write 20%"),
    // Addresses.
    Mistake(with("listen: 4141"), 3, 9, "write 127.0.0.1:4141"),
    Mistake(with("admin: 4142"), 3, 8, "0.0.0.0:4142"),
    Mistake(with("listen: [127.0.0.1:4141, [::1]:4141]"), 3, 27, "as in \"[::1]:4141\""),
    Mistake(with("listen: http://127.0.0.1:4141/v1"), 3, 9, "no scheme stands here; write 127.0.0.1:4141"),
    Mistake(with("listen: [{ address: tcp://localhost:4141 }]"), 3, 21, "write localhost:4141"),
    Mistake(with("listen:\n  -127.0.0.1:4141\n"), 4, 3, "a space behind '-'"),
    Mistake(with("listen: 127.0.0.1:4142"), 3, 9, "are one port"),
    Mistake(with("listen: [127.0.0.1:1, \"[::1]:2\"]\nadmin: \"[::]:2\""), 4, 8, "are one port"),
    Mistake(with("listen: localhost:7\nadmin: 127.0.0.1:7"), 4, 8, "are one port"),
    Mistake(with("listen: unix:/a\nadmin: unix:/a"), 4, 8, "are one port"),
    // Shape.
    Mistake("providers:\n  - mock: {}", 2, 3, "leave the '- ' out"),
    Mistake("providers:\n  mock:{}", 2, 3, "a space behind the ':'"),
    Mistake("providers:\n  openai:\n    api_key none", 3, 5, "write a ':' behind the key"),
    Mistake(with("models:\n  a mock/b"), 4, 3, "write a ':' behind the key"),
    Mistake(with("telemetry:\n  level=info"), 4, 3, "in place of the '='"),
    Mistake(with("admin 127.0.0.1:4142"), 3, 1, "add the colon"),
    Mistake(with("admin=127.0.0.1:4142"), 3, 1, "add the colon"),
    Mistake("providers:\n  mock: {}\nopenai:\n  api_key: none", 3, 1, "indent it under 'providers'"),
    Mistake("providers:\n  mock:\n  api_key: none", 3, 3, "indent it under the provider's name"),
    Mistake("providers:\n  mock: {}\n  max_body: 1MiB", 3, 3, "a key of the configuration itself"),
    Mistake(
      "providers:\n  openai: { api_key: none }\n  models:\n    a: openai/b", 3, 3,
      "a key of the configuration itself"),
    Mistake(
      "providers:\n  openai:\n    api_key: none\n    max_body: 1MiB", 4, 5,
      "a key of the configuration itself"),
    Mistake(with("base_url: https://a.example"), 3, 1, "it stands under 'providers.NAME'"),
    Mistake("OPENAI_API_KEY=hunter2", 1, 1, "must be a mapping of 'key: value', not a text"),
    // Other programs' files.
    Mistake("model_list:\n  - model_name: a\n", 1, 1, "remora import --from litellm"),
    Mistake("litellm_settings: { drop_params: true }", 1, 1, "remora import --from litellm"),
    Mistake("# yes\nbinds:\n- port: 3000\n", 2, 1, "remora import --from agentgateway"),
    Mistake("llm: { models: [] }", 1, 1, "remora import --from agentgateway"),
    Mistake(
      "pack: { name: a }\nproviders: { targets: [] }", 1, 1,
      "of Keeptrusts'; 'remora import --from keeptrusts"),
    Mistake(
      "apiVersion: v1\nkind: ConfigMap\ndata:\n  remora.yaml: |\n    providers: {}\n", 1, 1,
      "check what stands in it under 'remora.yaml'"),
    Mistake("apiVersion: apps/v1\nkind: Deployment\n", 1, 1, "'remora inject -f FILE'"),
    Mistake("services: { app: { image: x } }", 1, 1, "Docker Compose"),
  ]

  @Test(
    "a base URL ends where its kind's paths begin",
    arguments: [
      ("openai", "https://api.openai.com", "ends in /v1; write https://api.openai.com/v1"),
      ("groq", "https://api.groq.com/v1", "write https://api.groq.com/openai/v1"),
      ("groq", "https://api.groq.com/openai", "write https://api.groq.com/openai/v1"),
      ("openrouter", "https://openrouter.ai", "write https://openrouter.ai/api/v1"),
      ("openai", "https://a.example/v1/chat/completions", "write https://a.example/v1"),
      ("vllm", "http://vllm:8000/v1/completions", "write http://vllm:8000/v1"),
      ("anthropic", "https://api.anthropic.com/v1", "write https://api.anthropic.com"),
      ("anthropic", "https://a.example/x/v1/messages", "write https://a.example/x"),
      ("gemini", "https://generativelanguage.googleapis.com/v1beta", "ends before /v1beta"),
      ("cohere", "https://api.cohere.com/v2", "write https://api.cohere.com"),
      ("ollama", "http://localhost:11434/v1", "write http://localhost:11434"),
      ("ollama", "http://localhost:11434/api", "write http://localhost:11434"),
    ])
  func endings(_ kind: String, _ url: String, _ message: String) {
    let text = "providers: { a: { kind: \(kind), api_key: none, base_url: \"\(url)\" } }\ndefault_provider: a"
    let problems = Fixture.decode(text: text).problems.map(\.message)
    #expect(problems.count == 1 && problems.first?.contains(message) == true, "\(problems)")
  }

  @Test(
    "a base URL that may be meant is taken",
    arguments: [
      ("openai", "https://api.openai.com/v1"), ("openai", "https://a.example"),
      ("openai", "https://eu.api.openai.com/v1"),
      ("groq", "https://api.groq.com/openai/v1"), ("deepseek", "https://api.deepseek.com"),
      ("perplexity", "https://api.perplexity.ai"), ("anthropic", "https://a.example/anthropic"),
      ("vllm", "http://vllm:8000"), ("azure", "https://n.services.ai.azure.com/models"),
      ("deepseek", "https://api.deepseek.com/beta"),
    ])
  func meant(_ kind: String, _ url: String) {
    let text = "providers: { a: { kind: \(kind), api_key: none, base_url: \"\(url)\" } }\ndefault_provider: a"
    #expect(Fixture.decode(text: text).problems == [])
  }

  @Test(
    "a credential in a header's place is refused, and not repeated",
    arguments: [
      ("Authorization", "Bearer hunter2"), ("x-api-key", "hunter2"), ("api-key", "hunter2"),
      ("X-Goog-Api-Key", "hunter2"),
      ("cookie", "a=hunter2"), ("x-access-token", "hunter2"),
      ("Ocp-Apim-Subscription-Key", "hunter2"), ("helicone-auth", "Bearer hunter2"),
      ("x-client-secret", "hunter2"),
      ("x-upstream", "sk-ant-api03-" + String(repeating: "hunter2aB", count: 10) + "xyzAA"),
    ])
  func headers(_ name: String, _ value: String) {
    let provider =
      "kind: openai, api_key: none, headers: { x-team: payments, x-key-id: \"7\", \(name): \"\(value)\" }"
    let problems = Fixture.decode(text: "providers: { a: { \(provider) } }").problems.map(\.message)
    #expect(
      problems.count == 1 && problems.first?.contains("must not hold the secret itself") == true,
      "\(problems)")
    #expect(!problems.joined().contains("hunter2"))
  }

  @Test("what a variable brings into a header is not in the file")
  func variables() {
    let text =
      "providers: { a: { kind: openai, api_key: none, headers: { authorization: \"Basic ${TOKEN}\" } } }"
    #expect(Fixture.decode(text: text, ["TOKEN": "hunter2"]).problems == [])
  }

  @Test("what serves, but hardly as it is meant, is a warning", arguments: doubtful)
  func warns(_ mistake: Mistake) {
    let loaded = Fixture.decode(text: mistake.text)
    #expect(loaded.problems == [] && loaded.warnings.count == 1, "\(loaded.problems + loaded.warnings)")
    mistake.expect(loaded.warnings)
  }

  static let doubtful: [Mistake] = [
    Mistake(with("listen: 0.0.0.0:4141"), 3, 9, "open to the network without TLS"),
    Mistake(with("listen: [127.0.0.1:4141, \"[::]:4143\"]"), 3, 26, "open to the network without TLS"),
    Mistake("providers: { mock: {} }", 1, 14, "add default_provider: mock"),
    Mistake(
      "providers:\n  a: { kind: vllm, base_url: \"http://v/v1\" }\n  openai: { api_key: none }", 2, 3,
      "'a/MODEL'"),
  ]

  @Test(
    "providers that something leads to, and those of the catalogue, are no matter of a warning",
    arguments: [
      "providers: { mock: {} }\nmodels: { a: mock/a }", "providers: { openai: { api_key: none } }",
      "providers: { mock: {} }\nlisten: [{ address: 127.0.0.1:4141, default_provider: mock }]",
    ])
  func reached(_ text: String) {
    let loaded = Fixture.decode(text: text)
    #expect(loaded.problems + loaded.warnings == [])
  }

  @Test("what isn't available yet is in no schema, and in no list of keys")
  func offered() {
    let table = Table([
      Key(name: "a", shape: .text, about: "A.", kinds: nil, isRequired: false),
      Key(name: "b", shape: .text, about: "B.", kinds: nil, isRequired: false, isOffered: false),
    ])
    #expect(table.offered.map(\.name) == ["a"])
    #expect(
      !Schema.paths().isEmpty
        && Settings.section.rows.allSatisfy { $0.availability.isOffered == $0.key.isOffered })
  }
}
