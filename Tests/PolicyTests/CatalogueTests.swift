// The catalogue: the built-in one as it is, and files of an operator's, good and bad.

import Config
import Testing
import Wire

@testable import Policy

@Suite struct CatalogueTests {
  private static let kinds = ProviderKind.allCases

  private func catalogue(_ text: String? = nil, prices: [Price] = []) throws -> Catalogue {
    var settings = Settings()
    settings.prices = prices
    return try Catalogue(settings, file: text.map { Array($0.utf8) })
  }

  private func facts(_ kind: ProviderKind, _ name: String, in catalogue: Catalogue) -> ModelFacts? {
    catalogue.facts(kind, Array(name.utf8).span)
  }

  @Test("Every line of the built-in catalogue can be read")
  func builtIn() throws {
    let index = try CatalogueIndex(checking: .own(CatalogueText.builtIn.bytes.array()))
    let count = Self.kinds.reduce(0) { $0 + index.models(of: $1, .builtIn).count }
    #expect((400...900).contains(count))
    #expect(CatalogueText.builtIn.bytes.count < 60 << 10)
    #expect(Catalogue.version.hasPrefix("20"))
    #expect(Catalogue.day > 20_000)
  }

  @Test("Names are unique within a kind, in order, and successors exist", arguments: kinds)
  func order(_ kind: ProviderKind) throws {
    let models = CatalogueIndex.builtIn.models(of: kind, .builtIn)
    var names: Set<[UInt8]> = []
    for model in models {
      for name in [model.name] + model.aliases { #expect(names.insert(name).inserted, "\(model.shown)") }
    }
    #expect(zip(models, models.dropFirst()).allSatisfy { $0.name.lexicographicallyPrecedes($1.name) })
    for model in models {
      guard let successor = model.end?.successor, !successor.isEmpty else { continue }
      #expect(names.contains(successor), "\(model.shown) > \(String(decoding: successor, as: UTF8.self))")
    }
  }

  @Test("Prices are plausible: a cache is no dearer than reading anew, tiers rise", arguments: kinds)
  func plausible(_ kind: ProviderKind) throws {
    for model in CatalogueIndex.builtIn.models(of: kind, .builtIn) {
      let prices = try #require(model.prices)
      #expect(prices.rates.cachedInput <= prices.rates.input, "\(model.shown)")
      var last = prices.rates.input
      for tier in prices.tiers {
        #expect(tier.rates.input >= last, "\(model.shown)")
        last = tier.rates.input
      }
    }
  }

  @Test("Prices are exact, by the kind of token and the length of the prompt")
  func exact() throws {
    let catalogue = try catalogue()
    let model = try #require(facts(.openai, "gpt-6-sol", in: catalogue))
    let prices = try #require(model.prices)
    #expect(prices.rates.input == 2_000_000 && prices.rates.output == 10_000_000)
    #expect(prices.rates.cachedInput == 200_000 && prices.rates.cacheWrite == 2_500_000)
    #expect(prices.rates(prompt: 272_000).input == 2_000_000)
    #expect(prices.rates(prompt: 272_001).input == 4_000_000)
    #expect(prices.estimate(input: 1000, output: 100) == 3_000_000_000)
    #expect(prices.flexPercent == 50 && prices.priorityPercent == 200 && prices.batchPercent == 50)
    #expect(model.context == 922_000 && model.maximumOutput == 128_000)
    #expect(model.abilities.contains([.pictures, .tools, .schemas]) && !model.abilities.contains(.audio))
    #expect(prices.estimate(input: .max, output: .max) == .max)
  }

  @Test(
    "A model is found by its dated name, and behind a region",
    arguments: [
      (ProviderKind.openai, "gpt-4o-2024-08-06"), (.anthropic, "claude-sonnet-4-5-20250929"),
      (.anthropic, "claude-opus-5-5-20261001"), (.bedrock, "us.anthropic.claude-sonnet-5-5"),
      (.vertex, "claude-sonnet-5-5@20260901"), (.groq, "openai/gpt-oss-120b"),
    ])
  func spellings(_ kind: ProviderKind, _ name: String) throws {
    #expect(facts(kind, name, in: try catalogue()) != nil)
  }

  @Test(
    "What isn't there is nothing",
    arguments: ["", "gpt", "gpt-4o-", "-2024-08-06", "x/gpt-4o", "us.", "=gpt-4o"])
  func unknown(_ name: String) throws {
    #expect(facts(.openai, name, in: try catalogue()) == nil)
    #expect(facts(.bedrock, name, in: try catalogue()) == nil)
    #expect(facts(.vllm, "gpt-4o", in: try catalogue()) == nil)
  }

  @Test("A family is one name for what kinds call differently")
  func families() {
    for (name, family) in [
      ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
      ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"), ("openai/gpt-oss-120b", "gpt-oss-120b"),
      ("openai.gpt-oss-120b-1:0", "gpt-oss-120b-1"), ("gpt-4o-2024-08-06", "gpt-4o"), ("gpt-4.1", "gpt-4.1"),
      ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-v3.1-8b-instruct"), ("", ""), ("-", "-"),
    ] {
      #expect(String(decoding: Family.of(Array(name.utf8)), as: UTF8.self) == family)
    }
  }

  @Test("A file stands over the built-in catalogue, prices over both")
  func layers() throws {
    let file =
      "# ours\n[openai]\ngpt-4o ct 1000/100 1,2\n  house-model cv / 0.0375,0.000001,0 >1k:1 a:5 x:2030-01-01> =hm ?\r\n"
    var price = Price(target: "paid/gpt-4o", input: 7, output: 8)
    price.cacheWrite = 9
    let catalogue = try catalogue(file, prices: [price, Price(target: "paid/nobody", input: 1, output: 2)])
    #expect(facts(.openai, "gpt-4o", in: catalogue)?.prices?.rates.input == 1_000_000)
    #expect(facts(.openai, "gpt-4o-mini", in: catalogue)?.origin == .builtIn)
    let ours = try #require(facts(.openai, "hm", in: catalogue))
    #expect(ours.shown == "house-model" && ours.origin == .file && ours.prices?.isVerified == false)
    #expect(ours.prices?.rates.input == 37_500 && ours.prices?.rates.output == 1)
    #expect(ours.prices?.rates.cachedInput == 0 && ours.prices?.rates.audioInput == 5_000_000)
    #expect(ours.prices?.tiers.first?.rates.output == 1 && ours.end?.successor == [])
    let provider = Provider(name: "paid", kind: .openai, baseURL: nil, apiKey: .none)
    let found = catalogue.facts(provider, Array("gpt-4o".utf8).span)
    let paid = try #require(found)
    #expect(
      paid.prices?.rates.input == 7 && paid.prices?.rates.cacheWrite == 9 && paid.origin == .configuration)
    #expect(paid.context == 1000)
    let nobody = catalogue.facts(provider, Array("nobody".utf8).span)
    #expect(nobody?.prices?.rates.output == 2)
    #expect(catalogue.models(of: .openai).contains { $0.shown == "house-model" })
  }

  @Test(
    "A line that can't be read is named, with what would be right",
    arguments: [
      ("gpt-4o ct 1/1 1,2", 1, "[openai]"), ("[opanai]", 1, "openai"), ("[openai", 1, "brackets"),
      ("[]", 1, "kind"),
      ("[openai]\nx", 2, "NAME FLAGS"), ("[openai]\n\nx c 1/1", 3, "NAME FLAGS"),
      ("[openai]\nx z 1/1 1,2", 2, "flags"),
      ("[openai]\nx cz 1/1 1,2", 2, "flags"), ("[openai]\nx c 1 1,2", 2, "CONTEXT/OUTPUT"),
      ("[openai]\nx c 1/2/3 1,2", 2, "CONTEXT/OUTPUT"), ("[openai]\nx c -1/2 1,2", 2, "CONTEXT/OUTPUT"),
      ("[openai]\nx c 1/2 -1,2", 2, "price"), ("[openai]\nx c 1/2 1e9,2", 2, "price"),
      ("[openai]\nx c 1/2 0.0000001,2", 2, "price"), ("[openai]\nx c 1/2 NaN", 2, "price"),
      ("[openai]\nx c 1/2 99999999999999999999,1", 2, "price"), ("[openai]\nx c 1/2 ,1", 2, "IN,OUT"),
      ("[openai]\nx c 1/2 1,2,3,4,5,6", 2, "IN,OUT"), ("[openai]\nx c 1/2 1,2 >k:1,2", 2, ">Nk"),
      ("[openai]\nx c 1/2 1,2 >2k:1,2 >1k:1,2", 2, "rise"),
      ("[openai]\nx c 1/2 1,2 x:2026-13-01>y", 2, "YYYY-MM-DD"),
      ("[openai]\nx c 1/2 1,2 x:2026-02-30>y", 2, "YYYY-MM-DD"), ("[openai]\nx c 1/2 1,2 b:", 2, "colon"),
      ("[openai]\nx c 1/2 1,2 b:half", 2, "percent"), ("[openai]\nx c 1/2 1,2 !", 2, "not known"),
      ("[openai]\nx c 1/2 1,2 a:x", 2, "a:IN"),
    ])
  func bad(_ text: String, _ line: Int, _ hint: String) throws {
    let fault = #expect(throws: CatalogueFault.self) { try catalogue(text) }
    #expect(fault?.line == line)
    #expect(fault?.reason.contains(hint) == true, "\(fault?.reason ?? "")")
  }

  @Test("Decimals are read and written exactly")
  func decimals() {
    for (text, value) in [
      ("0", 0), ("2.5", 2_500_000), ("0.0375", 37_500), ("1", 1_000_000), ("0.000001", 1),
    ] {
      let read = Decimals.read(Array(text.utf8).span, places: 6)
      #expect(read == UInt64(value))
      #expect(Decimals.text(UInt64(value), places: 6) == text)
    }
    let long = Decimals.read(Array("1.50000000000".utf8).span, places: 6)
    #expect(long == 1_500_000)
    for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0x1", "1.2.3", "0.0000001", "18446744073710"] {
      let read = Decimals.read(Array(text.utf8).span, places: 6)
      #expect(read == nil, "\(text)")
    }
  }
}

extension ModelFacts {
  fileprivate var shown: String { String(decoding: name, as: UTF8.self) }
}
