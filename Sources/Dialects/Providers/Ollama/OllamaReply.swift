// An answer of Ollama's: each line of a stream is a piece, and a whole answer is one line that says all.

internal import Wire

/// Reads one answer, whole or line by line.
final class OllamaReader: AnswerReader {
  private(set) var hasEnded = false
  private var hasBegun = false

  /// `done: true` is the last word.
  var mayEnd: Bool { false }

  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
    try readLine(body, to: &answer)
    guard hasEnded else { throw .malformed }
  }

  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    try readLine(data, to: &answer)
  }

  private func readLine(_ line: Span<UInt8>, to answer: inout AnswerWriter) throws(AnswerFault) {
    let whole = 0..<line.count
    if let error = JSONView.value(line, in: whole, at: "error"), JSONView.kind(line, error) == .string {
      var message = ByteQueue()
      JSONString.decode(line, error, into: &message)
      throw AnswerFault(message.array())
    }
    if !hasBegun {
      hasBegun = true
      answer.identify(
        id: line.extracting(0..<0), model: JSONView.content(line, in: whole, at: "model"),
        created: CivilTime.unixSeconds(rfc3339: JSONView.content(line, in: whole, at: "created_at")))
      answer.begin()
    }
    if let message = JSONView.value(line, in: whole, at: "message") {
      answer.reasoning(JSONView.content(line, in: message, at: "thinking"))
      answer.text(JSONView.content(line, in: message, at: "content"))
      if let calls = JSONView.value(line, in: message, at: "tool_calls") {
        readCalls(line, calls, to: &answer)
      }
    }
    if let done = JSONView.value(line, in: whole, at: "done"), JSONValue.bool(line, done) == true {
      readEnd(line, whole, to: &answer)
    }
  }

  private func readCalls(_ line: Span<UInt8>, _ list: Range<Int>, to answer: inout AnswerWriter) {
    var calls = JSONArrayCursor(line, list)
    while let element = calls.next() {
      guard let function = JSONView.value(line, in: element.value, at: "function") else { continue }
      let call = answer.beginCall(
        id: JSONView.content(line, in: element.value, at: "id"),
        name: JSONView.content(line, in: function, at: "name"))
      if let arguments = JSONView.value(line, in: function, at: "arguments") {
        if JSONView.kind(line, arguments) == .string {
          answer.arguments(JSONString.content(line, arguments), call: call)
        } else {
          answer.argumentsValue(line.extracting(arguments), call: call)
        }
      }
      answer.endCall(call)
    }
  }

  private func readEnd(_ line: Span<UInt8>, _ whole: Range<Int>, to answer: inout AnswerWriter) {
    hasEnded = true
    answer.finish(JSONView.content(line, in: whole, at: "done_reason").equals("length") ? .length : .stop)
    // Absent where the whole prompt was cached: unknown, not none.
    if let count = JSONView.value(line, in: whole, at: "prompt_eval_count") {
      answer.usage.input = TokenCount.read(line, count)
    }
    if let count = JSONView.value(line, in: whole, at: "eval_count") {
      answer.usage.output = TokenCount.read(line, count)
    }
  }
}
