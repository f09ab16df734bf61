// The mock's answer in the form of the Responses API.

internal import Wire

/// An answer and how it is written.
struct MockResponse: ~Copyable {
  private enum Status { case inProgress, completed }

  private let request: MockRequest
  private let model: ByteQueue
  private let id: UInt64
  private let created: Int
  private var sequence = 0

  init(_ request: consuming MockRequest, model: consuming ByteQueue, id: UInt64, created: Int) {
    self.request = request
    self.model = model
    self.id = id
    self.created = created
  }

  /// Appends the answer as one object.
  func whole(into out: inout ByteQueue) { write(.completed, into: &out) }

  /// Appends the answer as a stream; its last event is `response.completed`, and no `[DONE]` follows.
  mutating func stream(into out: inout ByteQueue) {
    begin("response.created", into: &out)
    out.append(",\"response\":")
    write(.inProgress, into: &out)
    end(into: &out)
    begin("response.in_progress", into: &out)
    out.append(",\"response\":")
    write(.inProgress, into: &out)
    end(into: &out)
    begin("response.output_item.added", into: &out)
    out.append(",\"output_index\":0,\"item\":")
    writeItem(.inProgress, into: &out)
    end(into: &out)
    if request.callsTool { streamCall(into: &out) } else { streamText(into: &out) }
    begin("response.output_item.done", into: &out)
    out.append(",\"output_index\":0,\"item\":")
    writeItem(.completed, into: &out)
    end(into: &out)
    begin("response.completed", into: &out)
    out.append(",\"response\":")
    write(.completed, into: &out)
    end(into: &out)
  }

  private mutating func streamCall(into out: inout ByteQueue) {
    begin("response.function_call_arguments.delta", into: &out)
    writePlace("fc_", into: &out)
    out.append(",\"delta\":\"{}\"")
    end(into: &out)
    begin("response.function_call_arguments.done", into: &out)
    writePlace("fc_", into: &out)
    out.append(",\"name\":")
    JSONWriter.string(request.tool.bytes, into: &out)
    out.append(",\"arguments\":\"{}\"")
    end(into: &out)
  }

  private mutating func streamText(into out: inout ByteQueue) {
    begin("response.content_part.added", into: &out)
    writePlace("msg_", into: &out)
    out.append(",\"content_index\":0,\"part\":")
    writePart(.inProgress, into: &out)
    end(into: &out)
    var at = 0
    while at < request.text.count {
      let next = Mock.pieceEnd(request.text.bytes, from: at)
      begin("response.output_text.delta", into: &out)
      writePlace("msg_", into: &out)
      out.append(",\"content_index\":0,\"logprobs\":[],\"delta\":")
      JSONWriter.string(request.text.bytes.extracting(at..<next), into: &out)
      end(into: &out)
      at = next
    }
    begin("response.output_text.done", into: &out)
    writePlace("msg_", into: &out)
    out.append(",\"content_index\":0,\"logprobs\":[],\"text\":")
    JSONWriter.string(request.text.bytes, into: &out)
    end(into: &out)
    begin("response.content_part.done", into: &out)
    writePlace("msg_", into: &out)
    out.append(",\"content_index\":0,\"part\":")
    writePart(.completed, into: &out)
    end(into: &out)
  }

  // MARK: parts

  private mutating func begin(_ type: StaticString, into out: inout ByteQueue) {
    out.append("event: ")
    out.append(type)
    out.append("\ndata: {\"type\":\"")
    out.append(type)
    out.append("\",\"sequence_number\":")
    out.append(decimal: sequence)
    sequence += 1
  }

  private func end(into out: inout ByteQueue) { out.append("}\n\n") }

  private func writePlace(_ prefix: StaticString, into out: inout ByteQueue) {
    out.append(",\"item_id\":\"")
    Mock.identifier(prefix, id, into: &out)
    out.append("\",\"output_index\":0")
  }

  private func write(_ status: Status, into out: inout ByteQueue) {
    out.append("{\"id\":\"")
    Mock.identifier("resp_", id, into: &out)
    out.append("\",\"object\":\"response\",\"created_at\":")
    out.append(decimal: created)
    writeStatus(status, into: &out)
    out.append(",\"background\":false,\"error\":null,\"incomplete_details\":null,\"instructions\":null")
    out.append(",\"max_output_tokens\":null,\"metadata\":{},\"model\":")
    JSONWriter.string(model.bytes, into: &out)
    out.append(",\"output\":[")
    if status == .completed { writeItem(.completed, into: &out) }
    out.append("],\"parallel_tool_calls\":true,\"previous_response_id\":null")
    out.append(
      ",\"reasoning\":{\"effort\":null,\"summary\":null},\"service_tier\":\"default\",\"store\":false")
    out.append(",\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\"")
    out.append(",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\",\"user\":null,\"usage\":")
    if status == .completed { writeUsage(into: &out) } else { out.append("null") }
    out.append("}")
  }

  private func writeStatus(_ status: Status, into out: inout ByteQueue) {
    out.append(status == .completed ? ",\"status\":\"completed\"" : ",\"status\":\"in_progress\"")
  }

  private func writeItem(_ status: Status, into out: inout ByteQueue) {
    out.append(
      request.callsTool ? "{\"type\":\"function_call\",\"id\":\"" : "{\"type\":\"message\",\"id\":\"")
    Mock.identifier(request.callsTool ? "fc_" : "msg_", id, into: &out)
    out.append("\"")
    writeStatus(status, into: &out)
    if request.callsTool {
      out.append(",\"call_id\":\"")
      Mock.identifier("call_", id, into: &out)
      out.append("\",\"name\":")
      JSONWriter.string(request.tool.bytes, into: &out)
      out.append(status == .completed ? ",\"arguments\":\"{}\"}" : ",\"arguments\":\"\"}")
    } else {
      out.append(",\"role\":\"assistant\",\"content\":[")
      if status == .completed { writePart(.completed, into: &out) }
      out.append("]}")
    }
  }

  private func writePart(_ status: Status, into out: inout ByteQueue) {
    out.append("{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":")
    if status == .completed { JSONWriter.string(request.text.bytes, into: &out) } else { out.append("\"\"") }
    out.append("}")
  }

  private func writeUsage(into out: inout ByteQueue) {
    out.append("{\"input_tokens\":")
    out.append(decimal: request.inputTokens)
    out.append(",\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":")
    out.append(decimal: request.outputTokens)
    out.append(",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":")
    out.append(decimal: request.inputTokens + request.outputTokens)
    out.append("}")
  }
}
