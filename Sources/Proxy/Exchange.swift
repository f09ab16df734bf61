// One request and its answer: what was asked, what is answered, the try under way, and what the metrics and the log
// will say.
//
// A worker keeps exchanges that are over for the next requests, so that a request allocates nothing for them.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One request on its way (Walk.swift).
final class Exchange {
  let state: WorkerState
  let loop: Loop
  let shard: MetricShard
  let ask: Ask
  let answer: Answer
  /// The target, once it is chosen.
  var route: Route?
  /// What the client is told of the name that it asked for.
  var notice: Notice?
  /// The try that was made last.
  var attempt: Attempt? { hasTried ? kept : nil }
  /// The one try that there is, for its buffers.
  private var kept: Attempt?
  private var hasTried = false
  var record = Tally()
  let tries = Tries()
  /// What it was promised (Meter.swift); nil where there are no limits.
  var permit: Permit?

  /// What it is made of.
  private(set) var ahead = Prefetch()

  init(_ state: WorkerState) {
    self.state = state
    loop = state.loop
    shard = state.shard
    ask = Ask(state)
    answer = Answer(pool: state.blocks)
    ahead.add(self)
    ahead.add(ask)
    ahead.add(answer)
  }

  /// A function of its own, so that the empty tally doesn't stand in the memory of each stream.
  @inline(never)
  func begin(_ entrance: Entrance) {
    ask.begin(entrance)
    record = Tally()
    record.startedAt = loop.now
  }

  /// Forgets the request; keeps the memory that is worth keeping.
  func reset() {
    settleShared(Taken(isRequest: false))
    ask.reset()
    answer.reset()
    route = nil
    permit = nil
    notice = nil
    if hasTried { kept?.end() }
    hasTried = false
  }

  /// Begins a try.
  func begin(_ route: Route, _ connection: ClientConnection) -> Attempt {
    // Before it gives way to the next one.
    if let attempt { conclude(attempt) }
    if let trace = ask.trace { trace.beginTry(state.tracing.numbers) }
    self.route = route
    ask.cache.write?.restart()
    let upstream = lineup.snapshot.upstreams[route.providerIndex]
    hasTried = true
    if let kept {
      kept.begin(connection, route, upstream)
      lookAhead(connection)
      return kept
    }
    let first = Attempt(self, connection, route, upstream)
    kept = first
    ahead.add(first)
    ahead.add(first.call)
    ahead.add(first.conversation)
    ahead.add(first.passage)
    lookAhead(connection)
    return first
  }

  /// Says what is needed when the upstream answers.
  private func lookAhead(_ connection: ClientConnection) {
    connection.parker.ahead = ahead
    connection.parker.ahead.add(connection)
    connection.parker.ahead.add(connection.socket)
  }

  var lineup: Lineup { ask.lineup }
  var upstream: Upstream? { route.map { lineup.snapshot.upstreams[$0.providerIndex] } }

  /// The model's name as the upstream knows it, or the client's where none was chosen.
  func withModel<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    if let model = route?.model { return body(model.span) }
    return body(ask.model)
  }

  var now: Instant { loop.now }
}

/// What the access log and the metrics will say.
struct Tally {
  var startedAt = Instant.never
  /// Nanoseconds spent in Remora itself, and not in waiting for the network or the provider.
  var overhead = 0
  /// Nanoseconds that tries before the last one waited for their upstreams.
  var upstream = 0
  var end = ExchangeEnd.complete
  var attempts = 0
  var errorCode: StaticString = ""
  /// The error's code where the configuration names it: a policy's name.
  var errorName: String?
  /// The sentence that the client got with it.
  var errorMessage: String?
  /// It was refused because it couldn't be written down.
  var isUnaudited = false
  /// The lines of logs that its answer waits for, each with its ticket, and whether it must be on the disk.
  var audited: [(hold: AuditHold, ticket: Int?, isNeeded: Bool)] = []
  /// What audit logs say of its bodies; nil: nothing.
  var digests: BodyDigests?
  /// The exchange has been counted as one in flight.
  var isCounted = false
  /// Health checks and the like are answered, but neither logged nor counted: they would drown what matters.
  var isSilent = false
  /// What was estimated of it, and what is left of its limits.
  var bill = Bill()
}
