// Claude at Vertex AI (docs: "Use Anthropic's Claude models"): a Messages request without the model's name, which is
// in the path, and with the API's version, which elsewhere is in a header.

internal import Wire

/// Claude at Vertex AI.
final class VertexClaude: Dialect {
  let place: VertexPlace

  init(_ place: VertexPlace) { self.place = place }

  /// Tiers of service are Anthropic's own.
  var takes: ChatFields { AnthropicDialect.fields.subtracting(ChatFields(.serviceTier)) }
  var takesExtensions: [StaticString] { AnthropicDialect.extensions + ["anthropic_beta"] }

  var keepsCacheControl: Bool { true }

  func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    place.appendModel(publisher: "anthropic", to: &request)
    request.path.append(chat.streams ? ":streamRawPredict" : ":rawPredict")
    request.body.append("{\"anthropic_version\":\"vertex-2023-10-16\",")
    if let beta = chat.extended("anthropic_beta", in: body) {
      request.body.append("\"anthropic_beta\":")
      request.body.append(body.extracting(beta))
      request.body.append(",")
    }
    var own = AnthropicRequest(chat, request.readClaude(), .vertex)
    try own.write(body, to: &request)
    request.body.append("}")
  }

  func counts(_ model: [UInt8]) -> Bool { true }

  func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    // Its path is a model's, and the body says which one is meant.
    let model = VertexDialect.name(of: request.model)
    request.path.append(counterPath)
    request.body.append("{\"anthropic_version\":\"vertex-2023-10-16\",\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(",")
    var own = AnthropicRequest(chat, request.readClaude(), .vertex)
    try own.writeCounted(body, to: &request)
    request.body.append("}")
  }

  /// Where tokens are counted: a model of its own.
  private var counterPath: ByteQueue {
    var counter = ProviderRequest(model: ("count-tokens" as StaticString).bytes.array())
    place.appendModel(publisher: "anthropic", to: &counter)
    counter.path.append(":rawPredict")
    return ByteQueue(copying: counter.path.bytes)
  }

  func readCount(_ reply: Span<UInt8>) -> Int? { AnthropicDialect.readCount(reply) }

  func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay? {
    var request = ProviderRequest(
      model: ask.counts ? ("count-tokens" as StaticString).bytes.array() : model)
    place.appendModel(publisher: "anthropic", to: &request)
    request.path.append(ask.streams ? ":streamRawPredict" : ":rawPredict")
    var way = MessagesWay()
    // Google's front refuses queries that it doesn't know: the client's (`?beta=true`) stays here.
    way.takesQuery = false
    way.path.append(request.path)
    way.version = "vertex-2023-10-16"
    // Which model's tokens are counted, the body says.
    way.keepsModel = ask.counts
    return way
  }

  func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader { AnthropicReader() }

  var limitPrefix: StaticString? { AnthropicLimits.prefix }

  func writeLimit(_ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue) {
    AnthropicLimits.append(name, value, now: now, into: &out)
  }

  func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    AnthropicFault.read(body, status: status)
  }
}
