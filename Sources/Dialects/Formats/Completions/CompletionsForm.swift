// An answer in the form of the older completions: the text alone, of each choice.

internal import Wire

final class CompletionsForm: AnswerForm {
  /// One choice of the answer.
  private struct Choice: ~Copyable {
    /// Of a whole answer.
    var text: ByteQueue
    var logprobs = CompletionLogprobs()
    /// The first half of a surrogate pair that the last piece ended in.
    var half: [UInt8] = []
    var reason = FinishReason.stop

    init(pool: BlockPool?) { text = ByteQueue(pool: pool) }
  }

  private let pool: BlockPool?
  private var frame = FormFrame()
  /// The client wants the chunk that tells the usage.
  private var tellsUsage = false
  private var first: Choice
  /// Those behind the first.
  private var further: [Further] = []
  private var owesMember = false

  /// A choice that an array can hold.
  private final class Further {
    var choice: Choice
    init(pool: BlockPool?) { choice = Choice(pool: pool) }
  }

  /// - Parameter pool: what an answer is kept in while it is under way.
  init(pool: BlockPool?) {
    self.pool = pool
    first = Choice(pool: pool)
  }

  /// Takes what a request says of its answer.
  func begin(tellsUsage: Bool) { self.tellsUsage = tellsUsage }

  /// Forgets the answer before.
  func removeAll() {
    first.text.removeAll()
    first.logprobs.removeAll()
    if !further.isEmpty { further = [] }
  }

  func start(_ frame: FormFrame, into out: inout ByteQueue) {
    self.frame = frame
    owesMember = !frame.member.isEmpty
    removeAll()
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

  private func writeChoice(
    _ index: Int, _ text: Span<UInt8>, _ logprobs: borrowing CompletionLogprobs, _ reason: StaticString?,
    into out: inout ByteQueue
  ) {
    out.append("{\"index\":")
    out.append(decimal: index)
    out.append(",\"text\":\"")
    out.append(text)
    out.append("\",\"logprobs\":")
    logprobs.write(into: &out)
    out.append(",\"finish_reason\":")
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

  func piece(
    _ bytes: Span<UInt8>, _ block: AnswerBlock, logprobs: Span<UInt8>, into out: inout ByteQueue
  ) {
    guard block.kind == .text || block.kind == .refusal else { return }
    take(bytes, logprobs, of: 0, &first, into: &out)
  }

  func piece(choice: Int, _ bytes: Span<UInt8>, logprobs: Span<UInt8>, into out: inout ByteQueue) {
    guard let further = further(choice) else { return }
    // Clients decode each chunk for itself: half a pair waits for the other one.
    let text = further.choice.half + bytes.array()
    let count = AnswerWriter.wholeCount(text.span)
    further.choice.half = Array(text[count...])
    if count == 0, logprobs.isEmpty { return }
    take(text.span.extracting(0..<count), logprobs, of: choice, &further.choice, into: &out)
  }

  func finish(choice: Int, _ reason: FinishReason) { further(choice)?.choice.reason = reason }

  /// OpenAI's own limit for `n`.
  private func further(_ choice: Int) -> Further? {
    guard choice > 0, choice < AnswerWriter.choiceCeiling else { return nil }
    while further.count < choice { further.append(Further(pool: pool)) }
    return further[choice - 1]
  }

  private func take(
    _ bytes: Span<UInt8>, _ logprobs: Span<UInt8>, of index: Int, _ choice: inout Choice,
    into out: inout ByteQueue
  ) {
    if !logprobs.isEmpty { choice.logprobs.add(logprobs) }
    guard frame.streams else { return choice.text.append(bytes) }
    begin(into: &out)
    writeChoice(index, bytes, choice.logprobs, nil, into: &out)
    choice.logprobs.forgetWritten()
    out.append("]")
    end(into: &out)
  }

  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue) {}

  private static func name(_ reason: FinishReason) -> StaticString {
    switch reason {
    case .length: "length"
    case .contentFilter: "content_filter"
    case .stop, .toolCalls: "stop"
    }
  }

  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue) {
    begin(into: &out)
    writeChoice(0, unsafe first.text.view, first.logprobs, Self.name(end.reason), into: &out)
    for (at, each) in further.enumerated() {
      // Its other half never came.
      each.choice.text.append(each.choice.half)
      out.append(ASCII.comma)
      writeChoice(
        at + 1, unsafe each.choice.text.view, each.choice.logprobs, Self.name(each.choice.reason),
        into: &out)
    }
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
