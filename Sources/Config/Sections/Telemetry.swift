// Logs and traces.

internal import Wire

package struct Telemetry: Sendable, Equatable {
  package enum AccessLog: String, Sendable, Equatable, CaseIterable { case json, off }
  package enum Level: String, Sendable, Equatable, CaseIterable { case trace, debug, info, warn, error }

  package var accessLog = AccessLog.json
  package var level = Level.info
  /// Where traces go, as far as the file says it; the environment may say the rest (OTLPSettings.swift).
  package var otlp: OTLP?

  package init() {}

  static let section = Section<Telemetry>([
    Row("access_log", \.accessLog, .choice, "One line a request on stdout. Default: json."),
    Row("level", \.level, .choice, "What diagnostics on stderr say. Default: info."),
    Row(
      optional: "otlp", \.otlp, .object(OTLP.section, OTLP()),
      "Traces and metrics to a collector, by OTLP over HTTP. Default: as OTEL_EXPORTER_OTLP_ENDPOINT says."),
  ])
}

/// Where traces go. Nil: not said here.
package struct OTLP: Sendable, Equatable {
  /// Whose spans tell the tokens of a call, where an application tells them too.
  package enum UsageMode: String, Sendable, Equatable, CaseIterable {
    case always
    /// Only where no span of the application's is above.
    case root
    case never
  }
  package enum Compression: String, Sendable, Equatable, CaseIterable { case gzip, none }

  /// The collector's base address, or that of its traces.
  package var endpoint: BaseURL?
  package var headers: [ProviderHeader] = []
  /// The share of the traces that begin here which is exported, from 0 to 1.
  package var sample: Double?
  package var usage = UsageMode.always
  /// How often metrics are sent; zero: never.
  package var metrics = Duration.zero
  package var tls = ProviderTLS()
  package var compression: Compression?
  package var timeout: Duration?

  package init() {}

  static let section = Section<OTLP>(
    [
      Row(
        optional: "endpoint", \.endpoint, .url,
        "The collector's base address, such as http://otel-collector:4318; /v1/traces is added where it isn't there."
      ),
      Row("headers", \.headers, .headers, "Headers of each export; values may be { file: } or { env: }."),
      Row(
        optional: "sample", \.sample, .share,
        "The share of the traces that begin here which is exported, 0 to 1. Default: 1.0."),
      Row(
        "usage", \.usage, .choice,
        "Whether spans tell tokens: root: only where no span of the application's is above. Default: always."),
      Row("metrics", \.metrics, .intervalOrOff, "How often metrics are sent too. Default: off."),
      Row("tls", \.tls, ProviderTLS.section, "How the collector's certificate is checked."),
      Row(optional: "compression", \.compression, .choice, "Default: gzip."),
      Row(
        optional: "timeout", \.timeout, .duration(.milliseconds(100)...Defaults.timeout),
        "Ceiling of one export. Default: 10s."),
    ],
    check: { otlp, fields, place, decoder in
      guard let endpoint = otlp.endpoint else {
        if fields["endpoint"] == nil, !OTLPSettings.namesEndpoint(decoder.environment) {
          decoder.problem(
            "\(place.title) needs the key 'endpoint', such as http://otel-collector:4318, or the variable "
              + "OTEL_EXPORTER_OTLP_ENDPOINT", at: fields.position)
        }
        return
      }
      if endpoint.port == OTLPSettings.grpcPort {
        decoder.warning(
          "\(place.prefix)endpoint has the port of OTLP over gRPC, 4317; Remora speaks OTLP over HTTP, mostly at 4318",
          at: fields["endpoint"]?.position)
      }
      if endpoint.scheme == .http, !BaseURL.isLocal(endpoint.host) {
        decoder.warning(
          "\(place.prefix)endpoint sends traces and headers without encryption to a public name; use https",
          at: fields["endpoint"]?.position)
      }
    })
}

extension Form where Value == Double {
  /// A number from 0 to 1.
  fileprivate static var share: Form {
    Form(
      .number,
      read: { decoder, node, what in
        guard let number = decoder.number(node, of: what) else { return nil }
        if number <= 1 { return number }
        decoder.problem("\(what) must be from 0 to 1, not \(Decoder.kind(node))", at: node.position)
        return nil
      },
      write: { $2.member($1, $0) })
  }
}

extension Form where Value == Duration {
  /// A span of time between two exports, or none.
  fileprivate static var intervalOrOff: Form {
    let span = Duration.seconds(1)...Defaults.timeout
    return Form(
      .either([.words(["off"]), .duration]),
      read: { decoder, node, what in
        // `off` is a boolean to some writers of YAML.
        if case .scalar(let text, _) = node.kind, text == "off" || text == "false" { return .zero }
        return decoder.duration(node, of: what, in: span)
      },
      write: { value, name, writer in
        writer.member(name, value == .zero ? "off" : Quantity.text(value))
      })
  }
}
