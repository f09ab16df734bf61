// The members of a chat request that OpenAI defines, by name.

internal import Wire

/// A member of a chat request (OpenAI API reference, "Create chat completion").
package enum ChatField: UInt8, CaseIterable, Sendable {
  case model, messages, stream, streamOptions
  case maxTokens, maxCompletionTokens, temperature, topP, n, stop
  case presencePenalty, frequencyPenalty, logitBias, logprobs, topLogprobs, seed
  case user, safetyIdentifier, promptCacheKey, metadata, store, serviceTier
  case reasoningEffort, verbosity, modalities, audio, prediction, webSearchOptions
  case responseFormat, tools, toolChoice, parallelToolCalls, functions, functionCall
  // Remora's own: they steer, and no provider hears of them.
  case fallbackModels, customerIdentifier, threadIdentifier, groupIdentifier

  /// The name as requests write it.
  package var name: StaticString {
    switch self {
    case .model: "model"
    case .messages: "messages"
    case .stream: "stream"
    case .streamOptions: "stream_options"
    case .maxTokens: "max_tokens"
    case .maxCompletionTokens: "max_completion_tokens"
    case .temperature: "temperature"
    case .topP: "top_p"
    case .n: "n"
    case .stop: "stop"
    case .presencePenalty: "presence_penalty"
    case .frequencyPenalty: "frequency_penalty"
    case .logitBias: "logit_bias"
    case .logprobs: "logprobs"
    case .topLogprobs: "top_logprobs"
    case .seed: "seed"
    case .user: "user"
    case .safetyIdentifier: "safety_identifier"
    case .promptCacheKey: "prompt_cache_key"
    case .metadata: "metadata"
    case .store: "store"
    case .serviceTier: "service_tier"
    case .reasoningEffort: "reasoning_effort"
    case .verbosity: "verbosity"
    case .modalities: "modalities"
    case .audio: "audio"
    case .prediction: "prediction"
    case .webSearchOptions: "web_search_options"
    case .responseFormat: "response_format"
    case .tools: "tools"
    case .toolChoice: "tool_choice"
    case .parallelToolCalls: "parallel_tool_calls"
    case .functions: "functions"
    case .functionCall: "function_call"
    case .fallbackModels: "fallback_models"
    case .customerIdentifier: "customer_identifier"
    case .threadIdentifier: "thread_identifier"
    case .groupIdentifier: "group_identifier"
    }
  }

  /// The field that `key` (between its quotes, as it is written) names.
  static func named(_ bytes: Span<UInt8>, _ key: Range<Int>) -> ChatField? {
    // A key with an escape is longer than what it says, so it is none of as many bytes.
    guard key.count < byLength.count else { return nil }
    var rest = byLength[key.count]
    while rest != 0 {
      let bit = rest.trailingZeroBitCount
      if let field = ChatField(rawValue: UInt8(truncatingIfNeeded: bit)),
        bytes.extracting(key).reads(field.name)
      {
        return field
      }
      rest &= rest &- 1
    }
    return nil
  }

  /// At each length, the fields whose names have it.
  private static let byLength: [UInt64] = {
    var table = [UInt64](repeating: 0, count: 32)
    for field in allCases where field.name.utf8CodeUnitCount < 32 {
      table[field.name.utf8CodeUnitCount] |= 1 << UInt64(field.rawValue)
    }
    return table
  }()
}

/// A set of fields.
package struct ChatFields: OptionSet, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package init(_ field: ChatField) { rawValue = 1 << UInt64(field.rawValue) }

  /// For constants; a list written out allocates.
  package init(_ fields: [ChatField]) { rawValue = fields.reduce(0) { $0 | 1 << UInt64($1.rawValue) } }

  package func contains(_ field: ChatField) -> Bool { rawValue & 1 << UInt64(field.rawValue) != 0 }

  /// What every dialect takes or what Remora itself sees to.
  package static let always = ChatFields([
    .model, .messages, .stream, .streamOptions, .fallbackModels, .customerIdentifier, .threadIdentifier,
    .groupIdentifier,
  ])

  /// Leaving one of these out would make another request of it: the client is told instead.
  package static let meaningful = ChatFields([
    .n, .responseFormat, .tools, .toolChoice, .audio, .modalities, .functions, .functionCall,
  ])
}
