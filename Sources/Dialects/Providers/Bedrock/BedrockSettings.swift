// What stands beside the turns of a Converse request: limits and sampling, tools, the answer's form, what only some
// models take.

internal import Wire

extension BedrockRequest {
  // MARK: Limits and sampling

  func writeInference(_ body: Span<UInt8>, _ thinking: BedrockThinking, _ request: inout ProviderRequest) {
    var members = BlockList(",\"inferenceConfig\":{")
    var hasMembers = false
    func open(_ name: StaticString, _ out: inout ByteQueue) {
      members.open(into: &out)
      hasMembers = true
      out.append(name)
    }
    if let limit = chat.maxTokens {
      open("\"maxTokens\":", &request.body)
      request.body.append(decimal: thinking.limit(limit))
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

  func usesAnswerTool(_ body: Span<UInt8>) -> Bool {
    guard case .jsonSchema = chat.format, !model.takesSchema else { return false }
    // A model that can't be made to call a tool can be asked for an object in words.
    return model.forcing != .notAtAll || !chat.wantsAnyObject(body)
  }

  func writeTools(
    _ body: Span<UInt8>, _ thinking: BedrockThinking, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    if usesAnswerTool(body) { try checkAnswerTool(thinking) }
    var blocks = BlockList(",\"toolConfig\":{\"tools\":[")
    let tools = offeredTools(body)
    for (index, tool) in tools.enumerated() {
      blocks.open(into: &request.body)
      writeTool(tool, index, body, &request)
      if let control = tool.cacheControl { Self.writeMark(control, body, &request) }
    }
    if usesAnswerTool(body) {
      blocks.open(into: &request.body)
      writeAnswerTool(body, &request)
    } else if tools.isEmpty {
      // Turns with tools are refused where none is declared.
      guard chat.hasToolHistory else { return }
      blocks.open(into: &request.body)
      request.body.append(
        "{\"toolSpec\":{\"name\":\"unavailable\",\"description\":\"Not available. Do not call.\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}"
      )
    }
    blocks.close(into: &request.body)
    if usesAnswerTool(body) {
      writeForced(tools.isEmpty ? Self.answerToolName : nil, &request)
    } else if !tools.isEmpty {
      writeChoice(body, thinking, &request)
    }
    request.body.append("}")
  }

  private static let answerToolName = ("\"json_response\"" as StaticString).bytes.array()

  private func checkAnswerTool(_ thinking: BedrockThinking) throws(RequestFault) {
    if thinking.excludesForcedTools {
      throw RequestFault(
        .unsupported, "response_format",
        "This model can't think and keep to a schema at once; leave out 'reasoning_effort' or 'response_format'."
      )
    }
    if model.forcing == .notAtAll {
      throw RequestFault(
        .unsupported, "response_format",
        "This model can't be held to a schema at Bedrock; ask for one in words, or use another model.")
    }
  }

  /// The tools that are told: there is no word for "none", and, but for some models, none for a certain one.
  private func offeredTools(_ body: Span<UInt8>) -> [ChatTool] {
    switch chat.toolChoice {
    case .none: return []
    case .named(let name) where model.forcing == .any:
      let wanted = body.extracting(name)
      return chat.tools.filter { body.extracting($0.name).equals(wanted) }
    default: return chat.offeredTools
    }
  }

  private func writeTool(
    _ tool: ChatTool, _ index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    request.body.append("{\"toolSpec\":{\"name\":")
    request.body.append(body.extracting(tool.name))
    if let description = tool.description, description.count > 2 {
      request.body.append(",\"description\":")
      request.body.append(body.extracting(description))
    }
    request.body.append(",\"inputSchema\":{\"json\":")
    let isStrict = chat.appendSchema(
      of: tool, index, isStrictTaken: model.takesStrictTools, taken: Self.taken, body, &request.dropped,
      into: &request.body)
    request.body.append(isStrict ? "},\"strict\":true}}" : "}}}")
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

  private func writeChoice(
    _ body: Span<UInt8>, _ thinking: BedrockThinking, _ request: inout ProviderRequest
  ) {
    let name: [UInt8]?
    switch chat.toolChoice {
    case .unsaid, .none: return
    case .auto, .allowed(_, isRequired: false):
      // What isn't said is the same.
      if model.forcing != .notAtAll { request.body.append(",\"toolChoice\":{\"auto\":{}}") }
      return
    case .required, .allowed(_, isRequired: true): name = nil
    case .named(let function): name = body.extracting(function).array()
    }
    if thinking.excludesForcedTools || model.forcing == .notAtAll {
      // Refused together: the thought is what was asked for in the first place. Others know no such thing (API reference,
      // "ToolChoice").
      request.dropped.add("tool_choice")
      if model.forcing != .notAtAll { request.body.append(",\"toolChoice\":{\"auto\":{}}") }
    } else {
      writeForced(name, &request)
    }
  }

  /// - Parameter name: the tool that must be called, as a string of JSON; nil for any.
  private func writeForced(_ name: [UInt8]?, _ request: inout ProviderRequest) {
    guard let name, model.forcing == .named else {
      return request.body.append(",\"toolChoice\":{\"any\":{}}")
    }
    request.body.append(",\"toolChoice\":{\"tool\":{\"name\":")
    request.body.append(name)
    request.body.append("}}")
  }

  // MARK: The answer's form

  /// Bedrock takes the lengths of texts (recorded), though its guide says otherwise.
  private static let taken: [StaticString] = ["minLength", "maxLength"]

  func writeFormat(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    guard model.takesSchema, case .jsonSchema(_, let name, let description, _) = chat.format,
      let schema = chat.wantedSchema(body)
    else { return }
    var text = ByteQueue()
    try chat.appendAnswerSchema(schema, taken: Self.taken, body, &request.dropped, into: &text)
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

  func writeAdditional(_ body: Span<UInt8>, _ thinking: BedrockThinking, _ request: inout ProviderRequest) {
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
    if case .unsaid = thinking {
    } else {
      open(&request.body)
      thinking.write(body, into: &request.body)
    }
    if let topK = chat.extended("top_k", in: body) {
      if !model.takesTopK || thinking.isClaudes {
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

  // MARK: The rest

  func writeRest(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
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
      } else if JSONString.equals(body, tier, "fast") {
        // OpenAI's other word for it.
        request.body.append(",\"serviceTier\":{\"type\":\"priority\"}")
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
