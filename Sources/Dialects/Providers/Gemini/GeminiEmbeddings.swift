// Embeddings of the Gemini API (docs: "batchEmbedContents") and of Vertex AI (docs: "Text embeddings API").

internal import Wire

enum GeminiEmbeddings {
  /// What may be said of the texts, beside OpenAI's members.
  private static let extensions: [StaticString] = ["task_type", "taskType", "title"]

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
      request.body.append(",\"content\":{\"parts\":[{\"text\":")
      request.body.append(body.extracting(input))
      request.body.append("}]}")
      if let task = task(embedding, body) {
        request.body.append(",\"taskType\":")
        request.body.append(body.extracting(task))
      }
      if let title = embedding.extended("title", in: body) {
        request.body.append(",\"title\":")
        request.body.append(body.extracting(title))
      }
      if let dimensions = embedding.dimensions {
        request.body.append(",\"outputDimensionality\":")
        request.body.append(decimal: dimensions)
      }
      request.body.append("}")
    }
    request.body.append("]}")
    noteRest(embedding, body, &request)
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
    noteRest(embedding, body, &request)
  }

  private static func task(_ embedding: EmbeddingRequest, _ body: Span<UInt8>) -> Range<Int>? {
    embedding.extended("task_type", in: body) ?? embedding.extended("taskType", in: body)
  }

  private static func noteRest(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    if embedding.user != nil { request.dropped.add("user") }
    for member in embedding.extensions
    where !extensions.contains(where: { JSONString.equals(body, member.key, $0) }) {
      request.dropped.add(body.extracting(member.key))
    }
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
          let tokens = GeminiReader.count(reply, count)
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
      answer.usage.input = GeminiReader.count(reply, count)
    }
  }

  private static func readVector(
    _ reply: Span<UInt8>, _ embedding: Range<Int>, to answer: inout EmbeddingWriter
  ) throws(AnswerFault) {
    guard let values = JSONView.value(reply, in: embedding, at: "values") else { throw .malformed }
    try answer.vector(reply, values)
  }
}
