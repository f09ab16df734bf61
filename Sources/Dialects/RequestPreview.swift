// The request that a provider would get, worked out without sending it: what `remora explain --body` shows.
//
// The parts are those of the walk: the same translation, the same edits, the same address. Next: PreviewEndpoint.swift.

package import Config
package import Wire

/// Why a body can't be shown as a request.
package enum PreviewFault: Error, Sendable {
  case json(JSONFault)
  case request(RequestFault)
  /// The provider counts no tokens: 404.
  case noTokenCount
}

/// Which model of which provider would be asked.
package struct PreviewTarget {
  let provider: Config.Provider
  let dialect: (any Dialect)?
  /// The model's name as the target of the configuration has it, in UTF-8.
  let model: [UInt8]
  /// Tokens that an answer of it may have; 0: unknown.
  package var outputCeiling = 0
  /// The model thinks before it answers; nil: unknown.
  package var reasons: Bool?

  package init(_ provider: Config.Provider, model: [UInt8]) {
    self.provider = provider
    self.model = model
    dialect = Dialects.dialect(of: provider)
  }

  /// What the provider is asked in how many tokens a request has.
  var counter: (any Dialect)? {
    Dialects.counter(of: provider, recastsResponses: provider.recastsResponses == true)
  }
  /// What every address begins with.
  var prefix: String { provider.baseURL?.prefix ?? "" }
}

/// One request as a provider would get it, without credentials.
package struct RequestPreview: Sendable {
  package private(set) var method = "POST"
  /// Path and query, the base URL's prefix included.
  package private(set) var target = ""
  /// Header lines of the dialect's own.
  package private(set) var headers: [String] = []
  package private(set) var body: [UInt8] = []
  /// What `x-remora-dropped` would say; empty where nothing is dropped.
  package private(set) var dropped = ""

  /// - Parameters:
  ///   - body: what a client would send.
  ///   - endpoint: where it would send it; nil: what the body looks like.
  package init(
    _ target: PreviewTarget, body: [UInt8], to endpoint: PreviewEndpoint? = nil
  ) throws(PreviewFault) {
    var scanner = JSONScanner(
      watching: RequestFacts.watched, checksText: true, noticing: Noticed.names, andOwn: Noticed.ownNames)
    do throws(JSONFault) {
      try scanner.feed(body.span)
      try scanner.finish()
    } catch { throw .json(error) }
    guard scanner.topLevelKind == .object else {
      throw .request(RequestFault(.invalid, "body", "The body must be a JSON object."))
    }
    let endpoint = endpoint ?? PreviewEndpoint(body, model: target.model)
    let isServed: Bool
    do throws(RequestFault) { isServed = try take(endpoint, target, body, scanner) } catch {
      throw .request(error)
    }
    if !isServed { throw .noTokenCount }
  }

  /// - Returns: false where tokens are to be counted, and the provider doesn't.
  private mutating func take(
    _ endpoint: PreviewEndpoint, _ target: PreviewTarget, _ body: [UInt8], _ scanner: borrowing JSONScanner
  ) throws(RequestFault) -> Bool {
    switch endpoint {
    case .messages:
      if try !message(target, body, scanner, counts: false) { try recast(.messages, target, body) }
    case .countTokens:
      if try message(target, body, scanner, counts: true) { return true }
      guard try Self.counts(target) else { return false }
      try recast(.tokenCount, target, body)
    case .inputTokens where target.dialect != nil || target.provider.recastsResponses == true:
      guard try Self.counts(target) else { return false }
      try recast(.inputTokens, target, body)
    case .responses where target.dialect != nil || target.provider.recastsResponses == true:
      try recast(.responses, target, body)
    case .completions where target.dialect != nil: try recast(.completions, target, body)
    default:
      if let dialect = target.dialect {
        show(
          try Translation(
            dialect, endpoint == .embeddings ? .embeddings : .chat, model: target.model, body: body.span),
          target)
      } else {
        try pass(endpoint, target, body, scanner)
      }
    }
    return true
  }

  private static func counts(_ target: PreviewTarget) throws(RequestFault) -> Bool {
    try target.counter?.spoken(to: target.model).counts(target.model) == true
  }

  private mutating func show(_ made: Translation, _ target: PreviewTarget) {
    method = "\(made.request.method)"
    self.target = target.prefix + made.request.path.text()
    takeHeaders(made.request.headers)
    body = made.request.body.array()
    dropped = Self.text(of: made.request.dropped)
  }

  private mutating func takeHeaders(_ lines: borrowing ByteQueue) {
    headers = lines.text().split(separator: "\r\n").map(String.init)
  }

  // MARK: As it is

  private mutating func pass(
    _ endpoint: PreviewEndpoint, _ target: PreviewTarget, _ body: [UInt8], _ scanner: borrowing JSONScanner
  ) throws(RequestFault) {
    var asked = AskedAnswer()
    asked.shape = endpoint.shape
    let passage = Passage(pool: nil)
    passage.begin(asked, repairs: false)
    var facts = try Self.facts(body, scanner)
    facts.know(target.provider.kind, isChat: endpoint == .chat)
    let quirks = Quirks.of(target.provider)
    let addsUsage =
      facts.streams && !facts.asksForUsage && quirks.takesStreamOptions && !facts.asksOfData
      && (endpoint == .chat || endpoint == .completions)
    try address(endpoint.path, target)
    try passage.edit(
      body.span, scanner, facts, model: named(target).span, addsUsage: addsUsage, quirks)
    show(passage, body)
  }

  /// - Returns: false where the provider has no Messages API for the model.
  private mutating func message(
    _ target: PreviewTarget, _ body: [UInt8], _ scanner: borrowing JSONScanner, counts: Bool
  ) throws(RequestFault) -> Bool {
    let facts = try Self.facts(body, scanner)
    var ask = MessagesAsk()
    ask.counts = counts
    ask.streams = facts.streams && !counts
    guard var way = try MessagesWay.of(target.provider, target.dialect, ask, to: target.model) else {
      return false
    }
    self.target = target.prefix + way.path.text()
    var asked = AskedAnswer()
    asked.shape = counts ? .tokenCount : .message
    let passage = Passage(pool: nil)
    if way.invokedBeta != nil {
      let recast = Recast(passage, pool: nil)
      try recast.begin(invoking: body.span, scanner, facts, &way, asked)
      self.body = recast.body.array()
      return true
    }
    passage.begin(asked, repairs: false)
    let said = scanner.found(.model).map { JSONString.content(body.span, $0.value).equals(target.model.span) }
    if way.readsModel, said != true {
      try passage.edit(body.span, scanner, facts, model: target.model.span, addsUsage: false, nil)
    } else {
      try passage.edit(body.span, scanner, facts, model: nil, addsUsage: false, nil)
    }
    try passage.take(&way, body.span, scanner)
    takeHeaders(passage.fields)
    show(passage, body)
    return true
  }

  private mutating func show(_ passage: Passage, _ body: [UInt8]) {
    var out = ByteQueue()
    _ = passage.fill(&out, upTo: passage.sentCount(of: body.count) + 1, from: body.span, at: 0)
    self.body = out.array()
    dropped = Self.text(of: passage.dropped)
  }

  private static func facts(
    _ body: [UInt8], _ scanner: borrowing JSONScanner
  ) throws(RequestFault) -> RequestFacts {
    var facts = RequestFacts()
    do throws(RequestFacts.Fault) { try facts.read(body.span, scanner) } catch {
      throw RequestFault(.invalid, "body", "A member that steers the request has the wrong type.")
    }
    return facts
  }

  private func named(_ target: PreviewTarget) -> [UInt8] {
    APIAddress(target.provider).deployment(of: target.model.span) ?? target.model
  }

  private mutating func address(_ path: StaticString, _ target: PreviewTarget) throws(RequestFault) {
    var written = ByteQueue()
    try APIAddress(target.provider).write(
      path: path.bytes, query: Span(), model: target.model.span, into: &written)
    self.target = written.bytes.text()
  }

  // MARK: As a chat

  private mutating func recast(
    _ format: Recast.Format, _ target: PreviewTarget, _ body: [UInt8]
  ) throws(RequestFault) {
    let passage = Passage(pool: nil)
    let dialect = format == .tokenCount ? target.counter : target.dialect
    let chat = try ChatTarget(
      target.provider.kind, dialect, model: target.model, outputCeiling: target.outputCeiling,
      reasons: target.reasons)
    let recast = try Recast(
      format, body.span, for: chat, model: target.model, sent: named(target), passage: passage)
    if let dialect {
      let made = Translation(dialect, pool: nil)
      try recast.translate(made, dialect, body.span, model: named(target), ChatRequest())
      show(made, target)
      if target.dialect == nil { try address("/responses/input_tokens", target) }
    } else {
      let quirks = Quirks.of(target.provider)
      try address("/chat/completions", target)
      try recast.pass(
        body.span, addsUsage: quirks.takesStreamOptions, repairs: false, quirks)
      self.body = recast.body.array()
    }
    dropped = Self.text(of: recast.dropped)
  }

  private static func text(of list: DroppedFields) -> String {
    var text = ByteQueue()
    list.write(into: &text)
    return text.bytes.text()
  }
}
