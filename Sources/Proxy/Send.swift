// A try's request on its way upstream, and the head of its answer. The client is watched all the while.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Attempt {
  /// Bytes of a body that take a millisecond and more to work through.
  private static let longBody = 1 << 20

  /// Goes through the try up to the head of an answer: sends the request and waits.
  ///
  /// - Returns: what came of it; `tried.failure` says more where there is no answer.
  func run(_ reuse: Reuse) async -> Outcome {
    do throws(Refusal) {
      try prepare()
      // To read a long body, and to put it into another form, takes time that is not the provider's.
      if ask.body.received > Self.longBody { loop.lookAtClock() }
      tried.isSaid = true
      if !conversation.asksProvider { return .status(200) }
      let index = upstream.index
      guard let pool = lineup.pools[index] else { return .unreachable }
      if let source = lineup.sources[index] { try await obtainGrant(source) }
      let parker = connection.parker
      if !takesIdle(of: pool, reuse, parker) { try await lease(pool, reuse) }
      if Log.isOn(.trace) { trace(tried.times.connecting == nil ? "connection taken" : "connection made") }
      writeRequestHead()
      if loop.isBusy { sendLater() }
      var waits = Waits(
        answer: min(now + upstream.waits.firstByte, tried.deadlines.first), heardAt: now)
      while true {
        switch try turn(&waits) {
        case .over(let outcome): return outcome
        case .yield: await parker.yield()
        case .wait(let until, let forClient):
          if await parker.park(until: until) == .deadline, now >= until {
            throw refusalOfSilence(forClient)
          }
        }
      }
    } catch {
      tried.failure = error
      return Outcome(error.cause)
    }
  }

  /// Takes a connection that is kept for the next request; false where there is none.
  private func takesIdle(of pool: Pool, _ reuse: Reuse, _ parker: Parker) -> Bool {
    guard let socket = pool.takeIdle(Freshness(reuse), for: parker) else { return false }
    begin(Pool.Lease(socket: socket, isReused: true), of: pool, parker)
    return true
  }

  private func begin(_ lease: consuming Pool.Lease, of pool: Pool, _ parker: Parker) {
    lease.socket.lookAhead(parker)
    call.begin(lease, of: pool)
  }

  private func lease(_ pool: Pool, _ reuse: Reuse) async throws(Refusal) {
    let asked = Instant.now
    let resumed = pool.sessions.resumed
    let rivals = tried.rivals.map { SideDials($0, self) }
    let leased = await pool.leased(
      Freshness(reuse), parker: connection.parker, client: rivals ?? connection.socket,
      until: tried.deadlines.first)
    defer { rivals?.end() }
    try take(leased, of: pool, since: asked, resumed, isOvertaken: rivals?.winner != nil)
  }

  /// Goes on with the connection that there is now.
  ///
  /// - Parameters:
  ///   - asked: when it was asked for.
  ///   - resumed: how many handshakes had taken up an earlier session then.
  ///   - isOvertaken: whether another target's connection was there before.
  @inline(never)
  private func take(
    _ leased: Result<Pool.Lease, DialFault>, of pool: Pool, since asked: Instant, _ resumed: Int,
    isOvertaken: Bool
  ) throws(Refusal) {
    switch leased {
    case .success(let lease):
      if !lease.isReused {
        if pool.sessions.resumed > resumed { state.shard.resumedTLS(label) }
        // The time of a look-up and a handshake is the network's.
        let took = now.nanoseconds(since: asked)
        tried.times.waited += took
        tried.times.connecting = took
      }
      begin(lease, of: pool, connection.parker)
    case .failure(let fault):
      if isOvertaken { throw .overtaken(upstream.name) }
      if fault == .timedOut || fault == .tls(.timedOut), now >= tried.deadlines.first {
        throw refusalOfSilence(false)
      }
      throw Refusal(fault, provider: upstream.name, timeout: upstream.waits.timeouts.connect)
    }
  }

  /// The connection is gone, and no answer has come.
  private func lost(_ fault: IOFault?) -> Outcome {
    switch call.socket?.lacksCertificate == true ? .tls(.certificateRequired) : fault {
    case .tls(let fault): tried.failure = .tls(upstream.name, fault.message)
    case .truncated, nil:
      tried.failure = .cannotConnect(upstream.name, "it closed the connection without an answer")
    case .system(let fault):
      tried.failure = .cannotConnect(upstream.name, "the connection broke: \(fault.reason)")
    }
    return .lost(wasReused: call.isReused, hasHeard: call.hasHeard)
  }

  // MARK: Sending

  /// What is waited for.
  private struct Waits {
    /// Until when, for the answer's head.
    var answer: Instant
    /// When the client last sent something of its body.
    var heardAt: Instant
  }

  /// What follows on a turn.
  private enum Turn {
    case over(Outcome)
    /// There is more to do at once, after others had their turn.
    case yield
    case wait(until: Instant, forClient: Bool)
  }

  /// Moves what can be moved: the request on its way out, and the head of the answer.
  @inline(never)
  private func turn(_ waits: inout Waits) throws(Refusal) -> Turn {
    let call = call
    // Nothing is read before the request is on its way: what came so soon could be no answer to it.
    if !tried.sending.isLater {
      if !call.hasSent {
        let before = ask.body.received
        let pumping: Pumping
        do throws(IOFault) { pumping = try takeLate() } catch { return .over(try lastWord(error)) }
        if let fault = ask.body.fault { throw fault }
        if ask.body.received > before { waits.heardAt = now }
        if pumping == .sent { noteSent() }
        // Counted from the last byte that went out: an upload may take any time while it makes progress.
        if pumping != .blocked || call.socket?.hasWritableRoom == true {
          waits.answer = min(now + upstream.waits.firstByte, tried.deadlines.first)
        }
        if pumping == .interrupted { return .yield }
      }
      if let outcome = try receiveHead() { return .over(outcome) }
    }
    if connection.socket.peerHasClosed { throw .clientGone }
    if state.drain.isOver { throw .draining }
    // The upstream is not to blame while the client keeps it waiting.
    let isWaitingForClient = !call.hasSent && call.out.isEmpty
    return .wait(
      until: isWaitingForClient ? waits.heardAt + state.bodyPatience : waits.answer,
      forClient: isWaitingForClient)
  }

  private func refusalOfSilence(_ isWaitingForClient: Bool) -> Refusal {
    if isWaitingForClient {
      state.shard.refused(.timeout)
      return .slow("request body")
    }
    if now >= tried.deadlines.answer { return .clientsTimeIsOver(upstream.name) }
    if now >= tried.deadlines.content {
      return .timeout(upstream.name, "began no answer within the time that retry.first_token gives it")
    }
    return .timeout(
      upstream.name, "sent no answer within \(upstream.waits.timeouts.firstByte.shown) (timeouts.first_byte)")
  }

  func noteSent() {
    call.hasSent = true
    tried.times.sentAt = Instant.now
    if Log.isOn(.trace) { trace("request sent") }
  }

  // MARK: The answer's head

  /// Reads what has come of the answer's head.
  ///
  /// - Returns: nil where more is needed.
  private func receiveHead() throws(Refusal) -> Outcome? {
    do throws(CallFault) {
      let isHere = try call.receiveHead(
        to: ask.head.method, keepsTrailers: ask.head.acceptsTrailers, readsBody: readsAnswer
      ) {
        if tried.times.firstByteAt == nil { tried.times.firstByteAt = now }
        if Log.isOn(.trace) { trace("answer began") }
      } onInterim: {
        if call.reply.status == 103 { relayHints() }
      }
      if !isHere { return nil }
      return call.isLate ? .late : .status(call.reply.status)
    } catch {
      switch error {
      case .lost(let fault): return lost(fault)
      case .broken(let reason): throw .protocolBroken(upstream.name, reason)
      }
    }
  }

  /// The upstream takes no more of the request. It may have answered before it closed: its answer counts more than the
  /// lost rest.
  private func lastWord(_ fault: IOFault) throws(Refusal) -> Outcome {
    // An alert that came before the reset says more than the reset.
    guard let outcome = try? receiveHead() else { return lost(fault) }
    switch outcome {
    case .status, .late: return outcome
    default:
      if case .tls? = tried.failure?.cause { return outcome }
      return lost(fault)
    }
  }
}

extension Freshness {
  init(_ reuse: Reuse) {
    self =
      switch reuse {
      case .any: .any
      case .recent: .recent
      case .new: .new
      }
  }
}

extension Outcome {
  /// The outcome of a try that ended with a refusal.
  init(_ cause: Refusal.Cause) {
    self =
      switch cause {
      case .request: .cannotSay
      case .clientGone: .clientGone
      case .unreachable, .credentials, .overloaded: .unreachable
      case .tls: .tls
      case .timedOut: .timedOut
      case .broken: .broken
      case .draining: .draining
      }
  }
}

extension Refusal {
  /// What a client is told of a connection that could not be made.
  init(_ fault: DialFault, provider: String, timeout: Duration) {
    switch fault {
    case .resolve(let fault):
      self = .cannotConnect(provider, "the name '\(fault.host)' has no address: \(fault.reason)")
    case .connect(let reason): self = .cannotConnect(provider, reason)
    case .tls(let fault):
      self = .tls(provider, fault.message)
      // A server that closes or is silent here is about to restart, more likely than never to be reached.
      if fault == .closed || fault == .timedOut { self.shouldRetry = nil }
    case .timedOut: self = .timeout(provider, "took no connection within \(timeout.shown) (timeouts.connect)")
    case .exhausted:
      self = .overloaded("All connections to provider '\(provider)' are in use (pool.max_connections).")
    case .abandoned: self = .clientGone
    case .system(let fault): self = .cannotConnect(provider, fault.description)
    }
  }
}

extension Duration {
  /// This duration as a person writes it.
  var shown: String {
    let milliseconds = nanoseconds / 1_000_000
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
