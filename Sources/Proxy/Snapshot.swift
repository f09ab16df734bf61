// The configuration compiled to what the walk reads: immutable, shared by all workers, taken once per request.

internal import Config
internal import Dialects
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// One provider, ready to be called.
final class Upstream: Sendable {
  /// How its key is shown.
  enum Credential: Sendable {
    /// As the operator says (`key`), or not at all.
    case own
    /// The client's own key goes on, in the provider's form.
    case passthrough(name: [UInt8], prefix: [UInt8])
  }

  struct Header: Sendable {
    let name: [UInt8]
    let text: [UInt8]
    let secret: Secret?
    /// Where `secret` comes from.
    var source: SecretSource?
  }

  let index: Int
  /// What the operator said of it.
  let settings: Config.Provider
  let name: String
  let nameBytes: [UInt8]
  let kind: ProviderKind
  let isMock: Bool
  /// What it speaks; nil for OpenAI's format.
  let dialect: (any Dialect)?
  /// Whether it speaks another format than OpenAI's.
  let isTranslated: Bool
  let endpoint: Transport.Endpoint
  let tls: TLSContext?
  let limits: PoolLimits
  let timeouts: Timeouts
  /// `timeouts`, as the walk adds them to instants.
  let firstByte: Interval
  let idle: Interval
  /// Path of the base URL, without a slash at its end.
  let prefix: [UInt8]
  let host: [UInt8]
  /// The fields that are the same in every request and in every answer, as they are written.
  let hostField: [UInt8]
  let providerField: [UInt8]
  /// And the part of `x_remora` that is: `,"provider":"NAME","model":`.
  let providerMember: [UInt8]
  /// The attributes that all its spans have, and those that spans of calls to a model have beside them.
  let spanAttributes: [UInt8]
  let modelAttributes: [UInt8]
  let credential: Credential
  let key: Secret?
  /// What comes before it: `authorization: Bearer `.
  let keyOpening: [UInt8]
  /// No other secret is shown it than that, or one that is read or asked for meanwhile.
  let hidesOnlyKey: Bool
  /// How it is shown who asks, where that is more than a key.
  let plan: CredentialPlan?
  /// Names are in lower case; a client's field of the same name is replaced.
  let headers: [Header]

  /// A client's fields that mean nothing to it, or tell it what is none of its business.
  let held: FieldNames
  /// What it does otherwise than OpenAI.
  let quirks: Quirks
  let takesStreamOptions: Bool
  /// It has refused them while the process runs (`stream_options: auto`).
  let refusesStreamOptions = Atomic(false)
  /// It has answered that it has no Responses API (`responses: auto`).
  let lacksResponses = Atomic(false)
  /// Some bodies must be changed in more than their model.
  let editsRequests: Bool
  /// Whether a request of the Responses API goes as a chat.
  var recastsResponses: Bool {
    if isTranslated || isMock { return true }
    return settings.recastsResponses ?? lacksResponses.load(ordering: .relaxed)
  }
  /// What it is asked in how many tokens a request has; nil where it isn't asked.
  var counter: (any Dialect)? { Dialects.counter(of: settings, recastsResponses: recastsResponses) }
  /// Where its models run; nil where that isn't known.
  let region: [UInt8]?
  /// Where requests in OpenAI's format go.
  let address: APIAddress

  init(
    _ provider: Config.Provider, index: Int, environment: Environment, contexts: inout TLSContexts
  ) throws(SnapshotFault) {
    self.index = index
    settings = provider
    name = provider.name
    nameBytes = Array(provider.name.utf8)
    kind = provider.kind
    address = APIAddress(provider)
    region =
      switch provider.dialect {
      case .bedrock(let settings): settings.region.map { Array($0.utf8) }
      case .vertex(let settings): settings.location.map { Array($0.utf8) }
      default: nil
      }
    quirks = Quirks.of(provider)
    takesStreamOptions = quirks.takesStreamOptions
    editsRequests = !quirks.leaves(.chat) || !quirks.leaves(.embedding)
    var held = FieldNames()
    if !provider.kind.knowsAccounts { held.formUnion([.openAIOrganization, .openAIProject]) }
    // Names of users and sessions, most of it, and a public provider has no part in the traces.
    if !BaseURL.isLocal(provider.baseURL?.host ?? "") { held.insert(.otherTrace) }
    self.held = held
    isMock = provider.kind == .mock
    dialect = Dialects.dialect(of: provider)
    isTranslated = dialect != nil
    timeouts = provider.timeouts
    firstByte = Interval(provider.timeouts.firstByte)
    idle = Interval(provider.timeouts.idle)
    limits = PoolLimits(
      maxConnections: provider.pool.maxConnections, idleTimeout: provider.pool.idleTimeout,
      warm: provider.pool.warm, connectTimeout: provider.timeouts.connect)
    host = provider.baseURL.map { Array($0.authority.utf8) } ?? []
    prefix = provider.baseURL.map { Array($0.prefix.utf8) } ?? []
    endpoint = Self.endpoint(provider)
    tls = try Self.tls(provider, &contexts)
    hostField = Array("Host: ".utf8) + host + Array("\r\n".utf8)
    (spanAttributes, modelAttributes) = Self.spanAttributes(provider, endpoint)
    var member = ByteQueue()
    member.append(",\"provider\":")
    JSONWriter.string(provider.name, into: &member)
    member.append(",\"model\":")
    providerMember = member.array()
    providerField = Array("x-remora-provider: \(provider.name)\r\n".utf8)
    key = try Self.key(provider, environment)
    (credential, keyOpening) = Self.credential(provider, hasKey: key != nil)
    plan = try CredentialPlan.make(provider, environment, &contexts)
    headers = try Self.headers(provider, environment)
    hidesOnlyKey = headers.allSatisfy { $0.secret == nil }
  }

  private static func endpoint(_ provider: Config.Provider) -> Transport.Endpoint {
    guard let url = provider.baseURL else { return Transport.Endpoint(host: "", port: 0) }
    let host = url.host.hasSuffix(".") ? String(url.host.dropLast()) : url.host
    return Transport.Endpoint(
      host: url.host, port: UInt16(clamping: url.port),
      serverName: url.scheme == .https ? provider.tls.serverName ?? host : nil)
  }

  private static func tls(
    _ provider: Config.Provider, _ contexts: inout TLSContexts
  ) throws(SnapshotFault) -> TLSContext? {
    guard provider.baseURL?.scheme == .https else { return nil }
    do throws(TLSFileFault) {
      return try contexts.client(
        TLSProfile(
          caFile: provider.tls.caFile, certificateFile: provider.tls.certFile, keyFile: provider.tls.keyFile))
    } catch { throw SnapshotFault(message: "provider '\(provider.name)': \(error.message)") }
  }

  /// Whether any secret that its requests carry can change while the process runs.
  var hasKeysInFiles: Bool {
    let sources = [settings.shownSecret] + headers.compactMap(\.source)
    return settings.keyFiles != nil
      || sources.contains { source in if case .file = source { true } else { false } }
  }

  /// Whether a connection made for `other` does for this one.
  func isReached(like other: Upstream) -> Bool {
    endpoint == other.endpoint && limits == other.limits && tls === other.tls
  }

  private static func key(
    _ provider: Config.Provider, _ environment: Environment
  ) throws(SnapshotFault) -> Secret? {
    if case .passthrough = provider.apiKey { return nil }
    let secret: Secret?
    let source = provider.shownSecret
    do throws(SecretFault) { secret = try Secret.load(source, from: environment) } catch {
      throw SnapshotFault(
        message: "secret \"\(provider.name)\" (\(Shown.path(source.place))): \(error.message)")
    }
    return provider.shownAs == nil ? nil : secret
  }

  private static func credential(
    _ provider: Config.Provider, hasKey: Bool
  ) -> (Credential, opening: [UInt8]) {
    if case .passthrough = provider.apiKey {
      let (name, prefix) = provider.shownAs ?? ("authorization", "Bearer ")
      return (.passthrough(name: Array(name.utf8), prefix: Array(prefix.utf8)), [])
    }
    guard hasKey, let (name, prefix) = provider.shownAs else { return (.own, []) }
    return (.own, Array("\(name): \(prefix)".utf8))
  }

  private static func headers(
    _ provider: Config.Provider, _ environment: Environment
  ) throws(SnapshotFault) -> [Header] {
    var headers: [Header] = []
    if case .openAI(let settings) = provider.dialect {
      for (name, value) in [
        ("openai-organization", settings.organization), ("openai-project", settings.project),
      ] {
        if let value { headers.append(Header(name: Array(name.utf8), text: Array(value.utf8), secret: nil)) }
      }
    }
    for header in provider.headers {
      switch header.value {
      case .text(let text):
        headers.append(Header(name: Array(header.name.utf8), text: Array(text.utf8), secret: nil))
      case .secret(let source):
        do throws(SecretFault) {
          guard let secret = try Secret.load(source, as: .value, from: environment) else { continue }
          headers.append(Header(name: Array(header.name.utf8), text: [], secret: secret, source: source))
        } catch {
          throw SnapshotFault(
            message:
              "provider '\(provider.name)', header '\(header.name)' (\(Shown.path(source.place))): \(error.message)"
          )
        }
      }
    }
    return headers
  }
}

/// Why a configuration that was read can't be put in force.
package struct SnapshotFault: Error, Sendable {
  package let message: String
}

/// One generation of the configuration.
final class Snapshot: Sendable {
  let settings: Settings
  let upstreams: [Upstream]
  let router: Router
  /// Which models there are, and what they cost.
  let catalogue: Catalogue
  /// How targets are doing, and which calls failed lately; the same for every generation of the configuration.
  let health: HealthRegistry
  let failed: FailedCalls
  let retryRules: Retries.Rules
  /// How long a stream may take to its first content where another target could serve it; nil: as long as it likes.
  let firstToken: Duration?
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
  private let contexts: [TLSContexts.Ingredients: TLSContext]
  private let environment: Environment
  let maxBody: Int
  /// Names that `models` gives out, as labels and in the model list.
  let modelNames: [String]

  /// - Parameter sha256: of the configuration, for the audit logs.
  convenience init(_ settings: Settings, environment: Environment, sha256: String = "") throws(SnapshotFault)
  {
    try self.init(settings, environment, after: nil, keeping: [], sha256)
  }

  /// The snapshot that follows on `earlier`, and shares with it the TLS contexts whose files are unchanged.
  ///
  /// - Parameter kept: places of listen entries that go on as they are, whatever became of their files.
  convenience init(
    _ settings: Settings, after earlier: Snapshot, keeping kept: Set<Int>, sha256: String
  ) throws(SnapshotFault) {
    try self.init(settings, earlier.environment, after: earlier, keeping: kept, sha256)
  }

  private init(
    _ settings: Settings, _ environment: Environment, after earlier: Snapshot?, keeping kept: Set<Int>,
    _ sha256: String
  ) throws(SnapshotFault) {
    self.settings = settings
    self.environment = environment
    var contexts = TLSContexts(reusing: earlier?.contexts ?? [:])
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
    failed = earlier?.failed ?? FailedCalls()
    retryRules = Retries.Rules(settings.retry)
    firstToken = settings.retry.firstToken == .zero ? nil : settings.retry.firstToken
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
      if let left = upstream.tls?.secondsLeft { ends.append(("provider \(upstream.name)", now + left)) }
    }
    return ends
  }
}
