// What Remora answers without a provider: health, the model list, `kind: mock`.

internal import Config
internal import Dialects
internal import HTTP
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
      take(Route(providerIndex: 0))
      return false
    }
    let listed = try await models(of: snapshot.upstreams, connection)
    staging.append("{\"object\":\"list\",\"data\":[")
    var isFirst = true
    for name in snapshot.modelNames {
      if !isFirst { staging.append(ASCII.comma) }
      isFirst = false
      Self.writeModel(name, into: &staging)
    }
    for models in listed where !models.isEmpty {
      if !isFirst { staging.append(ASCII.comma) }
      isFirst = false
      staging.append(models)
    }
    staging.append("]}")
    answer(200, "application/json", connection)
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
    // A list that is kept may lack a name that is new.
    for needed in [Instant(nanoseconds: 0), now - Deadline.modelList] {
      for models in try await models(of: [upstream], newerThan: needed, connection) {
        var text = ByteQueue()
        text.append("[")
        text.append(models)
        text.append("]")
        guard let model = Self.find(wanted, in: text.bytes) else { continue }
        staging.append(text.bytes.extracting(model))
        answer(200, "application/json", connection)
        return true
      }
    }
    throw .modelNotListed(Self.shown(wanted.span.text()), provider: upstream.name)
  }

  private static func find(_ wanted: [UInt8], in list: Span<UInt8>) -> Range<Int>? {
    var models = JSONArrayCursor(list, 0..<list.count)
    while let model = models.next() {
      var id = ByteQueue()
      if let name = JSONView.value(list, in: model.value, at: "id") {
        JSONString.decode(list, name, into: &id)
      }
      if id.bytes.equals(wanted.span) { return model.value }
    }
    return nil
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

  /// What each of `upstreams` lists, with commas between; empty where it doesn't answer in time. All are asked at once.
  ///
  /// - Parameter needed: a list that is older than this is asked for anew.
  private func models(
    of upstreams: [Upstream], newerThan needed: Instant = Instant(nanoseconds: 0),
    _ connection: ClientConnection
  ) async throws(Refusal) -> [[UInt8]] {
    let deadline = now + Deadline.modelList
    let lists = upstreams.map { list(of: $0) }
    defer { for list in lists { list?.forget(connection.parker) } }
    while true {
      var isPending = false
      var known: [[UInt8]] = []
      for (upstream, list) in zip(upstreams, lists) {
        switch list?.ask(connection.parker, newerThan: needed, in: lineup, state) {
        case .known(let models)?: known.append(models)
        case .nothing?: known.append([])
        case .pending?:
          isPending = true
          known.append([])
        case nil: known.append(ownModels(of: upstream))
        }
      }
      if !isPending || now >= deadline { return known }
      if connection.socket.peerHasClosed { throw .clientGone }
      if state.isOver { throw .draining }
      _ = await connection.parker.park(until: deadline)
    }
  }

  /// Who is to be asked for a provider's list; nil where nobody is.
  private func list(of upstream: Upstream) -> ProviderModels? {
    if upstream.isMock || !upstream.address.models.isEmpty { return nil }
    guard case .passthrough(let name, let prefix) = upstream.credential else {
      return lineup.models[upstream.index]
    }
    // What the provider shows this caller is nobody else's.
    upstreamOut.removeAll()
    writeCallersKey(name, prefix)
    var fields = ByteQueue()
    fields.append(secret: upstreamOut.view)
    upstreamOut.wipe()
    return ProviderModels(upstream, callersFields: fields)
  }

  /// The models of a provider that says them here.
  private func ownModels(of upstream: Upstream) -> [UInt8] {
    var out = ByteQueue()
    for model in upstream.address.models {
      if !out.isEmpty { out.append(ASCII.comma) }
      Self.writeModel(String(decoding: model, as: UTF8.self), into: &out)
    }
    guard upstream.isMock else { return out.array() }
    Mock.answer(
      .models, body: Span(), model: Span(), streams: false, includesUsage: false, id: state.nextRandom(),
      created: 0, into: &out)
    return ModelList.joined(out.bytes).array()
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
