// The command line: one file a command under Commands, Arguments.swift for what was typed.

import Glibc
import Transport

/// Where the C library begins, with the arguments as the kernel gave them.
///
/// Swift's `CommandLine` would look for them elsewhere: it reads /proc/self/cmdline, or walks over the stack from
/// `environ`, which a library's constructor that calls `setenv` has moved from there. Where it finds nothing it
/// says that nothing was typed, and `remora check` would begin to serve. The linker is told by the package
/// manager that an executable's `main` has its module's name in front.
@c(remora_main)
func main(_ count: Int32, _ texts: UnsafePointer<UnsafePointer<CChar>?>?) -> Int32 {
  StandardStreams.keep()
  TLSLibrary.prepare()
  let status = unsafe Main.run(CommandWords(count, texts))
  #if COUNTING
    // What was counted is written as the process ends (Tests/run profile).
    exit(status)
  #else
    // Not `exit`: threads may still be at work inside of OpenSSL, which takes itself apart as a process ends.
    _exit(status)
  #endif
}

/// What was typed, word by word.
struct CommandWords {
  /// The name that the program was called by is the first.
  private let words: [String]
  /// The place of the first word that isn't UTF-8.
  private var unreadable: Int?

  /// - Parameter texts: `count` texts that a zero ends each, as C's `main` gets them.
  @unsafe
  init(_ count: Int32, _ texts: UnsafePointer<UnsafePointer<CChar>?>?) {
    var words: [String] = []
    for index in 0..<max(Int(count), 0) {
      // SAFETY: C11 section 5.1.2.2.1: the first `count` are texts that live as long as the program.
      guard let text = unsafe texts?[index] else { break }
      if let word = unsafe String(validatingCString: text) {
        words.append(word)
      } else {
        unreadable = unreadable ?? index
        words.append("")
      }
    }
    self.words = words
  }

  /// The words behind the program's name.
  func arguments() throws(UsageFault) -> [String] {
    // A program is always called by a name (execve(2)): without it, what was typed is lost too.
    if words.isEmpty {
      throw UsageFault(
        "the system gave no arguments, not even the program's name; start it with its name as argv[0]")
    }
    if let unreadable { throw UsageFault("argument \(unreadable) isn't UTF-8") }
    return Array(words.dropFirst())
  }
}

enum Main {
  static func run(_ words: CommandWords) -> Int32 {
    let command: Command
    do { command = try Arguments.parse(words.arguments()) } catch {
      Console.complain(error.message)
      return ExitStatus.usage
    }
    return switch command {
    case .serve(let options): Serve.run(options)
    case .check(let options): CheckCommand.run(options)
    case .explain(let options): Explain.run(options)
    case .import(let options): ImportCommand.run(options)
    case .inject(let options): Inject.run(options)
    case .webhook(let options): Webhook.run(options)
    case .policyTest(let name, let config): PolicyCommand.run(name, config: config)
    case .auditVerify(let files, let key): AuditCommand.run(files, key: key)
    case .record(let options): RecordCommand.run(options)
    case .replay(let options): options.verifies ? VerifyCommand.run(options) : ReplayCommand.run(options)
    case .probe(let admin, let path): Probe.run(admin, path: path)
    case .models(let config, let asJSON): ModelsCommand.run(config: config, asJSON: asJSON)
    case .schema: SchemaCommand.run()
    case .demo: Demo.run()
    case .version: VersionCommand.run()
    case .help(let topic): Help.run(topic)
    case .page(let page): Help.run(page)
    }
  }
}

enum ExitStatus {
  static let good: Int32 = 0
  static let bad: Int32 = 1
  static let usage: Int32 = 2
}
