// Steps 3 and 4 where the provider doesn't speak OpenAI's format: the request is translated before it is sent, and
// the answer on its way back. The walk is the same; only the bytes are others.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Translates the request for `upstream`, if it speaks a dialect of its own. Requests for what only OpenAI's format
  /// has are refused; what isn't JSON of a known endpoint passes as it is.
  func translate(_ upstream: Upstream) throws(Refusal) {
    translation = nil
    guard let dialect = upstream.dialect else { return }
    let operation: Operation
    switch target.endpoint {
    case .chatCompletions: operation = .chat
    case .embeddings: operation = .embeddings
    case .completions, .responses, .models: throw .notTranslated(upstream.name, shownPath())
    case .other: return
    }
    let model = withModel { $0.array() }
    do throws(RequestFault) {
      translation = try Translation(dialect, operation, model: model, body: body.view)
    } catch { throw Refusal(error) }
    upload = operation == .models ? .sent : .translated(at: 0)
  }

  /// Appends the request's line and the fields that a dialect has instead of the client's.
  func writeTranslatedTarget(_ translation: Translation, _ upstream: Upstream) {
    staging.removeAll()
    staging.append(upstream.prefix)
    staging.append(translation.request.path.view)
    HeadWriter.requestLine(method: translation.request.method.bytes, target: staging.view, to: &upstreamOut)
    staging.removeAll()
  }

  func writeTranslatedFields(_ translation: Translation) {
    if translation.operation != .models {
      HeadWriter.field("Content-Type", "application/json", to: &upstreamOut)
    }
    HeadWriter.field("Accept", translation.acceptedTypes, to: &upstreamOut)
    upstreamOut.append(translation.request.headers.view)
  }

  // MARK: Answers

  /// Brings a translated answer to the client.
  func relayTranslated(
    _ translation: Translation, _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    let seed = requestSeed()
    translation.begin(
      created: Int(clamping: Instant.unixNanoseconds / 1_000_000_000), seed: seed,
      member: prepareMetadata() ? metadata.view.array() : [])
    if translation.streams, !isJSONReply {
      try await relayTranslatedStream(translation, upstream, socket, connection)
    } else {
      try await relayTranslatedWhole(translation, upstream, socket, connection)
    }
  }

  /// Whether the answer is one JSON value, whatever was asked for.
  private var isJSONReply: Bool {
    guard let field = reply.fields.first(.contentType) else { return false }
    return replyBytes.view.extracting(field.value).isMediaType("application/json")
  }

  /// Letters and digits that no other exchange has.
  private func requestSeed() -> [UInt8] {
    var seed = ByteQueue()
    seed.append(hexadecimal: Int(truncatingIfNeeded: state.nextRandom() >> 1 | 1 << 62))
    seed.append(hexadecimal: Int(truncatingIfNeeded: state.nextRandom() >> 40 | 1 << 24))
    return seed.array()
  }

  private func relayTranslatedWhole(
    _ translation: Translation, _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    try await readWhole(upstream, socket, connection)
    release(upstream, socket, connection)
    do throws(AnswerFault) { try translation.takeWhole(pending.view, into: &staging) } catch {
      return answerFault(error, connection)
    }
    pending.removeAll()
    record.usage = translation.usage
    if translation.streams {
      writeTranslatedHead(isStream: true, count: 0, connection)
      sendStaging()
      endBody()
    } else {
      writeTranslatedHead(isStream: false, count: staging.count, connection)
      sendStaging()
    }
  }

  private func relayTranslatedStream(
    _ translation: Translation, _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    let unsent = outbound.count
    writeTranslatedHead(isStream: true, count: 0, connection)
    let isWhole = try await carry(.translated, upstream, socket, connection, unsent: unsent)
    endTranslatedStream(isWhole, translation, upstream, connection)
  }

  /// - Parameter isWhole: whether the body's own end has come too, and not only the stream's.
  @inline(never)
  private func endTranslatedStream(
    _ isWhole: Bool, _ translation: Translation, _ upstream: Upstream, _ connection: ClientConnection
  ) {
    if isWhole, translation.failure == nil {
      translation.end(&pending, into: &staging)
      sendStaging()
      record.usage = translation.usage
    }
    if let failure = translation.failure { return failTranslated(failure, connection) }
    finishStream(upstream, isReusable: isWhole, connection)
  }

  /// Keeps for the log what ended an answer: a code of ours, or that the provider said something.
  private func note(_ fault: AnswerFault) {
    record.errorCode = fault.breaksProtocol ? "upstream_protocol" : "upstream_answer"
  }

  /// The client has been told in the stream; its framing must not look whole either.
  private func failTranslated(_ fault: AnswerFault, _ connection: ClientConnection) {
    dropUpstream()
    note(fault)
    record.end = .error
    record.isCut = true
    connection.mustClose = true
  }

  private func writeTranslatedHead(isStream: Bool, count: Int, _ connection: ClientConnection) {
    record.status = 200
    record.isEventStream = isStream
    record.isStream = isStream
    isChunkedOut = isStream && head.minor > 0
    if isStream, !isChunkedOut { connection.mustClose = true }
    HeadWriter.statusLine(200, to: &outbound)
    replyHopByHop = .forResponse()
    writeReplyFields(replacesBody: true)
    if isStream {
      HeadWriter.field("Content-Type", "text/event-stream; charset=utf-8", to: &outbound)
      HeadWriter.field("Cache-Control", "no-cache", to: &outbound)
    } else {
      HeadWriter.field("Content-Type", "application/json", to: &outbound)
    }
    writeCommonFields(connection)
    if isChunkedOut {
      HeadWriter.framing(.chunked, to: &outbound)
    } else if !isStream {
      HeadWriter.field("Content-Length", count, to: &outbound)
    }
    HeadWriter.end(to: &outbound)
    hasAnswered = true
  }

  // MARK: Errors

  /// The value of the answer's field, which is named in lower case; empty where there is none.
  @_lifetime(immortal)
  private func replyField(_ name: StaticString) -> Span<UInt8> {
    let bytes = replyBytes.view
    for field in reply.fields where bytes.extracting(field.name).equalsIgnoringCase(name) {
      return bytes.extracting(field.value)
    }
    return bytes.extracting(0..<0)
  }

  /// Answers with a provider's error, whose body is in `pending`.
  func answerTranslatedError(_ dialect: any Dialect, _ upstream: Upstream, _ connection: ClientConnection)
    throws(Refusal)
  {
    let kind = replyField("x-amzn-errortype")
    var fault = dialect.readFault(pending.view, status: reply.status, kind: kind)
    if fault.isAuthentication, hasOwnKey(upstream) {
      throw .upstreamAuth(upstream.name, status: reply.status, key: upstream.settings.keyPlace)
    }
    if fault.status < 400 || fault.status > 599 { fault.status = 502 }
    let message =
      fault.message
      ?? Array("Provider '\(upstream.name)' answered \(reply.status) without a message.".utf8)
    answerError(
      fault.status, message, fault.type ?? Fault.typeName(fault.status), fault.code ?? [],
      retryAfter: fault.retryAfter, isProviders: true, connection)
  }

  /// Answers with what went wrong in a provider's answer that looked good.
  func answerFault(_ fault: AnswerFault, _ connection: ClientConnection) {
    record.end = .error
    note(fault)
    answerError(
      fault.status, fault.message, fault.type, fault.code, retryAfter: nil, isProviders: false, connection)
  }

  private func answerError(
    _ status: Int, _ message: [UInt8], _ type: StaticString, _ code: [UInt8], retryAfter: Int?,
    isProviders: Bool, _ connection: ClientConnection
  ) {
    record.status = status
    staging.removeAll()
    Fault.write(message: message.span, type: type, code: code.span, into: &staging)
    if !uploadFlow.hasEnded { connection.mustClose = true }
    HeadWriter.statusLine(status, to: &outbound)
    replyHopByHop = .forResponse()
    writeReplyFields(replacesBody: true)
    HeadWriter.field("Content-Type", "application/json", to: &outbound)
    if let retryAfter, reply.fields.first(.retryAfter) == nil {
      HeadWriter.field("Retry-After", retryAfter, to: &outbound)
    }
    if !isProviders {
      HeadWriter.field("x-remora-error-source", Refusal.Source.upstream.name, to: &outbound)
    }
    writeCommonFields(connection)
    HeadWriter.field("Content-Length", staging.count, to: &outbound)
    HeadWriter.end(to: &outbound)
    hasAnswered = true
    isChunkedOut = false
    sendStaging()
  }
}
