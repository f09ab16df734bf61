// Embeddings of the Gemini API (docs: "batchEmbedContents") and of Vertex AI (docs: "Text embeddings API").

internal import Wire

enum GeminiEmbeddings {
  /// What may be said of the texts, beside OpenAI's members.
  private static let extensions: [StaticString] = ["task_type", "taskType", "title"]

  /// Whether the model is one of Gemini's own, which Vertex AI asks in the words of the Gemini API (recorded); the older
  /// ones are predictions like any other there.
  static func isGemini(_ model: [UInt8]) -> Bool {
    let prefix: StaticString = "gemini-embedding"
    let name = VertexDialect.name(of: model)
    return name.count >= prefix.utf8CodeUnitCount
      && name.span.extracting(first: prefix.utf8CodeUnitCount).equals(prefix)
  }

  /// Writes `{"content":…}`, for one text.
  static func writeContent(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, to request: inout ProviderRequest
  ) {
    request.body.append("{")
    if let input = embedding.inputs.first { appendContent(input, embedding, body, into: &request.body) }
    request.body.append("}")
    embedding.noteRest(taken: extensions, body, &request.dropped)
  }

  /// Writes `{"requests":[…]}`, one for each text.
  static func writeBatch(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, to request: inout ProviderRequest
  ) {
    let model = request.model
    let isResource = model.contains(UInt8(ascii: "/"))
    for (index, input) in embedding.inputs.enumerated() {
      request.body.append(index == 0 ? "{\"requests\":[" : ",")
      request.body.append("{\"model\":")
      var name = ByteQueue()
      if !isResource { name.append("models/") }
      name.append(model)
      JSONWriter.string(name.bytes, into: &request.body)
      request.body.append(",")
      appendContent(input, embedding, body, into: &request.body)
      request.body.append("}")
    }
    request.body.append("]}")
    embedding.noteRest(taken: extensions, body, &request.dropped)
  }

  /// Appends `"content":{…}`, and what is said of the text.
  private static func appendContent(
    _ input: Range<Int>, _ embedding: EmbeddingRequest, _ body: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append("\"content\":{\"parts\":[{\"text\":")
    out.append(body.extracting(input))
    out.append("}]}")
    if let task = task(embedding, body) {
      ChatRequest.appendMember("taskType", body.extracting(task), into: &out)
    }
    if let title = embedding.extended("title", in: body) {
      ChatRequest.appendMember("title", body.extracting(title), into: &out)
    }
    if let dimensions = embedding.dimensions {
      out.append(",\"outputDimensionality\":")
      out.append(decimal: dimensions)
    }
  }

  /// Writes `{"instances":[…],"parameters":{…}}`.
  static func writePrediction(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, to request: inout ProviderRequest
  ) {
    for (index, input) in embedding.inputs.enumerated() {
      request.body.append(index == 0 ? "{\"instances\":[" : ",")
      request.body.append("{\"content\":")
      request.body.append(body.extracting(input))
      if let task = task(embedding, body) {
        request.body.append(",\"task_type\":")
        request.body.append(body.extracting(task))
      }
      if let title = embedding.extended("title", in: body) {
        request.body.append(",\"title\":")
        request.body.append(body.extracting(title))
      }
      request.body.append("}")
    }
    request.body.append("]")
    if let dimensions = embedding.dimensions {
      request.body.append(",\"parameters\":{\"outputDimensionality\":")
      request.body.append(decimal: dimensions)
      request.body.append("}")
    }
    request.body.append("}")
    embedding.noteRest(taken: extensions, body, &request.dropped)
  }

  private static func task(_ embedding: EmbeddingRequest, _ body: Span<UInt8>) -> Range<Int>? {
    embedding.extended("task_type", in: body) ?? embedding.extended("taskType", in: body)
  }

  // MARK: Answers

  /// Reads `{"embeddings":[{"values"}]}`, `{"embedding":{"values"}}` and
  /// `{"predictions":[{"embeddings":{"values","statistics":{"token_count"}}}]}`.
  static func read(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
    if let error = JSONView.value(reply, in: whole, at: "error") {
      throw GeminiFault.answerFault(reply, error)
    }
    if let predictions = JSONView.value(reply, in: whole, at: "predictions") {
      var elements = JSONArrayCursor(reply, predictions)
      while let prediction = elements.next() {
        guard let embedding = JSONView.value(reply, in: prediction.value, at: "embeddings") else {
          throw .malformed
        }
        try readVector(reply, embedding, to: &answer)
        if let count = JSONView.value(reply, in: embedding, at: "statistics", "token_count"),
          let tokens = TokenCount.read(reply, count)
        {
          answer.usage.input = (answer.usage.input ?? 0) + tokens
        }
      }
      return
    }
    if let list = JSONView.value(reply, in: whole, at: "embeddings") {
      var elements = JSONArrayCursor(reply, list)
      while let embedding = elements.next() { try readVector(reply, embedding.value, to: &answer) }
    } else if let embedding = JSONView.value(reply, in: whole, at: "embedding") {
      try readVector(reply, embedding, to: &answer)
    } else {
      throw .malformed
    }
    if let count = JSONView.value(reply, in: whole, at: "usageMetadata", "promptTokenCount") {
      answer.usage.input = TokenCount.read(reply, count)
    }
  }

  private static func readVector(
    _ reply: Span<UInt8>, _ embedding: Range<Int>, to answer: inout EmbeddingWriter
  ) throws(AnswerFault) {
    guard let values = JSONView.value(reply, in: embedding, at: "values") else { throw .malformed }
    try answer.vector(reply, values)
  }
}
