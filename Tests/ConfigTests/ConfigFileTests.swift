// Files, the environment alone, the check of what is named, the schema and the printed form.

import Testing
import Wire

@testable import Config

@Suite struct ConfigFileTests {
  @Test("a file is read whole; one that can't be read is one problem")
  func load() throws {
    let folder = try Folder()
    let text = Array("providers: { mock: }\n".utf8)
    let path = try folder.write("config.yaml", text)
    let loaded = ConfigFile.load(path: path, environment: Environment([:]))
    #expect(loaded.settings?.providers.map(\.kind) == [.mock] && loaded.bytes == text && loaded.file == path)
    let missing = ConfigFile.load(path: "/nowhere/remora.yaml", environment: Environment([:]))
    #expect(
      missing.problems.map(\.description) == [
        "/nowhere/remora.yaml:1:1: error: the configuration can't be read: no such file or directory (ENOENT)"
      ])
  }

  @Test("without a file, the providers whose keys are found are served, OpenAI's first")
  func environment() throws {
    let loaded = ConfigFile.fromEnvironment(
      Environment([
        "GROQ_API_KEY": "g", "OPENAI_API_KEY": "o", "XAI_API_KEY": "", "MISTRAL_API_KEY_FILE": "/m",
      ]))
    let settings = try #require(loaded.settings)
    #expect(settings.providers.map(\.name) == ["openai", "mistral", "groq"])
    #expect(
      settings.providers.map(\.apiKey) == [
        .environment("OPENAI_API_KEY"), .file("/m"), .environment("GROQ_API_KEY"),
      ])
    #expect(settings.defaultProvider == "openai")
    #expect(loaded.warnings.isEmpty)
  }

  @Test("a file wins over a variable, with one warning")
  func both() throws {
    let loaded = ConfigFile.fromEnvironment(
      Environment(["OPENAI_API_KEY": "o", "OPENAI_API_KEY_FILE": "/o"]))
    #expect(loaded.settings?.providers.map(\.apiKey) == [.file("/o")])
    #expect(
      loaded.warnings.map(\.description) == [
        "environment: warning: both OPENAI_API_KEY_FILE and OPENAI_API_KEY are set; the file is used"
      ])
  }

  @Test("where nothing is configured, the message says what to do")
  func nothing() {
    let loaded = ConfigFile.fromEnvironment(Environment([:]))
    #expect(loaded.settings == nil && loaded.problems.count == 1)
  }

  @Test("a file that names no provider is served with those of the environment")
  func noProviders() {
    let loaded = Fixture.decode(text: "workers: 2", ["OPENAI_API_KEY": "o"])
    #expect(loaded.settings?.providers.map(\.name) == ["openai"])
    #expect(loaded.settings?.defaultProvider == "openai" && loaded.settings?.hasFoundProviders == true)
  }

  @Test(
    "a file that says nothing is an error, not the environment's providers",
    arguments: [
      "", " ", "\n\n\t\n", "\u{FEFF}", "\u{FEFF}# a comment\n", "# a comment", "{}", "---\n", "---\n...\n",
      "null",
      "~", "providers:\n", "providers:\nlisten:\n", "{\"providers\": null}",
    ])
  func empty(_ text: String) {
    let loaded = Fixture.decode(text: text, ["OPENAI_API_KEY": "o"])
    #expect(loaded.settings == nil && loaded.problems.count == 1)
    #expect(loaded.problems.first?.position?.line ?? 0 > 0)
    #expect(loaded.problems.first?.message.contains("providers") == true)
  }

  @Test(
    "a file whose providers are empty names none, whatever else it says",
    arguments: ["", " {}", " null", " ~"])
  func emptyProviders(_ value: String) {
    let loaded = Fixture.decode(text: "workers: 2\nproviders:\(value)\n", ["OPENAI_API_KEY": "o"])
    #expect(loaded.settings == nil)
    #expect(loaded.problems.map(\.position?.line) == [2])
  }

  @Test("every file and variable that is named is looked at")
  func check() throws {
    let folder = try Folder()
    let cert = try folder.write("cert", [0x41])
    let empty = try folder.write("empty", [])
    let text = """
      providers:
        a:
          kind: openai
          api_key: { env: KEY_A }
          headers: { x-b: { file: /nowhere } }
          tls: { cert_file: \(cert), key_file: \(empty), ca_file: \(folder.path) }
      """
    let loaded = Fixture.decode(text: text)
    #expect(loaded.problems.isEmpty)
    #expect(Check.problems(loaded, environment: Environment([:])).map { $0.position?.line } == [4, 5, 6, 6])
    let fine = Fixture.decode(
      text: "providers: { a: { kind: openai, tls: { ca_file: \(cert) } } }", ["OPENAI_API_KEY": "k"])
    #expect(Check.problems(fine, environment: Environment(["OPENAI_API_KEY": "k"])) == [])
  }

  @Test("the schema is JSON and names every key")
  func schema() throws {
    let text = Schema.json()
    let bytes = Array(text.utf8)
    let root = try YAMLNode.parse(bytes.span)
    #expect(root["$schema"]?.value == .string("https://json-schema.org/draft/2020-12/schema"))
    var names: Set<String> = []
    func collect(_ node: YAMLNode) {
      switch node.kind {
      case .mapping(let entries):
        for entry in entries {
          if entry.key == "properties", case .mapping(let keys) = entry.value.kind {
            names.formUnion(keys.map(\.key))
          }
          collect(entry.value)
        }
      case .sequence(let items): items.forEach(collect)
      default: return
      }
    }
    collect(root)
    for path in Schema.paths() { #expect(names.contains(String(path.split(separator: ".").last ?? ""))) }
    for name in [
      "listen", "client_ca_file", "base_url", "api_version", "budget_usd", "retention", "drain", "env",
    ] {
      #expect(names.contains(name))
    }
    #expect(Schema.reference().contains("- `providers.*.timeouts.first_byte`: "))
  }

  @Test(
    "every key that the tables know is read: a value of a wrong type is noticed", arguments: Schema.paths())
  func keysAreRead(_ path: String) {
    let leaf = String(path.split(separator: ".").last ?? "")
    for kind in ["openai", "azure", "anthropic", "vertex", "bedrock", "mock"] {
      for wrong in ["{ wrong_type: 1 }", "[[]]"] {
        let found = Fixture.decode(text: nest(path, wrong, kind)).problems
        if found.contains(where: { $0.message.contains("wrong_type") || $0.message.contains("must be") }) {
          return
        }
        if found.contains(where: {
          $0.message.contains("must name a file") || $0.message.contains("write provider/model")
        }) {
          return
        }
      }
    }
    Issue.record("nothing reads \(leaf) at \(path)")
  }

  /// A configuration that has `value` at `path`, and what must stand beside it.
  private func nest(_ path: String, _ value: String, _ kind: String) -> String {
    let parts = path.split(separator: ".").map(String.init)
    var text = value
    for (index, part) in parts.enumerated().reversed() {
      let name = part == "*" ? "any" : part
      var siblings = ""
      if index == 2, parts[0] == "providers", part != "kind" { siblings = "kind: \(kind), " }
      if index == 2, parts[0] == "policies", part != "kind" { siblings = "kind: audit_log, " }
      text = "{ \(siblings)\(name): \(text) }"
      if index == 1, parts[0] == "listen" { text = "[\(text)]" }
      if index == 3, parts[0] == "models", parts[2] == "targets" { text = "[\(text)]" }
    }
    return text
  }

  @Test("the printed form is JSON, complete, and holds no secret")
  func printed() throws {
    let environment = ["GROQ_API_KEY": "canary", "REGION": "canary", "SIGNATURE": "canary"]
    let settings = try #require(try Fixture.decode("good/every-key.yaml", environment).settings)
    let text = settings.json()
    let bytes = Array(text.utf8)
    let root = try YAMLNode.parse(bytes.span)
    #expect(!text.contains("canary"))
    #expect(root["providers"]?["gateway"]?["timeouts"]?["connect"]?.value == .string("250ms"))
    #expect(root["providers"]?["groq"]?["api_key"]?["env"]?.value == .string("GROQ_API_KEY"))
    #expect(root["max_body"]?.value == .string("10MiB"))
    // It is a configuration itself, and means the same.
    let again = Fixture.decode(text: text, environment)
    #expect(again.problems.map(\.description) == [])
    #expect(again.settings == settings)
  }
}
