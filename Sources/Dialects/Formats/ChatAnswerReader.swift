// Reads a chat's answer, whole or chunk by chunk, and tells it as blocks: of providers in OpenAI's format and of the mock.
// A dialect tells its answers itself (Hub/AnswerWriter.swift).

internal import Wire

struct ChatAnswerReader: ~Copyable {
  private let answer: BlockAnswer
  private var callCount = 0
  private var pattern = ChunkPattern()

  init(_ answer: BlockAnswer) { self.answer = answer }

  /// Begins an answer.
  mutating func begin() {
    callCount = 0
    pattern.forget()
  }

  /// Reads a chunk.
  mutating func read(chunk data: Span<UInt8>, into out: inout ByteQueue) {
    if answer.hasEnded { return }
    answer.start(into: &out)
    if let (value, choice) = pattern.match(data) {
      // Formats of blocks know one answer.
      if choice == 0 { answer.piece(.text, JSONString.content(data, value), into: &out) }
    } else {
      guard read(data, into: &out) != .error else { return answer.fail(data, into: &out) }
      pattern.learn(data)
    }
    answer.checkHeld(into: &out)
  }

  /// What a chunk or a whole answer turned out to be.
  enum Found {
    case choices, error
    /// An object without choices.
    case other
  }

  /// Reads a chunk or a whole answer, and tells what the first choice says; of one that says that something went wrong,
  /// nothing.
  mutating func read(_ data: Span<UInt8>, into out: inout ByteQueue) -> Found {
    var found = Found.other
    var said: Choice?
    var walk = JSONWalk(data, strings: Span())
    guard walk.enterObject() else { return .other }
    while let key = walk.nextKey() {
      if key.says("choices", in: data), walk.enterArray() {
        if found != .error { found = .choices }
        said = nil
        while walk.nextElement() {
          guard walk.enterObject() else {
            _ = walk.pass()
            continue
          }
          let choice = Choice(data, &walk)
          // Formats of blocks know one answer.
          if choice.index != 0 { continue }
          if let said { tell(said, data, into: &out) }
          said = choice
        }
        continue
      }
      guard let (_, kind) = walk.pass() else { break }
      if kind != .null, key.says("error", in: data) { found = .error }
    }
    if let said, found == .choices { tell(said, data, into: &out) }
    return found
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

  /// Where the parts of a choice lie. They are told in the order that every format of blocks wants: what was thought,
  /// what was said, what is called.
  private struct Choice {
    var index = 0
    var content: Range<Int>?
    var refusal: Range<Int>?
    var reasoning: Range<Int>?
    var signed: Range<Int>?
    var calls: Range<Int>?
    var reason: Range<Int>?

    /// Reads a choice whose brace is behind.
    init(_ data: Span<UInt8>, _ walk: inout JSONWalk) {
      while let key = walk.nextKey() {
        if key.says("message", in: data) || key.says("delta", in: data), walk.enterObject() {
          while let member = walk.nextMember() { note(member, data) }
          continue
        }
        guard let (value, kind) = walk.pass() else { return }
        if kind == .string, key.says("finish_reason", in: data) {
          reason = value
        } else if kind == .number, key.says("index", in: data) {
          index = JSONValue.integer(data, value) ?? 0
        }
      }
    }

    private mutating func note(_ member: JSONObjectCursor.Member, _ data: Span<UInt8>) {
      switch member.kind {
      case .string:
        if member.keyIs("content", in: data) {
          content = member.value
        } else if member.keyIs("refusal", in: data) {
          refusal = member.value
        } else if member.keyIs("reasoning_content", in: data) || member.keyIs("reasoning", in: data) {
          reasoning = member.value
        }
      case .array:
        if member.keyIs("tool_calls", in: data) {
          calls = member.value
        } else if member.keyIs("thinking_blocks", in: data) {
          signed = member.value
        }
      default: break
      }
    }
  }

  private mutating func tell(_ choice: Choice, _ data: Span<UInt8>, into out: inout ByteQueue) {
    if let signed = choice.signed, holdsAny(data, signed) {
      readSigned(data, signed, into: &out)
    } else if let reasoning = choice.reasoning {
      answer.piece(.reasoning(0), JSONString.content(data, reasoning), into: &out)
    }
    if let refusal = choice.refusal {
      answer.piece(.refusal, JSONString.content(data, refusal), into: &out)
    }
    if let content = choice.content { answer.piece(.text, JSONString.content(data, content), into: &out) }
    if let calls = choice.calls { readCalls(data, calls, into: &out) }
    if let reason = choice.reason { answer.reason = Self.reason(data, reason) }
  }

  private func holdsAny(_ data: Span<UInt8>, _ list: Range<Int>) -> Bool {
    var walk = JSONWalk(data, from: list.lowerBound, strings: Span())
    return walk.enterArray() && walk.nextElement()
  }

  /// Which of a list's members an element is a part of: as it says itself, or by its place.
  private static func index(_ data: Span<UInt8>, _ said: Range<Int>?, at place: Int) -> Int {
    // No answer has so many, and what is reckoned with it stays a number.
    min(max(said.flatMap { JSONValue.integer(data, $0) } ?? place, 0), 1 << 20)
  }

  /// What a string says, still escaped; empty where there is none.
  @_lifetime(copy data)
  private static func content(_ data: Span<UInt8>, _ member: JSONObjectCursor.Member?) -> Span<UInt8> {
    guard let member, member.kind == .string else { return data.extracting(0..<0) }
    return JSONString.content(data, member.value)
  }

  private mutating func readSigned(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
    var walk = JSONWalk(data, from: list.lowerBound, strings: Span())
    guard walk.enterArray() else { return }
    var position = 0
    while walk.nextElement() {
      guard walk.enterObject() else {
        _ = walk.pass()
        continue
      }
      var said: Range<Int>?
      var redacted: JSONObjectCursor.Member?
      var text: JSONObjectCursor.Member?
      var signature: JSONObjectCursor.Member?
      while let member = walk.nextMember() {
        if member.keyIs("index", in: data) {
          said = member.value
        } else if member.keyIs("data", in: data) {
          redacted = member
        } else if member.keyIs("thinking", in: data) {
          text = member
        } else if member.keyIs("signature", in: data) {
          signature = member
        }
      }
      let index = Self.index(data, said, at: position)
      position += 1
      let hidden = Self.content(data, redacted)
      if hidden.isEmpty {
        answer.signed(
          index, text: Self.content(data, text), Self.content(data, signature), into: &out)
      } else {
        answer.redacted(index, hidden, into: &out)
      }
    }
  }

  /// Where the parts of a call lie.
  private struct Call {
    var index: Range<Int>?
    var id: JSONObjectCursor.Member?
    var name: JSONObjectCursor.Member?
    var arguments: JSONObjectCursor.Member?
    var extra: Range<Int>?

    /// Reads a call whose brace is behind.
    init(_ data: Span<UInt8>, _ walk: inout JSONWalk) {
      while let key = walk.nextKey() {
        if key.says("function", in: data), walk.enterObject() {
          while let member = walk.nextMember() {
            if member.keyIs("name", in: data) {
              name = member
            } else if member.keyIs("arguments", in: data) {
              arguments = member
            }
          }
          continue
        }
        guard let passed = walk.pass() else { return }
        if key.says("index", in: data) {
          index = passed.range
        } else if key.says("id", in: data) {
          id = JSONObjectCursor.Member(key: key, passed)
        } else if key.says("extra_content", in: data) {
          extra = passed.range
        }
      }
    }
  }

  private mutating func readCalls(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
    var walk = JSONWalk(data, from: list.lowerBound, strings: Span())
    guard walk.enterArray() else { return }
    var position = 0
    while walk.nextElement() {
      guard walk.enterObject() else {
        _ = walk.pass()
        continue
      }
      let call = Call(data, &walk)
      let index = Self.index(data, call.index, at: position)
      position += 1
      let name = Self.content(data, call.name)
      if !name.isEmpty, index >= callCount {
        callCount = index + 1
        var signature = data.extracting(0..<0)
        if let google = call.extra.flatMap({ JSONView.value(data, in: $0, at: "google") }) {
          signature = JSONView.content(data, in: google, at: "thought_signature")
        }
        answer.call(index, id: Self.content(data, call.id), name: name, signature: signature, into: &out)
      }
      answer.piece(.call(index), Self.content(data, call.arguments), into: &out)
    }
  }
}
