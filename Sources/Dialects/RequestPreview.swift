// The request that a provider would get, worked out without sending it: what `remora explain --body` shows.
//
// The parts are those of the walk: the same translation, the same edits, the same address.

package import Config
package import Wire

/// Why a body can't be shown as a request.
package enum PreviewFault: Error, Sendable {
  case json(JSONFault)
  case request(RequestFault)
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
  ///   - model: the model's name as the target of the configuration has it.
  ///   - body: what a client would send: a chat where it has `messages`, a completion where it has `prompt`,
  ///     else embeddings, or, where it has `input` and no vectors are meant, a response.
  package init(_ provider: Config.Provider, model: [UInt8], body: [UInt8]) throws(PreviewFault) {
    var scanner = JSONScanner(
      watching: RequestFacts.watched, checksText: true, noticing: Noticed.names, andOwn: Noticed.ownNames)
    do throws(JSONFault) {
      try scanner.feed(body.span)
      try scanner.finish()
    } catch { throw .json(error) }
    guard scanner.topLevelKind == .object else {
      throw .request(RequestFault(.invalid, "body", "The body must be a JSON object."))
    }
    do throws(RequestFault) {
      if let dialect = Dialects.dialect(of: provider) {
        try translate(provider, dialect, model, body)
      } else {
        try pass(provider, model, body, scanner)
      }
    } catch { throw .request(error) }
  }

  private static func has(_ name: StaticString, _ body: [UInt8]) -> Bool {
    JSONView.value(body.span, in: 0..<body.count, at: name) != nil
  }

  private mutating func translate(
    _ provider: Config.Provider, _ dialect: any Dialect, _ model: [UInt8], _ body: [UInt8]
  ) throws(RequestFault) {
    let isEmbedding = !Self.has("messages", body) && Self.has("input", body)
    let made = try Translation(dialect, isEmbedding ? .embeddings : .chat, model: model, body: body.span)
    method = "\(made.request.method)"
    target = (provider.baseURL?.prefix ?? "") + made.request.path.view.text()
    headers = made.request.headers.view.text().split(separator: "\r\n").map(String.init)
    self.body = made.request.body.array()
    dropped = Self.text(of: made.request.dropped)
  }

  private mutating func pass(
    _ provider: Config.Provider, _ model: [UInt8], _ body: [UInt8], _ scanner: borrowing JSONScanner
  ) throws(RequestFault) {
    let (path, shape): (StaticString, BodyShape) =
      Self.has("messages", body)
      ? ("/chat/completions", .chat)
      : Self.has("prompt", body)
        ? ("/completions", .completion)
        : Self.has("instructions", body) || Self.has("max_output_tokens", body)
          ? ("/responses", .response) : ("/embeddings", .embedding)
    var facts = RequestFacts()
    do throws(RequestFacts.Fault) { try facts.read(body.span, scanner) } catch {
      throw RequestFault(.invalid, "body", "A member that steers the request has the wrong type.")
    }
    let address = APIAddress(provider)
    let quirks = Quirks.of(provider)
    var written = ByteQueue()
    try address.write(path: path.bytes, query: Span(), model: model.span, into: &written)
    target = written.bytes.text()
    let addsUsage =
      facts.streams && !facts.asksForUsage && quirks.takesStreamOptions && !facts.asksOfData
      && (shape == .chat || shape == .completion)
    var splice = JSONSplice(editCeiling: 64 << 10)
    var list = DroppedFields()
    let name = address.deployment(of: model.span) ?? model
    try? facts.edit(&splice, body.span, scanner, model: name.span, addsUsage: addsUsage)
    if let edit = RequestEdit.of(
      quirks, shape, count: body.count, Noticed(scanner))
    {
      try edit.write(body.span, &splice, dropped: &list)
    }
    var edited = ByteQueue()
    splice.apply(to: body.span, into: &edited)
    self.body = edited.array()
    dropped = Self.text(of: list)
  }

  private static func text(of list: DroppedFields) -> String {
    var text = ByteQueue()
    list.write(into: &text)
    return text.bytes.text()
  }
}
