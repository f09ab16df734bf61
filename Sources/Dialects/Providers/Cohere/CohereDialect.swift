// Cohere's v2 API (docs: "Chat with Streaming", "Embed API v2", "List models").

internal import Wire

/// Cohere.
final class CohereDialect: Dialect {
  init() {}

  var takes: ChatFields { Self.fields }
  var takesExtensions: [StaticString] { Self.extensions + ["top_k", "k", "thinking", "reasoning"] }

  var takesResultMedia: Bool { false }

  private static let fields = ChatFields([
    .maxTokens, .maxCompletionTokens, .temperature, .topP, .stop, .presencePenalty, .frequencyPenalty, .seed,
    .logprobs, .responseFormat, .tools, .toolChoice, .reasoningEffort,
  ])
  /// Passed on under their own names.
  static let extensions: [StaticString] = [
    "documents", "citation_options", "safety_mode", "priority", "strict_tools",
  ]

  func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/v2/chat")
    try CohereRequest(chat).write(body, to: &request)
  }

  func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader { CohereReader() }

  func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/v2/embed")
    let model = request.model
    request.body.append("{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(",")
    try CohereEmbeddings.write(embedding, body, to: &request)
    request.body.append("}")
  }

  func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    try CohereEmbeddings.read(reply, to: &answer)
  }

  func writeModels(to request: inout ProviderRequest) -> Bool {
    request.method = "GET"
    request.path.append("/v1/models?page_size=1000")
    return true
  }

  func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    list.appendNames(reply, list: "models", name: "name")
  }

  func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    CohereFault.read(body, status: status)
  }
}
