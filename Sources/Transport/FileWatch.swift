// Tells when any of a set of files may have changed: the configuration's, its secrets', its certificates'.
//
// Directories are watched, never files: a watch on a file dies with the first swap of a Kubernetes volume, and
// with an editor's rename. One inotify instance serves the process, because the kernel counts instances per
// user and node. Every ten seconds all files are looked at as well: for file systems without events, for
// directories that were not there, and for a kernel that has no instance or watch left to give.
//
// The loop only reads event records and keeps time; whatever touches the file system runs on a thread of its
// own, since a file system may hang. Next: WatchRoll.swift, what is watched; FileTrail.swift, one path's walk.

internal import Glibc
internal import Synchronization

/// Watches files on one loop. Confined to that loop, except for `roll`.
package final class FileWatch: EventSource {
  /// How long to wait for what.
  package struct Pace: Sendable {
    /// Silence after which a burst of changes is taken to be over.
    package var quiet = Duration.milliseconds(100)
    /// A burst is not waited for any longer than this.
    package var patience = Duration.seconds(1)
    /// Between two looks at all files.
    package var poll = Duration.seconds(10)

    package init() {}
  }

  /// What is watched; its `look` says so.
  package let roll: WatchRoll
  private let loop: Loop
  private let pace: Pace
  private let onChange: () -> Void
  private var burstBegan: Instant?
  private var settle: Alarm?
  private var poll: Alarm?

  /// Watches nothing yet: hand paths to `roll.look`.
  ///
  /// - Parameters:
  ///   - usesEvents: false leaves inotify alone, as if the kernel had none left.
  ///   - onChange: called on the loop when something has changed and is quiet again.
  package init(
    on loop: Loop, pace: Pace = Pace(), usesEvents: Bool = true, onChange: @escaping () -> Void
  ) {
    self.loop = loop
    self.pace = pace
    self.onChange = onChange
    roll = WatchRoll(usesEvents: usesEvents)
    super.init()
    if roll.descriptor >= 0 {
      do throws(SystemFault) { try loop.register(self, roll.descriptor, readOnly: true) } catch {
        roll.giveUpEvents(error)
      }
    }
    settle = Alarm { [weak self] in self?.fire() }
    poll = Alarm { [weak self] in self?.lookAround() }
    armPoll()
  }

  /// Ends the watch.
  package func close() {
    loop.unregister(self)
    if let settle { loop.disarm(settle) }
    if let poll { loop.disarm(poll) }
    settle = nil
    poll = nil
  }

  /// Something may have changed: `onChange` is called once it has been quiet for a while.
  package func touch() {
    guard let settle else { return }
    let began = burstBegan ?? loop.now
    burstBegan = began
    loop.arm(settle, at: min(loop.now + pace.quiet, began + pace.patience))
  }

  override func ready(_ events: UInt32) {
    if roll.takeEvents() { touch() }
  }

  private func fire() {
    burstBegan = nil
    if let settle { loop.disarm(settle) }
    onChange()
  }

  private func armPoll() {
    if let poll { loop.arm(poll, at: loop.now + pace.poll) }
  }

  private func lookAround() {
    armPoll()
    guard roll.beginLookingAround() else { return }
    let (loop, roll, pace) = (loop, roll, pace)
    let here = Confined(self)
    let isRunning = Thread.detached {
      let hasChanged = roll.lookAround(pace)
      guard hasChanged else { return }
      // It has been quiet already; a burst that events tell of is waited for as ever.
      loop.post { if here.value.poll != nil, here.value.burstBegan == nil { here.value.fire() } }
    }
    if !isRunning { roll.endLookingAround() }
  }
}
