// How much may be asked, by a pod or by a group.

/// Ceilings of a pod or of a group; 0: none.
package struct Limits: Sendable, Equatable {
  package var requestsPerMinute = 0
  package var tokensPerMinute = 0
  package var concurrentRequests = 0
  package var budget: Budget?
  /// Where those of groups are counted for all pods together; a pod's only.
  package var shared: SharedLimits?

  package init() {}

  /// Whether there is a ceiling among them.
  package var isLimiting: Bool {
    requestsPerMinute > 0 || tokensPerMinute > 0 || concurrentRequests > 0 || (budget?.amount ?? 0) > 0
  }

  /// Whether one of them can be counted for all pods together.
  package var isShareable: Bool {
    requestsPerMinute > 0 || tokensPerMinute > 0 || (budget?.amount ?? 0) > 0
  }

  private static let ceilings: [Row<Limits>] = [
    Row("requests_per_minute", \.requestsPerMinute, .integer(0...1_000_000_000), "0: no ceiling."),
    Row("tokens_per_minute", \.tokensPerMinute, .integer(0...1_000_000_000_000), "0: no ceiling."),
    Row("concurrent_requests", \.concurrentRequests, .integer(0...1_000_000), "0: no ceiling."),
    Row(
      optional: "budget_usd", \.budget, .object(Budget.section, Budget(amount: 0, per: .zero)),
      "Money in a span of time."),
  ]

  /// Those of a group.
  static let section = Section<Limits>(ceilings)

  /// Those of the pod.
  static let podSection = Section<Limits>(
    ceilings + [
      Row(
        optional: "shared", \.shared, .object(SharedLimits.section, SharedLimits()),
        "A Redis that counts the limits of groups for all pods together.")
    ])
}

package struct Budget: Sendable, Equatable {
  /// In millionths of a US dollar.
  package var amount: UInt64
  package var per: Duration

  package init(amount: UInt64, per: Duration) {
    self.amount = amount
    self.per = per
  }

  static let section = Section<Budget>([
    Row("amount", \.amount, .dollars, "US dollars; 0: no ceiling.", isRequired: true),
    Row(
      "per", \.per, .duration(.seconds(60)...Defaults.retention), "The span of time, such as 30d.",
      isRequired: true),
  ])

  /// The span of time as it is written: `30d`.
  package var span: String { Quantity.text(per) }

  /// In nano-dollars, which sums are made in.
  package var nanodollars: Int64 { Int64(clamping: amount) * 1000 }
}
