// Where a connection's task waits: for any of its sockets, a result from elsewhere, or its deadline.
//
// A task has one parker, and every socket it uses points at it. A wake-up says only "look again": the task
// tries its calls anew and parks when all of them would block. That keeps relays straight-line code, lets a
// task watch the client while it waits for the upstream, and costs no allocation.

/// Why a parked task runs again.
package enum Wake: Sendable {
  case event
  case deadline
}

/// Does for a parked task what comes again and again and needs no task.
package protocol Deputy: AnyObject {
  /// Something has happened. Called on the loop while the task sleeps.
  ///
  /// - Returns: whether the task sleeps on.
  func act() -> Bool
}

/// Goes on where a task has left: it was not worth its memory for so long a wait.
package protocol Sleeper: AnyObject {
  /// What the task would have waited for has happened. Called on the loop.
  func wakes(for wake: Wake)
}

/// A task's place to wait on one loop. Confined to that loop.
@safe package final class Parker: Timer {
  package let loop: Loop
  /// The task that sleeps here.
  private var waiting: UnownedJob?
  private var wokenBy = Wake.event
  private var isSignalled = false
  private var deputy: (any Deputy)?
  private var isActing = false
  private var sleeper: (any Sleeper)?
  /// What whoever sleeps here will touch.
  package var ahead = Prefetch()

  package init(on loop: Loop) {
    self.loop = loop
  }

  /// Whether a task sleeps here.
  var isOccupied: Bool { waiting != nil }

  /// Waits until `signal` or `deadline`. A signal that came since the last park ends it at once.
  ///
  /// - Parameter deputy: is asked at each signal whether the task is needed.
  package func park(until deadline: Instant, deputy: (any Deputy)? = nil) async -> Wake {
    assert(loop.isCurrent, "a task parks on another thread than its loop's")
    if isSignalled {
      isSignalled = false
      return .event
    }
    if deadline <= loop.now { return .deadline }
    loop.arm(self, at: deadline)
    self.deputy = deputy
    await fallAsleep()
    return wokenBy
  }

  /// Returns when `resume` has been called.
  private func fallAsleep() async {
    loop.berth.keeper.expect(at: self)
    await loop.berth.sleep()
  }

  /// Keeps the job of the task that falls asleep.
  func keep(_ job: UnownedJob) {
    waiting = job
  }

  /// Has `sleeper` woken by `signal` or at `deadline`, in the place of a task, which ends. A signal that came since the last
  /// park wakes it at once.
  package func sleep(until deadline: Instant, _ sleeper: any Sleeper) {
    self.sleeper = sleeper
    loop.arm(self, at: deadline)
    guard isSignalled else { return }
    isSignalled = false
    wake(.event)
  }

  private func wake(_ wake: Wake) {
    guard let sleeper else { return }
    self.sleeper = nil
    sleeper.wakes(for: wake)
  }

  /// Something this task may wait for has happened.
  package func signal() {
    if sleeper != nil { return wake(.event) }
    guard waiting != nil, !isActing else {
      isSignalled = true
      return
    }
    if let deputy {
      ahead.fetch()
      isActing = true
      let sleepsOn = deputy.act()
      isActing = false
      // What it signals itself is for the task.
      if sleepsOn, !isSignalled { return }
      isSignalled = false
    }
    resume(.event)
  }

  /// Puts off the deadline of the task, which sleeps.
  package func putOff(to deadline: Instant) { loop.arm(self, at: deadline) }

  /// Lets other ready tasks run, then goes on.
  package func yield() async {
    assert(loop.isCurrent, "a task yields on another thread than its loop's")
    isSignalled = false
    loop.resumeNextRound(self)
    await fallAsleep()
  }

  package override func fire() {
    if sleeper != nil { return wake(.deadline) }
    resume(.deadline)
  }

  private func resume(_ wake: Wake) {
    guard let job = waiting else { return }
    waiting = nil
    deputy = nil
    wokenBy = wake
    loop.takeUp(job, of: self)
  }

  /// The task is over: nothing will park here any more.
  package func retire() {
    sleeper = nil
    loop.disarm(self)
  }
}
