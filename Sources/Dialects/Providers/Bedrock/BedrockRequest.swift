// A chat request as a Converse request: the system's word and the turns. The rest is BedrockSettings.swift, pictures
// and documents BedrockMedia.swift.

internal import Wire

/// Writes one request's members.
struct BedrockRequest {
  let chat: ChatRequest
  let model: BedrockModel
  private var turns = TurnList()
  /// Documents so far: each needs a name of its own.
  var documents = 0

  init(_ chat: ChatRequest, _ model: BedrockModel) {
    self.chat = chat
    self.model = model
  }

  /// Appends the members, with commas between them: `"messages":[…],…`.
  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    var writer = self
    try writer.writeAll(body, &request)
  }

  private mutating func writeAll(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    request.body.append("\"messages\":[")
    for index in 0..<chat.messages.count where !chat.messages[index].isSystem {
      try writeTurn(index, body, &request)
    }
    turns.close(into: &request.body)
    request.body.append("]")
    writeSystem(body, &request)
    let thinking = thinking(body, &request)
    writeInference(body, thinking, &request)
    try writeTools(body, thinking, &request)
    writeFormat(body, &request)
    writeAdditional(body, thinking, &request)
    writeRest(body, &request)
  }

  // MARK: System

  private func writeSystem(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    var blocks = BlockList(",\"system\":[")
    for message in chat.messages where message.isSystem {
      for at in message.parts {
        let part = chat.parts[at]
        guard let text = part.value, !JSONText.isBlank(body, text) else { continue }
        blocks.open(into: &request.body)
        writeText(body, text, trimmed: false, &request)
        if let control = part.cacheControl
          ?? (at == message.parts.upperBound - 1 ? message.cacheControl : nil)
        {
          blocks.open(into: &request.body)
          writeCachePoint(body, control, &request)
        }
      }
    }
    if chat.format == .jsonObject {
      blocks.open(into: &request.body)
      request.body.append("{\"text\":\"Answer with one JSON object and nothing else.\"}")
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
        let part = chat.parts[at]
        if let text = part.value, part.kind == .text || part.kind == .refusal {
          if JSONText.isBlank(body, text) { continue }
          turns.open(.user, into: &request.body)
          writeText(body, text, trimmed: false, &request)
        } else {
          turns.open(.user, into: &request.body)
          try writeMedia(part, isInResult: false, body, &request)
        }
        cache(
          part.cacheControl ?? (at == message.parts.upperBound - 1 ? message.cacheControl : nil), body, .user,
          &request)
      }
    case .tool: try writeResult(message, body, &request)
    }
  }

  private mutating func cache(
    _ control: Range<Int>?, _ body: Span<UInt8>, _ role: TurnList.Role, _ request: inout ProviderRequest
  ) {
    guard let control else { return }
    turns.open(role, into: &request.body)
    writeCachePoint(body, control, &request)
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
      if JSONText.isBlank(body, text) { continue }
      // The start of an answer that the model is to go on with may not end in white space.
      let isPrefill = isLast && message.calls.isEmpty && at == message.parts.upperBound - 1
      turns.open(.assistant, into: &request.body)
      writeText(body, text, trimmed: isPrefill, &request)
      cache(part.cacheControl ?? (isPrefill ? nil : message.cacheControl), body, .assistant, &request)
    }
    for at in message.calls {
      let call = chat.calls[at]
      turns.open(.assistant, into: &request.body)
      request.body.append("{\"toolUse\":{\"toolUseId\":\"")
      appendID(body, call.id, fallback: at, into: &request.body)
      request.body.append("\",\"name\":")
      request.body.append(body.extracting(call.name))
      request.body.append(",\"input\":")
      if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add("arguments") }
      request.body.append("}}")
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
        request.body.append("{\"reasoningContent\":{\"redactedContent\":")
        request.body.append(body.extracting(data))
        request.body.append("}}")
      } else if let signature = block.signature, signature.count > 2 {
        turns.open(.assistant, into: &request.body)
        request.body.append("{\"reasoningContent\":{\"reasoningText\":{\"text\":")
        if let text = block.text ?? (message.thinking.count == 1 ? message.reasoning : nil) {
          request.body.append(body.extracting(text))
        } else {
          request.body.append("\"\"")
        }
        request.body.append(",\"signature\":")
        request.body.append(body.extracting(signature))
        request.body.append("}}}")
      }
    }
  }

  private mutating func writeResult(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    turns.open(.user, into: &request.body)
    request.body.append("{\"toolResult\":{\"toolUseId\":\"")
    appendID(body, message.toolCallID, fallback: 0, into: &request.body)
    request.body.append("\",\"content\":[")
    var blocks = BlockList("")
    var control = message.cacheControl
    var isEmpty = true
    for at in message.parts {
      let part = chat.parts[at]
      control = part.cacheControl ?? control
      let isText = part.kind == .text || part.kind == .refusal
      if isText, part.value.map({ JSONText.isBlank(body, $0) }) ?? true { continue }
      blocks.open(into: &request.body)
      isEmpty = false
      if isText, let text = part.value {
        writeText(body, text, trimmed: false, &request)
      } else {
        try writeMedia(part, isInResult: true, body, &request)
      }
    }
    // There must be something, and blank texts are refused.
    if isEmpty { request.body.append("{\"json\":{}}") }
    request.body.append("]}}")
    cache(control, body, .user, &request)
  }

  // MARK: Blocks

  func writeText(
    _ body: Span<UInt8>, _ text: Range<Int>, trimmed: Bool, _ request: inout ProviderRequest
  ) {
    request.body.append("{\"text\":\"")
    let content = JSONString.content(body, text)
    request.body.append(
      content.extracting(0..<(trimmed ? JSONText.trimmedCount(content) : content.count)))
    request.body.append("\"}")
  }

  /// `{"cachePoint":{"type":"default"}}`, for Anthropic's `cache_control`.
  func writeCachePoint(_ body: Span<UInt8>, _ control: Range<Int>, _ request: inout ProviderRequest) {
    request.body.append("{\"cachePoint\":{\"type\":\"default\"")
    let life = JSONView.content(body, in: control, at: "ttl")
    if life.equals("1h") || life.equals("5m") {
      request.body.append(",\"ttl\":\"")
      request.body.append(life)
      request.body.append("\"")
    }
    request.body.append("}}")
  }

  /// Appends a tool call's id in the form that the model takes, the same for a call and its result: 64 of
  /// `[a-zA-Z0-9_.:-]`, or nine letters and digits.
  func appendID(_ body: Span<UInt8>, _ id: Range<Int>?, fallback: Int, into out: inout ByteQueue) {
    guard let id, id.count > 2 else {
      out.append(model.wantsShortIDs ? "call0000" : "call_")
      return out.append(decimal: fallback % (model.wantsShortIDs ? 10 : Int.max))
    }
    let content = JSONString.content(body, id)
    var isWord = true
    for at in 0..<content.count where !Self.isWord(content[at]) { isWord = false }
    if model.wantsShortIDs, !isWord || content.count != 9 {
      return Self.appendDigest(content, count: 9, into: &out)
    }
    if content.count > 64 {
      out.append("call_")
      return Self.appendDigest(content, count: 13, into: &out)
    }
    for at in 0..<content.count {
      let byte = content[at]
      let isLegal =
        Self.isWord(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == ASCII.colon
        || byte == UInt8(ascii: "-")
      out.append(isLegal ? byte : UInt8(ascii: "_"))
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26
  }

  /// Appends letters and digits that are the same for the same bytes (FNV-1a).
  private static func appendDigest(_ bytes: Span<UInt8>, count: Int, into out: inout ByteQueue) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x100_0000_01B3 }
    for _ in 0..<count {
      let digit = UInt8(truncatingIfNeeded: hash % 36)
      out.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      hash /= 36
    }
  }
}
