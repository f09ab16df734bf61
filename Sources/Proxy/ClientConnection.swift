// A client's connection: one exchange after the other, until either side has had enough.

internal import Config
internal import Glibc
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// Where a connection came in.
struct Entrance {
  enum Role { case proxy, admin }
  let role: Role
  /// Index of the listen entry; 0 for admin.
  let index: Int
  let isLoopback: Bool
}

/// One client's connection. Small while it is idle: its exchange is borrowed from the worker.
final class ClientConnection {
  let state: WorkerState
  let socket: Socket
  let parker: Parker
  let entrance: Entrance
  var inbound: ByteQueue
  /// The end of an answer that goes out at the end of the loop's round (Later.swift).
  var outbox: ByteQueue
  var sendsLater = false
  private var heads = HeadScanner(for: .client)
  /// When it was last served, or came.
  private(set) var activeAt: Instant
  private var order: UInt64
  /// No request is under way, nor an answer.
  private var isSilent = true
  /// It is to go, for another needs its place (Room.swift).
  private(set) var isLeaving = false
  private var hasBeenServed = false
  /// Nothing may be read after the exchange under way.
  var mustClose = false

  init(_ socket: Socket, _ entrance: Entrance, _ state: WorkerState) {
    self.socket = socket
    self.entrance = entrance
    self.state = state
    parker = Parker(on: state.loop)
    activeAt = state.loop.now
    order = state.nextOrder()
    inbound = ByteQueue(pool: state.loop.blocks)
    outbox = ByteQueue(pool: state.loop.blocks)
    socket.parker = parker
  }

  var loop: Loop { state.loop }

  /// Serves the connection, which the worker has been told of, to its end.
  func serve() async {
    defer {
      socket.close()
      parker.retire()
      // A try that is kept for the next request may keep this connection too.
      inbound.removeAll()
      outbox.removeAll()
      state.remove(self)
    }
    if entrance.role == .proxy, let tls = state.lineup.snapshot.listenerTLS[entrance.index] {
      do throws(TLSFault) {
        let session = try TLSSession(tls, on: socket, host: nil, sessions: nil)
        try await session.handshake(until: loop.now + Deadline.handshake)
      } catch { return }
    }
    while !mustClose {
      let hasMore = await receiveFirstBytes()
      // What is still to be sent goes before a next answer, and before the end.
      if !outbox.isEmpty, !(await sendRest()) { return }
      if !hasMore || isLeaving { return }
      let exchange = state.takeExchange()
      exchange.begin()
      let goesOn = await exchange.run(self)
      activeAt = loop.now
      order = state.nextOrder()
      isSilent = true
      hasBeenServed = true
      state.giveBack(exchange)
      if !goesOn { return }
    }
  }

  /// What is known of its silence; nil where a request or an answer is under way.
  var silence: SilentClients.Client? {
    guard isSilent, !isLeaving, outbox.isEmpty else { return nil }
    return SilentClients.Client(
      id: ObjectIdentifier(self), since: activeAt, order: order, hasBegun: !inbound.isEmpty)
  }

  /// Ends the connection, which is silent. Its task finds that out, whatever it waits for.
  func leave() {
    isLeaving = true
    socket.hangUp()
  }

  /// Waits for the next request to begin; false if the client leaves or has been silent for too long.
  private func receiveFirstBytes() async -> Bool {
    // Probes and scrapes ask as soon as they are connected.
    let isLate = entrance.role == .proxy || hasBeenServed
    let deadline = loop.now + (isLate ? Deadline.keepAlive : Deadline.adminHead)
    while !hasBegun {
      guard let step = try? socket.read(into: &inbound, ceiling: BlockPool.blockSize) else { return false }
      switch step {
      case .bytes: break
      case .end: return false
      case .wouldBlock:
        if !sendsLater, !outbox.isEmpty {
          guard await sendRest() else { return false }
        } else if await parker.park(until: deadline) == .deadline, loop.now >= deadline {
          return false
        }
      }
    }
    return true
  }

  /// Whether more has come than the empty line that some clients send behind a body: nothing may follow it.
  private var hasBegun: Bool {
    switch inbound.count {
    case 0: false
    case 1: inbound[0] != ASCII.cr
    case 2: inbound[0] != ASCII.cr || inbound[1] != ASCII.lf
    default: true
    }
  }

  /// Reads a head into `ask`, if all of it is here and nothing is wrong with it.
  func takeHead(_ ask: Ask) -> Bool {
    guard let count = ask.head.readWhole(unsafe inbound.view) else { return false }
    ask.take(head: unsafe inbound.view.extracting(0..<count))
    inbound.consume(count)
    isSilent = false
    return true
  }

  /// Reads a head into `ask`.
  ///
  /// - Returns: false if the client left in the middle of it, or speaks another protocol.
  func receiveHead(_ ask: Ask) async throws(Refusal) -> Bool {
    let deadline = loop.now + (entrance.role == .proxy ? Deadline.head : Deadline.adminHead)
    defer { isSilent = false }
    while true {
      do throws(HeadFault) {
        if let count = try ask.head.read(unsafe inbound.view, &heads) {
          ask.take(head: unsafe inbound.view.extracting(0..<count))
          inbound.consume(count)
          return true
        }
      } catch {
        mustClose = true
        state.shard.refused(RefusedReason(error))
        guard error == .tlsOnPlaintext else { throw Refusal(error) }
        answerTLS()
        await linger()
        return false
      }
      guard let step = try? socket.read(into: &inbound, ceiling: BlockPool.blockSize) else { return false }
      switch step {
      case .bytes: break
      case .end: return false
      case .wouldBlock:
        if await parker.park(until: deadline) == .deadline, loop.now >= deadline {
          state.shard.refused(.timeout)
          throw .slow("request head")
        }
      }
    }
  }

  /// A TLS alert, protocol_version, so that a client that tries TLS here says something helpful
  /// (RFC 8446 section 6).
  private func answerTLS() {
    // Said first: whoever sees the alert finds the line.
    Log.write(.warn, "client spoke TLS to the plaintext port; use http://")
    var alert = ByteQueue()
    alert.append([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46])
    _ = try? socket.write(from: &alert)
  }

  /// Reads and drops a little of what a client whose request was refused still sends: closing over unread bytes
  /// would reset the connection and could take the answer with it (RFC 9112 section 9.6).
  func linger() async {
    var hasFinished = socket.finishSending()
    let deadline = loop.now + Ceiling.lingerTime
    var dropped = inbound.count
    inbound.removeAll()
    while dropped < Ceiling.lingerBytes {
      guard let step = try? socket.read(into: &inbound, ceiling: BlockPool.blockSize) else { return }
      dropped += inbound.count
      inbound.removeAll()
      switch step {
      case .bytes: break
      case .end: return
      case .wouldBlock:
        if await parker.park(until: deadline) == .deadline, loop.now >= deadline { return }
        if !hasFinished { hasFinished = socket.finishSending() }
      }
    }
  }
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
