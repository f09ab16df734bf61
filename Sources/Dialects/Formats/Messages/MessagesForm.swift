// An answer in the form of the Messages API, whole or as its events (Anthropic docs, "Streaming messages", 2026-10).

internal import Wire

final class MessagesForm: AnswerForm {
  private var frame = FormFrame()
  private var index = 0
  /// What is written between `"content":[` and `]` of a whole answer.
  private var content: ByteQueue
  /// A call's arguments in a whole answer, still escaped; in a stream what came of them before they were known to be an
  /// object, and all of them where they are none.
  private var arguments: ByteQueue
  /// The call's arguments are an object, as far as it has come, so that they go on as they are.
  private var isObject = false
  /// Bytes of white space that the held ones begin with, as far as they were looked at.
  private var blanks = 0

  /// - Parameter pool: what an answer is kept in while it is under way.
  init(pool: BlockPool? = nil) {
    content = ByteQueue(pool: pool)
    arguments = ByteQueue(pool: pool)
  }

  /// Forgets the answer before.
  func removeAll() {
    content.removeAll()
    arguments.removeAll()
  }

  func start(_ frame: FormFrame, into out: inout ByteQueue) {
    self.frame = frame
    index = 0
    content.clear()
    guard frame.streams else { return }
    out.append(literal: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":")
    writeHead(into: &out)
    out.append(literal: "],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":")
    write(TokenUsage(), into: &out)
    out.append(literal: "}")
    writeMember(into: &out)
    out.append(literal: "}\n\n")
  }

  /// Appends the message up to the first block of its content.
  private func writeHead(into out: inout ByteQueue) {
    out.append(literal: "{\"id\":\"msg_")
    out.append(frame.seed)
    out.append(literal: "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":")
    let model = frame.model
    JSONWriter.string(model.span, into: &out)
    out.append(literal: ",\"content\":[")
  }

  private func writeMember(into out: inout ByteQueue) {
    if frame.member.isEmpty { return }
    out.append(ASCII.comma)
    out.append(frame.member)
  }

  func open(_ block: AnswerBlock, into out: inout ByteQueue) {
    // Google wants a call's signature back, for which a call has no place here.
    if !block.callSignature.isEmpty {
      writeRedacted(Envelope.seal(callSignature: block.callSignature), into: &out)
    }
    if case .redacted = block.kind { return writeRedacted(block.signature, into: &out) }
    if frame.streams { return openStreamed(block, into: &out) }
    if index > 0 { content.append(ASCII.comma) }
    switch block.kind {
    case .text, .refusal: content.append(literal: "{\"type\":\"text\",\"text\":\"")
    case .reasoning: content.append(literal: "{\"type\":\"thinking\",\"thinking\":\"")
    case .call:
      content.append(literal: "{\"type\":\"tool_use\",\"id\":\"")
      block.writeID(ceiling: 128, otherwise: "toolu_", frame.seed, index, into: &content)
      content.append(literal: "\",\"name\":\"")
      content.append(block.name)
      content.append(literal: "\",\"input\":")
      arguments.clear()
    case .redacted: break
    }
  }

  private func openStreamed(_ block: AnswerBlock, into out: inout ByteQueue) {
    begin("content_block_start", into: &out)
    out.append(literal: ",\"content_block\":")
    switch block.kind {
    case .text, .refusal: out.append(literal: "{\"type\":\"text\",\"text\":\"\"}")
    case .reasoning: out.append(literal: "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
    case .call:
      out.append(literal: "{\"type\":\"tool_use\",\"id\":\"")
      block.writeID(ceiling: 128, otherwise: "toolu_", frame.seed, index, into: &out)
      out.append(literal: "\",\"name\":\"")
      out.append(block.name)
      out.append(literal: "\",\"input\":{}}")
      arguments.clear()
      isObject = false
      blanks = 0
    case .redacted: break
    }
    out.append(literal: "}\n\n")
  }

  private func writeRedacted(_ data: [UInt8], into out: inout ByteQueue) {
    if frame.streams {
      begin("content_block_start", into: &out)
      out.append(literal: ",\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"")
      out.append(data)
      out.append(literal: "\"}}\n\n")
      begin("content_block_stop", into: &out)
      out.append(literal: "}\n\n")
    } else {
      if index > 0 { content.append(ASCII.comma) }
      content.append(literal: "{\"type\":\"redacted_thinking\",\"data\":\"")
      content.append(data)
      content.append(literal: "\"}")
    }
    index += 1
  }

  /// Begins an event of the block that is open.
  private func begin(_ name: StaticString, into out: inout ByteQueue) {
    TypedEvent.begin(name, "\",\"index\":", index, into: &out)
  }

  func piece(
    _ bytes: Span<UInt8>, _ block: AnswerBlock, logprobs: Span<UInt8>, into out: inout ByteQueue
  ) {
    guard frame.streams else {
      if case .call = block.kind { arguments.append(bytes) } else { content.append(bytes) }
      return
    }
    if case .call = block.kind { return isObject ? writeInput(bytes, into: &out) : hold(bytes, into: &out) }
    begin("content_block_delta", into: &out)
    switch block.kind {
    case .text, .refusal: out.append(literal: ",\"delta\":{\"type\":\"text_delta\",\"text\":\"")
    case .reasoning, .redacted, .call:
      out.append(literal: ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"")
    }
    out.append(bytes)
    out.append(literal: "\"}}\n\n")
  }

  /// Keeps the beginning of a call's arguments until it shows what they are: an object may have blanks before it.
  private func hold(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    arguments.append(bytes)
    let held = unsafe arguments.view
    // What is known to be blank isn't looked at again: some models write nothing else for thousands of pieces.
    blanks += JSONText.blankCount(held.extracting(blanks...))
    guard blanks < held.count, held[blanks] == UInt8(ascii: "{") else { return }
    isObject = true
    writeInput(held, into: &out)
    arguments.clear()
  }

  var heldCount: Int { frame.streams ? arguments.count : 0 }

  private func writeInput(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    begin("content_block_delta", into: &out)
    out.append(literal: ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"")
    out.append(bytes)
    out.append(literal: "\"}}\n\n")
  }

  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue) {
    if case .redacted = block.kind { return }
    if frame.streams {
      if case .reasoning = block.kind, !block.signature.isEmpty {
        begin("content_block_delta", into: &out)
        out.append(literal: ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\"")
        out.append(block.signature)
        out.append(literal: "\"}}\n\n")
      }
      if case .call = block.kind, !isObject, !arguments.isEmpty {
        writeInput()
        var input = ByteQueue()
        JSONWriter.escaped(content.bytes, into: &input)
        content.clear()
        arguments.clear()
        writeInput(input.bytes, into: &out)
      }
      begin("content_block_stop", into: &out)
      out.append(literal: "}\n\n")
    } else {
      switch block.kind {
      case .text, .refusal: content.append(literal: "\"}")
      case .reasoning:
        content.append(literal: "\",\"signature\":\"")
        content.append(block.signature)
        content.append(literal: "\"}")
      case .call:
        writeInput()
        content.append(literal: "}")
      case .redacted: break
      }
    }
    index += 1
  }

  /// Appends a call's arguments as the object that they are. What is none is kept in one, as Anthropic does itself
  /// (docs, "Fine-grained tool streaming").
  private func writeInput() {
    var string = ByteQueue()
    string.append("\"")
    string.append(arguments)
    string.append("\"")
    var text = ByteQueue()
    JSONString.decode(string.bytes, 0..<string.count, into: &text)
    var isBlank = true
    for at in 0..<text.count where text.bytes[at] > ASCII.space { isBlank = false }
    if isBlank { return content.append(literal: "{}") }
    if JSONValue.kind(of: text.bytes) == .object { return content.append(text.bytes) }
    content.append(literal: "{\"INVALID_JSON\":")
    content.append(string.bytes)
    content.append(literal: "}")
  }

  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue) {
    if frame.streams {
      out.append(
        literal: "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"")
      out.append(Self.reason(end))
      out.append(literal: "\",\"stop_sequence\":null},\"usage\":")
      write(usage, into: &out)
      out.append(literal: "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
      return
    }
    writeHead(into: &out)
    out.append(content)
    out.append(literal: "],\"stop_reason\":\"")
    out.append(Self.reason(end))
    out.append(literal: "\",\"stop_sequence\":null,\"usage\":")
    write(usage, into: &out)
    writeMember(into: &out)
    out.append(literal: "}")
  }

  private static func reason(_ end: AnswerEnd) -> StaticString {
    switch end.reason {
    case .length: "max_tokens"
    case .contentFilter: "refusal"
    case .stop, .toolCalls: end.hasCalls ? "tool_use" : "end_turn"
    }
  }

  /// Appends usage as Anthropic counts it: what a cache had stands beside the input, and not in it.
  private func write(_ usage: TokenUsage, into out: inout ByteQueue) {
    let read = usage.cachedInput ?? 0
    let written = usage.cacheWrite ?? 0
    let beside = read.addingReportingOverflow(written)
    out.append(literal: "{\"input_tokens\":")
    out.append(decimal: max((usage.input ?? 0) - (beside.overflow ? 0 : beside.partialValue), 0))
    out.append(literal: ",\"cache_creation_input_tokens\":")
    out.append(decimal: written)
    out.append(literal: ",\"cache_read_input_tokens\":")
    out.append(decimal: read)
    out.append(literal: ",\"output_tokens\":")
    out.append(decimal: usage.output ?? 0)
    if let reasoning = usage.reasoning {
      out.append(literal: ",\"output_tokens_details\":{\"thinking_tokens\":")
      out.append(decimal: reasoning)
      out.append(literal: "}")
    }
    out.append(literal: "}")
  }

  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) {
    var text = ByteQueue()
    let status =
      Fault.status(in: error)
      ?? Self.status(JSONView.content(error, in: 0..<error.count, at: "error", "type"))
    MessagesFault.write(error, status: status, requestID: Span(), into: &text)
    out.append(literal: "event: error\n")
    EventEncoder.data(text.bytes, into: &out)
  }

  private static func status(_ type: Span<UInt8>) -> Int {
    if type.equals("overloaded_error") { return 529 }
    if type.equals("rate_limit_error") { return 429 }
    if type.equals("invalid_request_error") { return 400 }
    return 500
  }
}
