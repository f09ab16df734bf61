// The configuration compiled to what the walk reads: immutable, shared by all workers, taken once per request.

internal import Config
internal import Dialects
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// Why a configuration that was read can't be put in force.
package struct SnapshotFault: Error, Sendable {
  package let message: String
}

/// How calls are repeated.
struct RetryPlan: Sendable {
  let rules: Retries.Rules
  /// How long a stream may take to its first content where another target could serve it; nil: as long as it likes.
  let firstToken: Duration?
  /// Which calls failed lately; the same for every generation of the configuration.
  let failed: FailedCalls

  init(_ settings: Retry, _ failed: FailedCalls) {
    rules = Retries.Rules(settings)
    firstToken = settings.firstToken == .zero ? nil : settings.firstToken
    self.failed = failed
  }
}

/// One generation of the configuration.
final class Snapshot: Sendable {
  let settings: Settings
  let upstreams: [Upstream]
  let router: Router
  /// Which models there are, and what they cost.
  let catalogue: Catalogue
  /// How targets are doing; the same for every generation of the configuration.
  let health: HealthRegistry
  let retry: RetryPlan
  /// For how long responses are kept behind their last use, in nanoseconds; nil where none is: there is no provider
  /// whose responses are made of another API's answers, or no memory for them.
  let responsesAge: UInt64?
  /// Nil where everybody may call.
  let callers: Callers?
  /// The header that says who is calling, where it would go on with the others.
  let callersHeader: [UInt8]?
  /// Nil where there is no policy for anybody.
  let policies: PolicyBook?
  /// Nil where nothing is written down.
  let audits: AuditBook?
  /// What is exported; nil where nothing is.
  let telemetry: TelemetryPlan?
  /// The process's audit logs; the same for every generation of the configuration.
  let auditLogs: AuditLogs
  /// Unlike that of every other configuration of this process.
  let generation: UInt64
  /// Whether answers are kept.
  let caches: Bool
  private static let generations = Atomic<UInt64>(0)
  /// Where the limits of groups are counted together; nil: nowhere.
  let shared: SharedPlace?
  /// TLS of each listen entry, by its index.
  let listenerTLS: [TLSContext?]
  /// All TLS contexts, for the snapshot that comes after this one.
  let contexts: [TLSContexts.Ingredients: TLSContext]
  private let environment: Environment
  let maxBody: Int
  /// Names that `models` gives out, as labels and in the model list.
  let modelNames: [String]

  /// - Parameters:
  ///   - sha256: of the configuration, for the audit logs.
  ///   - checked: TLS contexts that are there already.
  convenience init(
    _ settings: Settings, environment: Environment, sha256: String = "",
    checked: [TLSContexts.Ingredients: TLSContext] = [:]
  ) throws(SnapshotFault) {
    try self.init(settings, environment, after: nil, keeping: [], sha256, checked)
  }

  /// The snapshot that follows on `earlier`, and shares with it the TLS contexts whose files are unchanged.
  ///
  /// - Parameters:
  ///   - kept: places of listen entries that go on as they are, whatever became of their files.
  ///   - checked: TLS contexts that are there already, beside those of `earlier`.
  convenience init(
    _ settings: Settings, after earlier: Snapshot, keeping kept: Set<Int>, sha256: String,
    checked: [TLSContexts.Ingredients: TLSContext] = [:]
  ) throws(SnapshotFault) {
    try self.init(settings, earlier.environment, after: earlier, keeping: kept, sha256, checked)
  }

  private init(
    _ settings: Settings, _ environment: Environment, after earlier: Snapshot?, keeping kept: Set<Int>,
    _ sha256: String, _ checked: [TLSContexts.Ingredients: TLSContext]
  ) throws(SnapshotFault) {
    self.settings = settings
    self.environment = environment
    // The check made those of providers and listeners only.
    var contexts = TLSContexts(reusing: (earlier?.contexts ?? [:]).merging(checked) { running, _ in running })
    var upstreams: [Upstream] = []
    for (index, provider) in settings.providers.enumerated() {
      upstreams.append(
        try Upstream(provider, index: index, environment: environment, contexts: &contexts))
    }
    self.upstreams = upstreams
    do throws(CatalogueFileFault) { catalogue = try Catalogue.load(settings) } catch {
      throw SnapshotFault(message: error.message)
    }
    health = earlier?.health ?? HealthRegistry()
    retry = RetryPlan(settings.retry, earlier?.retry.failed ?? FailedCalls())
    let makesResponses = upstreams.contains { $0.recastsResponses || $0.settings.responses == .auto }
    responsesAge =
      makesResponses && settings.responses.memory > 0 ? Interval(settings.responses.keep).nanoseconds : nil
    router = Router(settings, catalogue, health: health)
    if let consumers = settings.consumers {
      callers = try Callers(consumers, environment)
    } else {
      callers = nil
    }
    callersHeader = callers?.heldHeader
    let keys = try Self.policyKeys(settings, environment)
    policies = try Self.policies(settings, keys, upstreams, environment)
    auditLogs = earlier?.auditLogs ?? AuditLogs()
    audits = try AuditBook(
      settings, auditLogs, keys: keys, pod: Self.pod(environment), sha256: sha256)
    generation = Self.generations.add(1, ordering: .relaxed).newValue
    caches = settings.cache.size > 0
    shared = try SharedPlace(settings, environment, &contexts)
    telemetry = try TelemetryPlan(settings, environment, &contexts)
    listenerTLS = try Self.listenerTLS(settings, after: earlier, keeping: kept, &contexts)
    self.contexts = contexts.made
    maxBody = settings.maxBody == 0 ? .max : settings.maxBody
    // A star is no name that can be asked for.
    modelNames = settings.models.map(\.name).filter { !$0.contains("*") }
  }

  private static func listenerTLS(
    _ settings: Settings, after earlier: Snapshot?, keeping kept: Set<Int>, _ contexts: inout TLSContexts
  ) throws(SnapshotFault) -> [TLSContext?] {
    var listenerTLS: [TLSContext?] = []
    for (index, entry) in settings.listen.enumerated() {
      if let earlier, kept.contains(index) {
        listenerTLS.append(earlier.listenerTLS[index])
        continue
      }
      guard let tls = entry.tls else {
        listenerTLS.append(nil)
        continue
      }
      do throws(TLSFileFault) {
        listenerTLS.append(
          try contexts.server(
            TLSProfile(caFile: tls.clientCAFile, certificateFile: tls.certFile, keyFile: tls.keyFile)))
      } catch { throw SnapshotFault(message: "listen '\(entry.address.text)': \(error.message)") }
    }
    return listenerTLS
  }
}

extension Snapshot {
  /// Until when certificates of Remora's own are good, in Unix seconds: those of listeners, and those that upstreams see.
  var certificateEnds: [(name: String, end: Int)] {
    let now = Int(clamping: Instant.unixNanoseconds / 1_000_000_000)
    var ends: [(name: String, end: Int)] = []
    for (entry, tls) in zip(settings.listen, listenerTLS) {
      if let left = tls?.secondsLeft { ends.append(("listen \(entry.address.text)", now + left)) }
    }
    for upstream in upstreams where upstream.settings.tls.certFile != nil {
      if let left = upstream.reach.tls?.secondsLeft { ends.append(("provider \(upstream.name)", now + left)) }
    }
    return ends
  }
}
