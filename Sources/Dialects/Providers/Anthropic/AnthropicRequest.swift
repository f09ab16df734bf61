// A chat request as a Messages request: everything but the model's name, which some hosts of Claude have elsewhere.

internal import Wire

/// Writes one request's members.
struct AnthropicRequest {
  let chat: ChatRequest
  let model: ClaudeModel
  private var turns = TurnList()

  init(_ chat: ChatRequest, _ model: ClaudeModel) {
    self.chat = chat
    self.model = model
  }

  /// Appends the members, with commas between them: `"max_tokens":…,"messages":[…],…`.
  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    var writer = self
    try writer.writeAll(body, &request)
  }

  private mutating func writeAll(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    let thinking = thinking(body, &request)
    request.body.append("\"max_tokens\":")
    request.body.append(decimal: maxTokens(thinking))
    writeSystem(body, &request)
    request.body.append(",\"messages\":[")
    for index in 0..<chat.messages.count where !chat.messages[index].isSystem {
      try writeTurn(index, body, &request)
    }
    turns.close(into: &request.body)
    request.body.append("]")
    try writeTools(body, thinking, &request)
    writeThinking(body, thinking, &request)
    writeOutput(body, thinking, &request)
    writeSampling(body, thinking, &request)
    writeRest(body, &request)
  }

  // MARK: Thinking

  enum Thinking: Equatable {
    case unsaid, disabled
    case adaptive(ChatEffort)
    case budget(Int)
    /// The client's own `thinking` object.
    case given(Range<Int>)

    var isOn: Bool {
      switch self {
      case .unsaid, .disabled: false
      case .adaptive, .budget, .given: true
      }
    }
  }

  private func thinking(_ body: Span<UInt8>, _ request: inout ProviderRequest) -> Thinking {
    if let given = chat.extended("thinking", in: body), JSONView.kind(body, given) == .object {
      let type = JSONView.value(body, in: given, at: "type")
      return type.map { JSONString.equals(body, $0, "disabled") } == true ? .disabled : .given(given)
    }
    guard let effort = chat.effort else { return .unsaid }
    guard model.thinks else {
      if effort != .none { request.dropped.add("reasoning_effort") }
      return .unsaid
    }
    if effort == .none { return .disabled }
    return model.thinksAdaptively ? .adaptive(effort) : .budget(effort.thinkingBudget)
  }

  /// The budget is a part of the answer's tokens, and must leave some for the answer.
  private func maxTokens(_ thinking: Thinking) -> Int {
    let wanted = chat.maxTokens ?? model.outputCeiling
    guard case .budget(let budget) = thinking, wanted <= budget else { return wanted }
    return budget + wanted
  }

  private func writeThinking(_ body: Span<UInt8>, _ thinking: Thinking, _ request: inout ProviderRequest) {
    switch thinking {
    case .unsaid: break
    case .disabled: request.body.append(",\"thinking\":{\"type\":\"disabled\"}")
    case .adaptive: request.body.append(",\"thinking\":{\"type\":\"adaptive\"}")
    case .budget(let budget):
      request.body.append(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":")
      request.body.append(decimal: budget)
      request.body.append("}")
    case .given(let range):
      request.body.append(",\"thinking\":")
      request.body.append(body.extracting(range))
    }
  }

  // MARK: System

  private func writeSystem(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    var blocks = BlockList(",\"system\":[")
    for message in chat.messages where message.isSystem {
      for at in message.parts {
        let part = chat.parts[at]
        guard let text = part.value, !JSONText.isBlank(body, text) else { continue }
        blocks.open(into: &request.body)
        AnthropicBlocks.writeText(
          body, text, part.cacheControl ?? (at == message.parts.upperBound - 1 ? message.cacheControl : nil),
          trimmed: false, into: &request.body)
      }
    }
    if chat.format == .jsonObject {
      blocks.open(into: &request.body)
      request.body.append("{\"type\":\"text\",\"text\":\"Answer with one JSON object and nothing else.\"}")
    }
    blocks.close(into: &request.body)
  }

  // MARK: Turns

  private mutating func writeTurn(
    _ index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let message = chat.messages[index]
    switch message.role {
    case .system, .developer: return
    case .assistant: try writeAssistant(message, isLast: index == chat.messages.count - 1, body, &request)
    case .user:
      for at in message.parts {
        let isLast = at == message.parts.upperBound - 1
        try writePart(chat.parts[at], isLast ? message.cacheControl : nil, body, &request)
      }
    case .tool: try writeResult(message, body, &request)
    }
  }

  private mutating func writeAssistant(
    _ message: ChatMessage, isLast: Bool, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    writeReplay(message, body, &request)
    for at in message.parts {
      let part = chat.parts[at]
      guard let text = part.value, part.kind == .text || part.kind == .refusal else {
        throw RequestFault(
          .unsupported, part.parameter, "The model's provider takes only text in the assistant's turns.")
      }
      // The start of an answer that the model is to go on with may not end in white space.
      let isPrefill = isLast && message.calls.isEmpty && at == message.parts.upperBound - 1
      if JSONText.isBlank(body, text) { continue }
      turns.open(.assistant, into: &request.body)
      AnthropicBlocks.writeText(
        body, text, part.cacheControl ?? (isPrefill ? nil : message.cacheControl), trimmed: isPrefill,
        into: &request.body)
    }
    for at in message.calls {
      let call = chat.calls[at]
      turns.open(.assistant, into: &request.body)
      request.body.append("{\"type\":\"tool_use\",\"id\":\"")
      AnthropicBlocks.appendID(body, call.id, fallback: at, into: &request.body)
      request.body.append("\",\"name\":")
      request.body.append(body.extracting(call.name))
      request.body.append(",\"input\":")
      if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add("arguments") }
      request.body.append("}")
    }
  }

  /// Earlier reasoning goes back as it came, and only where it is signed.
  private mutating func writeReplay(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    for at in message.thinking {
      let block = chat.thinking[at]
      if let data = block.redacted {
        turns.open(.assistant, into: &request.body)
        request.body.append("{\"type\":\"redacted_thinking\",\"data\":")
        request.body.append(body.extracting(data))
        request.body.append("}")
      } else if let signature = block.signature, signature.count > 2 {
        turns.open(.assistant, into: &request.body)
        request.body.append("{\"type\":\"thinking\",\"thinking\":")
        if let text = block.text ?? (message.thinking.count == 1 ? message.reasoning : nil) {
          request.body.append(body.extracting(text))
        } else {
          request.body.append("\"\"")
        }
        request.body.append(",\"signature\":")
        request.body.append(body.extracting(signature))
        request.body.append("}")
      }
    }
  }

  private mutating func writeResult(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    turns.open(.user, into: &request.body)
    request.body.append("{\"type\":\"tool_result\",\"tool_use_id\":\"")
    AnthropicBlocks.appendID(body, message.toolCallID, fallback: 0, into: &request.body)
    request.body.append("\"")
    var blocks = BlockList(",\"content\":[")
    var control = message.cacheControl
    for at in message.parts {
      let part = chat.parts[at]
      control = part.cacheControl ?? control
      if part.kind == .text || part.kind == .refusal {
        guard let text = part.value, !JSONText.isBlank(body, text) else { continue }
        blocks.open(into: &request.body)
        AnthropicBlocks.writeText(body, text, nil, trimmed: false, into: &request.body)
      } else {
        blocks.open(into: &request.body)
        try writeMedia(part, nil, body, &request)
      }
    }
    blocks.close(into: &request.body)
    AnthropicBlocks.writeControl(body, control, into: &request.body)
    request.body.append("}")
  }

  private mutating func writePart(
    _ part: ChatPart, _ control: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if part.kind == .text || part.kind == .refusal {
      guard let text = part.value, !JSONText.isBlank(body, text) else { return }
      turns.open(.user, into: &request.body)
      AnthropicBlocks.writeText(body, text, part.cacheControl ?? control, trimmed: false, into: &request.body)
      return
    }
    turns.open(.user, into: &request.body)
    try writeMedia(part, control, body, &request)
  }
}

// MARK: - Media

extension AnthropicRequest {
  private static let imageTypes: [StaticString] = ["image/jpeg", "image/png", "image/gif", "image/webp"]

  private func writeMedia(
    _ part: ChatPart, _ control: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    switch part.kind {
    case .image: try writeImage(part, body, &request)
    case .file: try writeDocument(part, body, &request)
    case .audio:
      throw RequestFault(.unsupported, part.parameter, "The model's provider takes no audio.")
    case .text, .refusal: return
    }
    AnthropicBlocks.writeControl(body, part.cacheControl ?? control, into: &request.body)
    request.body.append("}")
  }

  private func writeImage(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let url = part.value else { return }
    request.body.append("{\"type\":\"image\",\"source\":{")
    if let data = InlineData(body, url) {
      guard Self.imageTypes.contains(where: { data.isType($0) }) else {
        throw RequestFault(
          .unsupported, part.parameter + ".image_url",
          "The model's provider takes JPEG, PNG, GIF and WebP images.")
      }
      writeBase64(data, body, &request)
    } else {
      try writeURL(url, part.parameter + ".image_url", body, &request)
    }
    request.body.append("}")
  }

  private func writeDocument(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let value = part.value else {
      throw RequestFault(
        .unsupported, part.parameter + ".file.file_id",
        "A file's id means nothing to the model's provider; send 'file_data'.")
    }
    request.body.append("{\"type\":\"document\",\"source\":{")
    if let data = InlineData(body, value) {
      guard data.isType("application/pdf") else {
        throw RequestFault(
          .unsupported, part.parameter + ".file.file_data", "The model's provider takes PDF documents.")
      }
      writeBase64(data, body, &request)
    } else {
      let content = JSONString.content(body, value)
      if content.count > 4, content.extracting(0..<4).equalsIgnoringCase("http") {
        try writeURL(value, part.parameter + ".file.file_data", body, &request)
      } else {
        request.body.append("\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"")
        InlineData.appendBase64(content, into: &request.body)
        request.body.append("\"")
      }
    }
    request.body.append("}")
    if let name = part.third {
      request.body.append(",\"title\":")
      request.body.append(body.extracting(name))
    }
  }

  private func writeBase64(_ data: InlineData, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    request.body.append("\"type\":\"base64\",\"media_type\":")
    JSONWriter.string(data.mediaType.span, into: &request.body)
    request.body.append(",\"data\":\"")
    data.appendBase64(body, into: &request.body)
    request.body.append("\"")
  }

  private func writeURL(
    _ url: Range<Int>, _ parameter: String, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let content = JSONString.content(body, url)
    guard content.count > 7, content.extracting(0..<4).equalsIgnoringCase("http") else {
      throw RequestFault(.invalid, parameter, "The URL must begin with https:, http: or data: with base64.")
    }
    request.body.append("\"type\":\"url\",\"url\":")
    request.body.append(body.extracting(url))
  }
}
