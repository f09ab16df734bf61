// The items of a Responses request as a chat's turns: what the model said, thought and called between two of the user's
// items is one turn of its own, and the results of its calls follow in the calls' order.

internal import Wire

struct ResponsesItems: ~Escapable {
  struct Call {
    let name: Range<Int>
    let space: Range<Int>
    let id: Range<Int>
    /// A string; of a tool that takes any text that text.
    let input: Range<Int>?
    let isCustom: Bool
    var output: Range<Int>?
    /// What Google signed it with.
    var signature: [UInt8] = []
  }

  struct Turn {
    var role: StaticString
    /// Contents: strings, or lists of parts.
    var contents: [(range: Range<Int>, place: Int)] = []
    var calls: [Call] = []
    /// Reasoning items.
    var thoughts: [Range<Int>] = []

    /// Calls without a result.
    var open = 0

    var isAnswered: Bool { !calls.isEmpty && open == 0 }
  }

  let body: Span<UInt8>
  private let strings: Span<UInt64>
  private(set) var turns: [Turn] = []
  private var isOpen = false
  private var signature: [UInt8] = []
  /// Calls that wait for a result, by their ids: of several with one id those of the last turn, in their order.
  private var waiting: [[UInt8]: [Waiting]] = [:]

  private struct Waiting {
    let turn: Int
    var calls: [Int]
    var next = 0
  }

  /// Lists of tools that stand among the items.
  private(set) var moreTools: [Range<Int>] = []
  private(set) var leftOut: [Int] = []
  /// The input is one text.
  private(set) var text: Range<Int>?

  /// - Parameter strings: where the body's long strings lie, as far as that is known.
  @_lifetime(copy body, copy strings)
  init(_ body: Span<UInt8>, strings: Span<UInt64> = Span()) {
    self.body = body
    self.strings = strings
  }

  mutating func read(_ input: Range<Int>) throws(RequestFault) {
    if JSONView.kind(body, input) == .string {
      text = input
      return
    }
    guard JSONView.kind(body, input) == .array else {
      throw RequestFault(.invalid, "input", "'input' must be a text or a list of items.")
    }
    var walk = JSONWalk(body, from: input.lowerBound, strings: strings)
    _ = walk.enterArray()
    var position = 0
    while walk.nextElement() {
      guard walk.kind == .object else {
        throw RequestFault(.invalid, "input[\(position)]", "An item must be an object.")
      }
      try read(HeldMembers(&walk), position)
      position += 1
      guard position <= ChatRequest.listCeiling else {
        throw RequestFault(.invalid, "input", "'input' has more than \(ChatRequest.listCeiling) items.")
      }
    }
    for turn in turns { try check(turn) }
    if turns.isEmpty {
      throw RequestFault(.invalid, "input", "'input' says nothing; send at least one message.")
    }
  }

  private func check(_ turn: Turn) throws(RequestFault) {
    guard turn.open > 0 else { return }
    throw RequestFault(
      .invalid, "input",
      "No tool output found for a function call; send a function_call_output with its call_id.")
  }

  private mutating func read(_ item: HeldMembers, _ position: Int) throws(RequestFault) {
    let type = item.content("type", in: body)
    func place() -> String { "input[\(position)]" }
    if type.isEmpty || type.equals("message") {
      try readMessage(item, position)
    } else if type.equals("function_call") || type.equals("custom_tool_call") {
      let isCustom = type.equals("custom_tool_call")
      guard let name = item.string("name", in: body), let id = item.string("call_id", in: body) else {
        throw RequestFault(.invalid, place(), "A call must have a name and a call_id.")
      }
      openAssistant()
      var call = Call(
        name: name, space: item.string("namespace", in: body) ?? 0..<0, id: id,
        input: item.string(isCustom ? "input" : "arguments", in: body), isCustom: isCustom)
      call.signature = signature
      signature = []
      wait(JSONString.content(body, id).array(), turns.count - 1, turns[turns.count - 1].calls.count)
      turns[turns.count - 1].calls.append(call)
      turns[turns.count - 1].open += 1
    } else if type.equals("function_call_output") || type.equals("custom_tool_call_output") {
      try readOutput(item, position)
    } else if type.equals("reasoning") {
      let seal = item.content("encrypted_content", in: body)
      let ofCall = Envelope.callSignature(seal)
      if !ofCall.isEmpty {
        signature = ofCall
        return
      }
      openAssistant()
      turns[turns.count - 1].thoughts.append(item.range)
    } else if type.equals("item_reference") {
      throw RequestFault(
        .invalid, place(),
        "Items of earlier answers aren't kept for this model; send the item itself, or say store: false.")
    } else if type.equals("compaction") || type.equals("compaction_trigger") {
      throw RequestFault(.unsupported, place(), "Only OpenAI's models can read a compacted conversation.")
    } else if type.equals("additional_tools") || type.equals("tool_search_output") {
      if let tools = item.value("tools", in: body) { moreTools.append(tools) }
    } else if type.equals("agent_message") {
      guard let content = item.value("content", in: body) else { return }
      begin("user", content, position)
    } else {
      leftOut.append(position)
    }
  }

  private mutating func begin(_ role: StaticString, _ content: Range<Int>, _ position: Int) {
    isOpen = false
    turns.append(Turn(role: role, contents: [(content, position)]))
  }

  private mutating func readMessage(_ item: HeldMembers, _ position: Int) throws(RequestFault) {
    func place() -> String { "input[\(position)]" }
    guard let role = item.string("role", in: body) else {
      if item.string("id", in: body) != nil {
        throw RequestFault(
          .invalid, place(),
          "Items of earlier answers aren't kept for this model; send the item itself, or say store: false.")
      }
      throw RequestFault(.invalid, place() + ".role", "A message must have a role.")
    }
    guard let content = item.value("content", in: body),
      let kind = JSONView.kind(body, content), kind == .string || kind == .array
    else {
      throw RequestFault(.invalid, place() + ".content", "'content' must be a text or a list of parts.")
    }
    if JSONString.equals(body, role, "assistant") {
      openAssistant()
      turns[turns.count - 1].contents.append((content, position))
    } else if JSONString.equals(body, role, "user") {
      begin("user", content, position)
    } else if JSONString.equals(body, role, "system") || JSONString.equals(body, role, "developer") {
      begin("system", content, position)
    } else {
      throw RequestFault(
        .invalid, place() + ".role", "'role' must be one of user, assistant, system and developer.")
    }
  }

  /// Has a turn of the model's be the last one. One whose calls are answered is over.
  private mutating func openAssistant() {
    if isOpen, let last = turns.last, !last.isAnswered { return }
    isOpen = true
    turns.append(Turn(role: "assistant"))
  }

  private mutating func readOutput(_ item: HeldMembers, _ position: Int) throws(RequestFault) {
    func place() -> String { "input[\(position)]" }
    guard let id = item.string("call_id", in: body) else {
      throw RequestFault(.invalid, place() + ".call_id", "An output must have the call_id of its call.")
    }
    guard let output = item.value("output", in: body) else {
      throw RequestFault(.invalid, place() + ".output", "An output must have an 'output'.")
    }
    if let (turn, call) = takeWaiting(JSONString.content(body, id).array()) {
      turns[turn].calls[call].output = output
      turns[turn].open -= 1
      return
    }
    throw RequestFault(
      .invalid, place() + ".call_id", "No tool call found for this output; send the call before it.")
  }

  private mutating func wait(_ id: [UInt8], _ turn: Int, _ call: Int) {
    var list = waiting.removeValue(forKey: id) ?? []
    if let last = list.last, last.turn == turn {
      list[list.count - 1].calls.append(call)
    } else {
      list.append(Waiting(turn: turn, calls: [call]))
    }
    waiting[id] = list
  }

  private mutating func takeWaiting(_ id: [UInt8]) -> (turn: Int, call: Int)? {
    guard var list = waiting.removeValue(forKey: id), var last = list.popLast() else { return nil }
    let call = last.calls[last.next]
    last.next += 1
    if last.next < last.calls.count { list.append(last) }
    if !list.isEmpty { waiting[id] = list }
    return (last.turn, call)
  }
}
