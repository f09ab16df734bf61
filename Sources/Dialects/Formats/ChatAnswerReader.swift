// Reads a chat's answer, whole or chunk by chunk, and tells it as blocks: of providers in OpenAI's format and of the mock.
// A dialect tells its answers itself (Hub/AnswerWriter.swift).

internal import Wire

final class ChatAnswerReader {
  /// A call whose name may go on: some providers send names in pieces, and forms say a name once.
  private struct Named {
    let index: Int
    let id: [UInt8]
    var name: [UInt8]
    let signature: [UInt8]
  }

  private let answer: BlockAnswer
  private var callCount = 0
  private var named: Named?
  /// Bytes of a name that comes in pieces; no API takes half as many.
  private static let nameCeiling = 1024
  private var pattern = ChunkPattern()
  private var scanner = JSONScanner(notesStrings: true)
  /// What a whole answer has used.
  private(set) var usage = TokenUsage()

  init(_ answer: BlockAnswer) { self.answer = answer }

  /// Begins an answer.
  func begin() {
    callCount = 0
    named = nil
    pattern.forget()
    usage = TokenUsage()
  }

  // MARK: A stream

  /// Tells a chunk that is like an earlier one, but for its text; false where it isn't, so that it must be read.
  func again(_ data: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    guard let text = pattern.match(data) else { return false }
    tell(text: JSONString.content(data, text.value), Span(), text.choice, into: &out)
    answer.checkHeld(into: &out)
    return true
  }

  /// Reads a chunk, which has been scanned and is no error.
  ///
  /// - Parameter carriesOn: another one like it would change nothing of what is known of the stream.
  func read(chunk data: Span<UInt8>, carriesOn: Bool, into out: inout ByteQueue) {
    if answer.hasEnded { return }
    answer.start(into: &out)
    _ = read(data, Span(), into: &out)
    if carriesOn { pattern.learn(data) }
    answer.checkHeld(into: &out)
  }

  /// Ends the stream with an error, which has OpenAI's shape.
  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) {
    flush(into: &out)
    answer.fail(error, into: &out)
  }

  /// Ends the answer.
  func finish(_ usage: TokenUsage, into out: inout ByteQueue) {
    flush(into: &out)
    answer.finish(usage, into: &out)
  }

  // MARK: Whole answers

  /// Reads a whole answer, and tells what it says; nil where it is no JSON object.
  func read(whole data: Span<UInt8>, into out: inout ByteQueue) -> Found? {
    usage = TokenUsage()
    scanner.reset(watching: [])
    do throws(JSONFault) {
      try scanner.feed(data)
      try scanner.finish()
    } catch { return nil }
    guard scanner.topLevelKind == .object else { return nil }
    answer.start(into: &out)
    let strings = scanner.strings
    return read(data, strings.span, into: &out)
  }

  /// What a chunk or a whole answer turned out to be.
  enum Found {
    case choices, error
    /// An object without choices.
    case other
  }

  /// Reads a chunk or a whole answer, and tells what the first choice says; of one that says that something went wrong,
  /// nothing.
  ///
  /// - Parameter strings: where its long strings lie, as far as that is known.
  private func read(_ data: Span<UInt8>, _ strings: Span<UInt64>, into out: inout ByteQueue) -> Found {
    var found = Found.other
    var said: Choice?
    var walk = JSONWalk(data, strings: strings)
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
          if choice.index != 0 {
            tell(further: choice, data, into: &out)
            continue
          }
          if let said { tell(said, data, into: &out) }
          said = choice
        }
        continue
      }
      if key.says("usage", in: data), case .object? = walk.kind {
        usage.read(data, &walk)
        continue
      }
      guard let (value, kind) = walk.pass() else { break }
      if kind == .string {
        if key.says("service_tier", in: data) { answer.tier = ServiceTier.read(data, value) ?? answer.tier }
      } else if kind != .null, key.says("error", in: data) {
        found = .error
      }
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
    /// A list, of each token one.
    var logprobs: Range<Int>?

    /// Reads a choice whose brace is behind.
    init(_ data: Span<UInt8>, _ walk: inout JSONWalk) {
      while let key = walk.nextKey() {
        if key.says("message", in: data) || key.says("delta", in: data), walk.enterObject() {
          while let member = walk.nextMember() { note(member, data) }
          continue
        }
        if key.says("logprobs", in: data), walk.enterObject() {
          while let member = walk.nextMember() {
            if member.kind == .array, member.keyIs("content", in: data) { logprobs = member.value }
          }
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

  private func tell(_ choice: Choice, _ data: Span<UInt8>, into out: inout ByteQueue) {
    if let signed = choice.signed, holdsAny(data, signed) {
      flush(into: &out)
      readSigned(data, signed, into: &out)
    } else if let reasoning = choice.reasoning {
      tell(.reasoning(0), JSONString.content(data, reasoning), into: &out)
    }
    if let refusal = choice.refusal { tell(.refusal, JSONString.content(data, refusal), into: &out) }
    let logprobs = Self.items(data, choice.logprobs)
    if let content = choice.content {
      tell(text: JSONString.content(data, content), logprobs, 0, into: &out)
    } else if !logprobs.isEmpty {
      tell(text: Span(), logprobs, 0, into: &out)
    }
    if let calls = choice.calls { readCalls(data, calls, into: &out) }
    if let reason = choice.reason { answer.reason = Self.reason(data, reason) }
  }

  /// Tells what a further choice says: its text alone, which the forms take that know several answers.
  private func tell(further choice: Choice, _ data: Span<UInt8>, into out: inout ByteQueue) {
    if let content = choice.content ?? choice.refusal {
      let logprobs = Self.items(data, choice.logprobs)
      tell(text: JSONString.content(data, content), logprobs, choice.index, into: &out)
    }
    if let reason = choice.reason { answer.finish(choice: choice.index, Self.reason(data, reason)) }
  }

  /// What stands in a list, with commas between.
  @_lifetime(copy data)
  private static func items(_ data: Span<UInt8>, _ list: Range<Int>?) -> Span<UInt8> {
    guard let list, list.count > 2 else { return data.extracting(0..<0) }
    return data.extracting(list.lowerBound + 1..<list.upperBound - 1)
  }

  private func tell(
    text: Span<UInt8>, _ logprobs: Span<UInt8>, _ choice: Int, into out: inout ByteQueue
  ) {
    if choice != 0 { return answer.piece(choice: choice, text, logprobs: logprobs, into: &out) }
    if !text.isEmpty { flush(into: &out) }
    answer.piece(.text, text, logprobs: logprobs, into: &out)
  }

  private func tell(_ kind: AnswerBlock.Kind, _ text: Span<UInt8>, into out: inout ByteQueue) {
    if !text.isEmpty { flush(into: &out) }
    answer.piece(kind, text, into: &out)
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

  private func readSigned(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
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

  private func readCalls(_ data: Span<UInt8>, _ list: Range<Int>, into out: inout ByteQueue) {
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
      if !name.isEmpty { read(name, of: call, index, data, into: &out) }
      let arguments = Self.content(data, call.arguments)
      if arguments.isEmpty { continue }
      if named?.index == index { flush(into: &out) }
      answer.piece(.call(index), arguments, into: &out)
    }
  }

  /// Reads a call's name, or a further piece of it: it is over when the arguments begin, or anything else.
  private func read(
    _ name: Span<UInt8>, of call: Call, _ index: Int, _ data: Span<UInt8>, into out: inout ByteQueue
  ) {
    if let open = named, open.index == index {
      // It is said again by those that say all of a call each time.
      let known = open.name
      guard !known.span.equals(name), known.count + name.count <= Self.nameCeiling else { return }
      named?.name = known + name.array()
      return
    }
    guard index >= callCount else { return }
    flush(into: &out)
    callCount = index + 1
    var signature = data.extracting(0..<0)
    if let google = call.extra.flatMap({ JSONView.value(data, in: $0, at: "google") }) {
      signature = JSONView.content(data, in: google, at: "thought_signature")
    }
    named = Named(
      index: index, id: Self.content(data, call.id).array(), name: name.array(), signature: signature.array())
  }

  /// Tells the call whose name is whole now.
  private func flush(into out: inout ByteQueue) {
    guard let call = named else { return }
    named = nil
    answer.call(
      call.index, id: call.id.span, name: call.name.span, signature: call.signature.span, into: &out)
  }
}
