// A ConverseStream answer, event by event. Text and reasoning have no start of their own: the first piece is it.

internal import Wire

extension BedrockReader {
  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    if case .exception = event.kind { throw BedrockFault.answerFault(name, data) }
    let whole = 0..<data.count
    if name.equals("contentBlockDelta") {
      if let delta = JSONView.value(data, in: whole, at: "delta") {
        readDelta(index(data), data, delta, to: &answer)
      }
    } else if name.equals("contentBlockStart") {
      if let call = JSONView.value(data, in: whole, at: "start", "toolUse") {
        startCall(index(data), data, call, to: &answer)
      }
    } else if name.equals("contentBlockStop") {
      if case .call(let call) = block(index(data)) { answer.endCall(call) }
    } else if name.equals("messageStart") {
      answer.begin()
    } else if name.equals("messageStop") {
      hasStopped = true
      try readStop(data, whole, to: &answer)
    } else if name.equals("metadata") {
      readCost(data, to: &answer)
      hasEnded = hasStopped
    } else {
      answer.passOver(.event)
    }
  }

  private func index(_ data: Span<UInt8>) -> Int {
    JSONView.value(data, in: 0..<data.count, at: "contentBlockIndex").flatMap { JSONValue.integer(data, $0) }
      ?? 0
  }

  private func block(_ index: Int) -> Block {
    index >= 0 && index < blocks.count ? blocks[index] : .unknown
  }

  private func note(_ index: Int, _ block: Block) {
    guard index >= 0, index < Self.blockCeiling else { return }
    while blocks.count <= index { blocks.append(.unknown) }
    blocks[index] = block
  }

  private func startCall(
    _ index: Int, _ data: Span<UInt8>, _ call: Range<Int>, to answer: inout AnswerWriter
  ) {
    if JSONView.content(data, in: call, at: "type").equals("server_tool_use") { return note(index, .ignored) }
    if JSONView.content(data, in: call, at: "name").equals(BedrockDialect.answerTool) {
      return note(index, .answer)
    }
    note(
      index,
      .call(
        answer.beginCall(
          id: JSONView.content(data, in: call, at: "toolUseId"),
          name: JSONView.content(data, in: call, at: "name"))))
  }

  private func readDelta(
    _ index: Int, _ data: Span<UInt8>, _ delta: Range<Int>, to answer: inout AnswerWriter
  ) {
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      if member.keyIs("text", in: data) {
        if member.kind == .string { answer.text(JSONString.content(data, member.value)) }
      } else if member.keyIs("toolUse", in: data) {
        let piece = JSONView.content(data, in: member.value, at: "input")
        switch block(index) {
        case .call(let call): answer.arguments(piece, call: call)
        case .answer: answer.text(piece)
        case .unknown, .thinking, .ignored: break
        }
      } else if member.keyIs("reasoningContent", in: data) {
        readReasoning(index, data, member.value, to: &answer)
      }
    }
  }

  private func readReasoning(
    _ index: Int, _ data: Span<UInt8>, _ piece: Range<Int>, to answer: inout AnswerWriter
  ) {
    let thought: Int
    if case .thinking(let known) = block(index) {
      thought = known
    } else {
      thought = thinkingCount
      thinkingCount += 1
      note(index, .thinking(thought))
    }
    let text = JSONView.content(data, in: piece, at: "text")
    let signature = JSONView.content(data, in: piece, at: "signature")
    let redacted = JSONView.content(data, in: piece, at: "redactedContent")
    if text.isEmpty, signature.isEmpty, redacted.isEmpty { return }
    answer.thinking(block: thought, text: text, signature: signature, redacted: redacted)
  }
}
