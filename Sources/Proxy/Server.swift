// A process that serves: its workers, from the first bind to the exit status.

package import Config
internal import Glibc
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What all workers are started with.
struct ServerPlan: Sendable {
  struct Listening: Sendable {
    let address: Transport.Address
    let entrance: Entrance
    /// Not an error where the pod has no such address: the IPv6 half of the default.
    let isOptional: Bool
  }

  struct Bound: Sendable {
    let role: Entrance.Role
    let text: String
  }

  let first: FirstSnapshot
  let auditLogs: AuditLogs
  let readiness: Readiness
  /// What is counted for the whole process, and outlives each configuration.
  let books = Books()
  let health: ConfigHealth
  let listening: [Listening]
  let workers: Int
  let attendance: Attendance
  /// The container's limit of memory; nil where there is none.
  let quota: Int?
  /// What the configuration says of it.
  let maxMemory: Int?
  /// What is read again when it changes; nil where nothing can.
  let source: ConfigSource?
}

/// What the process starts with, until every worker has it: whoever kept it for longer would keep its secrets, when
/// others have long been in their place.
final class FirstSnapshot: Sendable {
  private let state: Guarded<(snapshot: Snapshot?, takers: Int)>

  init(_ snapshot: Snapshot, workers: Int) { state = Guarded((snapshot, workers)) }

  /// For each worker once; nil for any more.
  func take() -> Snapshot? {
    state.withLock { state in
      state.takers -= 1
      defer { if state.takers <= 0 { state.snapshot = nil } }
      return state.snapshot
    }
  }
}

/// Runs the proxy.
package enum Server {
  /// Where it listens, as text.
  package struct Addresses: Sendable {
    package let proxy: [String]
    package let admin: String
  }

  /// Serves until a signal ends it.
  ///
  /// - Parameters:
  ///   - configDigest: SHA-256 of the configuration, for the metrics.
  ///   - warnings: what is to be logged first.
  ///   - source: where the settings came from; nil where they can't change.
  ///   - onReady: called once, when everything listens.
  /// - Returns: the process's exit status: 0 after a signal, 1 where it could not start.
  package static func run(
    _ settings: Settings, environment: Environment, configDigest: String, warnings: [String],
    source: ConfigSource? = nil, onReady: (@Sendable (Addresses) -> Void)? = nil
  ) -> Int32 {
    do throws(StartFault) {
      return try start(settings, environment, configDigest, warnings, source, onReady)
    } catch {
      complain(error.message)
      return 1
    }
  }

  private struct StartFault: Error { let message: String }

  private static func start(
    _ settings: Settings, _ environment: Environment, _ digest: String, _ warnings: [String],
    _ source: ConfigSource?, _ onReady: (@Sendable (Addresses) -> Void)?
  ) throws(StartFault) -> Int32 {
    Log.use(Log.Level(settings.telemetry.level))
    let count: Int
    switch settings.workers {
    case .count(let wanted): count = wanted
    case .automatic: count = CPUQuota.processors()
    }
    let first: FirstSnapshot
    let auditLogs: AuditLogs
    do throws(SnapshotFault) {
      let snapshot = try Snapshot(
        settings, environment: environment, sha256: digest, checked: source?.contexts.take() ?? [:])
      auditLogs = snapshot.auditLogs
      first = FirstSnapshot(snapshot, workers: count)
    } catch { throw StartFault(message: error.message) }
    for warning in warnings { Log.write(.warn, "configuration", .text("problem", warning)) }
    var health = ConfigHealth()
    health.start(sha256: digest, at: Int(clamping: Instant.unixNanoseconds))
    let plan = ServerPlan(
      first: first, auditLogs: auditLogs, readiness: Readiness(), health: health,
      listening: try listening(settings),
      workers: count, attendance: Attendance(count), quota: MemoryQuota.bytes(),
      maxMemory: settings.maxMemory,
      source: source)
    // What was spent belongs to limits that are known.
    _ = plan.books.ledger.adopt(settings)
    plan.books.keeper.load(settings)
    plan.readiness.pass(.configLoaded)
    var workers: [Worker] = []
    do throws(SystemFault) {
      for _ in 0..<count { workers.append(Worker(on: try Loop())) }
    } catch { throw StartFault(message: "can't start an event loop: \(error.description)") }
    return try turn(plan, workers, onReady)
  }

  /// Runs the first worker here and each other one on a thread of its own.
  private static func turn(
    _ plan: ServerPlan, _ workers: [Worker], _ onReady: (@Sendable (Addresses) -> Void)?
  ) throws(StartFault) -> Int32 {
    let outcome = Outcome()
    let crew = workers
    let first = crew[0]
    first.loop.run {
      first.assumeIsolated { first in
        do throws(SystemFault) {
          try first.watchSignals { outcome.signal($0, crew) }
        } catch { outcome.fail("can't listen to signals: \(error.description)") }
        switch first.start(plan, index: 0, crew: crew) {
        case .failure(let fault):
          outcome.fail(message(of: fault))
          first.stopNow()
        case .success(let bound):
          for (index, worker) in crew.enumerated().dropFirst() {
            let isRunning = Thread.detached {
              worker.loop.run {
                worker.assumeIsolated { worker in
                  if case .failure(let fault) = worker.start(plan, index: index, crew: crew) {
                    outcome.fail(message(of: fault))
                    for worker in crew { worker.stopNow() }
                  }
                }
              }
              outcome.workerEnded()
            }
            if !isRunning {
              outcome.fail("no thread for worker \(index)")
              for worker in crew { worker.stopNow() }
            }
          }
          plan.readiness.pass(.listenersBound)
          let proxy = bound.filter { $0.role == .proxy }.map(\.text)
          let admin = bound.first { $0.role == .admin }?.text ?? ""
          let ceiling = MemoryBudget.ceiling(plan.maxMemory, quota: plan.quota)
          Log.write(
            .info, "serving", .text("proxy", proxy.joined(separator: ", ")), .text("admin", admin),
            .number("max_memory", ceiling))
          onReady?(Addresses(proxy: proxy, admin: admin))
        }
      }
    }
    if let message = outcome.message { throw StartFault(message: message) }
    // The first worker leaves last; the others may be in their last turn.
    let patience = Instant.now + .milliseconds(200)
    while outcome.endedWorkers < crew.count - 1, Instant.now < patience, !outcome.isUrgent { sched_yield() }
    plan.books.keeper.write()
    plan.auditLogs.finish()
    Log.write(.info, "stopped")
    Log.flush()
    return 0
  }

  private static func message(of fault: ListenFault) -> String {
    fault.isInUse
      ? "\(fault.address): address already in use; stop what listens there, or choose another address"
      : "can't listen at \(fault.address): \(fault.reason)"
  }

  private static func complain(_ message: String) {
    Log.flush()
    let line = "remora: \(message)\n"
    _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
  }

  // MARK: Addresses

  private static func listening(
    _ settings: Settings
  ) throws(StartFault) -> [ServerPlan.Listening] {
    var result: [ServerPlan.Listening] = []
    for (index, entry) in settings.listen.enumerated() {
      let entrance = Entrance(
        role: .proxy, index: index, isLoopback: entry.address.isLoopback)
      for address in try addresses(entry.address) {
        result.append(
          ServerPlan.Listening(
            address: address, entrance: entrance, isOptional: address.family == .ipv6 && address.isLoopback))
      }
    }
    let admin = Entrance(role: .admin, index: 0, isLoopback: settings.admin.isLoopback)
    for address in try addresses(settings.admin) {
      result.append(ServerPlan.Listening(address: address, entrance: admin, isOptional: false))
    }
    return result
  }

  /// The addresses behind one of the configuration, whose host may be a name.
  private static func addresses(_ address: Config.Address) throws(StartFault) -> [Transport.Address] {
    switch address {
    case .unix(let path):
      guard let local = Transport.Address(path: path) else {
        throw StartFault(message: "unix:\(path): the path is longer than the 107 bytes that the kernel takes")
      }
      return [local]
    case .tcp(let host, let port):
      if let literal = Transport.Address(ip: host, port: UInt16(clamping: port)) { return [literal] }
      switch Resolver.lookUp(host) {
      case .success(let found): return found.map { $0.with(port: UInt16(clamping: port)) }
      case .failure(let fault): throw StartFault(message: "\(address.text): \(fault.reason)")
      }
    }
  }
}

/// How the process came to its end; told by signals, asked by whoever runs the first loop.
private final class Outcome: Sendable {
  private let state = Guarded<(signals: Int, ended: Int, message: String?)>((0, 0, nil))

  func fail(_ message: String) { state.withLock { if $0.message == nil { $0.message = message } } }

  func workerEnded() { state.withLock { $0.ended += 1 } }

  var endedWorkers: Int { state.withLock { $0.ended } }

  var message: String? { state.withLock { $0.message } }

  /// A second signal has asked for an end without delay.
  var isUrgent: Bool { state.withLock { $0.signals > 1 } }

  func signal(_ signal: Signal, _ crew: [Worker]) {
    guard signal == .terminate else {
      crew.first?.reloadNow()
      return
    }
    let count = state.withLock {
      $0.signals += 1
      return $0.signals
    }
    if count == 1 {
      Log.write(.info, "draining")
      for worker in crew { worker.beginDrain() }
    } else {
      for worker in crew { worker.stopNow() }
    }
  }
}

extension Log.Level {
  init(_ level: Config.Telemetry.Level) {
    switch level {
    case .trace: self = .trace
    case .debug: self = .debug
    case .info: self = .info
    case .warn: self = .warn
    case .error: self = .error
    }
  }
}
