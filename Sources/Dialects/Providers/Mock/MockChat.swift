// The mock's answer in the form of chat completions.

internal import Wire

/// An answer and how it is written.
struct MockChat: ~Copyable {
  private let request: MockRequest
  private let model: ByteQueue
  private let id: UInt64
  private let created: Int

  init(_ request: consuming MockRequest, model: consuming ByteQueue, id: UInt64, created: Int) {
    self.request = request
    self.model = model
    self.id = id
    self.created = created
  }

  /// Appends the answer as one object.
  func whole(into out: inout ByteQueue) {
    writeHead("chat.completion", into: &out)
    for index in 0..<request.choices {
      if index > 0 { out.append(ASCII.comma) }
      out.append("{\"index\":")
      out.append(decimal: index)
      out.append(",\"message\":{\"role\":\"assistant\",\"content\":")
      if request.callsTool {
        out.append("null,\"refusal\":null,\"tool_calls\":[{")
        writeCall(index, isWhole: true, into: &out)
        out.append("}],\"annotations\":[]}")
      } else {
        JSONWriter.string(request.text.bytes, into: &out)
        out.append(",\"refusal\":null,\"annotations\":[]}")
      }
      out.append(",\"logprobs\":")
      writeLogprobs(0..<(request.callsTool ? 0 : request.text.count), into: &out)
      out.append(",\"finish_reason\":")
      writeReason(into: &out)
      out.append("}")
    }
    out.append("],\"usage\":")
    writeUsage(into: &out)
    out.append(",\"service_tier\":\"default\",\"system_fingerprint\":null}")
  }

  /// Appends the answer as a stream, to its `[DONE]`.
  func stream(includesUsage: Bool, into out: inout ByteQueue) {
    for index in 0..<request.choices { stream(index, includesUsage, into: &out) }
    if includesUsage {
      out.append("data: ")
      writeHead("chat.completion.chunk", into: &out)
      out.append("],\"usage\":")
      writeUsage(into: &out)
      out.append("}\n\n")
    }
    EventEncoder.done(into: &out)
  }

  private func stream(_ index: Int, _ includesUsage: Bool, into out: inout ByteQueue) {
    begin(index, into: &out)
    if request.callsTool {
      out.append("\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,")
      writeCall(index, isWhole: false, into: &out)
      out.append("}]")
      end(includesUsage, into: &out)
      begin(index, into: &out)
      out.append("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":")
      JSONWriter.string(request.arguments.bytes, into: &out)
      out.append("}}]")
    } else {
      out.append("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
    }
    end(includesUsage, into: &out)
    if !request.callsTool {
      let text = request.text.bytes
      var at = 0
      while at < text.count {
        let next = Mock.pieceEnd(text, from: at)
        begin(index, into: &out)
        out.append("\"content\":")
        JSONWriter.string(text.extracting(at..<next), into: &out)
        end(includesUsage, of: at..<next, into: &out)
        at = next
      }
    }
    begin(index, into: &out)
    end(includesUsage, isLast: true, into: &out)
  }

  // MARK: parts

  private func writeHead(_ object: StaticString, into out: inout ByteQueue) {
    out.append("{\"id\":\"")
    Mock.identifier("chatcmpl-", id, into: &out)
    out.append("\",\"object\":\"")
    out.append(object)
    out.append("\",\"created\":")
    out.append(decimal: created)
    out.append(",\"model\":")
    JSONWriter.string(model.bytes, into: &out)
    out.append(",\"choices\":[")
  }

  /// Appends a chunk to where its content goes.
  private func begin(_ index: Int, into out: inout ByteQueue) {
    out.append("data: ")
    writeHead("chat.completion.chunk", into: &out)
    out.append("{\"index\":")
    out.append(decimal: index)
    out.append(",\"delta\":{")
  }

  /// Appends what stands behind a chunk's content.
  ///
  /// - Parameter piece: which part of the text the chunk has.
  private func end(
    _ includesUsage: Bool, of piece: Range<Int> = 0..<0, isLast: Bool = false, into out: inout ByteQueue
  ) {
    out.append("},\"logprobs\":")
    writeLogprobs(piece, into: &out)
    out.append(",\"finish_reason\":")
    if isLast { writeReason(into: &out) } else { out.append("null") }
    out.append(includesUsage ? "}],\"usage\":null}\n\n" : "}]}\n\n")
  }

  /// Appends what is asked for of a part of the text: each token is as likely as the next one, and none else is.
  private func writeLogprobs(_ range: Range<Int>, into out: inout ByteQueue) {
    guard request.wantsLogprobs, !range.isEmpty else { return out.append("null") }
    let text = request.text.bytes
    var at = range.lowerBound
    while at < range.upperBound {
      let next = Mock.pieceEnd(text, from: at)
      out.append(at == range.lowerBound ? "{\"content\":[" : ",")
      writeToken(text.extracting(at..<next), into: &out)
      out.append(",\"top_logprobs\":[")
      if request.topLogprobs > 0 {
        writeToken(text.extracting(at..<next), into: &out)
        out.append("}")
      }
      out.append("]}")
      at = next
    }
    out.append("],\"refusal\":null}")
  }

  private func writeToken(_ token: Span<UInt8>, into out: inout ByteQueue) {
    out.append("{\"token\":")
    JSONWriter.string(token, into: &out)
    out.append(",\"logprob\":-0.25,\"bytes\":[")
    for at in 0..<token.count {
      if at > 0 { out.append(ASCII.comma) }
      out.append(decimal: Int(token[at]))
    }
    out.append("]")
  }

  private func writeCall(_ index: Int, isWhole: Bool, into out: inout ByteQueue) {
    out.append("\"id\":\"")
    Mock.identifier("call_", id &+ UInt64(index), into: &out)
    out.append("\",\"type\":\"function\",\"function\":{\"name\":")
    JSONWriter.string(request.tool.bytes, into: &out)
    out.append(",\"arguments\":")
    JSONWriter.string(isWhole ? request.arguments.bytes : Span(), into: &out)
    out.append("}")
  }

  private func writeReason(into out: inout ByteQueue) {
    out.append(request.callsTool ? "\"tool_calls\"" : "\"stop\"")
  }

  private func writeUsage(into out: inout ByteQueue) {
    let output = request.outputTokens * request.choices
    out.append("{\"prompt_tokens\":")
    out.append(decimal: request.inputTokens)
    out.append(",\"completion_tokens\":")
    out.append(decimal: output)
    out.append(",\"total_tokens\":")
    out.append(decimal: request.inputTokens + output)
    out.append(",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}")
    out.append(",\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0")
    out.append(",\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}")
  }
}
