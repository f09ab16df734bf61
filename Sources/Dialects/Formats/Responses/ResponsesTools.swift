// The tools of a Responses request as a chat's, and the way back: which of the functions that the model calls was a tool
// of another sort.

internal import Wire

/// What a function's name in the chat stands for.
struct ResponsesNames {
  /// Tools that take any text: a function with one string has their place.
  var custom: [[UInt8]] = []
  /// Functions of a namespace, by their name in the chat.
  var spaced: [(name: [UInt8], child: [UInt8], space: [UInt8])] = []

  func isCustom(_ name: [UInt8]) -> Bool { custom.contains { $0.span.equals(name.span) } }

  func space(_ name: [UInt8]) -> (child: [UInt8], space: [UInt8])? {
    for known in spaced where known.name.span.equals(name.span) { return (known.child, known.space) }
    return nil
  }
}

struct ResponsesTools {
  private struct Tool {
    let range: Range<Int>
    /// In the chat, still escaped.
    let name: [UInt8]
    let isCustom: Bool
  }

  /// Tools of one request.
  private static let ceiling = 4096

  private var tools: [Tool] = []
  private(set) var names = ResponsesNames()

  /// Reads `tools`, and those that the input brings.
  mutating func read(
    _ body: Span<UInt8>, _ list: Range<Int>?, _ more: [Range<Int>], _ dropped: inout DroppedFields
  ) throws(RequestFault) {
    var hosted: Int?
    if let list {
      var position = 0
      var elements = JSONArrayCursor(body, list)
      while let element = elements.next() {
        guard element.kind == .object else {
          throw RequestFault(.invalid, "tools[\(position)]", "A tool must be an object.")
        }
        if try !read(body, tool: element.value, position, space: nil) {
          hosted = hosted ?? position
          dropped.add("tools", position, "")
        }
        position += 1
      }
    }
    for list in more {
      var elements = JSONArrayCursor(body, list)
      while let element = elements.next() {
        // A tool that no chat knows is left out here.
        if element.kind == .object { _ = try? read(body, tool: element.value, 0, space: nil) }
      }
    }
    if tools.isEmpty, let hosted {
      throw RequestFault(
        .unsupported, "tools[\(hosted)].type",
        "The model's provider has no such tool; leave it out, or use a model of a provider that has.")
    }
  }

  /// Takes a tool; false where it is one that the provider would run, which can be left out beside others.
  private mutating func read(
    _ body: Span<UInt8>, tool: Range<Int>, _ position: Int, space: [UInt8]?
  ) throws(RequestFault) -> Bool {
    let type = JSONView.content(body, in: tool, at: "type")
    let name = JSONView.content(body, in: tool, at: "name").array()
    if type.equals("function") || type.equals("custom") {
      guard !name.isEmpty else {
        throw RequestFault(.invalid, "tools[\(position)].name", "A tool must have a name.")
      }
      guard tools.count < Self.ceiling else {
        throw RequestFault(.invalid, "tools", "'tools' has more than \(Self.ceiling) entries.")
      }
      var own = name
      if let space {
        if tools.contains(where: { $0.name.span.equals(name.span) }) {
          own = Array((space + [0x5F, 0x5F] + name).prefix(64))
        }
        names.spaced.append((own, name, space))
      } else if tools.contains(where: { $0.name.span.equals(name.span) }) {
        return true
      }
      if type.equals("custom") { names.custom.append(own) }
      tools.append(Tool(range: tool, name: own, isCustom: type.equals("custom")))
      return true
    }
    if type.equals("namespace") {
      var children = JSONArrayCursor(body, JSONView.value(body, in: tool, at: "tools") ?? 0..<0)
      while let child = children.next() {
        if child.kind == .object { _ = try read(body, tool: child.value, position, space: name) }
      }
      return true
    }
    for hosted: StaticString in ["web_search", "image_generation", "tool_search", "code_interpreter"] {
      let count = hosted.utf8CodeUnitCount
      if type.count >= count, type.extracting(0..<count).equals(hosted) { return false }
    }
    // Codex lists its shell beside functions that do the same.
    if type.equals("local_shell") { return false }
    throw RequestFault(
      .unsupported, "tools[\(position)].type",
      "This tool works on the client's data or machine in a way that only OpenAI's models know; use functions."
    )
  }

  func write(_ body: Span<UInt8>, _ choice: Range<Int>?, into chat: inout ChatBody) throws(RequestFault) {
    if tools.isEmpty { return }
    chat.member("tools")
    chat.out.append("[")
    for (at, tool) in tools.enumerated() {
      if at > 0 { chat.out.append(ASCII.comma) }
      write(body, tool, into: &chat.out)
    }
    chat.out.append("]")
    if let choice { try write(body, choice: choice, into: &chat) }
    if let parallel = JSONView.value(body, in: 0..<body.count, at: "parallel_tool_calls"),
      JSONValue.bool(body, parallel) == false
    {
      chat.member("parallel_tool_calls", ("false" as StaticString).bytes)
    }
  }

  private func write(_ body: Span<UInt8>, _ tool: Tool, into out: inout ByteQueue) {
    out.append("{\"type\":\"function\",\"function\":{\"name\":\"")
    out.append(tool.name)
    out.append("\"")
    let description = JSONView.content(body, in: tool.range, at: "description")
    if tool.isCustom {
      out.append(",\"description\":\"")
      out.append(description)
      let grammar = JSONView.content(body, in: tool.range, at: "format", "definition")
      if !grammar.isEmpty {
        out.append("\\n\\nThe input must follow this grammar:\\n")
        out.append(grammar)
      }
      out.append(
        "\",\"parameters\":{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"],\"additionalProperties\":false}"
      )
    } else {
      if !description.isEmpty {
        out.append(",\"description\":\"")
        out.append(description)
        out.append("\"")
      }
      if let parameters = JSONView.value(body, in: tool.range, at: "parameters"),
        JSONView.kind(body, parameters) == .object
      {
        ChatRequest.appendMember("parameters", body.extracting(parameters), into: &out)
      }
      if let strict = JSONView.value(body, in: tool.range, at: "strict"), !JSONValue.isNull(body, strict) {
        ChatRequest.appendMember("strict", body.extracting(strict), into: &out)
      }
    }
    out.append("}}")
  }

  private func write(_ body: Span<UInt8>, choice: Range<Int>, into chat: inout ChatBody) throws(RequestFault)
  {
    if JSONView.kind(body, choice) == .string {
      return chat.member("tool_choice", body.extracting(choice))
    }
    let type = JSONView.content(body, in: choice, at: "type")
    if type.equals("allowed_tools"), let list = JSONView.value(body, in: choice, at: "tools") {
      chat.member("tool_choice")
      chat.out.append("{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"")
      let mode = JSONView.content(body, in: choice, at: "mode")
      if mode.isEmpty { chat.out.append("auto") } else { chat.out.append(mode) }
      chat.out.append("\",\"tools\":[")
      var isFirst = true
      var elements = JSONArrayCursor(body, list)
      while let element = elements.next() {
        if !isFirst { chat.out.append(ASCII.comma) }
        isFirst = false
        writeName(JSONView.content(body, in: element.value, at: "name"), into: &chat.out)
      }
      return chat.out.append("]}}")
    }
    guard type.equals("function") || type.equals("custom") else {
      throw RequestFault(
        .unsupported, "tool_choice", "The model's provider has no such tool; choose a function.")
    }
    chat.member("tool_choice")
    writeName(JSONView.content(body, in: choice, at: "name"), into: &chat.out)
  }

  private func writeName(_ name: Span<UInt8>, into out: inout ByteQueue) {
    out.append("{\"type\":\"function\",\"function\":{\"name\":\"")
    out.append(name)
    out.append("\"}}")
  }

  /// What a call of the conversation is called in the chat.
  func name(of name: Span<UInt8>, in space: Span<UInt8>) -> [UInt8] {
    if !space.isEmpty {
      for known in names.spaced where known.child.span.equals(name) && known.space.span.equals(space) {
        return known.name
      }
    }
    return name.array()
  }
}
