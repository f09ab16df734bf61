// Embeddings of Cohere's models (docs: "Embed API v2"), which Bedrock passes on as they are (Bedrock user guide, "Cohere
// Embed").

internal import Wire

enum CohereEmbeddings {
  /// Beside OpenAI's members.
  private static let extensions: [StaticString] = ["input_type", "truncate"]

  /// Appends the members of the request but for the model: `"texts":[…],…`.
  static func write(
    _ embedding: EmbeddingRequest, _ body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    // Cohere's own limit; several requests would bill and fail in parts.
    guard embedding.inputs.count <= 96 else {
      throw RequestFault(
        .invalid, "input", "The model's provider embeds at most 96 texts at a time; send fewer.")
    }
    request.body.append("\"texts\":")
    embedding.appendTexts(body, into: &request.body)
    request.body.append(",\"input_type\":")
    if let type = embedding.extended("input_type", in: body) {
      request.body.append(body.extracting(type))
    } else {
      // What is embedded to be found later; a query says so itself.
      request.body.append("\"search_document\"")
    }
    request.body.append(",\"embedding_types\":[\"float\"]")
    if let dimensions = embedding.dimensions {
      if hasOneLength(request.model) {
        request.dropped.add("dimensions")
      } else {
        request.body.append(",\"output_dimension\":")
        request.body.append(decimal: dimensions)
      }
    }
    if let truncate = embedding.extended("truncate", in: body) {
      ChatRequest.appendMember("truncate", body.extracting(truncate), into: &request.body)
    }
    embedding.noteRest(taken: extensions, body, &request.dropped)
  }

  /// Models before the fourth generation have but one length, and refuse to be told another (docs: "Embed API v2",
  /// `output_dimension`).
  private static func hasOneLength(_ model: [UInt8]) -> Bool {
    let model = String(decoding: model, as: UTF8.self)
    guard model.contains("embed-english") || model.contains("embed-multilingual") else { return false }
    return model.contains("-v2") || model.contains("-v3") || model.contains("light")
  }

  /// Reads `{"embeddings":{"float":[…]}}`, and the list itself as older models answer; billed units are all that is told
  /// of usage.
  static func read(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    let whole = 0..<reply.count
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
}
