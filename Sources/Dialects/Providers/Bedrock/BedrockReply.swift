// A whole Converse answer, and what whole answers and streams have in common: usage, ends.

internal import Wire

/// Reads one answer, whole or event by event.
final class BedrockReader: AnswerReader {
  /// What kind of block each index of the content is; bounded by `blockCeiling`.
  var blocks: [Block] = []
  var thinkingCount = 0
  var hasStopped = false
  var hasEnded = false

  /// Blocks of one answer that are told apart.
  static let blockCeiling = 4096

  enum Block {
    case unknown
    case thinking(Int)
    case call(Int)
    /// The tool that stands for the answer's schema: its arguments are the text.
    case answer
    /// What the provider's own tools do is no business of the client's.
    case ignored
  }

  /// `metadata` is the last word, but says only what the answer cost.
  var mayEnd: Bool { hasStopped }

  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
    let whole = 0..<body.count
    guard let content = JSONView.value(body, in: whole, at: "output", "message", "content"),
      JSONView.kind(body, content) == .array
    else { throw .malformed }
    answer.begin()
    var elements = JSONArrayCursor(body, content)
    while let element = elements.next() { readBlock(body, element.value, to: &answer) }
    readCost(body, to: &answer)
    try readStop(body, whole, to: &answer)
  }

  private func readBlock(_ body: Span<UInt8>, _ block: Range<Int>, to answer: inout AnswerWriter) {
    var members = JSONObjectCursor(body, block)
    guard let member = members.next() else { return }
    if member.keyIs("text", in: body) {
      if member.kind == .string { answer.text(JSONString.content(body, member.value)) }
    } else if member.keyIs("toolUse", in: body) {
      readCall(body, member.value, to: &answer)
    } else if member.keyIs("reasoningContent", in: body) {
      readReasoning(body, member.value, to: &answer)
    } else if member.keyIs("citationsContent", in: body) {
      guard let content = JSONView.value(body, in: member.value, at: "content") else { return }
      var pieces = JSONArrayCursor(body, content)
      while let piece = pieces.next() { answer.text(JSONView.content(body, in: piece.value, at: "text")) }
    }
  }

  private func readCall(_ body: Span<UInt8>, _ call: Range<Int>, to answer: inout AnswerWriter) {
    if JSONView.content(body, in: call, at: "type").equals("server_tool_use") { return }
    let input = JSONView.value(body, in: call, at: "input")
    if JSONView.content(body, in: call, at: "name").equals(BedrockDialect.answerTool) {
      var text = ByteQueue()
      if let input { JSONText.appendCompact(body.extracting(input), escaped: true, into: &text) }
      return answer.text(text.bytes)
    }
    let index = answer.beginCall(
      id: JSONView.content(body, in: call, at: "toolUseId"),
      name: JSONView.content(body, in: call, at: "name"))
    if let input { answer.argumentsValue(body.extracting(input), call: index) }
    answer.endCall(index)
  }

  private func readReasoning(_ body: Span<UInt8>, _ content: Range<Int>, to answer: inout AnswerWriter) {
    if let text = JSONView.value(body, in: content, at: "reasoningText") {
      let words = JSONView.content(body, in: text, at: "text")
      let signature = JSONView.content(body, in: text, at: "signature")
      // What isn't signed can't be given back.
      if signature.isEmpty { return answer.reasoning(words) }
      answer.thinking(block: thinkingCount, text: words, signature: signature)
    } else {
      answer.thinking(
        block: thinkingCount, redacted: JSONView.content(body, in: content, at: "redactedContent"))
    }
    thinkingCount += 1
  }

  /// Reads `usage` and `serviceTier`.
  func readCost(_ bytes: Span<UInt8>, to answer: inout AnswerWriter) {
    let whole = 0..<bytes.count
    if let usage = JSONView.value(bytes, in: whole, at: "usage") { readUsage(bytes, usage, to: &answer) }
    if let tier = JSONView.value(bytes, in: whole, at: "serviceTier", "type") {
      answer.serviceTier = ServiceTier.read(bytes, tier)
    }
  }

  /// Input that was read from a cache, or written to it, is input too; Bedrock counts them apart. Its total isn't
  /// the sum for every model, so it isn't used.
  func readUsage(_ bytes: Span<UInt8>, _ usage: Range<Int>, to answer: inout AnswerWriter) {
    var input: Int?
    var cacheRead: Int?
    var cacheWrite = 0
    var members = JSONObjectCursor(bytes, usage)
    while let member = members.next() {
      if member.kind == .array, member.keyIs("cacheDetails", in: bytes) {
        if let hour = Self.hour(bytes, member.value) { answer.usage.cacheWriteHour = hour }
        continue
      }
      guard let count = TokenCount.read(bytes, member.value) else { continue }
      if member.keyIs("inputTokens", in: bytes) {
        input = count
      } else if member.keyIs("outputTokens", in: bytes) {
        answer.usage.output = count
      } else if member.keyIs("cacheReadInputTokens", in: bytes) {
        cacheRead = count
      } else if member.keyIs("cacheWriteInputTokens", in: bytes) {
        cacheWrite = count
      }
    }
    guard let input else { return }
    answer.usage.input = input + (cacheRead ?? 0) + cacheWrite
    answer.usage.cachedInput = cacheRead
    if cacheWrite > 0 { answer.usage.cacheWrite = cacheWrite }
  }

  /// What of the input was written to a cache that keeps for an hour (AWS, "CacheDetail").
  private static func hour(_ bytes: Span<UInt8>, _ details: Range<Int>) -> Int? {
    var elements = JSONArrayCursor(bytes, details)
    while let element = elements.next() {
      guard JSONView.content(bytes, in: element.value, at: "ttl").equals("1h"),
        let count = JSONView.value(bytes, in: element.value, at: "inputTokens")
      else { continue }
      return TokenCount.read(bytes, count)
    }
    return nil
  }

  /// Reads `stopReason`.
  func readStop(
    _ bytes: Span<UInt8>, _ object: Range<Int>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    let reason = JSONView.content(bytes, in: object, at: "stopReason")
    if reason.equals("max_tokens") || reason.equals("model_context_window_exceeded") {
      answer.finish(.length)
    } else if reason.equals("tool_use") {
      // The tool that stands for a schema is no call to the client.
      answer.finish(answer.hasCalls() ? .toolCalls : .stop)
    } else if reason.equals("content_filtered") || reason.equals("guardrail_intervened") {
      answer.finish(.contentFilter)
    } else if reason.equals("malformed_model_output") || reason.equals("malformed_tool_use") {
      throw AnswerFault(
        ("The model's output was malformed; try again." as StaticString).bytes.array(), code: reason.array())
    } else {
      if !reason.equals("end_turn"), !reason.equals("stop_sequence") { answer.passOver(.finishReason) }
      answer.finish(.stop)
    }
  }
}
