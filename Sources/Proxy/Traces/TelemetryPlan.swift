// Where a configuration's traces and metrics go, ready to be sent: addresses, headers, TLS, the resource, the sampling.

internal import Config
internal import HTTP
internal import Telemetry
internal import Transport
internal import Wire

/// What a snapshot exports. Immutable.
final class TelemetryPlan: Sendable {
  /// Where one kind of telemetry goes.
  final class Destination: Sendable {
    let place: FetchPlace
    /// Each header's name, and its value, which may be a secret.
    let fields: [(name: [UInt8], value: Secret)]
    let isCompressed: Bool
    let timeout: Interval

    init(
      _ signal: OTLPSettings.Signal, _ environment: Environment, _ contexts: inout TLSContexts
    ) throws(SnapshotFault) {
      var tls: TLSContext?
      if signal.url.scheme == .https {
        do throws(TLSFileFault) {
          tls = try contexts.client(
            TLSProfile(
              caFile: signal.tls.caFile, certificateFile: signal.tls.certFile, keyFile: signal.tls.keyFile))
        } catch { throw SnapshotFault(message: "telemetry.otlp: \(error.message)") }
      }
      let base = BaseURL(scheme: signal.url.scheme, host: signal.url.host, port: signal.url.port)
      place = FetchPlace(base, target: signal.target, serverName: signal.tls.serverName, tls: tls)
      isCompressed = signal.isCompressed
      timeout = Interval(signal.timeout)
      var fields: [(name: [UInt8], value: Secret)] = []
      for header in signal.headers {
        do throws(SecretFault) {
          switch header.value {
          case .text(let text):
            fields.append((Array(header.name.utf8), try Secret(Array(text.utf8).span, as: .value)))
          case .secret(let source):
            guard let secret = try Secret.load(source, as: .value, from: environment) else { continue }
            fields.append((Array(header.name.utf8), secret))
          }
        } catch { throw SnapshotFault(message: "telemetry.otlp header '\(header.name)': \(error.message)") }
      }
      for (name, value) in signal.ownHeaders where Self.isName(name) {
        // A value that would break the head is left out; the collector's answer says what is missing.
        guard let secret = try? Secret(Array(value.utf8).span, as: .value) else { continue }
        fields.append((Array(name.utf8), secret))
      }
      self.fields = fields
    }

    private static func isName(_ name: String) -> Bool {
      !name.isEmpty && name.utf8.allSatisfy { ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") }
    }
  }

  let traces: Destination?
  let metrics: Destination?
  /// Between two exports of metrics.
  let interval: Interval
  let sampling: Sampling
  let usage: OTLP.UsageMode
  /// The resource, encoded.
  let resource: [UInt8]
  let queue: Int
  let batch: Int
  let delay: Interval

  /// Nil where nothing is exported.
  init?(
    _ settings: Settings, _ environment: Environment, _ contexts: inout TLSContexts
  ) throws(SnapshotFault) {
    guard let said = OTLPSettings.resolve(settings, environment, version: Version.remora) else { return nil }
    for warning in said.warnings { Log.write(.warn, "telemetry", .text("problem", warning)) }
    var made: [Destination?] = []
    for signal in [said.traces, said.metrics] {
      if let signal {
        made.append(try Destination(signal, environment, &contexts))
      } else {
        made.append(nil)
      }
    }
    traces = made[0]
    metrics = made[1]
    if traces == nil, metrics == nil { return nil }
    interval = Interval(said.interval)
    sampling = Sampling(said.sample)
    usage = said.usage
    resource = Envelope.resource(said.resource)
    queue = said.queue
    batch = said.batch
    delay = Interval(said.delay)
  }
}
