// How one target is doing, for all workers of the process: its circuit, whether it cools, what is left for trying again,
// how fast it is.
//
// A target that answers costs its users an atomic load and a few additions: the lock is for those that fail, and for
// those that are picked by their speed.

internal import Synchronization
internal import Wire

/// Whether a target can be asked now.
package enum TargetStanding: Sendable, Equatable {
  case usable
  /// Its circuit is open, or as many as may are trying it out.
  case open(until: Nanoseconds)
  case cooling(Cooling, until: Nanoseconds)

  package var isUsable: Bool { self == .usable }

  /// When it can be asked again; 0: now.
  package var until: Nanoseconds {
    switch self {
    case .usable: 0
    case .open(let until), .cooling(_, let until): until
    }
  }
}

/// A try that is under way at a target.
package struct Pass: Sendable {
  fileprivate let epoch: UInt32
}

/// How one target is doing. Kept over changes of the configuration, by what it is and not by its place.
package final class TargetHealth: Sendable {
  /// What metrics call the states.
  package enum Shown: UInt8, Sendable { case closed, halfOpen, open, cooling }

  private struct State: ~Copyable, Sendable {
    var circuit = Circuit()
    var cooler = Cooler()
    var budget = RetryBudget()
    var pace = Pace()
    /// Why a try failed last.
    var lastFailure: FailureClass?
    /// What it was last seen as, and how often it came to be each.
    var shown = Shown.closed
    var transitions = InlineArray<4, Int>(repeating: 0)

    mutating func look(at now: Nanoseconds) {
      let new = standing(at: now)
      if new == shown { return }
      shown = new
      transitions[Int(new.rawValue)] &+= 1
    }

    private func standing(at now: Nanoseconds) -> Shown {
      if cooler.isCooling(at: now) { return .cooling }
      switch circuit.state {
      case .closed: return .closed
      case .halfOpen: return .halfOpen
      case .open: return now >= circuit.until ? .halfOpen : .open
      }
    }
  }

  /// The provider's name and the model's there, for metrics.
  package let provider: String
  package let model: String
  /// The model's name as it was asked for; where a client chose it, no label may carry it.
  package let name: String
  private let state: Guarded<State>
  private let isCalm = Atomic(true)

  package init(provider: String, model: String, name: String? = nil) {
    self.provider = provider
    self.model = model
    self.name = name ?? model
    state = Guarded(State())
  }

  /// Whether nothing has failed lately.
  package var isQuiet: Bool { isCalm.load(ordering: .relaxed) }

  /// Whether it can be asked.
  package func standing(at now: Nanoseconds) -> TargetStanding {
    if isCalm.load(ordering: .relaxed) { return .usable }
    return state.withLock { state in
      if state.cooler.isCooling(at: now) { return .cooling(state.cooler.reason, until: state.cooler.until) }
      if state.circuit.admits(at: now) { return .usable }
      return .open(until: max(state.circuit.until, now))
    }
  }

  /// A try begins.
  ///
  /// - Parameter isFirst: whether it is the request's first.
  package func begin(isFirst: Bool, at now: Nanoseconds) -> Pass {
    state.withLock { state in
      _ = state.circuit.admits(at: now)
      state.circuit.begin(at: now)
      if isFirst { state.budget.deposit(at: now) }
      state.pace.begin()
      return Pass(epoch: state.circuit.epoch)
    }
  }

  /// Whether a try beyond the first may go here; it is taken from what is left where it must be paid for.
  ///
  /// - Parameters:
  ///   - isRepeated: whether the request has been here already. Moving on to a target that is well is free.
  ///   - percent: `retry.budget`.
  package func mayRetry(isRepeated: Bool, percent: Int, at now: Nanoseconds) -> Bool {
    if isCalm.load(ordering: .relaxed), !isRepeated { return true }
    return state.withLock { state in
      let share = state.circuit.failureShare(at: now, samples: 10) ?? 0
      if !isRepeated, share < 10 { return true }
      return state.budget.withdraw(percent: percent, at: now)
    }
  }

  /// Whether a request may come here for the first time behind another target; nothing is taken for it.
  package func couldRetry(percent: Int, at now: Nanoseconds) -> Bool {
    if isCalm.load(ordering: .relaxed) { return true }
    return state.withLock { state in
      (state.circuit.failureShare(at: now, samples: 10) ?? 0) < 10
        || state.budget.has(percent: percent, at: now)
    }
  }

  /// The try has an answer.
  package func succeeded(_ pass: Pass, at now: Nanoseconds) {
    let isCalm = state.withLock { state in
      state.pace.end()
      state.circuit.end(false, epoch: pass.epoch, mayOpen: true, jitter: 0, at: now)
      state.cooler.succeeded(at: now)
      state.look(at: now)
      return state.circuit.isCalm(at: now) && state.cooler.isCalm
    }
    if isCalm { self.isCalm.store(true, ordering: .relaxed) }
  }

  /// The try was given up for a reason that says nothing of the target.
  package func abandoned(_ pass: Pass, at now: Nanoseconds) {
    state.withLock { state in
      state.pace.end()
      state.circuit.end(nil, epoch: pass.epoch, mayOpen: true, jitter: 0, at: now)
    }
  }

  /// The try failed.
  ///
  /// - Parameters:
  ///   - mayOpen: whether another target could take over.
  ///   - random: any number, so that not all pods come back at the same moment.
  package func failed(
    _ pass: Pass, _ failure: Failure, mayOpen: Bool, random: UInt64, at now: Nanoseconds
  ) {
    isCalm.store(false, ordering: .relaxed)
    let jitter = UInt8(truncatingIfNeeded: random)
    state.withLock { state in
      state.pace.end()
      state.lastFailure = failure.cls
      if failure.cls.isTargetsFault { state.pace.failed(at: now) }
      let hasFailed: Bool? = failure.cls.isTargetsFault ? true : nil
      state.circuit.end(hasFailed, epoch: pass.epoch, mayOpen: mayOpen, jitter: jitter, at: now)
      if let reason = failure.cls.cooling {
        state.cooler.cool(reason, wait: failure.wait, jitter: jitter, at: now)
      }
      state.look(at: now)
    }
  }

  /// What metrics say of it: its state, and how often it came to each, in their order.
  package func shown(at now: Nanoseconds) -> (state: Shown, transitions: [Int]) {
    state.withLock { state in
      state.look(at: now)
      return (state.shown, (0..<4).map { state.transitions[$0] })
    }
  }

  /// What there is to say of it to somebody who looks.
  package struct Report: Sendable {
    package var shown: Shown
    /// Why it cools; nil where it doesn't.
    package var cooling: Cooling?
    /// When it is asked again, of one that is left alone.
    package var until: Nanoseconds?
    /// Why a try failed last; nil where none has.
    package var lastFailure: FailureClass?
    /// Failed tries of the last 30 seconds.
    package var failures: Int
    package var inFlight: Int
    /// Nanoseconds to a stream's first content, and for a whole answer's token; nil where nobody knows.
    package var firstContent: Double?
    package var perToken: Double?
  }

  /// How it is doing.
  package func report(at now: Nanoseconds) -> Report {
    state.withLock { state in
      state.look(at: now)
      let isCooling = state.cooler.isCooling(at: now)
      return Report(
        shown: state.shown, cooling: isCooling ? state.cooler.reason : nil,
        until: isCooling ? state.cooler.until : state.shown == .open ? state.circuit.until : nil,
        lastFailure: state.lastFailure, failures: state.circuit.failureCount(at: now),
        inFlight: state.pace.inFlight, firstContent: state.pace.recent(isStream: true, at: now),
        perToken: state.pace.recent(isStream: false, at: now))
    }
  }

  // MARK: Speed

  /// Tells how long the target took: to a stream's first content, or for an answer's tokens.
  package func took(_ sample: Pace.Sample, at now: Nanoseconds) {
    state.withLock { $0.pace.took(sample, at: now) }
  }

  /// What the target costs in time; nil where nobody knows, or knew long ago.
  package func score(isStream: Bool, at now: Nanoseconds) -> Double? {
    state.withLock { $0.pace.score(isStream: isStream, at: now) }
  }
}

/// How fast a target is: a moving average that jumps to a peak and decays from it (as linkerd's peak EWMA does), times
/// what is under way there already.
package struct Pace: Sendable {
  package enum Sample: Sendable {
    /// Nanoseconds from the request to a stream's first content.
    case stream(Nanoseconds)
    /// Nanoseconds for a token of a whole answer.
    case whole(Nanoseconds)
  }

  /// The average's memory.
  private static let decay = 30 * Double(Nanoseconds.second)
  /// An average that is older than this is none.
  private static let stale = 60 * Nanoseconds.second
  /// What a failure counts for, at least: as slow as nobody waits.
  private static let failure = 5 * Double(Nanoseconds.second)

  private struct Average: Sendable {
    var value = 0.0
    var at: Nanoseconds = 0

    mutating func take(_ sample: Double, at now: Nanoseconds) {
      if at == 0 || sample > value {
        value = sample
      } else {
        // 1 - e^(-t/τ), near enough and without the library: t/(t + τ).
        let elapsed = Double(now.minus(at))
        let weight = max(elapsed / (elapsed + Pace.decay), 1.0 / 16)
        value += (sample - value) * weight
      }
      at = max(now, 1)
    }
  }

  private var stream = Average()
  private var whole = Average()
  package private(set) var inFlight = 0

  package init() {}

  package mutating func begin() { inFlight += 1 }
  package mutating func end() { inFlight = max(0, inFlight - 1) }

  package mutating func took(_ sample: Sample, at now: Nanoseconds) {
    switch sample {
    case .stream(let time): stream.take(Double(time), at: now)
    case .whole(let time): whole.take(Double(time), at: now)
    }
  }

  package mutating func failed(at now: Nanoseconds) {
    stream.take(max(stream.value, Self.failure), at: now)
    whole.take(max(whole.value, Self.failure), at: now)
  }

  package func score(isStream: Bool, at now: Nanoseconds) -> Double? {
    recent(isStream: isStream, at: now).map { $0 * Double(inFlight + 1) }
  }

  /// The average itself; nil where nobody knows it, or knew it long ago.
  package func recent(isStream: Bool, at now: Nanoseconds) -> Double? {
    let average = isStream ? stream : whole
    return average.at > 0 && now.minus(average.at) <= Self.stale ? average.value : nil
  }
}

/// The health of all targets of the process.
package final class HealthRegistry: Sendable {
  /// Targets whose names are the clients' own; beyond it, the oldest is forgotten.
  private static let dynamicCeiling = 1024

  private struct Known: ~Copyable, Sendable {
    var targets: [String: TargetHealth] = [:]
    var dynamic: [String: TargetHealth] = [:]
    var order: [String] = []
  }

  private let known = Guarded(Known())
  private let dynamicCount = Atomic(0)

  package init() {}

  /// The health of a target that the configuration names.
  package func health(_ identity: String, provider: String, model: String) -> TargetHealth {
    known.withLock { known in
      if let health = known.targets[identity] { return health }
      let health = TargetHealth(provider: provider, model: model)
      known.targets[identity] = health
      return health
    }
  }

  /// Whether any target has failed that the configuration doesn't name.
  package var hasDynamic: Bool { dynamicCount.load(ordering: .relaxed) > 0 }

  /// The health of a target that the configuration doesn't name; nil where it hasn't failed lately. One that is well again
  /// is forgotten, so that its requests look nothing up.
  package func find(_ identity: String) -> TargetHealth? {
    known.withLock { known in
      guard let health = known.dynamic[identity] else { return nil }
      if !health.isQuiet { return health }
      known.dynamic[identity] = nil
      known.order.removeAll { $0 == identity }
      dynamicCount.store(known.dynamic.count, ordering: .relaxed)
      return nil
    }
  }

  /// The same, kept from now on.
  package func make(_ identity: String, provider: String, name: String) -> TargetHealth {
    let health = known.withLock { known in
      if let health = known.dynamic[identity] { return health }
      if known.order.count >= Self.dynamicCeiling {
        known.dynamic[known.order.removeFirst()] = nil
      }
      let health = TargetHealth(provider: provider, model: "other", name: name)
      known.dynamic[identity] = health
      known.order.append(identity)
      dynamicCount.store(known.dynamic.count, ordering: .relaxed)
      return health
    }
    return health
  }

  /// Forgets configured targets that `settings` no longer have, so that changes of a configuration don't add up.
  package func keep(_ identities: Set<String>) {
    known.withLock { known in
      for identity in known.targets.keys where !identities.contains(identity) {
        known.targets[identity] = nil
      }
    }
  }

  /// Targets that only clients have named, and that have failed lately.
  package var unnamed: [TargetHealth] {
    known.withLock { known in
      known.dynamic.values.filter { !$0.isQuiet }.sorted { ($0.provider, $0.name) < ($1.provider, $1.name) }
    }
  }

  /// The configured targets, for metrics.
  package var all: [TargetHealth] {
    known.withLock { known in
      known.targets.values.sorted { ($0.provider, $0.model) < ($1.provider, $1.model) }
    }
  }
}
