// Keeps what budgets have spent in `state_dir`, so that a restart doesn't give it back. Nothing about the file stops the
// process: what can't be read is put aside and said, what can't be written is tried again.

internal import Config
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// The file of one process.
final class BudgetKeeper: Sendable {
  /// How much may be lost where the process is killed.
  private static let interval = Duration.seconds(5)

  private struct State: Sendable {
    var directory: String?
    /// What the file holds.
    var kept: [Ledger.BudgetRecord] = []
    var isWriting = false
    var hasComplained = false
  }

  private let ledger: Ledger
  private let state = Guarded(State())
  private let damaged = Atomic(0)
  private let unwritten = Atomic(0)

  init(_ ledger: Ledger) { self.ledger = ledger }

  /// Files that could not be read, and that could not be written, since the process began.
  var problems: (read: Int, write: Int) {
    (damaged.load(ordering: .relaxed), unwritten.load(ordering: .relaxed))
  }

  private static func file(in directory: String) -> String {
    (directory.hasSuffix("/") ? String(directory.dropLast()) : directory) + "/limits.json"
  }

  /// Goes on with what an earlier process has kept. The ledger knows its limits by then.
  func load(_ settings: Settings) {
    guard let directory = settings.stateDirectory else { return }
    state.withLock { $0.directory = directory }
    do throws(SystemFault) { try WholeFile.makeDirectory(directory) } catch {
      return complain(error, directory)
    }
    let path = Self.file(in: directory)
    guard WholeFile.exists(path) else { return }
    do throws(FileFault) {
      let contents = try FileContents.read(path, ceiling: BudgetFile.ceiling)
      do throws(BudgetFile.Fault) {
        let records = try BudgetFile.read(contents.bytes)
        ledger.restore(records, at: Int64(Instant.unixNanoseconds / 1_000_000_000))
      } catch {
        putAside(path, error == .version ? "another version of Remora wrote it" : "it is damaged")
      }
    } catch { putAside(path, error.message) }
  }

  private func putAside(_ path: String, _ reason: String) {
    damaged.add(1, ordering: .relaxed)
    let other = "\(path).corrupt-\(Instant.unixNanoseconds / 1_000_000_000)"
    do throws(SystemFault) {
      try WholeFile.move(path, to: other)
      Log.write(
        .error, "the file of budgets can't be used; they begin with nothing spent", .text("reason", reason),
        .text("kept_as", other))
    } catch {
      Log.write(
        .error, "the file of budgets can't be used, nor be renamed; budgets begin with nothing spent",
        .text("reason", reason), .text("file", path))
    }
  }

  /// Begins to keep what is spent. The alarm is the loop's, and goes on for as long as the process does.
  func begin(on loop: Loop) {
    let pulse = Pulse(self, loop)
    pulse.arm()
  }

  /// A configuration that names another directory, or none.
  func adopt(_ settings: Settings) {
    state.withLock { state in
      if state.directory == settings.stateDirectory { return }
      state.directory = settings.stateDirectory
      state.kept = []
      state.hasComplained = false
    }
  }

  /// Writes what has changed, on a thread of its own: a disk may take its time.
  fileprivate func writeSoon() {
    let isWanted = state.withLock { state in
      if state.directory == nil || state.isWriting || state.kept == ledger.budgets() { return false }
      state.isWriting = true
      return true
    }
    guard isWanted else { return }
    let isRunning = Thread.detached { self.write() }
    if !isRunning { state.withLock { $0.isWriting = false } }
  }

  /// Writes what has changed, and comes back when it is on the disk.
  func write() {
    let directory = state.withLock { $0.directory }
    let records = ledger.budgets()
    defer { state.withLock { $0.isWriting = false } }
    guard let directory, state.withLock({ $0.kept != records }) else { return }
    let text = BudgetFile.text(records, at: Int(clamping: Instant.unixNanoseconds / 1_000_000))
    do throws(SystemFault) {
      try WholeFile.replace(Self.file(in: directory), with: text)
      state.withLock {
        $0.kept = records
        $0.hasComplained = false
      }
    } catch { complain(error, directory) }
  }

  private func complain(_ fault: SystemFault, _ directory: String) {
    unwritten.add(1, ordering: .relaxed)
    let isNew = state.withLock { state in
      defer { state.hasComplained = true }
      return !state.hasComplained
    }
    if !isNew { return }
    Log.write(
      .error, "what budgets have spent can't be kept; a restart would give it back",
      .text("state_dir", directory), .text("reason", fault.description))
  }

  /// The alarm that looks again and again. Confined to a loop.
  private final class Pulse {
    private let keeper: BudgetKeeper
    private let loop: Loop
    private var alarm: Alarm?

    init(_ keeper: BudgetKeeper, _ loop: Loop) {
      self.keeper = keeper
      self.loop = loop
    }

    func arm() {
      let alarm = alarm ?? Alarm { self.fire() }
      self.alarm = alarm
      loop.arm(alarm, at: loop.now + BudgetKeeper.interval)
    }

    private func fire() {
      keeper.writeSoon()
      arm()
    }
  }
}
