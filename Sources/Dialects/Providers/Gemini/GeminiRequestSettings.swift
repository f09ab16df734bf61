// What stands beside the conversation in a request of generateContent: tools, the answer's form, thinking, numbers.

internal import Wire

extension GeminiRequest {
  /// The value of an extension by either of its spellings: at the top, or in the `google` object that Google's own
  /// surface in OpenAI's format has (`extra_body.google`).
  func extended(_ snake: StaticString, _ camel: StaticString, _ body: Span<UInt8>) -> Range<Int>? {
    if chat.extensions.isEmpty { return nil }
    if let value = chat.extended(snake, in: body) ?? chat.extended(camel, in: body) { return value }
    let nested = chat.extended("extra_body", in: body).flatMap {
      JSONView.value(body, in: $0, at: "google")
    }
    guard let google = chat.extended("google", in: body) ?? nested else { return nil }
    return JSONView.value(body, in: google, at: snake) ?? JSONView.value(body, in: google, at: camel)
  }

  // MARK: Tools

  /// Whether the answer is to have a form.
  private var hasForm: Bool { chat.format != .text }

  /// What a cached conversation holds already may not be said again.
  func noteCached(_ request: inout ProviderRequest) {
    if chat.messages.contains(where: { $0.isSystem }) { request.dropped.add("system") }
    if !chat.tools.isEmpty { request.dropped.add("tools") }
    if chat.value(.toolChoice) != nil { request.dropped.add("tool_choice") }
  }

  func writeTools(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    var tools = chat.tools
    if case .allowed(_, isRequired: false) = chat.toolChoice { tools = chat.offeredTools }
    if hasForm, !tools.isEmpty, !model.takesFormWithTools {
      guard chat.toolChoice == .none else {
        throw RequestFault(
          .unsupported, "response_format",
          "This model can't keep to a form and call tools at once; leave out 'response_format' or 'tools'.")
      }
      tools = []
    }
    var searches = chat.value(.webSearchOptions) != nil
    if searches, !tools.isEmpty, !model.takesSearchWithTools {
      request.dropped.add("web_search_options")
      searches = false
    }
    guard !tools.isEmpty || searches else { return }
    request.body.append(",\"tools\":[")
    if searches { request.body.append(tools.isEmpty ? "{\"googleSearch\":{}}" : "{\"googleSearch\":{}},") }
    if !tools.isEmpty {
      request.body.append("{\"functionDeclarations\":[")
      for (index, tool) in tools.enumerated() {
        if index > 0 { request.body.append(",") }
        try writeTool(tool, index, body, &request)
      }
      request.body.append("]}")
    }
    request.body.append("]")
    if isCounted { return }
    var config = GeminiObject(",\"toolConfig\":{")
    if !tools.isEmpty { writeChoice(&config, body, &request) }
    if searches, !tools.isEmpty, case .gemini = host {
      config.member("includeServerSideToolInvocations", into: &request.body)
      request.body.append("true")
    }
    config.close(into: &request.body)
  }

  private func writeTool(
    _ tool: ChatTool, _ index: Int, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    request.body.append("{\"name\":")
    request.body.append(body.extracting(tool.name))
    if let description = tool.description, description.count > 2 {
      request.body.append(",\"description\":")
      request.body.append(body.extracting(description))
    }
    // A schema without members is refused; a function that takes nothing has none.
    if let schema = tool.parameters, !GeminiSchema.isEmpty(schema, body) {
      if model.takesJSONSchema {
        request.body.append(",\"parametersJsonSchema\":")
        JSONSchemaText.appendObject(schema, body, into: &request.body)
      } else {
        request.body.append(",\"parameters\":")
        try GeminiSchema.append(
          schema, body, of: "tools[\(index)].function.parameters", into: &request.body)
      }
    }
    if tool.strict == true { request.dropped.add("tools", chat.place(of: tool) ?? index, "strict") }
    request.body.append("}")
  }

  private func writeChoice(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    let mode: StaticString
    switch chat.toolChoice {
    case .unsaid: return
    case .auto, .allowed(_, isRequired: false): mode = "AUTO"
    case .none: mode = "NONE"
    case .required, .named, .allowed(_, isRequired: true): mode = "ANY"
    }
    config.member("functionCallingConfig", into: &request.body)
    request.body.append("{\"mode\":\"")
    request.body.append(mode)
    request.body.append("\"")
    switch chat.toolChoice {
    case .named(let name):
      request.body.append(",\"allowedFunctionNames\":[")
      request.body.append(body.extracting(name))
      request.body.append("]")
    case .allowed(_, isRequired: true):
      for (index, tool) in chat.offeredTools.enumerated() {
        request.body.append(index == 0 ? ",\"allowedFunctionNames\":[" : ",")
        request.body.append(body.extracting(tool.name))
      }
      request.body.append("]")
    default: break
    }
    request.body.append("}")
  }

  // MARK: Generation

  func writeGeneration(_ body: Span<UInt8>, _ request: inout ProviderRequest) throws(RequestFault) {
    var config = GeminiObject(",\"generationConfig\":{")
    writeNumbers(&config, body, &request)
    try writeStops(&config, body, &request)
    try writeForm(&config, body, &request)
    try writeModalities(&config, body, &request)
    writeThinking(&config, body, &request)
    if let resolution = extended("media_resolution", "mediaResolution", body),
      JSONView.kind(body, resolution) == .string
    {
      config.member("mediaResolution", into: &request.body)
      request.body.append(body.extracting(resolution))
    }
    config.close(into: &request.body)
  }

  private func writeNumbers(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    func write(_ name: StaticString, _ value: Range<Int>?, _ config: inout GeminiObject) {
      guard let value, JSONView.kind(body, value) == .number else { return }
      config.member(name, into: &request.body)
      request.body.append(body.extracting(value))
    }
    func write(_ name: StaticString, _ value: Int?, _ config: inout GeminiObject) {
      guard let value else { return }
      config.member(name, into: &request.body)
      request.body.append(decimal: value)
    }
    write("maxOutputTokens", chat.maxTokens, &config)
    write("temperature", chat.value(.temperature), &config)
    write("topP", chat.value(.topP), &config)
    write("topK", extended("top_k", "topK", body), &config)
    write("candidateCount", chat.n > 1 ? chat.n : nil, &config)
    // Its seed has 32 bits: equal ones stay equal.
    let seed = chat.value(.seed).flatMap { JSONValue.integer(body, $0) }
    write("seed", seed.map { Int(Int32(truncatingIfNeeded: $0)) }, &config)
    let penalties: [(ChatField, StaticString)] = [
      (.presencePenalty, "presencePenalty"), (.frequencyPenalty, "frequencyPenalty"),
    ]
    for (field, name) in penalties {
      guard let value = chat.value(field), JSONValue.double(body, value) != 0 else { continue }
      if model.takesPenalties { write(name, value, &config) } else { request.dropped.add(field.name) }
    }
    if chat.logprobs {
      config.member("responseLogprobs", into: &request.body)
      request.body.append("true")
      write("logprobs", chat.topLogprobs.flatMap { $0 > 0 ? $0 : nil }, &config)
    }
  }

  private func writeStops(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let stops = chat.stops.filter { $0.count > 2 }
    if stops.isEmpty { return }
    guard stops.count <= 5 else {
      throw RequestFault(.invalid, "stop", "The model's provider takes at most 5 texts in 'stop'.")
    }
    config.member("stopSequences", into: &request.body)
    for (index, stop) in stops.enumerated() {
      request.body.append(index == 0 ? "[" : ",")
      request.body.append(body.extracting(stop))
    }
    request.body.append("]")
  }

  private func writeForm(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard hasForm else { return }
    config.member("responseMimeType", into: &request.body)
    request.body.append("\"application/json\"")
    guard case .jsonSchema(let schema?, _, _, _) = chat.format else { return }
    if model.takesJSONSchema {
      config.member("responseJsonSchema", into: &request.body)
      request.body.append(body.extracting(schema))
    } else {
      config.member("responseSchema", into: &request.body)
      try GeminiSchema.append(schema, body, of: "response_format.json_schema.schema", into: &request.body)
    }
  }

  /// Text is what there is without a word; pictures must be asked for.
  private func writeModalities(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    guard let list = chat.value(.modalities) else { return }
    var hasText = false
    var hasImage = false
    var elements = JSONArrayCursor(body, list)
    while let element = elements.next() {
      if JSONString.equals(body, element.value, "text") {
        hasText = true
      } else if JSONString.equals(body, element.value, "image") {
        hasImage = true
      } else {
        throw RequestFault(
          .unsupported, "modalities", "The model's provider can be asked for text and image here.")
      }
    }
    guard hasImage else { return }
    config.member("responseModalities", into: &request.body)
    request.body.append(hasText ? "[\"TEXT\",\"IMAGE\"]" : "[\"IMAGE\"]")
  }

  // MARK: The rest

  func writeRest(_ cached: Range<Int>?, _ body: Span<UInt8>, _ request: inout ProviderRequest) {
    func write(_ name: StaticString, _ value: Range<Int>?) {
      guard let value else { return }
      request.body.append(",\"")
      request.body.append(name)
      request.body.append("\":")
      request.body.append(body.extracting(value))
    }
    write("safetySettings", extended("safety_settings", "safetySettings", body))
    write("cachedContent", cached)
    if case .vertex = host { write("labels", chat.extended("labels", in: body)) }
    guard let tier = chat.value(.serviceTier) else { return }
    let known: [(StaticString, StaticString)] = [
      ("default", "standard"), ("standard", "standard"), ("flex", "flex"), ("priority", "priority"),
      // OpenAI's other word for it.
      ("fast", "priority"),
    ]
    for (name, word) in known where JSONString.equals(body, tier, name) {
      request.body.append(",\"serviceTier\":\"")
      request.body.append(word)
      request.body.append("\"")
      return
    }
    if !JSONString.equals(body, tier, "auto") { request.dropped.add("service_tier") }
  }
}
