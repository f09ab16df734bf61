// How failed attempts are repeated.

/// How often and how fast a failed attempt is repeated.
package struct Retry: Sendable, Equatable {
  /// Attempts in all, the first one included.
  package var attempts = 3
  /// The pause before the second attempt; it doubles, up to `maxBackoff`.
  package var backoff = Duration.milliseconds(250)
  package var maxBackoff = Duration.seconds(4)
  /// Repeats in percent of recent requests.
  package var budgetPercent = 20
  /// How long a stream may take to its first content where another target could still serve it; zero: as long as
  /// everything else allows, for models think for minutes.
  package var firstToken = Duration.zero
  /// What else has another target asked.
  package var fallbackOn: [Reason] = []

  /// Answers that are good as far as HTTP goes, and that not everybody wants from elsewhere.
  package enum Reason: String, Sendable, CaseIterable {
    /// The provider's filter has refused the request or the answer.
    case contentFilter = "content_filter"
  }

  package init() {}

  private static let pause = Duration.zero...Defaults.timeout

  static let section = Section<Retry>(
    [
      Row(
        "attempts", \.attempts, .integer(1...Defaults.attempts),
        "Attempts in all, of one target or several. Default: 3."),
      Row(
        "backoff", \.backoff, .duration(pause),
        "The pause before the second attempt; it doubles. Default: 250ms."),
      Row("max_backoff", \.maxBackoff, .duration(pause), "The longest pause. Default: 4s."),
      Row(
        "budget", \.budgetPercent, .percent, "Repeats in percent of a target's recent requests. Default: 20%."
      ),
      Row(
        "first_token", \.firstToken, .duration(pause),
        "How long a stream may take to its first content before another target is asked; 0s, the default: no limit."
      ),
      Row(
        "fallback_on", \.fallbackOn, Form<Reason>.choices(ceiling: Reason.allCases.count),
        "What else has another target asked: content_filter."),
    ],
    check: { retry, fields, place, decoder in
      if retry.maxBackoff < retry.backoff {
        decoder.problem(
          "\(place.prefix)max_backoff is shorter than \(place.prefix)backoff; make it at least as long",
          at: fields.position)
      }
    })
}
