// What a request has cost: the tokens that the provider counted, each in one bucket, at its price. Whole pico-dollars
// throughout, so that it is exact.

package import Dialects
internal import Wire

/// Money in whole pico-dollars.
package struct Cost: Sendable, Equatable {
  package var picodollars: UInt64
  /// Something of it was guessed: tokens that weren't counted, or a price for them that isn't known.
  package var isEstimated = false

  package init(picodollars: UInt64, isEstimated: Bool = false) {
    self.picodollars = picodollars
    self.isEstimated = isEstimated
  }

  /// In nano-dollars, rounded: what budgets count in.
  package var nanodollars: Int64 {
    let (sum, overflows) = picodollars.addingReportingOverflow(500)
    return Int64(clamping: (overflows ? .max : sum) / 1000)
  }

  /// In nano-dollars, never too little: what is promised.
  package static func nanodollars(promising picodollars: UInt64) -> Int64 {
    Int64(clamping: picodollars / 1000 + (picodollars % 1000 == 0 ? 0 : 1))
  }

  /// Adds what another try has cost.
  package static func + (one: Cost, other: Cost) -> Cost {
    let (sum, overflows) = one.picodollars.addingReportingOverflow(other.picodollars)
    return Cost(picodollars: overflows ? .max : sum, isEstimated: one.isEstimated || other.isEstimated)
  }
}

/// How urgently a provider served a request, where it costs something else than usual.
package enum PriceTier: Sendable, Equatable {
  case batch, flex, priority
  /// What is paid for whether it is used or not, and whatever else has no price by the token.
  case other

  /// The one that OpenAI's word for it names; nil: the usual one.
  package init?(_ name: Span<UInt8>) {
    if name.isEmpty || name.equals("default") || name.equals("auto") || name.equals("standard")
      || name.equals("standard_only") || name.equals("on_demand")
    {
      return nil
    }
    self =
      name.equals("flex")
      ? .flex : name.equals("priority") ? .priority : name.equals("batch") ? .batch : .other
  }
}

extension ModelFacts {
  /// What the tokens of `usage` cost; nil where prices aren't known. See `Prices.cost`. Here, for to take the prices out is to
  /// copy them.
  package func cost(of usage: TokenUsage, served: PriceTier? = nil) -> Cost? {
    prices?.cost(of: usage, served: served)
  }
}

extension Prices {
  /// What the tokens of `usage` cost. Cached, written and audio tokens are parts of the input, and are taken out of it; the
  /// tier of long prompts goes by the whole of it.
  ///
  /// - Parameter served: nil: as usual. Without a known price for it the usual one is taken, and the cost is an estimate.
  package func cost(of usage: TokenUsage, served: PriceTier? = nil) -> Cost {
    let prompt = max(usage.input ?? 0, 0)
    let rates = rates(prompt: prompt)
    // A provider that counts more in parts than in all is believed in the parts, but for nothing below zero.
    func part(_ count: Int?, of rest: inout Int) -> Int {
      let part = min(max(count ?? 0, 0), rest)
      rest -= part
      return part
    }
    var input = prompt
    var sum = Sum()
    sum.add(part(usage.cachedInput, of: &input), rates.cachedInput)
    var written = part(usage.cacheWrite, of: &input)
    sum.add(part(usage.cacheWriteHour, of: &written), rates.cacheWriteHour)
    sum.add(written, rates.cacheWrite)
    sum.add(part(usage.audioInput, of: &input), rates.audioInput)
    sum.add(input, rates.input)
    var output = max(usage.output ?? 0, 0)
    sum.add(part(usage.audioOutput, of: &output), rates.audioOutput)
    sum.add(output, rates.output)
    guard let served else { return Cost(picodollars: sum.value) }
    guard let percent = percent(served) else { return Cost(picodollars: sum.value, isEstimated: true) }
    return Cost(picodollars: Self.share(sum.value, percent: percent))
  }

  /// What so many plain tokens cost at most, in pico-dollars, where they are served in such a way.
  package func estimate(input: Int, output: Int, served: PriceTier?) -> UInt64 {
    let usual = estimate(input: input, output: output)
    guard let served, let percent = percent(served), percent > 100 else { return usual }
    return Self.share(usual, percent: percent)
  }

  private func percent(_ tier: PriceTier) -> Int? {
    switch tier {
    case .batch: batchPercent
    case .flex: flexPercent
    case .priority: priorityPercent
    case .other: nil
    }
  }

  /// Rounded to a whole pico-dollar, which is exact for all published prices.
  private static func share(_ value: UInt64, percent: Int) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: UInt64(clamping: percent))
    guard high < 100 else { return .max }
    let (share, rest) = UInt64(100).dividingFullWidth((high, low))
    return share == .max ? .max : share + (rest >= 50 ? 1 : 0)
  }

  /// A sum that stays at the largest number where it would be more.
  private struct Sum {
    var value: UInt64 = 0

    mutating func add(_ tokens: Int, _ rate: UInt64) {
      let (cost, isTooMuch) = UInt64(clamping: tokens).multipliedReportingOverflow(by: rate)
      let (sum, overflows) = value.addingReportingOverflow(isTooMuch ? .max : cost)
      value = overflows ? .max : sum
    }
  }
}
