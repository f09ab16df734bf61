// The head of a provider's answer: what it says, and which of its fields go on to the client.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Attempt {
  /// What the head says that decides how the body is read.
  var replyFacts: ReplyFacts {
    let call = call
    let names = call.reply.names
    let media = call.reply.first(.contentType).map { Media(call.headBytes.extracting($0.value)) }
    let hasBody = if case .none = call.flow.framing { false } else { true }
    var facts = ReplyFacts(status: call.reply.status, media: media ?? .none, hasBody: hasBody)
    facts.isCoded = names.contains(.contentEncoding) && !readsAnswer
    facts.isBehindRemora = names.contains(.xRemora)
    return facts
  }

  /// Whether it is a redirect where answers go on unread, with a body that could be read: errors like it are taken before.
  func isUnreadRedirect(_ facts: ReplyFacts) -> Bool {
    facts.status >= 300 && facts.hasBody && !readsAnswer && call.reply.first(.contentEncoding) == nil
  }

  /// Whether the answer's body is read here, and not only passed on.
  var readsAnswer: Bool { conversation.readsAnswer(isFullService: ask.target.isFullService) }

  /// Refuses an answer in a coding that can't be taken off. Of an error the status says most, so that one goes on.
  @inline(never)
  func refuseCoding() throws(Refusal) {
    guard call.reply.status < 400, call.flow.framing != .none, let name = foreignCoding else { return }
    throw .protocolBroken(
      upstream.name,
      "its answer (\(call.reply.status)) has the Content-Encoding '\(name)', which was not asked for")
  }

  /// The name of the body's coding, where the body is read and the coding can't be taken off.
  var foreignCoding: String? {
    guard readsAnswer, call.coding == .other, let field = call.reply.first(.contentEncoding) else {
      return nil
    }
    // What is quoted goes into a message, and from there into the logs.
    var name = ByteQueue()
    name.append(call.headBytes.extracting(field.value))
    mask(&name)
    return Ask.shown(name.bytes.text())
  }

  /// Whether an error is put into OpenAI's shape. The answer to a HEAD passes as it is, unless it refuses a key that is
  /// Remora's own.
  func takesError(_ facts: ReplyFacts) -> Bool {
    if facts.status == 401 || facts.status == 403, hasOwnKey { return true }
    if ask.head.method == .head { return false }
    return conversation.takesError(facts, isFullService: ask.target.isFullService)
  }

  /// Appends the provider's fields that go on.
  ///
  /// - Parameters:
  ///   - replacesBody: whether the body is Remora's, and with it the fields that describe it.
  ///   - relaysTrailers: whether the trailers behind the body go on.
  func writeReplyFields(replacesBody: Bool, relaysTrailers: Bool = false) {
    // Clients of Anthropic's SDK look for an id under this name; a provider's own goes on.
    let namesRequest = ask.target.isMessages && !conversation.bringsRequestID
    if namesRequest { HeadWriter.field("request-id", ask.requestID, to: &answer.outbound) }
    if !conversation.asksProvider { return }
    let call = call
    let answer = answer
    let bytes = call.headBytes
    let fields = call.reply.fields
    replyFields.direct(.response(relaysTrailers: relaysTrailers))
    replyFields.read(fields, named: call.reply.names, in: bytes)
    var held = replyFields.held
    if replacesBody { held.insert(.contentType) }
    if replacesBody || call.flow.isCoded { held.insert(.contentEncoding) }
    if let shouldRetry = tried.shouldRetry {
      held.insert(.xShouldRetry)
      HeadWriter.field("x-should-retry", shouldRetry ? "true" : "false", to: &answer.outbound)
    }
    let nominates = replyFields.nominatesAny
    // A provider repeats what it was shown where something went wrong, and some gateways always.
    let mayEcho = showsSecret(head: bytes) || call.reply.status >= 300 && showsSecret(bytes)
    // Where limits apply, those names are Remora's own.
    let isLimited = lineup.meters?.limits(ask.group) ?? false
    let limitPrefix = isLimited ? nil : conversation.limitPrefix
    var run = FieldRun()
    for field in fields where !held.contains(field.known) {
      if nominates, replyFields.nominates(field, in: bytes) { continue }
      // Which web pages may read the answer is for the configuration to say, not for the provider.
      if ask.isOriginAllowed, field.name.count > 15,
        bytes.extracting(field.name).extracting(0..<15).equalsIgnoringCase("access-control-")
      {
        continue
      }
      if mayEcho, showsSecret(bytes.extracting(field.value)) {
        run.flush(bytes, to: &answer.outbound)
        writeMasked(field, bytes)
      } else if case .xRequestID = field.known {
        // The answer has the caller's id under this name; the provider's own is what its support asks for.
        run.flush(bytes, to: &answer.outbound)
        HeadWriter.field("x-remora-upstream-request-id", bytes.extracting(field.value), to: &answer.outbound)
      } else {
        if isLimited, case .xRateLimit = field.known {
          writeTheirLimit(field, bytes, &run)
          continue
        }
        if let limitPrefix { writeLimit(field, bytes, limitPrefix, &run) }
        run.take(field, of: bytes, to: &answer.outbound)
      }
    }
    run.flush(bytes, to: &answer.outbound)
  }

  /// Appends a provider's limit under another name, where this one tells of Remora's own.
  private func writeTheirLimit(_ field: Field, _ bytes: Span<UInt8>, _ run: inout FieldRun) {
    run.flush(bytes, to: &answer.outbound)
    answer.outbound.append("x-remora-upstream-")
    HeadWriter.field(
      bytes.extracting(field.name).extracting(2...), bytes.extracting(field.value), to: &answer.outbound)
  }

  /// Appends what `field` says as a limit in OpenAI's words, if it is one. Its own name stays too, for clients that know it.
  private func writeLimit(
    _ field: Field, _ bytes: Span<UInt8>, _ prefix: StaticString, _ run: inout FieldRun
  ) {
    let name = bytes.extracting(field.name)
    guard name.extracting(first: prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix) else { return }
    run.flush(bytes, to: &answer.outbound)
    conversation.writeLimit(name, bytes.extracting(field.value), now: unixSeconds, into: &answer.outbound)
  }

  /// Passes an interim 103 on (RFC 8297). Only to clients of HTTP/1.1, which know what it is, and only as far as
  /// they keep up: it is a hint.
  func relayHints() {
    guard !ask.isOld, answer.outbound.count < Ceiling.window else { return }
    answer.beginInterim(103)
    writeReplyFields(replacesBody: false)
    answer.endInterim()
    // A fault here is found again when the answer is written.
    _ = try? connection.socket.write(from: &answer.outbound)
  }

  /// Gives the upstream's connection back, if it can carry another exchange.
  @inline(never)
  func release() {
    // An upstream that answered before it had read everything is left alone; a body still on its way here can't be
    // told from a next request.
    if !ask.body.flow.hasEnded { connection.mustClose = true }
    call.release(isGood: ask.body.fault == nil)
  }

  // MARK: What is added

  /// Makes `metadata` what the configuration wants in bodies: `"x_remora":{…}`, or nothing.
  ///
  /// - Parameter attempts: how many tries there were, this one included.
  func prepareMetadata(attempts: Int) {
    metadata.clear()
    guard ask.target.isFullService, case .body = lineup.snapshot.settings.responseMetadata else { return }
    withModel { ask.writeMetadata(upstream, $0, attempts: attempts, into: &metadata) }
    writeRegion()
    metadata.append(literal: "}")
    tried.carriage.owesBreakdown = ask.remarks.wishes?.wantsBreakdown == true
  }

  /// Where the model runs: as the configuration says, or Azure's answer.
  private func writeRegion() {
    if case .azure = upstream.kind, conversation.asksProvider {
      let bytes = call.headBytes
      for field in call.reply.fields where bytes.extracting(field.name).equalsIgnoringCase("x-ms-region") {
        return JSONWriter.string(bytes.extracting(field.value).extracting(first: 64), into: &metadata)
      }
    }
    if let region = upstream.region {
      JSONWriter.string(region.span, into: &metadata)
    } else {
      metadata.append(literal: "null")
    }
  }

  /// Letters and digits that no other exchange has.
  func seed() -> AnswerSeed {
    AnswerSeed(state.nextRandom(), state.nextRandom())
  }
}

extension Ask {
  /// Appends `"x_remora":{…,"region":`, behind which the region and a bracket belong.
  func writeMetadata(
    _ upstream: Upstream, _ model: Span<UInt8>, attempts: Int, into out: inout ByteQueue
  ) {
    out.append(literal: "\"x_remora\":{\"request_id\":")
    // Made of visible ASCII (see `takeRequestID`), of which a quote and a backslash need an escape.
    JSONWriter.string(requestID, into: &out)
    out.append(upstream.words.providerMember)
    JSONWriter.string(model, into: &out)
    out.append(literal: ",\"attempts\":")
    out.append(decimal: attempts)
    out.append(literal: ",\"cache_status\":")
    if let result = cache.result {
      out.append("\"")
      out.append(result.name)
      out.append("\"")
    } else {
      out.append(literal: "null")
    }
    out.append(literal: ",\"region\":")
  }
}
