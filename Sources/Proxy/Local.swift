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
  func answerHealth(_ connection: ClientConnection) -> Bool {
    if ask.head.isAsterisk {
      record.isSilent = true
      answerEmpty(connection) { HeadWriter.field("Allow", Method.allowed, to: &$0) }
      return true
    }
    guard ask.head.method == .get || ask.head.method == .head else { return false }
    let path = ask.headBytes.extracting(ask.head.path)
    // What clients of Anthropic's ask to warm a connection up.
    let isGreeting = path.equals("/") || path.equals("/api/hello") && ask.head.method == .head
    guard isGreeting || path.equals("/healthz") else { return false }
    record.isSilent = true
    answerPulse(connection)
    return true
  }

  /// `ok`, or which worker doesn't turn any more.
  func answerPulse(_ connection: ClientConnection) {
    if let stuck = state.stuckWorker {
      answer.body.append("worker \(stuck.index) has not turned for \(stuck.silence.components.seconds) s\n")
      return answer(503, "text/plain; charset=utf-8", connection)
    }
    answer.body.append("ok\n")
    answer(200, "text/plain; charset=utf-8", connection)
  }

  // MARK: Models

  /// Whether `answerModels` is to look at the request. Asked first, for an `async` call that does nothing costs more.
  var asksForModels: Bool {
    guard case .models = ask.target.endpoint else { return false }
    let hasBody = ask.head.framing != .none && ask.head.framing != .length(0)
    return !hasBody && (ask.head.method == .get || ask.head.method == .head)
  }

  /// Answers `GET /v1/models` from the configuration and all providers, and `GET /v1/models/NAME` for a name of
  /// the configuration; false where a provider is to be asked alone.
  ///
  /// - Parameter plan: is set where it isn't the configuration that says who is asked.
  func answerModels(_ connection: ClientConnection, _ plan: inout Plan?) async throws(Refusal) -> Bool {
    let snapshot = lineup.snapshot
    let rest = ask.headBytes.extracting(ask.target.path)
    if rest.count > 8 { return try await answerModel(connection) }
    let form = ask.errorForm
    if form == .openAI, snapshot.settings.models.isEmpty, snapshot.upstreams.count == 1,
      !snapshot.upstreams[0].isMock,
      snapshot.upstreams[0].dialect == nil, snapshot.upstreams[0].address.models.isEmpty,
      ask.group?.isRestricted != true
    {
      plan = .any
      return false
    }
    let listed = try await models(of: snapshot.upstreams, connection)
    answer.body.append("{\"object\":\"list\",\"data\":[")
    var isFirst = true
    for name in snapshot.modelNames where ask.group?.lists(Array(name.utf8).span) ?? true {
      if !isFirst { answer.body.append(ASCII.comma) }
      isFirst = false
      Self.writeModel(name, into: &answer.body)
    }
    for (upstream, models) in zip(snapshot.upstreams, listed) {
      let shown = ask.group.map { Self.permitted(models, of: upstream, to: $0) } ?? models
      if shown.isEmpty { continue }
      if !isFirst { answer.body.append(ASCII.comma) }
      isFirst = false
      answer.body.append(shown)
    }
    answer.body.append("]}")
    if form == .anthropic { makeMessagesList() }
    answer(200, "application/json", connection)
    return true
  }

  /// Those of a provider's models, with commas between, that a group may use under their own name or behind the
  /// provider's.
  private static func permitted(_ models: [UInt8], of upstream: Upstream, to group: Group) -> [UInt8] {
    if !group.isRestricted { return models }
    var list = ByteQueue()
    list.append("[")
    list.append(models)
    list.append("]")
    var shown = ByteQueue()
    var cursor = JSONArrayCursor(list.bytes, 0..<list.count)
    while let model = cursor.next() {
      var name = ByteQueue()
      name.append(Array(upstream.name.utf8))
      name.append("/")
      let prefix = name.count
      if let id = JSONView.value(list.bytes, in: model.value, at: "id") {
        JSONString.decode(list.bytes, id, into: &name)
      }
      if group.lists(name.bytes.extracting(prefix...)) || group.lists(name.bytes) {
        if !shown.isEmpty { shown.append(ASCII.comma) }
        shown.append(list.bytes.extracting(model.value))
      }
    }
    return shown.array()
  }

  private func answerModel(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    let name = ask.headBytes.extracting(ask.target.path).extracting(8...)
    ask.setModel { Self.decode(name, into: &$0) }
    let text = ask.model.text()
    guard lineup.snapshot.modelNames.contains(text) else {
      return try await answerTranslatedModel(connection)
    }
    // A name that leads nowhere else is judged as a request for it would be.
    _ = try ask.choose(ask.entrance)
    Self.writeModel(text, into: &answer.body)
    if ask.errorForm == .anthropic { makeMessagesModel() }
    answer(200, "application/json", connection)
    return true
  }

  /// Answers for a model of a provider that has no such answer of its own: as its list has it. False where the
  /// provider speaks OpenAI's format.
  private func answerTranslatedModel(_ connection: ClientConnection) async throws(Refusal) -> Bool {
    let route = try ask.choose(ask.entrance).first
    let upstream = lineup.snapshot.upstreams[route.providerIndex]
    guard upstream.dialect != nil || ask.errorForm == .anthropic else { return false }
    self.route = route
    let wanted = route.model ?? ask.model.array()
    // A list that is kept may lack a name that is new.
    for needed in [Instant(nanoseconds: 0), now - Deadline.modelList] {
      for models in try await models(of: [upstream], newerThan: needed, connection) {
        var text = ByteQueue()
        text.append("[")
        text.append(models)
        text.append("]")
        guard let model = Self.find(wanted, in: text.bytes) else { continue }
        answer.body.append(text.bytes.extracting(model))
        if ask.errorForm == .anthropic { makeMessagesModel() }
        answer(200, "application/json", connection)
        return true
      }
    }
    throw .modelNotListed(Ask.shown(wanted.span.text()), provider: upstream.name)
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

  /// Undoes percent-encoding. The head's parser has checked the escapes.
  private static func decode(_ path: Span<UInt8>, into model: inout ByteQueue) {
    var at = 0
    while at < path.count {
      if path[at] == UInt8(ascii: "%"), at + 2 < path.count, let high = ASCII.hexadecimal(path[at + 1]),
        let low = ASCII.hexadecimal(path[at + 2])
      {
        model.append(high << 4 | low)
        at += 3
      } else {
        model.append(path[at])
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
      if state.drain.isOver { throw .draining }
      _ = await connection.parker.park(until: deadline)
    }
  }

  /// Who is to be asked for a provider's list; nil where nobody is.
  private func list(of upstream: Upstream) -> ProviderModels? {
    if upstream.isMock || !upstream.address.models.isEmpty { return nil }
    guard case .passthrough(let name, let prefix) = upstream.credentials.kind else {
      return lineup.models[upstream.index]
    }
    // What the provider shows this caller is nobody else's.
    var fields = ByteQueue()
    ask.writeCallersKey(name, prefix, into: &fields)
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
}
