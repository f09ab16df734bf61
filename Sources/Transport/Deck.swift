// The tasks of a loop: where they run, and where they sleep.
//
// A task is isolated to an actor whose executor is the loop, so code that inherits its caller's isolation goes on there
// after whatever it has waited for. It falls asleep by a hop to another actor, whose executor runs nothing: it keeps the
// task's job for the parker, and the loop takes it up again. That costs a task nothing but its job. A continuation would
// resume where no actor is, on the global pool, and hop back; with the loop as the task's preferred executor each
// hop would take the lock of the task's records, seven times for a request.

/// What the tasks of a loop are isolated to.
package actor Deck {
  // SAFETY: the loop owns this, and runs whatever asks for it.
  private nonisolated unowned(unsafe) let loop: Loop
  nonisolated package var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  init(on loop: Loop) { unsafe self.loop = loop }

  fileprivate func start(_ body: @escaping @Sendable (isolated Deck) async -> Void) {
    Task { await body(self) }
  }
}

extension Loop {
  /// Starts a task on this loop. Called on it.
  ///
  /// - Parameter body: is isolated to the actor by its parameter. A closure without one that stands in another actor's
  ///   code would be nobody's, and run on the global pool.
  package func start(_ body: @escaping @Sendable (isolated Deck) async -> Void) {
    deck.assumeIsolated { $0.start(body) }
  }
}

/// Where tasks sleep that wait at a parker.
actor Berth {
  nonisolated let keeper: BerthKeeper
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe keeper.asUnownedSerialExecutor() }
  /// Tasks that have been woken. What touches nothing of an actor needs no hop to it.
  private var woken = 0

  init(_ keeper: BerthKeeper) { self.keeper = keeper }

  /// Returns when the parker that `keeper` was told of has been signalled.
  func sleep() { woken &+= 1 }
}

// @unchecked Sendable: `parker` is touched on the loop's thread only. Nobody but a parker hops to a `Berth`, and its tasks
// are the loop's.
/// The executor of those that sleep: it leaves their jobs to their parkers.
@safe final class BerthKeeper: SerialExecutor, @unchecked Sendable {
  // SAFETY: a parker sets it to itself in a method in which the task falls asleep at once, which takes it out again.
  private var parker: Unmanaged<Parker>?

  init() { unsafe parker = nil }

  /// The task that falls asleep now is to be found at `parker`.
  func expect(at parker: Parker) { unsafe self.parker = .passUnretained(parker) }

  func enqueue(_ job: consuming ExecutorJob) {
    // A task that is lost here would never wake: its deadline is the parker's.
    guard let parker = unsafe parker else { preconditionFailure("a task fell asleep nowhere") }
    unsafe self.parker = nil
    let job = UnownedJob(job)
    unsafe parker._withUnsafeGuaranteedRef { $0.keep(job) }
  }
}
