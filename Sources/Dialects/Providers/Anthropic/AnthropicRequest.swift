// A chat request as a Messages request: everything but the model's name, which some hosts of Claude have elsewhere.

internal import Wire

/// Writes one request's members.
struct AnthropicRequest {
  let chat: ChatRequest
  let model: ClaudeModel
  let host: ClaudeHost
  var turns = TurnList(filler: "{\"type\":\"text\",\"text\":\"Begin.\"}")

  init(_ chat: ChatRequest, _ model: ClaudeModel, _ host: ClaudeHost) {
    self.chat = chat
    self.model = model
    self.host = host
  }

  /// Appends the members, with commas between them: `"max_tokens":…,"messages":[…],…`.
  mutating func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    let thinking = ClaudeThinking(chat, body, model, isBedrock: false, &request.dropped)
    request.body.append(literal: "\"max_tokens\":")
    request.body.append(decimal: thinking.limit(chat.maxTokens ?? model.outputCeiling))
    writeSystem(",\"system\":[", body, &request)
    request.body.append(literal: ",\"messages\":[")
    try writeTurns(body, &request)
    request.body.append(literal: "]")
    try writeTools(body, thinking, &request)
    if thinking.mode != .unsaid {
      request.body.append(literal: ",")
      thinking.write(body, into: &request.body)
    }
    try writeOutput(body, thinking, &request)
    writeSampling(body, thinking, &request)
    writeRest(body, &request)
  }

  /// Appends the members whose tokens are counted, and no others: the rest is refused there (API reference, "Count tokens
  /// in a Message").
  mutating func writeCounted(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    let thinking = ClaudeThinking(chat, body, model, isBedrock: false, &request.dropped)
    request.body.append(literal: "\"messages\":[")
    try writeTurns(body, &request)
    request.body.append(literal: "]")
    writeSystem(",\"system\":[", body, &request)
    try writeTools(body, thinking, &request)
    if thinking.mode != .unsaid {
      request.body.append(literal: ",")
      thinking.write(body, into: &request.body)
    }
    try writeOutput(body, thinking, &request)
  }
}

// MARK: - Blocks

extension AnthropicRequest: BlockTurns {
  static var textOpening: StaticString { "{\"type\":\"text\",\"text\":\"" }
  static var marksPrefill: Bool { true }

  /// `"cache_control":…` becomes the last member of the block, whose brace ends the body so far.
  static func writeMark(_ control: Range<Int>, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    request.body.truncate(to: request.body.count - 1)
    AnthropicBlocks.writeControl(body, control, into: &request.body)
    request.body.append(literal: "}")
  }

  func writeCall(_ at: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    let call = chat.calls[at]
    request.body.append(literal: "{\"type\":\"tool_use\",\"id\":\"")
    AnthropicBlocks.appendID(body, call.id, fallback: at, into: &request.body)
    request.body.append(literal: "\",\"name\":")
    request.body.append(body.extracting(call.name))
    request.body.append(literal: ",\"input\":")
    if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add(call, "arguments") }
    request.body.append(literal: "}")
  }

  var takesThoughts: Bool { model.thinks }

  func writeThought(
    _ thought: ChatThinking, text: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    if let data = thought.redacted {
      request.body.append(literal: "{\"type\":\"redacted_thinking\",\"data\":")
      request.body.append(body.extracting(data))
    } else {
      request.body.append(literal: "{\"type\":\"thinking\",\"thinking\":")
      if let text { request.body.append(body.extracting(text)) } else { request.body.append(literal: "\"\"") }
      if let signature = thought.signature {
        ChatRequest.appendMember("signature", body.extracting(signature), into: &request.body)
      }
    }
    request.body.append(literal: "}")
  }

  func writeResult(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    request.body.append(literal: "{\"type\":\"tool_result\",\"tool_use_id\":\"")
    AnthropicBlocks.appendID(body, message.toolCallID, fallback: 0, into: &request.body)
    request.body.append(literal: "\"")
    var blocks = BlockList(",\"content\":[")
    for at in message.parts {
      let part = chat.parts[at]
      if !chat.isText(part) {
        blocks.open(into: &request.body)
        try writeMedia(part, body, &request)
      } else if let text = part.value, !JSONText.isBlank(body, text) {
        blocks.open(into: &request.body)
        writeText(text, body, &request)
      }
    }
    blocks.close(into: &request.body)
    request.body.append(literal: "}")
  }

  func writeMedia(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    switch part.kind {
    case .image: try writeImage(part, body, &request)
    case .file: try writeDocument(part, body, &request)
    case .audio:
      throw RequestFault(.unsupported, part.parameter, "The model's provider takes no audio.")
    case .text, .refusal: return
    }
    request.body.append(literal: "}")
  }
}

// MARK: - Media

extension AnthropicRequest {
  private static let imageTypes: [StaticString] = ["image/jpeg", "image/png", "image/gif", "image/webp"]

  private func writeImage(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let url = part.value else { return }
    let parameter = part.parameter + ".image_url"
    if let data = InlineData(body, url) { return try writeInline(data, part, parameter, body, &request) }
    request.body.append(literal: "{\"type\":\"image\",\"source\":{")
    try writeURL(url, parameter, body, &request)
    request.body.append(literal: "}")
  }

  private func writeDocument(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let value = part.value else {
      throw RequestFault(
        .unsupported, part.parameter + ".file.file_id",
        "A file's id means nothing to the model's provider; send 'file_data'.")
    }
    let parameter = part.parameter + ".file.file_data"
    let content = JSONString.content(body, value)
    if let data = InlineData(body, value) {
      try writeInline(data, part, parameter, body, &request)
    } else if content.count > 4, content.extracting(0..<4).equalsIgnoringCase("http") {
      request.body.append(literal: "{\"type\":\"document\",\"source\":{")
      try writeURL(value, parameter, body, &request)
      request.body.append(literal: "}")
      writeTitle(part, body, &request)
    } else if InlineData.isAddress(content) {
      throw RequestFault(
        .invalid, parameter,
        "The file must be a data: URL in base64, bare base64, or an address that begins with https:.")
    } else {
      let data = InlineData(bare: body, value, as: "application/pdf")
      try writeInline(data, part, parameter, body, &request)
    }
  }

  /// A picture or a PDF, whichever the bytes are: a part of the one kind may hold the other.
  private func writeInline(
    _ data: InlineData, _ part: ChatPart, _ parameter: String, _ body: Span<UInt8>,
    _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let type = data.type(body)
    if type.span.equals("application/pdf") {
      request.body.append(literal: "{\"type\":\"document\",\"source\":{")
      writeBase64(data, type, body, &request)
      request.body.append(literal: "}")
      return writeTitle(part, body, &request)
    }
    guard Self.imageTypes.contains(where: { type.span.equals($0) }) else {
      throw RequestFault(
        .unsupported, parameter,
        part.kind == .image
          ? "The model's provider takes JPEG, PNG, GIF and WebP images."
          : "The model's provider takes PDF documents.")
    }
    request.body.append(literal: "{\"type\":\"image\",\"source\":{")
    writeBase64(data, type, body, &request)
    request.body.append(literal: "}")
  }

  private func writeTitle(_ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    guard part.kind == .file, let name = part.third else { return }
    request.body.append(literal: ",\"title\":")
    request.body.append(body.extracting(name))
  }

  private func writeBase64(
    _ data: InlineData, _ type: [UInt8], _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    request.body.append(literal: "\"type\":\"base64\",\"media_type\":")
    JSONWriter.string(type.span, into: &request.body)
    request.body.append(literal: ",\"data\":\"")
    data.appendBase64(body, into: &request.body)
    request.body.append(literal: "\"")
  }

  private func writeURL(
    _ url: Range<Int>, _ parameter: String, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let content = JSONString.content(body, url)
    guard content.count > 7, content.extracting(0..<4).equalsIgnoringCase("http") else {
      throw RequestFault(.invalid, parameter, "The URL must begin with https:, http: or data: with base64.")
    }
    // What Anthropic fetches itself, it doesn't fetch for Google (docs: "Claude on Vertex AI", features that are not
    // supported).
    if host == .vertex {
      throw RequestFault(
        .unsupported, parameter, "Claude at Vertex AI reads no web addresses; send a data: URL in base64.")
    }
    request.body.append(literal: "\"type\":\"url\",\"url\":")
    request.body.append(body.extracting(url))
  }
}
