// Embeddings on Bedrock: there is no common form, so each maker's own goes through InvokeModel (Bedrock user guide,
// "Amazon Titan Text Embeddings" and "Cohere Embed"; Nova user guide, "Embeddings schema").

internal import Wire

extension BedrockDialect {
  private enum Maker { case cohere, titan, nova }

  private static func maker(_ model: [UInt8]) -> Maker? {
    let model = String(decoding: model, as: UTF8.self)
    if model.contains("cohere.embed") { return .cohere }
    if model.contains("titan-embed") { return .titan }
    return model.contains("amazon.nova") && model.contains("embed") ? .nova : nil
  }

  package func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let maker = Self.maker(request.model) else {
      throw RequestFault(
        .unsupported, "model",
        "Of Bedrock's models, Titan's, Nova's and Cohere's can be asked for embeddings.")
    }
    request.path.append("/model/")
    request.appendModel()
    request.path.append("/invoke")
    request.body.append("{")
    switch maker {
    case .cohere: try CohereEmbeddings.write(embedding, body, to: &request)
    case .titan: try writeTitan(embedding, body, &request)
    case .nova: try writeNova(embedding, body, &request)
    }
    request.body.append("}")
  }

  private func onlyInput(_ embedding: EmbeddingRequest) throws(RequestFault) -> Range<Int> {
    guard embedding.inputs.count == 1, let input = embedding.inputs.first else {
      throw RequestFault(
        .unsupported, "input", "The model embeds one text at a time; send one, or use another model.")
    }
    return input
  }

  private func writeTitan(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    request.body.append("\"inputText\":")
    request.body.append(body.extracting(try onlyInput(embedding)))
    if let dimensions = embedding.dimensions {
      if String(decoding: request.model, as: UTF8.self).contains("titan-embed-text-v1") {
        // The first generation has but one length, and refuses to be told another.
        request.dropped.add("dimensions")
      } else {
        request.body.append(",\"dimensions\":")
        request.body.append(decimal: dimensions)
      }
    }
    embedding.noteRest(taken: [], body, &request.dropped)
  }

  private func writeNova(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let input = try onlyInput(embedding)
    request.body.append(
      "\"taskType\":\"SINGLE_EMBEDDING\",\"singleEmbeddingParams\":{\"embeddingPurpose\":")
    if let purpose = embedding.extended("embeddingPurpose", in: body) {
      request.body.append(body.extracting(purpose))
    } else {
      // What is embedded to be found later; a query says so itself.
      request.body.append("\"GENERIC_INDEX\"")
    }
    if let dimensions = embedding.dimensions {
      request.body.append(",\"embeddingDimension\":")
      request.body.append(decimal: dimensions)
    }
    request.body.append(",\"text\":{\"truncationMode\":\"END\",\"value\":")
    request.body.append(body.extracting(input))
    request.body.append("}}")
    embedding.noteRest(taken: ["embeddingPurpose"], body, &request.dropped)
  }

  /// Titan answers with one vector, Nova with a list of objects, Cohere as at its own address.
  package func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
    for name: StaticString in ["inputTextTokenCount", "inputTokenCount"] {
      if let count = JSONView.value(reply, in: whole, at: name) {
        answer.usage.input = TokenCount.read(reply, count)
      }
    }
    if let vector = JSONView.value(reply, in: whole, at: "embedding") {
      return try answer.vector(reply, vector)
    }
    guard let list = JSONView.value(reply, in: whole, at: "embeddings"), JSONView.kind(reply, list) == .array
    else { return try CohereEmbeddings.read(reply, to: &answer) }
    var elements = JSONArrayCursor(reply, list)
    while let element = elements.next() {
      try answer.vector(reply, JSONView.value(reply, in: element.value, at: "embedding") ?? element.value)
    }
  }
}
