// Step 4: the answer back to the client.
//
// Which kind of answer it is, what is said before its body and what behind it. The body itself is Carry.swift's.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

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
    if reply.first(.contentEncoding) != nil { try refuseCoding(upstream) }
    if reply.status >= 400, takesError(upstream) {
      return try await relayError(upstream, socket, connection)
    }
    try refuseStrangers(upstream)
    if let translation { return try await relayTranslated(translation, upstream, socket, connection) }
    let course = courseOfBody()
    switch course {
    case .events:
      let unsent = outbound.count
      beginEvents(upstream, connection)
      let isWhole = try await carry(.events, upstream, socket, connection, unsent: unsent)
      return try endEvents(isWhole, upstream, connection)
    case .json:
      if looksAtWhole(upstream) { return try await relayWhole(upstream, socket, connection) }
      passing.reset(insertsMember: prepareMetadata())
      if case .length = replyFlow.framing, !metadata.isEmpty, !replyFlow.isCoded {
        try await awaitOpening(upstream, socket, connection)
      }
    case .plain, .look, .translated: metadata.clear()
    }
    let unsent = outbound.count
    writeReplyHead(connection, added: metadata.isEmpty ? 0 : metadata.count + 1)
    _ = try await carry(course, upstream, socket, connection, unsent: unsent)
    endBody()
    release(upstream, socket, connection)
  }

  @inline(never)
  private func courseOfBody() -> Course {
    if case .none = replyFlow.framing { return .plain }
    if reply.first(.contentEncoding) != nil, !readsAnswer { return .plain }
    guard let field = reply.first(.contentType) else { return .plain }
    let value = replyBytes.view.extracting(field.value)
    if value.isMediaType("text/event-stream") { return .events }
    if target.isFullService, reply.status < 300, value.isMediaType("application/json") { return .json }
    return .plain
  }

  /// Waits for the first bytes of a JSON body: its length is promised ahead of it, so they must show whether a member
  /// can go in.
  private func awaitOpening(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    while !PassReply.takesMember(upstreamIn.view), upstreamIn.count < min(replyFlow.remaining, 4096) {
      switch await more(upstream, socket, connection, .look) {
      case .bytes, .silence: continue
      case let arrival: try fail(arrival, upstream)
      }
    }
    if !PassReply.takesMember(upstreamIn.view) {
      metadata.clear()
      passing.reset(insertsMember: false)
    }
  }

  // MARK: Streams

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

  /// - Parameter isWhole: whether the body's own end has come too, and not only the stream's.
  @inline(never)
  private func endEvents(
    _ isWhole: Bool, _ upstream: Upstream, _ connection: ClientConnection
  ) throws(Refusal) {
    if stream.hasFailed { record.end = .error }
    if isWhole {
      guard stream.mayEnd else {
        record.wasCutUpstream = true
        throw .protocolBroken(upstream.name, "the stream ended before the answer did")
      }
      if target.isFullService { stream.end(into: &staging) } else { staging.append(pending.view) }
      sendStaging()
    }
    finishStream(upstream, isReusable: isWhole, connection)
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
    // A coding that is none of Remora's is opaque, on other paths.
    let isCoded = reply.first(.contentEncoding) != nil && !readsAnswer
    reading: while !isCoded, pending.count < Fault.ceiling {
      do throws(BodyFault) { try takeReply(into: &pending) } catch {
        // A part of an error says more than none, and its status most.
        if case .coding = error { break }
        throw .protocolBroken(upstream.name, "\(error.message)")
      }
      if replyFlow.hasEnded { break }
      switch await more(upstream, socket, connection, .look) {
      case .bytes, .silence: continue
      case .clientGone: throw .clientGone
      // A part of an error says more than none.
      case .end, .broken, .timeout, .shutdown, .noMemory, .refused: break reading
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
      pool.giveBack(socket, promise: reply.keepAliveTimeout)
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

  // MARK: Ends that are none

  /// Turns an arrival that ends the answer into what the client is told.
  @inline(never)
  func fail(_ arrival: Arrival, _ upstream: Upstream) throws(Refusal) {
    switch arrival {
    case .bytes, .silence: return
    case .refused(let refusal): throw refusal
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
