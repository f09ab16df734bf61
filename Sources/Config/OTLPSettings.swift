// Where telemetry goes: what the file says, and where it is silent what OpenTelemetry's variables say
// (opentelemetry.io, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter").
//
// An empty variable is one that isn't set; a value that can't be read is warned of and passed over.

internal import Wire

/// Where telemetry goes, and what it says of where it comes from.
package struct OTLPSettings: Sendable {
  package static let grpcPort = 4317

  /// Where one kind of telemetry goes.
  package struct Signal: Sendable {
    package var url: BaseURL
    /// Path and query, where they are more than the address's.
    package var target: String
    package var headers: [ProviderHeader] = []
    /// Those that a variable holds: names, and values that may be secrets.
    package var ownHeaders: [(name: String, value: String)] = []
    package var tls = ProviderTLS()
    package var isCompressed = true
    package var timeout = Duration.seconds(10)
  }

  package var traces: Signal?
  package var metrics: Signal?
  /// Between two exports of metrics.
  package var interval = Duration.zero
  package var sample = 1.0
  package var usage = OTLP.UsageMode.always
  /// The resource's attributes, each once.
  package var resource: [(key: String, value: String)] = []
  /// Spans that wait at most, that go out together, and nanoseconds that they wait for others.
  package var queue = 2048
  package var batch = 512
  package var delay = Duration.seconds(5)
  package var warnings: [String] = []

  /// Whether a variable says where traces go.
  static func namesEndpoint(_ environment: Environment) -> Bool {
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"].contains {
      environment.nonEmpty($0) != nil
    }
  }

  /// Nil where nothing is exported.
  package static func resolve(_ settings: Settings, _ environment: Environment, version: String)
    -> OTLPSettings?
  {
    let file = settings.telemetry.otlp
    if file?.endpoint == nil {
      guard namesEndpoint(environment) else { return nil }
      // Who names a collector in the file wants it.
      if environment.nonEmpty("OTEL_SDK_DISABLED")?.lowercased() == "true" { return nil }
    }
    var reader = OTLPEnvironment(environment)
    var result = OTLPSettings()
    let isNone = { (name: String) in
      file?.endpoint == nil && environment.nonEmpty(name)?.lowercased() == "none"
    }
    if !isNone("OTEL_TRACES_EXPORTER") { result.traces = reader.signal("TRACES", "/v1/traces", file) }
    if let interval = file?.metrics, interval > .zero, !isNone("OTEL_METRICS_EXPORTER") {
      result.metrics = reader.signal("METRICS", "/v1/metrics", file)
      result.interval = interval
    }
    for signal in [result.traces, result.metrics] {
      guard let signal, isRemora(signal.url, settings) else { continue }
      reader.warnings.append("the OTLP endpoint \(signal.url.text) is Remora itself; nothing is exported")
      return OTLPSettings(warnings: reader.warnings)
    }
    result.usage = file?.usage ?? .always
    result.sample = file?.sample ?? reader.sample()
    result.resource = reader.resource(version: version)
    result.queue = reader.number("OTEL_BSP_MAX_QUEUE_SIZE", in: 1...2048) ?? result.queue
    result.batch = min(
      reader.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", in: 1...512) ?? result.batch, result.queue)
    if let delay = reader.number("OTEL_BSP_SCHEDULE_DELAY", in: 1...60_000) {
      result.delay = .milliseconds(delay)
    }
    result.warnings = reader.warnings
    return result
  }

  /// Whether a collector's address is one of Remora's own.
  static func isRemora(_ url: BaseURL, _ settings: Settings) -> Bool {
    guard url.host == "localhost" || url.host == "::1" || url.host.hasPrefix("127.") else { return false }
    return (settings.listen.map(\.address) + [settings.admin]).contains { address in
      if case .tcp(_, let port) = address { port == url.port } else { false }
    }
  }
}

/// Reads OpenTelemetry's variables.
private struct OTLPEnvironment {
  let environment: Environment
  var warnings: [String] = []

  init(_ environment: Environment) { self.environment = environment }

  /// A variable of one signal's, and else the one of all.
  private func value(_ signal: String, _ name: String) -> (name: String, value: String)? {
    for name in ["OTEL_EXPORTER_OTLP_\(signal)_\(name)", "OTEL_EXPORTER_OTLP_\(name)"] {
      if let value = environment.nonEmpty(name) { return (name, value) }
    }
    return nil
  }

  mutating func number(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = environment.nonEmpty(name) else { return nil }
    if let number = Int(text), number > 0 { return min(max(number, range.lowerBound), range.upperBound) }
    warnings.append("\(name) is no number above 0; its default holds")
    return nil
  }

  // MARK: Where to

  mutating func signal(_ name: String, _ path: String, _ file: OTLP?) -> OTLPSettings.Signal? {
    guard var signal = place(name, path, file) else { return nil }
    if let headers = file?.headers, !headers.isEmpty {
      signal.headers = headers
    } else if let (variable, text) = value(name, "HEADERS") {
      signal.ownHeaders = pairs(text, variable).map { ($0.key.lowercased(), $0.value) }
    }
    if let timeout = file?.timeout {
      signal.timeout = timeout
    } else if let (variable, _) = value(name, "TIMEOUT"), let time = number(variable, in: 100...600_000) {
      signal.timeout = .milliseconds(time)
    }
    signal.isCompressed = compression(name, file) == .gzip
    signal.tls = file?.tls ?? ProviderTLS()
    if signal.tls.caFile == nil { signal.tls.caFile = value(name, "CERTIFICATE")?.value }
    if signal.tls.certFile == nil, let certificate = value(name, "CLIENT_CERTIFICATE"),
      let key = value(name, "CLIENT_KEY")
    {
      signal.tls.certFile = certificate.value
      signal.tls.keyFile = key.value
    }
    checkProtocol(name, signal.url)
    return signal
  }

  private mutating func place(_ name: String, _ path: String, _ file: OTLP?) -> OTLPSettings.Signal? {
    if let url = file?.endpoint {
      // The address of the traces says where the metrics are.
      let base = url.prefix.hasSuffix("/v1/traces") ? String(url.prefix.dropLast(10)) : url.prefix
      return OTLPSettings.Signal(url: url, target: base + path)
    }
    if let text = environment.nonEmpty("OTEL_EXPORTER_OTLP_\(name)_ENDPOINT") {
      return place(text, "OTEL_EXPORTER_OTLP_\(name)_ENDPOINT", adding: "")
    }
    guard let text = environment.nonEmpty("OTEL_EXPORTER_OTLP_ENDPOINT") else { return nil }
    return place(text, "OTEL_EXPORTER_OTLP_ENDPOINT", adding: path)
  }

  private mutating func place(
    _ text: String, _ variable: String, adding path: String
  ) -> OTLPSettings.Signal? {
    guard let url = BaseURL.parse(text) else {
      warnings.append("\(variable) is no http or https address; nothing is exported there")
      return nil
    }
    let target = url.prefix + path
    return OTLPSettings.Signal(url: url, target: target.isEmpty ? "/" : target)
  }

  private mutating func compression(_ name: String, _ file: OTLP?) -> OTLP.Compression {
    if let said = file?.compression { return said }
    guard let (variable, text) = value(name, "COMPRESSION") else { return .gzip }
    if let known = OTLP.Compression(rawValue: text.lowercased()) { return known }
    warnings.append("\(variable) is neither gzip nor none; gzip holds")
    return .gzip
  }

  private mutating func checkProtocol(_ name: String, _ url: BaseURL) {
    if let (variable, text) = value(name, "PROTOCOL"), text.lowercased() != "http/protobuf" {
      warnings.append(
        text.lowercased() == "grpc"
          ? "\(variable) is grpc; Remora speaks http/protobuf, which collectors take at port 4318"
          : "\(variable) is \(Shown.text(text)); Remora speaks http/protobuf")
    }
    if url.port == OTLPSettings.grpcPort {
      warnings.append(
        "the OTLP endpoint \(url.text) has the port of gRPC; Remora speaks http/protobuf, mostly at port 4318"
      )
    }
  }

  // MARK: What of, and where from

  mutating func sample() -> Double {
    guard let sampler = environment.nonEmpty("OTEL_TRACES_SAMPLER") else { return 1 }
    switch sampler.lowercased() {
    case "always_on", "parentbased_always_on": return 1
    case "always_off", "parentbased_always_off": return 0
    case "traceidratio", "parentbased_traceidratio":
      guard let text = environment.nonEmpty("OTEL_TRACES_SAMPLER_ARG") else { return 1 }
      if let ratio = Double(text), ratio >= 0, ratio <= 1 { return ratio }
      warnings.append("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; all traces are exported")
      return 1
    default:
      warnings.append(
        "OTEL_TRACES_SAMPLER is \(Shown.text(sampler)), which isn't known; all traces are exported")
      return 1
    }
  }

  /// Attributes by the single variable, by the list of all, and by what Remora knows of itself: the first that says one.
  mutating func resource(version: String) -> [(key: String, value: String)] {
    var found: [(key: String, value: String)] = []
    func add(_ key: String, _ value: String?) {
      guard let value, !value.isEmpty, !found.contains(where: { $0.key == key }) else { return }
      found.append((key, value))
    }
    let listed =
      environment.nonEmpty("OTEL_RESOURCE_ATTRIBUTES").map { pairs($0, "OTEL_RESOURCE_ATTRIBUTES") } ?? []
    add("service.name", environment.nonEmpty("OTEL_SERVICE_NAME"))
    for (key, value) in listed.prefix(64) { add(key, value) }
    let single = [
      ("k8s.namespace.name", "K8S_NAMESPACE_NAME"), ("k8s.pod.name", "K8S_POD_NAME"),
      ("k8s.pod.uid", "K8S_POD_UID"), ("k8s.node.name", "K8S_NODE_NAME"),
      ("k8s.container.name", "K8S_CONTAINER_NAME"), ("k8s.deployment.name", "K8S_DEPLOYMENT_NAME"),
    ]
    for (key, variable) in single { add(key, environment.nonEmpty(variable)) }
    add("service.name", environment.nonEmpty("K8S_APP_NAME") ?? "remora")
    add("service.version", version)
    let known = Dictionary(uniqueKeysWithValues: found)
    add("service.namespace", known["k8s.namespace.name"])
    if let namespace = known["k8s.namespace.name"], let pod = known["k8s.pod.name"] {
      add("service.instance.id", "\(namespace).\(pod).\(known["k8s.container.name"] ?? "remora")")
    }
    add("telemetry.sdk.name", "remora")
    add("telemetry.sdk.language", "swift")
    add("telemetry.sdk.version", version)
    return found
  }

  /// `key=value,key=value`, percent-encoded (W3C Baggage's list, as both variables have it).
  private mutating func pairs(_ text: String, _ variable: String) -> [(key: String, value: String)] {
    var result: [(key: String, value: String)] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: true) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, let key = Self.decoded(pair[0]), let value = Self.decoded(pair[1]), !key.isEmpty
      else {
        warnings.append("\(variable) has an entry that isn't key=value; it is left out")
        continue
      }
      if let known = result.firstIndex(where: { $0.key == key }) {
        result[known].value = value
      } else {
        result.append((key, value))
      }
    }
    return result
  }

  /// The text without the blanks around it and with its percent-encoding undone; nil where that is none.
  private static func decoded(_ text: Substring) -> String? {
    let bytes = Array(text.utf8)
    var (from, to) = (0, bytes.count)
    while from < to, bytes[from] <= ASCII.space { from += 1 }
    while to > from, bytes[to - 1] <= ASCII.space { to -= 1 }
    var result: [UInt8] = []
    var at = from
    while at < to {
      if bytes[at] == UInt8(ascii: "%") {
        guard at + 2 < to, let high = ASCII.hexadecimal(bytes[at + 1]),
          let low = ASCII.hexadecimal(bytes[at + 2])
        else { return nil }
        result.append(high << 4 | low)
        at += 3
      } else {
        result.append(bytes[at])
        at += 1
      }
    }
    return String(validating: result, as: UTF8.self)
  }
}
