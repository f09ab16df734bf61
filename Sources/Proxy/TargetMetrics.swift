// What metrics are told of targets: how they are doing, and where requests went on to.

internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension TargetGauge {
  /// The configured targets, as they are now.
  static func all(_ health: HealthRegistry) -> [TargetGauge] {
    let now = Instant.now.nanoseconds
    return health.all.map { target in
      let shown = target.shown(at: now)
      return TargetGauge(
        provider: target.provider, model: target.model, state: TargetState(shown.state),
        transitions: shown.transitions)
    }
  }
}

extension TargetState {
  init(_ shown: TargetHealth.Shown) {
    switch shown {
    case .closed: self = .closed
    case .halfOpen: self = .halfOpen
    case .open: self = .open
    case .cooling: self = .cooling
    }
  }
}

extension AttemptFailure {
  init(_ cls: FailureClass) {
    switch cls {
    case .notSent: self = .notSent
    case .tls: self = .tls
    case .silent: self = .silent
    case .reset: self = .reset
    case .overload: self = .overload
    case .broken: self = .broken
    case .rate: self = .rate
    case .quota: self = .quota
    case .auth: self = .auth
    case .model: self = .model
    case .context: self = .context
    case .filter: self = .filter
    case .caller: self = .caller
    case .unsaid: self = .unsaid
    case .partial: self = .partial
    }
  }
}

extension Exchange {
  /// Counts that a request goes to `to`, after `cls` at `from`.
  func count(_ cls: FailureClass, from: Route, to: Route, isRepeated: Bool) {
    if isRepeated {
      state.shard.retried(lineup.labels[to.providerIndex], after: AttemptFailure(cls))
    } else {
      state.shard.fellBack(from: label(from), to: label(to))
    }
  }

  private func label(_ route: Route) -> Label {
    let provider = lineup.labels[route.providerIndex]
    guard let model = route.model else { return provider }
    let name = Array(lineup.snapshot.upstreams[route.providerIndex].name.utf8) + [UInt8(ascii: "/")] + model
    return state.shard.intern(target: name.span, of: provider)
  }
}
