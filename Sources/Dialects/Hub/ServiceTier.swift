// How urgently a provider served a request, in OpenAI's words.

internal import Wire

/// What an answer's `service_tier` says (OpenAI API reference, "The chat completion object", 2026-10).
enum ServiceTier {
  private static let names: [(theirs: StaticString, ours: StaticString)] = [
    ("default", "default"), ("priority", "priority"), ("flex", "flex"),
    // Anthropic and Gemini; Vertex AI says how the request was paid for.
    ("standard", "default"), ("ON_DEMAND", "default"), ("ON_DEMAND_PRIORITY", "priority"),
    ("ON_DEMAND_FLEX", "flex"),
    // What is paid for whether it is used or not.
    ("reserved", "scale"), ("PROVISIONED_THROUGHPUT", "scale"),
  ]

  /// OpenAI's word for the provider's, which is the string in `range`; nil where it has none.
  static func read(_ bytes: Span<UInt8>, _ range: Range<Int>) -> StaticString? {
    let said = JSONString.content(bytes, range)
    for (theirs, ours) in names where said.equals(theirs) { return ours }
    return nil
  }
}
