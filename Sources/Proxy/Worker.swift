// One worker: an actor on an event loop, with its listeners. All of a connection's work happens here.

internal import Config
internal import Glibc
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// An event loop's owner.
actor Worker {
  nonisolated let loop: Loop
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
  nonisolated let pulse = Pulse()
  private var state: WorkerState?
  private var listeners: [Listener] = []
  /// Those of `listeners` that wait while there are too many clients.
  private var proxyListeners: [Listener] = []
  private var signals: Signals?
  private var drain: Drain?
  private var attendance: Attendance?
  private var isFirst = false
  private var hasLeft = false
  private var warmth: Alarm?
  private var reload: Reload?
  private var settling: Alarm?
  private var patience: Alarm?

  init(on loop: Loop) { self.loop = loop }

  // MARK: Start

  /// Binds the listeners and begins to serve.
  ///
  /// - Returns: what was bound, or the fault with the address.
  func start(_ plan: ServerPlan, index: Int, crew: [Worker]) -> Result<[ServerPlan.Bound], ListenFault> {
    guard let snapshot = plan.first.take() else {
      return .failure(ListenFault(address: "worker \(index)", reason: "it was started twice", isInUse: false))
    }
    let state = WorkerState(
      on: loop, snapshot: snapshot, readiness: plan.readiness, quota: plan.quota, workers: plan.workers,
      books: plan.books)
    state.crew = crew
    state.reloads.health = plan.health
    // Who asks this way has seen the application end.
    state.drain.onQuit = { for worker in crew { worker.beginDrain(quiet: .zero) } }
    attendance = plan.attendance
    isFirst = index == 0
    self.state = state
    loop.atEndOfTurn { _ = state.accessLog.flush() }
    var bound: [ServerPlan.Bound] = []
    do throws(ListenFault) {
      for listening in plan.listening where index == 0 || listening.entrance.role == .proxy {
        // A Unix socket has one accept queue: the first worker's.
        if index > 0, case .local = listening.address.family { continue }
        if let listener = try open(listening, plan, state) {
          listeners.append(listener)
          if listening.entrance.role == .proxy { proxyListeners.append(listener) }
          bound.append(ServerPlan.Bound(role: listening.entrance.role, text: listener.address.description))
        }
      }
    } catch { return .failure(error) }
    state.room.onRoom = { [weak self] in self?.assumeIsolated { $0.resumeListeners() } }
    warmUp(state)
    if index == 0 {
      plan.books.keeper.begin(on: loop)
      let exporter = Exporter(state)
      state.tracing.exporter = exporter
      exporter.adopt(snapshot.telemetry)
    }
    if index == 0, let source = plan.source {
      let reload = Reload(source, state)
      self.reload = reload
      reload.begin()
    }
    if index == 0 {
      let alarm = Alarm {
        Memory.forgetCode()
        Memory.trim()
      }
      settling = alarm
      loop.arm(alarm, at: loop.now + Deadline.settled)
    }
    return .success(bound)
  }

  private func open(
    _ listening: ServerPlan.Listening, _ plan: ServerPlan, _ state: WorkerState
  ) throws(ListenFault) -> Listener? {
    let entrance = listening.entrance
    let port = ProxyPort(entrance, state)
    do throws(SystemFault) {
      // The admin port is one address, and kubelet may come by either family; a listener is named by its family.
      let takesBoth = entrance.role == .admin
      return try Listener(
        listening.address, on: loop, sharesPort: plan.workers > 1, takesIPv4: takesBoth
      ) { socket in
        self.begin(socket, port)
      }
    } catch {
      if listening.isOptional, error.isAddressMissing { return nil }
      throw ListenFault(
        address: listening.address.description, reason: error.reason, isInUse: error.isAddressInUse)
    }
  }

  private func resumeListeners() {
    for listener in proxyListeners { listener.resume() }
  }

  /// Leaves new clients in the kernel's queue until one goes, or has been silent for long enough to be sent away.
  private func suspendListeners(_ state: WorkerState) {
    for listener in proxyListeners { listener.suspend() }
    let alarm = patience ?? Alarm { [weak self] in self?.assumeIsolated { $0.resumeListeners() } }
    patience = alarm
    loop.arm(alarm, at: loop.now + Deadline.silence)
  }

  /// Opens the connections that the configuration wants before anybody asks, and looks after them.
  private func warmUp(_ state: WorkerState) {
    let pools = state.lineup.pools.compactMap { $0 }.filter(\.wantsWarmth)
    for pool in pools {
      let pool = Confined(pool)
      loop.start { _ in await self.warm(pool) }
    }
    guard state.lineup.snapshot.upstreams.contains(where: { $0.reach.limits.warm > 0 }) else { return }
    let alarm = warmth ?? Alarm { [weak self] in self?.assumeIsolated { $0.keepWarm() } }
    warmth = alarm
    loop.arm(alarm, at: loop.now + .seconds(5))
  }

  private func keepWarm() {
    if let state { warmUp(state) }
  }

  // MARK: Configuration

  /// Makes `snapshot` the one that new exchanges begin with, then calls `done`, both on this worker's loop.
  nonisolated func adopt(_ snapshot: Snapshot, done: @escaping @Sendable () -> Void) {
    loop.post {
      self.assumeIsolated { $0.take(snapshot) }
      done()
    }
  }

  private func take(_ snapshot: Snapshot) {
    guard let state else { return }
    state.adopt(snapshot)
    if isFirst {
      state.books.keeper.adopt(snapshot.settings)
      state.tracing.exporter?.adopt(snapshot.telemetry)
    }
    warmUp(state)
  }

  /// Has the configuration read again; the first worker's part.
  nonisolated func reloadNow() {
    loop.post { self.assumeIsolated { $0.readAgain() } }
  }

  private func readAgain() {
    if let reload { return reload.request() }
    Log.write(.warn, "there is no configuration to read again")
  }

  // MARK: Connections

  private func begin(_ socket: Socket, _ port: ProxyPort) {
    guard let state else { return socket.close() }
    let role = port.entrance.role
    if state.isFull(role) {
      let hasRoom = state.makeRoom(role)
      state.noteCrowd(role, isClosed: hasRoom)
      if !hasRoom {
        state.shard.refused(.tooManyConnections)
        if role == .admin { return socket.close() }
        suspendListeners(state)
      }
    }
    let confined = Confined((connection: port.accept(socket), tls: port.tls))
    loop.start { _ in await self.serve(confined) }
  }

  private func serve(_ accepted: Confined<(connection: ClientConnection, tls: TLSContext?)>) async {
    await accepted.value.connection.serve(accepted.value.tls)
  }

  private func warm(_ pool: Confined<Pool>) async { await pool.value.warmUp() }

  // MARK: Metrics

  func metrics() -> MetricSnapshot {
    guard let state else { return MetricSnapshot() }
    state.shard.logLinesDropped(state.accessLog.dropped)
    var snapshot = state.shard.snapshot
    snapshot.memoryUsed = state.memoryInUse
    snapshot.memoryLimit = state.memory.bytes == .max ? 0 : state.memory.bytes
    for (index, pool) in state.lineup.pools.enumerated() {
      guard let pool else { continue }
      snapshot.setConnections(state.lineup.labels[index], idle: pool.idleCount, active: pool.active)
    }
    return snapshot
  }

  // MARK: Drain

  /// Stops being ready, serves what comes for as long as somebody needs it, then stops the loop (Drain.swift).
  nonisolated func beginDrain(quiet: Duration = Drain.quiet) {
    loop.post { self.assumeIsolated { $0.drain(quiet) } }
  }

  private func drain(_ quiet: Duration) {
    guard let state else { return loop.stop() }
    if let drain {
      if quiet == .zero { drain.hurry() }
      return
    }
    let drain = Drain(state, quiet: quiet) { [weak self] in
      self?.assumeIsolated { !$0.isFirst || $0.attendance?.isFirstAlone != false } ?? true
    } onEnd: { [weak self] in
      self?.assumeIsolated { $0.leave() }
    }
    self.drain = drain
    drain.begin()
  }

  /// Another worker has left.
  nonisolated func crewChanged() {
    loop.post { self.assumeIsolated { $0.drain?.consider() } }
  }

  private func leave() {
    if hasLeft { return }
    hasLeft = true
    // What requests have taken is told before the end, for as long as a request would wait for it.
    if let shared = state?.shared {
      return shared.finish { [weak self] in self?.assumeIsolated { $0.end() } }
    }
    end()
  }

  private func end() {
    for listener in listeners { listener.close() }
    _ = state?.accessLog.flush()
    if !isFirst {
      attendance?.leave()
      state?.crew.first?.crewChanged()
    }
    // The first worker leaves last, and takes the last spans with it.
    guard let exporter = state?.tracing.exporter else { return loop.stop() }
    exporter.finish(within: Deadline.lastExport) { [loop] in loop.stop() }
  }

  /// Stops the loop now, whatever is under way.
  nonisolated func stopNow() {
    loop.post {
      self.assumeIsolated { worker in
        worker.leave()
        worker.loop.stop()
      }
    }
  }

  /// Listens to the process's signals; the first worker does.
  func watchSignals(_ onSignal: @escaping @Sendable (Signal) -> Void) throws(SystemFault) {
    signals = try Signals(on: loop, onSignal: onSignal)
  }
}

/// An address that could not be listened at.
struct ListenFault: Error, Sendable {
  let address: String
  let reason: String
  let isInUse: Bool
}
