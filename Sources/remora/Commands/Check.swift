// `remora check`: everything that would keep `remora serve` from starting, at once.

import Config
import Proxy
import Transport
import Wire

enum CheckCommand {
  static func run(_ options: CheckOptions) -> Int32 {
    var environment = Environment.current()
    environment.memoryQuota = MemoryQuota.bytes()
    let loaded = Configuration.load(options.config, environment)
    let problems = Configuration.problems(loaded, environment, CheckedContexts())
    let status = problems.isEmpty ? ExitStatus.good : ExitStatus.bad
    if options.format == .json {
      Console.line(json(problems + loaded.warnings))
      return status
    }
    // As compilers do: stderr, so that what `--print` writes can be piped.
    for problem in problems + loaded.warnings { Console.error(problem.description) }
    if let settings = loaded.settings, problems.isEmpty {
      if options.prints {
        Console.write(settings.json())
      } else {
        Console.line("\(loaded.file.map { Shown.path($0) } ?? "environment"): valid")
      }
    }
    return status
  }

  private static func json(_ problems: [Problem]) -> String {
    var text = "["
    for (index, problem) in problems.enumerated() {
      text += index == 0 ? "\n  {\"file\": " : ",\n  {\"file\": "
      if let file = problem.file { YAMLValue.writeJSON(file, to: &text) } else { text += "null" }
      text += ", \"line\": \(problem.position.map { String($0.line) } ?? "null")"
      text += ", \"column\": \(problem.position.map { String($0.column) } ?? "null")"
      text += ", \"severity\": \"\(problem.severity.rawValue)\", \"message\": "
      YAMLValue.writeJSON(problem.message, to: &text)
      text += "}"
    }
    return text + (problems.isEmpty ? "]" : "\n]")
  }
}
