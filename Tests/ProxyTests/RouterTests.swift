// Model names to providers: which rule wins, and what the model is called upstream.

import Config
import Policy
import Testing

@Suite("Router") struct RouterTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let asked: String
    /// The provider's name and the model's name there; nil: nobody.
    let expected: String?
    var entry = 0
    var isPinned = false
    var testDescription: String { "\(asked.prefix(40)) at \(entry)" }
  }

  /// Three providers, `gateway` for what nothing places; one listener for each way to change that.
  static var settings: Settings {
    var settings = Settings()
    settings.providers = ["gateway", "other", "a.b-c_d"].map {
      Provider(name: $0, kind: .openaiCompatible, baseURL: nil, apiKey: .none)
    }
    settings.defaultProvider = "gateway"
    settings.models = [
      ModelEntry(name: "alias", targets: [ModelTarget(provider: "other", model: "real")]),
      ModelEntry(name: "gateway/taken", targets: [ModelTarget(provider: "other", model: "given")]),
      ModelEntry(
        name: "two",
        targets: [ModelTarget(provider: "other", model: "1"), ModelTarget(provider: "gateway", model: "2")]),
      ModelEntry(name: "lost", targets: [ModelTarget(provider: "nobody", model: "x")]),
      ModelEntry(name: "ünïcode", targets: [ModelTarget(provider: "other", model: "u")]),
    ]
    let address = Address.tcp(host: "127.0.0.1", port: 1)
    settings.listen = [
      ListenEntry(address: address),
      ListenEntry(address: address, defaultProvider: "other"),
      ListenEntry(address: address, model: "alias"),
      ListenEntry(address: address, defaultProvider: "other", model: "plain"),
      ListenEntry(address: address, model: "a.b-c_d/pinned"),
    ]
    return settings
  }

  static let cases: [Case] = [
    Case(asked: "alias", expected: "other real"),
    Case(asked: "two", expected: "other 1"),
    Case(asked: "ünïcode", expected: "other u"),
    Case(asked: "aliaz", expected: "gateway ="),
    Case(asked: "ALIAS", expected: "gateway ="),
    Case(asked: "lost", expected: "gateway ="),
    Case(asked: "", expected: "gateway ="),
    Case(asked: "gpt-4o", expected: "gateway ="),
    Case(asked: String(repeating: "x", count: 100_000), expected: "gateway ="),
    // A pin before a name of `models` and before the default.
    Case(asked: "gateway/taken", expected: "gateway taken", isPinned: true),
    Case(asked: "gateway/free", expected: "gateway free", isPinned: true),
    Case(asked: "other/alias", expected: "other alias", isPinned: true),
    Case(asked: "a.b-c_d/x", expected: "a.b-c_d x", isPinned: true),
    Case(asked: "other/meta-llama/Llama-3", expected: "other meta-llama/Llama-3", isPinned: true),
    Case(asked: "other/other/x", expected: "other other/x", isPinned: true),
    // No pins: the part before the first `/` is no provider, or there is nothing behind it.
    Case(asked: "meta-llama/Llama-3", expected: "gateway ="),
    Case(asked: "meta/other/x", expected: "gateway ="),
    Case(asked: "Other/x", expected: "gateway ="),
    Case(asked: "other/", expected: "gateway ="),
    Case(asked: "/x", expected: "gateway ="),
    Case(asked: "/", expected: "gateway ="),
    // The listener's own default.
    Case(asked: "gpt-4o", expected: "other =", entry: 1),
    Case(asked: "", expected: "other =", entry: 1),
    Case(asked: "gateway/x", expected: "gateway x", entry: 1, isPinned: true),
    // The listener's own model, whatever is asked.
    Case(asked: "", expected: "other real", entry: 2),
    Case(asked: "gateway/x", expected: "other real", entry: 2),
    Case(asked: "two", expected: "other plain", entry: 3),
    Case(asked: "alias", expected: "a.b-c_d pinned", entry: 4, isPinned: true),
  ]

  static func text(_ route: Route?, _ settings: Settings) -> String? {
    guard let route else { return nil }
    let model = route.model.map { String(decoding: $0, as: UTF8.self) } ?? "="
    return settings.providers[route.providerIndex].name + " " + model
  }

  static func resolve(_ asked: String, _ settings: Settings, entry: Int = 0) -> Route? {
    let router = Router(settings)
    return router.resolve(Array(asked.utf8).span, entry: router.entries[entry])
  }

  @Test("the first rule that names a provider wins", arguments: cases)
  func rules(_ example: Case) {
    let route = Self.resolve(example.asked, Self.settings, entry: example.entry)
    #expect(Self.text(route, Self.settings) == example.expected)
    #expect(route?.isPinned == example.isPinned)
  }

  @Test("without a default, what no rule places goes nowhere", arguments: ["", "gpt-4o", "nobody/x", "lost"])
  func nowhere(_ asked: String) {
    var settings = Self.settings
    settings.defaultProvider = nil
    #expect(Self.resolve(asked, settings) == nil)
    #expect(Self.resolve("alias", settings) != nil)
    #expect(Self.resolve(asked, settings, entry: 1) != nil)
    settings.listen[0].model = "unknown"
    #expect(Self.resolve("alias", settings) == nil)
  }

  @Test("a pin of a configured target is that target, and what is known of it holds")
  func pinnedHealth() throws {
    let router = Router(Self.settings)
    func health(_ name: String) -> TargetHealth? {
      router.resolve(Array(name.utf8).span, entry: router.entries[0])?.health
    }
    let known = try #require(health("two"))
    #expect(health("other/1") === known)
    #expect(health("alias") === health("other/real") && health("alias") !== known)
    #expect(health("other/2") == nil && health("gateway/1") == nil)
  }

  @Test("settings that name nobody place nothing")
  func empty() {
    var settings = Settings()
    settings.defaultProvider = "gone"
    #expect(Self.resolve("gpt-4o", settings) == nil)
    #expect(Self.resolve("a/b", settings) == nil)
  }

  @Test("every one of very many names is found, and none beside them")
  func many() {
    var settings = Self.settings
    settings.models = (0..<4096).map {
      ModelEntry(name: "model-\($0)", targets: [ModelTarget(provider: "other", model: "m\($0)")])
    }
    let router = Router(settings)
    for number in 0..<4096 {
      let name = Array("model-\(number)".utf8)
      let route = router.resolve(name.span, entry: router.entries[0])
      #expect(Self.text(route, settings) == "other m\(number)")
      let near = router.resolve((name + [0]).span, entry: router.entries[0])
      #expect(Self.text(near, settings) == "gateway =")
    }
  }
}
