// The last sampled trace that each bucket of a histogram has counted: what leads from a slow bucket to one slow request
// (OpenMetrics 1.0, "Exemplars"). There are none where no traces are exported.

/// One request that a bucket has counted.
struct Exemplar: Sendable {
  var trace: TraceIDs
  var nanoseconds: Int
  var unixNanoseconds: Int

  init(_ trace: (ids: TraceIDs, unixNanoseconds: Int), _ nanoseconds: Int) {
    self.trace = trace.ids
    unixNanoseconds = trace.unixNanoseconds
    self.nanoseconds = max(nanoseconds, 0)
  }
}

/// A bucket of one label set.
struct ExemplarKey: Hashable, Sendable {
  let series: SeriesKey
  let bucket: UInt8
}

/// The exemplars of one histogram.
struct Exemplars: Sendable {
  /// Buckets that have one: those of fifty label sets in a few buckets each.
  private static let ceiling = 512

  private var all: [ExemplarKey: Exemplar] = [:]

  subscript(series: SeriesKey, bucket: Int) -> Exemplar? {
    all.isEmpty ? nil : all[ExemplarKey(series: series, bucket: UInt8(truncatingIfNeeded: bucket))]
  }

  mutating func note(_ series: SeriesKey, bucket: Int, _ exemplar: Exemplar) {
    let key = ExemplarKey(series: series, bucket: UInt8(truncatingIfNeeded: bucket))
    if all.count < Self.ceiling || all[key] != nil { all[key] = exemplar }
  }

  /// Takes in those of another worker; of two the newer one stays.
  ///
  /// - Parameter labels: this side's label for each of the other side's.
  mutating func merge(_ other: Exemplars, labels: [Label]) {
    func own(_ label: Label) -> Label { Int(label.id) < labels.count ? labels[Int(label.id)] : .other }
    for (key, exemplar) in other.all {
      let series = SeriesKey(
        endpoint: key.series.endpoint, subject: own(key.series.subject), model: own(key.series.model),
        detail: key.series.detail)
      let place = ExemplarKey(series: series, bucket: key.bucket)
      if let known = all[place], known.unixNanoseconds >= exemplar.unixNanoseconds { continue }
      all[place] = exemplar
    }
  }
}
