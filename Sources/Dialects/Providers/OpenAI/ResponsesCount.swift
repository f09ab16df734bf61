// How many tokens a message has, asked of the Responses API in its own words (OpenAI API reference, "Get input token
// counts"): there OpenAI and Azure count ahead of an answer, and nowhere for a chat.

internal import Wire

/// The question. A dialect that has this one operation, for providers whose chats need none.
package final class ResponsesCount: Dialect {
  package init() {}

  /// Beside what has tokens, what a count may say and doesn't change it.
  package var takes: ChatFields {
    ChatFields([
      .maxTokens, .maxCompletionTokens, .temperature, .topP, .stop, .user, .reasoningEffort, .responseFormat,
      .tools, .toolChoice, .parallelToolCalls,
    ])
  }
  /// Marks have no tokens, so that nothing is lost with them.
  package var keepsCacheControl: Bool { true }

  package func counts(_ model: [UInt8]) -> Bool { true }

  package func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/responses/input_tokens")
    request.body.append("{\"model\":")
    let model = request.model
    JSONWriter.string(model.span, into: &request.body)
    try ResponsesCountBody(chat).write(body, into: &request.body)
    request.body.append("}")
  }

  package func readCount(_ reply: Span<UInt8>) -> Int? { AnthropicDialect.readCount(reply) }

  /// A server of the same make without this path counts no tokens; where 404 says so, clients estimate.
  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    var fault = Fault.read(body, status: status)
    if status == 405 || status == 501 { fault.status = 404 }
    return fault
  }

  // MARK: What isn't asked of it

  package func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    throw RequestFault(.unsupported, "model", "The model's provider is asked in this form for counts alone.")
  }

  package func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader { NoAnswer() }

  private final class NoAnswer: AnswerReader {
    var hasEnded: Bool { true }
    var mayEnd: Bool { true }
    func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
      throw .malformed
    }
    func read(
      _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
    ) throws(AnswerFault) { throw .malformed }
  }
}

/// A chat as the members of a Responses request that have tokens, each with a comma before it.
private struct ResponsesCountBody {
  private let chat: ChatRequest

  init(_ chat: ChatRequest) { self.chat = chat }

  func write(_ body: Span<UInt8>, into out: inout ByteQueue) throws(RequestFault) {
    var items = BlockList(",\"input\":[")
    for message in chat.messages { try writeTurn(message, body, &items, &out) }
    items.close(into: &out)
    writeTools(body, &out)
    writeFormat(body, &out)
  }

  // MARK: Items

  private func writeTurn(
    _ message: ChatMessage, _ body: Span<UInt8>, _ items: inout BlockList, _ out: inout ByteQueue
  ) throws(RequestFault) {
    let role: StaticString
    switch message.role {
    case .system: role = "system"
    case .developer: role = "developer"
    case .user: role = "user"
    case .assistant: role = "assistant"
    case .tool:
      items.open(into: &out)
      out.append("{\"type\":\"function_call_output\",\"call_id\":")
      append(message.toolCallID, else: "\"\"", body, &out)
      out.append(",\"output\":")
      try writeContent(message, body, &out)
      return out.append("}")
    }
    // What the model thought is OpenAI's own, sealed; another's thoughts it doesn't take back, nor counts.
    if !message.parts.isEmpty || message.calls.isEmpty {
      items.open(into: &out)
      out.append("{\"role\":\"")
      out.append(role)
      out.append("\",\"content\":")
      try writeContent(message, body, &out)
      out.append("}")
    }
    for at in message.calls { writeCall(at, body, &items, &out) }
  }

  private func writeCall(_ at: Int, _ body: Span<UInt8>, _ items: inout BlockList, _ out: inout ByteQueue) {
    let call = chat.calls[at]
    items.open(into: &out)
    out.append("{\"type\":\"function_call\",\"call_id\":")
    append(call.id, else: "\"\"", body, &out)
    ChatRequest.appendMember("name", body.extracting(call.name), into: &out)
    out.append(",\"arguments\":")
    var arguments = ByteQueue()
    _ = chat.appendArguments(of: call, body, into: &arguments)
    JSONWriter.string(arguments.bytes, into: &out)
    out.append("}")
  }

  private func writeContent(
    _ message: ChatMessage, _ body: Span<UInt8>, _ out: inout ByteQueue
  ) throws(RequestFault) {
    if chat.isText(message) { return chat.appendText(of: message, body, into: &out) }
    out.append("[")
    for at in message.parts {
      if at > message.parts.lowerBound { out.append(",") }
      try writePart(chat.parts[at], body, &out)
    }
    out.append("]")
  }

  private func writePart(
    _ part: ChatPart, _ body: Span<UInt8>, _ out: inout ByteQueue
  ) throws(RequestFault) {
    guard let value = part.value, part.kind != .audio else {
      throw RequestFault(.unsupported, part.parameter, "The tokens of this part can't be counted.")
    }
    switch part.kind {
    case .text, .refusal, .audio: out.append("{\"type\":\"input_text\",\"text\":")
    case .image: out.append("{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":")
    case .file:
      let isAddress =
        InlineData(body, value) == nil && InlineData.isAddress(JSONString.content(body, value))
      out.append("{\"type\":\"input_file\",\"filename\":")
      append(part.third, else: "\"document.pdf\"", body, &out)
      out.append(isAddress ? ",\"file_url\":" : ",\"file_data\":")
    }
    out.append(body.extracting(value))
    out.append("}")
  }

  // MARK: The rest

  private func writeTools(_ body: Span<UInt8>, _ out: inout ByteQueue) {
    let tools = chat.offeredTools
    if tools.isEmpty { return }
    var list = BlockList(",\"tools\":[")
    for tool in tools {
      list.open(into: &out)
      out.append("{\"type\":\"function\",\"name\":")
      out.append(body.extracting(tool.name))
      if let description = tool.description {
        ChatRequest.appendMember("description", body.extracting(description), into: &out)
      }
      out.append(",\"parameters\":")
      JSONSchemaText.appendObject(tool.parameters, body, into: &out)
      // Unsaid it would be true there, and a chat's is false.
      out.append(tool.strict == true ? ",\"strict\":true}" : ",\"strict\":false}")
    }
    list.close(into: &out)
    switch chat.toolChoice {
    case .unsaid: break
    case .auto, .allowed(_, isRequired: false): out.append(",\"tool_choice\":\"auto\"")
    case .none: out.append(",\"tool_choice\":\"none\"")
    case .required, .allowed(_, isRequired: true): out.append(",\"tool_choice\":\"required\"")
    case .named(let name):
      out.append(",\"tool_choice\":{\"type\":\"function\",\"name\":")
      out.append(body.extracting(name))
      out.append("}")
    }
  }

  private func writeFormat(_ body: Span<UInt8>, _ out: inout ByteQueue) {
    switch chat.format {
    case .text: return
    case .jsonSchema(let schema?, let name, _, let isStrict):
      out.append(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":")
      append(name, else: "\"answer\"", body, &out)
      ChatRequest.appendMember("schema", body.extracting(schema), into: &out)
      out.append(isStrict == true ? ",\"strict\":true}}" : "}}")
    case .jsonObject, .jsonSchema: out.append(",\"text\":{\"format\":{\"type\":\"json_object\"}}")
    }
  }

  private func append(
    _ value: Range<Int>?, else other: StaticString, _ body: Span<UInt8>, _ out: inout ByteQueue
  ) {
    if let value { out.append(body.extracting(value)) } else { out.append(other) }
  }
}
