// Reads what stands beside the conversation: tools, the choice among them, the answer's format, numbers.

internal import Wire

extension ChatRequest {
  /// Refuses the older form of tools.
  func checkTools(_ body: Span<UInt8>) throws(RequestFault) {
    guard given.contains(.functions) || given.contains(.functionCall) else { return }
    throw RequestFault(
      .unsupported, given.contains(.functions) ? "functions" : "function_call",
      "'functions' and 'function_call' are out of use; send 'tools' and 'tool_choice'.")
  }

  /// Reads the tools, whose list the walk has entered.
  func readTools(_ body: Span<UInt8>, _ walk: inout JSONWalk) throws(RequestFault) {
    while walk.nextElement() {
      try readTool(body, &walk)
      guard tools.count <= Self.listCeiling else { throw Self.wrong("tools", "a shorter list") }
    }
  }

  private func readTool(_ body: Span<UInt8>, _ walk: inout JSONWalk) throws(RequestFault) {
    func parameter() -> String { "tools[\(tools.count)]" }
    var tool: ChatTool?
    var cacheControl: Range<Int>?
    if walk.enterObject() {
      while let key = walk.nextKey() {
        if key.says("function", in: body), walk.enterObject() {
          tool = try readFunction(body, &walk, parameter)
        } else if let (value, kind) = walk.pass() {
          if key.says("cache_control", in: body) { cacheControl = kind == .object ? value : nil }
          if key.says("function", in: body) { tool = nil }
        }
      }
    } else {
      _ = walk.pass()
    }
    guard var tool else {
      throw RequestFault(
        .unsupported, parameter(),
        "Only tools of type 'function' can be translated for the model's provider.")
    }
    tool.cacheControl = cacheControl ?? tool.cacheControl
    tools.append(tool)
  }

  private func readFunction(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ parameter: () -> String
  ) throws(RequestFault) -> ChatTool {
    var tool = ChatTool(name: 0..<0)
    while let member = walk.nextMember() {
      if member.keyIs("name", in: body) {
        tool.name = member.kind == .string ? member.value : 0..<0
      } else if member.kind == .null {
        continue
      } else if member.keyIs("description", in: body), member.kind == .string {
        tool.description = member.value
      } else if member.keyIs("parameters", in: body) {
        guard member.kind == .object else {
          throw Self.wrong(parameter() + ".function.parameters", "an object")
        }
        tool.parameters = member.value
      } else if member.keyIs("strict", in: body) {
        tool.strict = JSONValue.bool(body, member.value)
      } else if member.keyIs("cache_control", in: body), member.kind == .object {
        tool.cacheControl = member.value
      }
    }
    guard tool.name.count > 2 else {
      throw RequestFault(.invalid, parameter() + ".function.name", "A function must have a name.")
    }
    return tool
  }

  func readChoice(_ body: Span<UInt8>) throws(RequestFault) {
    if let parallel = value(.parallelToolCalls) {
      guard let said = JSONValue.bool(body, parallel) else {
        throw Self.wrong("parallel_tool_calls", "a boolean")
      }
      parallelCalls = said
    }
    guard let choice = value(.toolChoice) else { return }
    if JSONView.kind(body, choice) == .string {
      if JSONString.equals(body, choice, "auto") {
        toolChoice = .auto
      } else if JSONString.equals(body, choice, "none") {
        toolChoice = .none
      } else if JSONString.equals(body, choice, "required") || JSONString.equals(body, choice, "any") {
        toolChoice = .required
      } else {
        throw Self.wrong("tool_choice", "auto, none, required or an object")
      }
      return
    }
    guard JSONView.kind(body, choice) == .object else {
      throw Self.wrong("tool_choice", "auto, none, required or an object")
    }
    if let name = JSONView.value(body, in: choice, at: "function", "name"),
      JSONView.kind(body, name) == .string
    {
      guard tool(named: name, body) != nil else {
        throw RequestFault(
          .invalid, "tool_choice", "'tool_choice' names a function that 'tools' doesn't have.")
      }
      toolChoice = .named(name)
      return
    }
    // Beside the documented nesting, clients write the list at the top.
    let nested = JSONView.value(body, in: choice, at: "allowed_tools")
    let allowed = nested.flatMap { JSONView.kind(body, $0) == .object ? $0 : nil } ?? choice
    guard let list = JSONView.value(body, in: allowed, at: "tools"), JSONView.kind(body, list) == .array
    else {
      throw RequestFault(
        .unsupported, "tool_choice",
        "This form of 'tool_choice' can't be translated for the model's provider.")
    }
    toolChoice = try allowedTools(body, allowed, list)
  }

  private func allowedTools(
    _ body: Span<UInt8>, _ allowed: Range<Int>, _ list: Range<Int>
  ) throws(RequestFault) -> ChatToolChoice {
    var indices: [Int] = []
    var elements = JSONArrayCursor(body, list)
    while let element = elements.next() {
      guard
        let name = JSONView.value(body, in: element.value, at: "function", "name")
          ?? JSONView.value(body, in: element.value, at: "name"), let index = tool(named: name, body)
      else {
        throw RequestFault(.invalid, "tool_choice", "'tool_choice' allows a tool that 'tools' doesn't have.")
      }
      if !indices.contains(index), indices.count <= tools.count { indices.append(index) }
    }
    let mode = JSONView.value(body, in: allowed, at: "mode")
    return .allowed(
      indices: indices.sorted(), isRequired: mode.map { JSONString.equals(body, $0, "required") } ?? false)
  }

  private func tool(named name: Range<Int>, _ body: Span<UInt8>) -> Int? {
    let wanted = body.extracting(name)
    return tools.firstIndex { body.extracting($0.name).equals(wanted) }
  }

  func readFormat(_ body: Span<UInt8>) throws(RequestFault) {
    guard let object = value(.responseFormat) else { return }
    guard let type = JSONView.value(body, in: object, at: "type"), JSONView.kind(body, type) == .string else {
      throw Self.wrong("response_format", "an object with a 'type'")
    }
    if JSONString.equals(body, type, "text") { return }
    if JSONString.equals(body, type, "json_object") {
      format = .jsonObject
      return
    }
    guard JSONString.equals(body, type, "json_schema") else {
      throw Self.wrong("response_format.type", "text, json_object or json_schema")
    }
    let inner = JSONView.value(body, in: object, at: "json_schema")
    guard let inner, JSONView.kind(body, inner) == .object else {
      throw Self.wrong("response_format.json_schema", "an object")
    }
    func member(_ name: StaticString, _ kind: JSONKind) -> Range<Int>? {
      JSONView.value(body, in: inner, at: name).flatMap { JSONView.kind(body, $0) == kind ? $0 : nil }
    }
    format = .jsonSchema(
      schema: member("schema", .object), name: member("name", .string),
      description: member("description", .string),
      strict: JSONView.value(body, in: inner, at: "strict").flatMap { JSONValue.bool(body, $0) })
  }

  func readScalars(_ body: Span<UInt8>) throws(RequestFault) {
    for field: ChatField in [.temperature, .topP, .presencePenalty, .frequencyPenalty] {
      guard let number = value(field) else { continue }
      guard JSONView.kind(body, number) == .number else { throw Self.wrong("\(field.name)", "a number") }
    }
    n = try integer(.n, body, least: 1) ?? 1
    topLogprobs = try integer(.topLogprobs, body, least: 0)
    let older = try integer(.maxTokens, body, least: 1)
    maxTokens = try integer(.maxCompletionTokens, body, least: 1) ?? older
    _ = try integer(.seed, body, least: .min)
    if let said = value(.logprobs) {
      guard let wants = JSONValue.bool(body, said) else { throw Self.wrong("logprobs", "a boolean") }
      logprobs = wants
    }
    if let stream = value(.stream) { streams = JSONValue.bool(body, stream) == true }
    if let options = value(.streamOptions),
      let usage = JSONView.value(body, in: options, at: "include_usage")
    {
      asksForUsage = JSONValue.bool(body, usage) == true
    }
    try readStops(body)
  }

  private func integer(_ field: ChatField, _ body: Span<UInt8>, least: Int) throws(RequestFault) -> Int? {
    guard let range = value(field) else { return nil }
    guard let number = JSONValue.integer(body, range), number >= least else {
      throw Self.wrong("\(field.name)", least == .min ? "an integer" : "an integer of at least \(least)")
    }
    return number
  }

  private func readStops(_ body: Span<UInt8>) throws(RequestFault) {
    guard let stop = value(.stop) else { return }
    if JSONView.kind(body, stop) == .string { return stops.append(stop) }
    guard JSONView.kind(body, stop) == .array else {
      throw Self.wrong("stop", "a string or a list of strings")
    }
    var elements = JSONArrayCursor(body, stop)
    while let element = elements.next() {
      guard element.kind == .string, stops.count < 1024 else {
        throw Self.wrong("stop", "a string or a list of strings")
      }
      stops.append(element.value)
    }
  }

  /// `reasoning_effort`, or OpenRouter's and the Responses API's `reasoning: {effort}`.
  func readEffort(_ body: Span<UInt8>) throws(RequestFault) {
    let nested = extended("reasoning", in: body).flatMap { JSONView.value(body, in: $0, at: "effort") }
    guard let said = value(.reasoningEffort) ?? nested, !JSONValue.isNull(body, said) else { return }
    let known: [(StaticString, ChatEffort)] = [
      ("none", .none), ("minimal", .minimal), ("low", .low), ("medium", .medium), ("high", .high),
      ("xhigh", .xhigh), ("max", .max),
    ]
    for (name, effort) in known where JSONString.equals(body, said, name) {
      self.effort = effort
      return
    }
    throw Self.wrong("reasoning_effort", "one of none, minimal, low, medium, high, xhigh and max")
  }
}
