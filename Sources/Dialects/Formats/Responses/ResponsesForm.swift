// An answer in the form of the Responses API, whole or as its events (OpenAI API reference, "Streaming", 2026-10).
// Next: ResponsesItem.swift, an item of the output.

internal import Wire

final class ResponsesForm: AnswerForm {
  private var frame = FormFrame()
  private var tools = ResponsesNames()
  /// Members that repeat the request, each with a comma before it.
  var echo: ByteQueue
  private var sequence = 0
  private var index = 0
  /// Items that are done, with commas between.
  private var output: ByteQueue
  /// The open item's text or arguments, still escaped.
  private var text: ByteQueue
  /// What was told of its tokens' probabilities: items with commas between.
  private var logprobs = ByteQueue()
  /// How urgently the provider served the request, once it is known.
  private var tier: StaticString?

  /// Where the items of the response begin that was written last.
  private var outputStart = 0

  /// What is to be remembered of the exchange; nil: nothing.
  private var turn: ResponsesTurn?

  /// - Parameter pool: what an answer is kept in while it is under way.
  init(pool: BlockPool?) {
    echo = ByteQueue(pool: pool)
    output = ByteQueue(pool: pool)
    text = ByteQueue(pool: pool)
  }

  /// Takes what a request says of its answer, but for `echo`.
  func begin(tools: ResponsesNames, turn: ResponsesTurn?) {
    self.tools = tools
    self.turn = turn
  }

  /// Forgets the answer before.
  func removeAll() {
    tools = ResponsesNames()
    turn = nil
    echo.removeAll()
    output.removeAll()
    text.removeAll()
    logprobs.removeAll()
  }

  func start(_ frame: FormFrame, into out: inout ByteQueue) {
    self.frame = frame
    sequence = 0
    index = 0
    output.clear()
    tier = nil
    guard frame.streams else { return }
    for name: StaticString in ["response.created", "response.in_progress"] {
      begin(name, into: &out)
      out.append(literal: ",\"response\":")
      writeResponse("in_progress", nil, nil, into: &out)
      // Once, in the first event.
      if sequence == 1, !frame.member.isEmpty {
        out.append(ASCII.comma)
        out.append(frame.member)
      }
      end(into: &out)
    }
  }

  private func begin(_ type: StaticString, into out: inout ByteQueue) {
    TypedEvent.begin(type, "\",\"sequence_number\":", sequence, into: &out)
    sequence += 1
  }

  private func end(into out: inout ByteQueue) { out.append(literal: "}\n\n") }

  /// Appends the response object.
  ///
  /// - Parameters:
  ///   - end: nil while it is under way.
  ///   - error: a JSON value; nil for none.
  private func writeResponse(
    _ status: StaticString, _ end: (reason: StaticString?, usage: TokenUsage)?, _ error: [UInt8]?,
    into out: inout ByteQueue
  ) {
    out.append(literal: "{\"id\":\"resp_")
    out.append(frame.seed)
    out.append(literal: "\",\"object\":\"response\",\"created_at\":")
    out.append(decimal: frame.created)
    out.append(literal: ",\"status\":\"")
    out.append(status)
    out.append(literal: "\",\"background\":false,\"error\":")
    if let error { out.append(error) } else { out.append(literal: "null") }
    out.append(literal: ",\"incomplete_details\":")
    if let reason = end?.reason {
      out.append(literal: "{\"reason\":\"")
      out.append(reason)
      out.append(literal: "\"}")
    } else {
      out.append(literal: "null")
    }
    out.append(literal: ",\"model\":")
    let model = frame.model
    JSONWriter.string(model.span, into: &out)
    out.append(literal: ",\"output\":[")
    outputStart = out.count
    if end != nil || error != nil { out.append(output) }
    out.append(literal: "],\"previous_response_id\":")
    if let previous = turn?.previous, !previous.isEmpty {
      out.append(literal: "\"")
      out.append(previous)
      out.append(literal: "\"")
    } else {
      out.append(literal: "null")
    }
    out.append(literal: ",\"service_tier\":\"")
    out.append(tier ?? "default")
    out.append(literal: "\",\"store\":")
    out.append(isKept ? "true" : "false")
    out.append(literal: ",\"truncation\":\"disabled\"")
    out.append(echo)
    out.append(literal: ",\"usage\":")
    if let end { Self.write(end.usage, into: &out) } else { out.append(literal: "null") }
    out.append(literal: "}")
  }

  /// Whether the response will be there for later requests, as far as its size is known.
  private var isKept: Bool { turn?.keeps(output.count + echo.count + 1024) ?? false }

  private static func write(_ usage: TokenUsage, into out: inout ByteQueue) {
    let input = usage.input ?? 0
    let output = usage.output ?? 0
    out.append(literal: "{\"input_tokens\":")
    out.append(decimal: input)
    out.append(literal: ",\"input_tokens_details\":{\"cached_tokens\":")
    out.append(decimal: usage.cachedInput ?? 0)
    out.append(literal: ",\"cache_write_tokens\":")
    out.append(decimal: usage.cacheWrite ?? 0)
    out.append(literal: "},\"output_tokens\":")
    out.append(decimal: output)
    out.append(literal: ",\"output_tokens_details\":{\"reasoning_tokens\":")
    out.append(decimal: usage.reasoning ?? 0)
    out.append(literal: "},\"total_tokens\":")
    let (total, overflow) = input.addingReportingOverflow(output)
    out.append(decimal: overflow ? .max : total)
    out.append(literal: "}")
  }

  // MARK: Items

  private func item(_ block: AnswerBlock) -> ResponsesItem {
    ResponsesItem(block, index: index, seed: frame.seed, tools)
  }

  func open(_ block: AnswerBlock, into out: inout ByteQueue) {
    // Google wants a call's signature back, for which a call has no place here.
    if !block.callSignature.isEmpty {
      let sealed = AnswerBlock(redacted: 0, Envelope.seal(callSignature: block.callSignature))
      open(sealed, into: &out)
      close(sealed, isCut: false, into: &out)
    }
    text.clear()
    logprobs.clear()
    guard frame.streams else { return }
    let item = item(block)
    begin("response.output_item.added", into: &out)
    writeIndex(into: &out)
    out.append(literal: ",\"item\":")
    item.write("in_progress", Span(), logprobs: Span(), isOpen: true, into: &out)
    end(into: &out)
    switch item.sort {
    case .message, .refusal:
      beginPart("response.content_part.added", item, into: &out)
      item.writePart(Span(), logprobs: Span(), into: &out)
      end(into: &out)
    case .reasoning:
      beginPart("response.reasoning_summary_part.added", item, into: &out)
      item.writePart(Span(), logprobs: Span(), into: &out)
      end(into: &out)
    case .sealed, .function, .custom: break
    }
  }

  private func writeIndex(into out: inout ByteQueue) {
    out.append(literal: ",\"output_index\":")
    out.append(decimal: index)
  }

  /// Begins an event of the open item.
  private func beginOf(_ item: ResponsesItem, _ type: StaticString, into out: inout ByteQueue) {
    begin(type, into: &out)
    out.append(literal: ",\"item_id\":\"")
    item.writeID(into: &out)
    out.append(literal: "\"")
    writeIndex(into: &out)
    switch item.sort {
    case .message, .refusal: out.append(literal: ",\"content_index\":0")
    case .reasoning: out.append(literal: ",\"summary_index\":0")
    case .sealed, .function, .custom: break
    }
  }

  private func beginPart(_ type: StaticString, _ item: ResponsesItem, into out: inout ByteQueue) {
    beginOf(item, type, into: &out)
    out.append(literal: ",\"part\":")
  }

  func piece(
    _ bytes: Span<UInt8>, _ block: AnswerBlock, logprobs: Span<UInt8>, into out: inout ByteQueue
  ) {
    text.append(bytes)
    if !logprobs.isEmpty {
      if !self.logprobs.isEmpty { self.logprobs.append(ASCII.comma) }
      self.logprobs.append(logprobs)
    }
    guard frame.streams else { return }
    let item = item(block)
    let name: StaticString
    switch item.sort {
    case .message: name = "response.output_text.delta"
    case .refusal: name = "response.refusal.delta"
    case .reasoning: name = "response.reasoning_summary_text.delta"
    case .function: name = "response.function_call_arguments.delta"
    // Its input is known when all of it is.
    case .custom, .sealed: return
    }
    beginOf(item, name, into: &out)
    out.append(literal: ",\"delta\":\"")
    out.append(bytes)
    out.append(literal: "\"")
    if case .message = item.sort { write(logprobs: logprobs, into: &out) }
    end(into: &out)
  }

  private func write(logprobs: Span<UInt8>, into out: inout ByteQueue) {
    if logprobs.isEmpty { return out.append(literal: ",\"logprobs\":[]") }
    out.append(literal: ",\"logprobs\":[")
    out.append(logprobs)
    out.append(literal: "]")
  }

  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue) {
    let item = item(block)
    if case .function = item.sort, text.isEmpty {
      // A call without arguments has none, which is said.
      piece(("{}" as StaticString).bytes, block, logprobs: Span(), into: &out)
    }
    if case .custom = item.sort { unwrap() }
    let status: StaticString = isCut ? "incomplete" : "completed"
    if frame.streams { closeStreamed(item, into: &out) }
    if frame.streams {
      begin("response.output_item.done", into: &out)
      writeIndex(into: &out)
      out.append(literal: ",\"item\":")
      item.write(status, unsafe text.view, logprobs: unsafe logprobs.view, isOpen: false, into: &out)
      end(into: &out)
    }
    if index > 0 { output.append(ASCII.comma) }
    item.write(
      status, unsafe text.view, logprobs: unsafe logprobs.view, isOpen: false, into: &output)
    text.clear()
    logprobs.clear()
    index += 1
  }

  private func closeStreamed(_ item: ResponsesItem, into out: inout ByteQueue) {
    func done(_ name: StaticString, _ member: StaticString) {
      beginOf(item, name, into: &out)
      out.append(literal: ",\"")
      out.append(member)
      out.append(literal: "\":\"")
      out.append(text)
      out.append(literal: "\"")
    }
    switch item.sort {
    case .message:
      done("response.output_text.done", "text")
      write(logprobs: unsafe logprobs.view, into: &out)
      end(into: &out)
      beginPart("response.content_part.done", item, into: &out)
    case .refusal:
      done("response.refusal.done", "refusal")
      end(into: &out)
      beginPart("response.content_part.done", item, into: &out)
    case .reasoning:
      done("response.reasoning_summary_text.done", "text")
      end(into: &out)
      beginPart("response.reasoning_summary_part.done", item, into: &out)
    case .function:
      done("response.function_call_arguments.done", "arguments")
      out.append(literal: ",\"name\":\"")
      out.append(item.name)
      out.append(literal: "\"")
      return end(into: &out)
    case .custom:
      done("response.custom_tool_call_input.delta", "delta")
      end(into: &out)
      done("response.custom_tool_call_input.done", "input")
      return end(into: &out)
    case .sealed: return
    }
    item.writePart(unsafe text.view, logprobs: unsafe logprobs.view, into: &out)
    end(into: &out)
  }

  /// Takes a custom tool's input out of the object that it came in; what is no such object is the input itself.
  private func unwrap() {
    var string = ByteQueue()
    string.append("\"")
    string.append(text)
    string.append("\"")
    var json = ByteQueue()
    JSONString.decode(string.bytes, 0..<string.count, into: &json)
    guard JSONValue.kind(of: json.bytes) == .object,
      let input = JSONView.value(json.bytes, in: 0..<json.count, at: "input"),
      JSONView.kind(json.bytes, input) == .string
    else { return }
    text.clear()
    text.append(JSONString.content(json.bytes, input))
  }

  var heldCount: Int { echo.count + (frame.streams ? output.count + text.count + logprobs.count : 0) }

  // MARK: The end

  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue) {
    tier = end.tier
    let reason: StaticString? =
      switch end.reason {
      case .length: "max_output_tokens"
      case .contentFilter: "content_filter"
      case .stop, .toolCalls: nil
      }
    let status: StaticString = reason == nil ? "completed" : "incomplete"
    guard frame.streams else {
      writeWhole(status, reason, usage, into: &out)
      guard !frame.member.isEmpty else { return }
      // Into the object, at its end.
      out.truncate(to: out.count - 1)
      out.append(ASCII.comma)
      out.append(frame.member)
      return out.append(literal: "}")
    }
    begin(reason == nil ? "response.completed" : "response.incomplete", into: &out)
    out.append(literal: ",\"response\":")
    writeWhole(status, reason, usage, into: &out)
    self.end(into: &out)
  }

  /// Appends the response object, which is whole, and has it remembered.
  private func writeWhole(
    _ status: StaticString, _ reason: StaticString?, _ usage: TokenUsage, into out: inout ByteQueue
  ) {
    let start = out.count
    writeResponse(status, (reason, usage), nil, into: &out)
    guard isKept else { return }
    let items = outputStart - start..<outputStart - start + output.count
    // The object begins with its id.
    let id = start + 7..<start + 12 + frame.seed.count
    turn?.finished = FinishedResponse(
      id: out.bytes.extracting(id).array(), out.bytes.extracting(start..<out.count).array(), output: items)
  }

  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) {
    let failure = ResponsesFailure(error)
    failure.writeError(number: sequence, into: &out)
    failure.writeEnd(number: sequence + 1, into: &out) { error, out in
      writeResponse("failed", nil, error.array(), into: &out)
    }
  }
}
