// When an upstream says that it can be asked again: every form that is in use, read strictly. What can't be read, and what
// makes no sense, says nothing.

internal import Wire

/// Collects what the fields of an answer and the text of an error say.
package struct RetryHint: Sendable {
  private var milliseconds: UInt64?
  private var seconds: UInt64?
  private var date: Int?
  private var ownDate: Int?
  private var amazon: UInt64?
  private var reset: UInt64?
  private var resets: [(kind: Kind, wait: UInt64?, remaining: UInt64?)] = []
  private let now: Int

  private enum Kind { case requests, tokens, inputTokens, outputTokens, plain }

  /// A wait that is longer than this is no wait: a year.
  private static let longest: UInt64 = 366 * 86400 * 1_000_000_000

  /// - Parameter now: seconds since 1970, for dates where the answer has none of its own.
  package init(now: Int) { self.now = now }

  /// Takes one field of the answer's head.
  package mutating func take(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    switch name.count {
    case 4 where name.equalsIgnoringCase("date"): ownDate = CivilTime.unixSeconds(httpDate: value)
    case 11 where name.equalsIgnoringCase("retry-after"): takeRetryAfter(value)
    case 14 where name.equalsIgnoringCase("retry-after-ms"):
      milliseconds = Self.number(value, scale: 1_000_000)
    case 17 where name.equalsIgnoringCase("x-amz-retry-after"): amazon = Self.number(value, scale: 1_000_000)
    case 17...: takeLimit(name, value)
    default: break
    }
  }

  private mutating func takeRetryAfter(_ value: Span<UInt8>) {
    seconds = Self.number(value, scale: Nanoseconds.second)
    if seconds == nil { date = CivilTime.unixSeconds(httpDate: value) ?? Self.oldDate(value) }
  }

  private mutating func takeLimit(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    if name.equalsIgnoringCase("x-ratelimit-reset") {
      reset = plainReset(value)
      return note(.plain, wait: reset)
    }
    if name.equalsIgnoringCase("x-ratelimit-remaining") {
      return note(.plain, remaining: Self.number(value, scale: 1))
    }
    let kinds: [(Kind, StaticString, StaticString, StaticString, StaticString)] = [
      (
        .requests, "x-ratelimit-reset-requests", "x-ratelimit-remaining-requests",
        "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"
      ),
      (
        .tokens, "x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"
      ),
      (
        .inputTokens, "", "", "anthropic-ratelimit-input-tokens-reset",
        "anthropic-ratelimit-input-tokens-remaining"
      ),
      (
        .outputTokens, "", "", "anthropic-ratelimit-output-tokens-reset",
        "anthropic-ratelimit-output-tokens-remaining"
      ),
    ]
    for (kind, reset, remaining, otherReset, otherRemaining) in kinds {
      // Bare numbers are Azure's, of which nobody knows the unit.
      if name.equalsIgnoringCase(reset) { return note(kind, wait: Self.spelled(value)) }
      if name.equalsIgnoringCase(otherReset) {
        return note(kind, wait: CivilTime.unixSeconds(rfc3339: value).flatMap { until($0) })
      }
      if name.equalsIgnoringCase(remaining) || name.equalsIgnoringCase(otherRemaining) {
        return note(kind, remaining: Self.number(value, scale: 1))
      }
    }
  }

  private mutating func note(_ kind: Kind, wait: UInt64? = nil, remaining: UInt64? = nil) {
    if let place = resets.firstIndex(where: { $0.kind == kind }) {
      if let wait { resets[place].wait = wait }
      if let remaining { resets[place].remaining = remaining }
    } else {
      resets.append((kind, wait, remaining))
    }
  }

  /// Takes an error's text, of which Gemini's has `"retryDelay": "36s"`.
  package mutating func take(body: Span<UInt8>) {
    let body = body.extracting(..<min(body.count, 16 << 10))
    guard let key = body.first(of: "\"retryDelay\"") else { return }
    var at = key + 12
    while at < body.count, body[at] <= ASCII.space || body[at] == ASCII.colon { at += 1 }
    guard at < body.count, body[at] == ASCII.quote else { return }
    let start = at + 1
    at = start
    while at < body.count, body[at] != ASCII.quote, at - start < 32 { at += 1 }
    // Before anything that is only a guess, after what a field says.
    if let wait = Self.spelled(body.extracting(start..<at)) { amazon = amazon ?? wait }
  }

  /// The wait, in nanoseconds; nil where nothing that makes sense was said.
  ///
  /// - Parameter status: of the answer. Only a 429 is about limits.
  package func wait(status: Int) -> UInt64? {
    let said = milliseconds ?? seconds ?? date.flatMap { until($0) } ?? amazon
    if let said { return min(said, Self.longest) }
    guard status == 429 else { return nil }
    var longest: UInt64?
    for entry in resets where entry.remaining == 0 {
      if let wait = entry.wait { longest = max(longest ?? 0, wait) }
    }
    return longest.map { min($0, Self.longest) }
  }

  /// Nanoseconds until a moment; the answer's own clock counts, where it says it.
  private func until(_ unixSeconds: Int) -> UInt64? {
    let (left, overflows) = unixSeconds.subtractingReportingOverflow(ownDate ?? now)
    guard !overflows, left >= 0 else { return nil }
    return UInt64(left).multipliedReportingOverflow(by: .second).overflow ? nil : UInt64(left) * .second
  }

  /// `x-ratelimit-reset`, which is seconds, or a moment in seconds or milliseconds.
  private func plainReset(_ value: Span<UInt8>) -> UInt64? {
    guard let number = Self.number(value, scale: 1) else { return Self.spelled(value) }
    switch number {
    case ..<(30 * 86400): return number * .second
    case 1_000_000_000_000...: return Int(exactly: number / 1000).flatMap { until($0) }
    default: return Int(exactly: number).flatMap { until($0) }
    }
  }

  /// Reads a decimal number that isn't negative, as a whole number of `1/scale`.
  private static func number(_ text: Span<UInt8>, scale: UInt64) -> UInt64? {
    var places = 0
    var power: UInt64 = 1
    while power < scale {
      power *= 10
      places += 1
    }
    var end = text.count
    while end > 0, text[end - 1] <= ASCII.space { end -= 1 }
    var start = 0
    while start < end, text[start] <= ASCII.space { start += 1 }
    let text = text.extracting(start..<end)
    // More digits than the unit has are cut off.
    var point = 0
    while point < text.count, text[point] != UInt8(ascii: ".") { point += 1 }
    if point < text.count, text.count - point - 1 > places {
      for at in (point + 1)..<text.count where !ASCII.isDigit(text[at]) { return nil }
      return Decimals.read(text.extracting(..<(places == 0 ? point : point + 1 + places)), places: places)
    }
    return Decimals.read(text, places: places)
  }

  /// Reads `6ms`, `1s`, `36.43s`, `6m0s`, `1h2m3s`.
  private static func spelled(_ text: Span<UInt8>) -> UInt64? {
    var sum: UInt64 = 0
    var at = 0
    if text.isEmpty { return nil }
    while at < text.count {
      let start = at
      while at < text.count, ASCII.isDigit(text[at]) || text[at] == UInt8(ascii: ".") { at += 1 }
      let digits = text.extracting(start..<at)
      let unit = at
      while at < text.count, !ASCII.isDigit(text[at]), text[at] != UInt8(ascii: ".") { at += 1 }
      let name = text.extracting(unit..<at)
      let scale: (base: UInt64, times: UInt64)
      if name.equals("ms") {
        scale = (1_000_000, 1)
      } else if name.equals("s") {
        scale = (.second, 1)
      } else if name.equals("m") {
        scale = (.second, 60)
      } else if name.equals("h") {
        scale = (.second, 3600)
      } else if name.equals("d") {
        scale = (.second, 86400)
      } else {
        return nil
      }
      guard let value = number(digits, scale: scale.base) else { return nil }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: scale.times)
      let (total, overflows) = sum.addingReportingOverflow(product)
      if isTooLarge || overflows { return nil }
      sum = total
    }
    return sum
  }

  /// The two forms of dates that only old servers write (RFC 9110 section 5.6.7): `Sunday, 06-Nov-94 08:49:37 GMT` and
  /// `Sun Nov  6 08:49:37 1994`.
  private static func oldDate(_ text: Span<UInt8>) -> Int? {
    let words = text.text().split(separator: " ").map(String.init)
    let day: String
    let month: String
    let year: String
    let time: String
    if words.count == 4, words[0].hasSuffix(","), words[3] == "GMT" {
      let parts = words[1].split(separator: "-").map(String.init)
      guard parts.count == 3, let short = Int(parts[2]), parts[2].utf8.count == 2 else { return nil }
      (day, month, year, time) = (
        parts[0], parts[1], String(short < 70 ? 2000 + short : 1900 + short), words[2]
      )
    } else if words.count == 5 {
      (day, month, year, time) = (
        words[2].utf8.count == 1 ? "0" + words[2] : words[2], words[1], words[4], words[3]
      )
    } else {
      return nil
    }
    let fixed = Array("Sun, \(day) \(month) \(year) \(time) GMT".utf8)
    return CivilTime.unixSeconds(httpDate: fixed.span)
  }
}

extension Span where Element == UInt8 {
  /// Where `text` begins first; nil where it doesn't occur.
  package func first(of text: StaticString) -> Int? {
    let wanted = text.bytes
    guard wanted.count > 0, count >= wanted.count else { return nil }
    for at in 0...(count - wanted.count) where self[at] == wanted[0] {
      if extracting(at..<at + wanted.count).equals(text) { return at }
    }
    return nil
  }
}
