// Most exchanges are like one of the last few: the same endpoint, provider and model, and status 200. What they add is
// gathered in one place, and goes into the series when the place is wanted for others, or somebody reads them. So an
// exchange finds one row, and not one in each of a dozen tables, which lie far from each other.

/// What successful exchanges with one label set have added since it was last put into the series.
struct FrequentRow: Sendable {
  fileprivate(set) var key = SeriesKey()
  fileprivate(set) var count = 0
  fileprivate(set) var duration = Histogram()
  fileprivate(set) var overhead = Histogram()
  fileprivate(set) var requestBytes = 0
  fileprivate(set) var responseBytes = 0
  /// By the kind's number.
  fileprivate(set) var tokens = InlineArray<4, Sum>(repeating: Sum())
  /// In pico-dollars.
  fileprivate(set) var cost = Sum()

  /// What those of the exchanges have come to that said something.
  struct Sum: Sendable {
    var value = 0
    var count = 0

    mutating func add(_ more: Int) {
      value = saturated(value, plus: more)
      count &+= 1
    }
  }

  /// Adds an exchange of this label set.
  ///
  /// - Returns: the bucket of its duration.
  fileprivate mutating func take(_ exchange: borrowing ExchangeRecord) -> Int {
    count &+= 1
    requestBytes = saturated(requestBytes, plus: max(exchange.requestBytes, 0))
    responseBytes = saturated(responseBytes, plus: max(exchange.responseBytes, 0))
    overhead.observe(exchange.overheadNanoseconds, in: Bounds.overhead)
    take(exchange.usage.input, .input)
    take(exchange.usage.output, .output)
    take(exchange.usage.cachedInput, .cachedInput)
    take(exchange.usage.reasoning, .reasoning)
    if let more = exchange.cost, more >= 0 { cost.add(min(more, MetricShard.mostMoney)) }
    return duration.observe(exchange.durationNanoseconds, in: Bounds.duration)
  }

  @inline(__always)
  private mutating func take(_ more: Int?, _ kind: TokenKind) {
    guard let more, more >= 0 else { return }
    tokens[Int(kind.rawValue)].add(min(more, MetricShard.mostTokens))
  }
}

/// Rows for the label sets that came last, each in the place that its key gives it.
struct FrequentRows: Sendable {
  private var rows = InlineArray<8, FrequentRow>(repeating: FrequentRow())

  /// Adds an exchange with `key`.
  ///
  /// - Parameter state: gets what others have added, where they had the place.
  /// - Returns: the bucket of its duration.
  mutating func take(_ exchange: borrowing ExchangeRecord, _ key: SeriesKey, _ state: inout MetricSnapshot)
    -> Int
  {
    let at = Int(truncatingIfNeeded: (key.packed &* 0x9E37_79B9_7F4A_7C15) >> 61)
    if rows[at].key != key {
      Self.put(rows[at], into: &state)
      rows[at] = FrequentRow()
      rows[at].key = key
    }
    return rows[at].take(exchange)
  }

  /// Puts everything into the series.
  mutating func put(into state: inout MetricSnapshot) {
    for at in rows.indices {
      Self.put(rows[at], into: &state)
      let key = rows[at].key
      rows[at] = FrequentRow()
      rows[at].key = key
    }
  }

  @inline(never)
  private static func put(_ row: FrequentRow, into state: inout MetricSnapshot) {
    if row.count == 0 { return }
    let (key, times) = (row.key, row.count)
    state.requests.add(
      times, to: SeriesKey(endpoint: key.endpoint, subject: key.subject, model: key.model, detail: 200),
      times: times)
    state.duration.add(row.duration, to: key, times: times)
    let endpoint = SeriesKey(endpoint: key.endpoint)
    state.overhead.add(row.overhead, to: endpoint, times: times)
    state.requestBytes.add(row.requestBytes, to: endpoint, times: times)
    state.responseBytes.add(row.responseBytes, to: endpoint, times: times)
    for kind in TokenKind.allCases {
      let sum = row.tokens[Int(kind.rawValue)]
      // Where nothing was said there is no row.
      if sum.count == 0 { continue }
      state.tokens.add(
        sum.value, to: SeriesKey(subject: key.subject, model: key.model, detail: UInt16(kind.rawValue)),
        times: sum.count)
    }
    if row.cost.count > 0 {
      state.cost.add(
        row.cost.value, to: SeriesKey(subject: key.subject, model: key.model), times: row.cost.count)
    }
  }
}

/// Tries that brought an answer, of the providers that were asked last: as `FrequentRows`.
struct FrequentTries: Sendable {
  private struct Row {
    var provider = Label.none
    var count = 0
    var firstByte = Histogram()
  }

  private var rows = InlineArray<4, Row>(repeating: Row())

  mutating func succeeded(_ provider: Label, _ state: inout MetricSnapshot) {
    rows[place(of: provider, &state)].count &+= 1
  }

  mutating func took(_ nanoseconds: Int, _ provider: Label, _ state: inout MetricSnapshot) {
    rows[place(of: provider, &state)].firstByte.observe(nanoseconds, in: Bounds.firstByte)
  }

  /// The place of `provider`; what another has added there is put into the series. Providers' numbers follow each other.
  @inline(__always)
  private mutating func place(of provider: Label, _ state: inout MetricSnapshot) -> Int {
    let at = Int(provider.id & 3)
    if rows[at].provider != provider { clear(at, for: provider, &state) }
    return at
  }

  /// Puts everything into the series.
  mutating func put(into state: inout MetricSnapshot) {
    for at in rows.indices { clear(at, for: rows[at].provider, &state) }
  }

  @inline(never)
  private mutating func clear(_ at: Int, for provider: Label, _ state: inout MetricSnapshot) {
    let (last, count, firstByte) = (rows[at].provider, rows[at].count, rows[at].firstByte)
    rows[at] = Row(provider: provider)
    if count > 0 {
      let key = SeriesKey(subject: last, detail: UInt16(AttemptOutcome.success.rawValue))
      state.attempts.add(count, to: key, times: count)
    }
    if firstByte.count > 0 {
      state.upstreamFirstByte.add(firstByte, to: SeriesKey(subject: last), times: firstByte.count)
    }
  }
}
