// The metrics as OTLP has them (opentelemetry-proto, metrics/v1/metrics.proto), made of the page that Prometheus reads:
// so both have the same names, and a new metric is in both.

package import Wire

package enum MetricsEncoder {
  /// Appends each metric of `page`, the exposition in text format 0.0.4, as a field of a ScopeMetrics message.
  ///
  /// - Parameters:
  ///   - start: when counting began, and `now`: nanoseconds since 1970.
  package static func encode(_ page: Span<UInt8>, start: UInt64, now: UInt64, into out: inout ByteQueue) {
    var family = MetricFamily(start: start, now: now)
    var at = 0
    while at < page.count {
      var end = at
      while end < page.count, page[end] != ASCII.lf { end += 1 }
      let line = page.extracting(at..<end)
      at = end + 1
      if line.extracting(first: 7).equals("# HELP ") {
        family.end(into: &out)
        family.help(line.extracting(7...))
      } else if line.extracting(first: 7).equals("# TYPE ") {
        family.type(line)
      } else if !line.isEmpty, line[0] != UInt8(ascii: "#") {
        family.sample(line)
      }
    }
    family.end(into: &out)
  }
}

/// One metric while its lines are read.
private struct MetricFamily: ~Copyable {
  private enum Kind { case gauge, sum, histogram }

  private let start: UInt64
  private let now: UInt64
  private var name: [UInt8] = []
  private var about: [UInt8] = []
  private var kind = Kind.gauge
  /// The points, each a field with the number 1.
  private var points = ByteQueue()
  private var labels = ByteQueue()
  // Of the histogram whose lines are read.
  private var bounds: [Double] = []
  private var counts: [UInt64] = []
  private var sum = 0.0

  init(start: UInt64, now: UInt64) {
    self.start = start
    self.now = now
  }

  mutating func help(_ text: Span<UInt8>) {
    let end = text.firstIndex(of: ASCII.space) ?? text.count
    name = text.extracting(0..<end).array()
    about = end < text.count ? text.extracting((end + 1)...).array() : []
    kind = .gauge
  }

  mutating func type(_ line: Span<UInt8>) {
    let word = line.extracting(((line.lastIndex(of: ASCII.space) ?? line.count - 1) + 1)...)
    kind = word.equals("counter") ? .sum : word.equals("histogram") ? .histogram : .gauge
  }

  /// Takes `NAME{LABELS} VALUE`.
  mutating func sample(_ line: Span<UInt8>) {
    guard let space = line.lastIndex(of: ASCII.space) else { return }
    let text = line.extracting((space + 1)...)
    let brace = line.firstIndex(of: UInt8(ascii: "{"))
    let nameEnd = brace ?? space
    let suffix = line.extracting(min(name.count, nameEnd)..<nameEnd)
    labels.removeAll()
    var bound: Double?
    if let brace, space > brace + 1 { bound = readLabels(line.extracting((brace + 1)..<(space - 1))) }
    let number = Double(text.text()) ?? 0
    if kind == .histogram {
      if suffix.equals("_bucket") {
        if let bound, bound.isFinite { bounds.append(bound) }
        counts.append(UInt64(exactly: number) ?? 0)
      } else if suffix.equals("_sum") {
        sum = number
      } else if suffix.equals("_count") {
        endHistogram(UInt64(exactly: number) ?? 0)
      }
      return
    }
    points.append(field: 1, length: labels.count + 27)
    points.append(field: 2, fixed64: start)
    points.append(field: 3, fixed64: now)
    if let whole = Int64(text.text()) {
      points.append(field: 6, fixed64: UInt64(bitPattern: whole))
    } else {
      points.append(field: 4, double: number)
    }
    points.append(labels.array())
  }

  private mutating func endHistogram(_ count: UInt64) {
    // Prometheus counts what is at most the bound, OTLP what is in the bucket.
    var before: UInt64 = 0
    let each = counts.map { count in
      defer { before = count }
      return count >= before ? count - before : 0
    }
    let packed = Protobuf.size(field: each.count * 8) + Protobuf.size(field: bounds.count * 8)
    points.append(field: 1, length: labels.count + 36 + packed)
    points.append(field: 2, fixed64: start)
    points.append(field: 3, fixed64: now)
    points.append(field: 4, fixed64: count)
    points.append(field: 5, double: sum)
    points.append(field: 6, length: each.count * 8)
    for value in each { points.append(littleEndian: value, bytes: 8) }
    points.append(field: 7, length: bounds.count * 8)
    for bound in bounds { points.append(littleEndian: bound.bitPattern, bytes: 8) }
    points.append(labels.array())
    bounds.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    sum = 0
  }

  /// Reads `NAME="VALUE",…` into `labels`.
  ///
  /// - Returns: the bound of a bucket, which is no label here.
  private mutating func readLabels(_ text: Span<UInt8>) -> Double? {
    var bound: Double?
    var at = 0
    while at < text.count {
      var equals = at
      while equals < text.count, text[equals] != UInt8(ascii: "=") { equals += 1 }
      let key = text.extracting(at..<equals)
      var value: [UInt8] = []
      at = equals + 2
      while at < text.count, text[at] != ASCII.quote {
        if text[at] == ASCII.backslash, at + 1 < text.count {
          at += 1
          value.append(text[at] == UInt8(ascii: "n") ? ASCII.lf : text[at])
        } else {
          value.append(text[at])
        }
        at += 1
      }
      at += 2
      if kind == .histogram, key.equals("le") {
        bound = value.span.equals("+Inf") ? .infinity : Double(value.span.text())
        continue
      }
      let inner = Protobuf.size(field: value.count)
      let field: UInt8 = kind == .histogram ? 9 : 7
      labels.append(field: field, length: Protobuf.size(field: key.count) + Protobuf.size(field: inner))
      labels.append(field: 1, bytes: key)
      labels.append(field: 2, length: inner)
      labels.append(field: 1, bytes: value.span)
    }
    return bound
  }

  /// Ends the metric; one without points is left out.
  mutating func end(into out: inout ByteQueue) {
    defer {
      points.removeAll()
      name = []
    }
    if points.isEmpty { return }
    let unit: StaticString = name.ends(with: "_seconds") ? "s" : name.ends(with: "_bytes") ? "By" : ""
    let extra = kind == .gauge ? 0 : kind == .sum ? 4 : 2
    let body = points.count + extra
    out.append(
      field: 2,
      length: Protobuf.size(field: name.count) + Protobuf.size(field: about.count)
        + Protobuf.size(field: unit.utf8CodeUnitCount) + Protobuf.size(field: body))
    out.append(field: 1, bytes: name.span)
    out.append(field: 2, bytes: about.span)
    out.append(field: 3, bytes: unit.bytes)
    out.append(field: kind == .gauge ? 5 : kind == .sum ? 7 : 9, length: body)
    out.append(points.bytes)
    // Cumulative; counters only grow.
    if kind != .gauge { out.append(field: 2, varint: 2) }
    if kind == .sum { out.append(field: 3, varint: 1) }
  }
}

extension Span<UInt8> {
  fileprivate func firstIndex(of byte: UInt8) -> Int? {
    for at in 0..<count where self[at] == byte { return at }
    return nil
  }

  fileprivate func lastIndex(of byte: UInt8) -> Int? {
    var at = count - 1
    while at >= 0 {
      if self[at] == byte { return at }
      at -= 1
    }
    return nil
  }
}

extension [UInt8] {
  fileprivate func ends(with text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length && span.extracting((count - length)...).equals(text)
  }
}
