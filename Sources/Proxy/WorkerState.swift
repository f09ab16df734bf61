// What all connections of one worker share. Confined to the worker's loop: nothing in it is Sendable.

internal import Config
internal import Dialects
internal import Glibc
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// A snapshot with this worker's pools for it. An exchange keeps the one that it began with.
final class Lineup {
  let snapshot: Snapshot
  /// By the upstream's index; nil for `mock`.
  let pools: [Pool?]
  /// By the upstream's index; nil for those that are shown a key, or nothing.
  let sources: [CredentialSource?]
  /// Labels of the providers, by index.
  let labels: [Label]
  /// Labels of the policies, by their places.
  let policyLabels: [Label]
  /// What each lists, by the upstream's index.
  let models: [ProviderModels]
  /// Secrets that were read again since, by the upstream's index (Refresh.swift).
  var keys: [Keys?]
  /// Readings under way, by the upstream's index.
  var readings: [Int: KeyReading] = [:]
  /// Whose limits there are; nil where there are none.
  let meters: Meters?
  let rates: RateBook

  init(
    _ snapshot: Snapshot, pools: [Pool?], sources: [CredentialSource?], labels: [Label],
    policyLabels: [Label] = [], meters: Meters? = nil
  ) {
    self.policyLabels = policyLabels
    self.meters = meters
    rates = RateBook(snapshot)
    self.snapshot = snapshot
    self.pools = pools
    self.sources = sources
    self.labels = labels
    models = snapshot.upstreams.map { ProviderModels($0) }
    keys = [Keys?](repeating: nil, count: snapshot.upstreams.count)
  }
}

/// What is lent to exchanges and was given back, for those to come: of each about as many as are under way at once.
private final class Spares {
  var exchanges = Stock<Exchange>(floor: 64)
  var traces = Stock<ExchangeTrace>(floor: 64)
  var watches = Stock<PolicyWatch>(floor: 16)

  var isHigh: Bool { exchanges.isHigh || traces.isHigh || watches.isHigh }

  /// - Returns: bytes that went back, about.
  func settle() -> Int {
    let bytes = exchanges.settle() * Ceiling.exchangeMemory
    _ = traces.settle()
    _ = watches.settle()
    return bytes
  }
}

/// A worker's things.
final class WorkerState {
  // What each request looks at has a place here: of what lies one object further, each look counts a reference.
  let loop: Loop
  let blocks: BlockPool
  let shard = MetricShard()
  let readiness: Readiness
  let books: Books
  let dialer: Dialer
  private(set) var shared: SharedLimits?
  /// What chats are read into that are translated, one at a time.
  let chat = ChatRequest()
  var lineup: Lineup
  var accessLog: LogSink
  var writesAccessLog: Bool
  var patience = ClientPatience()
  /// What may be held (Memory.swift).
  private(set) var memory: MemoryBudget
  /// Who is connected.
  let rolls = Ports(Roll())
  var room = PortRoom()
  /// Exchanges under way, for the drain.
  var inFlight = 0
  private let spares = Spares()
  private let scanners = Scanners()
  private let responses: ResponsesMemory
  var tracing = Tracing()
  private var random: UInt64
  /// All workers, for a scrape.
  var crew: [Worker] = []
  var reloads = ReloadStanding()
  var drain = DrainState()

  /// - Parameters:
  ///   - quota: the container's limit of memory, nil where there is none.
  ///   - workers: how many there are, this one included.
  ///   - books: what all workers count in together.
  init(
    on loop: Loop, snapshot: Snapshot, readiness: Readiness, quota: Int?, workers: Int, books: Books = Books()
  ) {
    self.books = books
    responses = books.responses
    blocks = loop.blocks
    memory = MemoryBudget(snapshot.settings.maxMemory, quota: quota, workers: workers)
    self.loop = loop
    self.readiness = readiness
    dialer = Dialer(on: loop, resolver: Resolver(on: loop))
    accessLog = LogSink(descriptor: STDOUT_FILENO, pool: blocks)
    writesAccessLog = snapshot.settings.telemetry.accessLog == .json
    random = ProcessSettings.randomWord() | 1
    lineup = Lineup(snapshot, pools: [], sources: [], labels: [])
    adopt(snapshot)
    loop.atTidying { [unowned loop, spares] in
      loop.gaveBack(spares.settle())
      if spares.isHigh { loop.tidySoon() }
    }
  }

  /// Makes `snapshot` the one that new exchanges begin with.
  func adopt(_ snapshot: Snapshot) {
    shard.configure(
      providers: snapshot.upstreams.map(\.name), models: Self.labelledModels(snapshot),
      policies: snapshot.settings.policies.map { PolicySeries($0) },
      targets: snapshot.settings.models.flatMap { $0.targets.map { "\($0.provider)/\($0.model)" } })
    var earlier: [String: (upstream: Upstream, pool: Pool)] = [:]
    for (upstream, pool) in zip(lineup.snapshot.upstreams, lineup.pools) {
      if let pool { earlier[upstream.name] = (upstream, pool) }
    }
    var pools: [Pool?] = []
    var labels: [Label] = []
    for upstream in snapshot.upstreams {
      let name = Array(upstream.name.utf8)
      labels.append(shard.intern(provider: name.span))
      if upstream.isMock {
        pools.append(nil)
      } else if let same = earlier[upstream.name], upstream.reach.isSame(as: same.upstream.reach) {
        // What is in force changes around it; its connections stay warm.
        pools.append(same.pool)
        earlier[upstream.name] = nil
      } else {
        pools.append(
          Pool(
            upstream.reach.endpoint, tls: upstream.reach.tls, limits: upstream.reach.limits, on: loop,
            dialer: dialer))
      }
    }
    for (_, pool) in earlier.values { pool.close() }
    memory = memory.anew(snapshot.settings.maxMemory)
    // Each would keep the snapshot of its last exchange, secrets and all.
    spares.exchanges.removeAll()
    // Its patterns are made anew.
    scanners.forget()
    lineup = Lineup(
      snapshot, pools: pools, sources: sources(for: snapshot), labels: labels,
      policyLabels: snapshot.settings.policies.map { shard.intern(policy: Array($0.name.utf8).span) },
      meters: Meters(books, snapshot.settings, shared: sharedLimits(for: snapshot)))
    writesAccessLog = snapshot.settings.telemetry.accessLog == .json
    responses.resize(snapshot.responsesAge == nil ? 0 : snapshot.settings.responses.memory)
    books.cache.resize(to: snapshot.settings.cache.size)
    snapshot.audits?.takeEffect()
  }

  /// Where limits are counted together, for this worker; a connection that would be the same goes on.
  private func sharedLimits(for snapshot: Snapshot) -> SharedLimits? {
    guard let place = snapshot.shared else {
      shared?.retire()
      shared = nil
      books.shared.forget()
      return nil
    }
    if let shared, shared.place.isReached(like: place) { return shared }
    shared?.retire()
    let first = SharedQuota.all(snapshot.settings).compactMap { group, quota in quota.map { (group, $0) } }
      .first
    let fresh = SharedLimits(
      place, books.shared.book(of: place), pod: books.name, first: first, on: loop, dialer: dialer
    ) { [weak self] in self?.nextRandom() ?? 0 }
    if first != nil { fresh.begin() }
    shared = fresh
    return fresh
  }

  /// A source of credentials for each upstream that needs one; one that would do the same goes on.
  private func sources(for snapshot: Snapshot) -> [CredentialSource?] {
    var earlier: [String: (settings: Config.Provider, source: CredentialSource)] = [:]
    for (upstream, source) in zip(lineup.snapshot.upstreams, lineup.sources) {
      if let source { earlier[upstream.name] = (upstream.settings, source) }
    }
    return snapshot.upstreams.map { upstream in
      guard let plan = upstream.credentials.plan else { return nil }
      if case .asked = plan.origin, let same = earlier[upstream.name], same.settings == upstream.settings {
        return same.source
      }
      let source = CredentialSource(upstream.name, plan, on: loop, dialer: dialer)
      // What is wrong shows in the log before anybody asks.
      _ = source.ask(nil)
      return source
    }
  }

  /// Names that may become metric labels: what the configuration says, never what a client made up.
  private static func labelledModels(_ snapshot: Snapshot) -> [String] {
    var names: [String] = []
    for entry in snapshot.settings.models {
      names.append(entry.name)
      names.append(contentsOf: entry.targets.map(\.model))
    }
    names.append(contentsOf: snapshot.settings.listen.compactMap(\.model))
    names.append(contentsOf: WellKnownModels.names)
    return names
  }

  // MARK: Connections

  /// A client's connection has ended.
  func clientHasLeft() {
    shard.clientConnections(by: -1)
    if rolls.proxy.count < clientCeiling { room.onRoom?() }
    if inFlight == 0 { drain.onIdle?() }
  }

  /// Bytes that scanners keep.
  var scannersMemory: Int { scanners.bytes }
  /// Bytes of answers that conversations go on from.
  var responsesMemory: Int { responses.bytes }

  /// Lends what policies need for one exchange.
  func lendWatch() -> PolicyWatch { spares.watches.take() ?? PolicyWatch(scanners) }

  /// Takes it back, without what it knew.
  func takeBack(_ watch: PolicyWatch) {
    watch.forget()
    spares.watches.keep(watch)
    if spares.watches.isHigh { loop.tidySoon() }
  }

  /// Lends what a trace needs for one exchange.
  func lendTrace() -> ExchangeTrace { spares.traces.take() ?? ExchangeTrace() }

  /// Takes it back.
  func takeBack(_ trace: ExchangeTrace) {
    spares.traces.keep(trace)
    if spares.traces.isHigh { loop.tidySoon() }
  }

  /// Exchanges that are kept beyond those that always are.
  var spareExchanges: Int { spares.exchanges.surplus }

  /// Gives back what is kept for a burst, which others need now.
  func giveBackSpares() {
    blocks.shrink()
    loop.gaveBack(spares.exchanges.shrink() * Ceiling.exchangeMemory)
  }

  /// An exchange to work with: one that is over, where there is one.
  func takeExchange() -> Exchange {
    inFlight += 1
    let exchange = spares.exchanges.take()
    spares.exchanges.next?.ahead.fetch()
    return exchange ?? Exchange(self)
  }

  func giveBack(_ exchange: Exchange) {
    let hasEcho = exchange.ask.hasEcho
    exchange.reset()
    if !hasEcho, exchange.lineup === lineup {
      spares.exchanges.keep(exchange)
      if spares.exchanges.isHigh { loop.tidySoon() }
    } else {
      spares.exchanges.lose()
      if hasEcho { loop.wipeUnused() }
    }
    letGo()
  }

  /// Counts as an exchange under way, until `letGo`.
  func hold() { inFlight += 1 }

  func letGo() {
    inFlight -= 1
    if inFlight == 0 { drain.onIdle?() }
  }

  /// How long a client may stop in the middle of its request's body.
  var bodyPatience: Interval {
    drain.hasBegun ? min(patience.unfinished, Deadline.body) : Deadline.body
  }

  /// Ends what is under way, each in its own way.
  func endAll() {
    drain.isOver = true
    rolls.proxy.wakeAll()
    rolls.admin.wakeAll()
  }

  /// Another worker that has stopped turning, if there is one; this one turns, or it could not ask.
  var stuckWorker: (index: Int, silence: Duration)? {
    for (index, worker) in crew.enumerated() where worker.loop !== loop {
      if let silence = worker.pulse.silence(at: loop.now, post: worker.loop.post) { return (index, silence) }
    }
    return nil
  }

  // MARK: Ids

  /// 64 bits that are as good as random (SplitMix64); not a secret.
  func nextRandom() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var word = random
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
