// One provider as the walk calls it: what it speaks, how it is reached, what it is shown, and what is written the same in
// every request. Compiled from the configuration, with the snapshot.

internal import Config
internal import Dialects
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// One provider, ready to be called.
final class Upstream: Sendable {
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
  let reach: UpstreamReach
  let waits: UpstreamWaits
  /// Path of the base URL, without a slash at its end.
  let prefix: [UInt8]
  let host: [UInt8]
  let words: UpstreamWords
  let credentials: UpstreamCredentials
  /// A client's fields that mean nothing to it, or tell it what is none of its business.
  let held: FieldNames
  /// What it does otherwise than OpenAI.
  let quirks: Quirks
  let takesStreamOptions: Bool
  let learned = Learned()
  /// Some bodies must be changed in more than their model.
  let editsRequests: Bool
  /// Whether a request of the Responses API goes as a chat.
  var recastsResponses: Bool {
    if isTranslated || isMock { return true }
    return settings.recastsResponses ?? learned.lacksResponses.load(ordering: .relaxed)
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
    waits = UpstreamWaits(provider.timeouts)
    host = provider.baseURL.map { Array($0.authority.utf8) } ?? []
    prefix = provider.baseURL.map { Array($0.prefix.utf8) } ?? []
    reach = try UpstreamReach(provider, &contexts)
    words = UpstreamWords(provider, reach.endpoint, host: host)
    credentials = try UpstreamCredentials(provider, environment, &contexts)
  }

  /// Whether any secret that its requests carry can change while the process runs.
  var hasKeysInFiles: Bool {
    let sources = [settings.shownSecret] + credentials.headers.compactMap(\.source)
    return settings.keyFiles != nil
      || sources.contains { source in if case .file = source { true } else { false } }
  }
}

extension Upstream {
  /// What the process has found out while it ran.
  struct Learned: ~Copyable {
    /// It has refused `stream_options` (`stream_options: auto`).
    let refusesStreamOptions = Atomic(false)
    /// It has answered that it has no Responses API (`responses: auto`).
    let lacksResponses = Atomic(false)
  }
}

/// How long an upstream is waited for.
struct UpstreamWaits: Sendable {
  let timeouts: Timeouts
  /// Those that the walk adds to instants.
  let firstByte: Interval
  let idle: Interval

  init(_ timeouts: Timeouts) {
    self.timeouts = timeouts
    firstByte = Interval(timeouts.firstByte)
    idle = Interval(timeouts.idle)
  }
}

/// What is written the same whenever an upstream is asked.
struct UpstreamWords: Sendable {
  /// The fields that are the same in every request and in every answer.
  let hostField: [UInt8]
  let providerField: [UInt8]
  /// And the part of `x_remora` that is: `,"provider":"NAME","model":`.
  let providerMember: [UInt8]
  /// The attributes that all its spans have, and those that spans of calls to a model have beside them.
  let spanAttributes: [UInt8]
  let modelAttributes: [UInt8]

  init(_ provider: Config.Provider, _ endpoint: Transport.Endpoint, host: [UInt8]) {
    hostField = Array("Host: ".utf8) + host + Array("\r\n".utf8)
    (spanAttributes, modelAttributes) = Upstream.spanAttributes(provider, endpoint)
    var member = ByteQueue()
    member.append(",\"provider\":")
    JSONWriter.string(provider.name, into: &member)
    member.append(",\"model\":")
    providerMember = member.array()
    providerField = Array("x-remora-provider: \(provider.name)\r\n".utf8)
  }
}

/// Where an upstream's connections lead.
struct UpstreamReach: Sendable {
  let endpoint: Transport.Endpoint
  let tls: TLSContext?
  let limits: PoolLimits

  init(_ provider: Config.Provider, _ contexts: inout TLSContexts) throws(SnapshotFault) {
    limits = PoolLimits(
      maxConnections: provider.pool.maxConnections, idleTimeout: provider.pool.idleTimeout,
      warm: provider.pool.warm, connectTimeout: provider.timeouts.connect)
    endpoint = Self.endpoint(provider)
    tls = try Self.tls(provider, &contexts)
  }

  /// Whether a connection made for `other` does for this one.
  func isSame(as other: UpstreamReach) -> Bool {
    endpoint == other.endpoint && limits == other.limits && tls === other.tls
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
}
