// When an upstream says that it can be asked again, in every form in use and in some that make no sense.

import Config
import Testing

@testable import Policy

@Suite struct RetryHintTests {
  /// 2026-11-28 12:00:00 UTC.
  private static let now = 1_795_867_200
  private static let ms: UInt64 = 1_000_000

  struct Form: Sendable, CustomTestStringConvertible {
    let fields: [(String, String)]
    /// Milliseconds; nil: it says nothing.
    let wait: UInt64?
    var body = ""
    var status = 429
    var testDescription: String { "\(fields) \(body)" }

    init(_ fields: [(String, String)], _ wait: UInt64?, body: String = "", status: Int = 429) {
      self.fields = fields
      self.wait = wait
      self.body = body
      self.status = status
    }
  }

  private static func after(_ value: String) -> [(String, String)] { [("Retry-After", value)] }
  private static let day: UInt64 = 86_400_000

  static let forms: [Form] = [
    Form([], nil),
    Form(after("0"), 0), Form(after("1"), 1000), Form(after("20"), 20_000), Form(after(" 20 "), 20_000),
    Form(after("1.5"), 1500), Form(after("0.001"), 1), Form(after("2.0000000001"), 2000),
    Form(after("-1"), nil), Form(after("-0.5"), nil), Form(after("NaN"), nil), Form(after("inf"), nil),
    Form(after("1e3"), nil), Form(after("soon"), nil), Form(after(""), nil), Form(after("1,5"), nil),
    Form(after("277403"), 277_403_000), Form(after("99999999999999999999999"), nil),
    Form(after("Sat, 28 Nov 2026 12:00:30 GMT"), 30_000),
    Form(after("Saturday, 28-Nov-26 12:00:30 GMT"), 30_000),
    Form(after("Sat Nov 28 12:00:30 2026"), 30_000),
    Form(after("Sat, 28 Nov 2026 11:59:00 GMT"), nil),
    // The answer's own clock counts.
    Form(after("Sat, 28 Nov 2026 13:00:30 GMT") + [("Date", "Sat, 28 Nov 2026 13:00:00 GMT")], 30_000),
    Form(after("Xxx, 99 Yyy 2026 12:00:30 GMT"), nil),
    Form([("retry-after-ms", "350")], 350), Form([("retry-after-ms", "350.0")], 350),
    Form([("retry-after-ms", "350")] + after("20"), 350),
    Form([("retry-after-ms", "x")] + after("20"), 20_000),
    Form([("x-amz-retry-after", "1500")], 1500), Form([("x-amz-retry-after", "1500")] + after("2"), 2000),
    Form([], 36_000, body: #"{"error":{"details":[{"@type":"t","retryDelay":"36s"}]}}"#),
    Form([], 36_430, body: #"[{"error":{"details":[{"retryDelay" : "36.43s"}]}}]"#),
    Form([], nil, body: #"{"retryDelay":36}"#), Form([], nil, body: #"{"retryDelay":"36"}"#),
    Form([], nil, body: #"{"retryDelay":""#),
    Form([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6ms")], 6),
    Form([("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], 360_000),
    Form([("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "2m59.56s")], 179_560),
    Form([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1h2m3s")], 3_723_000),
    // There is something left, so that it says nothing of this refusal.
    Form([("x-ratelimit-remaining-tokens", "12"), ("x-ratelimit-reset-tokens", "6m0s")], nil),
    Form([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1s")], nil, status: 503),
    // Azure's have no unit that anybody knows.
    Form([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "500")], nil),
    Form(
      [
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-28T12:00:45Z"),
      ], 45_000),
    Form(
      [
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-28T12:00:05Z"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-28T12:00:09Z"),
      ], 9000),
    Form([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], 30_000),
    Form([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795867230")], 30_000),
    Form([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795867230000")], 30_000),
    Form([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "-30")], nil),
  ]

  private static func wait(_ form: Form) -> UInt64? {
    var hint = RetryHint(now: now)
    for (name, value) in form.fields { hint.take(Array(name.utf8).span, Array(value.utf8).span) }
    hint.take(body: Array(form.body.utf8).span)
    return hint.wait(status: form.status)
  }

  @Test("each form says its wait, or nothing", arguments: forms)
  func form(_ form: Form) {
    #expect(Self.wait(form) == form.wait.map { $0 * Self.ms })
  }

  @Test("no form brings a wait without a bound", arguments: forms)
  func bounds(_ form: Form) {
    guard let wait = Self.wait(form) else { return }
    #expect(wait <= 366 * Self.day * Self.ms)
    var cooler = Cooler()
    cooler.cool(.rate, wait: wait, jitter: 255, at: 0)
    #expect(cooler.until >= .second && cooler.until <= 72 * .second)
    cooler.cool(.quota, wait: wait, jitter: 255, at: 0)
    #expect(cooler.until <= 2 * 3600 * .second)
    // Waits of more than a minute are the client's, which is told that trying again is pointless.
    var retries = Retries(
      Order(first: 1), Retries.Rules(.init()), isRepeatable: true, isKept: true, now: 1000 * .second)
    struct One: Standings {
      func standing(_ place: Int) -> TargetStanding { .usable }
      func mayRetry(_ place: Int, isRepeated: Bool) -> Bool { true }
      func couldRetry(_ place: Int) -> Bool { true }
      func takesMore(_ place: Int, than other: Int) -> Bool { true }
    }
    _ = retries.first(One())
    let next = retries.next(
      Failure(.rate, wait: wait), at: 0, began: 1000 * .second, One(), now: 1000 * .second, random: 1)
    if wait > 4 * .second { #expect(next == .stop) } else { #expect(next != .stop) }
    let seconds = Int(clamping: (wait + .second - 1) / .second)
    #expect(retries.shouldRetry(.rate, wait: seconds) == (seconds > 60 ? false : nil))
  }
}
