// The tools of a Responses request as a chat's, and the way back: which of the functions that the model calls was a tool
// of another sort.

internal import Wire

/// What a function's name in the chat stands for.
struct ResponsesNames {
  /// Tools that take any text: a function with one string has their place.
  fileprivate(set) var custom: Set<[UInt8]> = []
  /// Functions of a namespace, by their name in the chat.
  fileprivate(set) var spaced: [[UInt8]: (child: [UInt8], space: [UInt8])] = [:]

  func isCustom(_ name: [UInt8]) -> Bool { custom.contains(name) }

  func space(_ name: [UInt8]) -> (child: [UInt8], space: [UInt8])? { spaced[name] }
}

struct ResponsesTools {
  private struct Tool {
    let range: Range<Int>
    /// As the client calls it, still escaped, and the namespace that it is in.
    let child: [UInt8]
    let space: [UInt8]?
    let isCustom: Bool
    /// Which of `tools` it is, or is in; nil where the input brings it.
    let position: Int?
    /// In the chat.
    var name: [UInt8]
  }

  /// Tools of one request.
  private static let ceiling = 4096
  /// Bytes of a function's name (OpenAI API reference).
  private static let nameCeiling = 64

  private var tools: [Tool] = []
  /// Names of functions that are in no namespace.
  private var plain: Set<[UInt8]> = []
  /// A namespace's functions, by what both are called with a zero between, and their names in the chat.
  private var called: [[UInt8]: [UInt8]] = [:]
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
        switch try read(body, tool: element.value, position, space: nil) {
        case .taken: break
        case .again: dropped.add("tools", position, "")
        case .hosted:
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
        if element.kind == .object { _ = try? read(body, tool: element.value, nil, space: nil) }
      }
    }
    nameAll()
    if tools.isEmpty, let hosted {
      throw RequestFault(
        .unsupported, "tools[\(hosted)].type",
        "The model's provider has no such tool; leave it out, or use a model of a provider that has.")
    }
  }

  private enum Reading {
    case taken
    /// There is one of this name.
    case again
    /// The provider would run it, so it can be left out beside others.
    case hosted
  }

  private mutating func read(
    _ body: Span<UInt8>, tool: Range<Int>, _ position: Int?, space: [UInt8]?
  ) throws(RequestFault) -> Reading {
    let type = JSONView.content(body, in: tool, at: "type")
    let name = JSONView.content(body, in: tool, at: "name").array()
    if type.equals("function") || type.equals("custom") {
      guard !name.isEmpty else {
        throw RequestFault(.invalid, "tools[\(position ?? 0)].name", "A tool must have a name.")
      }
      guard tools.count < Self.ceiling else {
        throw RequestFault(.invalid, "tools", "'tools' has more than \(Self.ceiling) entries.")
      }
      if let space {
        guard called.updateValue([], forKey: space + [0] + name) == nil else { return .again }
      } else if !plain.insert(name).inserted {
        return .again
      }
      tools.append(
        Tool(
          range: tool, child: name, space: space, isCustom: type.equals("custom"), position: position,
          name: name))
      return .taken
    }
    if type.equals("namespace") {
      // One in another would be read once for each level.
      guard space == nil else {
        throw RequestFault(
          .invalid, "tools[\(position ?? 0)].tools", "A namespace holds functions and custom tools only.")
      }
      var children = JSONArrayCursor(body, JSONView.value(body, in: tool, at: "tools") ?? 0..<0)
      while let child = children.next() {
        if child.kind == .object { _ = try read(body, tool: child.value, position, space: name) }
      }
      return .taken
    }
    for hosted: StaticString in ["web_search", "image_generation", "tool_search", "code_interpreter"]
    where type.begins(hosted) { return .hosted }
    // Codex lists its shell beside functions that do the same.
    if type.equals("local_shell") { return .hosted }
    throw RequestFault(
      .unsupported, "tools[\(position ?? 0)].type",
      "This tool works on the client's data or machine in a way that only OpenAI's models know; use functions."
    )
  }

  /// Gives each tool its name in the chat: its own, and where that isn't the only one, its namespace's before it.
  private mutating func nameAll() {
    var taken = plain
    for at in tools.indices {
      let tool = tools[at]
      if let space = tool.space {
        if !taken.insert(tool.name).inserted {
          tools[at].name = Self.joined(space, tool.child, &taken)
        }
        names.spaced[tools[at].name] = (tool.child, space)
        called[space + [0] + tool.child] = tools[at].name
      }
      if tool.isCustom { names.custom.insert(tools[at].name) }
    }
  }

  /// A name that no other tool has, of the bytes that names may have.
  private static func joined(_ space: [UInt8], _ child: [UInt8], _ taken: inout Set<[UInt8]>) -> [UInt8] {
    let whole = (space + [0x5F, 0x5F] + child).map { ASCII.isNameByte($0) ? $0 : 0x5F }
    var name = Array(whole.prefix(nameCeiling))
    var number = 2
    while !taken.insert(name).inserted {
      let tail = Array("_\(number)".utf8)
      name = Array(whole.prefix(nameCeiling - tail.count)) + tail
      number += 1
    }
    return name
  }

  func write(_ body: Span<UInt8>, _ choice: Range<Int>?, into chat: inout ChatBody) throws(RequestFault) {
    if tools.isEmpty { return }
    chat.member("tools")
    chat.out.append("[")
    for (at, tool) in tools.enumerated() {
      if at > 0 { chat.out.append(ASCII.comma) }
      chat.places?.note(tool: tool.position.map { "tools[\($0)]" } ?? "input")
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
        writeName(body, of: element.value, into: &chat.out)
      }
      return chat.out.append("]}}")
    }
    guard type.equals("function") || type.equals("custom") else {
      throw RequestFault(
        .unsupported, "tool_choice", "The model's provider has no such tool; choose a function.")
    }
    chat.member("tool_choice")
    writeName(body, of: choice, into: &chat.out)
  }

  private func writeName(_ body: Span<UInt8>, of tool: Range<Int>, into out: inout ByteQueue) {
    out.append("{\"type\":\"function\",\"function\":{\"name\":\"")
    out.append(
      name(
        of: JSONView.content(body, in: tool, at: "name"),
        in: JSONView.content(body, in: tool, at: "namespace")
      ))
    out.append("\"}}")
  }

  /// What a call of the conversation is called in the chat.
  func name(of name: Span<UInt8>, in space: Span<UInt8>) -> [UInt8] {
    if !space.isEmpty, let known = called[space.array() + [0] + name.array()] { return known }
    return name.array()
  }
}
