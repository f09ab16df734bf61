// Reads a chat request's body into the intermediate form, and refuses what no provider would understand.

internal import Wire

extension ChatRequest {
  /// Turns, parts and tools of one request; a body that fits `max_body` can't hold many more that mean anything.
  static let listCeiling = 100_000

  /// Reads `body`, which is one JSON object that has been scanned.
  package init(_ body: Span<UInt8>) throws(RequestFault) {
    // Turns have some hundred bytes: so the lists seldom grow.
    messages.reserveCapacity(min(8 + body.count / 384, Self.listCeiling))
    parts.reserveCapacity(min(8 + body.count / 384, Self.listCeiling))
    var walk = JSONWalk(body)
    if walk.enter() { try readMembers(body, &walk) }
    guard given.contains(.messages) else {
      throw RequestFault(.invalid, "messages", "'messages' is missing; send the conversation as a list.")
    }
    try readTools(body)
    try readChoice(body)
    try readFormat(body)
    try readScalars(body)
    try readEffort(body)
  }

  private mutating func readMembers(
    _ body: Span<UInt8>, _ walk: inout JSONWalk
  ) throws(RequestFault) {
    while let key = walk.nextKey() {
      let field = ChatField.named(body, key.range)
      if field == .messages, walk.kind == .array {
        // Of several the last counts.
        forgetMessages()
        let start = walk.at
        try readMessages(body, &walk)
        given.insert(ChatFields(.messages))
        values[Int(ChatField.messages.rawValue)] = start..<walk.at
        continue
      }
      guard let (value, kind) = walk.pass() else { return }
      if kind == .null { continue }
      guard let field else {
        if extensions.count < 64 { extensions.append(ChatExtension(key: key.range, value: value)) }
        continue
      }
      if field == .messages { throw RequestFault(.invalid, "messages", "'messages' must be a list.") }
      given.insert(ChatFields(field))
      values[Int(field.rawValue)] = value
    }
  }

  // MARK: Messages

  private mutating func forgetMessages() {
    messages.removeAll(keepingCapacity: true)
    parts.removeAll(keepingCapacity: true)
    calls.removeAll()
    thinking.removeAll()
  }

  private mutating func readMessages(
    _ body: Span<UInt8>, _ walk: inout JSONWalk
  ) throws(RequestFault) {
    guard walk.enter() else { return }
    while walk.nextElement() {
      let index = messages.count
      guard walk.kind == .object, walk.enter() else { throw Self.wrong("messages[\(index)]", "an object") }
      try readMessage(body, &walk, index)
      guard messages.count <= Self.listCeiling else {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) turns.")
      }
    }
    if messages.isEmpty {
      throw RequestFault(.invalid, "messages", "'messages' is empty; send at least one turn.")
    }
  }

  private mutating func readMessage(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ index: Int
  ) throws(RequestFault) {
    var message = ChatMessage(role: .user)
    var hasRole = false
    var content: (range: Range<Int>, kind: JSONKind)?
    var toolCalls: Range<Int>?
    var refusal: Range<Int>?
    var blocks: Range<Int>?
    while let member = walk.nextMember() {
      if member.kind == .null { continue }
      if member.keyIs("role", in: body) {
        message.role = try Self.role(body, member.value, index)
        hasRole = true
      } else if member.keyIs("content", in: body) {
        content = (member.value, member.kind)
      } else if member.keyIs("tool_calls", in: body) {
        guard member.kind == .array else { throw Self.wrong("messages[\(index)].tool_calls", "a list") }
        toolCalls = member.value
      } else if member.keyIs("tool_call_id", in: body), member.kind == .string {
        message.toolCallID = member.value
      } else if member.keyIs("name", in: body), member.kind == .string {
        message.name = member.value
      } else if member.keyIs("refusal", in: body), member.kind == .string {
        refusal = member.value
      } else if member.keyIs("reasoning_content", in: body), member.kind == .string {
        message.reasoning = member.value
      } else if member.keyIs("reasoning", in: body), member.kind == .string {
        message.reasoning = message.reasoning ?? member.value
      } else if member.keyIs("thinking_blocks", in: body), member.kind == .array {
        blocks = member.value
      } else if member.keyIs("cache_control", in: body), member.kind == .object {
        message.cacheControl = member.value
      } else if member.keyIs("extra_content", in: body), member.kind == .object {
        message.extra = member.value
      } else if member.keyIs("function_call", in: body) {
        throw RequestFault(
          .unsupported, "messages[\(index)].function_call",
          "'function_call' is out of use; send 'tool_calls'.")
      }
    }
    guard hasRole else { throw RequestFault(.invalid, "messages[\(index)].role", "'role' is missing.") }
    let first = parts.count
    if let content { try readContent(body, content.range, content.kind, index) }
    // An assistant that refuses often has an empty content beside it.
    if let refusal, refusal.count > 2 {
      parts.append(ChatPart(kind: .refusal, value: refusal, place: (index, parts.count - first)))
    }
    message.parts = first..<parts.count
    if let toolCalls, message.role == .assistant { message.calls = try readCalls(body, toolCalls, index) }
    if let blocks { message.thinking = readThinking(body, blocks) }
    if message.role == .tool, message.toolCallID == nil {
      throw RequestFault(
        .invalid, "messages[\(index)].tool_call_id", "A tool's turn must say which call it answers.")
    }
    messages.append(message)
  }

  private static func role(
    _ body: Span<UInt8>, _ range: Range<Int>, _ index: Int
  ) throws(RequestFault) -> ChatMessage.Role {
    if JSONString.equals(body, range, "user") { return .user }
    if JSONString.equals(body, range, "assistant") { return .assistant }
    if JSONString.equals(body, range, "tool") { return .tool }
    if JSONString.equals(body, range, "system") { return .system }
    if JSONString.equals(body, range, "developer") { return .developer }
    if JSONString.equals(body, range, "function") {
      throw RequestFault(
        .unsupported, "messages[\(index)].role", "The role 'function' is out of use; send 'tool'.")
    }
    throw RequestFault(
      .invalid, "messages[\(index)].role",
      "'role' must be one of system, developer, user, assistant and tool.")
  }

  private mutating func readContent(
    _ body: Span<UInt8>, _ range: Range<Int>, _ kind: JSONKind, _ index: Int
  ) throws(RequestFault) {
    if kind == .string {
      parts.append(ChatPart(kind: .text, value: range, place: (index, 0)))
      return
    }
    guard kind == .array else {
      throw Self.wrong("messages[\(index)].content", "a string or a list of parts")
    }
    var elements = JSONArrayCursor(body, range)
    var position = 0
    while let element = elements.next() {
      if element.kind == .string {
        parts.append(ChatPart(kind: .text, value: element.value, place: (index, position)))
      } else if element.kind == .object {
        try readPart(body, element.value, index, position)
      } else {
        throw Self.wrong("messages[\(index)].content[\(position)]", "an object")
      }
      position += 1
      guard parts.count <= Self.listCeiling else {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) parts.")
      }
    }
  }

  /// The members of a content part, by name.
  private struct PartMembers {
    var type: Range<Int>?
    var text: Range<Int>?
    var refusal: Range<Int>?
    var image: Range<Int>?
    var audio: Range<Int>?
    var file: Range<Int>?
    var cacheControl: Range<Int>?

    init(_ body: Span<UInt8>, _ object: Range<Int>) {
      var members = JSONObjectCursor(body, object)
      while let member = members.next() {
        if member.keyIs("type", in: body) {
          type = member.kind == .string ? member.value : nil
        } else if member.keyIs("text", in: body) {
          text = member.kind == .string ? member.value : nil
        } else if member.keyIs("image_url", in: body) {
          image = member.value
        } else if member.keyIs("input_audio", in: body) {
          audio = member.value
        } else if member.keyIs("file", in: body) {
          file = member.value
        } else if member.keyIs("refusal", in: body) {
          refusal = member.kind == .string ? member.value : nil
        } else if member.keyIs("cache_control", in: body) {
          cacheControl = member.kind == .object ? member.value : nil
        }
      }
    }
  }

  private mutating func readPart(
    _ body: Span<UInt8>, _ object: Range<Int>, _ index: Int, _ position: Int
  ) throws(RequestFault) {
    func parameter() -> String { "messages[\(index)].content[\(position)]" }
    let members = PartMembers(body, object)
    guard let type = members.type else {
      throw RequestFault(.invalid, parameter() + ".type", "A part of the content must say its 'type'.")
    }
    var part = ChatPart(kind: .text, value: nil, place: (index, position))
    part.cacheControl = members.cacheControl
    func string(_ range: Range<Int>?, _ name: StaticString) -> Range<Int>? {
      guard let range, let value = JSONView.value(body, in: range, at: name),
        JSONView.kind(body, value) == .string
      else { return nil }
      return value
    }
    if JSONString.equals(body, type, "text") {
      part.value = members.text
    } else if JSONString.equals(body, type, "refusal") {
      part.kind = .refusal
      part.value = members.refusal
    } else if JSONString.equals(body, type, "image_url") {
      part.kind = .image
      if let image = members.image, JSONView.kind(body, image) == .string {
        part.value = image
      } else {
        part.value = string(members.image, "url")
        part.second = string(members.image, "detail")
      }
    } else if JSONString.equals(body, type, "input_audio") {
      part.kind = .audio
      part.value = string(members.audio, "data")
      part.second = string(members.audio, "format")
    } else if JSONString.equals(body, type, "file") {
      part.kind = .file
      part.value = string(members.file, "file_data")
      part.second = string(members.file, "file_id")
      part.third = string(members.file, "filename")
    } else {
      throw RequestFault(
        .unsupported, parameter() + ".type",
        "This type of content part can't be translated for the model's provider; "
          + "text, image_url, input_audio, file and refusal can.")
    }
    if part.value == nil, !(part.kind == .file && part.second != nil) {
      throw RequestFault(.invalid, parameter(), "The content part lacks what its type promises.")
    }
    parts.append(part)
  }

  private mutating func readCalls(
    _ body: Span<UInt8>, _ list: Range<Int>, _ index: Int
  ) throws(RequestFault) -> Range<Int> {
    let first = calls.count
    var elements = JSONArrayCursor(body, list)
    while let element = elements.next() {
      calls.append(try Self.call(body, element.value, (index, calls.count - first)))
      guard calls.count <= Self.listCeiling else {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) tool calls.")
      }
    }
    return first..<calls.count
  }

  private static func call(
    _ body: Span<UInt8>, _ object: Range<Int>, _ place: (message: Int, call: Int)
  ) throws(RequestFault) -> ChatCall {
    func parameter() -> String { "messages[\(place.message)].tool_calls[\(place.call)]" }
    var id: Range<Int>?
    var function: Range<Int>?
    var extra: Range<Int>?
    // Of clients' own: in the call, or in its function.
    var cacheControl: Range<Int>?
    var members = JSONObjectCursor(body, object)
    while let member = members.next() {
      if member.keyIs("id", in: body) {
        id = member.kind == .string ? member.value : nil
      } else if member.keyIs("function", in: body) {
        function = member.value
      } else if member.keyIs("extra_content", in: body) {
        extra = member.value
      } else if member.kind == .object, member.keyIs("cache_control", in: body) {
        cacheControl = member.value
      } else if member.kind == .object, member.keyIs("custom", in: body) {
        throw RequestFault(
          .unsupported, parameter(),
          "Custom tools can't be translated for the model's provider; use functions.")
      }
    }
    var name: Range<Int>?
    var arguments: Range<Int>?
    var inner = JSONObjectCursor(body, function ?? 0..<0)
    while let member = inner.next() {
      if member.keyIs("name", in: body) {
        name = member.kind == .string ? member.value : nil
      } else if member.keyIs("arguments", in: body) {
        arguments = member.kind == .null ? nil : member.value
      } else if cacheControl == nil, member.kind == .object, member.keyIs("cache_control", in: body) {
        cacheControl = member.value
      }
    }
    guard let name else {
      throw RequestFault(.invalid, parameter() + ".function.name", "A tool call must name its function.")
    }
    var call = ChatCall(name: name, place: place)
    call.id = id
    call.cacheControl = cacheControl
    call.arguments = arguments
    if let extra, let signature = JSONView.value(body, in: extra, at: "google", "thought_signature"),
      JSONView.kind(body, signature) == .string
    {
      call.signature = signature
    }
    return call
  }

  private mutating func readThinking(_ body: Span<UInt8>, _ list: Range<Int>) -> Range<Int> {
    let first = thinking.count
    var elements = JSONArrayCursor(body, list)
    while let element = elements.next(), thinking.count < Self.listCeiling {
      var block = ChatThinking()
      var members = JSONObjectCursor(body, element.value)
      while let member = members.next() {
        guard member.kind == .string else { continue }
        if member.keyIs("thinking", in: body) {
          block.text = member.value
        } else if member.keyIs("signature", in: body) {
          block.signature = member.value
        } else if member.keyIs("data", in: body) {
          block.redacted = member.value
        }
      }
      if block.text != nil || block.redacted != nil || block.signature != nil { thinking.append(block) }
    }
    return first..<thinking.count
  }

  static func wrong(_ parameter: String, _ expected: String) -> RequestFault {
    RequestFault(.invalid, parameter, "'\(parameter)' must be \(expected).")
  }
}
