// A snapshot as Prometheus reads it: text 0.0.4, or OpenMetrics 1.0 where the scraper asks for that.
//
// The two differ in a few spellings only, so one pass writes both. Off the hot path, but not slow: a scrape
// at the ceiling of every metric is a few hundred kilobytes and no parsing. Which format: Negotiation.swift.

package import Wire

package enum Exposition {
  package enum Format: Sendable {
    case prometheusText, openMetrics

    /// Exact: Prometheus 3 fails a scrape whose content type it doesn't know.
    package var contentType: StaticString {
      switch self {
      case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  /// Appends the whole exposition. A family without samples is announced all the same, so that its name can
  /// be found before the first event.
  package static func write(_ snapshot: MetricSnapshot, _ format: Format, into out: inout ByteQueue) {
    let page = Page(format: format, names: snapshot.names)
    if let build = snapshot.build { page.build(build, into: &out) }
    page.rows(.requests, snapshot.requests, into: &out)
    page.histograms(
      .duration, snapshot.duration, Bounds.duration, snapshot.durationExemplars, into: &out)
    page.histograms(
      .firstToken, snapshot.firstToken, Bounds.firstToken, snapshot.firstTokenExemplars, into: &out)
    page.histograms(.overhead, snapshot.overhead, Bounds.overhead, into: &out)
    page.single(.inFlight, max(snapshot.requestsInFlight, 0), into: &out)
    page.rows(.tokens, snapshot.tokens, into: &out)
    page.dollars(.cost, snapshot.cost, into: &out)
    page.rows(.unpriced, snapshot.unpriced, into: &out)
    page.rows(.tokensEstimated, snapshot.tokensEstimated, into: &out)
    page.rows(.usageMissing, snapshot.usageMissing, into: &out)
    page.rows(.requestBytes, snapshot.requestBytes, into: &out)
    page.rows(.responseBytes, snapshot.responseBytes, into: &out)
    page.rows(.streamsEnded, snapshot.streamsEnded, into: &out)
    page.rows(.attempts, snapshot.attempts, into: &out)
    page.histograms(.upstreamFirstByte, snapshot.upstreamFirstByte, Bounds.firstByte, into: &out)
    page.histograms(.upstreamConnect, snapshot.upstreamConnect, Bounds.connect, into: &out)
    page.histograms(.outputSpeed, snapshot.outputSpeed, Bounds.speed, into: &out)
    page.rows(.retries, snapshot.retries, into: &out)
    page.rows(.fallbacks, snapshot.fallbacks, into: &out)
    page.targets(snapshot.targets, into: &out)
    page.rows(.refreshes, snapshot.refreshes, into: &out)
    page.rows(.connections, snapshot.connections, into: &out)
    page.rows(.tlsResumed, snapshot.tlsResumed, into: &out)
    page.rows(.droppedFields, snapshot.droppedFields, into: &out)
    page.rows(.unknownSaid, snapshot.unknownSaid, into: &out)
    page.single(.clientConnections, max(snapshot.clientConnections, 0), into: &out)
    page.rows(.evicted, snapshot.evicted, into: &out)
    page.rows(.refused, snapshot.refused, into: &out)
    page.rows(.cache, snapshot.cache, into: &out)
    page.rows(.rejections, snapshot.rejections, into: &out)
    page.rows(.limited, snapshot.limited, into: &out)
    page.allowances(snapshot.allowances, into: &out)
    if let isUp = snapshot.sharedUp { page.single(.sharedUp, isUp ? 1 : 0, into: &out) }
    page.state(snapshot.stateProblems, into: &out)
    page.rows(.policyActions, snapshot.policyActions, into: &out)
    page.rows(.policyFindings, snapshot.policyFindings, into: &out)
    page.rows(.policyScanned, snapshot.policyScanned, into: &out)
    page.histograms(.policyScan, snapshot.policyScan, Bounds.overhead, into: &out)
    page.single(.policyUnrestored, snapshot.policyUnrestored, into: &out)
    page.rows(.policyUnscanned, snapshot.policyUnscanned, into: &out)
    page.audit(snapshot, into: &out)
    if let exports = snapshot.exports { page.exports(exports, into: &out) }
    page.certificates(snapshot, into: &out)
    page.single(.memoryLimit, snapshot.memoryLimit, into: &out)
    page.single(.memoryUsed, snapshot.memoryUsed, into: &out)
    page.single(.draining, snapshot.isDraining ? 1 : 0, into: &out)
    if let config = snapshot.config { page.config(config, into: &out) }
    page.folded(snapshot, into: &out)
    page.single(.logLinesDropped, snapshot.logLinesDropped, into: &out)
    if let process = snapshot.process { page.process(process, into: &out) }
    if format == .openMetrics { out.append("# EOF\n") }
  }
}

/// What every line of one exposition needs to know.
struct Page {
  let format: Exposition.Format
  let names: NameTable

  // MARK: families

  func rows(_ family: Family, _ series: Series<Int>, into out: inout ByteQueue) {
    announce(family, into: &out)
    for row in 0..<series.count {
      sample(family, family.suffix, series.keys[row], into: &out)
      out.append(ASCII.space)
      out.append(decimal: series.values[row])
      out.append(ASCII.lf)
    }
  }

  /// Money that is counted in pico-dollars.
  func dollars(_ family: Family, _ series: Series<Int>, into out: inout ByteQueue) {
    announce(family, into: &out)
    for row in 0..<series.count {
      sample(family, family.suffix, series.keys[row], into: &out)
      out.append(ASCII.space)
      out.append(series.values[row], places: 12)
      out.append(ASCII.lf)
    }
  }

  func histograms(
    _ family: Family, _ series: Series<Histogram>, _ bounds: [Bound], _ exemplars: Exemplars? = nil,
    into out: inout ByteQueue
  ) {
    announce(family, into: &out)
    for row in 0..<series.count {
      let key = series.keys[row]
      let histogram = series.values[row]
      var below = 0
      for at in 0..<min(bounds.count, Histogram.width - 1) {
        below = saturated(below, plus: histogram.counts[at])
        bucket(family, key, bounds[at].text, below, exemplars?[key, at], into: &out)
      }
      let count = histogram.count
      bucket(family, key, "+Inf", count, exemplars?[key, bounds.count], into: &out)
      sample(family, "_sum", key, into: &out)
      out.append(ASCII.space)
      out.append(seconds: histogram.sumNanoseconds)
      out.append(ASCII.lf)
      sample(family, "_count", key, into: &out)
      out.append(ASCII.space)
      out.append(decimal: count)
      out.append(ASCII.lf)
    }
  }

  func single(_ family: Family, _ value: Int, into out: inout ByteQueue) {
    announce(family, into: &out)
    name(family, into: &out)
    out.append(ASCII.space)
    out.append(decimal: value)
    out.append(ASCII.lf)
  }

  func singleSeconds(_ family: Family, _ nanoseconds: Int, into out: inout ByteQueue) {
    announce(family, into: &out)
    name(family, into: &out)
    out.append(ASCII.space)
    out.append(seconds: nanoseconds)
    out.append(ASCII.lf)
  }

  func build(_ build: BuildInfo, into out: inout ByteQueue) {
    announce(.build, into: &out)
    name(.build, into: &out)
    out.append("{version=\"")
    escape(build.version, into: &out)
    out.append("\",revision=\"")
    escape(build.revision, into: &out)
    out.append("\",openssl=\"")
    escape(build.openssl, into: &out)
    out.append("\"} 1\n")
  }

  func config(_ config: ConfigHealth, into out: inout ByteQueue) {
    announce(.reloads, into: &out)
    for result in ReloadResult.allCases {
      sample(.reloads, "_total", SeriesKey(detail: UInt16(result.rawValue)), into: &out)
      out.append(ASCII.space)
      out.append(decimal: config.count(result))
      out.append(ASCII.lf)
    }
    single(.lastReloadSuccessful, config.isLastReloadSuccessful ? 1 : 0, into: &out)
    singleSeconds(.lastReloadSuccess, config.lastSuccessUnixNanoseconds, into: &out)
    announce(.watchMode, into: &out)
    if let watch = config.watch {
      sample(.watchMode, "", SeriesKey(detail: UInt16(watch.rawValue)), into: &out)
      out.append(" 1\n")
    }
    announce(.config, into: &out)
    if config.sha256.isEmpty { return }
    name(.config, into: &out)
    out.append("{sha256=\"")
    escape(config.sha256, into: &out)
    out.append("\"} 1\n")
  }

  func folded(_ snapshot: MetricSnapshot, into out: inout ByteQueue) {
    announce(.foldedLabelSets, into: &out)
    folded(.requests, snapshot.requests.folded, into: &out)
    folded(.duration, snapshot.duration.folded, into: &out)
    folded(.firstToken, snapshot.firstToken.folded, into: &out)
    folded(.tokens, snapshot.tokens.folded, into: &out)
    folded(.cost, snapshot.cost.folded, into: &out)
    folded(.unpriced, snapshot.unpriced.folded, into: &out)
    folded(.usageMissing, snapshot.usageMissing.folded, into: &out)
    folded(.attempts, snapshot.attempts.folded, into: &out)
    folded(.retries, snapshot.retries.folded, into: &out)
    folded(.fallbacks, snapshot.fallbacks.folded, into: &out)
    folded(.refreshes, snapshot.refreshes.folded, into: &out)
    folded(.connections, snapshot.connections.folded, into: &out)
    folded(.tlsResumed, snapshot.tlsResumed.folded, into: &out)
    folded(.droppedFields, snapshot.droppedFields.folded, into: &out)
    folded(.unknownSaid, snapshot.unknownSaid.folded, into: &out)
    folded(.policyActions, snapshot.policyActions.folded, into: &out)
    folded(.policyFindings, snapshot.policyFindings.folded, into: &out)
  }

  private func folded(_ family: Family, _ count: Int, into out: inout ByteQueue) {
    name(.foldedLabelSets, into: &out)
    out.append("{metric=\"")
    name(family, into: &out)
    out.append("\"} ")
    out.append(decimal: count)
    out.append(ASCII.lf)
  }

  func process(_ process: ProcessFacts, into out: inout ByteQueue) {
    singleSeconds(.cpu, process.cpuNanoseconds, into: &out)
    single(.residentMemory, process.residentBytes, into: &out)
    single(.virtualMemory, process.virtualBytes, into: &out)
    if let open = process.openDescriptors { single(.openDescriptors, open, into: &out) }
    if let most = process.maxDescriptors { single(.maxDescriptors, most, into: &out) }
    singleSeconds(.startTime, process.startUnixNanoseconds, into: &out)
    single(.threads, process.threads, into: &out)
  }

  // MARK: lines

  func announce(_ family: Family, into out: inout ByteQueue) {
    out.append("# HELP ")
    announcedName(family, into: &out)
    out.append(ASCII.space)
    out.append(family.help)
    out.append("\n# TYPE ")
    announcedName(family, into: &out)
    switch family.kind {
    case .counter: out.append(" counter\n")
    case .gauge: out.append(" gauge\n")
    case .histogram: out.append(" histogram\n")
    // A gauge in both formats, so that the family is called as its series is.
    case .info: out.append(" gauge\n")
    }
    if format == .openMetrics, family.unit.utf8CodeUnitCount > 0 {
      out.append("# UNIT ")
      announcedName(family, into: &out)
      out.append(ASCII.space)
      out.append(family.unit)
      out.append(ASCII.lf)
    }
  }

  /// OpenMetrics announces `remora_requests`, the text format `remora_requests_total`.
  private func announcedName(_ family: Family, into out: inout ByteQueue) {
    out.append(family.name)
    if format == .prometheusText || family.kind == .info { out.append(family.suffix) }
  }

  func name(_ family: Family, into out: inout ByteQueue) {
    out.append(family.name)
    out.append(family.suffix)
  }

  private func bucket(
    _ family: Family, _ key: SeriesKey, _ bound: StaticString, _ count: Int, _ exemplar: Exemplar?,
    into out: inout ByteQueue
  ) {
    sample(family, "_bucket", key, bound: bound, into: &out)
    out.append(ASCII.space)
    out.append(decimal: count)
    // The text format 0.0.4 has no word for it.
    if format == .openMetrics, let exemplar {
      out.append(" # {trace_id=\"")
      exemplar.trace.writeTrace(into: &out)
      out.append("\"} ")
      out.append(seconds: exemplar.nanoseconds)
      out.append(ASCII.space)
      out.append(seconds: exemplar.unixNanoseconds)
    }
    out.append(ASCII.lf)
  }

  /// A sample's name and labels.
  private func sample(
    _ family: Family, _ suffix: StaticString, _ key: SeriesKey, bound: StaticString? = nil,
    into out: inout ByteQueue
  ) {
    out.append(family.name)
    out.append(suffix)
    var opening = UInt8(ascii: "{")
    for dimension in family.dimensions {
      out.append(opening)
      opening = ASCII.comma
      label(dimension, of: key, into: &out)
      out.append(ASCII.quote)
    }
    if let bound {
      out.append(opening)
      opening = ASCII.comma
      out.append("le=\"")
      out.append(bound)
      out.append(ASCII.quote)
    }
    if opening == ASCII.comma { out.append(UInt8(ascii: "}")) }
  }

  /// A label up to, but not including, its closing quote.
  private func label(_ dimension: Dimension, of key: SeriesKey, into out: inout ByteQueue) {
    switch dimension {
    case .endpoint:
      out.append("endpoint=\"")
      out.append(key.endpoint.name)
    case .provider:
      out.append("provider=\"")
      LabelText.append(names.name(key.subject), into: &out)
    case .policy:
      out.append("policy=\"")
      LabelText.append(names.name(key.subject), into: &out)
    case .entity:
      out.append("entity=\"")
      LabelText.append(names.name(key.model), into: &out)
    case .model:
      out.append("model=\"")
      LabelText.append(names.name(key.model), into: &out)
    case .from:
      out.append("from=\"")
      LabelText.append(names.name(key.subject), into: &out)
    case .to:
      out.append("to=\"")
      LabelText.append(names.name(key.model), into: &out)
    case .code:
      out.append("code=\"")
      if key.detail == 0 { out.append("other") } else { out.append(decimal: Int(key.detail)) }
    case .detail(let name, let value):
      out.append(name)
      out.append("=\"")
      out.append(value(key.detail))
    }
  }

  func escape(_ text: String, into out: inout ByteQueue) {
    LabelText.append(Array(text.utf8).span, into: &out)
  }
}

/// Text between the quotes of a label.
enum LabelText {
  /// Escapes backslash, quote and line feed (text format 0.0.4), and replaces what is not UTF-8.
  static func append(_ text: Span<UInt8>, into out: inout ByteQueue) {
    var at = 0
    while at < text.count {
      let length = UTF8Form.length(of: text, at: at)
      switch text[at] {
      case _ where length == 0: out.append(UTF8Form.replacement)
      case ASCII.backslash: out.append("\\\\")
      case ASCII.quote: out.append("\\\"")
      case ASCII.lf: out.append("\\n")
      default: out.append(text.extracting(at..<at + length))
      }
      at += max(length, 1)
    }
  }
}
