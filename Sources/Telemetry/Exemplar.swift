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

/// The exemplars of one histogram: a table like that of `Series`, and nothing of it where none is noted.
struct Exemplars: Sendable {
  /// Buckets that have one: those of fifty label sets in a few buckets each.
  private static let ceiling = 512

  /// A bucket of one label set.
  private struct Key: Equatable {
    let series: SeriesKey
    let bucket: UInt8
  }

  private var keys: [Key] = []
  private var values: [Exemplar] = []
  /// Open addressing: a row's number and one, or zero where free. Never more than half full.
  private var slots: [UInt16] = []

  subscript(series: SeriesKey, bucket: Int) -> Exemplar? {
    if keys.isEmpty { return nil }
    let row = slots[slot(for: Key(series: series, bucket: UInt8(truncatingIfNeeded: bucket)))]
    return row == 0 ? nil : values[Int(row) - 1]
  }

  mutating func note(_ series: SeriesKey, bucket: Int, _ exemplar: Exemplar) {
    note(Key(series: series, bucket: UInt8(truncatingIfNeeded: bucket)), exemplar)
  }

  private mutating func note(_ key: Key, _ exemplar: Exemplar) {
    if slots.isEmpty { slots = [UInt16](repeating: 0, count: Self.ceiling * 2) }
    let slot = slot(for: key)
    if slots[slot] != 0 {
      values[Int(slots[slot]) - 1] = exemplar
    } else if keys.count < Self.ceiling {
      keys.append(key)
      values.append(exemplar)
      slots[slot] = UInt16(keys.count)
    }
  }

  @inline(__always) private func slot(for key: Key) -> Int {
    // The product's top ten bits depend on every bit of the key; a series has none where the bucket goes.
    let packed = key.series.packed ^ UInt64(key.bucket) << 56
    var at = Int(truncatingIfNeeded: (packed &* 0x9E37_79B9_7F4A_7C15) >> 54)
    while slots[at] != 0, keys[Int(slots[at]) - 1] != key { at = (at + 1) & (Self.ceiling * 2 - 1) }
    return at
  }

  /// Takes in those of another worker; of two the newer one stays.
  ///
  /// - Parameter labels: this side's label for each of the other side's.
  mutating func merge(_ other: Exemplars, labels: [Label]) {
    func own(_ label: Label) -> Label { Int(label.id) < labels.count ? labels[Int(label.id)] : .other }
    for (key, exemplar) in zip(other.keys, other.values) {
      let series = SeriesKey(
        endpoint: key.series.endpoint, subject: own(key.series.subject), model: own(key.series.model),
        detail: key.series.detail)
      if let known = self[series, Int(key.bucket)], known.unixNanoseconds >= exemplar.unixNanoseconds {
        continue
      }
      note(Key(series: series, bucket: key.bucket), exemplar)
    }
  }
}
