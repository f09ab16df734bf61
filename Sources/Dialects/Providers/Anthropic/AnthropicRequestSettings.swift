// What stands beside the turns of a Messages request: tools, the answer's form, sampling, attribution.

internal import Wire

extension AnthropicRequest {
  // MARK: Tools

  func usesAnswerTool(_ body: Span<UInt8>) -> Bool {
    if case .jsonSchema = chat.format { return !model.takesSchema }
    return false
  }

  func writeTools(
    _ body: Span<UInt8>, _ thinking: ClaudeThinking, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    // As most are.
    if chat.tools.isEmpty, !chat.hasToolHistory, !usesAnswerTool(body) { return }
    var blocks = BlockList(",\"tools\":[")
    for (index, tool) in chat.offeredTools.enumerated() {
      blocks.open(into: &request.body)
      writeTool(tool, index, body, &request)
    }
    if usesAnswerTool(body) {
      guard !thinking.excludesForcedTools else {
        throw RequestFault(
          .unsupported, "response_format",
          "This model can't think and keep to a schema at once; leave out 'reasoning_effort' or 'response_format'."
        )
      }
      blocks.open(into: &request.body)
      writeAnswerTool(body, &request)
    } else if chat.offeredTools.isEmpty, chat.hasToolHistory {
      // Turns with tools are refused where none is declared. A model that may call one does, now and then.
      blocks.open(into: &request.body)
      request.body.append(
        "{\"name\":\"unavailable\",\"description\":\"Not available. Do not call.\",\"input_schema\":{\"type\":\"object\"}}"
      )
      blocks.close(into: &request.body)
      return request.body.append(",\"tool_choice\":{\"type\":\"none\"}")
    }
    blocks.close(into: &request.body)
    writeChoice(body, thinking, &request)
  }

  private func writeTool(
    _ tool: ChatTool, _ index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    request.body.append("{\"name\":")
    request.body.append(body.extracting(tool.name))
    if let description = tool.description, description.count > 2 {
      request.body.append(",\"description\":")
      request.body.append(body.extracting(description))
    }
    request.body.append(",\"input_schema\":")
    if chat.appendSchema(
      of: tool, index, isStrictTaken: model.takesStrictTools, body, &request.dropped, into: &request.body)
    {
      request.body.append(",\"strict\":true")
    }
    AnthropicBlocks.writeControl(body, tool.cacheControl, into: &request.body)
    request.body.append("}")
  }

  private func writeAnswerTool(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    guard case .jsonSchema(let schema, _, let description, _) = chat.format else { return }
    request.body.append("{\"name\":")
    JSONWriter.string(AnthropicDialect.answerTool, into: &request.body)
    request.body.append(",\"description\":")
    if let description {
      request.body.append(body.extracting(description))
    } else {
      request.body.append("\"Gives the answer.\"")
    }
    request.body.append(",\"input_schema\":")
    JSONSchemaText.appendObject(schema, body, into: &request.body)
    request.body.append("}")
  }

  private func writeChoice(_ body: Span<UInt8>, _ thinking: ClaudeThinking, _ request: inout ProviderRequest)
  {
    if usesAnswerTool(body) {
      request.body.append(",\"tool_choice\":{\"type\":\"")
      if chat.tools.isEmpty || chat.toolChoice == .none {
        request.body.append("tool\",\"name\":")
        JSONWriter.string(AnthropicDialect.answerTool, into: &request.body)
        request.body.append("}")
      } else {
        request.body.append("any\"}")
      }
      return
    }
    if chat.offeredTools.isEmpty { return }
    var isForced = false
    let name: StaticString
    switch chat.toolChoice {
    case .unsaid: name = chat.parallelCalls == false ? "auto" : ""
    case .auto, .allowed(_, isRequired: false): name = "auto"
    case .none: name = "none"
    case .required, .allowed(_, isRequired: true): (name, isForced) = ("any", true)
    case .named: (name, isForced) = ("tool", true)
    }
    if name.utf8CodeUnitCount == 0 { return }
    request.body.append(",\"tool_choice\":{\"type\":\"")
    if isForced, thinking.excludesForcedTools {
      // Refused together; the thought is what was asked for in the first place.
      request.dropped.add("tool_choice")
      request.body.append("auto\"")
    } else {
      request.body.append(name)
      request.body.append("\"")
      if case .named(let function) = chat.toolChoice {
        request.body.append(",\"name\":")
        request.body.append(body.extracting(function))
      }
    }
    if chat.parallelCalls == false, chat.toolChoice != .none {
      request.body.append(",\"disable_parallel_tool_use\":true")
    }
    request.body.append("}")
  }

  // MARK: Output and sampling

  func writeOutput(
    _ body: Span<UInt8>, _ thinking: ClaudeThinking, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let schema = model.takesSchema ? chat.wantedSchema(body) : nil
    guard thinking.effort != nil || schema != nil else { return }
    request.body.append(",\"output_config\":{")
    if let effort = thinking.effort {
      request.body.append("\"effort\":\"")
      request.body.append(effort)
      request.body.append(schema == nil ? "\"" : "\",")
    }
    if let schema {
      request.body.append("\"format\":{\"type\":\"json_schema\",\"schema\":")
      try chat.appendAnswerSchema(schema, body, &request.dropped, into: &request.body)
      request.body.append("}")
    }
    request.body.append("}")
  }

  func writeSampling(_ body: Span<UInt8>, _ thinking: ClaudeThinking, _ request: inout ProviderRequest) {
    let temperature = chat.value(.temperature)
    let topP = chat.value(.topP)
    let topK = chat.extended("top_k", in: body)
    if model.refusesSampling || thinking.isOn {
      if temperature != nil { request.dropped.add("temperature") }
      if topP != nil { request.dropped.add("top_p") }
      if topK != nil { request.dropped.add("top_k") }
    } else {
      if let temperature {
        request.body.append(",\"temperature\":")
        if let number = JSONValue.double(body, temperature), number > 1 {
          // OpenAI's scale ends at 2, Anthropic's at 1.
          request.dropped.add("temperature")
          request.body.append("1")
        } else {
          request.body.append(body.extracting(temperature))
        }
      }
      if let topP {
        if temperature != nil, model.takesOneSampling {
          request.dropped.add("top_p")
        } else {
          request.body.append(",\"top_p\":")
          request.body.append(body.extracting(topP))
        }
      }
      if let topK {
        request.body.append(",\"top_k\":")
        request.body.append(body.extracting(topK))
      }
    }
    var stops = BlockList(",\"stop_sequences\":[")
    for stop in chat.stops where !JSONText.isBlank(body, stop) {
      stops.open(into: &request.body)
      request.body.append(body.extracting(stop))
    }
    stops.close(into: &request.body)
  }

  func writeRest(_ body: Span<UInt8>, _ request: inout ProviderRequest) {
    if let user = chat.value(.safetyIdentifier) ?? chat.value(.user), JSONView.kind(body, user) == .string {
      request.body.append(",\"metadata\":{\"user_id\":")
      request.body.append(body.extracting(user))
      request.body.append("}")
    }
    if let tier = chat.value(.serviceTier) {
      if JSONString.equals(body, tier, "auto") {
        request.body.append(",\"service_tier\":\"auto\"")
      } else if JSONString.equals(body, tier, "default") || JSONString.equals(body, tier, "standard_only") {
        request.body.append(",\"service_tier\":\"standard_only\"")
      } else {
        request.dropped.add("service_tier")
      }
    }
    if let control = chat.extended("cache_control", in: body) {
      request.body.append(",\"cache_control\":")
      request.body.append(body.extracting(control))
    }
    if chat.streams { request.body.append(",\"stream\":true") }
  }
}
