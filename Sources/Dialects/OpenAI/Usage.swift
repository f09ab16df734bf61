// Tokens as OpenAI-format answers count them, with the places where providers put them instead.

internal import Wire

/// What one exchange used; nil where the provider didn't say. Cached and reasoning are parts of their totals.
package struct TokenUsage: Sendable, Equatable {
  package var input: Int?
  package var output: Int?
  package var cachedInput: Int?
  package var reasoning: Int?

  package init() {}

  package var isEmpty: Bool { input == nil && output == nil }

  /// Takes over what the `usage` object in `range` says. Members it lacks leave what was known (streams repeat).
  package mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    guard JSONView.kind(bytes, range) == .object else { return }
    var members = JSONObjectCursor(bytes, range)
    while let member = members.next() {
      if member.keyIs("prompt_tokens", in: bytes) || member.keyIs("input_tokens", in: bytes) {
        set(&input, bytes, member.value)
      } else if member.keyIs("completion_tokens", in: bytes) || member.keyIs("output_tokens", in: bytes) {
        set(&output, bytes, member.value)
      } else if member.keyIs("prompt_tokens_details", in: bytes)
        || member.keyIs("input_tokens_details", in: bytes)
      {
        if let value = JSONView.value(bytes, in: member.value, at: "cached_tokens") {
          set(&cachedInput, bytes, value)
        }
      } else if member.keyIs("completion_tokens_details", in: bytes)
        || member.keyIs("output_tokens_details", in: bytes)
      {
        if let value = JSONView.value(bytes, in: member.value, at: "reasoning_tokens") {
          set(&reasoning, bytes, value)
        }
      } else if member.keyIs("prompt_cache_hit_tokens", in: bytes) {
        set(&cachedInput, bytes, member.value)
      }
    }
    // Embeddings count no output: then the total is the input.
    if input == nil, let total = JSONView.value(bytes, in: range, at: "total_tokens") {
      set(&input, bytes, total)
    }
  }

  private func set(_ field: inout Int?, _ bytes: Span<UInt8>, _ range: Range<Int>) {
    if let number = JSONValue.integer(bytes, range), number >= 0 { field = number }
  }
}
