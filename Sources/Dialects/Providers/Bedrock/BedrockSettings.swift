// What stands beside the turns of a Converse request: limits and sampling, tools, the answer's form, what only some
// models take.

internal import Wire

extension BedrockRequest {
  // MARK: Thinking

  enum Thinking {
    case unsaid, disabled
    case adaptive(ChatEffort)
    case budget(Int)
    /// Nova's and OpenAI's models are told a word.
    case word(StaticString)
    /// The client's own `thinking` object.
    case given(Range<Int>)

    /// Whether Claude thinks, who then takes neither sampling nor a forced tool.
    var isClaudes: Bool {
      switch self {
      case .unsaid, .disabled, .word: false
      case .adaptive, .budget, .given: true
      }
    }
  }

  func thinking(_ body: Span<UInt8>, _ request: inout ProviderRequest) -> Thinking {
    if model.claude != nil, let given = chat.extended("thinking", in: body),
      JSONView.kind(body, given) == .object
    {
      return JSONView.content(body, in: given, at: "type").equals("disabled") ? .disabled : .given(given)
    }
    guard let effort = chat.effort else { return .unsaid }
    switch model.maker {
    case .anthropic(let claude) where claude.thinks:
      if effort == .none { return .disabled }
      return claude.thinksAdaptively ? .adaptive(effort) : .budget(effort.thinkingBudget)
    case .nova(thinks: true), .openAI:
      if let word = effort.bedrockName { return .word(word) }
    case .anthropic, .nova, .mistral, .other: break
    }
    if effort != .none { request.dropped.add("reasoning_effort") }
    return .unsaid
  }

  // MARK: Limits and sampling

  func writeInference(_ body: Span<UInt8>, _ thinking: Thinking, _ request: inout ProviderRequest) {
    var members = BlockList(",\"inferenceConfig\":{")
    var hasMembers = false
    func open(_ name: StaticString, _ out: inout ByteQueue) {
      members.open(into: &out)
      hasMembers = true
      out.append(name)
    }
    if var limit = chat.maxTokens {
      // The budget is a part of the answer's tokens, and must leave some for the answer.
      if case .budget(let budget) = thinking, limit <= budget { limit += budget }
      open("\"maxTokens\":", &request.body)
      request.body.append(decimal: limit)
    }
    let temperature = chat.value(.temperature)
    let topP = chat.value(.topP)
    if model.claude?.refusesSampling == true || thinking.isClaudes {
      if temperature != nil { request.dropped.add("temperature") }
      if topP != nil { request.dropped.add("top_p") }
    } else {
      if let temperature {
        open("\"temperature\":", &request.body)
        if let number = JSONValue.double(body, temperature), number > 1 {
          // OpenAI's scale ends at 2, Converse's at 1.
          request.dropped.add("temperature")
          request.body.append("1")
        } else {
          request.body.append(body.extracting(temperature))
        }
      }
      if let topP {
        if temperature != nil, model.claude?.takesOneSampling == true {
          request.dropped.add("top_p")
        } else {
          open("\"topP\":", &request.body)
          request.body.append(body.extracting(topP))
        }
      }
    }
    var stops = BlockList("\"stopSequences\":[")
    var hasStops = false
    for stop in chat.stops where !JSONText.isBlank(body, stop) {
      if !hasStops { open("", &request.body) }
      hasStops = true
      stops.open(into: &request.body)
      request.body.append(body.extracting(stop))
    }
    stops.close(into: &request.body)
    if hasMembers { request.body.append("}") }
  }

  // MARK: Tools

  /// Whether the answer's schema is said as a tool that the model must call.
  private var usesAnswerTool: Bool {
    if case .jsonSchema = chat.format { return !model.takesSchema }
    return false
  }

  func writeTools(
    _ body: Span<UInt8>, _ thinking: Thinking, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    var tools = chat.offeredTools
    // There is no word for "none": without tools there is no choice, but turns with tools are refused without any.
    if chat.toolChoice == .none, !chat.hasToolHistory { tools = [] }
    var blocks = BlockList(",\"toolConfig\":{\"tools\":[")
    for tool in tools {
      blocks.open(into: &request.body)
      writeTool(tool, body, &request)
      if let control = tool.cacheControl {
        blocks.open(into: &request.body)
        writeCachePoint(body, control, &request)
      }
    }
    var hasTools = !tools.isEmpty
    if usesAnswerTool {
      guard !thinking.isClaudes else {
        throw RequestFault(
          .unsupported, "response_format",
          "This model can't think and keep to a schema at once; leave out 'reasoning_effort' or 'response_format'."
        )
      }
      blocks.open(into: &request.body)
      writeAnswerTool(body, &request)
      hasTools = true
    } else if tools.isEmpty, chat.hasToolHistory {
      blocks.open(into: &request.body)
      request.body.append(
        "{\"toolSpec\":{\"name\":\"unavailable\",\"description\":\"Not available. Do not call.\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}"
      )
      hasTools = true
    }
    guard hasTools else { return }
    blocks.close(into: &request.body)
    writeChoice(body, thinking, hasOwn: !tools.isEmpty, &request)
    request.body.append("}")
  }

  private func writeTool(_ tool: ChatTool, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    request.body.append("{\"toolSpec\":{\"name\":")
    request.body.append(body.extracting(tool.name))
    if let description = tool.description, description.count > 2 {
      request.body.append(",\"description\":")
      request.body.append(body.extracting(description))
    }
    request.body.append(",\"inputSchema\":{\"json\":")
    JSONSchemaText.appendObject(tool.parameters, body, into: &request.body)
    request.body.append("}")
    if tool.strict == true {
      if model.takesStrictTools {
        request.body.append(",\"strict\":true")
      } else {
        request.dropped.add("strict")
      }
    }
    request.body.append("}}")
  }

  private func writeAnswerTool(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    guard case .jsonSchema(let schema, _, let description, _) = chat.format else { return }
    request.body.append("{\"toolSpec\":{\"name\":")
    JSONWriter.string(BedrockDialect.answerTool, into: &request.body)
    request.body.append(",\"description\":")
    if let description, description.count > 2 {
      request.body.append(body.extracting(description))
    } else {
      request.body.append("\"Gives the answer.\"")
    }
    request.body.append(",\"inputSchema\":{\"json\":")
    JSONSchemaText.appendObject(schema, body, into: &request.body)
    request.body.append("}}}")
  }

  /// - Parameter hasOwn: whether any tool of the client's is there.
  private func writeChoice(
    _ body: Span<UInt8>, _ thinking: Thinking, hasOwn: Bool, _ request: inout ProviderRequest
  ) {
    if usesAnswerTool {
      if hasOwn, chat.toolChoice != .none {
        request.body.append(",\"toolChoice\":{\"any\":{}}")
      } else {
        request.body.append(",\"toolChoice\":{\"tool\":{\"name\":")
        JSONWriter.string(BedrockDialect.answerTool, into: &request.body)
        request.body.append("}}")
      }
      return
    }
    guard hasOwn else { return }
    switch chat.toolChoice {
    case .unsaid: return
    case .auto, .allowed(_, isRequired: false): break
    case .none: request.dropped.add("tool_choice")
    case .required, .allowed(_, isRequired: true), .named:
      if thinking.isClaudes {
        // Refused together; the thought is what was asked for in the first place.
        request.dropped.add("tool_choice")
        break
      }
      if case .named(let function) = chat.toolChoice {
        request.body.append(",\"toolChoice\":{\"tool\":{\"name\":")
        request.body.append(body.extracting(function))
        request.body.append("}}")
      } else {
        request.body.append(",\"toolChoice\":{\"any\":{}}")
      }
      return
    }
    request.body.append(",\"toolChoice\":{\"auto\":{}}")
  }

  // MARK: The answer's form

  func writeFormat(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    guard case .jsonSchema(let schema, let name, let description, _) = chat.format, model.takesSchema
    else { return }
    var text = ByteQueue()
    JSONSchemaText.appendClosed(schema, body, into: &text)
    request.body.append(
      ",\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\",\"structure\":{\"jsonSchema\":{\"schema\":"
    )
    JSONWriter.string(text.bytes, into: &request.body)
    if let name, name.count > 2 {
      request.body.append(",\"name\":")
      request.body.append(body.extracting(name))
    }
    if let description, description.count > 2 {
      request.body.append(",\"description\":")
      request.body.append(body.extracting(description))
    }
    request.body.append("}}}}")
  }

  // MARK: What only some models take

  func writeAdditional(_ body: Span<UInt8>, _ thinking: Thinking, _ request: inout ProviderRequest) {
    var members = BlockList(",\"additionalModelRequestFields\":{")
    var hasMembers = false
    func open(_ out: inout ByteQueue) {
      members.open(into: &out)
      hasMembers = true
    }
    if let given = chat.extended("additionalModelRequestFields", in: body),
      JSONView.kind(body, given) == .object
    {
      var cursor = JSONObjectCursor(body, given)
      while let member = cursor.next() {
        open(&request.body)
        request.body.append(body.extracting(member.key.lowerBound - 1..<member.value.upperBound))
      }
    }
    if !isUnsaid(thinking) {
      open(&request.body)
      writeThinking(thinking, body, &request)
    }
    if let topK = chat.extended("top_k", in: body) {
      if model.claude?.refusesSampling == true || thinking.isClaudes {
        request.dropped.add("top_k")
      } else {
        open(&request.body)
        if case .nova = model.maker {
          request.body.append("\"inferenceConfig\":{\"topK\":")
        } else {
          request.body.append("\"top_k\":")
        }
        request.body.append(body.extracting(topK))
        if case .nova = model.maker { request.body.append("}") }
      }
    }
    if hasMembers { request.body.append("}") }
  }

  private func isUnsaid(_ thinking: Thinking) -> Bool {
    if case .unsaid = thinking { true } else { false }
  }

  private func writeThinking(_ thinking: Thinking, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    switch thinking {
    case .unsaid: break
    case .disabled:
      request.body.append("\"thinking\":{\"type\":\"disabled\"}")
    case .adaptive(let effort):
      request.body.append("\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"")
      request.body.append(effort.anthropicName)
      request.body.append("\"}")
    case .budget(let budget):
      request.body.append("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":")
      request.body.append(decimal: budget)
      request.body.append("}")
    case .given(let range):
      request.body.append("\"thinking\":")
      request.body.append(body.extracting(range))
    case .word(let word):
      if case .nova = model.maker {
        request.body.append("\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"")
        request.body.append(word)
        request.body.append("\"}")
      } else {
        request.body.append("\"reasoning_effort\":\"")
        request.body.append(word)
        request.body.append("\"")
      }
    }
  }

  // MARK: The rest

  func writeRest(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    if model.claude == nil, chat.extended("thinking", in: body) != nil { request.dropped.add("thinking") }
    for name in BedrockDialect.passed {
      guard let value = chat.extended(name, in: body) else { continue }
      request.body.append(",\"")
      request.body.append(name)
      request.body.append("\":")
      request.body.append(body.extracting(value))
    }
    if let tier = chat.value(.serviceTier), !JSONString.equals(body, tier, "auto") {
      if JSONString.equals(body, tier, "default") || JSONString.equals(body, tier, "flex")
        || JSONString.equals(body, tier, "priority")
      {
        request.body.append(",\"serviceTier\":{\"type\":")
        request.body.append(body.extracting(tier))
        request.body.append("}")
      } else {
        request.dropped.add("service_tier")
      }
    }
    if let given = chat.extended("requestMetadata", in: body) {
      request.body.append(",\"requestMetadata\":")
      request.body.append(body.extracting(given))
    } else if let metadata = chat.value(.metadata) {
      if isRequestMetadata(metadata, body) {
        request.body.append(",\"requestMetadata\":")
        request.body.append(body.extracting(metadata))
      } else {
        request.dropped.add("metadata")
      }
    }
  }

  /// Whether every name and value keeps to what Bedrock's logs take: 16 pairs, 256 of a few characters.
  private func isRequestMetadata(_ range: Range<Int>, _ body: Span<UInt8>) -> Bool {
    var count = 0
    var members = JSONObjectCursor(body, range)
    while let member = members.next() {
      count += 1
      guard member.kind == .string, count <= 16, !member.key.isEmpty,
        Self.isPlain(body.extracting(member.key)),
        Self.isPlain(JSONString.content(body, member.value))
      else { return false }
    }
    return count > 0
  }

  private static func isPlain(_ text: Span<UInt8>) -> Bool {
    guard text.count <= 256 else { return false }
    let others: StaticString = " :_@$#=/+,-."
    for at in 0..<text.count {
      let byte = text[at]
      if ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26 { continue }
      var isOther = false
      for other in 0..<others.bytes.count where others.bytes[other] == byte { isOther = true }
      if !isOther { return false }
    }
    return true
  }
}
