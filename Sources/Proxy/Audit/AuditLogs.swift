// The audit logs of the process, by their files: a configuration that is read again goes on with those that are open. Next:
// AuditBook.swift, for who is written down where.

internal import Config
internal import Detect
internal import Glibc
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Wire

/// Holds a log's writer for as long as a configuration names it, or an exchange that began under one.
final class AuditHold: Sendable {
  let writer: AuditWriter
  /// What its chain is made with; nil: nothing.
  let key: Secret?
  let isChained: Bool

  init(_ writer: AuditWriter, key: Secret?, isChained: Bool) {
    self.writer = writer
    self.key = key
    self.isChained = isChained
    writer.holders.add(1, ordering: .relaxed)
  }

  deinit {
    if writer.holders.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { writer.end() }
  }

  func isLike(_ log: AuditLog, key other: Secret?) -> Bool {
    guard isChained == log.isChained else { return false }
    guard let key, let other else { return key == nil && other == nil }
    return key.isEqual(to: other)
  }
}

/// Every audit log that the process has had; the same for every generation of the configuration.
final class AuditLogs: Sendable {
  private struct State: Sendable {
    var holds: [String: WeakHold] = [:]
    var writers: [AuditWriter] = []
    /// What logs that have ended have counted.
    var ended = AuditGauge()
  }

  private struct WeakHold: Sendable {
    weak let hold: AuditHold?
  }

  private let state = Guarded(State())

  /// The log of a policy: the one that is open, or one that is opened now.
  func open(_ log: AuditLog, key: Secret?) throws(AuditFault) -> (hold: AuditHold, change: AuditChain?) {
    let path = log.file ?? ""
    let chain = AuditChain(key: key.map { KeyedHash(key: $0.bytes) }, isChained: log.isChained)
    if let known = state.withLock({ $0.holds[path]?.hold }) {
      if known.isLike(log, key: key) { return (known, nil) }
      return (take(AuditHold(known.writer, key: key, isChained: log.isChained), path), chain)
    }
    let writer = try AuditWriter(log, chain: chain)
    state.withLock { $0.writers.append(writer) }
    return (take(AuditHold(writer, key: key, isChained: log.isChained), path), nil)
  }

  private func take(_ hold: AuditHold, _ path: String) -> AuditHold {
    state.withLock { state in
      state.holds[path] = WeakHold(hold: hold)
      state.holds = state.holds.filter { $0.value.hold != nil }
    }
    return hold
  }

  /// What all of them have counted.
  var gauge: AuditGauge {
    let (writers, ended) = state.withLock { state in
      for writer in state.writers where writer.hasEnded { state.ended.add(writer.gauge) }
      state.writers.removeAll(where: \.hasEnded)
      return (state.writers, state.ended)
    }
    var sum = ended
    for writer in writers { sum.add(writer.gauge) }
    return sum
  }

  /// Writes what is left, as the process ends; waits half a second for a disk, and no longer.
  func finish() {
    let writers = state.withLock { $0.writers }
    for writer in writers { writer.end() }
    // Looked at in short steps: nothing else runs any more, and a disk that hangs would never signal.
    for _ in 0..<100 where !writers.allSatisfy(\.hasEnded) { usleep(5000) }
    for writer in writers where writer.gauge.queued > 0 {
      Log.write(
        .error, "an audit log's last lines could not be written", .text("file", writer.path),
        .number("bytes", writer.gauge.queued))
    }
  }
}
