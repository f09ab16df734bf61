// The conversation of a Messages request as a chat's: results of tools become turns of their own, before what else the
// user says; what the model thought goes back where the provider takes it.

internal import Wire

extension MessagesRequest {
  func writeTurns(
    _ system: Range<Int>?, _ messages: Range<Int>, into chat: inout ChatBody
  ) throws(RequestFault) {
    chat.beginConversation()
    var turns = Turns()
    if let system { try writeSystem(system, &turns, into: &chat) }
    var walk = JSONWalk(body, from: messages.lowerBound, strings: strings)
    _ = walk.enterArray()
    var index = 0
    while walk.nextElement() {
      if let (isAssistant, text) = walk.takePlainTurn() {
        turns.begin(isAssistant ? "assistant" : "user", "messages[\(index)]", into: &chat)
        chat.content(body.extracting(text))
        chat.out.append("}")
      } else {
        guard walk.kind == .object else {
          throw RequestFault(.invalid, "messages[\(index)]", "'messages[\(index)]' must be an object.")
        }
        try writeMessage(HeldMembers(&walk), index, &turns, into: &chat)
      }
      index += 1
      if index > ChatRequest.listCeiling {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(ChatRequest.listCeiling) turns.")
      }
    }
    if index == 0 { throw RequestFault.noMessages }
    guard turns.count > 0 else {
      throw RequestFault(
        .unsupported, "messages", "'messages' say nothing that the model's provider can be told.")
    }
    chat.endConversation()
  }

  /// The turns that have been written.
  struct Turns {
    private(set) var count = 0

    mutating func begin(
      _ role: StaticString, _ place: @autoclosure () -> String, into chat: inout ChatBody
    ) {
      chat.places?.note(turn: place())
      if count > 0 { chat.out.append(ASCII.comma) }
      count += 1
      chat.out.append(literal: "{\"role\":\"")
      chat.out.append(role)
      chat.out.append(literal: "\"")
    }
  }

  private func writeSystem(
    _ system: Range<Int>, _ turns: inout Turns, into chat: inout ChatBody
  ) throws(RequestFault) {
    let kind = JSONView.kind(body, system)
    guard kind == .string || kind == .array else {
      throw RequestFault(.invalid, "system", "'system' must be a string or a list of text blocks.")
    }
    var items = JSONArrayCursor(body, system)
    if kind == .array, items.next() == nil { return }
    turns.begin("system", "system", into: &chat)
    try writeContent(system, "system", into: &chat)
    chat.out.append("}")
  }

  private func writeMessage(
    _ message: borrowing HeldMembers, _ index: Int, _ turns: inout Turns, into chat: inout ChatBody
  ) throws(RequestFault) {
    let role = message.value("role", in: body) ?? 0..<0
    func place() -> String { "messages[\(index)]" }
    guard let content = message.value("content", in: body), let kind = JSONView.kind(body, content),
      kind == .string || kind == .array
    else {
      throw RequestFault(
        .invalid, place() + ".content", "'content' must be a string or a list of blocks.")
    }
    if JSONString.equals(body, role, "assistant") {
      turns.begin("assistant", place(), into: &chat)
      if kind == .string {
        chat.content(body.extracting(content))
      } else {
        try writeAssistant(content, index, into: &chat)
      }
      chat.out.append("}")
    } else if JSONString.equals(body, role, "user") {
      if kind == .array { try writeResults(content, index, &turns, into: &chat) }
      guard kind == .string || saysMore(content) else {
        return try passOverAll(content, place() + ".content", &chat)
      }
      turns.begin("user", place(), into: &chat)
      try writeContent(content, kind, index, into: &chat)
      chat.out.append("}")
    } else if JSONString.equals(body, role, "system") {
      turns.begin("system", place(), into: &chat)
      try writeContent(content, kind, index, into: &chat)
      chat.out.append("}")
    } else {
      throw RequestFault(.invalid, place() + ".role", "'role' must be user or assistant.")
    }
  }

  private func writeContent(
    _ content: Range<Int>, _ kind: JSONKind, _ index: Int, into chat: inout ChatBody
  ) throws(RequestFault) {
    if kind == .string {
      chat.content(body.extracting(content))
    } else {
      try writeContent(content, "messages[\(index)].content", into: &chat)
    }
  }

  @_lifetime(copy self)
  func type(_ block: Range<Int>) -> Span<UInt8> { JSONView.content(body, in: block, at: "type") }

  /// Whether a user's turn holds more than results of tools.
  private func saysMore(_ content: Range<Int>) -> Bool {
    var blocks = JSONArrayCursor(body, content)
    var isEmpty = true
    while let block = blocks.next() {
      isEmpty = false
      if isContent(block.value) { return true }
    }
    return isEmpty
  }

  func isContent(_ block: Range<Int>) -> Bool {
    let type = type(block)
    return type.equals("text") || type.equals("image") || type.equals("document")
      || type.equals("search_result")
  }

  // MARK: Results

  /// Writes a turn for each result of a tool. Pictures in them follow in a turn of the user's where a tool's turn may hold
  /// nothing but text.
  private func writeResults(
    _ content: Range<Int>, _ index: Int, _ turns: inout Turns, into chat: inout ChatBody
  ) throws(RequestFault) {
    var pictures: [(block: Range<Int>, place: String)] = []
    var position = -1
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      position += 1
      guard block.kind == .object, type(block.value).equals("tool_result") else { continue }
      let place = "messages[\(index)].content[\(position)]"
      guard let id = JSONView.value(body, in: block.value, at: "tool_use_id"),
        JSONView.kind(body, id) == .string
      else {
        throw RequestFault(
          .invalid, place + ".tool_use_id", "A tool's result must say which call it answers.")
      }
      turns.begin("tool", place, into: &chat)
      ChatRequest.appendMember("tool_call_id", body.extracting(id), into: &chat.out)
      try writeResult(block.value, place, &pictures, into: &chat)
      writeMark(of: block.value, place, into: &chat)
      chat.out.append("}")
    }
    if pictures.isEmpty { return }
    turns.begin("user", "messages[\(index)]", into: &chat)
    chat.out.append(",\"content\":[")
    var isFirst = true
    for picture in pictures { try writePart(picture.block, picture.place, &isFirst, into: &chat) }
    chat.out.append("]}")
  }

  private func writeResult(
    _ block: Range<Int>, _ place: String, _ pictures: inout [(block: Range<Int>, place: String)],
    into chat: inout ChatBody
  ) throws(RequestFault) {
    let isError = JSONView.value(body, in: block, at: "is_error").flatMap { JSONValue.bool(body, $0) } == true
    let content = JSONView.value(body, in: block, at: "content")
    let isList = content.map { JSONView.kind(body, $0) == .array } ?? false
    guard let content, isList, chat.target.takesResultMedia,
      !holdsOnlyText(content) || chat.target.keepsCacheControl && holdsMark(content)
    else {
      chat.out.append(",\"content\":\"")
      // What a chat has no member for, the text says.
      if isError { chat.out.append("Error: ") }
      if let content {
        var isFirst = true
        writeText(of: content, &isFirst, into: &chat)
        if isList {
          var position = 0
          var parts = JSONArrayCursor(body, content)
          while let part = parts.next() {
            try check(part, "\(place).content[\(position)]")
            if !isContent(part.value) {
              passOver(part.value, place + ".content", position, &chat)
            } else if type(part.value).equals("text") {
              if !chat.target.keepsCacheControl {
                writeMark(of: part.value, "\(place).content[\(position)]", into: &chat)
              }
            } else {
              pictures.append((part.value, "\(place).content[\(position)]"))
            }
            position += 1
          }
        }
      }
      return chat.out.append("\"")
    }
    chat.out.append(",\"content\":[")
    var isFirst = true
    if isError {
      chat.out.append("{\"type\":\"text\",\"text\":\"Error:\"}")
      isFirst = false
    }
    var position = 0
    var parts = JSONArrayCursor(body, content)
    while let part = parts.next() {
      try check(part, "\(place).content[\(position)]")
      if isContent(part.value) {
        try writePart(part.value, "\(place).content[\(position)]", &isFirst, into: &chat)
      } else {
        passOver(part.value, place + ".content", position, &chat)
      }
      position += 1
    }
    chat.out.append("]")
  }

  // MARK: The model's own turns

  private func writeAssistant(_ content: Range<Int>, _ index: Int, into chat: inout ChatBody)
    throws(RequestFault)
  {
    var hasText = false
    var hasCalls = false
    var hasThought = false
    var position = 0
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      defer { position += 1 }
      let type = type(block.value)
      try check(block, "messages[\(index)].content[\(position)]")
      if type.equals("text") {
        hasText = true
      } else if type.equals("tool_use") {
        hasCalls = true
      } else if type.equals("thinking") || type.equals("redacted_thinking") {
        hasThought = true
      } else {
        passOver(block.value, "messages[\(index)].content", position, &chat)
      }
    }
    if hasText {
      // What the model said is text alone.
      if chat.target.isTranslated {
        try writeSaid(content, index, into: &chat)
      } else {
        chat.out.append(",\"content\":\"")
        var isFirst = true
        writeText(of: content, &isFirst, into: &chat)
        chat.out.append("\"")
      }
    } else {
      chat.out.append(hasCalls ? ",\"content\":null" : ",\"content\":\"\"")
    }
    if hasThought { writeThought(content, into: &chat) }
    if hasCalls { try writeCalls(content, index, into: &chat) }
  }

  private func writeSaid(_ content: Range<Int>, _ index: Int, into chat: inout ChatBody) throws(RequestFault)
  {
    chat.out.append(",\"content\":[")
    var isFirst = true
    var position = 0
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      if type(block.value).equals("text") {
        try writePart(block.value, "messages[\(index)].content[\(position)]", &isFirst, into: &chat)
      }
      position += 1
    }
    chat.out.append("]")
  }

  /// Writes what the model thought. What a provider has signed only dialects can tell whose it is; others get the words
  /// where they take them back.
  private func writeThought(_ content: Range<Int>, into chat: inout ChatBody) {
    guard chat.target.isTranslated || chat.target.takesReasoning else { return }
    var isFirst = true
    var blocks = JSONArrayCursor(body, content)
    if !chat.target.isTranslated {
      chat.out.append(",\"reasoning_content\":\"")
      while let block = blocks.next() {
        if !type(block.value).equals("thinking") { continue }
        if !isFirst { chat.out.append("\\n\\n") }
        isFirst = false
        chat.out.append(JSONView.content(body, in: block.value, at: "thinking"))
      }
      return chat.out.append("\"")
    }
    var text = ByteQueue()
    while let block = blocks.next() {
      let type = type(block.value)
      let isRedacted = type.equals("redacted_thinking")
      guard isRedacted || type.equals("thinking") else { continue }
      let seal = JSONView.content(body, in: block.value, at: isRedacted ? "data" : "signature")
      if seal.isEmpty || Envelope.isOurs(seal) { continue }
      text.append(isFirst ? "" : ",")
      isFirst = false
      text.append(body.extracting(block.value))
    }
    if isFirst { return }
    chat.out.append(",\"thinking_blocks\":[")
    chat.out.append(text.bytes)
    chat.out.append("]")
  }

  private func writeCalls(_ content: Range<Int>, _ index: Int, into chat: inout ChatBody) throws(RequestFault)
  {
    chat.out.append(",\"tool_calls\":[")
    var isFirst = true
    var seal: [UInt8] = []
    var position = -1
    var blocks = JSONArrayCursor(body, content)
    while let block = blocks.next() {
      position += 1
      let type = type(block.value)
      if type.equals("redacted_thinking") {
        seal = Envelope.callSignature(JSONView.content(body, in: block.value, at: "data"))
      }
      guard type.equals("tool_use") else { continue }
      let place = "messages[\(index)].content[\(position)]"
      guard let id = JSONView.value(body, in: block.value, at: "id"), JSONView.kind(body, id) == .string,
        let name = JSONView.value(body, in: block.value, at: "name"), JSONView.kind(body, name) == .string
      else { throw RequestFault(.invalid, place, "A tool_use block must have an id and a name.") }
      if !isFirst { chat.out.append(ASCII.comma) }
      isFirst = false
      chat.places?.note(call: place)
      chat.out.append("{\"id\":")
      chat.out.append(body.extracting(id))
      chat.out.append(",\"type\":\"function\"")
      if !seal.isEmpty, chat.target.isTranslated {
        chat.out.append(",\"extra_content\":{\"google\":{\"thought_signature\":\"")
        chat.out.append(seal)
        chat.out.append("\"}}")
      }
      seal = []
      chat.out.append(",\"function\":{\"name\":")
      chat.out.append(body.extracting(name))
      chat.out.append(",\"arguments\":\"")
      if let input = JSONView.value(body, in: block.value, at: "input") {
        JSONText.appendCompact(body.extracting(input), escaped: true, into: &chat.out)
      } else {
        chat.out.append("{}")
      }
      chat.out.append("\"}")
      writeMark(of: block.value, place, into: &chat)
      chat.out.append("}")
    }
    chat.out.append("]")
  }
}
