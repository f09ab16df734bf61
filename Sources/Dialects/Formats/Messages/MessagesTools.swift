// The tools of a Messages request as a chat's.

internal import Wire

extension MessagesRequest {
  /// Which sort of tool a type names.
  private enum Sort {
    /// The client's own.
    case function
    /// The provider runs it.
    case hosted
    /// The client runs it, but only Claude knows how to use it.
    case claudes
  }

  private func sort(_ tool: Range<Int>) -> Sort {
    let type = JSONView.content(body, in: tool, at: "type")
    if type.isEmpty || type.equals("custom") { return .function }
    for name: StaticString in [
      "web_search", "web_fetch", "code_execution", "tool_search", "advisor", "mcp_toolset",
    ] {
      let count = name.utf8CodeUnitCount
      if type.count >= count, type.extracting(0..<count).equals(name) { return .hosted }
    }
    return .claudes
  }

  func writeTools(
    _ list: Range<Int>?, _ choice: Range<Int>?, into chat: inout ChatBody
  ) throws(RequestFault) {
    guard let list else { return }
    var functions: [(range: Range<Int>, place: Int)] = []
    var firstHosted: Int?
    var position = 0
    var elements = JSONArrayCursor(body, list)
    while let element = elements.next() {
      guard element.kind == .object else {
        throw RequestFault(.invalid, "tools[\(position)]", "A tool must be an object.")
      }
      switch sort(element.value) {
      case .function: functions.append((element.value, position))
      case .hosted:
        firstHosted = firstHosted ?? position
        chat.dropped.add("tools", position, "")
      case .claudes:
        throw RequestFault(
          .unsupported, "tools[\(position)].type",
          "Only Claude knows this tool; describe it as one of your own, or use a Claude model.")
      }
      position += 1
    }
    if functions.isEmpty, let firstHosted {
      throw RequestFault(
        .unsupported, "tools[\(firstHosted)].type",
        "The model's provider has no such tool; leave it out, or use a Claude model.")
    }
    if functions.isEmpty { return }
    chat.member("tools")
    chat.out.append("[")
    for (at, tool) in functions.enumerated() {
      if at > 0 { chat.out.append(ASCII.comma) }
      chat.places?.note(tool: "tools[\(tool.place)]")
      try write(tool.range, tool.place, into: &chat)
    }
    chat.out.append("]")
    if let choice { try write(choice: choice, functions, into: &chat) }
  }

  private func write(_ tool: Range<Int>, _ position: Int, into chat: inout ChatBody) throws(RequestFault) {
    var name: Range<Int>?
    var description: Range<Int>?
    var schema: Range<Int>?
    var strict: Range<Int>?
    var members = JSONObjectCursor(body, tool)
    while let member = members.next() {
      if member.kind == .null { continue }
      if member.keyIs("name", in: body), member.kind == .string {
        name = member.value
      } else if member.keyIs("description", in: body), member.kind == .string {
        description = member.value
      } else if member.keyIs("input_schema", in: body), member.kind == .object {
        schema = member.value
      } else if member.keyIs("strict", in: body) {
        strict = member.value
      } else if !member.keyIs("type", in: body), !member.keyIs("cache_control", in: body) {
        chat.dropped.add("tools", position, body.extracting(member.key))
      }
    }
    guard let name else {
      throw RequestFault(.invalid, "tools[\(position)].name", "A tool must have a name.")
    }
    guard let schema else {
      throw RequestFault(
        .invalid, "tools[\(position)].input_schema", "A tool must describe its input with a schema.")
    }
    chat.out.append("{\"type\":\"function\",\"function\":{\"name\":")
    chat.out.append(body.extracting(name))
    if let description {
      ChatRequest.appendMember("description", body.extracting(description), into: &chat.out)
    }
    ChatRequest.appendMember("parameters", body.extracting(schema), into: &chat.out)
    if let strict { ChatRequest.appendMember("strict", body.extracting(strict), into: &chat.out) }
    chat.out.append("}")
    writeMark(of: tool, "tools[\(position)]", into: &chat)
    chat.out.append("}")
  }

  private func write(
    choice: Range<Int>, _ functions: [(range: Range<Int>, place: Int)], into chat: inout ChatBody
  ) throws(RequestFault) {
    let type = JSONView.content(body, in: choice, at: "type")
    if type.equals("auto") {
      chat.member("tool_choice", ("\"auto\"" as StaticString).bytes)
    } else if type.equals("any") {
      chat.member("tool_choice", ("\"required\"" as StaticString).bytes)
    } else if type.equals("none") {
      chat.member("tool_choice", ("\"none\"" as StaticString).bytes)
    } else if type.equals("tool"), let name = JSONView.value(body, in: choice, at: "name") {
      var isKnown = false
      for tool in functions {
        if let own = JSONView.value(body, in: tool.range, at: "name"),
          body.extracting(own).equals(body.extracting(name))
        {
          isKnown = true
        }
      }
      guard isKnown else {
        throw RequestFault(
          .invalid, "tool_choice.name",
          "'tool_choice' names a tool that can't be sent to the model's provider.")
      }
      chat.member("tool_choice")
      chat.out.append("{\"type\":\"function\",\"function\":{\"name\":")
      chat.out.append(body.extracting(name))
      chat.out.append("}}")
    } else {
      throw RequestFault(.invalid, "tool_choice.type", "'type' must be one of auto, any, none and tool.")
    }
    if let sole = JSONView.value(body, in: choice, at: "disable_parallel_tool_use"),
      JSONValue.bool(body, sole) == true
    {
      chat.member("parallel_tool_calls", ("false" as StaticString).bytes)
    }
  }
}
