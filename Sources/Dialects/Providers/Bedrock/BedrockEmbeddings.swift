// Embeddings on Bedrock: there is no common form, so each maker's own goes through InvokeModel (Bedrock user guide,
// "Amazon Titan Text Embeddings" and "Cohere Embed").

internal import Wire

extension BedrockDialect {
  package func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    let model = String(decoding: request.model, as: UTF8.self)
    if model.contains("cohere.embed") {
      try writeCohere(embedding, body, &request)
    } else if model.contains("titan-embed") {
      try writeTitan(embedding, body, &request)
    } else {
      throw RequestFault(
        .unsupported, "model", "Of Bedrock's models, Titan's and Cohere's can be asked for embeddings.")
    }
    request.path.append("/model/")
    request.appendModel()
    request.path.append("/invoke")
    for member in embedding.extensions where !isCohereType(member, body, model) {
      request.dropped.add(body.extracting(member.key))
    }
    if embedding.user != nil { request.dropped.add("user") }
  }

  private func isCohereType(_ member: ChatExtension, _ body: Span<UInt8>, _ model: String) -> Bool {
    model.contains("cohere.embed") && JSONString.equals(body, member.key, "input_type")
  }

  private func writeCohere(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    // Cohere's own limit; several requests would bill and fail in parts.
    guard embedding.inputs.count <= 96 else {
      throw RequestFault(.invalid, "input", "The model embeds at most 96 texts at a time; send fewer.")
    }
    request.body.append("{\"texts\":[")
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
    request.body.append("}")
  }

  private func writeTitan(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard embedding.inputs.count == 1, let input = embedding.inputs.first else {
      throw RequestFault(
        .unsupported, "input", "The model embeds one text at a time; send one, or use another model.")
    }
    request.body.append("{\"inputText\":")
    request.body.append(body.extracting(input))
    if let dimensions = embedding.dimensions {
      request.body.append(",\"dimensions\":")
      request.body.append(decimal: dimensions)
    }
    request.body.append("}")
  }

  package func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
    if let vector = JSONView.value(reply, in: whole, at: "embedding") {
      try answer.vector(reply, vector)
      if let count = JSONView.value(reply, in: whole, at: "inputTextTokenCount") {
        answer.usage.input = JSONValue.integer(reply, count)
      }
      return
    }
    // Cohere's answer is sorted by type, or, from older models, the list itself.
    guard
      let list = JSONView.value(reply, in: whole, at: "embeddings", "float")
        ?? JSONView.value(reply, in: whole, at: "embeddings"), JSONView.kind(reply, list) == .array
    else { throw .malformed }
    var vectors = JSONArrayCursor(reply, list)
    while let vector = vectors.next() { try answer.vector(reply, vector.value) }
  }
}
