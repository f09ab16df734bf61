// The proxy's ports and the admin port: their connections (HTTP/Connection.swift) are lent an exchange for each request.

internal import HTTP
internal import Telemetry
internal import Transport
internal import Wire

typealias ClientConnection = HTTP.Connection

/// Where a connection came in.
struct Entrance {
  enum Role { case proxy, admin }
  let role: Role
  /// Index of the listen entry; 0 for admin.
  let index: Int
  let isLoopback: Bool
}

/// The worker's side of one listening address.
final class ProxyPort: Handler {
  private static let proxyTimes = ConnectionTimes(
    handshake: Deadline.handshake, opening: Deadline.keepAlive, idle: Deadline.keepAlive, head: Deadline.head,
    stalled: Deadline.stalledClient, nap: Deadline.silence)
  /// Probes and scrapes ask as soon as they are connected.
  private static let adminTimes = ConnectionTimes(
    handshake: Deadline.handshake, opening: Deadline.adminHead, idle: Deadline.keepAlive,
    head: Deadline.adminHead, stalled: Deadline.stalledClient, yieldsStalled: true, nap: Deadline.silence)

  private let state: WorkerState
  let entrance: Entrance

  init(_ entrance: Entrance, _ state: WorkerState) {
    self.entrance = entrance
    self.state = state
  }

  /// Takes over a client's connection, which is to be served.
  func accept(_ socket: Socket) -> ClientConnection {
    state.shard.clientConnections(by: 1)
    return ClientConnection(
      socket, entrance.role == .proxy ? Self.proxyTimes : Self.adminTimes, self,
      on: state.rolls[entrance.role])
  }

  /// What its clients are spoken to with now.
  var tls: TLSContext? {
    entrance.role == .proxy ? state.lineup.snapshot.listenerTLS[entrance.index] : nil
  }

  func serve(_ connection: ClientConnection) async -> Bool {
    let exchange = state.takeExchange()
    exchange.begin(entrance)
    let goesOn = await exchange.run(connection)
    connection.rest()
    connection.parker.ahead.clear()
    state.giveBack(exchange)
    return goesOn
  }

  func sent() { state.letGo() }

  func ended(_ connection: ClientConnection) { state.clientHasLeft() }
}

extension RefusedReason {
  init(_ fault: HeadFault) {
    switch fault {
    case .tlsOnPlaintext: self = .tlsOnPlaintext
    case .http2Preface, .version: self = .version
    case .targetTooLong: self = .targetTooLong
    case .headTooLarge, .tooManyFields, .tooManyOptions: self = .headTooLarge
    case .methodUnknown, .methodRefused: self = .method
    case .contentLength, .contentLengthRepeated, .transferEncoding, .transferCodingUnknown, .lengthAndCoding,
      .codingInOldVersion:
      self = .ambiguousFraming
    case .expectation: self = .expectation
    case .upgrade: self = .upgrade
    default: self = .malformedHead
    }
  }
}
