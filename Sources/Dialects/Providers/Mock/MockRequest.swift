// What the mock reads in a request, and the text or tool call that it answers with.

internal import Wire

/// The answer to one request, before it has a form.
struct MockRequest: ~Copyable {
  /// Characters of the user's text that are said back.
  private static let echoCeiling = 200
  /// Choices that one request may ask for.
  private static let choiceCeiling = 16

  /// The text answered, in UTF-8.
  private(set) var text = ByteQueue()
  /// The name of the tool that is called; empty where none is.
  private(set) var tool = ByteQueue()
  /// What it is called with: JSON that fills the tool's schema.
  private(set) var arguments = ByteQueue()
  private(set) var choices = 1
  private(set) var inputTokens = 0
  /// Of each token of a text its probability is asked for, and of how many others.
  private(set) var wantsLogprobs = false
  private(set) var topLogprobs = 0

  var callsTool: Bool { !tool.isEmpty }
  var outputTokens: Int { Mock.tokens(callsTool ? tool.count + arguments.count : text.count) }

  private var said = ByteQueue()
  private var inputBytes = 0
  /// The conversation ends with the user's turn, not with a tool's result.
  private var endsWithUser = false

  /// - Parameter body: valid JSON.
  init(_ body: Span<UInt8>) {
    let top = 0..<body.count
    readTurns(body, JSONView.value(body, in: top, at: "messages"))
    inputTokens = Mock.tokens(inputBytes)
    if let n = JSONView.value(body, in: top, at: "n") {
      choices = min(max(JSONValue.integer(body, n) ?? 1, 1), Self.choiceCeiling)
    }
    if let wants = JSONView.value(body, in: top, at: "logprobs") {
      wantsLogprobs = JSONValue.bool(body, wants) == true
    }
    if let others = JSONView.value(body, in: top, at: "top_logprobs") {
      topLogprobs = JSONValue.integer(body, others) ?? 0
    }
    chooseTool(body)
    if !writeJSON(body) { writeEcho() }
  }

  // MARK: the conversation

  /// Reads messages, which may also be one text.
  private mutating func readTurns(_ body: Span<UInt8>, _ turns: Range<Int>?) {
    guard let turns else { return }
    if JSONView.kind(body, turns) == .string {
      endsWithUser = true
      return hear(body, turns)
    }
    var elements = JSONArrayCursor(body, turns)
    while let turn = elements.next() {
      var role: Range<Int>?
      var content: Range<Int>?
      var members = JSONObjectCursor(body, turn.value)
      while let member = members.next() {
        if member.keyIs("role", in: body) { role = member.value }
        if member.keyIs("content", in: body) { content = member.value }
      }
      endsWithUser = role.map { JSONString.equals(body, $0, "user") } ?? false
      guard let content else { continue }
      if endsWithUser {
        said.clear()
        hearContent(body, content)
      } else {
        count(body, content)
      }
    }
  }

  /// Takes in a user's content: a text, or parts of which some are texts.
  private mutating func hearContent(_ body: Span<UInt8>, _ content: Range<Int>) {
    if JSONView.kind(body, content) == .string { return hear(body, content) }
    var parts = JSONArrayCursor(body, content)
    while let part = parts.next() {
      guard let text = JSONView.value(body, in: part.value, at: "text"), JSONView.kind(body, text) == .string
      else {
        continue
      }
      if !said.isEmpty { said.append(ASCII.space) }
      let before = said.count
      JSONString.decode(body, text, into: &said)
      inputBytes += said.count - before
    }
  }

  private mutating func hear(_ body: Span<UInt8>, _ text: Range<Int>) {
    said.clear()
    JSONString.decode(body, text, into: &said)
    inputBytes += said.count
  }

  /// Counts content that isn't said back.
  private mutating func count(_ body: Span<UInt8>, _ content: Range<Int>?) {
    guard let content else { return }
    if JSONView.kind(body, content) == .string {
      inputBytes += JSONString.content(body, content).count
      return
    }
    var parts = JSONArrayCursor(body, content)
    while let part = parts.next() {
      if let text = JSONView.value(body, in: part.value, at: "text") {
        inputBytes += JSONString.content(body, text).count
      }
    }
  }

  // MARK: the answer

  private mutating func writeEcho() {
    text.append("This is Remora's mock provider. You said: ")
    said.truncate(to: Self.prefix(said.bytes, characters: Self.echoCeiling))
    // Taken out of `self` for a while: a span of one of its queues would stand for all of it.
    var echo = ByteQueue()
    swap(&echo, &said)
    text.append(echo.bytes)
  }

  /// How many bytes the first `characters` scalar values have.
  private static func prefix(_ bytes: Span<UInt8>, characters: Int) -> Int {
    var left = characters
    for at in 0..<bytes.count where bytes[at] & 0xC0 != 0x80 {
      if left == 0 { return at }
      left -= 1
    }
    return bytes.count
  }

  /// Writes the JSON that was asked for; false if none was.
  private mutating func writeJSON(_ body: Span<UInt8>) -> Bool {
    let top = 0..<body.count
    guard let format = JSONView.value(body, in: top, at: "response_format"),
      let type = JSONView.value(body, in: format, at: "type")
    else { return false }
    if JSONString.equals(body, type, "json_object") {
      text.append("{}")
      return true
    }
    guard JSONString.equals(body, type, "json_schema") else { return false }
    guard let schema = JSONView.value(body, in: format, at: "json_schema", "schema") else {
      text.append("{}")
      return true
    }
    var sample = MockSchema()
    sample.write(body.extracting(schema), into: &text)
    return true
  }

  /// Decides whether a tool is called, and which.
  private mutating func chooseTool(_ body: Span<UInt8>) {
    let top = 0..<body.count
    guard let tools = JSONView.value(body, in: top, at: "tools") else { return }
    let choice = JSONView.value(body, in: top, at: "tool_choice")
    var named: Range<Int>?
    var isForced = false
    if let choice {
      if JSONString.equals(body, choice, "none") { return }
      isForced = JSONString.equals(body, choice, "required")
      named =
        JSONView.value(body, in: choice, at: "function", "name")
        ?? JSONView.value(body, in: choice, at: "name")
    }
    let isFree = !isForced && named == nil
    if isFree, !endsWithUser { return }
    var wanted = ByteQueue()
    if let named, JSONView.kind(body, named) == .string { JSONString.decode(body, named, into: &wanted) }
    var elements = JSONArrayCursor(body, tools)
    while let element = elements.next() {
      let function = JSONView.value(body, in: element.value, at: "function") ?? element.value
      guard let name = JSONView.value(body, in: function, at: "name"), JSONView.kind(body, name) == .string
      else { continue }
      tool.clear()
      JSONString.decode(body, name, into: &tool)
      if tool.isEmpty || !wanted.isEmpty && !wanted.equals(tool) { continue }
      if isFree, !asksForTool, !speaksOfTool { continue }
      return fill(body, JSONView.value(body, in: function, at: "parameters"))
    }
    // One that isn't among them is called all the same, as it is asked for.
    swap(&tool, &wanted)
    if callsTool { fill(body, nil) }
  }

  private mutating func fill(_ body: Span<UInt8>, _ schema: Range<Int>?) {
    var sample = MockSchema()
    if let schema, JSONView.kind(body, schema) == .object {
      sample.write(body.extracting(schema), into: &arguments)
    } else {
      arguments.append("{}")
    }
  }

  /// Whether the user's text holds "use the tool".
  private var asksForTool: Bool { says(("use the tool" as StaticString).bytes) }

  /// Whether the user's text holds a word of the tool's name: of `get_weather`, "weather".
  private var speaksOfTool: Bool {
    let name = tool.bytes
    var start = 0
    for at in 0...name.count {
      if at < name.count, ASCII.lower(name[at]) &- UInt8(ascii: "a") < 26 { continue }
      if at - start >= 4, says(name.extracting(start..<at)) { return true }
      start = at + 1
    }
    return false
  }

  /// Whether the user's text holds `phrase`, in any case.
  private func says(_ phrase: Span<UInt8>) -> Bool {
    let text = said.bytes
    guard text.count >= phrase.count else { return false }
    for at in 0...text.count - phrase.count {
      var count = 0
      while count < phrase.count, ASCII.lower(text[at + count]) == ASCII.lower(phrase[count]) { count += 1 }
      if count == phrase.count { return true }
    }
    return false
  }
}
