// A whole answer of Cohere's, and what whole answers and streams have in common.

internal import Wire

/// Reads one answer, whole or event by event.
final class CohereReader: AnswerReader {
  var hasEnded = false
  /// The call under way; Cohere tells them one after the other.
  var call: Int?

  /// `message-end` is the last word.
  var mayEnd: Bool { false }

  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
    let whole = 0..<body.count
    guard let message = JSONView.value(body, in: whole, at: "message"),
      JSONView.kind(body, message) == .object
    else {
      let fault = CohereFault.read(body, status: 502)
      guard let said = fault.message else { throw .malformed }
      throw AnswerFault(said)
    }
    answer.identify(id: JSONView.content(body, in: whole, at: "id"), model: body.extracting(0..<0))
    answer.begin()
    answer.reasoning(JSONView.content(body, in: message, at: "tool_plan"))
    if let content = JSONView.value(body, in: message, at: "content") {
      readContent(body, content, to: &answer)
    }
    if let list = JSONView.value(body, in: whole, at: "logprobs") { readLogprobs(body, list, to: &answer) }
    if let list = JSONView.value(body, in: message, at: "tool_calls") {
      var calls = JSONArrayCursor(body, list)
      while let element = calls.next() {
        let index = beginCall(body, element.value, to: &answer)
        answer.endCall(index)
      }
    }
    try readEnd(body, whole, to: &answer)
  }

  private func readContent(_ body: Span<UInt8>, _ content: Range<Int>, to answer: inout AnswerWriter) {
    if JSONView.kind(body, content) == .string { return answer.text(JSONString.content(body, content)) }
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      answer.text(JSONView.content(body, in: block.value, at: "text"))
      answer.reasoning(JSONView.content(body, in: block.value, at: "thinking"))
    }
  }

  /// Begins a call and tells the arguments that are there already.
  func beginCall(_ bytes: Span<UInt8>, _ object: Range<Int>, to answer: inout AnswerWriter) -> Int {
    let function = JSONView.value(bytes, in: object, at: "function") ?? 0..<0
    let index = answer.beginCall(
      id: JSONView.content(bytes, in: object, at: "id"),
      name: JSONView.content(bytes, in: function, at: "name"))
    answer.arguments(JSONView.content(bytes, in: function, at: "arguments"), call: index)
    return index
  }

  /// Reads `finish_reason` and `usage`.
  func readEnd(_ bytes: Span<UInt8>, _ object: Range<Int>, to answer: inout AnswerWriter) throws(AnswerFault)
  {
    if let usage = JSONView.value(bytes, in: object, at: "usage") { readUsage(bytes, usage, to: &answer) }
    let reason = JSONView.content(bytes, in: object, at: "finish_reason")
    if reason.equals("ERROR") || reason.equals("TIMEOUT") || reason.equals("ERROR_TOXIC") {
      var message = ByteQueue()
      if let said = JSONView.value(bytes, in: object, at: "error"), JSONView.kind(bytes, said) == .string {
        JSONString.decode(bytes, said, into: &message)
      } else {
        message.append("The provider gave up its answer (")
        message.append(reason)
        message.append(").")
      }
      throw AnswerFault(message.array(), code: reason.array(), status: reason.equals("TIMEOUT") ? 504 : 502)
    }
    if reason.equals("MAX_TOKENS") || reason.equals("ERROR_LIMIT") {
      answer.finish(.length)
    } else if reason.equals("TOOL_CALL") {
      answer.finish(.toolCalls)
    } else {
      if !reason.equals("COMPLETE"), !reason.equals("STOP_SEQUENCE") { answer.passOver(.finishReason) }
      answer.finish(.stop)
    }
  }

  /// `tokens` is what the model read and wrote; `billed_units` leaves out what Cohere adds itself.
  private func readUsage(_ bytes: Span<UInt8>, _ usage: Range<Int>, to answer: inout AnswerWriter) {
    let counts =
      JSONView.value(bytes, in: usage, at: "tokens") ?? JSONView.value(bytes, in: usage, at: "billed_units")
    guard let counts else { return }
    if let input = JSONView.value(bytes, in: counts, at: "input_tokens") {
      answer.usage.input = Self.count(bytes, input)
    }
    if let output = JSONView.value(bytes, in: counts, at: "output_tokens") {
      answer.usage.output = Self.count(bytes, output)
    }
    if let cached = JSONView.value(bytes, in: usage, at: "cached_tokens") {
      answer.usage.cachedInput = Self.count(bytes, cached).map { min($0, answer.usage.input ?? $0) }
    }
  }

  /// A count, which Cohere writes as a float.
  static func count(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    guard let number = JSONValue.double(bytes, range), number >= 0, number < 1e15 else { return nil }
    return Int(number)
  }

  /// An item for each piece of text: Cohere tells what its tokens say together, and their probabilities.
  func readLogprobs(_ bytes: Span<UInt8>, _ list: Range<Int>, to answer: inout AnswerWriter) {
    var object = ByteQueue()
    object.append("{\"content\":[")
    var isFirst = true
    var items = JSONArrayCursor(bytes, list)
    while let item = items.next() {
      guard let numbers = JSONView.value(bytes, in: item.value, at: "logprobs") else { continue }
      var sum = 0.0
      var probabilities = JSONArrayCursor(bytes, numbers)
      while let probability = probabilities.next() { sum += JSONValue.double(bytes, probability.value) ?? 0 }
      if !isFirst { object.append(",") }
      isFirst = false
      object.append("{\"token\":\"")
      object.append(JSONView.content(bytes, in: item.value, at: "text"))
      object.append("\",\"logprob\":")
      JSONWriter.double(sum, into: &object)
      object.append(",\"bytes\":null,\"top_logprobs\":[]}")
    }
    if isFirst { return }
    object.append("],\"refusal\":null}")
    answer.text(bytes.extracting(0..<0), logprobs: object.bytes)
  }
}
