// One thread, one epoll descriptor, and the executor of every actor that lives on it.
//
// A turn: run what is ready, flush what was written for later, sleep until an event or a deadline, hand the
// events to their sources. Descriptors are registered once, edge-triggered, for both directions; a source
// remembers what it may do (`EventSource.ready`), so an event costs no further system call. A registration
// carries a generation, so an event for a descriptor that is closed in the same turn reaches nobody.
//
// Tasks run here because they are isolated to an actor whose executor this is (see Deck.swift).
//
// Everything here runs on the loop's own thread, except `enqueue`, `post` and `wake`.

internal import CLinux
internal import Glibc
internal import Synchronization
package import Wire

/// Something that leaves a part of its work for the end of the round: sending, where others are ready too.
package protocol Straggler: AnyObject {
  /// Every task that was ready has had its turn. Called once for each `Loop.atEndOfRound`.
  func roundEnds()
}

/// Something epoll reports on. Subclasses take note of the readiness and tell who waits.
package class EventSource {
  fileprivate var slot: UInt32 = .max
  package init() {}

  /// The kernel reports `events`, a set of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP and EPOLLERR.
  func ready(_ events: UInt32) {}
}

// @unchecked Sendable: `mailbox` is guarded, `sleeping` and `thread` are atomics, `epoll` and `wakeUp` never
// change; every other property is touched only on `thread`, which `run` sets before it does anything else, and which `checkIsolated` asserts.
/// An event loop on one thread.
@safe
package final class Loop: SerialExecutor, @unchecked Sendable {
  private let epoll: Int32
  private let wakeUp: Int32
  private let mailbox = Guarded<Mailbox>(Mailbox())
  private let sleeping = Atomic<Bool>(false)
  /// Other threads compare themselves with it, also while `run` sets it.
  private let thread = Atomic<pthread_t>(0)

  private var jobs: [ReadyJob] = []
  private var running: [ReadyJob] = []
  /// Of those that run now, how many come behind the one whose turn it is.
  private var left = 0
  private var yielding: [Parker] = []
  private var stragglers: [any Straggler] = []
  private var timers = TimerHeap()
  private var sources: [Registration] = []
  private var freeSlots: [UInt32] = []
  private var isStopped = false
  private var tidier: Alarm?
  private var tidying: [() -> Void] = []
  /// So much went back to the allocator that the kernel is to have it.
  private var owesTrim = false
  /// Bytes that went back to the allocator, and were not taken again.
  private var freed = 0
  private var afterTurn: [() -> Void] = []
  /// What tasks are isolated to, and where they sleep.
  private(set) lazy var deck = Deck(on: self)
  let berth = Berth(BerthKeeper())

  /// The monotonic clock as of this turn's wake-up.
  package private(set) var now = Instant.now
  /// A stock of blocks for the queues of this loop's connections.
  package let blocks = BlockPool()
  /// For what is digested on this loop.
  package let digester = Digester()
  /// Overwrites the memory that bytes come through and that nobody uses now: there was a secret among them.
  package func wipeUnused() {
    blocks.wipe()
    TLSMemory.wipe()
  }

  private struct Registration {
    var source: EventSource?
    var generation: UInt32
  }

  private struct Mailbox {
    var jobs: [UnownedJob] = []
    var posts: [@Sendable () -> Void] = []
  }

  /// - Throws: the fault of `epoll_create1` or `eventfd`.
  package init() throws(SystemFault) {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw .last("epoll_create1") }
    wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeUp >= 0 else { throw .last("eventfd") }
    var event = unsafe epoll_event()
    unsafe event.events = EPOLLIN.rawValue | EPOLLET.rawValue
    unsafe event.data.u64 = .max
    guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event) == 0 else { throw .last("epoll_ctl") }
  }

  deinit {
    close(epoll)
    close(wakeUp)
  }

  // MARK: Executor

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      jobs.append(ReadyJob(job, nil))
    } else {
      mailbox.withLock { $0.jobs.append(job) }
      wake()
    }
  }

  /// Runs the job of a task of this loop, which has slept at `parker`, in its turn.
  func takeUp(_ job: UnownedJob, of parker: Parker) { jobs.append(ReadyJob(job, parker)) }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  package func checkIsolated() {
    precondition(isCurrent, "a loop's state was touched from another thread")
  }

  /// Whether the caller is on this loop's thread.
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  /// Runs `work` on the loop, soon. From any thread.
  package func post(_ work: @escaping @Sendable () -> Void) {
    mailbox.withLock { $0.posts.append(work) }
    wake()
  }

  private func wake() {
    guard sleeping.exchange(false, ordering: .acquiringAndReleasing) else { return }
    var one: UInt64 = 1
    _ = unsafe write(wakeUp, &one, 8)
  }

  // MARK: Turning

  /// Turns until `stop`. Call it on the thread that is to be the loop's.
  ///
  /// - Parameter start: runs first, on the loop.
  package func run(start: () -> Void) {
    thread.store(pthread_self(), ordering: .relaxed)
    now = .now
    start()
    let capacity = 256
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { unsafe events.deallocate() }
    while !isStopped {
      runJobs()
      for index in afterTurn.indices { afterTurn[index]() }
      if freed &+ blocks.gaveBack >= Self.burst { trimSoon() }
      if blocks.isHigh { tidySoon() }
      let count = unsafe Int(epoll_wait(epoll, events, Int32(capacity), sleepTime()))
      sleeping.store(false, ordering: .releasing)
      now = .now
      if count > 0 { unsafe deliver(UnsafeBufferPointer(start: events, count: count)) }
      while let timer = timers.expired(at: now) { timer.fire() }
      collectMail()
    }
  }

  /// Bytes that go back to the allocator before the kernel is to have the memory.
  private static let burst = 1 << 20

  /// Has what is kept for a burst given back when it is over, and no more often than that is worth.
  package func tidySoon() {
    let alarm = tidier ?? Alarm { [unowned self] in tidy() }
    tidier = alarm
    if alarm.due == .never { timers.arm(alarm, at: now + Interval(milliseconds: 300)) }
  }

  /// Has `action` run at each tidying, to give back what wasn't needed since the last one.
  package func atTidying(_ action: @escaping () -> Void) { tidying.append(action) }

  private func trimSoon() {
    freed = 0
    blocks.gaveBack = 0
    owesTrim = true
    tidySoon()
  }

  private func tidy() {
    blocks.settle()
    for action in tidying { action() }
    guard owesTrim else { return }
    owesTrim = false
    Memory.trim()
  }

  /// Notes that so many bytes went back to the allocator: after many of them, the kernel is to have the memory.
  package func gaveBack(_ bytes: Int) { freed &+= bytes }

  /// Notes that so many bytes, which `gaveBack` will be told of, came from the allocator: what comes and goes all the
  /// time is used again, and the kernel needn't have it.
  package func took(_ bytes: Int) { freed = max(freed &- bytes, 0) }

  /// Looks at the clock in the middle of a turn: what was just done may have taken long, and what is waited for from now on
  /// has its own time.
  package func lookAtClock() { now = .now }

  /// Ends `run` after the turn under way.
  package func stop() { isStopped = true }

  /// Has `action` run at the end of each turn, before the loop sleeps.
  package func atEndOfTurn(_ action: @escaping () -> Void) { afterTurn.append(action) }

  /// Whether several other tasks are ready, or work has been left for the end of the round already, so that it is worth
  /// its price to leave more.
  package var isBusy: Bool { left &+ jobs.count >= 4 || !stragglers.isEmpty }

  /// Has `straggler` told when every task that is ready now has had its turn.
  package func atEndOfRound(_ straggler: any Straggler) { stragglers.append(straggler) }

  /// Has `parker` signalled when every task that is ready now has had its turn.
  func resumeNextRound(_ parker: Parker) { yielding.append(parker) }

  private func runJobs() {
    // A bound on the rounds, so that jobs which make jobs can't keep events waiting.
    for _ in 0..<16 where !jobs.isEmpty {
      swap(&jobs, &running)
      left = running.count
      running.first?.fetch()
      for index in running.indices {
        left &-= 1
        if left > 0 { running[index &+ 1].fetch() }
        unsafe running[index].job.runSynchronously(on: asUnownedSerialExecutor())
      }
      running.removeAll(keepingCapacity: true)
      if !stragglers.isEmpty {
        for straggler in stragglers { straggler.roundEnds() }
        stragglers.removeAll(keepingCapacity: true)
      }
      if !yielding.isEmpty {
        for parker in yielding { parker.signal() }
        yielding.removeAll(keepingCapacity: true)
      }
    }
  }

  private func sleepTime() -> Int32 {
    if !jobs.isEmpty || isStopped { return 0 }
    // Announce the sleep first, then look into the mailbox: whoever posts after the look sees the announcement.
    sleeping.store(true, ordering: .sequentiallyConsistent)
    if mailbox.withLock({ !$0.jobs.isEmpty || !$0.posts.isEmpty }) { return 0 }
    let next = timers.next
    if next == .never { return -1 }
    let rest = next.nanoseconds(since: .now)
    // Rounded up, or the loop would spin through the last millisecond.
    return Int32(clamping: (rest + 999_999) / 1_000_000)
  }

  private func deliver(_ events: UnsafeBufferPointer<epoll_event>) {
    for index in events.indices {
      let event = unsafe events[index]
      let data = unsafe event.data.u64
      if data == .max {
        var count: UInt64 = 0
        _ = unsafe read(wakeUp, &count, 8)
        continue
      }
      let slot = Int(data & 0xFFFF_FFFF)
      guard slot < sources.count, sources[slot].generation == UInt32(truncatingIfNeeded: data >> 32) else {
        continue
      }
      unsafe sources[slot].source?.ready(event.events)
    }
  }

  private func collectMail() {
    var mail = Mailbox()
    mailbox.withLock {
      guard !$0.jobs.isEmpty || !$0.posts.isEmpty else { return }
      swap(&mail, &$0)
    }
    for job in mail.jobs { jobs.append(ReadyJob(job, nil)) }
    for work in mail.posts { work() }
  }

  // MARK: Descriptors

  /// Registers `descriptor`, edge-triggered for both directions, until `unregister`.
  func register(_ source: EventSource, _ descriptor: Int32, readOnly: Bool = false) throws(SystemFault) {
    let slot: UInt32
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = UInt32(sources.count)
      sources.append(Registration(source: nil, generation: 0))
    }
    var event = unsafe epoll_event()
    unsafe event.events =
      EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue | (readOnly ? 0 : EPOLLOUT.rawValue)
    unsafe event.data.u64 = UInt64(sources[Int(slot)].generation) << 32 | UInt64(slot)
    guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
      freeSlots.append(slot)
      throw .last("epoll_ctl")
    }
    sources[Int(slot)].source = source
    source.slot = slot
  }

  /// Forgets a source, just before its descriptor is closed, which takes it out of epoll too.
  func unregister(_ source: EventSource) {
    guard source.slot != .max else { return }
    let slot = Int(source.slot)
    source.slot = .max
    sources[slot].source = nil
    // `.max` is the wake-up's: skipped, so that no registration can look like it.
    sources[slot].generation = (sources[slot].generation &+ 1) % (UInt32.max - 1)
    freeSlots.append(UInt32(slot))
  }

  // MARK: Deadlines

  /// Has `timer` fire at `due`, in place of any earlier wish. `.never` disarms it.
  package func arm(_ timer: Timer, at due: Instant) { timers.arm(timer, at: due) }

  /// Disarms `timer` and lets go of it at once.
  package func disarm(_ timer: Timer) { timers.remove(timer) }
}

/// A job whose turn comes, and what it will touch.
@safe private struct ReadyJob {
  let job: UnownedJob
  // SAFETY: the task whose job it is holds its parker, and it hasn't run yet.
  private let parker: Unmanaged<Parker>?

  init(_ job: UnownedJob, _ parker: Parker?) {
    self.job = job
    unsafe self.parker = parker.map { unsafe Unmanaged.passUnretained($0) }
  }

  func fetch() { unsafe parker?._withUnsafeGuaranteedRef { $0.ahead.fetch() } }
}

// @unchecked Sendable: the value is only ever reached on the loop that owns it: inside `Loop.post`, and in tasks that
// are isolated to an actor on the loop.
/// A loop's own object on its way to another place on the same loop.
package struct Confined<Value>: @unchecked Sendable {
  package let value: Value
  package init(_ value: Value) { self.value = value }
}
