// `remora serve`: reads the configuration, checks all of it, and hands over to the proxy.

import Config
import Proxy
import Transport

enum Serve {
  static func run(_ options: ServeOptions) -> Int32 {
    guard let start = begin(options.config) else { return ExitStatus.bad }
    let (loaded, environment, contexts) = (start.loaded, start.environment, start.contexts)
    var settings = start.settings
    // Later, the same place is read: a file that appears where there was none is a matter for a restart.
    let file = loaded.file
    let source = ConfigSource(
      loaded,
      load: {
        if let file { return ConfigFile.load(path: file, environment: environment) }
        return ConfigFile.fromEnvironment(environment)
      },
      problems: { Configuration.problems($0, environment, contexts) },
      override: { override(&$0, options) },
      contexts: contexts)
    override(&settings, options)
    return Server.run(
      settings, environment: environment, configDigest: Digest.sha256(loaded.bytes),
      warnings: loaded.warnings.map(\.description), source: source)
  }

  /// The command line goes before the file, at start and at every reload.
  private static func override(_ settings: inout Settings, _ options: ServeOptions) {
    if !options.listen.isEmpty { settings.listen = options.listen.map { ListenEntry(address: $0) } }
    if let admin = options.admin { settings.admin = admin }
    if let level = options.level { settings.telemetry.level = level }
  }

  /// What a command that serves begins with.
  struct Start {
    let environment: Environment
    let loaded: Loaded
    let settings: Settings
    let contexts: CheckedContexts
  }

  /// Prepares the process and reads the configuration; nil where something is wrong with that, which has been said then.
  static func begin(_ path: String?) -> Start? {
    ProcessSettings.leaveOnSignals()
    prepareProcess()
    var environment = Environment.current()
    environment.memoryQuota = MemoryQuota.bytes()
    ProcessSettings.forbidDumps()
    let loaded = Configuration.load(path, environment)
    let contexts = CheckedContexts()
    let problems = Configuration.problems(loaded, environment, contexts)
    guard problems.isEmpty, let settings = loaded.settings else {
      for problem in problems { Console.error(problem.description) }
      return nil
    }
    return Start(environment: environment, loaded: loaded, settings: settings, contexts: contexts)
  }

  /// What must come before the first thread and the first large allocation.
  static func prepareProcess() {
    ProcessSettings.leanAllocator()
    _ = ProcessSettings.raiseDescriptorLimit()
  }
}
