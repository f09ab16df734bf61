// A whole Messages answer, and what whole answers and streams have in common: usage, ends, errors.

internal import Wire

/// Reads one answer, whole or event by event.
final class AnthropicReader: AnswerReader {
  // The parts of usage: a stream tells them twice, the second time without what stayed as it was.
  private var input = 0
  private var cacheRead = 0
  private var cacheWrite = 0

  /// What kind of block each index of the content is; bounded by `blockCeiling`.
  var blocks: [Block] = []
  /// Arguments that stand in the start of a call's block, by the call's index.
  var inputs: [Int: [UInt8]] = [:]
  var thinkingCount = 0
  var hasEnded = false

  /// Blocks of one answer that are told apart.
  static let blockCeiling = 4096

  enum Block {
    case text
    case thinking(Int)
    case call(Int)
    /// The tool that stands for the answer's schema: its arguments are the text.
    case answer
    case other
  }

  /// `message_stop` is the last word.
  var mayEnd: Bool { false }

  func read(_ body: Span<UInt8>, to answer: inout AnswerWriter) throws(AnswerFault) {
    let whole = 0..<body.count
    if let error = JSONView.value(body, in: whole, at: "error") {
      throw AnthropicFault.answerFault(body, error)
    }
    guard let content = JSONView.value(body, in: whole, at: "content"), JSONView.kind(body, content) == .array
    else { throw .malformed }
    readIdentity(body, whole, to: &answer)
    answer.begin()
    var elements = JSONArrayCursor(body, content)
    while let element = elements.next() { readBlock(body, element.value, to: &answer) }
    if let usage = JSONView.value(body, in: whole, at: "usage") { readUsage(body, usage, to: &answer) }
    readStop(body, whole, to: &answer)
  }

  private func readBlock(_ body: Span<UInt8>, _ block: Range<Int>, to answer: inout AnswerWriter) {
    guard let type = JSONView.value(body, in: block, at: "type") else { return }
    if JSONString.equals(body, type, "text") {
      answer.text(JSONView.content(body, in: block, at: "text"))
    } else if JSONString.equals(body, type, "thinking") {
      answer.thinking(
        block: thinkingCount, text: JSONView.content(body, in: block, at: "thinking"),
        signature: JSONView.content(body, in: block, at: "signature"))
      thinkingCount += 1
    } else if JSONString.equals(body, type, "redacted_thinking") {
      answer.thinking(block: thinkingCount, redacted: JSONView.content(body, in: block, at: "data"))
      thinkingCount += 1
    } else if JSONString.equals(body, type, "tool_use") {
      let input = JSONView.value(body, in: block, at: "input")
      if JSONView.content(body, in: block, at: "name").equals(AnthropicDialect.answerTool) {
        var text = ByteQueue()
        if let input { JSONText.appendCompact(body.extracting(input), escaped: true, into: &text) }
        return answer.text(text.bytes)
      }
      let call = answer.beginCall(
        id: JSONView.content(body, in: block, at: "id"), name: JSONView.content(body, in: block, at: "name"))
      if let input { answer.argumentsValue(body.extracting(input), call: call) }
      answer.endCall(call)
    } else if !Self.isServerTool(JSONString.content(body, type)) {
      answer.passOver(.block)
    }
  }

  /// Whether a block tells of a tool that the provider ran itself: nothing for the client to do.
  static func isServerTool(_ type: Span<UInt8>) -> Bool {
    let ending: StaticString = "_tool_result"
    let count = ending.utf8CodeUnitCount
    return type.equals("server_tool_use") || type.equals("mcp_tool_use")
      || (type.count > count && type.extracting(type.count - count..<type.count).equals(ending))
  }

  func readIdentity(_ bytes: Span<UInt8>, _ message: Range<Int>, to answer: inout AnswerWriter) {
    answer.identify(
      id: JSONView.content(bytes, in: message, at: "id"),
      model: JSONView.content(bytes, in: message, at: "model"))
  }

  /// Input that was read from a cache, or written to it, is input too; Anthropic counts them apart.
  func readUsage(_ bytes: Span<UInt8>, _ usage: Range<Int>, to answer: inout AnswerWriter) {
    guard JSONView.kind(bytes, usage) == .object else { return }
    func number(_ range: Range<Int>) -> Int? {
      JSONValue.integer(bytes, range).flatMap { $0 >= 0 && $0 < 1 << 50 ? $0 : nil }
    }
    var hasInput = false
    var members = JSONObjectCursor(bytes, usage)
    while let member = members.next() {
      if member.keyIs("input_tokens", in: bytes), let count = number(member.value) {
        (input, hasInput) = (count, true)
      } else if member.keyIs("cache_read_input_tokens", in: bytes), let count = number(member.value) {
        (cacheRead, hasInput) = (count, true)
      } else if member.keyIs("cache_creation_input_tokens", in: bytes), let count = number(member.value) {
        (cacheWrite, hasInput) = (count, true)
      } else if member.keyIs("output_tokens", in: bytes), let count = number(member.value) {
        answer.usage.output = count
      } else if member.keyIs("output_tokens_details", in: bytes),
        let details = JSONView.value(bytes, in: member.value, at: "thinking_tokens"),
        let count = number(details)
      {
        answer.usage.reasoning = count
      }
    }
    guard hasInput else { return }
    answer.usage.input = input + cacheRead + cacheWrite
    answer.usage.cachedInput = cacheRead
    if cacheWrite > 0 { answer.usage.cacheWrite = cacheWrite }
  }

  /// Reads `stop_reason` and what explains it.
  func readStop(_ bytes: Span<UInt8>, _ object: Range<Int>, to answer: inout AnswerWriter) {
    guard let reason = JSONView.value(bytes, in: object, at: "stop_reason"),
      JSONView.kind(bytes, reason) == .string
    else { return }
    if JSONString.equals(bytes, reason, "max_tokens")
      || JSONString.equals(bytes, reason, "model_context_window_exceeded")
    {
      answer.finish(.length)
    } else if JSONString.equals(bytes, reason, "tool_use") {
      // The tool that stands for a schema is no call to the client.
      answer.finish(answer.hasCalls() ? .toolCalls : .stop)
    } else if JSONString.equals(bytes, reason, "refusal") {
      if let why = JSONView.value(bytes, in: object, at: "stop_details", "explanation"),
        JSONView.kind(bytes, why) == .string
      {
        answer.refusal(JSONString.content(bytes, why))
      }
      answer.finish(.contentFilter)
    } else {
      if !JSONString.equals(bytes, reason, "end_turn"), !JSONString.equals(bytes, reason, "stop_sequence"),
        !JSONString.equals(bytes, reason, "pause_turn")
      {
        answer.passOver(.finishReason)
      }
      answer.finish(.stop)
    }
  }
}
