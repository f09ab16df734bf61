// How hard the model is to think, and whether its thoughts are wanted, from all the ways in which clients say it.

internal import Wire

extension GeminiRequest {
  /// Writes `thinkingConfig`. What says it in Google's own words goes as it is; else an effort becomes a level or a
  /// budget, whichever the model knows, and a client that asks for thinking gets the thoughts.
  func writeThinking(
    _ config: inout GeminiObject, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) {
    if let given = extended("thinking_config", "thinkingConfig", body), JSONView.kind(body, given) == .object
    {
      config.member("thinkingConfig", into: &request.body)
      request.body.append(body.extracting(given))
      // It can't be told twice.
      if chat.effort != nil { request.dropped.add(chat.effortName) }
      return
    }
    if let thinking = chat.extended("thinking", in: body), JSONView.kind(body, thinking) != .object {
      request.dropped.add("thinking")
    }
    let said = Said(chat, body)
    guard said.effort != nil || said.budget != nil || said.wantsThoughts != nil else { return }
    if model.thinking == .none {
      let isAsked = said.effort != nil || said.budget != nil || said.name.bytes.equals("thinking")
      if isAsked, said.effort != ChatEffort.none {
        request.dropped.add(said.name)
      }
      return
    }
    var thinking = GeminiObject("{")
    config.member("thinkingConfig", into: &request.body)
    if let budget = said.budget {
      thinking.member("thinkingBudget", into: &request.body)
      if case .budget(let range, _) = model.thinking {
        request.body.append(decimal: min(max(budget, range.lowerBound), range.upperBound))
      } else {
        request.body.append(decimal: budget)
      }
    } else if let effort = said.effort {
      writeEffort(effort, said.name, &thinking, &request)
    }
    let isThinking = said.effort.map { $0 != .none } ?? (said.budget != nil)
    if said.wantsThoughts ?? isThinking {
      thinking.member("includeThoughts", into: &request.body)
      request.body.append("true")
    }
    if thinking.isOpen { thinking.close(into: &request.body) } else { request.body.append("{}") }
  }

  /// - Parameter name: the client's word for it.
  private func writeEffort(
    _ effort: ChatEffort, _ name: StaticString, _ thinking: inout GeminiObject,
    _ request: inout ProviderRequest
  ) {
    switch model.thinking {
    case .none: break
    case .budget(let range, let canStop):
      if effort == .none, !canStop { request.dropped.add(name) }
      thinking.member("thinkingBudget", into: &request.body)
      request.body.append(decimal: effort.geminiBudget(in: range, canStop: canStop))
    case .level(let least, let hasMedium):
      // None of these can be told not to think: the least is the nearest.
      if effort == .none { request.dropped.add(name) }
      thinking.member("thinkingLevel", into: &request.body)
      request.body.append("\"")
      request.body.append(effort.geminiLevel(least: least, hasMedium: hasMedium))
      request.body.append("\"")
    }
  }

  /// What the client says of thinking, beside Google's own words.
  private struct Said {
    var effort: ChatEffort?
    /// Tokens: of Anthropic's `thinking.budget_tokens`, or OpenRouter's `reasoning.max_tokens`.
    var budget: Int?
    var wantsThoughts: Bool?
    /// The member in which the client says it.
    var name: StaticString

    init(_ chat: ChatRequest, _ body: Span<UInt8>) {
      effort = chat.effort
      name = chat.effortName
      if chat.extensions.isEmpty { return }
      let words: [StaticString] = ["include_thoughts", "includeThoughts", "include_reasoning"]
      for word in words {
        guard let value = chat.extended(word, in: body) else { continue }
        wantsThoughts = JSONValue.bool(body, value) ?? wantsThoughts
      }
      if let reasoning = chat.extended("reasoning", in: body) {
        budget = Self.tokens(body, JSONView.value(body, in: reasoning, at: "max_tokens"))
        if budget != nil { name = "reasoning" }
        let hidden = JSONView.value(body, in: reasoning, at: "exclude").flatMap { JSONValue.bool(body, $0) }
        if hidden == true { wantsThoughts = false }
      }
      guard let thinking = chat.extended("thinking", in: body) else { return }
      let type = JSONView.value(body, in: thinking, at: "type")
      let tokens = Self.tokens(body, JSONView.value(body, in: thinking, at: "budget_tokens"))
      if let type, JSONString.equals(body, type, "disabled") {
        effort = ChatEffort.none
        name = "thinking"
      } else if type != nil || tokens != nil {
        // A budget asks for thinking as well; nothing at all asks for nothing.
        budget = tokens ?? budget
        if tokens != nil || effort == nil { name = "thinking" }
        wantsThoughts = wantsThoughts ?? true
      }
    }

    private static func tokens(_ body: Span<UInt8>, _ range: Range<Int>?) -> Int? {
      range.flatMap { JSONValue.integer(body, $0) }.flatMap { $0 > 0 && $0 < 1 << 31 ? $0 : nil }
    }
  }
}
