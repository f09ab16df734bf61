// What a client is told where no target may be asked.

extension Refusal {
  /// The client's SDK repeats a call for which as much was tried as may be.
  package static var triesSpent: Refusal {
    Refusal(
      503, "overloaded_error", "no_target",
      "The same call has failed before, and was tried as often as may be (retry.attempts); try again later.",
      cause: .overloaded, shouldRetry: false, retryAfter: 10)
  }

  /// Every target of the model is left alone because of its limits.
  ///
  /// - Parameters:
  ///   - isMoney: whether it is money or a day's allowance that is used up.
  ///   - seconds: until the first of them can be asked again.
  package static func allCooling(_ isMoney: Bool, seconds: Int) -> Refusal {
    Refusal(
      429, "rate_limit_error", isMoney ? "insufficient_quota" : "rate_limit_exceeded",
      isMoney
        ? "The provider's quota for this model is used up; it is asked again in \(seconds) s."
        : "The provider limits how often this model may be asked; it is asked again in \(seconds) s.",
      cause: .overloaded, source: .upstream, shouldRetry: isMoney || seconds > 60 ? false : nil,
      retryAfter: seconds)
  }

  /// A target takes no connection, and another one was ready before it.
  package static func overtaken(_ provider: String) -> Refusal {
    .timeout(provider, "took no connection while another target did")
  }

  /// A target has failed, and the one that was left to ask has no word for a part of the request.
  ///
  /// - Parameters:
  ///   - failed: the provider that failed, and how.
  ///   - other: the provider that was left, and what it can't be told.
  package static func noneLeft(
    _ failed: (name: String, cls: FailureClass), _ other: (name: String, why: String)
  ) -> Refusal {
    let message = "Provider '\(failed.name)' failed, and '\(other.name)' can't be asked instead: \(other.why)"
    switch failed.cls {
    case .rate:
      return Refusal(
        429, "rate_limit_error", "rate_limit_exceeded", message, cause: .overloaded, source: .upstream)
    case .quota:
      return Refusal(
        429, "rate_limit_error", "insufficient_quota", message, cause: .overloaded, source: .upstream,
        shouldRetry: false)
    case .filter, .context:
      return Refusal(
        400, "invalid_request_error", failed.cls == .filter ? "content_filter" : "context_length_exceeded",
        message,
        cause: .overloaded, source: .upstream, shouldRetry: false)
    default:
      return Refusal(503, "upstream_error", "no_target", message, cause: .overloaded, source: .upstream)
    }
  }

  /// The only target that isn't left alone at the moment has no word for a part of the request.
  package static func othersAreLeftAlone(_ name: String, why: String) -> Refusal {
    Refusal(
      503, "upstream_error", "no_target",
      "The model's other targets are left alone at the moment, and '\(name)' can't be asked instead: \(why)",
      cause: .overloaded, source: .upstream)
  }

  /// The client gives up before there can be an answer: its own time is nearly over.
  package static func clientsTimeIsOver(_ provider: String) -> Refusal {
    Refusal(
      504, "upstream_error", "upstream_timeout",
      "Provider '\(provider)' sent no answer within the time for which the client waits.", cause: .timedOut,
      source: .upstream, shouldRetry: false)
  }
}
