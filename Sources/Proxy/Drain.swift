// The way out: from the first SIGTERM to the end of the process, without taking the proxy away from an
// application that is still at work. kubelet tells an ordinary sidecar and its application at the same time,
// so the listeners stay open, and the end comes with the first moment in which nobody needs them.

internal import Config
internal import HTTP
internal import Synchronization
internal import Telemetry
internal import Transport

/// Who is still there. The first worker leaves last: the admin port is its own, and the process ends with it.
final class Attendance: Sendable {
  private let others: Atomic<Int>

  init(_ workers: Int) { others = Atomic(workers - 1) }

  /// One of the others has left.
  func leave() { others.subtract(1, ordering: .acquiringAndReleasing) }

  var isFirstAlone: Bool { others.load(ordering: .acquiring) <= 0 }
}

/// One worker's way out. Confined to its loop.
final class Drain {
  /// A client inside the pod that was served so recently, and keeps its connection, is taken to come again. One
  /// that has ended has closed its connections, so an idle process ends at once.
  static let quiet = Duration.seconds(1)

  private let state: WorkerState
  /// Whether this worker may leave, as far as the others are concerned.
  private let mayLeave: () -> Bool
  private let onEnd: () -> Void
  private var quiet: Duration
  private var settle: Alarm?
  private var deadline: Alarm?

  /// - Parameter onEnd: called once there is nothing to stay for.
  init(
    _ state: WorkerState, quiet: Duration, mayLeave: @escaping () -> Bool, onEnd: @escaping () -> Void
  ) {
    self.state = state
    self.quiet = quiet
    self.mayLeave = mayLeave
    self.onEnd = onEnd
  }

  func begin() {
    state.drain.hasBegun = true
    state.readiness.drain()
    state.rolls.proxy.hurry(state.patience.unfinished)
    state.rolls.admin.hurry(state.patience.unfinished)
    state.drain.onIdle = { [weak self] in self?.consider() }
    settle = Alarm { [weak self] in self?.consider() }
    let alarm = Alarm { [weak self] in self?.endAll() }
    deadline = alarm
    state.loop.arm(alarm, at: state.loop.now + state.lineup.snapshot.settings.shutdown.drain)
    consider()
  }

  /// Who asks knows that the application has no more to ask.
  func hurry() {
    quiet = .zero
    consider()
  }

  /// Leaves, if nothing is under way and nobody is likely to come again.
  func consider() {
    guard state.inFlight == 0, let settle else { return }
    let needed = state.rolls.proxy.members.values.reduce(Instant(nanoseconds: 0)) { latest, connection in
      (connection.handler as? ProxyPort)?.entrance.isLoopback == true
        ? max(latest, connection.activeAt) : latest
    }
    let until = needed + quiet
    if needed > Instant(nanoseconds: 0), until > state.loop.now { return state.loop.arm(settle, at: until) }
    if mayLeave() { onEnd() }
  }

  /// The drain's time is over: streams get their error event, what still comes is told to come again.
  private func endAll() {
    state.endAll()
    let alarm = Alarm { [weak self] in self?.onEnd() }
    deadline = alarm
    state.loop.arm(alarm, at: state.loop.now + Deadline.lastWords)
  }
}

/// How far a worker's drain has come, and who asks for it.
struct DrainState {
  var hasBegun = false
  /// Its time is over: what is still under way is told so and ends.
  var isOver = false
  /// Called when nothing is under way any more.
  var onIdle: (() -> Void)?
  /// Asks every worker to drain.
  var onQuit: (() -> Void)?
}
