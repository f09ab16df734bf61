// How Claude is told to think, wherever it is hosted: from all the ways in which clients say it, in the form that the
// model takes.

internal import Wire

/// What a request says of thinking.
struct ClaudeThinking {
  enum Mode: Equatable {
    case unsaid, disabled
    /// The model decides itself, told an effort.
    case adaptive
    /// Tokens to think with.
    case budget(Int)
    /// A form of the client's that isn't known here: an object.
    case foreign(Range<Int>)
  }

  private(set) var mode = Mode.unsaid
  /// Anthropic's word for how hard, with `adaptive`.
  private(set) var effort: StaticString?
  /// The client's own `display`: a string.
  private var display: Range<Int>?
  /// Whether the client says a number of tokens.
  private var saysBudget = false
  /// Whether the thoughts, which newer models keep to themselves, are asked for.
  private var asksForSummary = false

  /// The least budget that is taken (docs: "Extended thinking").
  private static let leastBudget = 1024

  init() {}

  /// Reads what the client wants, and names what the model can't be told.
  init(
    _ chat: ChatRequest, _ body: Span<UInt8>, _ model: ClaudeModel, isBedrock: Bool,
    _ dropped: inout DroppedFields
  ) {
    let given = chat.extended("thinking", in: body)
    var isGiven = false
    if let given {
      isGiven = read(given, body, chat.effort)
      if !isGiven, JSONView.kind(body, given) != .object { dropped.add("thinking") }
    }
    if !isGiven { read(chat.effort, model) }
    let wanted = chat.effort == ChatEffort.none ? nil : chat.effort
    fit(chat, model, isBedrock: isBedrock, isGiven ? "thinking" : chat.effortName, &dropped)
    if mode == .adaptive {
      effort = wanted?.anthropicName(model, isBedrock: isBedrock) ?? effort
    } else if isGiven, wanted != nil, mode == .disabled || saysBudget {
      // It can't be told twice.
      dropped.add(chat.effortName)
    }
    asksForSummary = model.hidesThoughts && !Self.isHidden(chat, body)
  }

  /// Reads the client's own `thinking`; false where it says nothing.
  private mutating func read(_ given: Range<Int>, _ body: Span<UInt8>, _ effort: ChatEffort?) -> Bool {
    guard JSONView.kind(body, given) == .object else { return false }
    let type = JSONView.content(body, in: given, at: "type")
    let budget = JSONView.value(body, in: given, at: "budget_tokens").flatMap { JSONValue.integer(body, $0) }
    display = JSONView.value(body, in: given, at: "display").flatMap {
      JSONView.kind(body, $0) == .string ? $0 : nil
    }
    if type.equals("disabled") {
      mode = .disabled
    } else if type.equals("adaptive") {
      mode = .adaptive
    } else if type.equals("enabled") || type.isEmpty && budget != nil {
      // Without a number the effort is one; its scale's middle where that isn't said either.
      saysBudget = budget != nil
      let wanted = budget ?? (effort == ChatEffort.none ? nil : effort)?.thinkingBudget
      mode = .budget(min(max(wanted ?? ChatEffort.medium.thinkingBudget, Self.leastBudget), 1 << 30))
    } else if !type.isEmpty {
      mode = .foreign(given)
    }
    return mode != .unsaid
  }

  private mutating func read(_ effort: ChatEffort?, _ model: ClaudeModel) {
    guard let effort else { return }
    if effort == .none {
      mode = .disabled
    } else {
      mode = model.thinksAdaptively ? .adaptive : .budget(effort.thinkingBudget)
    }
  }

  /// Brings what is wanted into the form that the model takes.
  private mutating func fit(
    _ chat: ChatRequest, _ model: ClaudeModel, isBedrock: Bool, _ name: StaticString,
    _ dropped: inout DroppedFields
  ) {
    switch mode {
    case .unsaid, .foreign: return
    case .disabled:
      if !model.thinks { mode = .unsaid }
      guard model.refusesDisabled(isBedrock: isBedrock) else { return }
      // The least is the nearest.
      dropped.add(name)
      if model.alwaysThinks {
        mode = .adaptive
        effort = "low"
      } else {
        mode = .unsaid
      }
    case .adaptive:
      if model.thinks, !model.thinksAdaptively {
        mode = .budget((chat.effort ?? .high).thinkingBudget)
      }
    case .budget:
      if model.thinksAdaptively, model.refusesBudget {
        if saysBudget { dropped.add("thinking.budget_tokens") }
        mode = .adaptive
      }
    }
    guard mode != .disabled, mode != .unsaid else { return }
    if !model.thinks {
      dropped.add(name)
      mode = .unsaid
    } else if case .budget = mode, !chat.beginsTurnWithThought() {
      // With a budget, a turn that goes on must have begun with a thought of the model's own (docs: "Extended thinking
      // with tool use"): "Expected `thinking` or `redacted_thinking`, but found `tool_use`".
      dropped.add(name)
      mode = .unsaid
    }
  }

  /// Whether the client wants no reasoning in the answer, in OpenRouter's words for it.
  private static func isHidden(_ chat: ChatRequest, _ body: Span<UInt8>) -> Bool {
    if chat.extensions.isEmpty { return false }
    if let reasoning = chat.extended("reasoning", in: body),
      let hidden = JSONView.value(body, in: reasoning, at: "exclude"), JSONValue.bool(body, hidden) == true
    {
      return true
    }
    return chat.extended("include_reasoning", in: body).flatMap { JSONValue.bool(body, $0) } == false
  }

  // MARK: What follows from it

  /// Whether sampling is refused beside it.
  var isOn: Bool { mode != .unsaid && mode != .disabled }

  /// Whether a tool that must be called is refused beside it: by a budget, not by an effort (recorded of Claude Opus
  /// 4.6).
  var excludesForcedTools: Bool {
    if case .budget = mode { true } else { false }
  }

  /// The answer's limit, of which the budget is a part: it must leave some for the answer.
  func limit(_ wanted: Int) -> Int {
    guard case .budget(let budget) = mode, wanted <= budget else { return wanted }
    return budget + wanted
  }

  /// Appends `"thinking":{…}`; not to be called where nothing is said.
  func write(_ body: Span<UInt8>, into out: inout ByteQueue) {
    out.append("\"thinking\":")
    switch mode {
    case .unsaid, .disabled: return out.append("{\"type\":\"disabled\"}")
    case .foreign(let range): return out.append(body.extracting(range))
    case .adaptive: out.append("{\"type\":\"adaptive\"")
    case .budget(let budget):
      out.append("{\"type\":\"enabled\",\"budget_tokens\":")
      out.append(decimal: budget)
    }
    if let display {
      ChatRequest.appendMember("display", body.extracting(display), into: &out)
    } else if asksForSummary {
      out.append(",\"display\":\"summarized\"")
    }
    out.append("}")
  }
}
