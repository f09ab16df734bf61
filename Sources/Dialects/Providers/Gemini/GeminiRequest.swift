// A chat request as one of generateContent: the conversation. What stands beside it: GeminiRequestSettings.swift.

internal import Wire

/// Writes one request's body.
struct GeminiRequest {
  let chat: ChatRequest
  let model: GeminiModel
  let host: GeminiHost
  /// Only what Vertex AI counts tokens of is written: the conversation, the tools and the settings.
  var isCounted = false
  private var turns = GeminiTurns()
  /// Calls of the turns so far by their ids, as places in `chat.calls`; of several the last one.
  private var answerable: [[UInt8]: Int] = [:]

  init(_ chat: ChatRequest, _ model: GeminiModel, _ host: GeminiHost) {
    self.chat = chat
    self.model = model
    self.host = host
  }

  /// Appends the members, with commas between them: `"contents":[…],…`.
  func write(_ body: Span<UInt8>, to request: inout ProviderRequest) throws(RequestFault) {
    var writer = self
    try writer.writeAll(body, &request)
  }

  private mutating func writeAll(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    request.body.append("\"contents\":[")
    if !model.takesSystem { writeSystem(asUser: true, body, &request) }
    var index = 0
    var hasBegun = false
    while index < chat.messages.count {
      let message = chat.messages[index]
      switch message.role {
      case .system, .developer:
        // It has moved to the front, before what it followed.
        if hasBegun { request.dropped.add("messages", index, "") }
        index += 1
        continue
      case .user where chat.isBlank(message, body): break
      case .user:
        for at in message.parts { try writePart(chat.parts[at], .user, body, &request) }
      case .assistant where chat.isBlank(message, body) && message.extra == nil: break
      case .assistant: try writeAssistant(message, body, &request)
      case .tool:
        hasBegun = true
        index = try writeResults(from: index, body, &request)
        continue
      }
      hasBegun = true
      index += 1
    }
    turns.end(isUsers: chat.messages.last?.role == .user, into: &request.body)
    request.body.append("]")
    let cached = extended("cached_content", "cachedContent", body)
    if cached == nil {
      if model.takesSystem { writeSystem(asUser: false, body, &request) }
      try writeTools(body, &request)
    } else {
      noteCached(&request)
    }
    try writeGeneration(body, &request)
    if !isCounted { writeRest(cached, body, &request) }
  }

  // MARK: System

  private mutating func writeSystem(
    asUser: Bool, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    var isOpen = false
    for message in chat.messages where message.isSystem {
      for at in message.parts {
        guard let text = chat.parts[at].value, !JSONText.isBlank(body, text) else { continue }
        if asUser {
          turns.open(.user, into: &request.body)
        } else {
          request.body.append(isOpen ? "," : ",\"systemInstruction\":{\"parts\":[")
        }
        isOpen = true
        Self.writeText(body, text, &request)
        request.body.append("}")
      }
    }
    if isOpen, !asUser { request.body.append("]}") }
  }

  /// Appends `{"text":…`, without its end.
  private static func writeText(
    _ body: Span<UInt8>, _ text: Range<Int>, _ request: inout ProviderRequest
  ) {
    request.body.append("{\"text\":")
    request.body.append(body.extracting(text))
  }

  // MARK: Turns

  /// A text, picture, sound or document. An empty text is refused, so it goes.
  private mutating func writePart(
    _ part: ChatPart, _ turn: GeminiTurns.Turn, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if part.kind == .text || part.kind == .refusal {
      guard let text = part.value, text.count > 2 else { return }
      turns.open(turn, into: &request.body)
      Self.writeText(body, text, &request)
      request.body.append("}")
      return
    }
    turns.open(turn, into: &request.body)
    try writeMedia(part, body, &request)
  }

  private mutating func writeAssistant(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let signature = message.extra.flatMap {
      JSONView.value(body, in: $0, at: "google", "thought_signature")
    }.flatMap { JSONView.kind(body, $0) == .string && $0.count > 2 ? $0 : nil }
    var isSigned = signature == nil
    for at in message.parts {
      let part = chat.parts[at]
      guard !isSigned, at == message.parts.upperBound - 1, part.kind == .text, let text = part.value else {
        try writePart(part, .model, body, &request)
        continue
      }
      turns.open(.model, into: &request.body)
      Self.writeText(body, text, &request)
      writeSignature(signature, body, &request)
      request.body.append("}")
      isSigned = true
    }
    if !isSigned {
      // It came with an empty text, which the client hasn't kept.
      turns.open(.model, into: &request.body)
      request.body.append("{\"text\":\"\"")
      writeSignature(signature, body, &request)
      request.body.append("}")
    }
    for at in message.calls {
      writeCall(at, isFirst: at == message.calls.lowerBound, body, &request)
    }
  }

  private mutating func writeCall(
    _ at: Int, isFirst: Bool, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    let call = chat.calls[at]
    if let id = call.id { answerable[body.extracting(id).array()] = at }
    turns.open(.model, into: &request.body)
    request.body.append("{\"functionCall\":{")
    writeID(call.id, body, &request)
    request.body.append("\"name\":")
    request.body.append(body.extracting(call.name))
    request.body.append(",\"args\":")
    if !chat.appendArguments(of: call, body, into: &request.body) { request.dropped.add(call, "arguments") }
    request.body.append("}")
    if let signature = call.signature, signature.count > 2 {
      writeSignature(signature, body, &request)
    } else if isFirst, model.needsSignatures {
      // The call is another model's, or its signature was lost on the way: this value stands for both (docs:
      // "Thought signatures"). Of parallel calls only the first has one.
      request.body.append(",\"thoughtSignature\":\"skip_thought_signature_validator\"")
    }
    request.body.append("}")
  }

  private func writeSignature(
    _ signature: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    guard let signature else { return }
    request.body.append(",\"thoughtSignature\":")
    request.body.append(body.extracting(signature))
  }

  /// The Gemini API tells calls apart by their ids; Vertex AI refuses them.
  private func writeID(_ id: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    guard case .gemini = host, let id, id.count > 2 else { return }
    request.body.append("\"id\":")
    request.body.append(body.extracting(id))
    request.body.append(",")
  }

  // MARK: Results

  /// Writes the results from `index` on as one turn, in the order of their calls.
  ///
  /// - Returns: the first message behind them.
  private mutating func writeResults(
    from index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) -> Int {
    var results: [(call: Int, message: Int)] = []
    var end = index
    while end < chat.messages.count, chat.messages[end].role == .tool {
      let message = chat.messages[end]
      let call = message.toolCallID.flatMap { answerable[body.extracting($0).array()] }
      guard call != nil || message.name != nil else {
        throw RequestFault(
          .invalid, "messages[\(end)].tool_call_id",
          "This result answers no call of an earlier turn; send the assistant's turn with its 'tool_calls' "
            + "before it.")
      }
      // What answers nothing that is known keeps its place, behind the others.
      results.append((call ?? Int.max, end))
      end += 1
    }
    // Equal calls keep their order too.
    results.sort { ($0.call, $0.message) < ($1.call, $1.message) }
    var media: [Int] = []
    for result in results {
      let message = chat.messages[result.message]
      turns.open(.results, into: &request.body)
      let call = result.call < chat.calls.count ? chat.calls[result.call] : nil
      guard let name = call?.name ?? message.name else { continue }
      request.body.append("{\"functionResponse\":{")
      writeID(call?.id, body, &request)
      request.body.append("\"name\":")
      request.body.append(body.extracting(name))
      request.body.append(",\"response\":")
      writeResponse(message, body, &request)
      let attached = message.parts.filter { chat.parts[$0].kind != .text && chat.parts[$0].kind != .refusal }
      if model.takesMediaInResults, !attached.isEmpty {
        for (position, at) in attached.enumerated() {
          request.body.append(position == 0 ? ",\"parts\":[" : ",")
          try writeMedia(chat.parts[at], body, &request)
        }
        request.body.append("]")
      } else {
        media += attached
      }
      request.body.append("}}")
    }
    for at in media {
      turns.open(.results, into: &request.body)
      try writeMedia(chat.parts[at], body, &request)
    }
    return end
  }

  /// Appends what a function has said as the object that is wanted: its own if it is one, else `{"output":"…"}`.
  /// An object with a `$ref` goes as a text too: Google takes it for a reference to one of the result's parts, and
  /// refuses one that leads to none (docs: "Function calling", multimodal function responses).
  private func writeResponse(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    let texts = message.parts.filter { chat.parts[$0].kind == .text || chat.parts[$0].kind == .refusal }
    if texts.count == 1, let text = chat.parts[texts[0]].value,
      appendObject(body, text, into: &request.body)
    {
      return
    }
    request.body.append("{\"output\":\"")
    for at in texts {
      if let text = chat.parts[at].value { JSONText.appendContent(body, text, into: &request.body) }
    }
    request.body.append("\"}")
  }

  /// Appends what the string says if that is a JSON object.
  private func appendObject(_ body: Span<UInt8>, _ text: Range<Int>, into out: inout ByteQueue) -> Bool {
    let content = JSONString.content(body, text)
    guard content.count > 1,
      content[0] == UInt8(ascii: "{") || content[0] <= ASCII.space
        || content[0] == ASCII.backslash
    else { return false }
    var said = ByteQueue()
    JSONString.decode(body, text, into: &said)
    guard JSONValue.kind(of: said.bytes) == .object, !Self.refers(said.bytes, 0..<said.count) else {
      return false
    }
    out.append(said.bytes)
    return true
  }

  /// Whether a member anywhere in the value is called `$ref`.
  private static func refers(_ json: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var members = JSONObjectCursor(json, range)
    while let member = members.next() {
      if member.keyIs("$ref", in: json) { return true }
      if member.kind == .object || member.kind == .array, refers(json, member.value) { return true }
    }
    var elements = JSONArrayCursor(json, range)
    while let element = elements.next() {
      if element.kind == .object || element.kind == .array, refers(json, element.value) { return true }
    }
    return false
  }
}
