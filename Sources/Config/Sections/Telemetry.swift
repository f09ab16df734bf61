// Logs and traces.

package struct Telemetry: Sendable, Equatable {
  package enum AccessLog: String, Sendable, Equatable, CaseIterable { case json, off }
  package enum Level: String, Sendable, Equatable, CaseIterable { case trace, debug, info, warn, error }

  package var accessLog = AccessLog.json
  package var level = Level.info
  /// Where traces go, or nil.
  package var otlp: OTLP?

  package init() {}

  static let section = Section<Telemetry>([
    Row("access_log", \.accessLog, .choice, "One line a request on stdout. Default: json."),
    Row("level", \.level, .choice, "What diagnostics on stderr say. Default: info."),
    Row(
      optional: "otlp", \.otlp, .object(OTLP.section, OTLP(endpoint: BaseURL(scheme: .http, host: ""))),
      "Where traces go.", .notYet),
  ])
}

/// Where traces go.
package struct OTLP: Sendable, Equatable {
  /// The collector's address.
  package var endpoint: BaseURL

  static let section = Section<OTLP>([
    Row("endpoint", \.endpoint, .url, "The collector's HTTP address.", isRequired: true)
  ])
}
