// Where a name leads: pins, entries with and without a star, the catalogue, families, what is at its end.

import Config
import Testing
import Wire

@testable import Policy

@Suite struct NamesTests {
  private static let file = """
    @ 2026-11-28 a test
    [openai]
    old-one ct 1000/100 1,2 x:2026-06-01>new-one
    old-two ct 1000/100 1,2 x:2026-06-01>
    old-dear ct 1000/100 1,2 x:2026-06-01>dear-one
    leaving ct 1000/100 1,2 x:2030-01-01>new-one
    new-one ct 1000/100 1,3
    dear-one ct 1000/100 5,9
    shared-1-20260101 ct 1000/100 2,2
    [groq]
    openai/shared-1 ct 1000/100 1,1
    [together]
    vendor/Shared-1 ct 1000/100 0.5,0.5 ?
    """

  private func settings(_ providers: [(String, ProviderKind)], fallback: String? = nil) -> Settings {
    var settings = Settings()
    settings.providers = providers.map { Provider(name: $0.0, kind: $0.1, baseURL: nil, apiKey: .none) }
    settings.defaultProvider = fallback
    return settings
  }

  private func router(_ settings: Settings) throws -> Router {
    Router(settings, try Catalogue(settings, file: Array(Self.file.utf8)))
  }

  /// The targets as `provider/model`, `=` for the name that was asked for.
  private func targets(_ router: Router, _ settings: Settings, _ name: String, today: Int = 20_700)
    -> [String]
  {
    let asked = Array(name.utf8)
    guard let plan = router.plan(asked.span, entry: router.entries[0], today: { today }) else { return [] }
    return (0..<plan.count).map {
      let route = plan[$0]
      return settings.providers[route.providerIndex].name + "/"
        + (route.model.map { String(decoding: $0, as: UTF8.self) } ?? "=")
    }
  }

  @Test(
    "A pin leads to its provider, in both spellings, and is never replaced",
    arguments: [
      ("oai/old-one", ["oai/old-one"]), ("oai:chat:old-one", ["oai/old-one"]), ("oai:chat:", ["def/="]),
      ("oai:old-one", ["def/="]), ("oai/", ["def/="]), ("nobody/x", ["def/="]), ("nobody:chat:x", ["def/="]),
      ("oai:chat:a/b:c", ["oai/a/b:c"]),
    ])
  func pins(_ name: String, _ expected: [String]) throws {
    let settings = settings([("oai", .openai), ("def", .vllm)], fallback: "def")
    let router = try router(settings)
    #expect(targets(router, settings, name) == expected)
    let asked = Array(name.utf8)
    let plan = router.plan(asked.span, entry: router.entries[0], today: { 30_000 })
    #expect(plan?.notice == nil)
  }

  @Test(
    "An entry's name is exact first, then the longest star; a target's star is the same text",
    arguments: [
      ("claude-x", ["b/claude-x"]), ("claude-opus-1", ["a/opus-1-big"]), ("claude-exact", ["a/exact"]),
      ("claude-", ["b/claude-"]), ("gpt-mini", ["a/small"]), ("gpt--mini", ["a/small"]), ("gpt-min", []),
      ("anything", []),
    ])
  func stars(_ name: String, _ expected: [String]) throws {
    var settings = settings([("a", .vllm), ("b", .vllm)])
    settings.models = [
      ModelEntry(name: "claude-*", targets: [ModelTarget(provider: "b", model: "claude-*")]),
      ModelEntry(name: "claude-opus-*", targets: [ModelTarget(provider: "a", model: "opus-*-big")]),
      ModelEntry(name: "claude-exact", targets: [ModelTarget(provider: "a", model: "exact")]),
      ModelEntry(name: "gpt-*mini", targets: [ModelTarget(provider: "a", model: "small")]),
    ]
    #expect(targets(try router(settings), settings, name) == expected)
  }

  @Test("A catalogued name leads to the provider that has it, and not to the default one")
  func catalogued() throws {
    let settings = settings([("def", .vllm), ("ant", .anthropic), ("oai", .openai)], fallback: "def")
    let router = try router(settings)
    #expect(targets(router, settings, "claude-opus-5-5") == ["ant/="])
    #expect(targets(router, settings, "new-one") == ["oai/="])
    #expect(targets(router, settings, "nobody-knows-it") == ["def/="])
    #expect(targets(router, settings, "") == ["def/="])
    #expect(targets(router, settings, String(repeating: "x", count: 100_000)) == ["def/="])
  }

  @Test("Of several the cheapest that two sources agree on is first; the others are behind it in order")
  func cheapest() throws {
    let settings = settings([("tog", .together), ("oai", .openai), ("gro", .groq)])
    let router = try router(settings)
    #expect(
      targets(router, settings, "shared-1") == [
        "gro/openai/shared-1", "oai/shared-1-20260101", "tog/vendor/Shared-1",
      ])
    #expect(
      targets(router, settings, "shared-1-20260101") == [
        "gro/openai/shared-1", "oai/=", "tog/vendor/Shared-1",
      ])
    let asked = Array("shared-1".utf8)
    let plan = router.plan(asked.span, entry: router.entries[0])
    #expect(plan?.pick == .cheapest)
  }

  @Test("The default provider wins where the price is the same")
  func ties() throws {
    for name in ["one", "two"] {
      let settings = settings([("one", .openai), ("two", .openai)], fallback: name)
      #expect(targets(try router(settings), settings, "new-one").first == name + "/=")
    }
  }

  @Test("Azure has what is deployed")
  func azure() throws {
    var settings = settings([("az", .azure)])
    #expect(targets(try router(settings), settings, "gpt-4o") == [])
    settings.providers[0].dialect = .azure(.init())
    if case .azure(var azure) = settings.providers[0].dialect {
      azure.deployments = [.init(model: "gpt-4o", deployment: "prod")]
      settings.providers[0].dialect = .azure(azure)
    }
    #expect(targets(try router(settings), settings, "gpt-4o") == ["az/="])
    #expect(targets(try router(settings), settings, "gpt-4.1") == [])
  }

  @Test(
    "A name at its end leads to what comes after it, unless that is unknown or far dearer",
    arguments: [
      ("old-one", CatalogueSettings.Reroute.retired, ["oai/new-one"]), ("old-one", .never, ["oai/="]),
      ("old-two", .retired, ["oai/="]), ("old-dear", .retired, ["oai/="]), ("leaving", .retired, ["oai/="]),
      ("leaving", .deprecated, ["oai/new-one"]),
    ])
  func ends(_ name: String, _ reroute: CatalogueSettings.Reroute, _ expected: [String]) throws {
    var settings = settings([("oai", .openai)])
    settings.catalogue.reroute = reroute
    let router = try router(settings)
    #expect(targets(router, settings, name) == expected)
    let asked = Array(name.utf8)
    let plan = router.plan(asked.span, entry: router.entries[0], today: { 20_700 })
    let fields = String(decoding: plan?.notice?.fields ?? [], as: UTF8.self)
    #expect(fields.contains("Deprecation: true\r\n") && fields.contains("Sunset: "))
    #expect(fields.contains("X-Model-Deprecated-Successor: ") == (name != "old-two"))
  }

  @Test("A day that comes while the process runs counts")
  func midnight() throws {
    let settings = settings([("oai", .openai)])
    let router = try router(settings)
    let day = CivilDate(year: 2030, month: 1, day: 1).daysSinceEpoch ?? 0
    #expect(targets(router, settings, "leaving", today: 20_700) == ["oai/="])
    #expect(targets(router, settings, "leaving", today: day - 1) == ["oai/="])
    #expect(targets(router, settings, "leaving", today: day) == ["oai/new-one"])
  }

  @Test("What an announced end says, to the letter")
  func sunset() {
    let notice = Notice(successor: "new", sunset: CivilDate(year: 1994, month: 11, day: 6).daysSinceEpoch)
    #expect(
      String(decoding: notice.fields, as: UTF8.self)
        == "Deprecation: true\r\nX-Model-Deprecated-Successor: new\r\nSunset: Sun, 06 Nov 1994 00:00:00 GMT\r\n"
    )
    let odd = Notice(successor: "a\r\nb: c")
    #expect(String(decoding: odd.fields, as: UTF8.self) == "Deprecation: true\r\n")
  }

  @Test(
    "Families lead to their newest member",
    arguments: [
      ("claude-sonnet", "claude-sonnet-5-5"), ("claude-opus", "claude-opus-5-5"),
      ("claude-haiku", "claude-haiku-5-5"),
      ("claude-4-sonnet", "claude-sonnet-4-6"), ("claude-sonnet-4.6", "claude-sonnet-4-6"),
      ("claude-4.6-sonnet", "claude-sonnet-4-6"), ("claude-4-6-sonnet", "claude-sonnet-4-6"),
    ])
  func families(_ name: String, _ model: String) throws {
    let settings = settings([("ant", .anthropic)])
    #expect(targets(try router(settings), settings, name) == ["ant/" + model])
  }

  @Test("Gemini's families are served", arguments: ["gemini-pro", "gemini-flash", "gemini-flash-lite"])
  func gemini(_ name: String) throws {
    let settings = settings([("gem", .gemini)])
    let found = targets(try router(settings), settings, name)
    #expect(found.count == 1 && found[0].hasPrefix("gem/gemini-") && !found[0].contains("preview"))
  }

  @Test("Bedrock serves a model under its maker's name")
  func bedrock() throws {
    let settings = settings([("aws", .bedrock)])
    #expect(
      targets(try router(settings), settings, "claude-sonnet-5-5") == ["aws/anthropic.claude-sonnet-5-5"])
  }

  @Test("A name that is near to one is a hint")
  func hints() throws {
    let settings = settings([("oai", .openai)])
    let router = try router(settings)
    #expect(router.nearest(to: "gpt-4o-mni", today: 20_700) == "gpt-4o-mini")
    #expect(router.nearest(to: "zzzzzzzzzzzzzzz", today: 20_700) == nil)
  }
}
