// Reads a chat's answer, whole or chunk by chunk, and tells it as blocks. The answer has come through a conversation of
// Remora's own: it is in OpenAI's form already, whatever the provider speaks.

internal import Wire

struct ChatAnswerReader: ~Copyable {
  private let form: any AnswerForm
  private var blocks: AnswerBlocks
  private var end = AnswerEnd()
  private(set) var hasEnded = false
  /// More came than can be held.
  private(set) var isOverfull = false
  private var callCount = 0
  private var pattern = ChunkPattern()
  /// Reasoning has come in blocks that its provider signs.
  private(set) var hasSigned = false

  init(_ form: any AnswerForm) {
    self.form = form
    blocks = AnswerBlocks(form)
  }

  /// Reads a chunk.
  mutating func read(chunk data: Span<UInt8>, into out: inout ByteQueue) {
    if hasEnded { return }
    if let (value, choice) = pattern.match(data) {
      // Formats of blocks know one answer.
      if choice == 0 { blocks.piece(.text, JSONString.content(data, value), into: &out) }
    } else if Self.error(in: data) {
      hasEnded = true
      return form.fail(data, into: &out)
    } else {
      readChoices(data, into: &out)
      pattern.learn(data)
    }
    if blocks.isOverfull || form.heldCount > Self.heldCeiling { overflow(into: &out) }
  }

  /// Ends a stream of which more would have to be held than can be.
  mutating func overflow(into out: inout ByteQueue) {
    isOverfull = true
    if hasEnded { return }
    hasEnded = true
    form.fail(Self.overfull.bytes, into: &out)
  }

  /// Whether what is said is that something went wrong.
  static func error(in data: Span<UInt8>) -> Bool {
    JSONView.value(data, in: 0..<data.count, at: "error").map { !JSONValue.isNull(data, $0) } ?? false
  }

  private mutating func readChoices(_ data: Span<UInt8>, into out: inout ByteQueue) {
    guard let choices = JSONView.value(data, in: 0..<data.count, at: "choices") else { return }
    var elements = JSONArrayCursor(data, choices)
    while let choice = elements.next() {
      // Formats of blocks know one answer.
      if let index = JSONView.value(data, in: choice.value, at: "index"),
        let number = JSONValue.integer(data, index), number != 0
      {
        continue
      }
      var members = JSONObjectCursor(data, choice.value)
      var reason: Range<Int>?
      while let member = members.next() {
        if member.keyIs("delta", in: data) || member.keyIs("message", in: data) {
          readMessage(data, member.value, into: &out)
        } else if member.keyIs("finish_reason", in: data), member.kind == .string {
          reason = member.value
        }
      }
      if let reason { end.reason = Self.reason(data, reason) }
    }
  }

  /// Bytes of a stream that are held to be said again at its end: far more than any model writes in one answer.
  private static let heldCeiling = 32 << 20

  /// Bytes that are held.
  var heldCount: Int { form.heldCount + blocks.waitingBytes }

  private static let overfull: StaticString =
    "{\"error\":{\"message\":\"The provider's answer is longer than can be held until its end.\",\"type\":\"upstream_error\",\"param\":null,\"code\":\"upstream_protocol\"}}"

  /// Reads a whole answer, which tells of no error; false where it is none, or more than can be held.
  mutating func read(whole data: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    guard let choices = JSONView.value(data, in: 0..<data.count, at: "choices"),
      JSONView.kind(data, choices) == .array
    else { return false }
    readChoices(data, into: &out)
    if blocks.isOverfull { isOverfull = true }
    return !isOverfull
  }

  /// The answer is over.
  mutating func finish(_ usage: TokenUsage, into out: inout ByteQueue) {
    if hasEnded { return }
    hasEnded = true
    blocks.end(isCut: end.reason == .length || end.reason == .contentFilter, into: &out)
    end.hasCalls = blocks.hasCalls
    form.finish(end, usage, into: &out)
  }

  private static func reason(_ data: Span<UInt8>, _ range: Range<Int>) -> FinishReason {
    if JSONString.equals(data, range, "length") { return .length }
    if JSONString.equals(data, range, "content_filter") { return .contentFilter }
    if JSONString.equals(data, range, "tool_calls") || JSONString.equals(data, range, "function_call") {
      return .toolCalls
    }
    return .stop
  }

  // MARK: Messages

  /// Where a message's or delta's parts lie. They are told in the order that every format of blocks wants: what was
  /// thought, what was said, what is called.
  private struct Parts {
    var content: Range<Int>?
    var refusal: Range<Int>?
    var reasoning: Range<Int>?
    var signed: Range<Int>?
    var calls: Range<Int>?
  }

  private mutating func readMessage(_ data: Span<UInt8>, _ message: Range<Int>, into out: inout ByteQueue) {
    var parts = Parts()
    var members = JSONObjectCursor(data, message)
    while let member = members.next() {
      switch member.kind {
      case .string:
        if member.keyIs("content", in: data) {
          parts.content = member.value
        } else if member.keyIs("refusal", in: data) {
          parts.refusal = member.value
        } else if member.keyIs("reasoning_content", in: data) || member.keyIs("reasoning", in: data) {
          parts.reasoning = member.value
        }
      case .array:
        if member.keyIs("tool_calls", in: data) {
          parts.calls = member.value
        } else if member.keyIs("thinking_blocks", in: data) {
          parts.signed = member.value
        }
      default: break
      }
    }
    if let signed = parts.signed, signed.count > 2, holdsAny(data, signed) {
      readSigned(data, signed, into: &out)
    } else if let reasoning = parts.reasoning {
      blocks.piece(.reasoning(0), JSONString.content(data, reasoning), into: &out)
    }
    if let refusal = parts.refusal { blocks.piece(.refusal, JSONString.content(data, refusal), into: &out) }
    if let content = parts.content { blocks.piece(.text, JSONString.content(data, content), into: &out) }
    if let calls = parts.calls { readCalls(data, calls, into: &out) }
  }

  private func holdsAny(_ data: Span<UInt8>, _ list: Range<Int>) -> Bool {
    var elements = JSONArrayCursor(data, list)
    return elements.next() != nil
  }

  /// Which of a list's members an element is a part of: as it says itself, or by its place.
  private static func index(_ data: Span<UInt8>, _ element: Range<Int>, at place: Int) -> Int {
    let said = JSONView.value(data, in: element, at: "index").flatMap { JSONValue.integer(data, $0) }
    // No answer has so many, and what is reckoned with it stays a number.
    return min(max(said ?? place, 0), 1 << 20)
  }

  private mutating func readSigned(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
    var elements = JSONArrayCursor(data, list)
    var position = 0
    while let element = elements.next() {
      hasSigned = true
      let index = Self.index(data, element.value, at: position)
      position += 1
      let redacted = JSONView.content(data, in: element.value, at: "data")
      if !redacted.isEmpty {
        var block = AnswerBlock(kind: .redacted(index))
        block.signature = redacted.array()
        blocks.begin(block, into: &out)
        continue
      }
      let kind = AnswerBlock.Kind.reasoning(index)
      blocks.piece(kind, JSONView.content(data, in: element.value, at: "thinking"), into: &out)
      let signature = JSONView.content(data, in: element.value, at: "signature")
      if signature.isEmpty { continue }
      // A block that shows nothing of what was thought is signed all the same.
      if !blocks.isOpen(kind) { blocks.begin(AnswerBlock(kind: kind), into: &out) }
      blocks.sign(kind, signature)
    }
  }

  private mutating func readCalls(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
    var elements = JSONArrayCursor(data, list)
    var position = 0
    while let element = elements.next() {
      let index = Self.index(data, element.value, at: position)
      position += 1
      let name = JSONView.content(data, in: element.value, at: "function", "name")
      let id = JSONView.content(data, in: element.value, at: "id")
      if !name.isEmpty, index >= callCount {
        callCount = index + 1
        var block = AnswerBlock(kind: .call(index))
        block.id = id.array()
        block.name = name.array()
        if let extra = JSONView.value(data, in: element.value, at: "extra_content", "google") {
          block.callSignature = JSONView.content(data, in: extra, at: "thought_signature").array()
        }
        blocks.begin(block, into: &out)
      }
      blocks.piece(
        .call(index), JSONView.content(data, in: element.value, at: "function", "arguments"), into: &out)
    }
  }
}
