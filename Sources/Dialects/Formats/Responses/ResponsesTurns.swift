// Writes the turns that the items of a Responses request come to.

internal import Wire

extension ResponsesItems {
  func write(
    _ instructions: Range<Int>?, _ tools: ResponsesTools, into chat: inout ChatBody
  ) throws(RequestFault) {
    for position in leftOut { chat.dropped.add("input", position, "") }
    chat.beginConversation()
    var isFirst = true
    if let instructions, JSONView.kind(body, instructions) == .string {
      begin("system", "instructions", &isFirst, into: &chat)
      chat.content(body.extracting(instructions))
      chat.out.append("}")
    }
    if let text {
      begin("user", "input", &isFirst, into: &chat)
      chat.content(body.extracting(text))
      chat.out.append("}")
    }
    for turn in turns {
      begin(turn.role, place(of: turn), &isFirst, into: &chat)
      if turn.further < 0, let content = turn.content {
        try writeContents(content, [], into: &chat)
        chat.out.append("}")
        continue
      }
      let more = turn.further < 0 ? Further() : further[turn.further]
      if let content = turn.content {
        try writeContents(content, more.contents, into: &chat)
      } else {
        chat.out.append(more.calls.isEmpty ? ",\"content\":\"\"" : ",\"content\":null")
      }
      writeThoughts(more.thoughts, into: &chat)
      writeCalls(more.calls, tools, into: &chat)
      chat.out.append("}")
      try writeOutputs(more.calls, &isFirst, into: &chat)
    }
    chat.endConversation()
  }

  private func place(of turn: Turn) -> String {
    let call = turn.further < 0 ? nil : further[turn.further].calls.first
    return (turn.content?.place ?? call?.place).map { "input[\($0)]" } ?? "input"
  }

  private func begin(
    _ role: StaticString, _ place: @autoclosure () -> String, _ isFirst: inout Bool, into chat: inout ChatBody
  ) {
    chat.places?.note(turn: place())
    if !isFirst { chat.out.append(ASCII.comma) }
    isFirst = false
    chat.out.append(literal: "{\"role\":\"")
    chat.out.append(role)
    chat.out.append(literal: "\"")
  }

  @_lifetime(copy self)
  private func type(_ part: Range<Int>) -> Span<UInt8> { JSONView.content(body, in: part, at: "type") }

  private func isText(_ part: Range<Int>) -> Bool {
    let type = type(part)
    return type.equals("input_text") || type.equals("output_text") || type.equals("text")
      || type.equals("refusal") || type.equals("summary_text") || type.equals("reasoning_text")
  }

  @_lifetime(copy self)
  private func text(_ part: Range<Int>) -> Span<UInt8> {
    JSONView.content(body, in: part, at: type(part).equals("refusal") ? "refusal" : "text")
  }

  /// Whether nothing but texts is there to be told.
  private func isPlain(_ content: Content, _ target: ChatTarget) -> Bool {
    guard JSONView.kind(body, content.range) == .array else { return true }
    var parts = JSONArrayCursor(body, content.range)
    while let part = parts.next() {
      if !isText(part.value) || target.keepsCacheControl && mark(of: part.value) != nil { return false }
    }
    return true
  }

  /// Whether a list is one of content parts, which say their type.
  private func isOfParts(_ list: Range<Int>) -> Bool {
    var parts = JSONArrayCursor(body, list)
    guard let first = parts.next() else { return true }
    return first.kind == .object && !type(first.value).isEmpty
  }

  /// Where a part marks the end of what a cache is to keep: an object.
  private func mark(of part: Range<Int>) -> Range<Int>? {
    JSONView.value(body, in: part, at: "prompt_cache_breakpoint").flatMap {
      JSONView.kind(body, $0) == .object ? $0 : nil
    }
  }

  /// Ends a part, with its mark in the words of who has such marks. Lifetimes that are said there are longer than the
  /// five minutes which unsaid ones have elsewhere, and an hour is the next.
  private func end(_ part: Range<Int>, _ target: ChatTarget, into out: inout ByteQueue) {
    if target.keepsCacheControl, let mark = mark(of: part) {
      let isLong = JSONView.value(body, in: mark, at: "ttl").map { !JSONValue.isNull(body, $0) } ?? false
      out.append(",\"cache_control\":{\"type\":\"ephemeral\"")
      out.append(isLong ? ",\"ttl\":\"1h\"}" : "}")
    }
    out.append("}")
  }

  /// Appends `,"content":…` of one or more contents: a string where there is only text.
  private func writeContents(
    _ content: Content, _ more: [Content], member: StaticString = "content", into chat: inout ChatBody
  ) throws(RequestFault) {
    var isText = isPlain(content, chat.target)
    for other in more where isText { isText = isPlain(other, chat.target) }
    if isText {
      chat.out.append(",\"content\":")
      let start = chat.out.count
      chat.out.append("\"")
      var isFirst = true
      writeText(content.range, &isFirst, into: &chat.out)
      for other in more { writeText(other.range, &isFirst, into: &chat.out) }
      chat.out.append("\"")
      return chat.note(from: start)
    }
    chat.out.append(",\"content\":[")
    var isFirst = true
    for content in [content] + more {
      if JSONView.kind(body, content.range) == .string {
        if !isFirst { chat.out.append(ASCII.comma) }
        isFirst = false
        chat.places?.note(part: "input[\(content.place)].content")
        chat.out.append("{\"type\":\"text\",\"text\":")
        chat.out.append(body.extracting(content.range))
        chat.out.append("}")
      }
      var position = 0
      var parts = JSONArrayCursor(body, content.range)
      while let part = parts.next() {
        chat.places?.note(part: "input[\(content.place)].\(member)[\(position)]")
        try writePart(
          part.value, "input[\(content.place)].\(member)[\(position)]", chat.target, &isFirst, into: &chat.out
        )
        position += 1
      }
    }
    chat.out.append("]")
  }

  private func writeText(_ content: Range<Int>, _ isFirst: inout Bool, into out: inout ByteQueue) {
    if JSONView.kind(body, content) == .string {
      if !isFirst { out.append("\\n\\n") }
      isFirst = false
      return out.append(JSONString.content(body, content))
    }
    var parts = JSONArrayCursor(body, content)
    while let part = parts.next() {
      guard part.kind == .object, isText(part.value) else { continue }
      if !isFirst { out.append("\\n\\n") }
      isFirst = false
      out.append(text(part.value))
    }
  }

  private func writePart(
    _ part: Range<Int>, _ place: String, _ target: ChatTarget, _ isFirst: inout Bool,
    into out: inout ByteQueue
  ) throws(RequestFault) {
    if !isFirst { out.append(ASCII.comma) }
    isFirst = false
    let type = type(part)
    if isText(part) {
      out.append("{\"type\":\"text\",\"text\":\"")
      out.append(text(part))
      out.append("\"")
      return end(part, target, into: &out)
    }
    if type.equals("input_image") || type.equals("computer_screenshot") {
      let url = JSONView.content(body, in: part, at: "image_url")
      guard !url.isEmpty else { throw Self.noFile(place) }
      out.append("{\"type\":\"image_url\",\"image_url\":{\"url\":\"")
      out.append(url)
      let detail = JSONView.content(body, in: part, at: "detail")
      if !detail.isEmpty {
        out.append("\",\"detail\":\"")
        out.append(detail)
      }
      out.append("\"}")
      return end(part, target, into: &out)
    }
    guard type.equals("input_file") else {
      throw RequestFault(
        .unsupported, place + ".type",
        "This type of part can't be translated for the model's provider; input_text, input_image and input_file can."
      )
    }
    let data = JSONView.content(body, in: part, at: "file_data")
    let url = JSONView.content(body, in: part, at: "file_url")
    guard !data.isEmpty || !url.isEmpty else { throw Self.noFile(place) }
    out.append("{\"type\":\"file\",\"file\":{\"filename\":\"")
    let name = JSONView.content(body, in: part, at: "filename")
    if name.isEmpty { out.append("document.pdf") } else { out.append(name) }
    out.append("\",\"file_data\":\"")
    if data.isEmpty {
      out.append(url)
    } else {
      if !data.extracting(first: 5).equals("data:") { out.append("data:application/pdf;base64,") }
      out.append(data)
    }
    out.append("\"}")
    end(part, target, into: &out)
  }

  private static func noFile(_ place: String) -> RequestFault {
    RequestFault(
      .unsupported, place + ".file_id",
      "Files that are kept at OpenAI can't be read elsewhere; send the data itself, or a URL.")
  }

  /// Writes reasoning that its provider signed, and of what is unsigned the words where they are taken back. What others
  /// have sealed is left out.
  private func writeThoughts(_ thoughts: [Range<Int>], into chat: inout ChatBody) {
    if thoughts.isEmpty { return }
    if chat.target.takesReasoning {
      chat.out.append(",\"reasoning_content\":\"")
      var isFirst = true
      for thought in thoughts { writeWords(thought, &isFirst, into: &chat.out) }
      return chat.out.append("\"")
    }
    guard chat.target.isTranslated else { return }
    var blocks = ByteQueue()
    for thought in thoughts {
      let seal = JSONView.content(body, in: thought, at: "encrypted_content")
      let redacted = Envelope.redacted(seal)
      let signature = Envelope.signature(seal)
      if redacted.isEmpty, signature.isEmpty { continue }
      if !blocks.isEmpty { blocks.append(ASCII.comma) }
      if redacted.isEmpty {
        blocks.append("{\"type\":\"thinking\",\"thinking\":\"")
        var isFirst = true
        writeWords(thought, &isFirst, into: &blocks)
        blocks.append("\",\"signature\":\"")
        blocks.append(signature)
      } else {
        blocks.append("{\"type\":\"redacted_thinking\",\"data\":\"")
        blocks.append(redacted)
      }
      blocks.append("\"}")
    }
    if blocks.isEmpty { return }
    chat.out.append(",\"thinking_blocks\":[")
    chat.out.append(blocks.bytes)
    chat.out.append("]")
  }

  private func writeWords(_ thought: Range<Int>, _ isFirst: inout Bool, into out: inout ByteQueue) {
    for name: StaticString in ["summary", "content"] {
      guard let list = JSONView.value(body, in: thought, at: name), JSONView.kind(body, list) == .array else {
        continue
      }
      let before = out.count
      writeText(list, &isFirst, into: &out)
      if out.count > before { return }
    }
  }

  private func writeCalls(_ calls: [Call], _ tools: ResponsesTools, into chat: inout ChatBody) {
    if calls.isEmpty { return }
    chat.out.append(",\"tool_calls\":[")
    for (at, call) in calls.enumerated() {
      if at > 0 { chat.out.append(ASCII.comma) }
      chat.places?.note(call: "input[\(call.place)]")
      chat.out.append("{\"id\":")
      chat.out.append(body.extracting(call.id))
      chat.out.append(",\"type\":\"function\"")
      if !call.signature.isEmpty, chat.target.isTranslated {
        chat.out.append(",\"extra_content\":{\"google\":{\"thought_signature\":\"")
        chat.out.append(call.signature)
        chat.out.append("\"}}")
      }
      chat.out.append(",\"function\":{\"name\":\"")
      chat.out.append(
        tools.name(of: JSONString.content(body, call.name), in: JSONString.content(body, call.space)))
      chat.out.append("\",\"arguments\":\"")
      let input = JSONString.content(body, call.input ?? 0..<0)
      let kind = call.input.flatMap { JSONView.kind(body, $0) }
      if kind == .object || kind == .array {
        if kind == .array { chat.out.append("{\\\"actions\\\":") }
        JSONText.appendCompact(input, escaped: true, into: &chat.out)
        if kind == .array { chat.out.append("}") }
      } else if call.isCustom {
        // A string in a string: what was escaped once is escaped again.
        chat.out.append("{\\\"input\\\":\\\"")
        JSONWriter.escaped(input, into: &chat.out)
        chat.out.append("\\\"}")
      } else if input.isEmpty {
        chat.out.append("{}")
      } else {
        chat.out.append(input)
      }
      chat.out.append("\"}}")
    }
    chat.out.append("]")
  }

  /// Writes the calls' results, in the calls' order. Pictures in them follow in a turn of the user's where a tool's turn
  /// may hold nothing but text.
  private func writeOutputs(_ calls: [Call], _ isFirst: inout Bool, into chat: inout ChatBody)
    throws(RequestFault)
  {
    var pictures: [(range: Range<Int>, place: String)] = []
    for call in calls {
      guard let output = call.output else { continue }
      let place = call.outputPlace
      begin("tool", "input[\(place)]", &isFirst, into: &chat)
      ChatRequest.appendMember("tool_call_id", body.extracting(call.id), into: &chat.out)
      let kind = JSONView.kind(body, output)
      let isList = kind == .array && isOfParts(output)
      if isList, chat.target.takesResultMedia, !isPlain((output, place), chat.target) {
        try writeContents((output, place), [], member: "output", into: &chat)
      } else if kind == .object, type(output).equals("computer_screenshot") {
        if chat.target.takesResultMedia {
          chat.out.append(",\"content\":[")
          var isFirst = true
          chat.places?.note(part: "input[\(place)].output")
          try writePart(output, "input[\(place)].output", chat.target, &isFirst, into: &chat.out)
          chat.out.append("]")
        } else {
          chat.out.append(",\"content\":\"\"")
          pictures.append((output, "input[\(place)].output"))
        }
      } else if kind == .string || isList {
        chat.out.append(",\"content\":")
        let start = chat.out.count
        chat.out.append("\"")
        var isFirst = true
        writeText(output, &isFirst, into: &chat.out)
        chat.out.append("\"")
        chat.note(from: start)
        if isList {
          var position = 0
          var parts = JSONArrayCursor(body, output)
          while let part = parts.next() {
            if part.kind == .object, !isText(part.value) {
              pictures.append((part.value, "input[\(place)].output[\(position)]"))
            }
            position += 1
          }
        }
      } else {
        // An object, or a list of such as a shell gives back: its text.
        chat.out.append(",\"content\":\"")
        JSONText.appendCompact(body.extracting(output), escaped: true, into: &chat.out)
        chat.out.append("\"")
      }
      chat.out.append("}")
    }
    if pictures.isEmpty { return }
    begin("user", "input", &isFirst, into: &chat)
    chat.out.append(",\"content\":[")
    var first = true
    for picture in pictures {
      chat.places?.note(part: picture.place)
      try writePart(picture.range, picture.place, chat.target, &first, into: &chat.out)
    }
    chat.out.append("]}")
  }
}
