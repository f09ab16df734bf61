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

/// Tries that brought an answer, of the provider that was asked last: as `FrequentRow`.
struct FrequentTries: Sendable {
  private var provider = Label.none
  private var count = 0
  private var firstByte = Histogram()

  mutating func succeeded(_ provider: Label, _ state: inout MetricSnapshot) {
    if provider != self.provider { move(to: provider, &state) }
    count &+= 1
  }

  mutating func took(_ nanoseconds: Int, _ provider: Label, _ state: inout MetricSnapshot) {
    if provider != self.provider { move(to: provider, &state) }
    firstByte.observe(nanoseconds, in: Bounds.firstByte)
  }

  @inline(never)
  private mutating func move(to provider: Label, _ state: inout MetricSnapshot) {
    put(into: &state)
    self.provider = provider
  }

  mutating func put(into state: inout MetricSnapshot) {
    let key = SeriesKey(subject: provider)
    if count > 0 {
      state.attempts.add(
        count, to: SeriesKey(subject: provider, detail: UInt16(AttemptOutcome.success.rawValue)), times: count
      )
      count = 0
    }
    let observed = firstByte.count
    if observed > 0 {
      state.upstreamFirstByte.add(firstByte, to: key, times: observed)
      firstByte = Histogram()
    }
  }
}
