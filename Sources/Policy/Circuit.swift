// When a target is left alone because it fails, and how it comes back: closed, open, half open.
//
// No clock and no lock: instants are nanoseconds that the caller passes in, and TargetHealth.swift guards it.

/// Nanoseconds on a monotonic clock.
package typealias Nanoseconds = UInt64

extension Nanoseconds {
  package static let second: Nanoseconds = 1_000_000_000

  /// The sum, or as much as fits.
  package func plus(_ other: Nanoseconds) -> Nanoseconds {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  /// The difference, or 0.
  package func minus(_ other: Nanoseconds) -> Nanoseconds { self > other ? self - other : 0 }
}

/// A count over the last seconds, a slot for each span of them.
package struct SlotCount: Sendable {
  private var counts = InlineArray<10, UInt32>(repeating: 0)
  private var slot: UInt64 = 0
  private let span: Nanoseconds

  /// - Parameter span: nanoseconds of one of the ten slots.
  package init(span: Nanoseconds) { self.span = span }

  package mutating func add(at now: Nanoseconds) {
    turn(to: now)
    counts[Int(slot % 10)] &+= 1
  }

  package mutating func sum(at now: Nanoseconds) -> Int {
    turn(to: now)
    var sum = 0
    for place in 0..<10 { sum += Int(counts[place]) }
    return sum
  }

  private mutating func turn(to now: Nanoseconds) {
    let new = now / span
    if new <= slot { return }
    if new - slot >= 10 {
      for place in 0..<10 { counts[place] = 0 }
    } else {
      for old in slot + 1...new { counts[Int(old % 10)] = 0 }
    }
    slot = new
  }
}

/// One target's circuit.
package struct Circuit: Sendable {
  package enum State: UInt8, Sendable { case closed, halfOpen, open }

  /// Failures in a row that open it.
  static let inARow = 5
  /// The fewest tries of a window that say something, and the share of failures in percent that opens it.
  static let samples = 20
  static let share = 50
  /// Requests that may be under way while it is half open, before it is closed.
  static let ramp = 8
  private static let shortest = 2 * Nanoseconds.second
  private static let longest = 30 * Nanoseconds.second
  /// Closed for so long, it begins anew with the shortest pause.
  private static let forgets = 60 * Nanoseconds.second

  package private(set) var state = State.closed
  /// When it is tried again, while it is open.
  package private(set) var until: Nanoseconds = 0
  /// Counts changes of state: a result of a try that began before the last one says nothing.
  package private(set) var epoch: UInt32 = 0
  private var level = 0
  private var closedAt: Nanoseconds = 0
  private var failuresInARow = 0
  private var tries = SlotCount(span: 3 * .second)
  private var failures = SlotCount(span: 3 * .second)
  private var probes = 0
  private var mostProbes = 1

  package init() {}

  /// Whether there is nothing to remember: it is closed, and nothing has failed lately.
  package mutating func isCalm(at now: Nanoseconds) -> Bool {
    state == .closed && level == 0 && failuresInARow == 0 && failures.sum(at: now) == 0
  }

  /// Whether a try may begin now.
  package mutating func admits(at now: Nanoseconds) -> Bool {
    if state == .open, now >= until { change(to: .halfOpen) }
    switch state {
    case .closed: return true
    case .open: return false
    case .halfOpen: return probes < mostProbes
    }
  }

  /// A try begins.
  package mutating func begin(at now: Nanoseconds) {
    if state == .halfOpen { probes += 1 }
    tries.add(at: now)
  }

  /// Failed tries in percent of those of the last 30 seconds; nil where there are too few to tell.
  package mutating func failureShare(at now: Nanoseconds, samples: Int) -> Int? {
    let count = tries.sum(at: now)
    return count < samples ? nil : failures.sum(at: now) * 100 / count
  }

  /// Failed tries of the last 30 seconds.
  package mutating func failureCount(at now: Nanoseconds) -> Int { failures.sum(at: now) }

  /// A try that began in `epoch` ended.
  ///
  /// - Parameters:
  ///   - hasFailed: nil where it says nothing of the target: it was cancelled, or the caller was at fault.
  ///   - mayOpen: whether another target could take over. The only one is never given up.
  ///   - jitter: 0 to 255, how much of a fifth is added to the pause, so that not all pods come back at once.
  package mutating func end(
    _ hasFailed: Bool?, epoch: UInt32, mayOpen: Bool, jitter: UInt8, at now: Nanoseconds
  ) {
    guard epoch == self.epoch else { return }
    if state == .halfOpen { probes = max(0, probes - 1) }
    guard let hasFailed else { return }
    if hasFailed {
      failuresInARow += 1
      failures.add(at: now)
      let isMostly =
        failureShare(at: now, samples: Self.samples).map { $0 >= Self.share } ?? false
      if mayOpen, state == .halfOpen || failuresInARow >= Self.inARow || isMostly { open(jitter, at: now) }
      return
    }
    failuresInARow = 0
    switch state {
    case .halfOpen:
      if mostProbes >= Self.ramp {
        change(to: .closed)
        closedAt = now
      } else {
        mostProbes *= 2
      }
    case .closed: if level > 0, now.minus(closedAt) >= Self.forgets { level = 0 }
    case .open: break
    }
  }

  private mutating func open(_ jitter: UInt8, at now: Nanoseconds) {
    level = min(level + 1, 16)
    var pause = Self.shortest
    for _ in 1..<max(level, 1) where pause < Self.longest { pause *= 2 }
    pause = min(pause, Self.longest)
    pause += pause / 5 * Nanoseconds(jitter) / 255
    until = now.plus(pause)
    change(to: .open)
  }

  private mutating func change(to new: State) {
    state = new
    epoch &+= 1
    probes = 0
    mostProbes = 1
    failuresInARow = 0
    if new == .closed {
      tries = SlotCount(span: 3 * .second)
      failures = SlotCount(span: 3 * .second)
    }
  }
}

/// How long a target is left alone because it said so, or because what it refused will not change soon.
package struct Cooler: Sendable {
  package private(set) var until: Nanoseconds = 0
  package private(set) var reason = Cooling.rate
  private var streak = 0

  package init() {}

  package func isCooling(at now: Nanoseconds) -> Bool { now < until }

  package var isCalm: Bool { until == 0 && streak == 0 }

  /// Leaves the target alone; never for less than it is left alone already.
  ///
  /// - Parameter wait: what the upstream said.
  package mutating func cool(_ reason: Cooling, wait: Nanoseconds?, jitter: UInt8, at now: Nanoseconds) {
    var pause: Nanoseconds
    switch reason {
    case .rate:
      pause = min(max(wait ?? doubled(5, most: 60), .second), 60 * .second)
    case .quota:
      pause = max(doubled(300, most: 3600), min(wait ?? 0, 3600 * .second))
    case .auth, .model: pause = 60 * .second
    }
    streak = min(streak + 1, 32)
    pause += pause / 5 * Nanoseconds(jitter) / 255
    if now.plus(pause) > until {
      until = now.plus(pause)
      self.reason = reason
    }
  }

  private func doubled(_ seconds: Nanoseconds, most: Nanoseconds) -> Nanoseconds {
    var pause = seconds
    for _ in 0..<streak where pause < most { pause *= 2 }
    return min(pause, most) * .second
  }

  /// The target has answered.
  package mutating func succeeded(at now: Nanoseconds) {
    streak = 0
    if now >= until { until = 0 }
  }
}

/// How many tries beyond the first ones a target can be asked for: a share of what it is asked anyway, and one a second.
package struct RetryBudget: Sendable {
  private var deposited = SlotCount(span: .second)
  private var withdrawn = SlotCount(span: .second)

  package init() {}

  /// A request's first try goes to the target.
  package mutating func deposit(at now: Nanoseconds) { deposited.add(at: now) }

  /// Takes one more try.
  ///
  /// - Parameter percent: of the first tries of the last ten seconds.
  /// - Returns: false where there is none left.
  package mutating func withdraw(percent: Int, at now: Nanoseconds) -> Bool {
    guard has(percent: percent, at: now) else { return false }
    withdrawn.add(at: now)
    return true
  }

  /// Whether there is one left.
  package mutating func has(percent: Int, at now: Nanoseconds) -> Bool {
    100 * withdrawn.sum(at: now) < percent * deposited.sum(at: now) + 1000
  }
}
