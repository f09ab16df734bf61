// Small things that several dialects say of a request in the same way.

internal import Wire

extension ChatRequest {
  /// Whether the part is something said in words.
  func isText(_ part: ChatPart) -> Bool { part.kind == .text || part.kind == .refusal }

  /// Whether every part of the message is text.
  func isText(_ message: ChatMessage) -> Bool { message.parts.allSatisfy { isText(parts[$0]) } }

  /// Whether the message says nothing: no part but blank texts, no call.
  func isBlank(_ message: ChatMessage, _ body: Span<UInt8>) -> Bool {
    message.calls.isEmpty
      && message.parts.allSatisfy { at in
        isText(parts[at]) && parts[at].value.map { JSONText.isBlank(body, $0) } != false
      }
  }

  /// The turns that say something, for providers that keep the order of all: their places, nil where a user who says
  /// nothing is to stand. A conversation without any word of a user's has one in front of the assistant's first.
  func spokenTurns(_ body: Span<UInt8>) -> [Int?] {
    var turns: [Int?] = []
    var hasUser = false
    for (index, message) in messages.enumerated() {
      // A tool may have nothing to say, and yet has answered.
      if message.role != .tool, isBlank(message, body) { continue }
      hasUser = hasUser || message.role == .user || message.role == .tool
      turns.append(index)
    }
    // A user's last word is one, if only a blank one: an answer is not to be gone on with.
    let isUsers =
      messages.last?.role == .user && turns.last.flatMap { $0.map { messages[$0].role } } == .assistant
    if isUsers { turns.append(nil) }
    if hasUser || isUsers { return turns }
    turns.insert(nil, at: turns.firstIndex { $0.map { !messages[$0].isSystem } ?? false } ?? turns.count)
    return turns
  }

  /// Appends the turns of `spokenTurns`, with commas between them.
  ///
  /// - Parameter write: appends one, by its place.
  func appendSpokenTurns(
    _ body: Span<UInt8>, _ request: inout ProviderRequest,
    _ write: (Int, Span<UInt8>, inout ProviderRequest) throws(RequestFault) -> Void
  ) throws(RequestFault) {
    var turns = BlockList("")
    for turn in spokenTurns(body) {
      turns.open(into: &request.body)
      if let turn {
        try write(turn, body, &request)
      } else {
        request.body.append("{\"role\":\"user\",\"content\":\"Begin.\"}")
      }
    }
  }

  /// The member in which the client says the effort.
  var effortName: StaticString {
    effort == nil || value(.reasoningEffort) != nil ? "reasoning_effort" : "reasoning"
  }

  /// Appends `opening` and the texts at which the model is to stop, if there are any.
  ///
  /// - Parameter opening: the list's name and bracket.
  func appendStops(_ opening: StaticString, _ body: Span<UInt8>, into out: inout ByteQueue) {
    var list = BlockList(opening)
    for stop in stops {
      list.open(into: &out)
      out.append(body.extracting(stop))
    }
    list.close(into: &out)
  }

  /// Whether an answer must be a JSON object, of whatever members.
  func wantsAnyObject(_ body: Span<UInt8>) -> Bool {
    switch format {
    case .text: false
    case .jsonObject: true
    case .jsonSchema(let schema, _, _, _): ClosedSchema.isAnyObject(schema, body)
    }
  }

  /// The schema that an answer must keep to, where it says more than that.
  func wantedSchema(_ body: Span<UInt8>) -> Range<Int>? {
    guard case .jsonSchema(let schema, _, _, _) = format, !wantsAnyObject(body) else { return nil }
    return schema
  }

  /// Appends `[{"type":"function","function":{…}},…]`: tools as OpenAI has them, and others who follow it.
  func appendFunctions(_ tools: [ChatTool], _ body: Span<UInt8>, into out: inout ByteQueue) {
    for (index, tool) in tools.enumerated() {
      out.append(
        index == 0
          ? "[{\"type\":\"function\",\"function\":{\"name\":"
          : ",{\"type\":\"function\",\"function\":{\"name\":")
      out.append(body.extracting(tool.name))
      if let description = tool.description {
        Self.appendMember("description", body.extracting(description), into: &out)
      }
      out.append(",\"parameters\":")
      JSONSchemaText.appendObject(tool.parameters, body, into: &out)
      out.append("}}")
    }
    out.append("]")
  }

  /// Appends the schema that an answer must keep to, closed.
  ///
  /// - Parameter taken: words that the provider takes, though they only narrow.
  func appendAnswerSchema(
    _ schema: Range<Int>, taken: [StaticString] = [], _ body: Span<UInt8>, _ dropped: inout DroppedFields,
    into out: inout ByteQueue
  ) throws(RequestFault) {
    let place = "response_format.json_schema.schema"
    do throws(ClosedSchema.Fault) {
      try ClosedSchema.append(schema, body, place: place, taken: taken, dropped: &dropped, into: &out)
    } catch { throw RequestFault(.unsupported, place, error.message) }
  }

  /// Appends a tool's schema: closed where the model is to keep to it strictly. A schema that strictness doesn't take is
  /// passed on as it is.
  ///
  /// - Parameters:
  ///   - index: the tool's place among those that are offered.
  ///   - taken: words that the provider takes, though they only narrow.
  /// - Returns: whether the tool is strict.
  func appendSchema(
    of tool: ChatTool, _ index: Int, isStrictTaken: Bool, taken: [StaticString] = [], _ body: Span<UInt8>,
    _ dropped: inout DroppedFields,
    into out: inout ByteQueue
  ) -> Bool {
    let index = place(of: tool) ?? index
    if tool.strict == true, isStrictTaken {
      let schema = tool.parameters
      let isOpen = schema.map { JSONView.value(body, in: $0, at: "additionalProperties") != nil } ?? false
      guard let schema, isOpen || !ClosedSchema.isAnyObject(schema, body) else {
        out.append("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}")
        return true
      }
      var closed = ByteQueue()
      do throws(ClosedSchema.Fault) {
        let place = "tools[\(index)].parameters"
        try ClosedSchema.append(
          schema, body, place: place, taken: taken, dropped: &dropped, into: &closed)
        let isTyped = JSONView.value(body, in: schema, at: "type") != nil
        out.append(isTyped ? "" : "{\"type\":\"object\",")
        out.append(closed.bytes.extracting((isTyped ? 0 : 1)..<closed.count))
        return true
      } catch {}
    }
    if tool.strict == true { dropped.add("tools", index, "strict") }
    JSONSchemaText.appendObject(tool.parameters, body, into: &out)
    return false
  }

  /// The place of a tool in the client's list, of which the choice may offer but some.
  func place(of tool: ChatTool) -> Int? { tools.firstIndex { $0.name == tool.name } }

  /// Names what no other format than OpenAI's has a word for: who of several speaks in a turn, and, where the
  /// provider has no such marks, what a cache is to keep.
  func noteUnsaid(keepsCacheControl: Bool, _ dropped: inout DroppedFields) {
    for (index, message) in messages.enumerated() {
      // A tool's name is that of the call which it answers.
      if message.name != nil, message.role != .tool { dropped.add("messages", index, "name") }
      if keepsCacheControl { continue }
      if message.cacheControl != nil { dropped.add("messages", index, "cache_control") }
      for at in message.parts where parts[at].cacheControl != nil { dropped.add(parts[at], "cache_control") }
      for at in message.calls where calls[at].cacheControl != nil { dropped.add(calls[at], "cache_control") }
    }
    if keepsCacheControl { return }
    for (index, tool) in tools.enumerated() where tool.cacheControl != nil {
      dropped.add("tools", index, "cache_control")
    }
  }

  /// Appends the text of the message's parts as one JSON string.
  ///
  /// - Parameter separator: stands between two parts, escaped.
  func appendText(
    of message: ChatMessage, _ body: Span<UInt8>, separator: StaticString = "\\n", into out: inout ByteQueue
  ) {
    out.append("\"")
    var isFirst = true
    for at in message.parts where parts[at].kind == .text || parts[at].kind == .refusal {
      guard let text = parts[at].value, text.count > 2 else { continue }
      if !isFirst { out.append(separator) }
      isFirst = false
      JSONText.appendContent(body, text, into: &out)
    }
    out.append("\"")
  }

  /// Appends `,"NAME":VALUE` for a field that is given, as the client wrote it.
  func appendField(
    _ field: ChatField, as name: StaticString, _ body: Span<UInt8>, into out: inout ByteQueue
  ) {
    guard let value = value(field) else { return }
    Self.appendMember(name, body.extracting(value), into: &out)
  }

  /// Appends `,"NAME":VALUE` for each of these members that OpenAI doesn't define.
  func appendExtensions(_ names: [StaticString], _ body: Span<UInt8>, into out: inout ByteQueue) {
    for name in names {
      if let value = extended(name, in: body) { Self.appendMember(name, body.extracting(value), into: &out) }
    }
  }

  /// Appends `,"NAME":VALUE`.
  static func appendMember(_ name: StaticString, _ value: Span<UInt8>, into out: inout ByteQueue) {
    out.append(",\"")
    out.append(name)
    out.append("\":")
    out.append(value)
  }
}

extension DroppedFields {
  /// Adds a member of a part of the content.
  mutating func add(_ part: ChatPart, _ member: StaticString) {
    add("messages", part.place.message, "content", part.place.part, member)
  }

  /// Adds a member of a call.
  mutating func add(_ call: ChatCall, _ member: StaticString) {
    add("messages", call.place.message, "tool_calls", call.place.call, member)
  }
}
