// All that a worker has counted, as a value: what a scrape carries from worker to worker and writes out.
//
// A shard is one of these and the rules for adding to it (MetricShard.swift); writing is in Exposition.swift.

/// The state of every metric at one instant.
package struct MetricSnapshot: Sendable {
  var names = NameTable()

  var requests = Series(zero: 0, keepsDetail: false)
  var duration = Series(zero: Histogram())
  var firstToken = Series(zero: Histogram())
  var durationExemplars = Exemplars()
  var firstTokenExemplars = Exemplars()
  var overhead = Series(zero: Histogram())
  var tokens = Series(zero: 0)
  /// In pico-dollars.
  var cost = Series(zero: 0)
  var unpriced = Series(zero: 0)
  var tokensEstimated = Series(zero: 0, details: 0..<2)
  var usageMissing = Series(zero: 0)
  var requestBytes = Series(zero: 0)
  var responseBytes = Series(zero: 0)
  var attempts = Series(zero: 0)
  var upstreamFirstByte = Series(zero: Histogram())
  var upstreamConnect = Series(zero: Histogram())
  var outputSpeed = Series(zero: Histogram())
  var retries = Series(zero: 0)
  var fallbacks = Series(zero: 0)
  var refreshes = Series(zero: 0)
  var connections = Series(zero: 0)
  var tlsResumed = Series(zero: 0)
  var droppedFields = Series(zero: 0)
  var unknownSaid = Series(zero: 0)
  var limited = Series(zero: 0)
  var policyActions = Series(zero: 0)
  var policyFindings = Series(zero: 0)
  var policyScanned = Series(zero: 0)
  var policyScan = Series(zero: Histogram())
  var policyUnscanned = Series(zero: 0)
  var evicted = Series(zero: 0, details: 0..<UInt16(Port.allCases.count))
  var refused = Series(zero: 0, details: 0..<UInt16(RefusedReason.allCases.count))
  var cache = Series(zero: 0, details: 0..<UInt16(CacheResult.allCases.count))
  var rejections = Series(zero: 0, details: 0..<UInt16(ConsumerRejection.allCases.count))
  var streamsEnded = Series(zero: 0)

  /// Each worker's part.
  package var memoryUsed = 0
  package var memoryLimit = 0
  var requestsInFlight = 0
  var clientConnections = 0
  var logLinesDropped = 0
  var policyUnrestored = 0

  /// When certificates end, by the place that shows them, and when files were loaded, by their names: Unix seconds, and
  /// nanoseconds.
  package var certificates: [(name: String, end: Int)] = []
  package var secretLoads: [(name: String, at: Int)] = []
  package var loadFailures = LoadFailures()
  package var isDraining = false
  /// Filled in by whoever scrapes, once for the process; left out of the exposition where nil.
  package var build: BuildInfo?
  package var config: ConfigHealth?
  package var process: ProcessFacts?
  /// What is left of the limits, which the process counts and not the workers.
  package var allowances: [AllowanceGauge] = []
  /// Whether what counts limits for all pods together answers; nil where nothing does.
  package var sharedUp: Bool?
  /// What audit logs have counted, and each one's last line's number, by its policy's name.
  package var audit = AuditGauge()
  package var auditSequences: [(policy: [UInt8], number: Int)] = []
  /// What the exporter has counted; nil where nothing is exported.
  package var exports: ExportGauge?
  /// How the configured targets are doing, which is the process's too.
  package var targets: [TargetGauge] = []
  /// Files of budgets that could not be read, and written.
  package var stateProblems = (read: 0, write: 0)

  package init() {
    for scope in LimitScope.allCases {
      for kind in LimitKind.allCases { limited.add(0, to: Self.limitKey(scope, kind)) }
    }
  }

  static func limitKey(_ scope: LimitScope, _ kind: LimitKind) -> SeriesKey {
    SeriesKey(detail: UInt16(scope.rawValue) << 8 | UInt16(kind.rawValue))
  }

  /// Says how many connections a provider's pool holds now. Counted by the pool itself, so it is set, not added.
  package mutating func setConnections(_ provider: Label, idle: Int, active: Int) {
    for (state, count) in [(ConnectionState.idle, idle), (.active, active)] {
      let row = connections.place(SeriesKey(subject: provider, detail: UInt16(state.rawValue)))
      connections.values[row] = count
    }
  }

  /// Adds what another worker counted. Always merge in the same order, so that rows keep their names.
  package mutating func merge(_ other: MetricSnapshot) {
    var labels: [Label] = []
    labels.reserveCapacity(other.names.count)
    for id in 0..<other.names.count {
      let label = names.add(other.names.name(Label(id: UInt16(truncatingIfNeeded: id))))
      labels.append(label ?? .other)
    }
    let sum = { (total: inout Int, more: Int) in total = saturated(total, plus: more) }
    let join = { (total: inout Histogram, more: Histogram) in total.merge(more) }
    requests.merge(other.requests, labels: labels, combine: sum)
    duration.merge(other.duration, labels: labels, combine: join)
    firstToken.merge(other.firstToken, labels: labels, combine: join)
    durationExemplars.merge(other.durationExemplars, labels: labels)
    firstTokenExemplars.merge(other.firstTokenExemplars, labels: labels)
    overhead.merge(other.overhead, labels: labels, combine: join)
    tokens.merge(other.tokens, labels: labels, combine: sum)
    cost.merge(other.cost, labels: labels, combine: sum)
    unpriced.merge(other.unpriced, labels: labels, combine: sum)
    tokensEstimated.merge(other.tokensEstimated, labels: labels, combine: sum)
    usageMissing.merge(other.usageMissing, labels: labels, combine: sum)
    requestBytes.merge(other.requestBytes, labels: labels, combine: sum)
    responseBytes.merge(other.responseBytes, labels: labels, combine: sum)
    attempts.merge(other.attempts, labels: labels, combine: sum)
    upstreamFirstByte.merge(other.upstreamFirstByte, labels: labels, combine: join)
    upstreamConnect.merge(other.upstreamConnect, labels: labels, combine: join)
    outputSpeed.merge(other.outputSpeed, labels: labels, combine: join)
    retries.merge(other.retries, labels: labels, combine: sum)
    fallbacks.merge(other.fallbacks, labels: labels, combine: sum)
    refreshes.merge(other.refreshes, labels: labels, combine: sum)
    connections.merge(other.connections, labels: labels, combine: sum)
    tlsResumed.merge(other.tlsResumed, labels: labels, combine: sum)
    droppedFields.merge(other.droppedFields, labels: labels, combine: sum)
    unknownSaid.merge(other.unknownSaid, labels: labels, combine: sum)
    limited.merge(other.limited, labels: labels, combine: sum)
    policyActions.merge(other.policyActions, labels: labels, combine: sum)
    policyFindings.merge(other.policyFindings, labels: labels, combine: sum)
    policyScanned.merge(other.policyScanned, labels: labels, combine: sum)
    policyScan.merge(other.policyScan, labels: labels, combine: join)
    policyUnscanned.merge(other.policyUnscanned, labels: labels, combine: sum)
    policyUnrestored = saturated(policyUnrestored, plus: other.policyUnrestored)
    evicted.merge(other.evicted, labels: labels, combine: sum)
    refused.merge(other.refused, labels: labels, combine: sum)
    cache.merge(other.cache, labels: labels, combine: sum)
    rejections.merge(other.rejections, labels: labels, combine: sum)
    streamsEnded.merge(other.streamsEnded, labels: labels, combine: sum)
    memoryUsed = saturated(memoryUsed, plus: other.memoryUsed)
    memoryLimit = saturated(memoryLimit, plus: other.memoryLimit)
    requestsInFlight = saturated(requestsInFlight, plus: other.requestsInFlight)
    clientConnections = saturated(clientConnections, plus: other.clientConnections)
    logLinesDropped = saturated(logLinesDropped, plus: other.logLinesDropped)
  }
}

/// How one target is doing.
package struct TargetGauge: Sendable {
  package var provider: String
  package var model: String
  package var state: TargetState
  /// How often it came to each state, in their order.
  package var transitions: [Int]

  package init(provider: String, model: String, state: TargetState, transitions: [Int]) {
    self.provider = provider
    self.model = model
    self.state = state
    self.transitions = transitions
  }
}

/// What is left of one pod's or one group's limits; nil: no such limit.
package struct AllowanceGauge: Sendable {
  /// Empty: the pod's.
  package var group: String
  package var requests: Int?
  package var tokens: Int?
  package var concurrency: Int?
  /// In nano-dollars.
  package var budgetLimit: Int?
  package var budgetLeft: Int?

  package init(group: String) { self.group = group }
}

/// What the process's audit logs have counted.
package struct AuditGauge: Sendable {
  package var lines: Int
  package var dropped: Int
  package var errors: Int
  /// Bytes that wait for the disk.
  package var queued: Int
  package var lastSequence: Int

  package init(lines: Int = 0, dropped: Int = 0, errors: Int = 0, queued: Int = 0, lastSequence: Int = 0) {
    self.lines = lines
    self.dropped = dropped
    self.errors = errors
    self.queued = queued
    self.lastSequence = lastSequence
  }

  /// Adds what another log has counted.
  package mutating func add(_ other: AuditGauge) {
    lines = saturated(lines, plus: other.lines)
    dropped = saturated(dropped, plus: other.dropped)
    errors = saturated(errors, plus: other.errors)
    queued = saturated(queued, plus: other.queued)
  }
}

/// What was built: the labels of `remora_build_info`.
package struct BuildInfo: Sendable {
  package var version: String
  package var revision: String
  package var openssl: String

  package init(version: String, revision: String = "", openssl: String = "") {
    self.version = version
    self.revision = revision
    self.openssl = openssl
  }
}

/// How the configuration in force came about. Owned by whoever reloads it.
package struct ConfigHealth: Sendable {
  private var reloads = InlineArray<4, Int>(repeating: 0)
  /// Whether the last attempt, the one at start included, left the file's own configuration in force.
  package private(set) var isLastReloadSuccessful = false
  /// Unix time of the last success in nanoseconds; 0 where there was none.
  package private(set) var lastSuccessUnixNanoseconds = 0
  /// SHA-256 of the configuration in force, in lower-case hexadecimal; empty where there is none.
  package private(set) var sha256 = ""

  /// Nil where there are no files to watch.
  package var watch: WatchMode?

  package init() {}

  /// The configuration read at start: a success, but not a reload.
  package mutating func start(sha256: String, at unixNanoseconds: Int) {
    isLastReloadSuccessful = true
    lastSuccessUnixNanoseconds = unixNanoseconds
    self.sha256 = sha256
  }

  /// - Parameter sha256: of the configuration now in force; ignored where the reload failed.
  package mutating func reloaded(_ result: ReloadResult, sha256: String = "", at unixNanoseconds: Int) {
    reloads[Int(result.rawValue)] = saturated(reloads[Int(result.rawValue)], plus: 1)
    switch result {
    case .applied, .unchanged:
      isLastReloadSuccessful = true
      lastSuccessUnixNanoseconds = unixNanoseconds
      if result == .applied { self.sha256 = sha256 }
    case .invalid, .unreadable:
      isLastReloadSuccessful = false
    }
  }

  func count(_ result: ReloadResult) -> Int { reloads[Int(result.rawValue)] }
}
