// Cohere's v2 API (docs: "Chat with Streaming", "Embed API v2", "List models").

internal import Wire

/// Cohere.
struct CohereDialect: Dialect {
  var takes: ChatFields { Self.fields }
  var takesExtensions: [StaticString] { Self.extensions + ["top_k", "k", "thinking", "reasoning"] }

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
    // Cohere's own limit; several requests would bill and fail in parts.
    guard embedding.inputs.count <= 96 else {
      throw RequestFault(
        .invalid, "input", "The model's provider embeds at most 96 texts at a time; send fewer.")
    }
    request.path.append("/v2/embed")
    let model = request.model
    request.body.append("{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(",\"texts\":[")
    for (at, input) in embedding.inputs.enumerated() {
      if at > 0 { request.body.append(",") }
      request.body.append(body.extracting(input))
    }
    request.body.append("],\"input_type\":")
    if let type = embedding.extended("input_type", in: body) {
      request.body.append(body.extracting(type))
    } else {
      // What is embedded to be found later; a query says so itself.
      request.body.append("\"search_document\"")
    }
    request.body.append(",\"embedding_types\":[\"float\"]")
    if let dimensions = embedding.dimensions {
      request.body.append(",\"output_dimension\":")
      request.body.append(decimal: dimensions)
    }
    if let truncate = embedding.extended("truncate", in: body) {
      ChatRequest.appendMember("truncate", body.extracting(truncate), into: &request.body)
    }
    request.body.append("}")
  }

  func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
    // With `embedding_types` by type; an answer of the older form has the list itself.
    guard
      let list = JSONView.value(reply, in: whole, at: "embeddings", "float")
        ?? JSONView.value(reply, in: whole, at: "embeddings"), JSONView.kind(reply, list) == .array
    else { throw .malformed }
    var vectors = JSONArrayCursor(reply, list)
    while let vector = vectors.next() { try answer.vector(reply, vector.value) }
    if let units = JSONView.value(reply, in: whole, at: "meta", "billed_units", "input_tokens") {
      answer.usage.input = CohereReader.count(reply, units)
    }
  }

  func writeModels(to request: inout ProviderRequest) -> Bool {
    request.method = "GET"
    request.path.append("/v1/models?page_size=1000")
    return true
  }

  func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    guard let found = JSONView.value(reply, in: 0..<reply.count, at: "models") else { return }
    var models = JSONArrayCursor(reply, found)
    while let model = models.next() {
      let name = JSONView.content(reply, in: model.value, at: "name")
      if !name.isEmpty { list.append(id: name) }
    }
  }

  func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    CohereFault.read(body, status: status)
  }
}
