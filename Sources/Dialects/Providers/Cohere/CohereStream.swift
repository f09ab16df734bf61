// A stream of Cohere's, event by event.

internal import Wire

extension CohereReader {
  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    let whole = 0..<data.count
    let type = JSONView.content(data, in: whole, at: "type")
    let delta = JSONView.value(data, in: whole, at: "delta") ?? 0..<0
    if type.equals("content-delta") || type.equals("content-start") {
      guard let content = JSONView.value(data, in: delta, at: "message", "content") else { return }
      answer.text(JSONView.content(data, in: content, at: "text"))
      answer.reasoning(JSONView.content(data, in: content, at: "thinking"))
      if let item = JSONView.value(data, in: whole, at: "logprobs") {
        var list = ByteQueue()
        list.append("[")
        list.append(data.extracting(item))
        list.append("]")
        readLogprobs(list.bytes, 0..<list.count, to: &answer)
      }
    } else if type.equals("tool-plan-delta") {
      if let message = JSONView.value(data, in: delta, at: "message") {
        answer.reasoning(JSONView.content(data, in: message, at: "tool_plan"))
      }
    } else if type.equals("tool-call-start") {
      guard let started = JSONView.value(data, in: delta, at: "message", "tool_calls") else { return }
      endCall(to: &answer)
      call = beginCall(data, started, to: &answer)
    } else if type.equals("tool-call-delta") {
      guard let call, let function = JSONView.value(data, in: delta, at: "message", "tool_calls", "function")
      else {
        return
      }
      answer.arguments(JSONView.content(data, in: function, at: "arguments"), call: call)
    } else if type.equals("tool-call-end") {
      endCall(to: &answer)
    } else if type.equals("message-start") {
      answer.identify(id: JSONView.content(data, in: whole, at: "id"), model: data.extracting(0..<0))
      answer.begin()
    } else if type.equals("message-end") {
      endCall(to: &answer)
      try readEnd(data, delta, to: &answer)
      hasEnded = true
    } else if type.isEmpty, let said = CohereFault.read(data, status: 502).message {
      // An error that came instead of an event.
      throw AnswerFault(said)
    } else if !type.equals("content-end"), !type.equals("citation-start"), !type.equals("citation-end"),
      !type.equals("debug")
    {
      answer.passOver(.event)
    }
  }

  private func endCall(to answer: inout AnswerWriter) {
    if let call { answer.endCall(call) }
    call = nil
  }
}
