// Step 4's middle: the body of an answer to the client, as it comes, under backpressure.
//
// One loop serves every kind of answer: it passes on what has come, sends it, reads from the upstream while the window
// has room, and parks when neither goes on. What differs is the course that the bytes take.
//
// A chunk that comes while the task sleeps, and leaves as it came, needs no task: the loop's thread has the exchange's
// deputy do it (`act`), and the task sleeps on. It is woken for what is more than that: an end, a fault, a client that
// doesn't keep up. In a stream that is nearly never, and a wake-up would cost as much as reading the chunk.

internal import Dialects
internal import HTTP
internal import Policy
internal import Transport
internal import Wire

/// What becomes of an answer's bytes.
enum Course {
  /// They are looked at before they go on, by whoever waits for them.
  case look
  /// They go on as they are.
  case plain
  /// They go on; usage is read as they pass, and a member may be added.
  case json
  /// They are events in OpenAI's format.
  case events
  /// They are a stream in the provider's own format.
  case translated
}

/// What the wait for more of an answer came to.
enum Arrival {
  case bytes
  /// The upstream has closed in good order.
  case end
  case broken(IOFault)
  /// What came can't go on.
  case refused(Refusal)
  /// Nothing came for the heartbeat's time.
  case silence
  case timeout
  case clientGone
  /// The process ends.
  case shutdown
  /// What must be held of the answer is more than the process may hold.
  case noMemory
}

extension Exchange {
  /// Brings a body to the client until it has ended, or has said all that it can.
  ///
  /// - Parameter unsent: how much of `outbound` stays if nothing of the answer can be sent.
  /// - Returns: false where a stream has said its last word but the end of its framing did not come.
  func carry(
    _ course: Course, _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection, unsent: Int
  ) async throws(Refusal) -> Bool {
    var hasLeft = false
    while true {
      do throws(Refusal) { try passOn(course, upstream) } catch {
        if !hasLeft, !isStream(course) || record.responseBytes == 0 { takeBack(to: unsent) }
        throw error
      }
      hasLeft = true
      if replyFlow.hasEnded || hasFailed(course) { return true }
      let arrival = await more(upstream, socket, connection, course)
      switch arrival {
      case .bytes: continue
      case .silence:
        EventEncoder.comment(into: &staging)
        sendStaging()
        continue
      case .end:
        if replyFlow.mayEndHere { return true }
      default: break
      }
      // What the provider had to say was said: only its framing is missing.
      if isOver(course), !isClientGone(arrival) { return false }
      try fail(arrival, upstream)
    }
  }

  private func isStream(_ course: Course) -> Bool { course == .events || course == .translated }

  /// Whether the stream has said its last word, so that only the body's end is waited for, and not for long.
  private func isOver(_ course: Course) -> Bool {
    switch course {
    case .look, .plain, .json: false
    case .events: stream.hasEnded
    case .translated: translation?.hasEnded == true
    }
  }

  private func hasFailed(_ course: Course) -> Bool { course == .translated && translation?.failure != nil }

  private func isClientGone(_ arrival: Arrival) -> Bool {
    if case .clientGone = arrival { return true }
    return false
  }

  // MARK: Passing on

  /// Moves what has come of the body to `outbound`.
  ///
  /// - Throws: what is wrong with it; what came before that is the provider's word, and has been moved.
  @inline(never)
  private func passOn(_ course: Course, _ upstream: Upstream) throws(Refusal) {
    switch course {
    case .look: return
    case .plain, .json: try passBytes(course, upstream)
    case .events:
      var bodyFault: BodyFault?
      do throws(BodyFault) { try takeReply(into: &pending) } catch { bodyFault = error }
      try passEvents(upstream)
      if let bodyFault { throw .protocolBroken(upstream.name, "\(bodyFault.message)") }
      record.usage = stream.usage
      if record.firstTokenAt == nil, stream.hasContent { record.firstTokenAt = now }
    case .translated: try passTranslated(upstream)
    }
  }

  private func passBytes(_ course: Course, _ upstream: Upstream) throws(Refusal) {
    if replyFlow.isCoded { return try passDecoded(course, upstream) }
    var at = 0
    do throws(ChunkFault) {
      scan: while true {
        switch try replyFlow.next(upstreamIn.view, from: at) {
        case .data(let range):
          pass(upstreamIn.view.extracting(range), course)
          at = range.upperBound
        case .more(let consumed), .end(let consumed):
          at = consumed
          break scan
        }
      }
    } catch { throw .protocolBroken(upstream.name, "\(error.message)") }
    upstreamIn.consume(at)
    if course == .json { record.usage = passing.usage }
  }

  /// As `passBytes`, by way of `pending`.
  @inline(never)
  private func passDecoded(_ course: Course, _ upstream: Upstream) throws(Refusal) {
    var bodyFault: BodyFault?
    do throws(BodyFault) { try takeReply(into: &pending) } catch { bodyFault = error }
    if !pending.isEmpty { pass(pending.view, course) }
    pending.removeAll()
    if course == .json { record.usage = passing.usage }
    if let bodyFault { throw .protocolBroken(upstream.name, "\(bodyFault.message)") }
  }

  private func pass(_ data: Span<UInt8>, _ course: Course) {
    if course == .json, isChunkedOut {
      passing.piece(data, member: metadata.view, into: &staging)
      sendStaging()
    } else if course == .json {
      let before = outbound.count
      passing.piece(data, member: metadata.view, into: &outbound)
      record.responseBytes += outbound.count - before
    } else {
      record.responseBytes += data.count
      if isChunkedOut { HeadWriter.chunk(data, to: &outbound) } else { outbound.append(data) }
    }
  }

  /// Moves the events that are complete to `outbound`, in one chunk; `pending` keeps the rest.
  private func passEvents(_ upstream: Upstream) throws(Refusal) {
    if pending.isEmpty { return }
    var from = 0
    while true {
      let step: EventDecoder.Step
      do throws(SSEFault) { step = try events.next(pending.view, from: from) } catch {
        throw .protocolBroken(upstream.name, "an event of its stream is too large")
      }
      guard case .event(let event) = step else { break }
      let start = from
      from = event.whole.upperBound
      if !target.isFullService {
        stream.watch(event, in: pending.view)
        staging.append(pending.view.extracting(start..<from))
        continue
      }
      do throws(PassStream.Fault) {
        try stream.pass(event, in: pending.view, member: metadata.view, into: &staging)
      } catch {
        sendStaging()
        throw .protocolBroken(upstream.name, "an event of its stream is not valid JSON")
      }
    }
    pending.consume(from)
    sendStaging()
  }

  private func passTranslated(_ upstream: Upstream) throws(Refusal) {
    guard let translation else { return }
    var bodyFault: BodyFault?
    do throws(BodyFault) { try takeReply(into: &pending) } catch { bodyFault = error }
    translation.take(&pending, into: &staging)
    sendStaging()
    record.usage = translation.usage
    if record.firstTokenAt == nil, translation.hasContent { record.firstTokenAt = now }
    if let bodyFault, translation.failure == nil {
      throw .protocolBroken(upstream.name, "\(bodyFault.message)")
    }
  }

  /// Takes the framing and the coding off what has come of the answer's body and appends it to `queue`; of a coded one
  /// a window at a time. Before a fault, what was good is there.
  func takeReply(into queue: inout ByteQueue) throws(BodyFault) {
    try replyFlow.take(&upstreamIn, into: &queue, limit: state.window)
  }

  // MARK: Waiting

  /// Sends what waits for the client and waits until the upstream has brought more.
  ///
  /// With any course but `look`, what comes meanwhile may have been passed on already; `bytes` then says that the task
  /// has to see to it.
  func more(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection, _ course: Course
  ) async -> Arrival {
    let isOver = isOver(course)
    let limit = isOver ? Deadline.afterDone : upstream.idle
    // From the last byte, not from this call: a heartbeat of ours is no sign of the upstream's life.
    var idle = heardAt + limit
    var beat = beats(course) ? now + Deadline.heartbeat : .never
    while true {
      do throws(IOFault) {
        if !outbound.isEmpty { _ = try connection.socket.write(from: &outbound) }
      } catch { return .clientGone }
      if connection.socket.peerHasClosed { return .clientGone }
      if state.isOver { return .shutdown }
      if pending.count > Ceiling.window, state.isShortOfMemory { return .noMemory }
      // An answer may begin before the request has ended; what is left of it goes on beside.
      if !hasSent { pumpOn(socket, connection) }
      if outbound.count < state.window {
        if replyFlow.holdsMore { return await takeTurn(connection) }
        switch receive(socket) {
        case .bytes:
          return await takeTurn(connection)
        case nil: break
        case let arrival?: return arrival
        }
      } else {
        // The client decides the pace now: the upstream is not to blame for silence.
        heardAt = now
        idle = now + Deadline.stalledClient
      }
      let before = heardAt
      self.course = isOver || !hasSent || !outbound.isEmpty ? .look : course
      let wake = await connection.parker.park(
        until: min(idle, beat), deputy: self.course == .look ? nil : self)
      if let arrival = arrived {
        arrived = nil
        return arrival
      }
      if heardAt > before {
        idle = heardAt + limit
        if beats(course) { beat = heardAt + Deadline.heartbeat }
      }
      if wake == .deadline {
        if now >= idle { return outbound.count < state.window ? .timeout : .clientGone }
        if now >= beat { return .silence }
      }
    }
  }

  /// A fast upstream and a fast client could keep this task running for as long as the body is.
  private func takeTurn(_ connection: ClientConnection) async -> Arrival {
    reads &+= 1
    if reads & 15 == 0 { await connection.parker.yield() }
    return .bytes
  }

  /// Whether the client is told, while the upstream is silent, that there is still somebody.
  private func beats(_ course: Course) -> Bool { isStream(course) && !isOver(course) }

  /// Reads what has come; nil if nothing has.
  private func receive(_ socket: Socket) -> Arrival? {
    do throws(IOFault) {
      switch try socket.read(into: &upstreamIn, ceiling: state.window) {
      case .bytes:
        heardAt = now
        return .bytes
      case .end: return .end
      case .wouldBlock: return nil
      }
    } catch { return .broken(error) }
  }
}

// MARK: While the task sleeps

extension Exchange: Deputy {
  func act() -> Bool {
    guard let upstream, let socket, let connection, !connection.socket.peerHasClosed, !state.isOver,
      pending.count <= Ceiling.window
    else { return false }
    switch receive(socket) {
    case .bytes: break
    case nil: return true
    case let arrival:
      arrived = arrival
      return false
    }
    do throws(Refusal) { try passOn(course, upstream) } catch {
      arrived = .refused(error)
      return false
    }
    do throws(IOFault) {
      // What is more than a chunk is the task's, whose turns are counted.
      if try !connection.socket.write(from: &outbound) || replyFlow.hasEnded || replyFlow.holdsMore
        || isOver(course)
        || hasFailed(course) || socket.hasReadable
      {
        arrived = .bytes
        return false
      }
    } catch {
      arrived = .clientGone
      return false
    }
    let limit = beats(course) ? min(upstream.idle, Deadline.heartbeat) : upstream.idle
    connection.parker.putOff(to: now + limit)
    return true
  }
}
