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

  func forget() -> Bool {
    (input, cacheRead, cacheWrite) = (0, 0, 0)
    if !blocks.isEmpty { blocks.removeAll(keepingCapacity: blocks.count <= 64) }
    if !inputs.isEmpty { inputs = [:] }
    thinkingCount = 0
    hasEnded = false
    return true
  }

  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
    var walk = JSONWalk(body, strings: strings.span)
    try read(body, &walk, strings.span, to: &answer)
  }

  func readUnscanned(_ body: Span<UInt8>, to answer: inout AnswerWriter) throws(AnswerFault) -> Bool? {
    var walk = JSONWalk(proving: body)
    try read(body, &walk, Span(), to: &answer)
    return walk.hasProven
  }

  private func read(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ strings: Span<UInt64>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    var content: Int?
    var id = 0..<0
    var model = 0..<0
    var stop: Range<Int>?
    guard walk.enterObject() else { throw .malformed }
    while let key = walk.nextKey() {
      // A whole answer is written at the end; of a stream the first chunk says whose it is.
      if key.says("content", in: body), case .array? = walk.kind {
        content = walk.at
        if !answer.isStream {
          readBlocks(body, &walk, to: &answer)
          continue
        }
      } else if key.says("usage", in: body), case .object? = walk.kind {
        readUsage(body, &walk, to: &answer)
        continue
      }
      guard let (value, kind) = walk.pass() else { break }
      if key.says("stop_reason", in: body) {
        stop = value
      } else if key.says("error", in: body) {
        throw AnthropicFault.answerFault(body, value)
      } else if case .string = kind {
        if key.says("id", in: body) { id = value }
        if key.says("model", in: body) { model = value }
      }
    }
    guard let content else { throw .malformed }
    answer.identify(id: JSONString.content(body, id), model: JSONString.content(body, model))
    answer.begin()
    if answer.isStream {
      var late = JSONWalk(body, from: content, strings: strings)
      readBlocks(body, &late, to: &answer)
    }
    if let stop { readStop(body, stop, in: 0..<body.count, to: &answer) }
  }

  /// Reads the content, a list that comes next.
  private func readBlocks(_ body: Span<UInt8>, _ walk: inout JSONWalk, to answer: inout AnswerWriter) {
    guard walk.enterArray() else { return }
    while walk.nextElement() {
      guard walk.enterObject() else {
        _ = walk.pass()
        continue
      }
      readBlock(body, BlockMembers(body, &walk), to: &answer)
    }
  }

  /// A block's members, by name: all that any type of block has.
  private struct BlockMembers {
    var type = 0..<0
    var id = 0..<0
    var name = 0..<0
    /// `text`, `thinking` or `data`.
    var text = 0..<0
    var signature = 0..<0
    var input: Range<Int>?

    init(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      while let member = walk.nextMember() {
        if member.keyIs("input", in: body) { input = member.value }
        guard case .string = member.kind else { continue }
        if member.keyIs("type", in: body) {
          type = member.value
        } else if member.keyIs("text", in: body) || member.keyIs("thinking", in: body)
          || member.keyIs("data", in: body)
        {
          text = member.value
        } else if member.keyIs("id", in: body) {
          id = member.value
        } else if member.keyIs("name", in: body) {
          name = member.value
        } else if member.keyIs("signature", in: body) {
          signature = member.value
        }
      }
    }
  }

  private func readBlock(_ body: Span<UInt8>, _ members: BlockMembers, to answer: inout AnswerWriter) {
    if members.type.isEmpty { return }
    let text = JSONString.content(body, members.text)
    if JSONString.equals(body, members.type, "text") {
      answer.text(text)
    } else if JSONString.equals(body, members.type, "thinking") {
      answer.thinking(
        block: thinkingCount, text: text, signature: JSONString.content(body, members.signature))
      thinkingCount += 1
    } else if JSONString.equals(body, members.type, "redacted_thinking") {
      answer.thinking(block: thinkingCount, redacted: text)
      thinkingCount += 1
    } else if JSONString.equals(body, members.type, "tool_use") {
      let name = JSONString.content(body, members.name)
      if name.equals(AnthropicDialect.answerTool) {
        var text = ByteQueue()
        if let input = members.input {
          JSONText.appendCompact(body.extracting(input), escaped: true, into: &text)
        }
        return answer.text(text.bytes)
      }
      let call = answer.beginCall(id: JSONString.content(body, members.id), name: name)
      if let input = members.input { answer.argumentsValue(body.extracting(input), call: call) }
      answer.endCall(call)
    } else if !Self.isServerTool(JSONString.content(body, members.type)) {
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
    var walk = JSONWalk(bytes, from: usage.lowerBound, strings: Span())
    readUsage(bytes, &walk, to: &answer)
  }

  /// As above, of an object that comes next.
  private func readUsage(_ bytes: Span<UInt8>, _ walk: inout JSONWalk, to answer: inout AnswerWriter) {
    guard walk.enterObject() else { return }
    var hasInput = false
    while let key = walk.nextKey() {
      // Nearly all are a few digits.
      if let count = walk.takeCount() {
        if note(count, key, bytes, to: &answer) { hasInput = true }
        continue
      }
      guard let (value, kind) = walk.pass() else { break }
      if case .number = kind {
        if let count = TokenCount.read(bytes, value), note(count, key, bytes, to: &answer) { hasInput = true }
      } else if key.says("cache_creation", in: bytes) {
        if let hour = TokenUsage.hour(bytes, value) { answer.usage.cacheWriteHour = hour }
      } else if key.says("service_tier", in: bytes) {
        answer.serviceTier = ServiceTier.read(bytes, value)
      } else if key.says("output_tokens_details", in: bytes),
        let details = JSONView.value(bytes, in: value, at: "thinking_tokens"),
        let count = TokenCount.read(bytes, details)
      {
        answer.usage.reasoning = count
      }
    }
    guard hasInput else { return }
    answer.usage.input = input + cacheRead + cacheWrite
    answer.usage.cachedInput = cacheRead
    if cacheWrite > 0 { answer.usage.cacheWrite = cacheWrite }
  }

  /// Takes over what the member called `key` counts; true where that is input.
  private func note(
    _ count: Int, _ key: JSONKey, _ bytes: Span<UInt8>, to answer: inout AnswerWriter
  ) -> Bool {
    if key.says("input_tokens", in: bytes) {
      input = count
    } else if key.says("output_tokens", in: bytes) {
      answer.usage.output = count
      return false
    } else if key.says("cache_read_input_tokens", in: bytes) {
      cacheRead = count
    } else if key.says("cache_creation_input_tokens", in: bytes) {
      cacheWrite = count
    } else {
      return false
    }
    return true
  }

  /// Reads `stop_reason` and what explains it.
  func readStop(_ bytes: Span<UInt8>, _ object: Range<Int>, to answer: inout AnswerWriter) {
    guard let reason = JSONView.value(bytes, in: object, at: "stop_reason") else { return }
    readStop(bytes, reason, in: object, to: &answer)
  }

  private func readStop(
    _ bytes: Span<UInt8>, _ reason: Range<Int>, in object: Range<Int>, to answer: inout AnswerWriter
  ) {
    guard JSONView.kind(bytes, reason) == .string else { return }
    // Mostly.
    if JSONString.equals(bytes, reason, "end_turn") { return answer.finish(.stop) }
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
      if !JSONString.equals(bytes, reason, "stop_sequence"), !JSONString.equals(bytes, reason, "pause_turn") {
        answer.passOver(.finishReason)
      }
      answer.finish(.stop)
    }
  }
}
