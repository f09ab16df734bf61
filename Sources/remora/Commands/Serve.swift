// `remora serve`: reads the configuration, checks all of it, and hands over to the proxy.

import Config
import Proxy
import Transport

enum Serve {
  static func run(_ options: ServeOptions) -> Int32 {
    prepareProcess()
    let environment = Environment.current()
    ProcessSettings.forbidDumps()
    let loaded = Configuration.load(options.config, environment)
    let problems = Configuration.problems(loaded, environment)
    guard problems.isEmpty, var settings = loaded.settings else {
      for problem in problems { Console.error(problem.description) }
      return ExitStatus.bad
    }
    if !options.listen.isEmpty { settings.listen = options.listen.map { ListenEntry(address: $0) } }
    if let admin = options.admin { settings.admin = admin }
    if let level = options.level { settings.telemetry.level = level }
    return Server.run(
      settings, environment: environment, configDigest: Digest.sha256(loaded.bytes),
      warnings: loaded.warnings.map(\.description))
  }

  /// What must come before the first thread and the first large allocation.
  static func prepareProcess() {
    ProcessSettings.leanAllocator()
    _ = ProcessSettings.raiseDescriptorLimit()
  }
}
