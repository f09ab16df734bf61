// What a request has cost: the tokens that the provider counted, each in one bucket, at its price. Whole pico-dollars
// throughout, so that it is exact.

package import Dialects

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

extension Prices {
  /// What the tokens of `usage` cost. Cached and written tokens are parts of the input, and are taken out of it; the tier
  /// goes by the whole of it.
  package func cost(of usage: TokenUsage) -> Cost {
    let prompt = max(usage.input ?? 0, 0)
    let rates = rates(prompt: prompt)
    // A provider that counts more in parts than in all is believed in the parts, but for nothing below zero.
    let cached = min(max(usage.cachedInput ?? 0, 0), prompt)
    let written = min(max(usage.cacheWrite ?? 0, 0), prompt - cached)
    var sum = Sum()
    sum.add(prompt - cached - written, rates.input)
    sum.add(cached, rates.cachedInput)
    sum.add(written, rates.cacheWrite)
    sum.add(max(usage.output ?? 0, 0), rates.output)
    return Cost(picodollars: sum.value)
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
