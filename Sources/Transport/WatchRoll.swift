// Which files are watched, where the kernel tells of them, and how they looked when they were last read.

internal import Glibc
internal import Synchronization
internal import Wire

/// The watched files. Any thread may use it.
package final class WatchRoll: Sendable {
  private struct State {
    var paths: [String] = []
    /// How `paths` looked when they were last read.
    var trails: [FileTrail] = []
    /// The names that matter, by the kernel's number of their directory's watch.
    var names: [Int32: Set<String>] = [:]
    var fault: SystemFault?
    /// There is an instance, but the loop can't hear it.
    var isDeaf = false
  }

  /// What may change where a name leads or what it holds. No IN_MODIFY: a writer that isn't done has nothing
  /// to tell, and the logs that some people keep beside their configuration would wake the loop.
  private static let mask =
    UInt32(IN_CREATE) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM)
    | UInt32(IN_DELETE) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
    | UInt32(IN_ONLYDIR)
  /// What happened to a directory itself, or to the queue: everything must be looked at.
  private static let sweeping =
    UInt32(IN_Q_OVERFLOW) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_UNMOUNT)

  /// Of the inotify instance; -1 where there is none.
  let descriptor: Int32
  private let state: Guarded<State>
  private let isLookingAround = Atomic<Bool>(false)

  init(usesEvents: Bool) {
    guard usesEvents else {
      descriptor = -1
      state = Guarded(State())
      return
    }
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    var initial = State()
    if descriptor < 0 { initial.fault = .last("inotify_init1") }
    state = Guarded(initial)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Why there are no events, or not all, so that changes are found by looking; nil while all is well.
  package var fault: SystemFault? { state.withLock { $0.fault } }

  /// No event will come; files are only looked at.
  func giveUpEvents(_ fault: SystemFault) {
    state.withLock {
      $0.fault = fault
      $0.isDeaf = true
    }
  }

  // MARK: Looking

  /// Walks to each of `paths`, and watches from now on what lies on the way. It may block: not for a loop.
  ///
  /// Who then reads the files and finds `trails(of:)` unchanged has read what was there at one point in time,
  /// and will be told of whatever comes after.
  package func look(at paths: [String]) -> [FileTrail] {
    let trails = paths.map { FileTrail($0) }
    var wanted: [String: Set<String>] = [:]
    for place in trails.flatMap(\.places) { wanted[place.directory, default: []].insert(place.name) }
    watch(wanted)
    state.withLock {
      $0.paths = paths
      $0.trails = trails
    }
    return trails
  }

  /// Walks to each of `paths` and changes nothing. It may block: not for a loop.
  package static func trails(of paths: [String]) -> [FileTrail] { paths.map { FileTrail($0) } }

  private func watch(_ wanted: [String: Set<String>]) {
    guard descriptor >= 0 else { return }
    var names: [Int32: Set<String>] = [:]
    var fault: SystemFault?
    for (directory, those) in wanted {
      let number = unsafe inotify_add_watch(descriptor, directory, Self.mask)
      if number >= 0 {
        names[number, default: []].formUnion(those)
      } else if errno != ENOENT && errno != ENOTDIR {
        // A directory that isn't there is waited for in its parent. One that may not be listed is looked at.
        fault = .last("inotify_add_watch")
      }
    }
    // The lock is not held across a call that may block: the loop takes it too.
    let old = state.withLock {
      let old = $0.names
      $0.names = names
      if !$0.isDeaf { $0.fault = fault }
      return old
    }
    for number in old.keys where names[number] == nil { inotify_rm_watch(descriptor, number) }
  }

  /// False where a look is under way already: on a file system that hangs, threads must not pile up.
  func beginLookingAround() -> Bool {
    !isLookingAround.exchange(true, ordering: .acquiringAndReleasing)
  }

  func endLookingAround() { isLookingAround.store(false, ordering: .releasing) }

  /// Whether any file is no longer as it was when it was last read; waits then until it is quiet. It blocks.
  func lookAround(_ pace: FileWatch.Pace) -> Bool {
    defer { endLookingAround() }
    let (paths, trails) = state.withLock { ($0.paths, $0.trails) }
    var seen = Self.trails(of: paths)
    if seen == trails { return false }
    let deadline = Instant.now + pace.patience
    while Instant.now < deadline {
      usleep(UInt32(clamping: pace.quiet.nanoseconds / 1000))
      let next = Self.trails(of: paths)
      if next == seen { break }
      seen = next
    }
    // An event may have told of the same change meanwhile, and the files have been read.
    return state.withLock { $0.trails } != seen
  }

  // MARK: Events

  /// Takes all events that wait.
  ///
  /// - Returns: whether one of them matters.
  func takeEvents() -> Bool {
    guard descriptor >= 0 else { return false }
    var matters = false
    unsafe withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { room in
      while true {
        let count = retrying { unsafe read(descriptor, room.baseAddress, room.count) }
        guard count > 0 else { return }
        if unsafe hasRelevant(UnsafeRawBufferPointer(rebasing: room[..<count])) { matters = true }
      }
    }
    return matters
  }

  /// Reads the records of inotify(7): number, mask, cookie and the name's length, then the name, padded with
  /// zeros.
  private func hasRelevant(_ records: UnsafeRawBufferPointer) -> Bool {
    state.withLock { state in
      var matters = false
      var at = 0
      while at + 16 <= records.count {
        let number = unsafe records.loadUnaligned(fromByteOffset: at, as: Int32.self)
        let mask = unsafe records.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
        let length = unsafe Int(records.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
        guard length <= records.count - at - 16 else { break }
        let name = unsafe records[(at + 16)..<(at + 16 + length)].prefix { $0 != 0 }
        at += 16 + length
        if mask & Self.sweeping != 0 {
          matters = true
        } else if mask & UInt32(IN_IGNORED) != 0 {
          state.names[number] = nil
        } else if let names = state.names[number] {
          if unsafe names.contains(String(decoding: name, as: UTF8.self)) { matters = true }
        } else {
          // A watch that has just been set, whose names are not known here yet.
          matters = true
        }
      }
      return matters
    }
  }
}
