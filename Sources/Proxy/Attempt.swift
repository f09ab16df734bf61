// Step 3: a connection to the upstream, the request on it, and the head of its answer.
//
// A kept connection may have died since it was last used, and only the request shows it. Then the request goes
// out once more, on a new connection, if that is safe: nothing of an answer has come, the body is still here,
// and the method, or the endpoint, makes nothing that a repetition would make twice (RFC 9110 section 9.2.2).

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What became of sending a request.
private enum Sending {
  /// The head of the answer is here.
  case answered
  /// The connection ended before anything of an answer came.
  case lost(IOFault?)
}

extension Exchange {
  /// Calls the upstream.
  ///
  /// - Returns: whether there is an answer to relay; false where the answer is complete already.
  func attempt(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    guard let upstream else { return false }
    if isJSON, !uploadFlow.hasEnded { try await settleBody(upstream, connection) }
    try translate(upstream)
    record.attempts += 1
    if upstream.isMock {
      try answerMock(connection)
      return false
    }
    guard let pool = lineup.pools[upstream.index] else { return false }
    try prepare(upstream)
    var isReplay = false
    var isRefreshed = false
    while true {
      sentGrant = nil
      if let source = lineup.sources[upstream.index] { try await obtainGrant(source, upstream, connection) }
      let lease = try await lease(pool, upstream, connection, fresh: isReplay)
      socket = lease.socket
      writeRequestHead(upstream)
      replyHeads.reset()
      let sending: Sending
      do throws(Refusal) { sending = try await send(lease.socket, upstream, connection) } catch {
        note(outcome(of: error), upstream)
        throw error
      }
      guard case .lost(let fault) = sending else {
        // It was on its way before the request was (RFC 9110 section 15.5.9): the upstream's word for the end of a
        // connection that it has kept for long enough.
        if reply.status == 408, lease.isReused, !isReplay, interimCount == 0, mayReplay {
          dropUpstream()
          isReplay = true
          rewind(upstream)
          continue
        }
        if !isRefreshed, isRefused, try await mayTryAnew(upstream, connection) {
          note(.authRejected, upstream)
          isRefreshed = true
          isReplay = false
          rewind(upstream)
          continue
        }
        break
      }
      // An interim answer, or a part of a head: whoever sent it has the request.
      let hasHeard = interimCount > 0 || !upstreamIn.isEmpty
      let lacksCertificate = lease.socket.lacksCertificate
      dropUpstream()
      if lease.isReused, !isReplay, !hasHeard, mayReplay {
        isReplay = true
        rewind(upstream)
        continue
      }
      let refusal = lost(upstream, lacksCertificate ? .tls(.certificateRequired) : fault)
      note(outcome(of: refusal), upstream)
      throw refusal
    }
    note(answerOutcome(), upstream)
    return true
  }

  private func lease(
    _ pool: Pool, _ upstream: Upstream, _ connection: ClientConnection, fresh: Bool
  ) async throws(Refusal) -> Pool.Lease {
    if !fresh, let socket = pool.takeIdle(for: connection.parker) {
      return Pool.Lease(socket: socket, isReused: true)
    }
    let asked = Instant.now
    let resumedBefore = pool.sessions.resumed
    do throws(DialFault) {
      let lease = try await pool.lease(
        fresh ? .new : .any, parker: connection.parker, client: connection.socket)
      if !lease.isReused {
        if pool.sessions.resumed > resumedBefore { state.shard.resumedTLS(lineup.labels[upstream.index]) }
        // The time of a look-up and a handshake is the network's.
        record.overhead -= now.nanoseconds(since: asked)
      }
      return lease
    } catch {
      let refusal = Refusal(error, provider: upstream.name, timeout: upstream.timeouts.connect)
      note(outcome(of: refusal), upstream)
      throw refusal
    }
  }

  private func rewind(_ upstream: Upstream) {
    // It has been prepared once already, from the same head and body.
    try? prepare(upstream)
    upstreamOut.removeAll()
    upstreamIn.removeAll()
    if let translation {
      upload = translation.operation == .models ? .sent : .translated(at: 0)
    } else {
      upload = isJSON ? .buffered(at: 0) : .sent
    }
  }

  /// Whether the request may go out a second time.
  private var mayReplay: Bool {
    if isFollowed || (!isJSON && head.framing != .none) { return false }
    switch head.method {
    case .get, .head, .options, .put, .delete: return true
    case .post:
      // Inference makes nothing at the provider that a second call would make twice; a stored response would be.
      switch target.endpoint {
      case .chatCompletions, .completions, .embeddings: return true
      default: return head.first(.idempotencyKey) != nil
      }
    case .patch, .trace, .connect, .other: return false
    }
  }

  // MARK: Sending

  /// Sends the request and waits for the head of its answer, the client watched all the while.
  private func send(
    _ socket: Socket, _ upstream: Upstream, _ connection: ClientConnection
  ) async throws(Refusal) -> Sending {
    var deadline = now + upstream.firstByte
    var bodyDeadline = now + Deadline.body
    hasSent = false
    if loop.isBusy { sendLater() }
    while true {
      // Nothing is read before the request is on its way: it could be no answer to it.
      if !sendsLater {
        if !hasSent {
          let before = record.requestBytes
          let pumping: Pumping
          do throws(IOFault) { pumping = try takeLate(socket, connection) } catch {
            return try lastWord(socket, upstream, error)
          }
          if let fault = uploadFault { throw fault }
          if record.requestBytes > before { bodyDeadline = now + Deadline.body }
          hasSent = pumping == .sent
          if hasSent { noteSent() }
          // From the last byte that went out: an upload may take as long as it makes progress.
          if pumping != .blocked || socket.hasWritableRoom { deadline = now + upstream.firstByte }
          if pumping == .interrupted {
            await connection.parker.yield()
            continue
          }
        }
        do throws(ReplyFault) {
          if try receiveReplyHead(socket, upstream) { return .answered }
        } catch {
          switch error {
          case .lost(let fault): return .lost(fault)
          case .broken(let reason): throw .protocolBroken(upstream.name, reason)
          }
        }
      }
      if connection.socket.peerHasClosed { throw .clientGone }
      if state.isOver { throw .draining }
      let isWaitingForClient = !hasSent && upstreamOut.isEmpty
      // The upstream is not to blame while the client keeps it waiting.
      let until = isWaitingForClient ? bodyDeadline : deadline
      if await connection.parker.park(until: until) == .deadline, now >= until {
        if isWaitingForClient {
          state.shard.refused(.timeout)
          throw .slow("request body")
        }
        throw .timeout(
          upstream.name, "sent no answer within \(upstream.timeouts.firstByte.shown) (timeouts.first_byte)")
      }
    }
  }

  /// The upstream takes no more of the request. It may have answered before it closed: its answer counts more than the
  /// lost rest.
  private func lastWord(_ socket: Socket, _ upstream: Upstream, _ fault: IOFault) throws(Refusal) -> Sending {
    do throws(ReplyFault) {
      if try receiveReplyHead(socket, upstream) { return .answered }
    } catch {
      // An alert says more than the reset behind it.
      if case .lost(.tls(let fault)) = error { return .lost(.tls(fault)) }
    }
    return .lost(fault)
  }

  func noteSent() {
    record.sentAt = Instant.now
    if let received = record.receivedAt {
      record.overhead += record.sentAt?.nanoseconds(since: received) ?? 0
    }
  }

  // MARK: The answer's head

  /// Why there is no answer's head.
  private enum ReplyFault: Error {
    case lost(IOFault?)
    case broken(String)
  }

  /// Reads what has come of the answer's head; true when it is complete. Interim answers are passed over.
  private func receiveReplyHead(_ socket: Socket, _ upstream: Upstream) throws(ReplyFault) -> Bool {
    while true {
      do throws(HeadFault) {
        while interimCount <= Ceiling.interimReplies, let count = try reply.read(upstreamIn.view, &replyHeads)
        {
          replyBytes.clear()
          replyBytes.append(upstreamIn.view.extracting(0..<count))
          upstreamIn.consume(count)
          if reply.isInterim {
            interimCount += 1
            if reply.status == 103 { relayHints() }
            continue
          }
          replyFlow = BodyFlow(
            try reply.framing(toMethod: head.method), keepsTrailers: head.acceptsTrailers, coding: replyCoding
          )
          return true
        }
      } catch { throw .broken("\(error.message)") }
      if interimCount > Ceiling.interimReplies { throw .broken("it sends interim responses without end") }
      let step: ReadStep
      do throws(IOFault) { step = try socket.read(into: &upstreamIn, ceiling: Ceiling.window) } catch {
        throw .lost(error)
      }
      switch step {
      case .bytes: if record.firstByteAt == nil { record.firstByteAt = now }
      case .wouldBlock: return false
      case .end:
        // Something of a head, and then an end, is a broken answer; nothing at all may be a dead connection.
        if upstreamIn.isEmpty { throw .lost(nil) }
        throw .broken("it closed the connection in the middle of the response head")
      }
    }
  }

  // MARK: Ends

  /// Lets go of an upstream connection that can't be used again.
  func dropUpstream() {
    guard let socket, let upstream, let pool = lineup.pools[upstream.index] else { return }
    self.socket = nil
    pool.discard(socket)
  }

  private func lost(_ upstream: Upstream, _ fault: IOFault?) -> Refusal {
    switch fault {
    case .tls(let fault): .tls(upstream.name, fault.message)
    case .truncated, nil:
      .cannotConnect(upstream.name, "it closed the connection without an answer")
    case .system(let fault): .cannotConnect(upstream.name, "the connection broke: \(fault.reason)")
    }
  }

  private func note(_ outcome: AttemptOutcome, _ upstream: Upstream) {
    state.shard.attempted(lineup.labels[upstream.index], outcome)
  }

  private func outcome(of refusal: Refusal) -> AttemptOutcome {
    switch refusal.cause {
    case .unreachable: .connectFailed
    case .tls: .tlsFailed
    case .timedOut: .timeout
    case .broken: .protocolError
    case .request, .clientGone, .credentials, .overloaded, .draining: .cancelled
    }
  }

  private func answerOutcome() -> AttemptOutcome {
    switch reply.status {
    case 401, 403: .authRejected
    case 429: .rateLimited
    case 400..<500: .clientError
    case 500...: .serverError
    default: .success
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
      // A server that is about to restart, rather than one that will never do.
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
