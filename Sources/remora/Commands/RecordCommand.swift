// `remora record`: an application's tests against the provider, once, and what it got from it in a directory.
//
// The proxy serves as always, at a port that nobody else knows; in front of it a recorder passes on what comes and writes
// down what the application has seen: that is the same whichever provider answered, and however it was translated.

import Config
import Glibc
import Proxy
import Synchronization
import Tape
import Transport
import Wire

enum RecordCommand {
  static func run(_ options: RecordOptions) -> Int32 {
    guard let start = Serve.begin(options.config) else { return ExitStatus.bad }
    let (loaded, environment) = (start.loaded, start.environment)
    var settings = start.settings
    let places = options.command.isEmpty ? settings.listen.map(\.address) : [.tcp(host: "127.0.0.1", port: 0)]
    settings.listen = [ListenEntry(address: .tcp(host: "127.0.0.1", port: 0))]
    if !options.command.isEmpty {
      settings.admin = .tcp(host: "127.0.0.1", port: 0)
      settings.telemetry.accessLog = .off
      settings.telemetry.level = .warn
    }
    let rules: TapeRules
    do throws(TapeFault) { rules = try prepare(options) } catch {
      Console.complain("record: \(error.message)")
      return ExitStatus.bad
    }
    let session = RecordSession(
      options, rules, secrets(loaded, environment), places, hidden: variables(loaded))
    let status = Server.run(
      settings, environment: environment, configDigest: Digest.sha256(loaded.bytes),
      warnings: loaded.warnings.map(\.description)
    ) { addresses in
      // The loop must go on turning while the recorder's connections wait for it.
      if !Thread.detached({ session.run(addresses.proxy.first ?? "") }) {
        session.fail("the system has no thread to give")
      }
    }
    return session.end(status)
  }

  /// Makes the directory, and writes or reads the rules by which requests are told apart.
  private static func prepare(_ options: RecordOptions) throws(TapeFault) -> TapeRules {
    let path = options.directory + "/" + TapeRules.fileName
    let isSaid = !options.ignore.isEmpty || !options.normalize.isEmpty
    do throws(SystemFault) { try WholeFile.makeDirectory(options.directory) } catch {
      throw TapeFault("\(Shown.path(options.directory)): \(error.reason)")
    }
    guard isSaid else {
      guard let bytes = TapeLibrary.read(path) else { return try TapeRules() }
      return try TapeRules(file: bytes)
    }
    let rules = try TapeRules(ignore: options.ignore, normalize: options.normalize)
    if TapeLibrary.read(path) != rules.file {
      do throws(SystemFault) { try WholeFile.replace(path, with: rules.file) } catch {
        throw TapeFault("\(Shown.path(path)): \(error.reason)")
      }
    }
    return rules
  }

  /// The bytes of every secret that the configuration names, to be looked for in what is written.
  private static func secrets(_ loaded: Loaded, _ environment: Environment) -> TapeSecrets {
    var known: [[UInt8]] = []
    for reference in loaded.references {
      guard case .secret(let source, _, let use) = reference.target,
        let secret = try? Secret.load(source, as: use, from: environment)
      else { continue }
      known.append(secret.bytes.array())
    }
    return TapeSecrets(known: known)
  }

  /// The variables that hold secrets: nothing for the application's tests.
  private static func variables(_ loaded: Loaded) -> Set<String> {
    var names: Set<String> = []
    for reference in loaded.references {
      if case .secret(.environment(let name), _, _) = reference.target { names.insert(name) }
    }
    return names
  }
}

/// The recorder in front of the proxy, and the command that is run against it.
final class RecordSession: Sendable {
  private struct State {
    var recorder: Recorder?
    var child: Child?
    var status: Int32?
    var isOver = false
  }

  private let options: RecordOptions
  private let rules: TapeRules
  private let secrets: TapeSecrets
  private let places: [Config.Address]
  private let hidden: Set<String>
  private let state = Guarded(State())

  init(
    _ options: RecordOptions, _ rules: TapeRules, _ secrets: TapeSecrets, _ places: [Config.Address],
    hidden: Set<String>
  ) {
    self.options = options
    self.rules = rules
    self.secrets = secrets
    self.places = places
    self.hidden = hidden
  }

  /// Begins, once the proxy listens at `proxy`; with a command, until that has ended.
  func run(_ proxy: String) {
    do throws(Failure) { try begin(proxy) } catch { fail(error.message) }
  }

  private func begin(_ proxy: String) throws(Failure) {
    guard case .tcp(let host, let port)? = Config.Address.parse(proxy) else {
      throw Failure("the proxy listens nowhere")
    }
    let upstream = Endpoint(host: host, port: UInt16(clamping: port))
    let recorder: Recorder
    do throws(TapeFault) { recorder = try Recorder(options, rules, secrets, upstream: upstream) } catch {
      throw Failure(error.message)
    }
    let addresses = try TapeServer.start(places) { await recorder.answer($0, $1) }
    state.withLock { $0.recorder = recorder }
    guard !options.command.isEmpty else {
      Console.error(
        "record: into \(options.directory) at \(addresses.map(\.description).joined(separator: ", "))")
      return
    }
    let child = try Child(options.command, port: addresses.first?.port ?? 0, hiding: hidden)
    state.withLock { $0.child = child }
    let status = child.wait()
    state.withLock { $0.status = status }
    kill(getpid(), SIGTERM)
  }

  func fail(_ message: String) {
    Console.complain("record: \(message)")
    state.withLock { $0.status = ExitStatus.bad }
    kill(getpid(), SIGTERM)
  }

  /// Says what came of it, once the proxy has ended with `status`.
  func end(_ status: Int32) -> Int32 {
    // A signal that ended the proxy is the command's too.
    if !options.command.isEmpty, state.withLock({ $0.status }) == nil,
      let child = state.withLock({ $0.child })
    {
      child.signal(SIGTERM)
      // In short steps, for its end is another thread's to notice. A command that won't end is ended, as the container's
      // runtime would end it.
      let patience = Instant.now + .seconds(10)
      while state.withLock({ $0.status }) == nil {
        if Instant.now >= patience { child.signal(SIGKILL) }
        if Instant.now >= patience + .seconds(2) { break }
        usleep(10_000)
      }
    }
    let (recorder, own) = state.withLock { ($0.recorder, $0.status) }
    guard let recorder else { return own ?? status }
    recorder.finish()
    if let line = recorder.summary.last { Console.error(line) }
    if let own, own != ExitStatus.good { return own }
    return recorder.hasFailed ? ExitStatus.bad : status
  }
}
