// The rows of one metric: label sets and what was counted under them, under a ceiling.
//
// Managed Prometheus services count series by the thousand pods, so a pod may not grow without end: past the
// ceiling a label set is counted under model `other`, and then under `other` altogether.

/// One label set. What a family doesn't use stays zero.
struct SeriesKey: Hashable, Sendable {
  /// Endpoint, subject (a provider or a policy), model and detail, from the top bits down.
  private(set) var packed: UInt64

  /// - Parameter detail: a value of the family's own vocabulary: a status, a token kind, an outcome.
  init(
    endpoint: Endpoint = .other, subject: Label = .none, model: Label = .none, detail: UInt16 = 0
  ) {
    packed =
      UInt64(endpoint.rawValue) << 48 | UInt64(subject.id) << 32 | UInt64(model.id) << 16
      | UInt64(detail)
  }

  var endpoint: Endpoint { Endpoint(rawValue: UInt8(truncatingIfNeeded: packed >> 48)) ?? .other }
  var subject: Label { Label(id: UInt16(truncatingIfNeeded: packed >> 32)) }
  var model: Label { Label(id: UInt16(truncatingIfNeeded: packed >> 16)) }
  var detail: UInt16 { UInt16(truncatingIfNeeded: packed) }
}

/// The rows of one metric.
struct Series<Value: Sendable>: Sendable {
  /// Label sets of one metric, those of `other` included.
  static var ceiling: Int { 200 }
  /// Rows that may carry a model's own name, then rows that may carry a provider's. What is left of the
  /// ceiling is for the rows that are `other` altogether, one per detail.
  private static var modelCeiling: Int { 160 }
  private static var subjectCeiling: Int { 180 }

  private(set) var keys: [SeriesKey] = []
  var values: [Value] = []
  /// Observations that were counted under a wider label set than their own.
  private(set) var folded = 0
  /// Open addressing: a row's number and one, or zero where free. Never more than half full.
  private var slots = [UInt16](repeating: 0, count: 512)
  private let zero: Value
  /// Whether the detail survives in the last rows: so for a closed vocabulary of at most 20 values.
  private let keepsDetail: Bool

  init(zero: Value, keepsDetail: Bool = true, details: Range<UInt16> = 0..<0) {
    self.zero = zero
    self.keepsDetail = keepsDetail
    // A counter that is there from the start lets `rate` see its first event.
    for detail in details { _ = place(SeriesKey(detail: detail)) }
  }

  var count: Int { keys.count }

  /// The row of `key`, made if need be, or the row that stands in for it.
  mutating func place(_ key: SeriesKey) -> Int {
    let slot = slot(for: key)
    return slots[slot] != 0 ? Int(slots[slot]) - 1 : make(key, at: slot)
  }

  /// As `place`, for several observations at once: each that is counted under a wider label set is noted.
  mutating func place(_ key: SeriesKey, times: Int) -> Int {
    let before = folded
    let row = place(key)
    if folded != before { folded = before &+ times }
    return row
  }

  // Apart, so that the row which is there is found without what this needs.
  @inline(never)
  private mutating func make(_ key: SeriesKey, at slot: Int) -> Int {
    var slot = slot
    if count < Self.modelCeiling { return insert(key, at: slot) }
    folded &+= 1
    let anyModel = SeriesKey(
      endpoint: key.endpoint, subject: key.subject, model: key.model == .none ? .none : .other,
      detail: key.detail)
    slot = self.slot(for: anyModel)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    if count < Self.subjectCeiling { return insert(anyModel, at: slot) }
    let last = SeriesKey(subject: .other, model: .other, detail: keepsDetail ? key.detail : 0)
    slot = self.slot(for: last)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    return insert(last, at: slot)
  }

  /// Takes in the rows of another worker's series.
  /// - Parameter labels: this side's label for each of the other side's.
  mutating func merge(
    _ other: Series, labels: [Label], combine: (inout Value, Value) -> Void
  ) {
    let folded = self.folded &+ other.folded
    for row in 0..<other.count {
      let key = other.keys[row]
      let own = SeriesKey(
        endpoint: key.endpoint, subject: Self.own(key.subject, labels),
        model: Self.own(key.model, labels), detail: key.detail)
      let at = place(own)
      combine(&values[at], other.values[row])
    }
    // Rows folded here are folded again at each scrape: only the shards' own counts only ever grow.
    self.folded = folded
  }

  private static func own(_ label: Label, _ labels: [Label]) -> Label {
    Int(label.id) < labels.count ? labels[Int(label.id)] : .other
  }

  private mutating func insert(_ key: SeriesKey, at slot: Int) -> Int {
    // Can't be reached with the vocabularies there are; a wrong row is better than a full table.
    if count >= slots.count / 2 { return 0 }
    keys.append(key)
    values.append(zero)
    slots[slot] = UInt16(keys.count)
    return keys.count - 1
  }

  @inline(__always) private func slot(for key: SeriesKey) -> Int {
    // Fibonacci hashing: the product's top bits depend on every bit of the key.
    var at = Int(truncatingIfNeeded: (key.packed &* 0x9E37_79B9_7F4A_7C15) >> 55)
    while slots[at] != 0, keys[Int(slots[at]) - 1] != key { at = (at + 1) & 511 }
    return at
  }
}

extension Series<Int> {
  /// Adds to a counter or a gauge; stays at the end of the range rather than trap.
  mutating func add(_ amount: Int, to key: SeriesKey) {
    let at = place(key)
    values[at] = saturated(values[at], plus: amount)
  }

  /// Adds what several events have come to.
  mutating func add(_ amount: Int, to key: SeriesKey, times: Int) {
    let at = place(key, times: times)
    values[at] = saturated(values[at], plus: amount)
  }
}

extension Series<Histogram> {
  /// Adds what several observations have come to.
  mutating func add(_ histogram: Histogram, to key: SeriesKey, times: Int) {
    let at = place(key, times: times)
    values[at].merge(histogram)
  }
}

/// The sum, or the end of the range it would leave.
func saturated(_ value: Int, plus amount: Int) -> Int {
  let (sum, overflow) = value.addingReportingOverflow(amount)
  return overflow ? (amount < 0 ? .min : .max) : sum
}
