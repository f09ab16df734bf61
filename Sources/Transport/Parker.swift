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

/// A task's place to wait on one loop. Confined to that loop.
@safe package final class Parker: Timer {
  package let loop: Loop
  private var waiting: UnsafeContinuation<Wake, Never>?
  private var isSignalled = false

  package init(on loop: Loop) {
    self.loop = loop
    unsafe waiting = nil
  }

  /// Waits until `signal` or `deadline`. A signal that came since the last park ends it at once.
  package func park(until deadline: Instant) async -> Wake {
    if isSignalled {
      isSignalled = false
      return .event
    }
    if deadline <= loop.now { return .deadline }
    loop.arm(self, at: deadline)
    // SAFETY: resumed exactly once, by `signal` or `fire`, each of which takes it out first.
    return await unsafe withUnsafeContinuation { unsafe waiting = $0 }
  }

  /// Something this task may wait for has happened.
  package func signal() {
    guard let continuation = unsafe waiting else {
      isSignalled = true
      return
    }
    unsafe waiting = nil
    unsafe continuation.resume(returning: .event)
  }

  /// Lets other ready tasks run, then goes on.
  package func yield() async {
    isSignalled = false
    // SAFETY: as in `park`. Not resumed at once: a continuation that has been resumed before it is awaited doesn't
    // suspend, and nobody else would run.
    _ = await unsafe withUnsafeContinuation {
      unsafe waiting = $0
      loop.resumeNextRound(self)
    }
  }

  package override func fire() {
    guard let continuation = unsafe waiting else { return }
    unsafe waiting = nil
    unsafe continuation.resume(returning: .deadline)
  }

  /// The task is over: nothing will park here any more.
  package func retire() { loop.disarm(self) }
}
