// An answer in the form of the older completions: the text alone.

internal import Wire

final class CompletionsForm: AnswerForm {
  private var frame = FormFrame()
  /// The client wants the chunk that tells the usage.
  private let tellsUsage: Bool
  private var text = ByteQueue()
  private var owesMember = false

  init(tellsUsage: Bool) { self.tellsUsage = tellsUsage }

  func start(_ frame: FormFrame, into out: inout ByteQueue) {
    self.frame = frame
    owesMember = !frame.member.isEmpty
    text.clear()
  }

  private func begin(into out: inout ByteQueue) {
    if frame.streams { out.append("data: ") }
    out.append("{\"id\":\"cmpl-")
    out.append(frame.seed)
    out.append("\",\"object\":\"text_completion\",\"created\":")
    out.append(decimal: frame.created)
    out.append(",\"model\":")
    let model = frame.model
    JSONWriter.string(model.span, into: &out)
    out.append(",\"choices\":[")
  }

  private func writeChoice(_ text: Span<UInt8>, _ reason: StaticString?, into out: inout ByteQueue) {
    out.append("{\"index\":0,\"text\":\"")
    out.append(text)
    out.append("\",\"logprobs\":null,\"finish_reason\":")
    if let reason { JSONWriter.string(reason, into: &out) } else { JSONWriter.null(into: &out) }
    out.append("}")
  }

  private func end(into out: inout ByteQueue) {
    if owesMember {
      owesMember = false
      out.append(ASCII.comma)
      out.append(frame.member)
    }
    out.append(frame.streams ? "}\n\n" : "}")
  }

  func open(_ block: AnswerBlock, into out: inout ByteQueue) {}

  func piece(_ bytes: Span<UInt8>, _ block: AnswerBlock, into out: inout ByteQueue) {
    guard block.kind == .text || block.kind == .refusal else { return }
    guard frame.streams else { return text.append(bytes) }
    begin(into: &out)
    writeChoice(bytes, nil, into: &out)
    out.append("]")
    end(into: &out)
  }

  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue) {}

  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue) {
    let reason: StaticString =
      switch end.reason {
      case .length: "length"
      case .contentFilter: "content_filter"
      case .stop, .toolCalls: "stop"
      }
    begin(into: &out)
    writeChoice(unsafe text.view, reason, into: &out)
    out.append("]")
    if !frame.streams {
      out.append(",\"usage\":")
      usage.write(into: &out)
      return self.end(into: &out)
    }
    self.end(into: &out)
    if tellsUsage {
      begin(into: &out)
      out.append("],\"usage\":")
      usage.write(into: &out)
      self.end(into: &out)
    }
    EventEncoder.done(into: &out)
  }

  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) { EventEncoder.data(error, into: &out) }
}
