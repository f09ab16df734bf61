import Dialects
import Testing

@testable import Policy

private func usage(
  _ input: Int?, _ output: Int?, cached: Int? = nil, written: Int? = nil, reasoning: Int? = nil
) -> TokenUsage {
  var usage = TokenUsage()
  usage.input = input
  usage.output = output
  usage.cachedInput = cached
  usage.cacheWrite = written
  usage.reasoning = reasoning
  return usage
}

@Suite("Cost")
struct CostTests {
  /// 2.5, 10, 1.25 and 3.125 dollars for a million; above 200,000 tokens twice as much.
  private static let prices = Prices(
    Rates(input: 2_500_000, output: 10_000_000, cachedInput: 1_250_000, cacheWrite: 3_125_000),
    tiers: [
      Prices.Tier(
        above: 200_000,
        rates: Rates(input: 5_000_000, output: 20_000_000, cachedInput: 2_500_000, cacheWrite: 6_250_000))
    ])

  @Test(
    "each token is in one bucket, at its price",
    arguments: [
      (usage(1000, 500), 7_500_000_000),
      (usage(0, 0), 0), (usage(nil, nil), 0), (usage(7, nil), 17_500_000),
      (usage(1000, 500, cached: 400), 1_500_000_000 + 500_000_000 + 5_000_000_000),
      (usage(1000, 0, cached: 400, written: 100), 1_250_000_000 + 500_000_000 + 312_500_000),
      // Reasoning is a part of the output.
      (usage(0, 500, reasoning: 450), 5_000_000_000),
      // The tier goes by the whole prompt, what was cached of it too.
      (usage(200_000, 1), 500_010_000_000), (usage(200_001, 1), 1_000_025_000_000),
      (usage(200_001, 0, cached: 200_000), 500_005_000_000),
      // Parts that are more than the whole, and what can't be.
      (usage(10, 0, cached: 20, written: 20), 12_500_000), (usage(-5, -5, cached: -1), 0),
      (usage(.max, .max), UInt64.max),
    ] as [(TokenUsage, UInt64)])
  func buckets(_ usage: TokenUsage, _ picodollars: UInt64) {
    #expect(Self.prices.cost(of: usage) == Cost(picodollars: picodollars))
  }

  @Test("sound, and what a cache keeps for an hour, have prices of their own")
  func kinds() {
    let prices = Prices(
      Rates(
        input: 2, output: 10, cachedInput: 1, cacheWrite: 3, cacheWriteHour: 4, audioInput: 40,
        audioOutput: 80))
    var usage = usage(1000, 500, cached: 100, written: 200)
    usage.cacheWriteHour = 150
    usage.audioInput = 300
    usage.audioOutput = 400
    #expect(
      prices.cost(of: usage).picodollars == 100 + 50 * 3 + 150 * 4 + 300 * 40 + 400 * 2 + 400 * 80 + 100 * 10)
    // Parts are never more than the whole.
    usage.audioInput = 5000
    usage.audioOutput = 5000
    usage.cacheWriteHour = 5000
    #expect(prices.cost(of: usage).picodollars == 100 + 200 * 4 + 700 * 40 + 500 * 80)
    // Without a price of their own they cost what text does.
    #expect(Prices(Rates(input: 2, output: 10)).cost(of: usage).picodollars == 2000 + 5000)
  }

  @Test(
    "what is served at another pace has its share of the price, or is an estimate",
    arguments: [
      ("default", 1000, false), ("auto", 1000, false), ("", 1000, false), ("flex", 500, false),
      ("batch", 500, false), ("priority", 1000, true), ("scale", 1000, true), ("turbo", 1000, true),
    ] as [(String, UInt64, Bool)])
  func paces(_ name: String, _ picodollars: UInt64, _ isEstimated: Bool) {
    var prices = Prices(Rates(input: 10, output: 100))
    prices.flexPercent = 50
    let served = PriceTier(Array(name.utf8).span)
    #expect(
      prices.cost(of: usage(100, 0), served: served)
        == Cost(picodollars: picodollars, isEstimated: isEstimated))
    prices.priorityPercent = 175
    #expect(prices.cost(of: usage(1, 0), served: .priority).picodollars == 18)
    #expect(prices.cost(of: usage(.max, .max), served: .priority).picodollars == .max)
    #expect(prices.estimate(input: 100, output: 0, served: .priority) == 1750)
    #expect(prices.estimate(input: 100, output: 0, served: .flex) == 1000)
  }

  @Test("a price of a fraction of a cent for a million tokens is exact")
  func tiny() {
    let prices = Prices(Rates(input: 37_500, output: 1))
    #expect(prices.cost(of: usage(1, 0)).picodollars == 37_500)
    #expect(prices.cost(of: usage(3, 7)).picodollars == 112_507)
    #expect(prices.cost(of: usage(1_000_000, 0)).picodollars == 37_500_000_000)
  }

  @Test(
    "budgets count in nano-dollars: rounded where it is known, never too little where it is promised",
    arguments: [(0, 0, 0), (1, 0, 1), (499, 0, 1), (500, 1, 1), (1000, 1, 1), (1001, 1, 2), (1500, 2, 2)]
      as [(UInt64, Int64, Int64)])
  func nanodollars(_ picodollars: UInt64, _ rounded: Int64, _ promised: Int64) {
    #expect(Cost(picodollars: picodollars).nanodollars == rounded)
    #expect(Cost.nanodollars(promising: picodollars) == promised)
  }

  /// Against sums that are made another way: token by token, in numbers of any size.
  @Test("random usages agree with a sum over single tokens")
  func oracle() {
    var random = Random(11)
    for _ in 0..<300 {
      let rates = Rates(
        input: random.below(5_000_000), output: random.below(90_000_000),
        cachedInput: random.below(3_000_000),
        cacheWrite: random.below(9_000_000))
      let input = Int(random.below(3000))
      let cached = Int(random.below(UInt64(input + 1)))
      let written = Int(random.below(UInt64(input - cached + 1)))
      let output = Int(random.below(3000))
      var sum: UInt64 = 0
      for place in 0..<input {
        sum += place < cached ? rates.cachedInput : place < cached + written ? rates.cacheWrite : rates.input
      }
      for _ in 0..<output { sum += rates.output }
      let cost = Prices(rates).cost(of: usage(input, output, cached: cached, written: written))
      #expect(cost.picodollars == sum)
    }
  }
}
