// Answers' heads, and the answers that Remora makes itself.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Appends what every answer carries.
  func writeCommonFields(_ connection: ClientConnection) {
    outbound.append("x-request-id: ")
    outbound.append(requestID.view)
    outbound.append("\r\n")
    if let upstream {
      outbound.append(upstream.providerField)
      withModel { model in
        if !model.isEmpty { HeadWriter.field("x-remora-model", model, to: &outbound) }
      }
      HeadWriter.field("x-remora-attempts", record.attempts, to: &outbound)
    }
    writeDropped(translation?.request.dropped ?? dropped)
    if isOriginAllowed { writeOrigin() }
    writeConnection(connection)
  }

  private func writeDropped(_ fields: DroppedFields) {
    if fields.isEmpty { return }
    outbound.append("x-remora-dropped: ")
    fields.write(into: &outbound)
    outbound.append("\r\n")
  }

  /// Appends what becomes of the connection, where that is not the version's default.
  func writeConnection(_ connection: ClientConnection) {
    if connection.mustClose {
      outbound.append("Connection: close\r\n")
    } else if hasHead, head.minor == 0 {
      outbound.append("Connection: keep-alive\r\n")
    }
  }

  /// Answers with `refusal`: as a whole answer, or as the last event of a stream that has begun.
  func refuse(_ refusal: Refusal, _ connection: ClientConnection) {
    dropUpstream()
    switch refusal.cause {
    case .clientGone:
      record.end = .clientGone
      return
    case .timedOut: record.end = .idleTimeout
    default: record.end = record.wasCutUpstream ? .upstreamEOF : state.isOver ? .shutdown : .error
    }
    record.errorCode = refusal.code
    if hasAnswered { return cut(refusal, connection) }
    record.status = refusal.status
    // What is left of the body can't be told from a next request unless it is read: the connection ends instead.
    if refusal.closes || !uploadFlow.hasEnded { connection.mustClose = true }
    // A head that can't be read has none, and its answer can be looked up all the same.
    if requestID.isEmpty { makeRequestID() }
    staging.removeAll()
    refusal.write(into: &staging)
    HeadWriter.statusLine(refusal.status, to: &outbound)
    HeadWriter.field("Content-Type", "application/json", to: &outbound)
    if let allow = refusal.allow { HeadWriter.field("Allow", allow, to: &outbound) }
    if let codings = refusal.acceptEncoding { HeadWriter.field("Accept-Encoding", codings, to: &outbound) }
    // RFC 9110 sections 15.5.22 and 7.8: what would be spoken instead, and that this concerns the connection alone.
    if refusal.status == 426 { outbound.append("Upgrade: HTTP/1.1\r\nConnection: Upgrade\r\n") }
    if let seconds = refusal.retryAfter { HeadWriter.field("Retry-After", seconds, to: &outbound) }
    if let shouldRetry = refusal.shouldRetry {
      HeadWriter.field("x-should-retry", shouldRetry ? "true" : "false", to: &outbound)
    }
    HeadWriter.field("x-remora-error-source", refusal.source.name, to: &outbound)
    writeCommonFields(connection)
    HeadWriter.field("Content-Length", staging.count, to: &outbound)
    HeadWriter.end(to: &outbound)
    if !hasHead || head.method != .head { outbound.append(staging.view) }
    record.responseBytes = staging.count
    staging.removeAll()
    hasAnswered = true
  }

  /// Ends an answer that has begun so that nobody can take it for whole: an error event where it is a stream, and
  /// a transfer coding without its end.
  func cut(_ refusal: Refusal, _ connection: ClientConnection) {
    record.isCut = true
    connection.mustClose = true
    guard record.isEventStream else { return }
    staging.removeAll()
    var text = ByteQueue()
    refusal.write(into: &text)
    EventEncoder.data(text.bytes, into: &staging)
    sendStaging()
  }

  var isCutShort: Bool { record.isCut }

  /// Moves `staging` to the client, in a chunk where the answer is chunked.
  func sendStaging() {
    if staging.isEmpty { return }
    record.responseBytes += staging.count
    if isChunkedOut { HeadWriter.chunk(staging.view, to: &outbound) } else { outbound.append(staging.view) }
    staging.removeAll()
  }

  /// Answers with a body that is in `staging`.
  func answer(_ status: Int, _ contentType: StaticString, _ connection: ClientConnection) {
    record.status = status
    if !uploadFlow.hasEnded { connection.mustClose = true }
    HeadWriter.statusLine(status, to: &outbound)
    HeadWriter.field("Content-Type", contentType, to: &outbound)
    writeCommonFields(connection)
    HeadWriter.field("Content-Length", staging.count, to: &outbound)
    HeadWriter.end(to: &outbound)
    record.responseBytes = staging.count
    if head.method != .head { outbound.append(staging.view) }
    staging.removeAll()
    hasAnswered = true
  }

  // MARK: Answers that are relayed

  /// Writes the head of an answer whose body is relayed.
  ///
  /// - Parameter added: bytes by which the body will be longer than the upstream's.
  @inline(never)
  func writeReplyHead(_ connection: ClientConnection, added: Int) {
    record.status = reply.status
    HeadWriter.statusLine(reply.status, to: &outbound)
    var framing = replyFlow.framing
    isChunkedOut = false
    switch framing {
    case .length(let count) where !record.isEventStream && !replyFlow.isCoded:
      framing = .length(count + added)
    // Events may be left out or added, so that a length which a provider gave for its stream is not ours; nor is that of
    // a coded body.
    case .length, .chunked, .untilClose:
      // HTTP/1.0 knows no chunks: there the close delimits (RFC 9112 section 6.3, item 8).
      isChunkedOut = head.minor != 0
      framing = isChunkedOut ? .chunked : .untilClose
      if !isChunkedOut { connection.mustClose = true }
    case .none: break
    }
    replyHopByHop = .forResponse(relaysTrailers: isChunkedOut && head.acceptsTrailers)
    writeReplyFields(replacesBody: false)
    writeCommonFields(connection)
    if case .none = framing, head.method == .head || reply.status == 304, let count = reply.contentLength {
      HeadWriter.framing(.length(count), to: &outbound)
    } else {
      HeadWriter.framing(framing, to: &outbound)
    }
    HeadWriter.end(to: &outbound)
    hasAnswered = true
  }

  /// Takes back an answer of which nothing has left yet: a status of its own says more than a broken answer.
  func takeBack(to count: Int) {
    outbound.truncate(to: count)
    hasAnswered = false
    isChunkedOut = false
    record.isEventStream = false
    record.responseBytes = 0
  }

  /// Passes an interim 103 on (RFC 8297). Only to clients of HTTP/1.1, which know what it is, and only as far as
  /// they keep up: it is a hint.
  func relayHints() {
    guard head.minor > 0, outbound.count < Ceiling.window else { return }
    HeadWriter.statusLine(reply.status, to: &outbound)
    replyHopByHop = .forResponse()
    writeReplyFields(replacesBody: false)
    HeadWriter.end(to: &outbound)
    // A fault here is found again when the answer is written.
    if let client = connection?.socket { _ = try? client.write(from: &outbound) }
  }

  func writeReplyFields(replacesBody: Bool) {
    let bytes = replyBytes.view
    replyHopByHop.read(reply.fields, named: reply.names, in: bytes)
    var held = replyHopByHop.held
    if replacesBody { held.insert(.contentType) }
    if replacesBody || replyFlow.isCoded { held.insert(.contentEncoding) }
    let nominates = replyHopByHop.nominatesAny
    var run = FieldRun()
    for field in reply.fields where !held.contains(field.known) {
      if nominates, replyHopByHop.nominates(field, in: bytes) { continue }
      // Whose pages may read an answer is not the provider's to say.
      if isOriginAllowed, field.name.count > 15,
        bytes.extracting(field.name).extracting(0..<15).equalsIgnoringCase("access-control-")
      {
        continue
      }
      if case .xRequestID = field.known {
        // The caller's id is the answer's; the provider's is what its support asks for.
        run.flush(bytes, to: &outbound)
        HeadWriter.field("x-remora-upstream-request-id", bytes.extracting(field.value), to: &outbound)
      } else {
        run.take(field, of: bytes, to: &outbound)
      }
    }
    run.flush(bytes, to: &outbound)
  }

  func endBody() {
    if case .error = record.end { record.isCut = true }
    guard isChunkedOut, !record.isCut else { return }
    let trailers = replyFlow.trailers
    if head.acceptsTrailers, !trailers.isEmpty {
      HeadWriter.lastChunk(trailers: trailers.span, to: &outbound)
    } else {
      HeadWriter.lastChunk(to: &outbound)
    }
  }
}
