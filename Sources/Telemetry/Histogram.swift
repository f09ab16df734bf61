// Where durations fall: fixed buckets, whole nanoseconds, no floating point.

/// The upper edge of a bucket.
struct Bound: Sendable {
  let nanoseconds: Int
  /// The `le` label, as Go's `%g` writes it, which OpenMetrics 1.0 ("Canonical Numbers") asks for.
  let text: StaticString

  init(_ nanoseconds: Int, _ text: StaticString) {
    self.nanoseconds = nanoseconds
    self.text = text
  }
}

/// The buckets of each histogram; at most `Histogram.width - 1` of them.
enum Bounds {
  /// 10 ms to 11 minutes, each twice the one before: reasoning calls take longer than a web server's ever do.
  static let duration = [
    Bound(10_000_000, "0.01"), Bound(20_000_000, "0.02"), Bound(40_000_000, "0.04"),
    Bound(80_000_000, "0.08"), Bound(160_000_000, "0.16"), Bound(320_000_000, "0.32"),
    Bound(640_000_000, "0.64"), Bound(1_280_000_000, "1.28"), Bound(2_560_000_000, "2.56"),
    Bound(5_120_000_000, "5.12"), Bound(10_240_000_000, "10.24"), Bound(20_480_000_000, "20.48"),
    Bound(40_960_000_000, "40.96"), Bound(81_920_000_000, "81.92"),
    Bound(163_840_000_000, "163.84"), Bound(327_680_000_000, "327.68"),
    Bound(655_360_000_000, "655.36"),
  ]
  /// The same start, to 164 s: what takes longer to begin has failed.
  static let firstToken = Array(duration.prefix(15))
  /// 10 ms to 164 s, as `firstToken`: what an attempt waits for a provider.
  static let firstByte = firstToken
  /// 0.5 ms to 8 s: a connection within a zone, and one over a bad network.
  static let connect = [
    Bound(500_000, "0.0005"), Bound(1_000_000, "0.001"), Bound(2_000_000, "0.002"), Bound(4_000_000, "0.004"),
    Bound(8_000_000, "0.008"), Bound(16_000_000, "0.016"), Bound(32_000_000, "0.032"),
    Bound(64_000_000, "0.064"), Bound(128_000_000, "0.128"), Bound(256_000_000, "0.256"),
    Bound(512_000_000, "0.512"), Bound(1_024_000_000, "1.024"), Bound(2_048_000_000, "2.048"),
    Bound(4_096_000_000, "4.096"), Bound(8_192_000_000, "8.192"),
  ]
  /// Tokens a second, counted in billionths as seconds are.
  static let speed = [
    Bound(1_000_000_000, "1"), Bound(2_000_000_000, "2"), Bound(5_000_000_000, "5"),
    Bound(10_000_000_000, "10"), Bound(20_000_000_000, "20"), Bound(50_000_000_000, "50"),
    Bound(100_000_000_000, "100"), Bound(200_000_000_000, "200"), Bound(500_000_000_000, "500"),
  ]
  /// 25 µs to 50 ms: time spent in Remora itself.
  static let overhead = [
    Bound(25000, "2.5e-05"), Bound(50000, "5e-05"), Bound(100_000, "0.0001"),
    Bound(250_000, "0.00025"), Bound(500_000, "0.0005"), Bound(1_000_000, "0.001"),
    Bound(2_500_000, "0.0025"), Bound(5_000_000, "0.005"), Bound(10_000_000, "0.01"),
    Bound(50_000_000, "0.05"),
  ]
}

/// Counts per bucket, each observation in exactly one, and the sum of all.
struct Histogram: Sendable {
  /// Buckets there is room for, the one up to infinity included.
  static let width = 18
  /// 104 days; a clock that claims more is wrong, and the sum shall not suffer from it.
  private static let longest = 1 << 53

  private(set) var counts = InlineArray<18, Int>(repeating: 0)
  private(set) var sumNanoseconds = 0

  /// - Returns: the bucket.
  @discardableResult
  mutating func observe(_ nanoseconds: Int, in bounds: [Bound]) -> Int {
    let value = min(max(nanoseconds, 0), Self.longest)
    var at = 0
    while at < bounds.count, at < Self.width - 1, value > bounds[at].nanoseconds { at += 1 }
    counts[at] = saturated(counts[at], plus: 1)
    sumNanoseconds = saturated(sumNanoseconds, plus: value)
    return at
  }

  mutating func merge(_ other: Histogram) {
    for at in 0..<Self.width { counts[at] = saturated(counts[at], plus: other.counts[at]) }
    sumNanoseconds = saturated(sumNanoseconds, plus: other.sumNanoseconds)
  }

  var count: Int {
    var total = 0
    for at in 0..<Self.width { total = saturated(total, plus: counts[at]) }
    return total
  }
}
