// What the exporter of traces and metrics has counted: the metrics `remora_otlp_…`.

internal import Wire

package struct ExportGauge: Sendable {
  package var sent = 0
  package var dropped = 0
  package var rejected = 0
  /// Spans that wait.
  package var queued = 0
  /// Exports by their answer's status; 0: there was none. Collectors have few, and the rest is counted as one.
  package private(set) var codes: [(code: Int, count: Int)] = []
  private static let codeCeiling = 16

  package init() {}

  package mutating func note(code: Int) {
    if let at = codes.firstIndex(where: { $0.code == code }) {
      codes[at].count = saturated(codes[at].count, plus: 1)
    } else if codes.count < Self.codeCeiling {
      codes.append((code, 1))
    } else {
      codes[codes.count - 1].count = saturated(codes[codes.count - 1].count, plus: 1)
    }
  }
}

extension Page {
  func exports(_ gauge: ExportGauge, into out: inout ByteQueue) {
    announce(.otlpSpans, into: &out)
    for (result, count) in [
      ("sent" as StaticString, gauge.sent), ("dropped", gauge.dropped), ("rejected", gauge.rejected),
    ] {
      name(.otlpSpans, into: &out)
      out.append("{result=\"")
      out.append(result)
      out.append("\"} ")
      out.append(decimal: count)
      out.append(ASCII.lf)
    }
    announce(.otlpExports, into: &out)
    for (code, count) in gauge.codes {
      name(.otlpExports, into: &out)
      out.append("{code=\"")
      if code == 0 { out.append("none") } else { out.append(decimal: code) }
      out.append("\"} ")
      out.append(decimal: count)
      out.append(ASCII.lf)
    }
    single(.otlpQueue, gauge.queued, into: &out)
  }
}
