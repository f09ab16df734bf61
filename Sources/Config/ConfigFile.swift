// One configuration, read whole: from a file, or from the environment alone.

internal import Wire

/// What a configuration says, and what is wrong with it.
package struct Loaded: Sendable {
  /// Nil where there are problems.
  package let settings: Settings?
  package let problems: [Problem]
  package let warnings: [Problem]
  /// The secrets and files that it names.
  package let references: [Reference]
  /// The path that was read; nil for the environment.
  package let file: String?
  /// The file's bytes, to tell whether a new one differs; empty for the environment.
  package let bytes: [UInt8]

  fileprivate init(_ decoder: Decoder, _ settings: Settings, bytes: [UInt8]) {
    self.settings = decoder.problems.isEmpty ? settings : nil
    problems = decoder.problems.inOrder
    warnings = decoder.warnings.inOrder
    references = decoder.references
    file = decoder.file
    self.bytes = bytes
  }

  fileprivate init(_ problem: Problem, bytes: [UInt8] = []) {
    settings = nil
    problems = [problem]
    warnings = []
    references = []
    file = problem.file
    self.bytes = bytes
  }
}

package enum ConfigFile {
  /// Reads, parses and decodes the file at `path`. The files and secrets it names are left to `Check`.
  package static func load(path: String, environment: Environment) -> Loaded {
    do throws(FileFault) {
      let contents = try FileContents.read(path, ceiling: YAMLNode.sizeCeiling)
      return decode(contents.bytes.array(), path: path, environment: environment)
    } catch {
      return unreadable(error, path: path)
    }
  }

  /// What is said of a file that can't be read.
  package static func unreadable(_ fault: FileFault, path: String) -> Loaded {
    // A file that can't be read has a first place all the same: editors find lines by it.
    let start = Position(line: 1, column: 1)
    return Loaded(Problem(file: path, position: start, message: "the configuration \(fault.message)"))
  }

  /// Parses and decodes a file's bytes.
  package static func decode(_ bytes: [UInt8], path: String, environment: Environment) -> Loaded {
    let root: YAMLNode
    do { root = try YAMLNode.parse(bytes.span) } catch {
      return Loaded(Problem(file: path, position: error.position, message: error.message), bytes: bytes)
    }
    var decoder = Decoder(file: path, environment: environment)
    let settings = decoder.settings(root)
    return Loaded(decoder, settings, bytes: bytes)
  }

  /// What holds where there is no file.
  package static func fromEnvironment(_ environment: Environment) -> Loaded {
    var decoder = Decoder(file: nil, environment: environment)
    var settings = Settings()
    decoder.useEnvironment(&settings)
    if settings.providers.isEmpty {
      decoder.problem(
        "no configuration and no key is found; write /etc/remora/remora.yaml, or set OPENAI_API_KEY",
        at: nil)
    }
    return Loaded(decoder, settings, bytes: [])
  }
}

extension Settings {
  /// The settings of the environment alone; see `ConfigFile.fromEnvironment`.
  package static func fromEnvironment(_ environment: Environment) -> Loaded {
    ConfigFile.fromEnvironment(environment)
  }
}

extension [Problem] {
  /// In the order of the text, what has no place first; equal places keep their order.
  var inOrder: [Problem] {
    func key(_ problem: Problem) -> (Int, Int) {
      (problem.position?.line ?? 0, problem.position?.column ?? 0)
    }
    return enumerated().sorted { (key($0.element), $0.offset) < (key($1.element), $1.offset) }.map(\.element)
  }
}

private func < (left: ((Int, Int), Int), right: ((Int, Int), Int)) -> Bool {
  (left.0.0, left.0.1, left.1) < (right.0.0, right.0.1, right.1)
}
