// The thread that writes an audit log. Workers hand it lines and never wait for a disk; it puts them into the chain, in one
// order for all workers, and writes together what has gathered in a tenth of a second.

internal import Config
internal import Detect
internal import Glibc
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// One audit log of the process. Configurations come and go; it goes on for as long as one of them names it.
final class AuditWriter: Sendable {
  /// Bytes of lines that may wait: some ten thousand exchanges. With more, requests are refused, or lines dropped.
  static let queueCeiling = 8 << 20
  /// What is under way when the queue is full still has its line. There is no room for more than that.
  private static let hardCeiling = 2 * queueCeiling
  /// Lines wait for others for so long, in milliseconds, or until there are so many bytes of them.
  private static let gathering: (milliseconds: Int32, bytes: Int) = (100, 64 * 1024)
  /// Milliseconds until what failed is tried again.
  private static let retry: Int32 = 1000

  /// Somebody who waits until the disk has a line.
  private struct Waiter: Sendable {
    let ticket: Int
    let wake: @Sendable () -> Void
  }

  private struct Queue: Sendable {
    /// What lines say, each ended by a line feed.
    var lines: [UInt8] = []
    /// The number of the last one that came.
    var ticket = 0
    /// Lines that were dropped since the last ones were taken.
    var dropped = 0
    var waiters: [Waiter] = []
    var change: (keeping: AuditKeeping, chain: AuditChain?)?
    var sync = AuditLog.Sync.interval
    /// Nobody names it any more.
    var isOver = false
    var problem: String?
  }

  let path: String
  private let queue: Guarded<Queue>
  private let bell: Bell
  /// Configurations that name it, each with a key of its own (AuditLogs.swift).
  let holders = Atomic(0)
  private let isFailing = Atomic(false)
  private let isDone = Atomic(false)
  private let queued = Atomic(0)
  private let backlog = Atomic(0)
  private let lines = Atomic(0)
  private let dropped = Atomic(0)
  private let errors = Atomic(0)
  private let lastSequence = Atomic(0)
  /// Up to which ticket lines are on the disk.
  private let kept = Atomic(0)

  /// Opens the log and starts its thread: what is wrong with it is found out now, and not when a line is to be written.
  init(_ log: AuditLog, chain: AuditChain) throws(AuditFault) {
    path = log.file ?? ""
    queue = Guarded(Queue(sync: log.sync))
    do throws(SystemFault) { bell = try Bell() } catch {
      throw AuditFault(message: "audit log \(Shown.path(path)): the system has no descriptor for it")
    }
    let pen = try AuditPen(path, mode: log.mode.bits, chain: chain, keeping: AuditKeeping(log))
    if let doubt = pen.file.doubt {
      Log.write(
        .warn, "an audit log goes on behind a line that isn't its own", .text("file", path),
        .text("why", "\(doubt)"))
    }
    lastSequence.store(pen.chain.sequence, ordering: .relaxed)
    let held = PenCase(pen)
    guard Thread.detached({ if let pen = held.take() { self.run(pen) } }) else {
      throw AuditFault(message: "audit log \(Shown.path(path)): the system has no thread for it")
    }
  }

  /// Takes over what a configuration has changed.
  ///
  /// - Parameter chain: with another key than before; nil: with the same.
  func follow(_ log: AuditLog, chain: AuditChain?) {
    queue.withLock {
      $0.change = (AuditKeeping(log), chain)
      $0.sync = log.sync
    }
    bell.ring()
  }

  /// Whether lines are written, so that requests may be answered.
  var isGood: Bool {
    !isFailing.load(ordering: .relaxed) && queued.load(ordering: .relaxed) < Self.queueCeiling
  }

  /// What is wrong; nil: nothing.
  var problem: String? {
    queue.withLock { $0.problem } ?? (isGood ? nil : "more lines wait than the disk takes")
  }

  /// Takes what a line says, ended by a line feed; drops and counts it where there is no room.
  ///
  /// - Parameter isNeeded: the requests behind it are refused once the queue is full, so that there is room for it.
  /// - Returns: its ticket; nil where it was dropped.
  @discardableResult
  func append(_ line: [UInt8], isNeeded: Bool) -> Int? {
    let ceiling = isNeeded ? Self.hardCeiling : Self.queueCeiling
    let (ticket, isUrgent): (Int?, Bool) = queue.withLock { queue in
      guard queued.load(ordering: .relaxed) + line.count <= ceiling else {
        queue.dropped += 1
        return (nil, false)
      }
      let before = queue.lines.count
      queue.lines += line
      queue.ticket += 1
      queued.add(line.count, ordering: .relaxed)
      let isMany = before < Self.gathering.bytes && queue.lines.count >= Self.gathering.bytes
      return (queue.ticket, before == 0 || isMany)
    }
    if ticket == nil { dropped.add(1, ordering: .relaxed) }
    if isUrgent { bell.ring() }
    return ticket
  }

  /// Whether the disk has the line with this ticket.
  func keeps(_ ticket: Int) -> Bool { kept.load(ordering: .acquiring) >= ticket }

  /// Calls `wake` when the disk has the line with this ticket, or doesn't take it.
  func await(_ ticket: Int, _ wake: @escaping @Sendable () -> Void) {
    queue.withLock { $0.waiters.append(Waiter(ticket: ticket, wake: wake)) }
    bell.ring()
  }

  /// Writes what is left and ends the thread, which nobody waits for.
  func end() {
    queue.withLock { $0.isOver = true }
    bell.ring()
  }

  /// Whether all was written, and the thread has ended.
  var hasEnded: Bool { isDone.load(ordering: .acquiring) }

  /// What the metrics say.
  var gauge: AuditGauge {
    AuditGauge(
      lines: lines.load(ordering: .relaxed), dropped: dropped.load(ordering: .relaxed),
      errors: errors.load(ordering: .relaxed), queued: queued.load(ordering: .relaxed),
      lastSequence: lastSequence.load(ordering: .relaxed))
  }

  // MARK: The thread

  private func run(_ pen: AuditPen) {
    var problem: String?
    var syncedAt = Instant.now
    var taken = 0
    var goesOn = false
    while true {
      let wantsSync = pen.isDirty && queue.withLock { $0.sync } == .interval
      // What failed is tried again soon, what was written is to be on the disk in a second, and files become old.
      let isLong = problem == nil && !wantsSync
      let isOver = rest(goesOn ? 0 : isLong ? Int32(AuditPen.tidyInterval * 1000) : Self.retry)
      let wasStuck = backlog.load(ordering: .relaxed) > 0
      let batch = take(wasStuck)
      if let ticket = batch.ticket { taken = ticket }
      if let change = batch.change { pen.follow(change.keeping, chain: change.chain) }
      let seconds = Int(time(nil))
      var now = pen.write(batch.lines.span, dropped: batch.dropped, at: seconds)
      if now == nil { now = pen.tidy(at: seconds) }
      let isDue = batch.sync == .interval && Instant.now >= syncedAt + .seconds(1)
      if now == nil, batch.sync == .always || isDue || isOver {
        now = pen.sync()
        syncedAt = Instant.now
      }
      note(now, before: problem, pen, batch.lines.count)
      problem = now
      settle(taken, problem)
      goesOn = wasStuck && problem == nil
      if isOver, !goesOn, batch.lines.isEmpty || problem != nil { break }
    }
    isDone.store(true, ordering: .releasing)
  }

  /// Waits for lines, and then for others beside them.
  ///
  /// - Returns: whether the log is over.
  private func rest(_ milliseconds: Int32) -> Bool {
    if queue.withLock({ $0.isOver }) { return true }
    if milliseconds > 0 { bell.wait(milliseconds: milliseconds) }
    let (isOver, isHasty) = queue.withLock { queue in
      (
        queue.isOver,
        queue.lines.isEmpty || queue.sync == .always || queue.lines.count >= Self.gathering.bytes
      )
    }
    if isOver || isHasty { return isOver }
    bell.wait(milliseconds: Self.gathering.milliseconds)
    return queue.withLock { $0.isOver }
  }

  private struct Batch {
    var lines: [UInt8]
    var dropped: Int
    /// Of the last line; nil where none were taken.
    var ticket: Int?
    var sync: AuditLog.Sync
    var change: (keeping: AuditKeeping, chain: AuditChain?)?
  }

  /// Takes all lines; none while earlier ones wait for the disk.
  private func take(_ isStuck: Bool) -> Batch {
    queue.withLock { queue in
      let batch = Batch(
        lines: isStuck ? [] : queue.lines, dropped: isStuck ? 0 : queue.dropped,
        ticket: isStuck ? nil : queue.ticket, sync: queue.sync, change: queue.change)
      queue.change = nil
      if isStuck { return batch }
      queue.lines = []
      queue.dropped = 0
      return batch
    }
  }

  /// Says what has become of the lines.
  private func note(_ problem: String?, before: String?, _ pen: AuditPen, _ taken: Int) {
    let earlier = backlog.load(ordering: .relaxed)
    backlog.store(pen.backlog, ordering: .relaxed)
    queued.add(pen.backlog - earlier - taken, ordering: .relaxed)
    lines.store(pen.written, ordering: .relaxed)
    lastSequence.store(pen.chain.sequence, ordering: .relaxed)
    isFailing.store(problem != nil, ordering: .relaxed)
    if problem != nil { errors.add(1, ordering: .relaxed) }
    if problem == before { return }
    queue.withLock { $0.problem = problem }
    if let problem {
      Log.write(.error, "an audit log can't be written", .text("file", path), .text("reason", problem))
    } else {
      Log.write(.info, "an audit log is written again", .text("file", path))
    }
  }

  /// Wakes those whose lines the disk has, or doesn't take.
  private func settle(_ taken: Int, _ problem: String?) {
    if problem == nil { kept.store(taken, ordering: .releasing) }
    let woken = queue.withLock { queue in
      if queue.waiters.isEmpty { return [Waiter]() }
      let woken = problem != nil ? queue.waiters : queue.waiters.filter { keeps($0.ticket) }
      queue.waiters = problem != nil ? [] : queue.waiters.filter { !keeps($0.ticket) }
      return woken
    }
    for waiter in woken { waiter.wake() }
  }
}

/// Carries a pen to its thread.
private final class PenCase: Sendable {
  private let pen: Guarded<AuditPen?>

  init(_ pen: sending AuditPen) { self.pen = Guarded(pen) }

  func take() -> sending AuditPen? {
    pen.withLock { pen in
      let taken = pen
      pen = nil
      return taken
    }
  }
}
