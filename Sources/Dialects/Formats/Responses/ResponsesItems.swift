// The items of a Responses request as a chat's turns: what the model said, thought and called between two of the user's
// items is one turn of its own, and the results of its calls follow in the calls' order.

internal import Wire

struct ResponsesItems: ~Escapable {
  struct Call {
    let name: Range<Int>
    let space: Range<Int>
    let id: Range<Int>
    /// A string; of a tool that takes any text that text; of one of OpenAI's own what it is to do, an object or a list.
    let input: Range<Int>?
    let isCustom: Bool
    /// Which item it is, and which its output.
    let place: Int
    var outputPlace = 0
    var output: Range<Int>?
    /// What Google signed it with.
    var signature: [UInt8] = []
  }

  /// A string, or a list of parts, and which item has it.
  typealias Content = (range: Range<Int>, place: Int)

  /// One turn. Most have one content and nothing else: then it needs no memory but its own.
  struct Turn {
    var role: StaticString
    var content: Content?
    /// Where in `further` the rest of it is; below 0: there is none.
    var further = -1
  }

  /// What few turns have.
  struct Further {
    var contents: [Content] = []
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
  private(set) var further: [Further] = []
  private var isOpen = false
  private var signature: [UInt8] = []
  /// Calls that wait for a result, by their ids: of several with one id those of the last turn, in their order.
  private var waiting: [[UInt8]: [Waiting]] = [:]

  private struct Waiting {
    /// Where in `further` its turn's calls are.
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

  /// Reads the input, which comes next; of several the last counts.
  mutating func read(_ walk: inout JSONWalk) throws(RequestFault) {
    if case .string? = walk.kind {
      text = walk.pass()?.range
      return
    }
    guard walk.enterArray() else {
      throw RequestFault(.invalid, "input", "'input' must be a text or a list of items.")
    }
    turns.reserveCapacity(min(strings.count, 1024))
    var position = 0
    while walk.nextElement() {
      if let (isAssistant, text) = walk.takePlainTurn() {
        readMessage(isAssistant: isAssistant, text, position)
      } else {
        guard walk.kind == .object else {
          throw RequestFault(.invalid, "input[\(position)]", "An item must be an object.")
        }
        try read(HeldMembers(&walk), position)
      }
      position += 1
      guard position <= ChatRequest.listCeiling else {
        throw RequestFault(.invalid, "input", "'input' has more than \(ChatRequest.listCeiling) items.")
      }
    }
    for at in further.indices where further[at].open > 0 {
      throw RequestFault(
        .invalid, "input",
        "No tool output found for a function call; send a function_call_output with its call_id.")
    }
    if turns.isEmpty {
      throw RequestFault(.invalid, "input", "'input' says nothing; send at least one message.")
    }
  }

  private mutating func read(_ item: borrowing HeldMembers, _ position: Int) throws(RequestFault) {
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
        input: item.string(isCustom ? "input" : "arguments", in: body), isCustom: isCustom,
        place: position)
      call.signature = signature
      signature = []
      let at = lastFurther()
      wait(JSONString.content(body, id).array(), at, further[at].calls.count)
      further[at].calls.append(call)
      further[at].open += 1
    } else if type.equals("function_call_output") || type.equals("custom_tool_call_output") {
      try readOutput(item, position)
    } else if let action = Self.action(of: type) {
      readOwn(item, action, position)
    } else if Self.isOwnOutput(type) {
      readOwnOutput(item, position)
    } else if type.equals("reasoning") {
      let seal = item.content("encrypted_content", in: body)
      let ofCall = Envelope.callSignature(seal)
      if !ofCall.isEmpty {
        signature = ofCall
        return
      }
      openAssistant()
      let range = item.range
      further[lastFurther()].thoughts.append(range)
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

  // MARK: Tools of OpenAI's own that the client runs

  /// Which member says what such a call is to do; nil where the item is no such call.
  private static func action(of type: Span<UInt8>) -> StaticString? {
    if type.equals("local_shell_call") || type.equals("shell_call") || type.equals("computer_call") {
      return "action"
    }
    return type.equals("apply_patch_call") ? "operation" : nil
  }

  private static func isOwnOutput(_ type: Span<UInt8>) -> Bool {
    type.equals("local_shell_call_output") || type.equals("shell_call_output")
      || type.equals("computer_call_output") || type.equals("apply_patch_call_output")
  }

  /// Another model sees a call of a function that is called like the item, and what came of it.
  private mutating func readOwn(
    _ item: borrowing HeldMembers, _ action: StaticString, _ position: Int
  ) {
    guard let name = item.string("type", in: body), let id = item.string("call_id", in: body) else {
      leftOut.append(position)
      return
    }
    openAssistant()
    let at = lastFurther()
    wait(JSONString.content(body, id).array(), at, further[at].calls.count)
    let said = item.value(action, in: body) ?? item.value("actions", in: body)
    // What is neither an object nor a list can be no function's arguments.
    let input = said.flatMap { [.object, .array].contains(JSONView.kind(body, $0)) ? $0 : nil }
    further[at].calls.append(
      Call(name: name, space: 0..<0, id: id, input: input, isCustom: false, place: position))
    further[at].open += 1
  }

  private mutating func readOwnOutput(_ item: borrowing HeldMembers, _ position: Int) {
    // A patch may say nothing but how it went.
    guard let id = item.string("call_id", in: body) ?? item.string("id", in: body),
      let output = item.value("output", in: body) ?? item.value("status", in: body),
      let (turn, call) = takeWaiting(JSONString.content(body, id).array())
    else {
      leftOut.append(position)
      return
    }
    further[turn].calls[call].output = output
    further[turn].calls[call].outputPlace = position
    further[turn].open -= 1
  }

  private mutating func begin(_ role: StaticString, _ content: Range<Int>, _ position: Int) {
    isOpen = false
    turns.append(Turn(role: role, content: (content, position)))
  }

  private mutating func readMessage(_ item: borrowing HeldMembers, _ position: Int) throws(RequestFault) {
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
      readMessage(isAssistant: true, content, position)
    } else if JSONString.equals(body, role, "user") {
      readMessage(isAssistant: false, content, position)
    } else if JSONString.equals(body, role, "system") || JSONString.equals(body, role, "developer") {
      begin("system", content, position)
    } else {
      throw RequestFault(
        .invalid, place() + ".role", "'role' must be one of user, assistant, system and developer.")
    }
  }

  private mutating func readMessage(isAssistant: Bool, _ content: Range<Int>, _ position: Int) {
    guard isAssistant else { return begin("user", content, position) }
    openAssistant()
    if turns[turns.count - 1].content == nil {
      turns[turns.count - 1].content = (content, position)
    } else {
      further[lastFurther()].contents.append((content, position))
    }
  }

  /// Has a turn of the model's be the last one. One whose calls are answered is over.
  private mutating func openAssistant() {
    if isOpen, let last = turns.last, last.further < 0 || !further[last.further].isAnswered { return }
    isOpen = true
    turns.append(Turn(role: "assistant"))
  }

  /// Where the rest of the last turn is.
  private mutating func lastFurther() -> Int {
    if turns[turns.count - 1].further < 0 {
      turns[turns.count - 1].further = further.count
      further.append(Further())
    }
    return turns[turns.count - 1].further
  }

  private mutating func readOutput(_ item: borrowing HeldMembers, _ position: Int) throws(RequestFault) {
    func place() -> String { "input[\(position)]" }
    guard let id = item.string("call_id", in: body) else {
      throw RequestFault(.invalid, place() + ".call_id", "An output must have the call_id of its call.")
    }
    guard let output = item.value("output", in: body) else {
      throw RequestFault(.invalid, place() + ".output", "An output must have an 'output'.")
    }
    if let (turn, call) = takeWaiting(JSONString.content(body, id).array()) {
      further[turn].calls[call].output = output
      further[turn].calls[call].outputPlace = position
      further[turn].open -= 1
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
