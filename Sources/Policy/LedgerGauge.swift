// What is left of an allowance: for the metrics, and for the headers of an answer.

internal import Config

extension Ledger {
  /// What is left of one allowance; nil: no such limit.
  package struct Gauge: Sendable {
    package var requests: UInt64?
    package var tokens: UInt64?
    package var concurrency: Int?
    /// In nano-dollars.
    package var budgetLimit: Int64?
    package var budgetLeft: Int64?

    init(_ allowance: Allowance) {
      if let window = allowance.requests {
        requests = allowance.requestLimit - min(window.sum, allowance.requestLimit)
      }
      if let window = allowance.tokens {
        tokens = allowance.tokenLimit - min(window.sum, allowance.tokenLimit)
      }
      if allowance.concurrencyLimit > 0 {
        concurrency = max(allowance.concurrencyLimit - allowance.underWay, 0)
      }
      budgetLimit = allowance.budget?.amount
      budgetLeft = allowance.budget?.left
    }
  }
}

extension Allowance {
  /// Adds what is left here.
  ///
  /// - Parameter part: as in `Payers`.
  func add(to standing: inout Standing, part: Int, at now: Moment) {
    if part == 0 { return }
    if let requests {
      let limit = Self.part(requestLimit, part)
      standing.note(
        scope, requests: Standing.Count(limit: limit, left: limit - min(requests.sum, limit)),
        reset: Self.seconds(requests.timeToEmpty(at: now.ticks)))
    }
    if let tokens {
      let limit = Self.part(tokenLimit, part)
      standing.note(
        scope, tokens: Standing.Count(limit: limit, left: limit - min(tokens.sum, limit)),
        reset: Self.seconds(tokens.timeToEmpty(at: now.ticks)))
    }
    if let budget = budget?.part(part), budget.left <= budget.amount / 5 {
      standing.note(
        budget: Standing.Count(limit: UInt64(clamping: budget.amount), left: UInt64(clamping: budget.left)))
    }
  }
}
