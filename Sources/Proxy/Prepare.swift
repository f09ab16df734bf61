// Before anything is sent: what is said to the upstream, in its own words. The only place that knows which kind of
// conversation an upstream wants.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// How much of a request's body must be here before the request can go out.
enum BodyDemand: Comparable {
  /// What it takes to choose; the rest may follow.
  case follow
  /// All of it.
  case keep
}

extension Upstream {
  /// How much of the body it takes to ask this upstream.
  func demand(_ ask: Ask) -> BodyDemand {
    switch ask.target.endpoint {
    // What other providers have signed is taken out of them, wherever in them it is. One that must be asked first
    // whether it has the API may want the body in another form, too.
    case .messages, .countTokens, .responses, .inputTokens: .keep
    default:
      isMock || isTranslated || !quirks.leaves(ask.target.shape)
        || quirks.refusesForeign && Noticed(ask.body.scanner).contains(.foreign) ? .keep : .follow
    }
  }
}

extension Attempt {
  /// Works out what goes to the upstream.
  func prepare() throws(Refusal) {
    tried.sending.upload = ask.upload
    // A constant's parts are looked at where they lie; a variable's are copied.
    let upstream = upstream
    switch ask.target.endpoint {
    case .messages, .countTokens: return try prepareMessages()
    case .responses where upstream.recastsResponses: return try prepareRecast(.responses)
    case .inputTokens where upstream.recastsResponses:
      guard try countsTokens() else { throw .noTokenCount(upstream.name) }
      return try prepareRecast(.inputTokens)
    case .other where ask.asksForResponses && upstream.recastsResponses:
      throw .notTranslated(upstream.name, ask.shownPath)
    case .completions where upstream.isTranslated || upstream.isMock: return try prepareRecast(.completions)
    default: break
    }
    if upstream.isMock { return try prepareMock() }
    if upstream.isTranslated, let dialect = upstream.dialect, let operation = try operation() {
      return try prepare(operation, dialect)
    }
    let ask = ask
    let passage = passage
    var asked = ask.askedAnswer
    asked.isRestored = ask.gate != nil || ask.remarks.wishes?.wantsBreakdown == true
    // Without tools there is nothing in it that a client must send back. A body that is still coming may have some.
    asked.isDoubted =
      upstream.quirks.doubtsAnswers && ask.body.isJSON
      && (ask.body.isFollowed || ask.body.scanner.found(.tools) != nil)
    passage.begin(asked, repairs: upstream.quirks.repairsAnswers)
    conversation.pass()
    try takeAddress(upstream)
    guard ask.body.isJSON, case .object? = ask.body.scanner.topLevelKind else { return }
    let model = otherModel(upstream)
    let adds = wantsStream && !ask.body.facts.asksForUsage && mayAddUsage
    ask.body.facts.know(
      upstream.kind, isChat: ask.target.endpoint == .chatCompletions && !ask.body.isFollowed)
    let edits =
      upstream.editsRequests || upstream.quirks.refusesForeign && Noticed(ask.body.scanner).contains(.foreign)
    let quirks = edits && !ask.body.isFollowed ? upstream.quirks : nil
    do throws(RequestFault) {
      if let model {
        try passage.edit(
          unsafe ask.body.bytes.view, ask.body.scanner, ask.body.facts, model: model.span, addsUsage: adds,
          quirks)
      } else {
        try passage.edit(
          unsafe ask.body.bytes.view, ask.body.scanner, ask.body.facts, model: nil, addsUsage: adds, quirks)
      }
    } catch { throw Refusal(error) }
    if ask.body.isFollowed { ask.body.facts.beginFollowing(ask.body.scanner) }
  }

  /// The name that the model has at the provider, where it isn't the one in the body.
  private func otherModel(_ upstream: Upstream) -> [UInt8]? {
    guard let known = route.model else { return upstream.address.deployment(of: ask.model) }
    if let deployment = upstream.address.deployment(of: known.span) { return deployment }
    let isSaid = known.span.equals(ask.model) && ask.body.scanner.found(.model) != nil
    return isSaid ? nil : known
  }

  /// Whether usage can be asked for where the client doesn't.
  var mayAddUsage: Bool {
    let upstream = upstream
    return ask.body.isJSON && !upstream.isTranslated && upstream.takesStreamOptions
      && !upstream.learned.refusesStreamOptions.load(ordering: .relaxed)
      && !ask.body.facts.asksOfData
      && (ask.target.endpoint == .chatCompletions || ask.target.endpoint == .completions)
  }

  /// Whether the client wants a stream. A body that is still coming and has `stream_options` will ask for one.
  private var wantsStream: Bool {
    ask.body.facts.streams || ask.body.isFollowed && ask.body.scanner.found(.streamOptions) != nil
  }

  // MARK: Messages

  /// Works out what goes to the upstream of a request in Anthropic's format.
  private func prepareMessages() throws(Refusal) {
    guard var way = try messagesWay() else {
      guard ask.target.endpoint == .countTokens else { return try prepareRecast(.messages) }
      guard try countsTokens() else { throw .noTokenCount(upstream.name) }
      return try prepareRecast(.tokenCount)
    }
    let ask = ask
    let passage = passage
    var asked = ask.askedAnswer
    asked.isRestored = ask.gate != nil || ask.remarks.wishes?.wantsBreakdown == true
    address.clear()
    address.append(upstream.prefix)
    address.append(way.path)
    if way.invokedBeta != nil {
      let recast = keptRecast
      do throws(RequestFault) {
        try recast.begin(
          invoking: unsafe ask.body.bytes.view, ask.body.scanner, ask.body.facts, &way, asked)
      } catch { throw Refusal(error) }
      conversation.go(.recast(recast))
      tried.sending.upload = .kept(at: 0)
      return
    }
    passage.begin(asked, repairs: false)
    conversation.pass()
    if way.takesQuery, let query = ask.target.query {
      address.append(ask.headBytes.extracting(query.lowerBound - 1..<query.upperBound))
    }
    let model = way.readsModel ? route.model : nil
    do throws(RequestFault) {
      if let model, !model.span.equals(ask.model) {
        try passage.edit(
          unsafe ask.body.bytes.view, ask.body.scanner, ask.body.facts, model: model.span, addsUsage: false,
          nil)
      } else {
        try passage.edit(
          unsafe ask.body.bytes.view, ask.body.scanner, ask.body.facts, model: nil, addsUsage: false, nil)
      }
      try passage.take(&way, unsafe ask.body.bytes.view, ask.body.scanner)
    } catch { throw Refusal(error) }
  }

  /// Whether the upstream counts the model's tokens ahead of an answer.
  private func countsTokens() throws(Refusal) -> Bool {
    guard let counter = upstream.counter else { return upstream.isMock }
    let model = withModel { $0.array() }
    do throws(RequestFault) { return try counter.spoken(to: model).counts(model) } catch {
      throw Refusal(error)
    }
  }

  /// How the request passes as it is; nil where the upstream has no word for it.
  private func messagesWay() throws(Refusal) -> MessagesWay? {
    let bytes = ask.headBytes
    var said = MessagesAsk()
    said.counts = ask.target.endpoint == .countTokens
    said.streams = ask.body.facts.streams && !said.counts
    said.hasVersion = ask.head.first(.anthropicVersion) != nil
    for field in ask.head.fields where field.known == .anthropicBeta {
      if !said.beta.isEmpty { said.beta.append(ASCII.comma) }
      said.beta += bytes.extracting(field.value).array()
    }
    do throws(RequestFault) {
      return try MessagesWay.of(
        upstream.settings, upstream.dialect, said,
        to: upstream.dialect == nil ? [] : withModel { $0.array() })
    } catch { throw Refusal(error) }
  }

  // MARK: Dialects

  /// The dialect's operation that the request asks for; nil where the request passes as it is.
  private func operation() throws(Refusal) -> Operation? {
    switch ask.target.endpoint {
    case .chatCompletions: return .chat
    case .embeddings: return .embeddings
    case .models:
      try checkModels()
      return .models
    case .completions, .responses, .messages, .countTokens, .inputTokens:
      throw .notTranslated(upstream.name, ask.shownPath)
    case .other: return nil
    }
  }

  /// What is asked for is read from a list, which nothing here changes.
  private func checkModels() throws(Refusal) {
    guard ask.head.method == .get || ask.head.method == .head else {
      throw .methodNotAllowed("\(ask.head.method.text)", path: ask.shownPath, allow: "GET, HEAD")
    }
  }

  private func prepare(_ operation: Operation, _ dialect: any Dialect) throws(Refusal) {
    let translation = translation(into: dialect)
    do throws(RequestFault) {
      try translation.begin(
        dialect, operation, model: route.model ?? ask.model.array(), body: unsafe ask.body.bytes.view,
        strings: ask.body.scanner.strings, state.chat)
      conversation.go(.translated(translation))
      address.clear()
      address.append(upstream.prefix)
      address.append(translation.request.path)
    } catch { throw Refusal(error) }
    tried.sending.upload = operation == .models ? .sent : .kept(at: 0)
  }

  /// What translates, on this connection.
  func translation(into dialect: any Dialect) -> Translation {
    if let translation { return translation }
    let made = Translation(dialect, pool: loop.blocks)
    translation = made
    return made
  }

  // MARK: The mock

  private func prepareMock() throws(Refusal) {
    let shape: MockEndpoint
    switch ask.target.endpoint {
    case .chatCompletions: shape = .chat
    case .embeddings: shape = .embedding
    case .models:
      try checkModels()
      // The name of one has been read from the path.
      shape = ask.headBytes.extracting(ask.target.path).ends("/models") ? .models : .model
    case .completions, .responses, .messages, .countTokens, .inputTokens, .other:
      throw .notMocked(ask.shownPath)
    }
    guard ask.body.flow.hasEnded else {
      throw .invalidValue("The mock provider reads JSON bodies only.", parameter: nil)
    }
    // SAFETY: while it is in use, nothing changes the queue.
    let body = unsafe ask.body.bytes.view
    // Refused here as by every provider, so that an application's tests find the mistake.
    if ask.target.shape == .chat {
      var messages = JSONArrayCursor(body, JSONView.value(body, in: 0..<body.count, at: "messages") ?? 0..<0)
      guard let first = messages.next(), JSONView.kind(body, first.value) == .object else {
        throw .invalidValue("'messages' must be a list with at least one turn.", parameter: "messages")
      }
    }
    let asked = ask.askedAnswer
    var text = ByteQueue()
    withModel { model in
      Mock.answer(
        shape, body: body, model: model, streams: asked.streams, includesUsage: true,
        id: state.nextRandom(), created: unixSeconds, into: &text)
    }
    passage.begin(asked, repairs: false)
    passage.removeUsage()
    conversation.go(.mock(MockAnswer(text, streams: asked.streams)))
  }

  var unixSeconds: Int { Int(clamping: Instant.unixNanoseconds / 1_000_000_000) }

  // MARK: The address

  /// Works out the target of a request in OpenAI's format.
  private func takeAddress(_ upstream: Upstream) throws(Refusal) {
    let ask = ask
    let bytes = ask.headBytes
    let target = ask.target
    address.clear()
    // A dialect's own API is reached under the path that the client wrote: `/v1` is a part of it.
    let path = bytes.extracting(upstream.isTranslated ? ask.head.path : target.path)
    // With its question mark, so that an empty one goes on too.
    let query = bytes.extracting(target.query.map { $0.lowerBound - 1..<$0.upperBound } ?? 0..<0)
    do throws(RequestFault) {
      if case .models = target.endpoint, path.count > 8, let model = route.model {
        return try takeModelAddress(model, path, query: query)
      }
      if let model = route.model {
        try upstream.address.write(path: path, query: query, model: model.span, into: &address)
      } else {
        try upstream.address.write(path: path, query: query, model: ask.model, into: &address)
      }
    } catch { throw Refusal(error) }
  }

  /// Writes the target that asks for one model, under the name that the provider has for it.
  private func takeModelAddress(
    _ model: [UInt8], _ path: Span<UInt8>, query: Span<UInt8>
  ) throws(RequestFault) {
    // Servers with slashes in their models' names differ in whether these are to be escaped: the client's way is kept.
    var keepsSlashes = false
    for at in 8..<path.count where path[at] == UInt8(ascii: "/") { keepsSlashes = true }
    var named = ByteQueue()
    named.append(path.extracting(0..<8))
    PathSegment.append(model.span, keepsSlashes: keepsSlashes, into: &named)
    try upstream.address.write(path: named.bytes, query: query, model: model.span, into: &address)
  }
}

extension Refusal {
  /// The provider inside Remora doesn't play this endpoint.
  fileprivate static func notMocked(_ path: String) -> Refusal {
    Refusal(
      404, "invalid_request_error", "not_found",
      "The mock provider has nothing at '\(path)'; it answers chat completions, completions, embeddings, models, Responses and Messages.",
      shouldRetry: false)
  }
}
