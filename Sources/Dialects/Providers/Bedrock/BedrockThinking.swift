// How a model on Bedrock is told to think: Claude in its own words, the others in one word each.

internal import Wire

/// What a request says of thinking.
enum BedrockThinking {
  case unsaid
  case claude(ClaudeThinking)
  /// Nova's word, one of three.
  case nova(StaticString)
  /// OpenAI's word, one of three.
  case openAI(StaticString)
  /// Qwen's word, one of two.
  case qwen(StaticString)

  init(_ chat: ChatRequest, _ body: Span<UInt8>, _ model: BedrockModel, _ dropped: inout DroppedFields) {
    if let claude = model.claude {
      let thinking = ClaudeThinking(chat, body, claude, isBedrock: true, &dropped)
      self = thinking.mode == .unsaid ? .unsaid : .claude(thinking)
      return
    }
    self = .unsaid
    defer { if chat.extended("thinking", in: body) != nil { dropped.add("thinking") } }
    guard let effort = chat.effort else { return }
    switch model.maker {
    case .nova(thinks: true): if let word = effort.bedrockName { self = .nova(word) }
    case .openAI, .qwen:
      if case .qwen = model.maker, let word = effort.qwenName {
        self = .qwen(word)
      } else if let word = effort.bedrockName {
        self = .openAI(word)
      } else {
        // They always think.
        dropped.add(chat.effortName)
      }
    case .anthropic, .nova, .mistral, .open, .other, .unknown:
      if effort != .none { dropped.add(chat.effortName) }
    }
  }

  /// Whether Claude thinks, who then takes no sampling.
  var isClaudes: Bool {
    if case .claude(let thinking) = self { thinking.isOn } else { false }
  }

  /// Whether a tool that must be called is refused beside it.
  var excludesForcedTools: Bool {
    if case .claude(let thinking) = self { thinking.excludesForcedTools } else { false }
  }

  func limit(_ wanted: Int) -> Int {
    if case .claude(let thinking) = self { thinking.limit(wanted) } else { wanted }
  }

  /// Appends the members of `additionalModelRequestFields`; false where nothing is said.
  func write(_ body: Span<UInt8>, into out: inout ByteQueue) {
    switch self {
    case .unsaid: break
    case .claude(let thinking):
      thinking.write(body, into: &out)
      guard let effort = thinking.effort else { return }
      out.append(",\"output_config\":{\"effort\":\"")
      out.append(effort)
      out.append("\"}")
    case .nova(let word):
      out.append("\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"")
      out.append(word)
      out.append("\"}")
    case .openAI(let word):
      out.append("\"reasoning_effort\":\"")
      out.append(word)
      out.append("\"")
    case .qwen(let word):
      out.append("\"reasoning_config\":\"")
      out.append(word)
      out.append("\"")
    }
  }
}
