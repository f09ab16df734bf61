// The command line: one file a command under Commands, Arguments.swift for what was typed.

import Glibc
import Transport

@main
struct Main {
  static func main() {
    TLSLibrary.prepare()
    let status = run(Array(CommandLine.arguments.dropFirst()))
    #if COUNTING
      // What was counted is written as the process ends (Tests/run profile).
      exit(status)
    #else
      // Not `exit`: threads may still be at work inside of OpenSSL, which takes itself apart as a process ends.
      _exit(status)
    #endif
  }

  private static func run(_ arguments: [String]) -> Int32 {
    let command: Command
    do { command = try Arguments.parse(arguments) } catch {
      Console.complain(error.message)
      return ExitStatus.usage
    }
    return switch command {
    case .serve(let options): Serve.run(options)
    case .check(let options): CheckCommand.run(options)
    case .explain(let model, let config, let body): Explain.run(model, config: config, body: body)
    case .probe(let admin, let path): Probe.run(admin, path: path)
    case .schema: SchemaCommand.run()
    case .demo: Demo.run()
    case .version: VersionCommand.run()
    case .help(let topic): Help.run(topic)
    }
  }
}

enum ExitStatus {
  static let good: Int32 = 0
  static let bad: Int32 = 1
  static let usage: Int32 = 2
}
