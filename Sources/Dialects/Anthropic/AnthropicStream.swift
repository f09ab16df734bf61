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
      if case .call(let call)? = block(index) { answer.endCall(call) }
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
      // Mostly empty here, with the pieces to follow; what is there already counts.
      if let input = JSONView.value(data, in: block, at: "input"), input.count > 2 {
        answer.argumentsValue(data.extracting(input), call: call)
      }
    }
  }

  private func readDelta(
    _ index: Int, _ data: Span<UInt8>, _ delta: Range<Int>, to answer: inout AnswerWriter
  ) {
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      guard member.kind == .string else { continue }
      let content = JSONString.content(data, member.value)
      if member.keyIs("text", in: data) {
        answer.text(content)
      } else if member.keyIs("partial_json", in: data) {
        switch block(index) {
        case .call(let call)?: answer.arguments(content, call: call)
        case .answer?: answer.text(content)
        default: break
        }
      } else if member.keyIs("thinking", in: data) {
        if case .thinking(let block)? = block(index), !content.isEmpty {
          answer.thinking(block: block, text: content)
        }
      } else if member.keyIs("signature", in: data) {
        if case .thinking(let block)? = block(index), !content.isEmpty {
          answer.thinking(block: block, signature: content)
        }
      }
    }
  }
}
