// What tokens cost. Whole numbers throughout: a pico-dollar (10^-12 US dollars) a token is a millionth of a dollar for a
// million tokens, so that every published price is exact, and sums of them are too.

/// What one token costs, in pico-dollars. The kinds of token are disjoint: what is out of a cache isn't `input` as well.
package struct Rates: Sendable, Equatable {
  package var input: UInt64
  package var output: UInt64
  /// Input that the provider had in its cache.
  package var cachedInput: UInt64
  /// Input that the provider put into its cache, for minutes and for an hour.
  package var cacheWrite: UInt64
  package var cacheWriteHour: UInt64
  package var audioInput: UInt64
  package var audioOutput: UInt64

  /// Kinds of token that have no price of their own cost what plain input and output do.
  package init(
    input: UInt64, output: UInt64, cachedInput: UInt64? = nil, cacheWrite: UInt64? = nil,
    cacheWriteHour: UInt64? = nil, audioInput: UInt64? = nil, audioOutput: UInt64? = nil
  ) {
    self.input = input
    self.output = output
    self.cachedInput = cachedInput ?? input
    self.cacheWrite = cacheWrite ?? input
    self.cacheWriteHour = cacheWriteHour ?? cacheWrite ?? input
    self.audioInput = audioInput ?? input
    self.audioOutput = audioOutput ?? output
  }
}

/// A model's prices at one provider.
package struct Prices: Sendable, Equatable {
  /// Prices of long prompts, which hold for all of the request's tokens.
  package struct Tier: Sendable, Equatable {
    /// Tokens of the whole prompt, cached ones too, above which it holds.
    package var above: Int
    package var rates: Rates

    package init(above: Int, rates: Rates) {
      self.above = above
      self.rates = rates
    }
  }

  package var rates: Rates
  /// In rising order.
  package var tiers: [Tier] = []
  /// What of the plain price requests of another service tier pay, in percent; nil: unknown.
  package var batchPercent: Int? = 50
  package var flexPercent: Int?
  package var priorityPercent: Int?
  /// Whether two sources agree on them, or the operator says so. What isn't verified meters, but doesn't decide which
  /// provider is the cheapest.
  package var isVerified = true

  package init(_ rates: Rates, tiers: [Tier] = []) {
    self.rates = rates
    self.tiers = tiers
  }

  /// What the tokens of a request cost whose prompt has `tokens` tokens, cached ones included.
  package func rates(prompt tokens: Int) -> Rates {
    var found = rates
    for tier in tiers where tokens > tier.above { found = tier.rates }
    return found
  }

  /// What so many plain tokens cost, in pico-dollars; as much as fits where it is too much.
  package func estimate(input: Int, output: Int) -> UInt64 {
    let rates = rates(prompt: input)
    let (sum, overflows) = Self.cost(input, rates.input).addingReportingOverflow(
      Self.cost(output, rates.output))
    return overflows ? .max : sum
  }

  private static func cost(_ tokens: Int, _ rate: UInt64) -> UInt64 {
    let (cost, overflows) = UInt64(clamping: tokens).multipliedReportingOverflow(by: rate)
    return overflows ? .max : cost
  }
}
