// A client's connection: one request after the other, until either side has had enough. Every port's connections are
// served here, the proxy's, the admin port's, the webhook's and the tapes'; what a request comes to is its handler's.

package import Transport
package import Wire

/// What answers the requests of a port's connections. Confined to their loop.
package protocol Handler: AnyObject {
  /// Answers the request of which the first bytes have come, and calls `rest` of the connection once it is over.
  ///
  /// - Returns: whether another request may follow.
  func serve(_ connection: Connection) async -> Bool
  /// What `sendLater` has left has gone, or never will.
  func sent()
  /// The client's handshake came to nothing; the connection ends.
  func failed(_ fault: TLSFault)
  /// The connection has ended, and is off the roll.
  func ended(_ connection: Connection)
}

extension Handler {
  package func sent() {}
  package func failed(_ fault: TLSFault) {}
  package func ended(_ connection: Connection) {}
}

/// How long a client may take for what.
package final class ConnectionTimes: Sendable {
  /// For its TLS handshake.
  let handshake: Interval
  /// To begin with its first request, and with each later one.
  let opening, idle: Interval
  /// From a head's first byte to its last.
  let head: Interval
  /// To take some more of its answer.
  let stalled: Interval
  /// A client that doesn't take its answer makes room for others.
  let yieldsStalled: Bool
  /// From a body's first byte to its last, where bodies are read whole (Whole.swift). A client that sends a byte now and
  /// then is never silent for long.
  let body: Interval
  /// Of silence, until its task gives its memory back (see `Roll.nap`); nil: never.
  let nap: Interval?

  /// - Parameter body: without it a body may take a day, which is as good as any time.
  package init(
    handshake: Interval, opening: Interval, idle: Interval, head: Interval, stalled: Interval,
    yieldsStalled: Bool = false, body: Interval = Interval(seconds: 86_400), nap: Interval? = nil
  ) {
    self.handshake = handshake
    self.opening = opening
    self.idle = idle
    self.head = head
    self.stalled = stalled
    self.yieldsStalled = yieldsStalled
    self.body = body
    self.nap = nap
  }
}

/// Why there is no head.
package enum HeadLapse: Error {
  case fault(HeadFault)
  case slow
}

/// Bytes and time that are spent on reading what a refused client still sends, so that it sees the answer.
private enum Linger {
  static let bytes = 256 * 1024
  static let time = Interval(seconds: 1)
}

/// One client's connection. Small while it is idle. Confined to its loop.
package final class Connection {
  package let loop: Loop
  package let socket: Socket
  package let parker: Parker
  package let handler: any Handler
  private let times: ConnectionTimes
  private let roll: Roll
  package var inbound: ByteQueue
  /// The end of an answer that goes out at the end of the loop's round.
  private var outbox: ByteQueue
  private var sendsLater = false
  private var heads = HeadScanner(for: .client)
  /// When it was last served, or came.
  package private(set) var activeAt: Instant
  private var order: UInt64
  /// No request is under way, nor an answer.
  private var isSilent = true
  /// It is to go, for another needs its place.
  package private(set) var isLeaving = false
  private var hasBeenServed = false
  private var hasNapped = false
  /// Nothing may be read after the exchange under way.
  package var mustClose = false

  /// Puts the connection on `roll` at once, and not when its task begins: a burst is accepted in one go.
  package init(_ socket: Socket, _ times: ConnectionTimes, _ handler: any Handler, on roll: Roll) {
    loop = socket.loop
    self.socket = socket
    self.times = times
    self.handler = handler
    self.roll = roll
    parker = Parker(on: loop)
    activeAt = loop.now
    order = roll.nextOrder()
    inbound = ByteQueue(pool: loop.blocks)
    outbox = ByteQueue(pool: loop.blocks)
    socket.parker = parker
    roll.add(self)
  }

  /// Serves the connection to its end, or until it has been silent for a while: then it goes on by itself.
  ///
  /// - Parameter tls: what the client is spoken to with; nil: plain text.
  package func serve(_ tls: TLSContext?) async {
    if let tls {
      do throws(TLSFault) {
        let session = try TLSSession(tls, on: socket, host: nil, sessions: nil)
        try await session.handshake(until: loop.now + times.handshake)
      } catch {
        handler.failed(error)
        return end()
      }
      activeAt = loop.now
      order = roll.nextOrder()
    }
    await goOn()
  }

  private func goOn() async {
    while !mustClose {
      let coming = await receiveFirstBytes()
      // What is still to be sent goes before a next answer, and before the end.
      if !outbox.isEmpty, !(await sendRest()) { break }
      if coming == .later, !isLeaving {
        hasNapped = true
        loop.gaveBack(Self.taskMemory)
        return parker.sleep(until: patience, self)
      }
      if coming != .request || isLeaving { break }
      if !(await handler.serve(self)) { break }
      // One that has sent many requests at once doesn't have them all served before others' first.
      if !inbound.isEmpty { await parker.yield() }
    }
    end()
  }

  private func end() {
    socket.close()
    parker.retire()
    // A try that is kept for the next request may keep this connection too.
    inbound.removeAll()
    outbox.removeAll()
    roll.remove(self)
    handler.ended(self)
    // What comes and goes all the time is used again at once.
    if hasNapped { loop.gaveBack(Self.taskMemory) }
  }

  /// Bytes of a task that serves a connection, as measured.
  private static let taskMemory = 2048

  /// Until when the next request must have begun.
  private var patience: Instant { activeAt + (hasBeenServed ? times.idle : times.opening) }

  /// The request is over, and its answer is on its way.
  package func rest() {
    activeAt = loop.now
    order = roll.nextOrder()
    isSilent = true
    hasBeenServed = true
  }

  /// Something of a request has come, or of an answer is still to go.
  package var isBusy: Bool { !isSilent || !inbound.isEmpty || !outbox.isEmpty }

  /// What is known of its silence; nil where a request or an answer is under way.
  var silence: SilentClients.Client? {
    guard isSilent, !isLeaving, outbox.isEmpty else { return nil }
    return SilentClients.Client(
      id: ObjectIdentifier(self), since: activeAt, order: order, hasBegun: !inbound.isEmpty)
  }

  /// Ends the connection, which is silent. Its task finds that out, whatever it waits for.
  package func leave() {
    if !isLeaving { roll.noteLeaving() }
    isLeaving = true
    socket.hangUp()
  }

  // MARK: Reading

  private enum Coming {
    /// The first bytes of one are here.
    case request
    /// None is: the client has left, or has been silent for too long.
    case none
    /// None is by now, and none of it has to stay in memory.
    case later
  }

  /// Waits for the next request to begin. A part of `goOn`, which spares each request a frame of the task's.
  @inline(__always)
  private func receiveFirstBytes() async -> Coming {
    let deadline = patience
    // Once: one that comes again and again is no crowd that came and stays.
    var nap = times.nap.map { min(loop.now + (hasNapped ? $0 : roll.nap($0)), deadline) } ?? deadline
    while !hasBegun {
      guard let step = try? socket.read(into: &inbound, ceiling: BlockPool.blockSize) else { return .none }
      switch step {
      case .bytes: break
      case .end: return .none
      case .wouldBlock:
        if !sendsLater, !outbox.isEmpty {
          guard await sendRest() else { return .none }
        } else if await parker.park(until: nap) == .deadline, loop.now >= nap {
          if loop.now >= deadline { return .none }
          if inbound.isEmpty, outbox.isEmpty { return .later }
          nap = deadline
        }
      }
    }
    return .request
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

  /// Reads a head, if all of it is here and nothing is wrong with it.
  ///
  /// - Parameter bytes: what the head's places are in.
  package func takeHead(_ head: inout RequestHead, into bytes: inout ByteQueue) -> Bool {
    guard let count = head.readWhole(unsafe inbound.view) else { return false }
    take(count, into: &bytes)
    isSilent = false
    return true
  }

  private func take(_ count: Int, into bytes: inout ByteQueue) {
    bytes.clear()
    bytes.append(inbound, 0..<count)
    inbound.consume(count)
  }

  /// Reads a head.
  ///
  /// - Returns: false if the client left in the middle of it.
  package func receiveHead(
    _ head: inout RequestHead, into bytes: inout ByteQueue
  ) async throws(HeadLapse) -> Bool {
    let deadline = loop.now + times.head
    defer { isSilent = false }
    while true {
      do throws(HeadFault) {
        if let count = try head.read(unsafe inbound.view, &heads) {
          take(count, into: &bytes)
          return true
        }
      } catch {
        mustClose = true
        throw .fault(error)
      }
      switch await receive(until: deadline) {
      case .bytes: break
      case .gone: return false
      case .late: throw .slow
      }
    }
  }

  /// What came of waiting.
  package enum Arrival { case bytes, gone, late }

  /// Waits for bytes behind those in `inbound`.
  package func receive(until deadline: Instant) async -> Arrival {
    let began = loop.now
    while true {
      guard let step = try? socket.read(into: &inbound, ceiling: BlockPool.blockSize) else { return .gone }
      switch step {
      case .bytes: return .bytes
      case .end: return .gone
      case .wouldBlock:
        let until = roll.grace.map { min(deadline, began + $0) } ?? deadline
        if await parker.park(until: until) == .deadline, loop.now >= until { return .late }
      }
    }
  }

  /// Ends a connection on which TLS came where none is spoken, with its alert protocol_version, so that the client says
  /// something helpful (RFC 8446 section 6).
  package func answerTLS() async {
    var alert = ByteQueue()
    alert.append([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46])
    _ = try? socket.write(from: &alert)
    await linger()
  }

  /// Reads and drops a little of what a client whose request was refused still sends: closing over unread bytes
  /// would reset the connection and could take the answer with it (RFC 9112 section 9.6).
  package func linger() async {
    // It has its answer: where its place is needed, it goes.
    isSilent = true
    var hasFinished = socket.finishSending()
    let deadline = loop.now + Linger.time
    var dropped = inbound.count
    inbound.removeAll()
    while dropped < Linger.bytes {
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

extension Connection: Sleeper {
  package func wakes(for wake: Wake) {
    if case .deadline = wake { return end() }
    loop.took(Self.taskMemory)
    let connection = Confined(self)
    loop.start { _ in await connection.value.goOn() }
  }
}

// MARK: Sending

extension Connection: Straggler {
  /// Sends all of `queue`.
  ///
  /// - Returns: false if the client is gone, or takes nothing for too long.
  package func send(_ queue: inout ByteQueue) async -> Bool {
    var uptake = Uptake(limit: times.stalled, at: loop.now)
    while true {
      guard let isSent = try? socket.write(from: &queue), !socket.hasFailed else { return false }
      if isSent { return true }
      if !(await waitsForRoom(&uptake)) { return false }
    }
  }

  /// Waits until more may be sent.
  ///
  /// - Returns: false if the client has taken nothing for too long.
  package func waitsForRoom(_ uptake: inout Uptake) async -> Bool {
    uptake.sent(at: loop.now)
    let wasSilent = isSilent
    if times.yieldsStalled { isSilent = true }
    defer { isSilent = wasSilent }
    guard await parker.park(until: uptake.lookAt) == .deadline else { return true }
    uptake.note(socket.progress, waits: true, at: loop.now)
    return !uptake.isStalled(at: loop.now)
  }

  /// Leaves the end of an answer to the end of the loop's round; `Handler.sent` says that it has gone.
  package func sendLater(_ answer: inout ByteQueue) {
    swap(&outbox, &answer)
    sendsLater = true
    loop.atEndOfRound(self)
  }

  package func roundEnds() {
    guard sendsLater else { return }
    sendsLater = false
    if let isSent = try? socket.write(from: &outbox), isSent { return handler.sent() }
    parker.signal()
  }

  /// Sends what `sendLater` has left and the socket has not taken yet; there must be something.
  private func sendRest() async -> Bool {
    sendsLater = false
    defer {
      outbox.removeAll()
      handler.sent()
    }
    return await send(&outbox)
  }
}
