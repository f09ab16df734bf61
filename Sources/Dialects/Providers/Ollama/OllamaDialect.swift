// Ollama's own API (docs: "API", /api/chat, /api/embed, /api/tags): one JSON value a line.

internal import Wire

/// A server of Ollama's.
final class OllamaDialect: Dialect {
  init() {}

  var takes: ChatFields { Self.fields }
  var takesExtensions: [StaticString] { Self.options + Self.members + ["options", "reasoning"] }
  var framing: StreamFraming { .lines }

  private static let fields = ChatFields([
    .maxTokens, .maxCompletionTokens, .temperature, .topP, .stop, .presencePenalty, .frequencyPenalty, .seed,
    .responseFormat, .tools, .toolChoice, .parallelToolCalls, .reasoningEffort,
  ])
  /// Members of `options` that OpenAI doesn't have.
  static let options: [StaticString] = ["num_ctx", "top_k", "min_p", "repeat_penalty"]
  /// Members of the request itself.
  static let members: [StaticString] = ["keep_alive", "think"]

  func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/api/chat")
    try OllamaRequest(chat).write(body, to: &request)
  }

  func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader { OllamaReader() }

  func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/api/embed")
    let model = request.model
    request.body.append("{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(",\"input\":")
    embedding.appendTexts(body, into: &request.body)
    if let dimensions = embedding.dimensions {
      request.body.append(",\"dimensions\":")
      request.body.append(decimal: dimensions)
    }
    let extensions: [StaticString] = ["options", "keep_alive", "truncate"]
    for name in extensions {
      if let value = embedding.extended(name, in: body) {
        ChatRequest.appendMember(name, body.extracting(value), into: &request.body)
      }
    }
    request.body.append("}")
    embedding.noteRest(taken: extensions, body, &request.dropped)
  }

  func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
    guard let list = JSONView.value(reply, in: whole, at: "embeddings"), JSONView.kind(reply, list) == .array
    else { throw .malformed }
    var vectors = JSONArrayCursor(reply, list)
    while let vector = vectors.next() { try answer.vector(reply, vector.value) }
    if let count = JSONView.value(reply, in: whole, at: "prompt_eval_count") {
      answer.usage.input = TokenCount.read(reply, count)
    }
  }

  func writeModels(to request: inout ProviderRequest) -> Bool {
    request.method = "GET"
    request.path.append("/api/tags")
    return true
  }

  func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    list.appendNames(reply, list: "models", name: "name")
  }
}
