// A Messages stream, event by event (docs: "Streaming messages").

internal import Wire

extension AnthropicReader {
  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    let whole = 0..<data.count
    var type: Range<Int>?
    var index = 0
    var inner: Range<Int>?
    var usage: Range<Int>?
    var members = JSONObjectCursor(data, whole)
    while let member = members.next() {
      if member.keyIs("type", in: data) {
        type = member.value
      } else if member.keyIs("index", in: data) {
        index = JSONValue.integer(data, member.value) ?? 0
      } else if member.keyIs("usage", in: data) {
        usage = member.value
      } else if member.keyIs("delta", in: data) || member.keyIs("content_block", in: data)
        || member.keyIs("message", in: data) || member.keyIs("error", in: data)
      {
        inner = member.value
      }
    }
    guard let type else { return }
    let kind = JSONString.content(data, type)
    if kind.equals("content_block_delta") {
      if let inner { readDelta(index, data, inner, to: &answer) }
    } else if kind.equals("content_block_start") {
      if let inner { startBlock(index, data, inner, to: &answer) }
    } else if kind.equals("content_block_stop") {
      if case .call(let call)? = block(index) {
        let input = inputs.removeValue(forKey: call) ?? []
        answer.endCall(call, input: input.span)
      }
    } else if kind.equals("message_start") {
      guard let inner else { return }
      readIdentity(data, inner, to: &answer)
      if let usage = JSONView.value(data, in: inner, at: "usage") { readUsage(data, usage, to: &answer) }
      answer.begin()
    } else if kind.equals("message_delta") {
      if let usage { readUsage(data, usage, to: &answer) }
      if let inner { readStop(data, inner, to: &answer) }
    } else if kind.equals("message_stop") {
      hasEnded = true
    } else if kind.equals("error") {
      throw AnthropicFault.answerFault(data, inner ?? whole)
    } else if !kind.equals("ping") {
      answer.passOver(.event)
    }
  }

  private func block(_ index: Int) -> Block? {
    index >= 0 && index < blocks.count ? blocks[index] : nil
  }

  private func startBlock(
    _ index: Int, _ data: Span<UInt8>, _ block: Range<Int>, to answer: inout AnswerWriter
  ) {
    guard index >= 0, index < Self.blockCeiling else { return }
    while blocks.count <= index { blocks.append(.other) }
    let type = JSONView.content(data, in: block, at: "type")
    if type.equals("text") {
      blocks[index] = .text
      answer.text(JSONView.content(data, in: block, at: "text"))
    } else if type.equals("thinking") {
      blocks[index] = .thinking(thinkingCount)
      if !JSONView.content(data, in: block, at: "thinking").isEmpty
        || !JSONView.content(data, in: block, at: "signature").isEmpty
      {
        answer.thinking(
          block: thinkingCount, text: JSONView.content(data, in: block, at: "thinking"),
          signature: JSONView.content(data, in: block, at: "signature"))
      }
      thinkingCount += 1
    } else if type.equals("redacted_thinking") {
      answer.thinking(block: thinkingCount, redacted: JSONView.content(data, in: block, at: "data"))
      thinkingCount += 1
    } else if type.equals("tool_use") {
      if JSONView.content(data, in: block, at: "name").equals(AnthropicDialect.answerTool) {
        blocks[index] = .answer
        return
      }
      let call = answer.beginCall(
        id: JSONView.content(data, in: block, at: "id"), name: JSONView.content(data, in: block, at: "name"))
      blocks[index] = .call(call)
      // Mostly empty here, with the pieces to follow; what is there counts where none do.
      if let input = JSONView.value(data, in: block, at: "input"), input.count > 2,
        inputs.count < Self.blockCeiling
      {
        inputs[call] = data.extracting(input).array()
      }
    } else if !Self.isServerTool(type) {
      answer.passOver(.block)
    }
  }

  private func readDelta(
    _ index: Int, _ data: Span<UInt8>, _ delta: Range<Int>, to answer: inout AnswerWriter
  ) {
    // By its type, not by its members: a delta of tomorrow may have a text that isn't the answer's.
    let type = JSONView.content(data, in: delta, at: "type")
    if type.equals("text_delta") {
      answer.text(JSONView.content(data, in: delta, at: "text"))
    } else if type.equals("input_json_delta") {
      let piece = JSONView.content(data, in: delta, at: "partial_json")
      switch block(index) {
      case .call(let call)?: answer.arguments(piece, call: call)
      case .answer?: answer.text(piece)
      default: break
      }
    } else if case .thinking(let block)? = block(index) {
      if type.equals("thinking_delta") {
        let piece = JSONView.content(data, in: delta, at: "thinking")
        if !piece.isEmpty { answer.thinking(block: block, text: piece) }
      } else if type.equals("signature_delta") {
        let piece = JSONView.content(data, in: delta, at: "signature")
        if !piece.isEmpty { answer.thinking(block: block, signature: piece) }
      }
    }
  }
}
