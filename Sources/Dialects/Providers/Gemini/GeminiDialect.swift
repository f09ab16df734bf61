// Gemini's generateContent (docs: "Generating content", API version v1beta), at Google's two hosts of it.

internal import Wire

/// Where a Gemini model is hosted: paths differ, and a little of what requests may say.
enum GeminiHost: Sendable {
  /// The Gemini API.
  case gemini
  /// Vertex AI.
  case vertex(VertexPlace)
}

/// Gemini at the Gemini API, or at Vertex AI.
package final class GeminiDialect: Dialect {
  let host: GeminiHost

  /// Gemini at the Gemini API.
  package init() { host = .gemini }

  /// Gemini at Vertex AI.
  init(_ place: VertexPlace) { host = .vertex(place) }

  package var takes: ChatFields {
    if case .gemini = host { return Self.fields.union(ChatFields(.serviceTier)) }
    return Self.fields
  }

  package var takesExtensions: [StaticString] {
    if case .gemini = host { return Self.extensions }
    return Self.extensions + ["labels"]
  }

  private static let fields = ChatFields([
    .maxTokens, .maxCompletionTokens, .temperature, .topP, .n, .stop, .presencePenalty, .frequencyPenalty,
    .logprobs, .topLogprobs, .seed, .reasoningEffort, .modalities, .webSearchOptions, .responseFormat, .tools,
    .toolChoice,
  ])
  private static let extensions: [StaticString] = [
    "top_k", "topK", "safety_settings", "safetySettings", "cached_content", "cachedContent",
    "thinking_config", "thinkingConfig", "thinking", "reasoning", "include_thoughts", "includeThoughts",
    "include_reasoning", "media_resolution", "mediaResolution", "google", "extra_body",
  ]

  // MARK: Chat

  package func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    appendModelPath(to: &request)
    request.path.append(chat.streams ? ":streamGenerateContent?alt=sse" : ":generateContent")
    request.body.append("{")
    try GeminiRequest(chat, GeminiModel(request.model), host).write(body, to: &request)
    request.body.append("}")
  }

  package func counts(_ model: [UInt8]) -> Bool { true }

  /// The Gemini API takes the request as it would be sent; Vertex AI only what has tokens (references of both,
  /// "countTokens").
  package func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    appendModelPath(to: &request)
    request.path.append(":countTokens")
    let model = request.model
    var writer = GeminiRequest(chat, GeminiModel(model), host)
    request.body.append("{")
    if case .gemini = host {
      let isWhole = Self.resourceKind(model) > 0
      request.body.append("\"generateContentRequest\":{\"model\":\"")
      request.body.append(isWhole ? "" : "models/")
      JSONWriter.escaped(model.span, into: &request.body)
      request.body.append("\",")
    } else {
      writer.isCounted = true
    }
    try writer.write(body, to: &request)
    request.body.append("}")
    if case .gemini = host { request.body.append("}") }
  }

  package func readCount(_ reply: Span<UInt8>) -> Int? {
    JSONView.value(reply, in: 0..<reply.count, at: "totalTokens").flatMap { TokenCount.read(reply, $0) }
  }

  package func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader {
    GeminiReader()
  }

  private func appendModelPath(to request: inout ProviderRequest) {
    switch host {
    case .vertex(let place): place.appendModel(publisher: "google", to: &request)
    case .gemini:
      request.path.append("/v1beta/")
      let model = request.model
      let kind = Self.resourceKind(model)
      if kind > 0 {
        request.path.append(model.span.extracting(0..<kind))
        PathSegment.append(model.span.extracting(kind..<model.count), into: &request.path)
      } else {
        request.path.append("models/")
        request.appendModel()
      }
    }
  }

  /// The length of what says what kind of resource a name is, with its slash; 0 where it is a model's name alone.
  private static func resourceKind(_ model: [UInt8]) -> Int {
    guard let slash = model.firstIndex(of: UInt8(ascii: "/")) else { return 0 }
    let kind = model.span.extracting(0..<slash)
    return kind.equals("models") || kind.equals("tunedModels") ? slash + 1 : 0
  }

  // MARK: Embeddings

  package func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    appendModelPath(to: &request)
    if case .vertex = host, !GeminiEmbeddings.isGemini(request.model) {
      request.path.append(":predict")
      GeminiEmbeddings.writePrediction(embedding, body, to: &request)
    } else if case .vertex = host, embedding.inputs.count == 1 {
      request.path.append(":embedContent")
      GeminiEmbeddings.writeContent(embedding, body, to: &request)
    } else {
      request.path.append(":batchEmbedContents")
      GeminiEmbeddings.writeBatch(embedding, body, to: &request)
    }
  }

  package func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    try GeminiEmbeddings.read(reply, to: &answer)
  }

  // MARK: Models

  package func writeModels(to request: inout ProviderRequest) -> Bool {
    request.method = "GET"
    if case .vertex(let place) = host {
      place.appendModelList(to: &request)
    } else {
      request.path.append("/v1beta/models?pageSize=1000")
    }
    return true
  }

  package func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    let whole = 0..<reply.count
    let models =
      JSONView.value(reply, in: whole, at: "models")
      ?? JSONView.value(reply, in: whole, at: "publisherModels")
    guard let models else { return }
    var elements = JSONArrayCursor(reply, models)
    while let model = elements.next() {
      // `models/NAME`, or `publishers/google/models/NAME`; some writers of JSON escape the slash.
      let name = JSONView.content(reply, in: model.value, at: "name")
      var start = name.count
      while start > 0, name[start - 1] != UInt8(ascii: "/") { start -= 1 }
      if start < name.count { list.append(id: name.extracting(start..<name.count)) }
    }
  }

  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    GeminiFault.read(body, status: status)
  }
}
