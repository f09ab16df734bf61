// Keeps what is in force in step with the files: asks for a new generation when something has changed or
// somebody wants it, hands a good one to every worker, and says what is wrong with a bad one.
//
// One reading at a time. What was asked for meanwhile is one further reading, however often it was asked for.

internal import Config
internal import Glibc
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// The live configuration of a process. Confined to the first worker's loop.
final class Reload {
  /// A signal that comes sooner than this after the last reading joins the changes that are waited for.
  private static let gap = Duration.seconds(1)
  /// Lines that one bad configuration may log.
  private static let problemCeiling = 50

  private let loop: Loop
  private let source: ConfigSource
  private let state: WorkerState
  private var digests: Digests
  private var watch: FileWatch?
  private var isReading = false
  private var isWanted = false
  private var lastBegin: Instant?
  private var hasWarned = false
  /// The file is a mount of its own. It is looked at all the same: whoever wrote into it would be heard.
  private var isFixed = false

  /// - Parameter state: the first worker's, whose admin port tells of the configuration.
  init(_ source: ConfigSource, _ state: WorkerState) {
    self.source = source
    self.state = state
    loop = state.loop
    digests = source.firstDigest
    noteLoads(digests.names)
  }

  /// Begins to watch, and reads once: a change since the start began is not missed.
  func begin() {
    watch = FileWatch(on: loop) { [weak self] in self?.read() }
    if let file = source.file, MountPoints.holds(file) {
      isFixed = true
      Log.write(
        .warn,
        "the configuration is mounted by itself (subPath); Kubernetes never updates such a mount, mount its directory",
        .text("file", file))
    }
    read(isFirst: true)
  }

  /// Somebody wants the files read now.
  func request() {
    if let lastBegin, loop.now < lastBegin + Self.gap {
      watch?.touch()
    } else {
      read()
    }
  }

  private func read(isFirst: Bool = false) {
    if state.drain.hasBegun { return }
    if isReading {
      isWanted = true
      return
    }
    guard let watch else { return }
    isReading = true
    isWanted = false
    lastBegin = loop.now
    let (loop, source, roll, running, digests) = (
      loop, source, watch.roll, state.lineup.snapshot, digests
    )
    let here = Confined(self)
    let isRunning = Thread.detached {
      let reading = Generation.read(source, roll, running: running, digests: digests)
      loop.post { here.value.take(reading, isFirst: isFirst) }
    }
    if !isRunning {
      Log.write(.error, "the configuration can't be read: the system has no thread to give")
      finish()
    }
  }

  private func take(_ reading: Generation.Reading, isFirst: Bool) {
    switch reading {
    case .unchanged:
      if !isFirst {
        note(.unchanged)
        Log.write(.info, "configuration unchanged")
      }
      finish()
    case .fresh(let generation):
      distribute(generation)
    case .refused(let problems, let isUnreadable, let failures):
      for (name, reason) in failures { state.reloads.loadFailures.note(name, reason) }
      refuse(problems, isUnreadable ? .unreadable : .invalid)
      finish()
    case .restless:
      isWanted = true
      finish()
    }
  }

  private func finish() {
    isReading = false
    state.reloads.health.watch = isFixed ? .fixed : watch?.roll.fault == nil ? .inotify : .poll
    if isWanted { watch?.touch() }
    if !hasWarned, let fault = watch?.roll.fault {
      hasWarned = true
      Log.write(
        .warn, "files can't be watched; they are looked at every 10 s instead",
        .text("reason", fault.description))
    }
  }

  // MARK: A good one

  /// Gives `generation` to every worker; it is in force once all of them have it.
  private func distribute(_ generation: Generation) {
    let left = Countdown(state.crew.count)
    let here = Confined(self)
    let loop = loop
    for worker in state.crew {
      worker.adopt(generation.snapshot) {
        if left.isLast() { loop.post { here.value.applied(generation) } }
      }
    }
  }

  private func applied(_ generation: Generation) {
    noteLoads(
      generation.digests.names.filter { name in !state.reloads.secretLoads.contains { $0.name == name } }
        + generation.digests.changed(since: digests).map(\.name))
    for (path, name) in generation.digests.changed(since: digests).prefix(Self.problemCeiling) {
      Log.write(.info, "a file has changed and is in use", .text("name", name), .text("file", path))
    }
    digests = generation.digests
    Log.use(Log.Level(generation.snapshot.settings.telemetry.level))
    for warning in generation.warnings {
      Log.write(.warn, "configuration", .text("problem", warning.description))
    }
    if !generation.waiting.isEmpty {
      Log.write(
        .warn, "what can't change while Remora runs needs a restart; the rest is in force",
        .text("keys", generation.waiting.joined(separator: ", ")))
    }
    note(.applied, sha256: generation.sha256)
    Log.write(.info, "configuration applied", .text("sha256", generation.sha256))
    finish()
  }

  /// Notes that what these names stand for has come into use.
  private func noteLoads(_ names: [String]) {
    let now = Int(clamping: Instant.unixNanoseconds)
    for name in names where !name.isEmpty {
      state.reloads.noteLoad(name, at: now)
    }
  }

  // MARK: A bad one

  private func refuse(_ problems: [Problem], _ result: ReloadResult) {
    for problem in problems.prefix(Self.problemCeiling) {
      Log.write(.error, "configuration refused", .text("problem", problem.description))
    }
    if problems.count > Self.problemCeiling {
      Log.write(
        .error, "configuration refused", .number("more_problems", problems.count - Self.problemCeiling))
    }
    Log.write(.warn, "the configuration that was in force stays in force")
    note(result, problem: problems.first?.description ?? "unknown")
  }

  private func note(_ result: ReloadResult, sha256: String = "", problem: String? = nil) {
    state.reloads.problem = problem
    state.reloads.health.reloaded(result, sha256: sha256, at: Int(clamping: Instant.unixNanoseconds))
  }
}

/// What readings of the configuration have come to; the first worker's.
struct ReloadStanding {
  /// Files whose loads are told; a pod has a handful.
  private static let ceiling = 200

  var health = ConfigHealth()
  /// What is wrong with the one that was read last, while an earlier one is in force.
  var problem: String?
  /// The files that the configuration names, and since when their content is in use.
  private(set) var secretLoads: [(name: String, at: Int)] = []
  var loadFailures = LoadFailures()

  /// Notes that what `name` stands for has come into use.
  ///
  /// - Parameter now: Unix time in nanoseconds.
  mutating func noteLoad(_ name: String, at now: Int) {
    loadFailures.know(name)
    secretLoads.removeAll { $0.name == name }
    if secretLoads.count < Self.ceiling { secretLoads.append((name, now)) }
  }
}

/// Counts workers down.
private final class Countdown: Sendable {
  private let left: Atomic<Int>

  init(_ count: Int) { left = Atomic(count) }

  /// Whether everybody else was here before.
  func isLast() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
