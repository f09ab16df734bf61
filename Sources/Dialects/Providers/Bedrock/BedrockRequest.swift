// A chat request as a Converse request: the system's word and the turns. The rest is BedrockSettings.swift, pictures
// and documents BedrockMedia.swift.

internal import Wire

/// Writes one request's members.
struct BedrockRequest {
  let chat: ChatRequest
  let model: BedrockModel
  var turns: TurnList
  /// Documents so far: each needs a name of its own.
  var documents = 0

  init(_ chat: ChatRequest, _ model: BedrockModel) {
    self.chat = chat
    self.model = model
    turns = TurnList(
      filler: "{\"text\":\"Begin.\"}", beginsWithUser: model.wantsUserFirst, caption: Self.caption)
  }

  /// Documents are refused in a turn without any text (API reference, "DocumentBlock").
  static let caption: StaticString = "{\"text\":\"See the document.\"}"

  /// Appends the members, with commas between them: `"messages":[…],…`.
  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    var writer = self
    try writer.writeAll(body, &request)
  }

  /// Appends the members that have tokens (API reference, "ConverseTokensRequest").
  func writeCounted(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    var writer = self
    try writer.writeConversation(body, &request)
    try writer.writeTools(body, BedrockThinking(chat, body, model, &request.dropped), &request)
  }

  private mutating func writeConversation(
    _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    request.body.append("\"messages\":[")
    try writeTurns(body, &request)
    request.body.append("]")
    writeSystem(",\"system\":[", body, &request)
  }

  private mutating func writeAll(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    try writeConversation(body, &request)
    let thinking = BedrockThinking(chat, body, model, &request.dropped)
    writeInference(body, thinking, &request)
    try writeTools(body, thinking, &request)
    try writeFormat(body, &request)
    writeAdditional(body, thinking, &request)
    writeRest(body, &request)
  }
}

// MARK: - Blocks

extension BedrockRequest: BlockTurns {
  static var textOpening: StaticString { "{\"text\":\"" }
  /// A mark is a block of its own, and the model goes on with the last one.
  static var marksPrefill: Bool { false }

  /// `{"cachePoint":{"type":"default"}}` behind the block, for Anthropic's `cache_control`.
  static func writeMark(_ control: Range<Int>, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    request.body.append(",{\"cachePoint\":{\"type\":\"default\"")
    let life = JSONView.content(body, in: control, at: "ttl")
    if life.equals("1h") || life.equals("5m") {
      request.body.append(",\"ttl\":\"")
      request.body.append(life)
      request.body.append("\"")
    }
    request.body.append("}}")
  }

  func writeCall(_ at: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    let call = chat.calls[at]
    request.body.append("{\"toolUse\":{\"toolUseId\":\"")
    appendID(body, call.id, fallback: at, into: &request.body)
    request.body.append("\",\"name\":")
    request.body.append(body.extracting(call.name))
    request.body.append(",\"input\":")
    if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add(call, "arguments") }
    request.body.append("}}")
  }

  var takesThoughts: Bool { model.takesThoughts }

  func writeThought(
    _ thought: ChatThinking, text: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    if let data = thought.redacted {
      request.body.append("{\"reasoningContent\":{\"redactedContent\":")
      request.body.append(body.extracting(data))
    } else {
      request.body.append("{\"reasoningContent\":{\"reasoningText\":{\"text\":")
      if let text { request.body.append(body.extracting(text)) } else { request.body.append("\"\"") }
      if let signature = thought.signature {
        ChatRequest.appendMember("signature", body.extracting(signature), into: &request.body)
      }
      request.body.append("}")
    }
    request.body.append("}}")
  }

  mutating func writeResult(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    request.body.append("{\"toolResult\":{\"toolUseId\":\"")
    appendID(body, message.toolCallID, fallback: 0, into: &request.body)
    request.body.append("\",\"content\":[")
    var blocks = BlockList("")
    var isEmpty = true
    var hasText = false
    var hasDocument = false
    for at in message.parts {
      let part = chat.parts[at]
      if !chat.isText(part) {
        guard part.kind != .audio else {
          throw RequestFault(
            .unsupported, part.parameter, "The model's provider takes no sound in a tool's result.")
        }
        blocks.open(into: &request.body)
        if try writeMedia(part, in: .result, body, &request) { hasDocument = true }
        isEmpty = false
      } else if let text = part.value, !JSONText.isBlank(body, text) {
        blocks.open(into: &request.body)
        writeText(text, body, &request)
        (isEmpty, hasText) = (false, true)
      }
    }
    if hasDocument, !hasText {
      blocks.open(into: &request.body)
      request.body.append(Self.caption)
    }
    // There must be something, and blank texts are refused.
    if isEmpty { request.body.append("{\"json\":{}}") }
    request.body.append("]}}")
  }

  mutating func writeMedia(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    _ = try writeMedia(part, in: .turn, body, &request)
  }
}

// MARK: - Ids

extension BedrockRequest {
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

  /// Appends letters and digits that are the same for the same bytes.
  private static func appendDigest(_ bytes: Span<UInt8>, count: Int, into out: inout ByteQueue) {
    var hash = FNV.hash(bytes)
    for _ in 0..<count {
      let digit = UInt8(truncatingIfNeeded: hash % 36)
      out.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      hash /= 36
    }
  }
}
