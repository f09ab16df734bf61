// A chat request as Cohere's v2 API takes it.

internal import Wire

struct CohereRequest {
  private let chat: ChatRequest

  init(_ chat: ChatRequest) { self.chat = chat }

  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    let model = request.model
    request.body.append("{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(chat.streams ? ",\"stream\":true,\"messages\":[" : ",\"stream\":false,\"messages\":[")
    try chat.appendSpokenTurns(body, &request) { (turn, body, request) throws(RequestFault) in
      try writeMessage(chat.messages[turn], body, &request)
    }
    request.body.append("]")
    try writeTools(body, &request)
    try writeFormat(body, &request)
    try writeSampling(body, &request)
    writeThinking(body, &request)
    chat.appendExtensions(CohereDialect.extensions, body, into: &request.body)
    request.body.append("}")
  }

  // MARK: Messages

  private func writeMessage(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    switch message.role {
    case .system, .developer:
      request.body.append("{\"role\":\"system\",\"content\":")
      try requireText(message)
      chat.appendText(of: message, body, into: &request.body)
    case .user:
      request.body.append("{\"role\":\"user\",\"content\":")
      try writeUserContent(message, body, &request)
    case .assistant: try writeAssistant(message, body, &request)
    case .tool:
      request.body.append("{\"role\":\"tool\",\"tool_call_id\":")
      if let id = message.toolCallID { request.body.append(body.extracting(id)) }
      request.body.append(",\"content\":")
      try requireText(message)
      chat.appendText(of: message, body, into: &request.body)
    }
    request.body.append("}")
  }

  private func requireText(_ message: ChatMessage) throws(RequestFault) {
    for at in message.parts where chat.parts[at].kind != .text && chat.parts[at].kind != .refusal {
      throw RequestFault(
        .unsupported, chat.parts[at].parameter, "The model's provider takes only text in turns of this role.")
    }
  }

  private func writeUserContent(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if message.parts.count < 2, chat.isText(message) {
      return chat.appendText(of: message, body, into: &request.body)
    }
    request.body.append("[")
    for at in message.parts {
      let part = chat.parts[at]
      guard let value = part.value else {
        throw RequestFault(
          .unsupported, part.parameter + ".file.file_id",
          "A file's id means nothing to the model's provider, and it takes no files; send their text.")
      }
      if at > message.parts.lowerBound { request.body.append(",") }
      switch part.kind {
      case .text, .refusal:
        request.body.append("{\"type\":\"text\",\"text\":")
        request.body.append(body.extracting(value))
      case .image:
        request.body.append("{\"type\":\"image_url\",\"image_url\":{\"url\":")
        request.body.append(body.extracting(value))
        if let detail = part.second {
          ChatRequest.appendMember("detail", body.extracting(detail), into: &request.body)
        }
        request.body.append("}")
      case .audio, .file:
        throw RequestFault(
          .unsupported, part.parameter,
          "The model's provider takes texts and images, but no audio and no files.")
      }
      request.body.append("}")
    }
    request.body.append("]")
  }

  private func writeAssistant(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    try requireText(message)
    request.body.append("{\"role\":\"assistant\"")
    if !message.calls.isEmpty {
      // The plan is what the model thought before it called; an earlier answer gave it as reasoning.
      if let plan = message.reasoning {
        ChatRequest.appendMember("tool_plan", body.extracting(plan), into: &request.body)
      }
      var calls = BlockList(",\"tool_calls\":[")
      for at in message.calls {
        let call = chat.calls[at]
        calls.open(into: &request.body)
        request.body.append("{\"id\":")
        if let id = call.id {
          request.body.append(body.extracting(id))
        } else {
          request.body.append("\"call_")
          request.body.append(decimal: at)
          request.body.append("\"")
        }
        request.body.append(",\"type\":\"function\",\"function\":{\"name\":")
        request.body.append(body.extracting(call.name))
        request.body.append(",\"arguments\":\"")
        var arguments = ByteQueue()
        if !chat.appendArguments(of: call, body, into: &arguments) { request.dropped.add(call, "arguments") }
        JSONText.appendCompact(arguments.bytes, escaped: true, into: &request.body)
        request.body.append("\"}}")
      }
      calls.close(into: &request.body)
    }
    if message.calls.isEmpty || !message.parts.isEmpty {
      request.body.append(",\"content\":")
      chat.appendText(of: message, body, separator: "", into: &request.body)
    }
  }

  // MARK: Tools and format

  private func writeTools(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    var tools = chat.offeredTools
    var choice: StaticString = ""
    switch chat.toolChoice {
    case .unsaid, .auto, .allowed(_, isRequired: false): break
    case .none: choice = "NONE"
    case .required, .allowed(_, isRequired: true): choice = "REQUIRED"
    case .named(let name):
      choice = "REQUIRED"
      let wanted = body.extracting(name)
      tools = tools.filter { body.extracting($0.name).equals(wanted) }
    }
    if tools.isEmpty { return }
    request.body.append(",\"tools\":")
    chat.appendFunctions(tools, body, into: &request.body)
    if tools.contains(where: { $0.strict == true }), chat.extended("strict_tools", in: body) == nil {
      request.body.append(",\"strict_tools\":true")
    }
    if choice.utf8CodeUnitCount > 0 {
      request.body.append(",\"tool_choice\":\"")
      request.body.append(choice)
      request.body.append("\"")
    }
  }

  private func writeFormat(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    if chat.format == .text { return }
    guard chat.offeredTools.isEmpty, chat.extended("documents", in: body) == nil else {
      throw RequestFault(
        .unsupported, "response_format",
        "The model's provider can't keep to a format and use tools or documents at once; leave one of them out."
      )
    }
    request.body.append(",\"response_format\":{\"type\":\"json_object\"")
    if case .jsonSchema(let schema?, _, _, _) = chat.format {
      ChatRequest.appendMember("json_schema", body.extracting(schema), into: &request.body)
    }
    request.body.append("}")
  }

  // MARK: Sampling

  private func writeSampling(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    if let count = chat.maxTokens {
      request.body.append(",\"max_tokens\":")
      request.body.append(decimal: count)
    }
    guard chat.stops.count <= 5 else {
      throw RequestFault(.unsupported, "stop", "The model's provider takes at most 5 stop sequences.")
    }
    chat.appendStops(",\"stop_sequences\":[", body, into: &request.body)
    writeClamped(.temperature, as: "temperature", 0...1, body, &request)
    chat.appendField(.seed, as: "seed", body, into: &request.body)
    writeClamped(.topP, as: "p", 0.01...0.99, body, &request)
    writeClamped(.presencePenalty, as: "presence_penalty", 0...1, body, &request)
    writeClamped(.frequencyPenalty, as: "frequency_penalty", 0...1, body, &request)
    for name: StaticString in ["k", "top_k"] {
      guard let k = chat.extended(name, in: body) else { continue }
      let isInside = JSONValue.double(body, k).map { (0...500).contains($0) } ?? true
      if !isInside { request.dropped.add(name) }
      request.body.append(",\"k\":")
      request.body.append(
        isInside
          ? body.extracting(k) : ((JSONValue.double(body, k) ?? 0) < 0 ? "0" as StaticString : "500").bytes)
      break
    }
    if chat.logprobs { request.body.append(",\"logprobs\":true") }
  }

  /// Cohere's scales are narrower than OpenAI's; a value outside of them is told as the nearest one inside.
  private func writeClamped(
    _ field: ChatField, as name: StaticString, _ range: ClosedRange<Double>, _ body: Span<UInt8>,
    _ request: inout ProviderRequest
  ) {
    guard let value = chat.value(field), let number = JSONValue.double(body, value) else { return }
    if range.contains(number) {
      return ChatRequest.appendMember(name, body.extracting(value), into: &request.body)
    }
    // `top_p: 1` is as good as 0.99, and not as nothing, which Cohere takes for 0.75.
    if field != .topP || number != 1 { request.dropped.add(field.name) }
    request.body.append(",\"")
    request.body.append(name)
    request.body.append("\":")
    JSONWriter.double(min(max(number, range.lowerBound), range.upperBound), into: &request.body)
  }

  private func writeThinking(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    if let given = chat.extended("thinking", in: body) {
      if JSONView.kind(body, given) != .object { request.dropped.add("thinking") }
      let budget =
        JSONView.value(body, in: given, at: "token_budget")
        ?? JSONView.value(body, in: given, at: "budget_tokens")
      let type = JSONView.value(body, in: given, at: "type")
      // What says nothing asks for nothing: models that can't think refuse to be told to.
      if type != nil || budget != nil {
        let isOff = type.map { JSONString.equals(body, $0, "disabled") } ?? false
        return writeThinking(isOff ? nil : .some(budget.flatMap { JSONValue.integer(body, $0) }), &request)
      }
    }
    guard let effort = chat.effort else { return }
    writeThinking(effort == .none ? nil : .some(effort.thinkingBudget), &request)
  }

  /// - Parameter budget: nil: it isn't to think; otherwise the tokens for it, if they are said.
  private func writeThinking(_ budget: Int??, _ request: inout ProviderRequest) {
    guard let budget else { return request.body.append(",\"thinking\":{\"type\":\"disabled\"}") }
    request.body.append(",\"thinking\":{\"type\":\"enabled\"")
    if let budget {
      request.body.append(",\"token_budget\":")
      request.body.append(decimal: max(budget, 1))
    }
    request.body.append("}")
  }
}
