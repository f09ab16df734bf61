// One call over a connection: the bytes that go out, the head of the answer, and where its body lies in what has come.

internal import HTTP
internal import Transport
internal import Wire

/// Why there is no head of an answer.
enum CallFault: Error {
  /// The connection ended before anything of an answer came.
  case lost(IOFault?)
  /// What came is no answer.
  case broken(String)
}

/// A call under way. Kept from one to the next for its buffers; `begin` forgets all of the one before.
final class Call {
  private(set) var socket: Socket?
  private var pool: Pool?
  /// Whether the connection carried an exchange before, so that it may turn out to be dead.
  private(set) var isReused = false
  /// What waits to be sent.
  var out: ByteQueue
  /// What has come and wasn't taken yet.
  var incoming: ByteQueue
  /// All of the request is with the upstream.
  var hasSent = false
  private var heads = HeadScanner(for: .upstream, skipsEmptyLines: false)
  /// The bytes of the answer's head.
  var headBytes: Span<UInt8> {
    // SAFETY: only `begin`, `reset` and the reading of a head change it, each a step of its own: nothing that uses the
    // earlier bytes is under way then. No span can be kept in an object.
    @_lifetime(immortal)
    get { unsafe headQueue.view }
  }
  private var headQueue = ByteQueue()
  private(set) var reply = ResponseHead()
  var flow = BodyFlow(.none)
  /// Interim responses (1xx) that were passed over.
  private(set) var interimCount = 0

  init(pool: BlockPool) {
    out = ByteQueue(pool: pool)
    incoming = ByteQueue(pool: pool)
  }

  /// Begins on a connection.
  func begin(_ lease: consuming Pool.Lease, of pool: Pool) {
    isReused = lease.isReused
    socket = lease.socket
    self.pool = pool
    out.removeAll()
    incoming.removeAll()
    hasSent = false
    heads.reset()
    headQueue.clear()
    interimCount = 0
  }

  /// The answer is a 408 that was on its way before the request was: the upstream ends a connection that it has kept for
  /// long enough (RFC 9110 section 15.5.9).
  var isLate: Bool { reply.status == 408 && isReused && interimCount == 0 }

  /// Something of an answer has come: the request was received.
  var hasHeard: Bool { interimCount > 0 || !incoming.isEmpty }

  // MARK: The answer

  /// Reads what has come of the answer's head; true when it is complete. Interim answers are passed over.
  ///
  /// - Parameters:
  ///   - method: the request's, which decides whether the answer has a body.
  ///   - readsBody: whether a content coding is taken off the body. None was asked for, but there are servers and caches
  ///     that code all the same.
  ///   - onBytes: called where something has come.
  ///   - onInterim: called for an interim answer, whose head is in `reply`.
  func receiveHead(
    to method: Method, keepsTrailers: Bool, readsBody: Bool, onBytes: () -> Void, onInterim: () -> Void
  ) throws(CallFault) -> Bool {
    guard let socket else { throw .lost(nil) }
    while true {
      do throws(HeadFault) {
        while interimCount <= Ceiling.interimReplies, let count = try reply.read(unsafe incoming.view, &heads)
        {
          headQueue.clear()
          headQueue.append(incoming, 0..<count)
          incoming.consume(count)
          if reply.isInterim {
            interimCount += 1
            onInterim()
            continue
          }
          flow.begin(
            try reply.framing(toMethod: method), keepsTrailers: keepsTrailers,
            coding: readsBody ? coding : .identity)
          return true
        }
      } catch { throw .broken("\(error.message)") }
      if interimCount > Ceiling.interimReplies { throw .broken("it sends interim responses without end") }
      let step: ReadStep
      do throws(IOFault) { step = try socket.read(into: &incoming, ceiling: Ceiling.window) } catch {
        throw .lost(error)
      }
      switch step {
      case .bytes: onBytes()
      case .wouldBlock: return false
      case .end:
        // Something of a head, and then an end, is a broken answer; nothing at all may be a dead connection.
        if incoming.isEmpty { throw .lost(nil) }
        throw .broken("it closed the connection in the middle of the response head")
      }
    }
  }

  /// The value of the answer's first field with this name, which is in lower case; empty where there is none.
  @_lifetime(immortal)
  func field(_ name: StaticString?) -> Span<UInt8> {
    let bytes = headBytes
    guard let name else { return bytes.extracting(0..<0) }
    for field in reply.fields where bytes.extracting(field.name).equalsIgnoringCase(name) {
      return bytes.extracting(field.value)
    }
    return bytes.extracting(0..<0)
  }

  /// The answer's content coding.
  var coding: ContentCoding {
    reply.first(.contentEncoding) == nil ? .identity : ContentCoding(reply.fields, in: headBytes)
  }

  /// Takes the framing, and the coding, off what has come of the answer's body and hands each piece to `take`. Before a
  /// fault, what was good is there.
  ///
  /// - Parameter limit: how much is taken at once of a coded body, which can be a thousand times what has come; then it
  ///   `holdsMore`.
  func takeBody<Fault: Error>(
    limit: Int, _ broken: (BodyFault) -> Fault, _ take: (Span<UInt8>) throws(Fault) -> Void
  ) throws(Fault) {
    if flow.isCoded { return try takeCoded(limit, broken, take) }
    var at = 0
    defer { incoming.consume(at) }
    while true {
      let step: BodyFlow.Step
      do throws(ChunkFault) { step = try flow.next(unsafe incoming.view, from: at) } catch {
        throw broken(.framing(error))
      }
      switch step {
      case .data(let range):
        at = range.upperBound
        try take(unsafe incoming.view.extracting(range))
      case .more(let consumed), .end(let consumed):
        at = consumed
        return
      }
    }
  }

  @inline(never)
  private func takeCoded<Fault: Error>(
    _ limit: Int, _ broken: (BodyFault) -> Fault, _ take: (Span<UInt8>) throws(Fault) -> Void
  ) throws(Fault) {
    var text = ByteQueue()
    var fault: BodyFault?
    do throws(BodyFault) { try flow.take(&incoming, into: &text, limit: limit) } catch { fault = error }
    if !text.isEmpty { try take(text.bytes) }
    if let fault { throw broken(fault) }
  }

  // MARK: Its end

  /// Lets go of a connection that can't be used again.
  func drop() {
    guard let socket else { return }
    self.socket = nil
    pool?.discard(socket)
    pool = nil
  }

  /// Gives the connection back, if it can carry another exchange.
  ///
  /// - Parameter isGood: whether the request went out as it should.
  func release(isGood: Bool) {
    guard let socket, let pool else { return }
    let isDelimited = if case .untilClose = flow.framing { false } else { true }
    guard isGood, hasSent, out.isEmpty, incoming.isEmpty, flow.hasEnded, isDelimited, reply.keepsAlive,
      !reply.mustNotReuse
    else { return drop() }
    self.socket = nil
    self.pool = nil
    pool.giveBack(socket, promise: reply.keepAliveTimeout)
  }

  /// Has what has come overwritten at its end: a secret was found in it.
  func holdsSecret() {
    headQueue.holdsSecret()
    incoming.holdsSecret()
  }

  /// Forgets everything; keeps the memory that is worth keeping.
  func reset() {
    drop()
    out.removeAll()
    incoming.removeAll()
    headQueue.clear()
    // A decoder is large.
    if flow.isCoded { flow.begin(.none) }
  }
}
