// What providers of OpenAI's format do otherwise than OpenAI: one row a kind, and nothing about them elsewhere.
//
// A row says what a request may not hold and whether answers must be looked at. RequestRules.swift has the words
// that rows are written in, RequestEdit.swift and MessageEdit.swift carry them out, ChoiceRepair.swift repairs answers.

package import Config

/// How one kind of provider differs from OpenAI.
package struct Quirks: Sendable {
  /// Whether an answer may hold what no OpenAI SDK can read. Then it is looked at whole before it is sent on, and so
  /// is every chunk of a stream.
  package var repairsAnswers = true
  /// Whether, where that isn't so, a whole answer is looked at for whether it needs repair after all: the kind says
  /// OpenAI, and the address another maker.
  package var doubtsAnswers = false
  /// Whether a stream tells its usage only when `stream_options` asks for it.
  package var takesStreamOptions = true
  /// Whether it refuses what conversations carry from other providers (`ForeignMembers`).
  package var refusesForeign = false
  var chat = RequestRules()
  var completions = RequestRules()
  var embeddings = RequestRules()

  /// The rules for bodies of `shape`.
  func rules(_ shape: BodyShape) -> RequestRules? {
    switch shape {
    case .chat: chat.isEmpty ? nil : chat
    case .embedding: embeddings.isEmpty ? nil : embeddings
    case .completion: completions.isEmpty ? nil : completions
    case .response, .message, .tokenCount, .other: nil
    }
  }

  /// Whether bodies of `shape` go as they come.
  package func leaves(_ shape: BodyShape) -> Bool { rules(shape) == nil }
}

extension Quirks {
  /// The row of a provider.
  package static func of(_ provider: Config.Provider) -> Quirks {
    var quirks = of(provider.kind)
    quirks.refusesForeign = isOpenAI(provider)
    quirks.doubtsAnswers = !quirks.repairsAnswers && !(provider.kind == .openai && quirks.refusesForeign)
    if isMoonshot(provider) { quirks.chat.messages = moonshot }
    if provider.streamOptions == .never || !APIAddress(provider).takesStreamOptions {
      quirks.takesStreamOptions = false
      quirks.chat.fields.append(FieldRule("stream_options", .drop))
      quirks.completions.fields.append(FieldRule("stream_options", .drop))
    }
    return quirks
  }

  /// Whether it is OpenAI itself, or its models at Azure: behind other addresses the kind may be a server of another
  /// make, to which such members mean something (Google's own surface needs `extra_content` back).
  private static func isOpenAI(_ provider: Config.Provider) -> Bool {
    guard let url = provider.baseURL else { return false }
    switch provider.kind {
    case .openai: return url.host == "api.openai.com" || url.host.hasSuffix(".api.openai.com")
    case .azure: return !url.prefix.hasSuffix("/models")
    default: return false
    }
  }

  /// Moonshot has no kind of its own, and refuses turns without a content (public reports of its 400s, 2025 and 2026: "the
  /// message at position 1 with role 'assistant' must not be empty").
  private static func isMoonshot(_ provider: Config.Provider) -> Bool {
    guard provider.kind == .openaiCompatible, let host = provider.baseURL?.host else { return false }
    return [".moonshot.ai", ".moonshot.cn"].contains { host.hasSuffix($0) }
  }

  private static let moonshot = MessageRules(refusesBlanks: true)

  /// The row of a kind.
  package static func of(_ kind: ProviderKind) -> Quirks {
    switch kind {
    case .openai: openAI
    case .azure: openAI
    case .mistral: mistral
    case .groq: groq
    case .together: together
    case .fireworks: fireworks
    case .deepseek: deepSeek
    case .perplexity: perplexity
    case .xai, .openrouter, .vllm, .openaiCompatible: other
    // These are translated, or answer inside Remora.
    case .anthropic, .gemini, .vertex, .bedrock, .cohere, .ollama, .mock: openAI
    }
  }

  private static let openAI = Quirks(repairsAnswers: false)
  private static let other = Quirks()

  /// The efforts that models elsewhere know, for those that only OpenAI's do.
  private static let threeEfforts = FieldRule(
    "reasoning_effort", .words([("minimal", "low"), ("xhigh", "high"), ("max", "high")]))

  /// Mistral refuses every member that it doesn't know, and every null, with 422 (Mistral's OpenAPI description,
  /// `additionalProperties: false`); a conversation begins with the system or the user, and must not end with the system
  /// (public reports of its 400s, 2025: "Expected last role User or Tool"). It tells usage in every stream's last chunk, unasked.
  private static let mistral = Quirks(
    takesStreamOptions: false,
    chat: RequestRules(
      known: [
        "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed",
        "metadata",
        "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction",
        "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key",
        "safe_prompt", "document_image_limit", "document_page_limit",
      ],
      fields: [
        FieldRule("max_completion_tokens", .rename("max_tokens")), FieldRule("seed", .rename("random_seed")),
        FieldRule("stream_options", .omit), FieldRule("temperature", .most(1.5)),
        // It thinks or doesn't.
        FieldRule(
          "reasoning_effort",
          .words([
            ("minimal", "none"), ("low", "high"), ("medium", "high"), ("xhigh", "high"), ("max", "high"),
          ])),
        FieldRule("tool_choice", .namedFunction), FieldRule("prediction", .plainPrediction),
      ],
      dropsNulls: true, strictTools: true,
      messages: MessageRules(
        developerIsSystem: true,
        known: [
          .system: ["role", "content"], .user: ["role", "content"],
          .assistant: ["role", "content", "tool_calls", "prefix"],
          .tool: ["role", "content", "tool_call_id", "name"],
        ],
        calls: ["id", "type", "function", "index"], reasoning: .chunk, shortIDs: true, prefixesLast: true,
        strictParts: true, refusesBlanks: true, begins: .userOrSystem)),
    embeddings: RequestRules(
      known: ["model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format"],
      fields: [FieldRule("dimensions", .rename("output_dimension")), FieldRule("input", .texts)],
      dropsNulls: true))

  /// Groq refuses these with 400, and in messages what it doesn't know (Groq docs, "OpenAI compatibility").
  private static let groq = Quirks(
    chat: RequestRules(
      fields: [
        FieldRule("logprobs", .drop), FieldRule("top_logprobs", .drop), FieldRule("logit_bias", .drop),
        FieldRule("n", .one), threeEfforts,
      ],
      messages: MessageRules(
        known: [
          .system: ["role", "content"], .user: ["role", "content"],
          .assistant: ["role", "content", "tool_calls", "function_call", "reasoning"],
          .tool: ["role", "content", "tool_call_id"],
        ],
        calls: ["id", "type", "function"], reasoning: .member("reasoning"))))

  /// Together counts log probabilities instead of switching them on (Together docs, chat completions).
  private static let together = Quirks(
    chat: RequestRules(
      fields: [
        FieldRule("max_completion_tokens", .rename("max_tokens")), FieldRule("logprobs", .counted),
        FieldRule("top_logprobs", .omit),
      ], messages: MessageRules(developerIsSystem: true)))

  private static let fireworks = Quirks(
    chat: RequestRules(fields: [threeEfforts], messages: MessageRules(developerIsSystem: true)))

  /// DeepSeek passes over members that it doesn't know, so a ceiling must have the name that it knows.
  private static let deepSeek = Quirks(
    chat: RequestRules(
      fields: [FieldRule("max_completion_tokens", .rename("max_tokens")), FieldRule("n", .one)],
      messages: MessageRules(developerIsSystem: true, thinksBetweenCalls: true)))

  /// Perplexity has no tools, and wants user and assistant in turns, each with something to say (Perplexity docs, chat
  /// completions; public reports of its 400s, 2025: "user and assistant roles should be alternating").
  private static let perplexity = Quirks(
    chat: RequestRules(
      fields: [
        FieldRule("max_completion_tokens", .rename("max_tokens")), FieldRule("n", .one),
        FieldRule("tools", .refuse), FieldRule("tool_choice", .omit), FieldRule("parallel_tool_calls", .omit),
      ],
      messages: MessageRules(
        developerIsSystem: true, joinsTurns: true, refusesBlanks: true, begins: .user)))
}
