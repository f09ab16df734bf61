// A chat request as /api/chat takes it.

internal import Wire

struct OllamaRequest {
  private let chat: ChatRequest

  init(_ chat: ChatRequest) { self.chat = chat }

  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    let model = request.model
    request.body.append("{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    // Said in any case: a stream is what Ollama gives unasked.
    request.body.append(chat.streams ? ",\"stream\":true,\"messages\":[" : ",\"stream\":false,\"messages\":[")
    try chat.appendSpokenTurns(body, &request) { (turn, body, request) throws(RequestFault) in
      try writeMessage(turn, body, &request)
    }
    request.body.append("]")
    try writeTools(body, &request)
    switch chat.format {
    case .text: break
    case .jsonObject, .jsonSchema(nil, _, _, _): request.body.append(",\"format\":\"json\"")
    case .jsonSchema(let schema?, _, _, _):
      ChatRequest.appendMember("format", body.extracting(schema), into: &request.body)
    }
    writeThinking(body, &request)
    writeOptions(body, &request)
    if let alive = chat.extended("keep_alive", in: body) {
      ChatRequest.appendMember("keep_alive", body.extracting(alive), into: &request.body)
    }
    request.body.append("}")
  }

  // MARK: Messages

  private func writeMessage(
    _ index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let message = chat.messages[index]
    switch message.role {
    case .system, .developer: request.body.append("{\"role\":\"system\",\"content\":")
    case .user: request.body.append("{\"role\":\"user\",\"content\":")
    case .assistant: request.body.append("{\"role\":\"assistant\",\"content\":")
    case .tool: request.body.append("{\"role\":\"tool\",\"content\":")
    }
    chat.appendText(of: message, body, into: &request.body)
    try writeImages(message, body, &request)
    if message.role == .assistant {
      if let reasoning = message.reasoning {
        ChatRequest.appendMember("thinking", body.extracting(reasoning), into: &request.body)
      }
      writeCalls(message, body, &request)
    }
    if message.role == .tool, let call = chat.call(answeredBy: index, in: body) {
      ChatRequest.appendMember("tool_name", body.extracting(call.name), into: &request.body)
    }
    request.body.append("}")
  }

  /// Images stand beside the text, as base64 alone.
  private func writeImages(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    var images = BlockList(",\"images\":[")
    for at in message.parts {
      let part = chat.parts[at]
      switch part.kind {
      case .text, .refusal: continue
      case .audio, .file:
        throw RequestFault(
          .unsupported, part.parameter,
          "The model's provider takes texts and images, but no audio and no files.")
      case .image: break
      }
      guard let url = part.value, let data = InlineData(body, url) else {
        throw RequestFault(
          .unsupported, part.parameter + ".image_url",
          "The model's provider takes images only in the request; send a data: URL in base64.")
      }
      images.open(into: &request.body)
      request.body.append("\"")
      data.appendBase64(body, into: &request.body)
      request.body.append("\"")
    }
    images.close(into: &request.body)
  }

  private func writeCalls(_ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    var calls = BlockList(",\"tool_calls\":[")
    for at in message.calls {
      let call = chat.calls[at]
      calls.open(into: &request.body)
      request.body.append("{\"function\":{\"name\":")
      request.body.append(body.extracting(call.name))
      request.body.append(",\"arguments\":")
      if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add(call, "arguments") }
      request.body.append("}}")
    }
    calls.close(into: &request.body)
  }

  // MARK: Beside the messages

  private func writeTools(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    switch chat.toolChoice {
    case .unsaid, .auto, .allowed(_, isRequired: false): break
    case .none: return
    case .required, .named, .allowed(_, isRequired: true):
      throw RequestFault(
        .unsupported, "tool_choice", "The model's provider can't be made to call a tool; use auto or none.")
    }
    let tools = chat.offeredTools
    if tools.isEmpty { return }
    if chat.parallelCalls == false { request.dropped.add("parallel_tool_calls") }
    request.body.append(",\"tools\":")
    chat.appendFunctions(tools, body, into: &request.body)
  }

  /// `true` and `false` are what every thinking model knows. Words are known to gpt-oss alone; elsewhere older servers
  /// refuse them (docs: "Thinking").
  private func writeThinking(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    if let think = chat.extended("think", in: body) {
      return ChatRequest.appendMember("think", body.extracting(think), into: &request.body)
    }
    guard let effort = chat.effort else { return }
    let takesWords = String(decoding: request.model, as: UTF8.self).contains("gpt-oss")
    switch effort {
    case .none: request.body.append(",\"think\":false")
    case _ where !takesWords: request.body.append(",\"think\":true")
    case .minimal, .low: request.body.append(",\"think\":\"low\"")
    case .medium: request.body.append(",\"think\":\"medium\"")
    case .high, .xhigh, .max: request.body.append(",\"think\":\"high\"")
    }
  }

  private func writeOptions(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    var members = ByteQueue()
    if let count = chat.maxTokens {
      members.append(",\"num_predict\":")
      members.append(decimal: count)
    }
    chat.appendField(.temperature, as: "temperature", body, into: &members)
    chat.appendField(.topP, as: "top_p", body, into: &members)
    chat.appendField(.presencePenalty, as: "presence_penalty", body, into: &members)
    chat.appendField(.frequencyPenalty, as: "frequency_penalty", body, into: &members)
    chat.appendField(.seed, as: "seed", body, into: &members)
    chat.appendExtensions(OllamaDialect.options, body, into: &members)
    chat.appendStops(",\"stop\":[", body, into: &members)
    // What the client says itself comes last: of two members of one name the last counts.
    if let options = chat.extended("options", in: body), JSONView.kind(body, options) == .object {
      var own = JSONObjectCursor(body, options)
      while let member = own.next() {
        members.append(",")
        members.append(body.extracting(member.key.lowerBound - 1..<member.value.upperBound))
      }
    }
    if members.isEmpty { return }
    request.body.append(",\"options\":{")
    request.body.append(members.bytes.extracting(1..<members.count))
    request.body.append("}")
  }
}
