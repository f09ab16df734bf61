// What Remora answers without a provider: health, the model list, `kind: mock`.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// `GET /healthz` on the proxy's port: whether the process is alive. `OPTIONS *` asks the same of the server
  /// (RFC 9110 section 9.3.7).
  func answerHealth() -> Bool {
    if let connection, head.isAsterisk {
      record.isSilent = true
      record.status = 204
      if !uploadFlow.hasEnded { connection.mustClose = true }
      HeadWriter.statusLine(204, to: &outbound)
      HeadWriter.field("Allow", Method.allowed, to: &outbound)
      writeCommonFields(connection)
      HeadWriter.end(to: &outbound)
      hasAnswered = true
      return true
    }
    guard let connection, headBytes.view.extracting(head.path).equals("/healthz"),
      head.method == .get || head.method == .head
    else { return false }
    record.isSilent = true
    answerPulse(connection)
    return true
  }

  /// `ok`, or which worker doesn't turn any more.
  func answerPulse(_ connection: ClientConnection) {
    if let stuck = state.stuckWorker {
      staging.append("worker \(stuck.index) has not turned for \(stuck.silence.components.seconds) s\n")
      return answer(503, "text/plain; charset=utf-8", connection)
    }
    staging.append("ok\n")
    answer(200, "text/plain; charset=utf-8", connection)
  }

  // MARK: Models

  /// Whether `answerModels` is to look at the request. Asked first, for an `async` call that does nothing costs more.
  var asksForModels: Bool {
    guard case .models = target.endpoint else { return false }
    return head.framing == .none && (head.method == .get || head.method == .head)
  }

  /// Answers `GET /v1/models` from the configuration and all providers, and `GET /v1/models/NAME` for a name of
  /// the configuration; false where a provider is to be asked alone.
  func answerModels(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    let snapshot = lineup.snapshot
    let rest = headBytes.view.extracting(target.path)
    if rest.count > 8 { return try await answerModel(connection) }
    if snapshot.settings.models.isEmpty, snapshot.upstreams.count == 1, !snapshot.upstreams[0].isMock,
      snapshot.upstreams[0].dialect == nil, snapshot.upstreams[0].address.models.isEmpty
    {
      route = Route(providerIndex: 0)
      upstream = snapshot.upstreams[0]
      return try await relayAlone(connection)
    }
    var list = ByteQueue()
    list.append("{\"object\":\"list\",\"data\":[")
    var isFirst = true
    for name in snapshot.modelNames {
      if !isFirst { list.append(ASCII.comma) }
      isFirst = false
      Self.writeModel(name, into: &list)
    }
    for upstream in snapshot.upstreams {
      if connection.socket.peerHasClosed { throw .clientGone }
      await appendModels(of: upstream, into: &list, isFirst: &isFirst, connection)
    }
    list.append("]}")
    staging.append(list.bytes)
    upstream = nil
    route = nil
    answer(200, "application/json", connection)
    return true
  }

  private func relayAlone(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    upload = .sent
    record.receivedAt = now
    if try await attempt(connection) { try await relay(connection) }
    return true
  }

  private func answerModel(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    let name = headBytes.view.extracting(target.path).extracting(8...)
    decodePath(name)
    let text = modelAsked.view.text()
    guard lineup.snapshot.modelNames.contains(text) else {
      return try await answerTranslatedModel(connection)
    }
    Self.writeModel(text, into: &staging)
    answer(200, "application/json", connection)
    return true
  }

  /// Answers for a model of a provider that has no such answer of its own: as its list has it. False where the
  /// provider speaks OpenAI's format.
  private func answerTranslatedModel(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    try choose(connection)
    guard let upstream, upstream.dialect != nil else { return false }
    let wanted = withModel { $0.array() }
    let asked = route
    var list = ByteQueue()
    var isFirst = true
    await appendModels(of: upstream, into: &list, isFirst: &isFirst, connection)
    route = asked
    var text = ByteQueue()
    text.append("[")
    text.append(list.bytes)
    text.append("]")
    var models = JSONArrayCursor(text.bytes, 0..<text.count)
    while let model = models.next() {
      var id = ByteQueue()
      if let name = JSONView.value(text.bytes, in: model.value, at: "id") {
        JSONString.decode(text.bytes, name, into: &id)
      }
      guard id.bytes.equals(wanted.span) else { continue }
      staging.append(text.bytes.extracting(model.value))
      answer(200, "application/json", connection)
      return true
    }
    throw .modelNotListed(Self.shown(wanted.span.text()), provider: upstream.name)
  }

  /// Undoes percent-encoding into `modelAsked`. The head's parser has checked the escapes.
  private func decodePath(_ path: Span<UInt8>) {
    modelAsked.clear()
    var at = 0
    while at < path.count {
      if path[at] == UInt8(ascii: "%"), at + 2 < path.count, let high = ASCII.hexadecimal(path[at + 1]),
        let low = ASCII.hexadecimal(path[at + 2])
      {
        modelAsked.append(high << 4 | low)
        at += 3
      } else {
        modelAsked.append(path[at])
        at += 1
      }
    }
  }

  private static func writeModel(_ name: String, into out: inout ByteQueue) {
    out.append("{\"id\":")
    JSONWriter.string(name, into: &out)
    out.append(",\"object\":\"model\",\"created\":0,\"owned_by\":\"remora\"}")
  }

  /// Appends a provider's models, each as the provider wrote it; nothing where it doesn't answer in time.
  private func appendModels(
    of upstream: Upstream, into list: inout ByteQueue, isFirst: inout Bool, _ connection: ClientConnection
  ) async {
    var answer = ByteQueue()
    let deployed = upstream.address.models
    if !deployed.isEmpty {
      for model in deployed {
        if !isFirst { list.append(ASCII.comma) }
        isFirst = false
        Self.writeModel(String(decoding: model, as: UTF8.self), into: &list)
      }
      return
    }
    if upstream.isMock {
      Mock.answer(
        .models, body: Span(), model: Span(), streams: false, includesUsage: false, id: state.nextRandom(),
        created: 0, into: &answer)
    } else {
      guard await fetchModels(upstream, into: &answer, connection) else { return }
    }
    if let dialect = upstream.dialect {
      var models = ModelList(owner: upstream.kind.rawValue)
      dialect.readModels(answer.bytes, to: &models)
      if models.count > 0, !isFirst { list.append(ASCII.comma) }
      isFirst = isFirst && models.count == 0
      return list.append(models.out.bytes)
    }
    var scanner = JSONScanner(watching: .data)
    guard (try? scanner.feed(answer.bytes)) != nil, (try? scanner.finish()) != nil,
      let data = scanner.found(.data)
    else {
      return
    }
    var models = JSONArrayCursor(answer.bytes, data.value)
    while let model = models.next() {
      if !isFirst { list.append(ASCII.comma) }
      isFirst = false
      list.append(answer.bytes.extracting(model.value))
    }
  }

  private func fetchModels(
    _ upstream: Upstream, into answer: inout ByteQueue, _ connection: ClientConnection
  ) async -> Bool {
    self.upstream = upstream
    route = Route(providerIndex: upstream.index)
    upload = .sent
    upstreamIn.removeAll()
    let deadline = now + Deadline.modelList
    listDeadline = deadline
    defer {
      listDeadline = nil
      dropUpstream()
      upstreamIn.removeAll()
    }
    guard (try? await attempt(connection)) == true, reply.status == 200, let socket else { return false }
    while true {
      guard (try? takeReply(into: &answer)) != nil else { return false }
      if replyFlow.hasEnded { return true }
      if replyFlow.holdsMore, answer.count < Ceiling.modelList { continue }
      guard answer.count < Ceiling.modelList, !connection.socket.peerHasClosed else { return false }
      guard let step = try? socket.read(into: &upstreamIn, ceiling: Ceiling.window) else { return false }
      switch step {
      case .bytes: continue
      case .end: return replyFlow.mayEndHere
      case .wouldBlock:
        if await connection.parker.park(until: deadline) == .deadline, now >= deadline { return false }
      }
    }
  }

  // MARK: Mock

  /// Answers as `kind: mock`.
  func answerMock(_ connection: ClientConnection) throws(Refusal) {
    let shape: MockEndpoint =
      switch target.endpoint {
      case .chatCompletions: .chat
      case .completions: .completion
      case .embeddings: .embedding
      case .responses: .response
      case .models: .models
      case .other: .other
      }
    guard uploadFlow.hasEnded else {
      throw .invalidValue("The mock provider reads JSON bodies only.", parameter: nil)
    }
    // What every provider refuses, so that an application's tests find it.
    if target.shape == .chat {
      var messages = JSONArrayCursor(
        body.view, JSONView.value(body.view, in: 0..<body.count, at: "messages") ?? 0..<0)
      guard let first = messages.next(), JSONView.kind(body.view, first.value) == .object else {
        throw .invalidValue("'messages' must be a list with at least one turn.", parameter: "messages")
      }
    }
    var text = ByteQueue()
    let streams = facts.streams && isJSON
    let created = Int(clamping: Instant.unixNanoseconds / 1_000_000_000)
    let id = state.nextRandom()
    withModel { model in
      Mock.answer(
        shape, body: body.view, model: model, streams: streams,
        includesUsage: facts.asksForUsage || addsUsage,
        id: id, created: created, into: &text)
    }
    if streams { return try streamMock(text, connection) }
    passing.reset(insertsMember: target.isFullService && prepareMetadata())
    passing.piece(text.bytes, member: metadata.view, into: &staging)
    record.usage = passing.usage
    answer(200, "application/json", connection)
  }

  /// Sends the mock's events the way of every stream, so that applications see what they would see otherwise.
  private func streamMock(_ text: borrowing ByteQueue, _ connection: ClientConnection) throws(Refusal) {
    var stream = PassStream(target.shape, removesUsage: addsUsage, insertsMember: prepareMetadata())
    record.status = 200
    record.isEventStream = true
    isChunkedOut = head.minor > 0
    if !isChunkedOut { connection.mustClose = true }
    HeadWriter.statusLine(200, to: &outbound)
    HeadWriter.field("Content-Type", "text/event-stream; charset=utf-8", to: &outbound)
    HeadWriter.field("Cache-Control", "no-cache", to: &outbound)
    writeCommonFields(connection)
    if isChunkedOut { HeadWriter.framing(.chunked, to: &outbound) }
    HeadWriter.end(to: &outbound)
    hasAnswered = true
    events = EventDecoder()
    var from = 0
    while case .some(.event(let event)) = try? events.next(text.bytes, from: from) {
      from = event.whole.upperBound
      try? stream.pass(event, in: text.bytes, member: metadata.view, into: &staging)
      sendStaging()
    }
    record.usage = stream.usage
    if isChunkedOut { HeadWriter.lastChunk(to: &outbound) }
  }
}
