// Where applications connect whose exchanges are recorded or replayed.

import Config
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
    loop.start { _ in await self.serve(connection) }
  }

  private func serve(_ connection: Confined<Connection>) async { await connection.value.serve(nil) }
}
