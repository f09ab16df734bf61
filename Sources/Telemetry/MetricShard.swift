// A worker's own counters: no lock and no atomic, because nobody else touches them.
//
// The walk calls `begin` and `finish` once per exchange, and the others as things happen. A scrape asks each
// worker for its `snapshot` and merges them. Nothing here allocates once a label set has been seen.

import Wire

/// A worker's counters, confined to that worker.
package final class MetricShard {
  private struct Role: OptionSet {
    let rawValue: UInt8
    static let provider = Role(rawValue: 1)
    static let model = Role(rawValue: 2)
    static let policy = Role(rawValue: 4)
    static let target = Role(rawValue: 8)
  }

  /// Tokens one exchange can claim, so that a lying upstream can't bring a counter to its end.
  static let mostTokens = 1 << 40
  /// Pico-dollars one exchange can cost, for the same reason.
  static let mostMoney = 1_000_000_000_000_000_000

  private var state = MetricSnapshot()
  /// What isn't in `state` yet.
  private var frequent = FrequentRows()
  private var tries = FrequentTries()
  /// The model's name that was looked up last, and its label.
  private var last = LastLabel()
  /// What each label may stand for under the configuration in force.
  private var roles: [Role] = []

  package init() {}

  /// All that has been counted so far.
  package var snapshot: MetricSnapshot {
    frequent.put(into: &state)
    tries.put(into: &state)
    return state
  }

  // MARK: names

  /// Says which names may become labels; call it again after a reload. What was counted stays.
  ///
  /// - Parameter targets: what `models` leads to, as `provider/model`.
  package func configure(
    providers: [String], models: [String], policies: [PolicySeries], targets: [String] = []
  ) {
    roles = [Role](repeating: [], count: state.names.count)
    last.forget()
    admit(providers, as: .provider)
    admit(models, as: .model)
    admit(policies.map(\.name), as: .policy)
    admit(targets, as: .target)
    prepare(providers, targets)
    // A counter that is there from the start lets `rate` see its first event.
    for policy in policies {
      let label = intern(policy: Array(policy.name.utf8).span)
      for action in policy.actions {
        state.policyActions.add(0, to: SeriesKey(subject: label, detail: UInt16(action.rawValue)))
      }
      for side in policy.sides { scanned(label, side, 0) }
    }
    if policies.contains(where: { !$0.sides.isEmpty }) {
      for endpoint in Endpoint.allCases { state.policyUnscanned.add(0, to: SeriesKey(endpoint: endpoint)) }
    }
  }

  /// Providers whose counters are there from the start; with more, they would crowd out what is counted.
  private static let preparedCeiling = 12

  private static let preparedTargets = 32

  /// Makes the counters of `providers` and `targets`, at 0.
  private func prepare(_ providers: [String], _ targets: [String]) {
    for name in providers.prefix(Self.preparedCeiling) {
      let label = intern(provider: Array(name.utf8).span)
      for outcome in AttemptOutcome.allCases {
        state.attempts.add(0, to: SeriesKey(subject: label, detail: UInt16(outcome.rawValue)))
      }
      for end in ExchangeEnd.allCases {
        state.streamsEnded.add(0, to: SeriesKey(subject: label, detail: UInt16(end.rawValue)))
      }
      for result in RefreshResult.allCases {
        state.refreshes.add(0, to: SeriesKey(subject: label, detail: UInt16(result.rawValue)))
      }
      state.usageMissing.add(0, to: SeriesKey(subject: label))
      state.droppedFields.add(0, to: SeriesKey(subject: label))
    }
    // What `models` leads to will be asked for.
    for target in targets.prefix(Self.preparedTargets) {
      guard let slash = target.firstIndex(of: "/") else { continue }
      let provider = intern(provider: Array(target[..<slash].utf8).span)
      let model = intern(model: Array(target[target.index(after: slash)...].utf8).span)
      if provider == .other || model == .other { continue }
      state.requests.add(
        0, to: SeriesKey(endpoint: .chatCompletions, subject: provider, model: model, detail: 200))
      for kind in TokenKind.allCases {
        state.tokens.add(0, to: SeriesKey(subject: provider, model: model, detail: UInt16(kind.rawValue)))
      }
      state.cost.add(0, to: SeriesKey(subject: provider, model: model))
      state.unpriced.add(0, to: SeriesKey(subject: provider, model: model))
    }
  }

  private func admit(_ names: [String], as role: Role) {
    for name in names {
      guard let label = state.names.add(Array(name.utf8).span) else { continue }
      while roles.count <= Int(label.id) { roles.append([]) }
      roles[Int(label.id)].insert(role)
    }
  }

  /// The label of a provider's configured name.
  package func intern(provider: Span<UInt8>) -> Label { intern(provider, as: .provider) }

  /// The label of a model's name, which a client may have made up.
  package func intern(model: Span<UInt8>) -> Label {
    if let label = last.label(of: model) { return label }
    let label = intern(model, as: .model)
    // One that a client has made up is not kept, as it may be of any length.
    if label == .other { return label }
    last.keep(label, of: model)
    return label
  }

  /// The label of a policy's configured name.
  package func intern(policy: Span<UInt8>) -> Label { intern(policy, as: .policy) }

  private func intern(_ name: Span<UInt8>, as role: Role) -> Label {
    if name.isEmpty { return .none }
    guard let label = state.names.find(name), Int(label.id) < roles.count,
      roles[Int(label.id)].contains(role)
    else { return .other }
    return label
  }

  // MARK: exchanges

  /// A request has been read: it is in flight until `finish`.
  package func begin() {
    state.requestsInFlight = saturated(state.requestsInFlight, plus: 1)
  }

  /// An exchange is over, however it ended. Once for each `begin`.
  package func finish(_ exchange: ExchangeRecord) {
    state.requestsInFlight = saturated(state.requestsInFlight, plus: -1)
    let row = SeriesKey(
      endpoint: exchange.endpoint, subject: exchange.provider, model: exchange.model)
    let bucket =
      exchange.status == 200 ? frequent.take(exchange, row, &state) : count(exchange, row)
    if let trace = exchange.trace {
      state.durationExemplars.note(row, bucket: bucket, Exemplar(trace, exchange.durationNanoseconds))
    }
    if let nanoseconds = exchange.firstTokenNanoseconds {
      let firstToken = state.firstToken.place(row)
      let late = state.firstToken.values[firstToken].observe(nanoseconds, in: Bounds.firstToken)
      if let trace = exchange.trace {
        state.firstTokenExemplars.note(row, bucket: late, Exemplar(trace, nanoseconds))
      }
    }
    if let speed = exchange.tokenSpeed {
      let row = state.outputSpeed.place(SeriesKey(subject: exchange.provider, model: exchange.model))
      state.outputSpeed.values[row].observe(speed, in: Bounds.speed)
    }
    if let end = exchange.streamEnd {
      state.streamsEnded.add(1, to: SeriesKey(subject: exchange.provider, detail: UInt16(end.rawValue)))
    }
    note(exchange)
  }

  /// A try that failed has taken tokens.
  package func spent(_ exchange: ExchangeRecord) {
    count(exchange.usage, of: exchange)
    note(exchange)
  }

  /// Counts an exchange that is none of the frequent ones.
  ///
  /// - Returns: the bucket of its duration.
  @inline(never)
  private func count(_ exchange: ExchangeRecord, _ row: SeriesKey) -> Int {
    let code = (100...599).contains(exchange.status) ? UInt16(exchange.status) : 0
    state.requests.add(
      1,
      to: SeriesKey(
        endpoint: exchange.endpoint, subject: exchange.provider, model: exchange.model, detail: code))
    let endpoint = SeriesKey(endpoint: exchange.endpoint)
    let overhead = state.overhead.place(endpoint)
    state.overhead.values[overhead].observe(exchange.overheadNanoseconds, in: Bounds.overhead)
    state.requestBytes.add(max(exchange.requestBytes, 0), to: endpoint)
    state.responseBytes.add(max(exchange.responseBytes, 0), to: endpoint)
    count(exchange.usage, of: exchange)
    let duration = state.duration.place(row)
    return state.duration.values[duration].observe(exchange.durationNanoseconds, in: Bounds.duration)
  }

  private func count(_ usage: Usage, of exchange: ExchangeRecord) {
    count(usage.input, .input, of: exchange)
    count(usage.output, .output, of: exchange)
    count(usage.cachedInput, .cachedInput, of: exchange)
    count(usage.reasoning, .reasoning, of: exchange)
    if let cost = exchange.cost, cost >= 0 {
      state.cost.add(
        min(cost, Self.mostMoney), to: SeriesKey(subject: exchange.provider, model: exchange.model))
    }
  }

  /// What is missing of its usage or was guessed.
  private func note(_ exchange: ExchangeRecord) {
    if exchange.expectsUsage, exchange.usage.input == nil, exchange.usage.output == nil {
      state.usageMissing.add(1, to: SeriesKey(subject: exchange.provider))
    }
    if exchange.isUnpriced {
      state.unpriced.add(1, to: SeriesKey(subject: exchange.provider, model: exchange.model))
    }
    guess(exchange.estimatedInput, .input)
    guess(exchange.estimatedOutput, .output)
  }

  private func guess(_ tokens: Int, _ kind: TokenKind) {
    if tokens <= 0 { return }
    state.tokensEstimated.add(min(tokens, Self.mostTokens), to: SeriesKey(detail: UInt16(kind.rawValue)))
  }

  private func count(_ tokens: Int?, _ kind: TokenKind, of exchange: ExchangeRecord) {
    guard let tokens, tokens >= 0 else { return }
    state.tokens.add(
      min(tokens, Self.mostTokens),
      to: SeriesKey(
        subject: exchange.provider, model: exchange.model, detail: UInt16(kind.rawValue)))
  }

  // MARK: events

  /// The cache of answers was asked, or passed by.
  package func cached(_ result: CacheResult) {
    state.cache.add(1, to: SeriesKey(detail: UInt16(result.rawValue)))
  }

  /// A request was refused before there was an exchange.
  package func refused(_ reason: RefusedReason) {
    state.refused.add(1, to: SeriesKey(detail: UInt16(reason.rawValue)))
  }

  /// A silent client's connection was closed to make room for another.
  package func evicted(_ port: Port) {
    state.evicted.add(1, to: SeriesKey(detail: UInt16(port.rawValue)))
  }

  /// A caller was turned away.
  package func rejected(_ reason: ConsumerRejection) {
    state.rejections.add(1, to: SeriesKey(detail: UInt16(reason.rawValue)))
  }

  /// A request met a limit.
  package func limited(_ scope: LimitScope, by kind: LimitKind) {
    state.limited.add(1, to: MetricSnapshot.limitKey(scope, kind))
  }

  /// A policy acted on a request or an answer.
  package func acted(_ policy: Label, _ action: PolicyAction) {
    state.policyActions.add(1, to: SeriesKey(subject: policy, detail: UInt16(action.rawValue)))
  }

  /// A policy found something of a kind: a name of our tables, or of the configuration.
  package func found(_ policy: Label, _ kind: Span<UInt8>, _ count: Int) {
    state.policyFindings.add(count, to: SeriesKey(subject: policy, model: state.names.add(kind) ?? .other))
  }

  /// A policy looked at so many bytes of text.
  package func scanned(_ policy: Label, _ side: PolicySideName, _ count: Int) {
    state.policyScanned.add(count, to: SeriesKey(subject: policy, detail: UInt16(side.rawValue)))
  }

  /// A request was looked at in so much time.
  package func scanned(nanoseconds: Int) {
    let row = state.policyScan.place(SeriesKey())
    state.policyScan.values[row].observe(nanoseconds, in: Bounds.overhead)
  }

  /// Placeholders in an answer were none of the request's.
  package func unrestored(_ count: Int) {
    state.policyUnrestored = saturated(state.policyUnrestored, plus: count)
  }

  /// A body wasn't looked at though there are policies.
  package func unscanned(_ endpoint: Endpoint) {
    state.policyUnscanned.add(1, to: SeriesKey(endpoint: endpoint))
  }

  /// One attempt at an upstream is over.
  package func attempted(_ provider: Label, _ outcome: AttemptOutcome) {
    if outcome == .success { return tries.succeeded(provider, &state) }
    state.attempts.add(1, to: SeriesKey(subject: provider, detail: UInt16(outcome.rawValue)))
  }

  /// How long an attempt took to its answer's first byte, and its connection to be made; nil where there was none.
  package func timed(_ provider: Label, firstByte: Int?, connect: Int?) {
    if let firstByte { tries.took(firstByte, provider, &state) }
    if let connect {
      let row = state.upstreamConnect.place(SeriesKey(subject: provider))
      state.upstreamConnect.values[row].observe(connect, in: Bounds.connect)
    }
  }

  /// A request goes to a target again.
  package func retried(_ provider: Label, after failure: AttemptFailure) {
    state.retries.add(1, to: SeriesKey(subject: provider, detail: UInt16(failure.rawValue)))
  }

  /// A request goes on from one target to another.
  package func fellBack(from: Label, to: Label) {
    state.fallbacks.add(1, to: SeriesKey(subject: from, model: to))
  }

  /// The label of a target, `provider/model`, where the configuration names it, and else its provider's.
  package func intern(target: Span<UInt8>, of provider: Label) -> Label {
    let label = intern(target, as: .target)
    return label == .other ? provider : label
  }

  /// A refused credential was looked up again.
  package func refreshed(_ provider: Label, _ result: RefreshResult) {
    state.refreshes.add(1, to: SeriesKey(subject: provider, detail: UInt16(result.rawValue)))
  }

  /// A TLS handshake with an upstream took up an earlier session.
  package func resumedTLS(_ provider: Label) {
    state.tlsResumed.add(1, to: SeriesKey(subject: provider))
  }

  /// Fields of a request were left out.
  package func dropped(_ count: Int, for provider: Label) {
    state.droppedFields.add(count, to: SeriesKey(subject: provider))
  }

  /// An upstream said something that its dialect doesn't know.
  package func unknown(_ place: UnknownPlace, _ count: Int, of provider: Label) {
    state.unknownSaid.add(count, to: SeriesKey(subject: provider, detail: UInt16(place.rawValue)))
  }

  /// Clients connected (1) or left (-1).
  package func clientConnections(by change: Int) {
    state.clientConnections = saturated(state.clientConnections, plus: change)
  }

  /// Lines that this worker's log sinks have dropped since they began.
  package func logLinesDropped(_ total: Int) {
    state.logLinesDropped = total
  }
}
