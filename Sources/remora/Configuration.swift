// Where the configuration is, and everything that is wrong with it before anything listens.

import Config
import Glibc
import Policy
import Proxy
import Transport
import Wire

enum Configuration {
  /// Where a file is looked for that nothing names.
  private static let place = "/etc/remora/remora.yaml"

  /// Reads `path`, or the file that the environment names, or the one in the usual place, or what the
  /// environment alone says.
  static func load(_ path: String?, _ environment: Environment) -> Loaded {
    if let path = path ?? environment.nonEmpty("REMORA_CONFIG") ?? usual() {
      return path == "-" ? standardInput(environment) : ConfigFile.load(path: path, environment: environment)
    }
    return ConfigFile.fromEnvironment(environment)
  }

  /// What a command is given that only looks at it.
  private static func standardInput(_ environment: Environment) -> Loaded {
    do throws(FileFault) {
      let bytes = try Input.read("-", ceiling: YAMLNode.sizeCeiling)
      return ConfigFile.decode(bytes, path: "<stdin>", environment: environment)
    } catch { return ConfigFile.unreadable(error, path: "<stdin>") }
  }

  /// The same with its catalogue, for a command that only shows what they say; nil where one of them can't be had, which
  /// has been said then.
  static func shown(_ path: String?) -> (settings: Settings, catalogue: Catalogue)? {
    let loaded = load(path, .current())
    guard let settings = loaded.settings else {
      for problem in loaded.problems { Console.error(problem.description) }
      return nil
    }
    do throws(CatalogueFileFault) { return (settings, try Catalogue.load(settings)) } catch {
      Console.error(error.message)
      return nil
    }
  }

  /// A file that is there but can't be read is an error, not an absence.
  private static func usual() -> String? {
    if unsafe access(place, F_OK) == 0 { return place }
    return errno == ENOENT || errno == ENOTDIR ? nil : place
  }

  /// What is wrong with `loaded` and with every variable, secret, certificate and key that it names.
  ///
  /// - Parameter contexts: gets what is made of certificates and keys.
  static func problems(_ loaded: Loaded, _ environment: Environment, _ contexts: CheckedContexts) -> [Problem]
  {
    var problems = Check.problems(loaded, environment: environment)
    guard let settings = loaded.settings else { return problems }
    // What can't be read at all has been said already.
    let unread = Set(loaded.references.compactMap(\.unreadableFile))
    for fault in contexts.faults(settings, skipping: unread) {
      problems.append(loaded.problem(fault.path, ": " + fault.reason, default: fault.message))
    }
    do throws(CatalogueFileFault) {
      if !unread.contains(settings.catalogue.file ?? "") { _ = try Catalogue.load(settings) }
    } catch { problems.append(loaded.problem(error.path, " " + error.reason, default: error.message)) }
    return problems
  }
}

extension Reference {
  /// The file's path, if it is one that can't be read.
  fileprivate var unreadableFile: String? {
    guard case .file(let path, _) = target else { return nil }
    do throws(FileFault) { try FileContents.check(path) } catch { return path }
    return nil
  }
}

extension Loaded {
  /// What is wrong with the file at `path`, at the place where it is named; `message` where it is named nowhere.
  fileprivate func problem(_ path: String, _ reason: String, default message: String) -> Problem {
    for reference in references {
      guard case .file(path, let key) = reference.target else { continue }
      return Problem(
        file: reference.position == nil ? nil : file, position: reference.position,
        message: "\(key) (\(Shown.path(path)))\(reason)")
    }
    return Problem(file: nil, position: nil, message: message)
  }
}
