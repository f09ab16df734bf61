// Turns that are lists of blocks, as Anthropic's API and Bedrock's Converse have them: what is the same in both. Each
// says for itself what a block looks like.

internal import Wire

/// Writes the system's word and the turns of one request.
protocol BlockTurns {
  /// A text block up to the text; `"}` ends it.
  static var textOpening: StaticString { get }
  /// Whether the start of an answer that the model is to go on with may be marked for a cache.
  static var marksPrefill: Bool { get }

  var chat: ChatRequest { get }
  /// Whether an answer's schema is said as a tool that the model must call.
  func usesAnswerTool(_ body: Span<UInt8>) -> Bool
  var turns: TurnList { get set }

  /// Appends the call at `at` in the request's list.
  func writeCall(_ at: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest)
  /// Appends reasoning that is signed or redacted, in which the model may take it back.
  ///
  /// - Parameter text: a string; nil in a redacted block, or where it was lost.
  func writeThought(
    _ thought: ChatThinking, text: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest)
  /// Whether the model can be given its reasoning back.
  var takesThoughts: Bool { get }
  /// Appends a picture, sound or document.
  mutating func writeMedia(
    _ part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault)
  /// Appends what a tool has said.
  mutating func writeResult(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault)
  /// Marks the block that ends the request's body so far as the end of what a cache keeps.
  static func writeMark(_ control: Range<Int>, _ body: Span<UInt8>, _ request: inout ProviderRequest)
}

extension BlockTurns {
  /// Appends a text block.
  ///
  /// - Parameter trimmed: whether white space at the text's end goes.
  func writeText(
    _ text: Range<Int>, trimmed: Bool = false, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    writeText(JSONString.content(body, text), trimmed: trimmed, &request)
  }

  /// Appends a text block of a text that is still escaped.
  @inline(__always)
  private func writeText(_ content: Span<UInt8>, trimmed: Bool, _ request: inout ProviderRequest) {
    request.body.append(Self.textOpening)
    request.body.append(content.extracting(0..<(trimmed ? JSONText.trimmedCount(content) : content.count)))
    request.body.append(literal: "\"}")
  }

  // MARK: System

  /// Appends the system's word as a list of blocks, all of it in front, and what a format has to be asked for with.
  func writeSystem(_ opening: StaticString, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    var blocks = BlockList(opening)
    var mark = TurnList.Mark.impossible
    for index in chat.messages.indices where chat.messages[index].isSystem {
      let message = chat.messages[index]
      for at in message.parts {
        let part = chat.parts[at]
        if let text = part.value, !JSONText.isBlank(body, text) {
          blocks.open(into: &request.body)
          writeText(text, body, &request)
          mark = .possible
        }
        guard let control = part.cacheControl else { continue }
        Self.keep(control, &mark, body, &request) { $0.add(part, "cache_control") }
      }
      if let control = message.cacheControl {
        Self.keep(control, &mark, body, &request) { $0.add("messages", index, "cache_control") }
      }
    }
    if asksForObject(body) {
      blocks.open(into: &request.body)
      request.body.append(Self.textOpening)
      request.body.append("Answer with one JSON object and nothing else.\"}")
    }
    blocks.close(into: &request.body)
  }

  /// Whether the model must be asked in words for an object: what may have any member is no schema that closes.
  private func asksForObject(_ body: Span<UInt8>) -> Bool {
    chat.format == .jsonObject || !usesAnswerTool(body) && chat.wantsAnyObject(body)
  }

  // MARK: Turns

  /// Appends the turns, with commas between them.
  mutating func writeTurns(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    var hasBegun = false
    for index in chat.messages.indices {
      let message = chat.messages[index]
      if message.isSystem {
        // It has moved to the front, before what it followed.
        if hasBegun { request.dropped.add("messages", index, "") }
        continue
      }
      hasBegun = true
      let isLast = index == chat.messages.count - 1
      switch message.role {
      case .system, .developer: break
      case .user: try writeUser(message, body, &request)
      case .assistant: try writeAssistant(message, isLast: isLast, body, &request)
      case .tool:
        turns.open(.user, into: &request.body)
        try writeResult(message, body, &request)
        turns.mark = .possible
        for at in message.parts { keepControl(of: chat.parts[at], body, &request) }
      }
      guard let control = message.cacheControl else { continue }
      if isLast, message.role == .assistant, !Self.marksPrefill {
        request.dropped.add("messages", index, "cache_control")
      } else {
        Self.keep(control, &turns.mark, body, &request) { $0.add("messages", index, "cache_control") }
      }
    }
    turns.end(isUsers: chat.messages.last?.role == .user, into: &request.body)
  }

  private mutating func writeUser(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    for at in message.parts {
      let part = chat.parts[at]
      if !chat.isText(part) {
        turns.open(.user, into: &request.body)
        try writeMedia(part, body, &request)
        turns.mark = .possible
      } else if let text = part.value {
        let content = JSONString.content(body, text)
        if !JSONText.isBlank(content) {
          turns.open(.user, into: &request.body)
          writeText(content, trimmed: false, &request)
          turns.noteText()
          turns.mark = .possible
        }
      }
      keepControl(of: part, body, &request)
    }
  }

  private mutating func writeAssistant(
    _ message: ChatMessage, isLast: Bool, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if takesThoughts { writeThoughts(message, body, &request) }
    for at in message.parts {
      let part = chat.parts[at]
      guard let text = part.value, chat.isText(part) else {
        throw RequestFault(
          .unsupported, part.parameter, "The model's provider takes only text in the assistant's turns.")
      }
      // The start of an answer that the model is to go on with may not end in white space.
      let isPrefill = isLast && message.calls.isEmpty && at == message.parts.upperBound - 1
      let content = JSONString.content(body, text)
      if !JSONText.isBlank(content) {
        turns.open(.assistant, into: &request.body)
        writeText(content, trimmed: isPrefill, &request)
        turns.mark = .possible
      }
      keepControl(of: part, body, &request)
    }
    for at in message.calls {
      turns.open(.assistant, into: &request.body)
      writeCall(at, body, &request)
      turns.mark = .possible
      if let control = chat.calls[at].cacheControl {
        Self.keep(control, &turns.mark, body, &request) { _ in }
      }
    }
  }

  /// Earlier reasoning goes back as it came, and only where it is signed.
  private mutating func writeThoughts(
    _ message: ChatMessage, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    for at in message.thinking where chat.thinking[at].isSigned {
      let thought = chat.thinking[at]
      turns.open(.assistant, into: &request.body)
      writeThought(
        thought, text: thought.text ?? (message.thinking.count == 1 ? message.reasoning : nil), body, &request
      )
      turns.mark = .impossible
    }
  }

  // MARK: Caches

  private mutating func keepControl(
    of part: ChatPart, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    guard let control = part.cacheControl else { return }
    Self.keep(control, &turns.mark, body, &request) { $0.add(part, "cache_control") }
  }

  /// Keeps a mark on the last block: that of a part which isn't written, such as a blank one, on the block before it.
  ///
  /// - Parameter drop: names the mark where there is no such block.
  private static func keep(
    _ control: Range<Int>, _ mark: inout TurnList.Mark, _ body: Span<UInt8>,
    _ request: inout ProviderRequest, drop: (inout DroppedFields) -> Void
  ) {
    switch mark {
    case .impossible: drop(&request.dropped)
    case .possible:
      writeMark(control, body, &request)
      mark = .made
    case .made: break
    }
  }
}
