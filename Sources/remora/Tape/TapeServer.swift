// Where applications connect whose exchanges are recorded or replayed.

import Config
import Glibc
import HTTP
import Tape
import Transport
import Wire

/// Serves applications. Everything happens on its loop, which has a thread of its own.
actor TapeServer {
  typealias Respond = @Sendable (TapeIncoming, Reply) async -> Void

  /// A test suite has a few workers with a few connections each.
  private static let connectionCeiling = 256
  /// As large as a proxy's own ceiling: files are uploaded.
  private static let bodyCeiling = 256 << 20
  /// An application in a debugger stands still for as long as its developer thinks.
  private static let patience = Interval(seconds: 86_400)
  private static let times = ConnectionTimes(
    handshake: patience, opening: patience, idle: patience, head: patience, stalled: patience, body: patience)

  nonisolated let loop: Loop
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  private let roll = Roll()
  private var listeners: [Listener] = []

  private init(on loop: Loop) { self.loop = loop }

  /// Begins to serve.
  ///
  /// - Returns: where it listens: an asked-for port 0 is a number.
  /// - Throws: what can't be bound, in words; a missing IPv6 is none.
  static func start(
    _ places: [Config.Address], _ respond: @escaping Respond
  ) throws(Failure) -> [Transport.Address] {
    var addresses: [Transport.Address] = []
    for place in places {
      guard let address = address(place) else { throw Failure("'\(place.text)' is no IP address and port") }
      addresses.append(address)
    }
    let server: TapeServer
    let bell: Bell
    do throws(SystemFault) {
      server = TapeServer(on: try Loop())
      bell = try Bell()
    } catch { throw Failure(error.description) }
    let outcome = Guarded<Result<[Transport.Address], Failure>?>(nil)
    let isRunning = Thread.detached { [addresses] in
      server.loop.run {
        let bound = server.assumeIsolated { server in
          Result { () throws(Failure) in try server.listen(addresses, respond) }
        }
        if case .failure = bound { server.loop.stop() }
        outcome.withLock { $0 = bound }
        bell.ring()
      }
    }
    guard isRunning else { throw Failure("the system has no thread to give") }
    while true {
      if let bound = outcome.withLock({ $0 }) { return try bound.get() }
      bell.wait(milliseconds: 1000)
    }
  }

  private static func address(_ place: Config.Address) -> Transport.Address? {
    switch place {
    case .unix: nil
    case .tcp(let host, let port):
      Transport.Address(ip: host == "localhost" ? "127.0.0.1" : host, port: UInt16(clamping: port))
    }
  }

  private func listen(
    _ addresses: [Transport.Address], _ respond: @escaping Respond
  ) throws(Failure) -> [Transport.Address] {
    let port = WholePort(roll, Self.times, bodyCeiling: Self.bodyCeiling, stall: Self.patience) {
      await respond(TapeIncoming($0), $1)
    }
    for address in addresses {
      do throws(SystemFault) {
        listeners.append(
          try Listener(address, on: loop, sharesPort: false) { self.begin($0, port) })
      } catch {
        if address.family == .ipv6, error.isAddressMissing, addresses.count > 1 { continue }
        throw Failure("can't listen at \(address): \(error.reason)")
      }
    }
    return listeners.map(\.address)
  }

  private func begin(_ socket: Socket, _ port: WholePort) {
    guard roll.count < Self.connectionCeiling || roll.makeRoom(silentSince: loop.now) else {
      return socket.close()
    }
    let connection = Confined(port.accept(socket))
    Task(executorPreference: loop) { await self.serve(connection) }
  }

  private func serve(_ connection: Confined<Connection>) async { await connection.value.serve(nil) }
}

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
