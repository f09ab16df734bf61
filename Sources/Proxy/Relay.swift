// Step 4: the answer back to the client, as it comes, under backpressure.
//
// One loop serves every kind of answer: it moves what waits to the client, reads from the upstream while the
// window has room, and parks when neither goes on. What differs is what is done with the bytes.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What the wait for more of an answer came to.
enum Arrival {
  case bytes
  /// The upstream has closed in good order.
  case end
  case broken(IOFault)
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
  /// Brings the answer whose head has come to the client.
  func relay(_ connection: ClientConnection) async throws(Refusal) {
    guard let upstream, let socket else { return }
    // Nothing is repeated once an answer has begun: a stream doesn't keep its request in memory.
    if hasSent {
      body.removeAll()
      translation?.forgetBody()
    }
    heardAt = now
    if reply.status >= 400, takesError(upstream) {
      return try await relayError(upstream, socket, connection)
    }
    try refuseStrangers(upstream)
    if let translation { return try await relayTranslated(translation, upstream, socket, connection) }
    let kind = bodyKind()
    if kind == .events { return try await relayEvents(upstream, socket, connection) }
    if kind == .json, looksAtWhole(upstream) { return try await relayWhole(upstream, socket, connection) }
    try await relayBytes(kind, upstream, socket, connection)
  }

  enum BodyKind { case events, json, plain }

  @inline(never)
  private func bodyKind() -> BodyKind {
    if case .none = replyFlow.framing { return .plain }
    if reply.first(.contentEncoding) != nil { return .plain }
    guard let field = reply.first(.contentType) else { return .plain }
    let value = replyBytes.view.extracting(field.value)
    if value.count >= 17, value.extracting(0..<17).equalsIgnoringCase("text/event-stream") { return .events }
    if target.isFullService, reply.status < 300, value.count >= 16,
      value.extracting(0..<16).equalsIgnoringCase("application/json")
    {
      return .json
    }
    return .plain
  }

  // MARK: Plain bodies and JSON

  @inline(never)
  private func relayBytes(
    _ kind: BodyKind, _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    if kind == .json { passing.reset(insertsMember: prepareMetadata()) }
    if kind == .json, case .length = replyFlow.framing, !metadata.isEmpty {
      // The length is promised first, so the first bytes must show whether a member can go in.
      while !PassReply.takesMember(upstreamIn.view), upstreamIn.count < min(replyFlow.remaining, 4096) {
        switch await more(upstream, socket, connection, heartbeat: false) {
        case .bytes: continue
        case .silence: continue
        case let arrival:
          try fail(arrival, upstream)
        }
      }
      if !PassReply.takesMember(upstreamIn.view) {
        metadata.clear()
        passing.reset(insertsMember: false)
      }
    }
    let unsent = outbound.count
    writeReplyHead(connection, added: kind == .json && !metadata.isEmpty ? metadata.count + 1 : 0)
    var hasLeft = false
    while true {
      do throws(ChunkFault) { try drain(kind) } catch {
        if !hasLeft { takeBack(to: unsent) }
        throw .protocolBroken(upstream.name, "\(error.message)")
      }
      hasLeft = true
      if replyFlow.hasEnded { break }
      let arrival = await more(upstream, socket, connection, heartbeat: false)
      if case .bytes = arrival { continue }
      if case .end = arrival, case .untilClose = replyFlow.framing { break }
      if kind == .json { record.usage = passing.usage }
      try fail(arrival, upstream)
    }
    if kind == .json { record.usage = passing.usage }
    endBody()
    release(upstream, socket, connection)
  }

  /// Moves what has come of the body to `outbound`.
  @inline(never)
  private func drain(_ kind: BodyKind) throws(ChunkFault) {
    var at = 0
    scan: while true {
      switch try replyFlow.next(upstreamIn.view, from: at) {
      case .data(let range):
        let data = upstreamIn.view.extracting(range)
        if kind == .json, isChunkedOut {
          passing.piece(data, member: metadata.view, into: &staging)
          sendStaging()
        } else if kind == .json {
          let before = outbound.count
          passing.piece(data, member: metadata.view, into: &outbound)
          record.responseBytes += outbound.count - before
        } else {
          record.responseBytes += data.count
          if isChunkedOut { HeadWriter.chunk(data, to: &outbound) } else { outbound.append(data) }
        }
        at = range.upperBound
      case .more(let consumed), .end(let consumed):
        at = consumed
        break scan
      }
    }
    upstreamIn.consume(at)
  }

  // MARK: Streams

  private func relayEvents(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    let unsent = outbound.count
    beginEvents(upstream, connection)
    var hasLeft = false
    while true {
      do throws(Refusal) { try drainEvents(upstream) } catch {
        if !hasLeft, record.responseBytes == 0 { takeBack(to: unsent) }
        throw error
      }
      hasLeft = true
      record.usage = stream.usage
      if record.firstTokenAt == nil, stream.hasContent { record.firstTokenAt = now }
      if replyFlow.hasEnded { break }
      let arrival = await more(
        upstream, socket, connection, heartbeat: !stream.hasEnded, isOver: stream.hasEnded)
      if case .bytes = arrival { continue }
      if case .silence = arrival {
        EventEncoder.comment(into: &staging)
        sendStaging()
        continue
      }
      if case .end = arrival, case .untilClose = replyFlow.framing { break }
      // What the provider had to say was said: only its framing is missing.
      if stream.hasEnded, !isClientGone(arrival) {
        return finishStream(upstream, isReusable: false, connection)
      }
      try fail(arrival, upstream)
    }
    if stream.hasFailed { record.end = .error }
    guard stream.mayEnd else {
      record.wasCutUpstream = true
      throw .protocolBroken(upstream.name, "the stream ended before the answer did")
    }
    if target.isFullService { stream.end(into: &staging) } else { staging.append(pending.view) }
    sendStaging()
    finishStream(upstream, isReusable: true, connection)
  }

  // Apart, like what follows, so that what it needs is not kept for as long as the stream is.
  @inline(never)
  private func beginEvents(_ upstream: Upstream, _ connection: ClientConnection) {
    stream = PassStream(
      target.isFullService ? target.shape : .other, removesUsage: addsUsage,
      insertsMember: target.isFullService && prepareMetadata(), repairs: upstream.quirks.repairsAnswers)
    events = EventDecoder()
    record.isEventStream = true
    writeReplyHead(connection, added: 0)
    record.isStream = true
  }

  func isClientGone(_ arrival: Arrival) -> Bool {
    if case .clientGone = arrival { return true }
    return false
  }

  /// Moves the events that are complete to `outbound`, in one chunk; `body` keeps the rest.
  @inline(never)
  private func drainEvents(_ upstream: Upstream) throws(Refusal) {
    var chunkFault: ChunkFault?
    do throws(ChunkFault) { try takeReply(into: &pending) } catch { chunkFault = error }
    // What came before a fault is the provider's word, and goes on.
    try passEvents(upstream)
    if let chunkFault { throw .protocolBroken(upstream.name, "\(chunkFault.message)") }
  }

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

  @inline(never)
  func finishStream(_ upstream: Upstream, isReusable: Bool, _ connection: ClientConnection) {
    endBody()
    guard let socket else { return }
    if isReusable { release(upstream, socket, connection) } else { dropUpstream() }
  }

  // MARK: Errors

  /// Whether the upstream's key is Remora's to answer for, and not the client's.
  func hasOwnKey(_ upstream: Upstream) -> Bool {
    if case .passthrough = upstream.credential { return false }
    return true
  }

  /// Reads a provider's error whole and answers with it in OpenAI's shape.
  private func relayError(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    // What is in a coding that was not asked for can't be read.
    let isCoded = reply.first(.contentEncoding) != nil
    reading: while !isCoded, pending.count < Fault.ceiling {
      do throws(ChunkFault) { try takeReply(into: &pending) } catch {
        throw .protocolBroken(upstream.name, "\(error.message)")
      }
      if replyFlow.hasEnded { break }
      switch await more(upstream, socket, connection, heartbeat: false) {
      case .bytes, .silence: continue
      case .clientGone: throw .clientGone
      // A part of an error says more than none.
      case .end, .broken, .timeout, .shutdown, .noMemory: break reading
      }
    }
    pending.truncate(to: min(pending.count, Fault.ceiling))
    if replyFlow.hasEnded, !isCoded { release(upstream, socket, connection) } else { dropUpstream() }
    if translation != nil, let dialect = upstream.dialect {
      return try answerTranslatedError(dialect, upstream, connection)
    }
    if hasOwnKey(upstream), reply.status == 401 || reply.status == 403 {
      throw .upstreamAuth(upstream.name, status: reply.status, key: upstream.settings.keyPlace)
    }
    record.end = .complete
    let status = reply.status
    staging.removeAll()
    if Fault.isOpenAIShaped(pending.view) {
      staging.append(pending.view)
    } else {
      Fault.translate(pending.view, status: reply.status, provider: upstream.name, into: &staging)
    }
    record.status = status
    if !uploadFlow.hasEnded { connection.mustClose = true }
    HeadWriter.statusLine(status, to: &outbound)
    writeReplyFields(replacesBody: true)
    HeadWriter.field("Content-Type", "application/json", to: &outbound)
    writeCommonFields(connection)
    HeadWriter.field("Content-Length", staging.count, to: &outbound)
    HeadWriter.end(to: &outbound)
    hasAnswered = true
    isChunkedOut = false
    sendStaging()
  }

  // MARK: Ends and pieces

  /// Gives the upstream's connection back, if it can carry another exchange.
  @inline(never)
  func release(_ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection) {
    guard let pool = lineup.pools[upstream.index] else { return }
    self.socket = nil
    // An upstream that answered before it had read everything is left alone; a body still on its way here can't be
    // told from a next request.
    if !uploadFlow.hasEnded { connection.mustClose = true }
    let isDelimited = if case .untilClose = replyFlow.framing { false } else { true }
    if hasSent, uploadFault == nil, upstreamOut.isEmpty, reply.keepsAlive, !reply.mustNotReuse, isDelimited,
      upstreamIn.isEmpty
    {
      pool.giveBack(socket)
    } else {
      pool.discard(socket)
    }
  }

  /// `"x_remora":{…}` into `metadata`, where the configuration wants it in bodies; false where it doesn't.
  func prepareMetadata() -> Bool {
    metadata.clear()
    guard case .body = lineup.snapshot.settings.responseMetadata, let upstream else { return false }
    // Behind another Remora its member is there already, and a second one would make two readings.
    if socket != nil, reply.first(.xRemora) != nil { return false }
    metadata.append("\"x_remora\":{\"request_id\":")
    // Made of visible ASCII (see `takeRequestID`), of which a quote and a backslash need an escape.
    JSONWriter.string(requestID.view, into: &metadata)
    metadata.append(upstream.providerMember)
    if let model = route?.model {
      JSONWriter.string(model.span, into: &metadata)
    } else {
      JSONWriter.string(modelAsked.view, into: &metadata)
    }
    metadata.append(",\"attempts\":")
    metadata.append(decimal: record.attempts)
    metadata.append(",\"cache_status\":null,\"region\":null}")
    return true
  }

  /// Takes the framing off what has come of the answer's body and appends it to `queue`. Before a fault, what was
  /// good is there.
  func takeReply(into queue: inout ByteQueue) throws(ChunkFault) {
    var at = 0
    while true {
      switch try replyFlow.next(upstreamIn.view, from: at) {
      case .data(let range):
        queue.append(upstreamIn.view.extracting(range))
        at = range.upperBound
      case .more(let consumed), .end(let consumed):
        return upstreamIn.consume(consumed)
      }
    }
  }

  // MARK: Waiting

  /// Sends what waits for the client and waits until the upstream has brought more.
  ///
  /// - Parameter isOver: whether only the body's end is waited for, and not for long.
  func more(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection, heartbeat: Bool,
    isOver: Bool = false
  ) async -> Arrival {
    // From the last byte, not from this call: a heartbeat of ours is no sign of the upstream's life.
    var idle = heardAt + (isOver ? Deadline.afterDone : upstream.idle)
    let beat = heartbeat ? now + Deadline.heartbeat : .never
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
        let step: ReadStep
        do throws(IOFault) { step = try socket.read(into: &upstreamIn, ceiling: state.window) } catch {
          return .broken(error)
        }
        switch step {
        case .bytes:
          heardAt = now
          // A fast upstream and a fast client could keep this task running for as long as the body is.
          reads &+= 1
          if reads & 15 == 0 { await connection.parker.yield() }
          return .bytes
        case .end: return .end
        case .wouldBlock: break
        }
      } else {
        // The client decides the pace now: the upstream is not to blame for silence.
        heardAt = now
        idle = now + Deadline.stalledClient
      }
      let until = min(idle, beat)
      if await connection.parker.park(until: until) == .deadline {
        if now >= idle { return outbound.count < state.window ? .timeout : .clientGone }
        if now >= beat { return .silence }
      }
    }
  }

  /// Turns an arrival that ends the answer into what the client is told.
  @inline(never)
  func fail(_ arrival: Arrival, _ upstream: Upstream) throws(Refusal) {
    switch arrival {
    case .bytes, .silence: return
    case .clientGone: throw .clientGone
    case .shutdown: throw .draining
    case .noMemory:
      state.shard.refused(.overloaded)
      throw .noMemory
    case .timeout:
      throw .timeout(upstream.name, "sent nothing for \(upstream.timeouts.idle.shown) (timeouts.idle)")
    case .end, .broken(.truncated):
      record.wasCutUpstream = true
      throw .protocolBroken(upstream.name, "the connection ended before the answer did")
    case .broken(.tls(let fault)):
      record.wasCutUpstream = true
      throw .protocolBroken(upstream.name, "the connection broke before the answer ended: \(fault.message)")
    case .broken(.system(let fault)):
      record.wasCutUpstream = true
      throw .protocolBroken(upstream.name, "the connection broke before the answer ended: \(fault.reason)")
    }
  }
}
