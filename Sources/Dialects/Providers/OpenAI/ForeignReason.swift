// Words for why a choice ended that are not OpenAI's: typed clients fail on them.

internal import Wire

/// What a `finish_reason` means.
enum Reason: Equatable {
  /// One of OpenAI's own words.
  case known
  /// Another word for one of them.
  case becomes(StaticString)
  /// An empty text: "not yet" in a stream, and nothing at all at its end.
  case blank
  /// The provider gave up: this is no answer.
  case failure

  static func == (one: Self, other: Self) -> Bool {
    switch (one, other) {
    case (.known, .known), (.blank, .blank), (.failure, .failure): true
    case (.becomes(let one), .becomes(let other)): one.bytes.equals(other.bytes)
    default: false
    }
  }

  /// Other words, in lower case: Together, TGI, Cohere, Anthropic, Gemini and Bedrock behind gateways, Mistral,
  /// Zhipu, DeepSeek, vLLM.
  private static let others: [(word: StaticString, meaning: Reason)] = [
    ("eos", .becomes("stop")), ("eos_token", .becomes("stop")), ("end_turn", .becomes("stop")),
    ("stop_sequence", .becomes("stop")), ("complete", .becomes("stop")), ("pause_turn", .becomes("stop")),
    ("model_length", .becomes("length")), ("max_tokens", .becomes("length")),
    ("max_length", .becomes("length")), ("max_output_tokens", .becomes("length")),
    ("model_context_window_exceeded", .becomes("length")),
    ("tool_use", .becomes("tool_calls")), ("tool_call", .becomes("tool_calls")),
    ("refusal", .becomes("content_filter")), ("safety", .becomes("content_filter")),
    ("recitation", .becomes("content_filter")), ("blocklist", .becomes("content_filter")),
    ("prohibited_content", .becomes("content_filter")), ("spii", .becomes("content_filter")),
    ("content_filtered", .becomes("content_filter")), ("guardrail_intervened", .becomes("content_filter")),
    ("sensitive", .becomes("content_filter")),
    ("error", .failure), ("insufficient_system_resource", .failure), ("network_error", .failure),
    ("abort", .failure), ("timeout", .failure), ("malformed_function_call", .failure),
    ("malformed_model_output", .failure), ("malformed_tool_use", .failure),
    ("unexpected_tool_call", .failure), ("too_many_tool_calls", .failure),
  ]

  /// Whether the string value in `range` is one of OpenAI's own words.
  static func isKnown(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let word = JSONString.content(bytes, range)
    return switch word.count {
    case 4: word.equals("stop")
    case 6: word.equals("length")
    case 10: word.equals("tool_calls")
    case 13: word.equals("function_call")
    case 14: word.equals("content_filter")
    default: false
    }
  }

  /// Reads the string value in `range`.
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    if Self.isKnown(bytes, range) {
      self = .known
      return
    }
    let word = JSONString.content(bytes, range)
    self = word.isEmpty ? .blank : .becomes("stop")
    for other in Self.others where word.equalsIgnoringCase(other.word) { self = other.meaning }
  }
}
