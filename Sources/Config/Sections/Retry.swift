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

  package init() {}

  private static let pause = Duration.zero...Defaults.timeout

  static let section = Section<Retry>(
    [
      Row("attempts", \.attempts, .integer(1...Defaults.attempts), "Attempts in all."),
      Row("backoff", \.backoff, .duration(pause), "The pause before the second attempt."),
      Row("max_backoff", \.maxBackoff, .duration(pause), "The longest pause."),
      Row("budget", \.budgetPercent, .percent, "Repeats in percent of recent requests."),
    ],
    check: { retry, fields, place, decoder in
      if retry.maxBackoff < retry.backoff {
        decoder.problem(
          "\(place.prefix)max_backoff is shorter than \(place.prefix)backoff; make it at least as long",
          at: fields.position)
      }
    })
}
