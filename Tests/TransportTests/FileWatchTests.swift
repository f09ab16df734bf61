import Glibc
import Support
import Testing
import Transport

@Suite("File watch", .timeLimit(.minutes(1))) struct FileWatchTests {
  /// Counts what a watch tells, and waits for it.
  private final class Ear {
    let parker: Parker
    var told = 0
    var watch: FileWatch?

    convenience init(on loop: Loop, poll: Duration = .seconds(3600), usesEvents: Bool = true) {
      var pace = FileWatch.Pace()
      pace.quiet = .milliseconds(5)
      pace.poll = poll
      self.init(on: loop, pace: pace, usesEvents: usesEvents)
    }

    init(on loop: Loop, pace: FileWatch.Pace, usesEvents: Bool = true) {
      parker = Parker(on: loop)
      watch = FileWatch(on: loop, pace: pace, usesEvents: usesEvents) { [weak self] in
        self?.told += 1
        self?.parker.signal()
      }
    }

    func look(at paths: [String]) { _ = watch?.roll.look(at: paths) }

    /// Waits until something was told since the last call.
    func hears(until deadline: Instant) async -> Bool {
      while told == 0 {
        if await parker.park(until: deadline) == .deadline { return false }
      }
      told = 0
      return true
    }

    /// Whether nothing is told for a while.
    func isSilent(on loop: Loop) async -> Bool {
      let deadline = loop.now + .milliseconds(60)
      while await parker.park(until: deadline) != .deadline {}
      return told == 0
    }

    func close() {
      watch?.close()
      watch = nil
      parker.retire()
    }
  }

  /// What people and machines do to a file in a volume.
  enum Change: String, CaseIterable {
    case swap, sameBytes, renamedOver, rewritten, removed, modeChanged, linkGone, volumeGone, volumeMoved

    func apply(to volume: Volume) throws {
      let file = volume.file("config")
      switch self {
      case .swap: try volume.publish(["config": "two", "key": "two"])
      case .sameBytes: try volume.publish(["config": "one", "key": "one"])
      case .renamedOver:
        try volume.write(volume.file("config.new"), "two")
        try #require(unsafe rename(volume.file("config.new"), file) == 0)
      case .rewritten: try volume.write(file, "two")
      case .removed: try #require(unsafe unlink(file) == 0)
      case .modeChanged: try #require(unsafe chmod(file, 0o600) == 0)
      case .linkGone: try volume.publish(["key": "two"])
      case .volumeGone: try volume.remove()
      case .volumeMoved: try #require(unsafe rename(volume.path, volume.path + ".moved") == 0)
      }
    }
  }

  @Test("every way of changing a file is told by the kernel", arguments: Change.allCases)
  func events(_ change: Change) async throws {
    try await Stage.run { stage in
      let volume = try Volume("events-\(change)")
      try volume.publish(["config": "one", "key": "one"])
      let ear = Ear(on: stage.loop)
      ear.look(at: [volume.file("config"), volume.file("key")])
      #expect(ear.watch?.roll.fault == nil)
      #expect(await ear.isSilent(on: stage.loop))
      try change.apply(to: volume)
      #expect(await ear.hears(until: stage.patience))
      ear.close()
    }
  }

  @Test("every way of changing a file is found by looking", arguments: Change.allCases)
  func polling(_ change: Change) async throws {
    try await Stage.run { stage in
      let volume = try Volume("polling-\(change)")
      try volume.publish(["config": "one", "key": "one"])
      let ear = Ear(on: stage.loop, poll: .milliseconds(5), usesEvents: false)
      ear.look(at: [volume.file("config"), volume.file("key")])
      #expect(await ear.isSilent(on: stage.loop))
      try change.apply(to: volume)
      #expect(await ear.hears(until: stage.patience))
      ear.close()
    }
  }

  @Test("each of many swaps is told, and the last one is what is seen", arguments: [true, false])
  func manySwaps(usesEvents: Bool) async throws {
    try await Stage.run { stage in
      let volume = try Volume("many-\(usesEvents)")
      let paths = [volume.file("config"), volume.file("key")]
      let ear = Ear(
        on: stage.loop, poll: usesEvents ? .seconds(3600) : .milliseconds(5), usesEvents: usesEvents)
      ear.look(at: paths)
      for round in 0..<8 {
        try volume.publish(["config": "\(round)", "key": "\(round)"])
        try #require(await ear.hears(until: stage.patience), "swap \(round)")
        ear.look(at: paths)
      }
      ear.close()
    }
  }

  @Test("a burst of changes is told once")
  func burst() async throws {
    try await Stage.run { stage in
      let volume = try Volume("burst")
      try volume.publish(["config": "one"])
      let ear = Ear(on: stage.loop)
      ear.look(at: [volume.file("config")])
      for round in 2..<6 { try volume.publish(["config": "\(round)"]) }
      #expect(await ear.hears(until: stage.patience))
      #expect(await ear.isSilent(on: stage.loop))
      ear.close()
    }
  }

  @Test("a burst that doesn't end is told all the same")
  func endlessBurst() async throws {
    try await Stage.run { stage in
      var pace = FileWatch.Pace()
      pace.quiet = .seconds(600)
      pace.patience = .milliseconds(20)
      let ear = Ear(on: stage.loop, pace: pace)
      let start = stage.loop.now
      let pause = Parker(on: stage.loop)
      let deadline = stage.patience
      while ear.told == 0, stage.loop.now < deadline {
        ear.watch?.touch()
        _ = await pause.park(until: stage.loop.now + .milliseconds(1))
      }
      #expect(ear.told == 1)
      #expect(stage.loop.now.nanoseconds(since: start) >= 20_000_000)
      pause.retire()
      ear.close()
    }
  }

  @Test("what happens to other files in the directory is not told")
  func otherFiles() async throws {
    try await Stage.run { stage in
      let volume = try Volume("others")
      try volume.publish(["config": "one"])
      let ear = Ear(on: stage.loop)
      ear.look(at: [volume.file("config")])
      try volume.write(volume.file("stdout.log"), "a line")
      try volume.write(volume.file("config.swp"), "an editor's")
      #expect(unsafe unlink(volume.file("stdout.log")) == 0)
      #expect(await ear.isSilent(on: stage.loop))
      ear.close()
    }
  }

  @Test("a writer that isn't done has told nothing")
  func slowWriter() async throws {
    try await Stage.run { stage in
      let volume = try Volume("slow")
      let file = volume.file("config")
      try volume.write(file, "one")
      let ear = Ear(on: stage.loop)
      ear.look(at: [file])
      let descriptor = unsafe open(file, O_WRONLY | O_TRUNC | O_CLOEXEC)
      try #require(descriptor >= 0)
      for _ in 0..<3 {
        #expect(unsafe write(descriptor, "part", 4) == 4)
        #expect(await ear.isSilent(on: stage.loop))
      }
      #expect(close(descriptor) == 0)
      #expect(await ear.hears(until: stage.patience))
      #expect(await ear.isSilent(on: stage.loop))
      ear.close()
    }
  }

  @Test("R-17: a queue that ran over means that anything may have changed")
  func overflow() async throws {
    try await Stage.run { stage in
      let volume = try Volume("overflow")
      try volume.publish(["config": "one"])
      let ear = Ear(on: stage.loop)
      ear.look(at: [volume.file("config")])
      // Nobody reads while this runs on the loop: events of a file that doesn't matter fill the queue.
      let room = try Self.queueLength()
      for _ in 0..<(room / 2 + 1) {
        try volume.write(volume.file("noise"), "")
        try #require(unsafe unlink(volume.file("noise")) == 0)
      }
      #expect(await ear.hears(until: stage.patience))
      ear.close()
    }
  }

  /// Events that the kernel keeps for one instance.
  private static func queueLength() throws -> Int {
    let descriptor = unsafe open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 16384 }
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: 32)
    let count = unsafe read(descriptor, &text, 32)
    let number = String(decoding: text.prefix(max(count - 1, 0)), as: UTF8.self)
    return try #require(Int(number))
  }

  @Test("a directory that comes later, and one that goes and comes again, are watched")
  func lateDirectory() async throws {
    try await Stage.run { stage in
      let parent = try Volume("late")
      let paths = [parent.file("volume/config")]
      let ear = Ear(on: stage.loop)
      ear.look(at: paths)
      for _ in 0..<2 {
        let volume = try Volume("late/volume")
        #expect(await ear.hears(until: stage.patience))
        ear.look(at: paths)
        try volume.publish(["config": "one"])
        #expect(await ear.hears(until: stage.patience))
        ear.look(at: paths)
        try volume.remove()
        #expect(await ear.hears(until: stage.patience))
        ear.look(at: paths)
      }
      ear.close()
    }
  }

  // MARK: Trails

  @Test(
    "a trail stays equal while nothing happens, and differs after every change", arguments: Change.allCases)
  func trails(_ change: Change) throws {
    let volume = try Volume("trails-\(change)")
    try volume.publish(["config": "one", "key": "one"])
    let before = FileTrail(volume.file("config"))
    #expect(FileTrail(volume.file("config")) == before)
    try change.apply(to: volume)
    #expect(FileTrail(volume.file("config")) != before)
  }

  @Test(
    "odd paths end, and end alike", arguments: ["loop", "loop/x", "", "/", "//", ".", "..", "a/../b", "\0"])
  func oddPaths(_ path: String) throws {
    let loop = Scratch.shared.file("loop")
    _ = unsafe symlink("loop", loop)
    let whole = path.hasPrefix("loop") ? Scratch.shared.file(path) : path
    #expect(FileTrail(whole) == FileTrail(whole))
  }
}
