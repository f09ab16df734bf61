// The command that `record` and `replay` run against their port.

import Config
import Glibc
import Transport
import Wire

/// The command that is run against it: an application's tests.
struct Child {
  private let id: pid_t

  /// Starts `command` with what its SDKs need to find the proxy, and without the variables in `hidden`.
  init(_ command: [String], port: UInt16, hiding hidden: Set<String>) throws(Failure) {
    let base = "http://127.0.0.1:\(port)"
    let own = [
      "OPENAI_BASE_URL": base + "/v1", "OPENAI_API_BASE": base + "/v1", "OPENAI_API_KEY": "remora",
      "ANTHROPIC_BASE_URL": base,
      "ANTHROPIC_API_KEY": "remora",
    ]
    var variables = Environment.current().values.filter { own[$0.key] == nil && !hidden.contains($0.key) }
    variables.merge(own) { _, new in new }
    let texts = variables.map { "\($0.key)=\($0.value)" }
    var id = pid_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    // This process may have blocked signals that are the command's own.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var all = sigset_t()
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let code = unsafe Self.withTexts(command) { arguments in
      unsafe Self.withTexts(texts) { environment in
        unsafe posix_spawnp(&id, command.first ?? "", nil, &attributes, arguments, environment)
      }
    }
    guard code == 0 else {
      throw Failure(
        "\(Shown.text(command.first ?? "")) can't be started: \(SystemFault("posix_spawnp", code).reason)")
    }
    self.id = id
  }

  /// Calls `body` with a list of C's texts that ends with nil.
  @unsafe
  private static func withTexts<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let list = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe list.indices { unsafe free(list[index]) } }
    return unsafe body(list)
  }

  func signal(_ number: Int32) { kill(id, number) }

  /// Waits for its end.
  ///
  /// - Returns: its exit status; 128 and the signal's number where one has ended it, as shells say it.
  func wait() -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(id, &status, 0) < 0 { if errno != EINTR { return ExitStatus.bad } }
    return Self.exit(status)
  }

  /// Whether it has ended, and how; nil while it runs.
  func ended() -> Int32? {
    var status: Int32 = 0
    return unsafe waitpid(id, &status, WNOHANG) == id ? Self.exit(status) : nil
  }

  private static func exit(_ status: Int32) -> Int32 {
    let number = status & 0x7F
    return number == 0 ? (status >> 8) & 0xFF : 128 + number
  }
}
