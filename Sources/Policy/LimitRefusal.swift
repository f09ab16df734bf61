// What a request that meets a limit is told: which one, whose, and when it makes sense to try again.

internal import Wire

extension Refusal {
  /// How long an SDK may be asked to wait: some of them sleep for whatever they are told.
  private static let patience = 60

  /// - Parameter group: the caller's group, whose limit it may be.
  package init(_ shortage: Shortage, group: String?) {
    let owner: String
    let place: String
    if case .group = shortage.scope, let group {
      owner = "The group '\(group)'"
      place = "consumers.groups.\(group).limits"
    } else {
      owner = "This pod"
      place = "limits"
    }
    let seconds = shortage.wait == 1 ? "1 second" : "\(shortage.wait) seconds"
    let isSpent = shortage.limit == .budget && !shortage.isPromised
    let message: String
    switch shortage.limit {
    case .requests:
      message =
        "\(owner) may make \(shortage.amount) requests a minute (\(place).requests_per_minute); try again in \(seconds)."
    case .tokens where shortage.isHopeless:
      message =
        "The prompt alone has more tokens than \(Self.lower(owner)) may use in a minute (\(shortage.amount), "
        + "\(place).tokens_per_minute): it never fits; shorten it, or raise the limit."
    case .tokens:
      message =
        "\(owner) may use \(shortage.amount) tokens a minute (\(place).tokens_per_minute), and this request may need "
        + "more than are left; try again in \(seconds), or ask for a shorter answer with max_tokens."
    case .concurrency:
      message =
        "\(owner) may have \(shortage.amount) requests under way at once (\(place).concurrent_requests); try again when "
        + "one is over."
    case .budget where shortage.isPromised:
      message =
        "What is left of the budget of \(Self.lower(owner)) (\(place).budget_usd) is promised to requests that are under "
        + "way; try again when one is over."
    case .budget:
      message =
        "The budget of \(Self.lower(owner)) (\(place).budget_usd, \(Self.dollars(shortage.amount)) US dollars) doesn't "
        + "allow this request; it begins anew in \(seconds)."
    }
    self.init(
      429, "rate_limit_error", isSpent ? "insufficient_quota" : "rate_limit_exceeded", message,
      shouldRetry: isSpent || shortage.isHopeless || shortage.wait > Self.patience ? false : nil,
      retryAfter: shortage.wait)
  }

  private static func lower(_ owner: String) -> String { owner.prefix(1).lowercased() + owner.dropFirst() }

  private static func dollars(_ nanodollars: UInt64) -> String { Decimals.text(nanodollars, places: 9) }

  /// - Parameters:
  ///   - target: `provider/model`; nil where the request doesn't say for which model it is.
  ///   - group: whose budget it is; nil: the pod's.
  package static func modelUnpriced(_ target: String?, group: String?) -> Refusal {
    let place = group.map { "consumers.groups.\($0).limits.budget_usd" } ?? "limits.budget_usd"
    let message =
      if let target {
        "What '\(target)' costs is not known, and there is a budget (\(place)) that could not see it; add it to prices: "
          + "in Remora's configuration."
      } else {
        "There is a budget (\(place)), and this request doesn't say where Remora reads it which model it is for; name it "
          + "in a JSON body's 'model'."
      }
    return Refusal(
      403, "permission_error", "model_not_allowed", message, parameter: "model", shouldRetry: false)
  }
}
