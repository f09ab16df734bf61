// One generation of the configuration: the file and everything that it names, read as they were at one point
// in time, checked whole and compiled whole. All of this may block, so it runs on a thread of its own. Next:
// Reload.swift, which puts a generation into force.

package import Config
internal import Glibc
internal import Telemetry
internal import Transport
internal import Wire

/// Where the configuration comes from, to read it again in the same way.
package final class ConfigSource: Sendable {
  let load: @Sendable () -> Loaded
  let problems: @Sendable (Loaded) -> [Problem]
  let override: @Sendable (inout Settings) -> Void
  /// What `problems` makes of certificates and keys.
  let contexts: CheckedContexts
  /// The file; nil for the environment alone.
  let file: String?
  /// Of what was loaded first and of all that it names.
  let firstDigest: Digests

  /// - Parameters:
  ///   - first: what the process starts with. Make the source before the secrets in it are read: a change in
  ///     between is then seen as one.
  ///   - load: reads it again.
  ///   - problems: everything that is wrong with it and with what it names.
  ///   - override: what the command line says goes before what the file says.
  ///   - contexts: what `problems` makes of certificates and keys.
  package init(
    _ first: Loaded, load: @escaping @Sendable () -> Loaded,
    problems: @escaping @Sendable (Loaded) -> [Problem],
    override: @escaping @Sendable (inout Settings) -> Void,
    contexts: CheckedContexts
  ) {
    self.load = load
    self.problems = problems
    self.override = override
    self.contexts = contexts
    file = first.file
    firstDigest = Digests(first)
  }
}

/// A configuration that was found good, ready to be put into force.
struct Generation: Sendable {
  /// What reading came to.
  enum Reading: Sendable {
    /// Every byte is as it was when what is in force was read.
    case unchanged
    case fresh(Generation)
    /// With what could not be loaded of what it names.
    case refused([Problem], isUnreadable: Bool, failures: [(name: String, reason: LoadFailure)] = [])
    /// It changed each time while it was being read.
    case restless
  }

  /// Times that a change under the reader's hands is answered by reading again, and the pause before it.
  private static let tries = 5
  private static let pause: UInt32 = 50_000
  /// Bytes of a certificate file; a bundle of all public CAs has 250 kB.
  private static let fileCeiling = 16 << 20

  let snapshot: Snapshot
  /// Of the configuration and all that it names.
  let digests: Digests
  /// Of the configuration alone, as `sha256sum` prints it.
  let sha256: String
  let warnings: [Problem]
  /// Keys that say something else than what runs, and take effect with a restart.
  let waiting: [String]

  /// Reads `source` as it is at one point in time, and watches from then on all that was read.
  ///
  /// - Parameters:
  ///   - running: what is in force; listeners and unchanged TLS contexts are taken over from it.
  ///   - digests: what `running` was made of.
  static func read(_ source: ConfigSource, _ roll: WatchRoll, running: Snapshot, digests: Digests) -> Reading
  {
    for attempt in 0..<tries {
      // On the thread that readings have to themselves: whoever is writing the files is given a moment to finish.
      if attempt > 0 { usleep(pause) }
      let before = source.file.map { FileTrail($0) }
      let loaded = source.load()
      let paths = files(of: loaded)
      let trails = roll.look(at: paths)
      if let before, trails.first != before { continue }
      let reading = judge(loaded, source, running, digests)
      if WatchRoll.trails(of: paths) == trails { return reading }
    }
    return .restless
  }

  private static func judge(
    _ loaded: Loaded, _ source: ConfigSource, _ running: Snapshot, _ inForce: Digests
  ) -> Reading {
    let digests = Digests(loaded)
    if digests == inForce { return .unchanged }
    source.contexts.begin(running.contexts)
    let problems = source.problems(loaded)
    let checked = source.contexts.take()
    guard problems.isEmpty, var settings = loaded.settings else {
      return .refused(problems, isUnreadable: isUnreadable(loaded), failures: failures(of: loaded))
    }
    if settings.hasFoundProviders, !running.settings.hasFoundProviders {
      return .refused([noProviders(loaded)], isUnreadable: false)
    }
    source.override(&settings)
    let change = settings.settle(on: running.settings)
    do throws(SnapshotFault) {
      let sha256 = Digest.sha256(loaded.bytes)
      let snapshot = try Snapshot(
        settings, after: running, keeping: change.kept, sha256: sha256, checked: checked)
      return .fresh(
        Generation(
          snapshot: snapshot, digests: digests, sha256: sha256, warnings: loaded.warnings,
          waiting: change.waiting))
    } catch {
      return .refused(
        [Problem(file: loaded.file, position: nil, message: error.message)],
        isUnreadable: isUnreadable(loaded))
    }
  }

  /// A file that loses its providers, most often because it is read while it is written, must not lead to public
  /// ones that it never named. At a start it would be taken at its word.
  private static func noProviders(_ loaded: Loaded) -> Problem {
    Problem(
      file: loaded.file, position: nil,
      message:
        "the configuration names no provider any more; write 'providers', or restart Remora to serve those "
        + "whose keys are in the environment")
  }

  // MARK: Files

  /// The configuration first, then each file that it names, once.
  fileprivate static func files(of loaded: Loaded) -> [String] {
    var known = Set<String>()
    return ([loaded.file].compactMap { $0 } + loaded.references.compactMap(\.path)).filter {
      known.insert($0).inserted
    }
  }

  /// Of a file's bytes; empty where they can't be read.
  static func digest(file path: String) -> String {
    guard let contents = try? FileContents.read(path, ceiling: fileCeiling) else { return "" }
    return Digest.sha256(contents.bytes)
  }

  /// What can't be loaded of what the configuration names, and why.
  private static func failures(of loaded: Loaded) -> [(name: String, reason: LoadFailure)] {
    loaded.references.compactMap { reference in
      Check.failure(of: reference, environment: .current()).map { (reference.name, LoadFailure($0)) }
    }
  }

  /// Whether the system doesn't give out the configuration or a file that it names.
  private static func isUnreadable(_ loaded: Loaded) -> Bool {
    files(of: loaded).contains { path in
      do throws(FileFault) {
        try FileContents.check(path)
        return false
      } catch {
        switch error {
        case .system, .directory, .notRegular: return true
        case .empty, .tooLarge: return false
        }
      }
    }
  }
}

/// What one reading of the configuration and of the files that it names had before it: differs whenever a byte does.
struct Digests: Sendable, Equatable {
  private let configuration: String
  /// By path; what each is called is the configuration's to say.
  private let files: [String: (digest: String, name: String)]

  init(_ loaded: Loaded) {
    configuration = Digest.sha256(loaded.bytes)
    var files: [String: (digest: String, name: String)] = [:]
    for path in Generation.files(of: loaded).dropFirst(loaded.file == nil ? 0 : 1) {
      let name = loaded.references.first { $0.path == path }?.name ?? ""
      files[path] = (Generation.digest(file: path), name)
    }
    self.files = files
  }

  static func == (one: Digests, other: Digests) -> Bool {
    one.configuration == other.configuration
      && one.files.mapValues(\.digest) == other.files.mapValues(\.digest)
  }

  /// What the files are called, each once, in their order.
  var names: [String] { Set(files.values.map(\.name)).sorted() }

  /// The files that have other bytes than they had in `earlier`, and what each is called.
  func changed(since earlier: Digests) -> [(path: String, name: String)] {
    files.compactMap { path, file in
      guard let known = earlier.files[path], known.digest != file.digest else { return nil }
      return (path, file.name)
    }.sorted { $0.path < $1.path }
  }
}

extension LoadFailure {
  init(_ fault: SecretFault) {
    self =
      switch fault {
      case .unset, .file(.system(ENOENT)): .missing
      case .file(.system(EACCES)), .file(.system(EPERM)): .denied
      case .empty, .file(.empty): .empty
      case .tooLong, .badByte, .file(.tooLarge): .malformed
      case .file(.system), .file(.directory), .file(.notRegular): .unreadable
      }
  }
}

extension Reference {
  /// What messages call it.
  fileprivate var name: String {
    switch target {
    case .secret(_, let name, _): name
    case .file(_, let key): key
    }
  }

  /// The file that it names, if it names one.
  fileprivate var path: String? {
    switch target {
    case .secret(.file(let path), _, _), .file(let path, _): path
    case .secret: nil
    }
  }
}

extension Settings {
  /// Puts back what can't change while the process runs: where it listens, and how many workers it has.
  ///
  /// Listen entries take the order of those that run, so that an index means the same entry in every
  /// snapshot; what an entry says beside its address does change.
  /// - Returns: the keys that wait for a restart, and the places of entries that only go on because they run.
  mutating func settle(on running: Settings) -> (waiting: [String], kept: Set<Int>) {
    var waiting: [String] = []
    var kept = Set<Int>()
    let wanted = listen
    listen = running.listen.enumerated().map { index, entry in
      if let same = wanted.first(where: { $0.address == entry.address }) { return same }
      kept.insert(index)
      return entry
    }
    let isNew = wanted.contains { entry in !running.listen.contains { $0.address == entry.address } }
    if isNew || !kept.isEmpty { waiting.append("listen") }
    if admin != running.admin { waiting.append("admin") }
    if workers != running.workers { waiting.append("workers") }
    admin = running.admin
    workers = running.workers
    return (waiting, kept)
  }
}
