// Tokens as the Messages API counts them: what a cache had, and what went into one, stand beside the input and not in it
// (Anthropic docs, "Prompt caching", 2026-10).

internal import Wire

extension TokenUsage {
  /// Takes over what the `usage` object that begins at `start` says, and tells where it ends; nil if that isn't in
  /// `bytes`. Members it lacks leave what was known, for a stream repeats only what has changed.
  mutating func readMessage(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    var read = cachedInput
    var written = cacheWrite
    var plain = input.map { max($0 - (read ?? 0) - (written ?? 0), 0) }
    var hasInput = false
    var members = JSONObjectCursor(bytes, start..<bytes.count)
    while let member = members.next() {
      if member.keyIs("output_tokens_details", in: bytes) {
        if let thinking = JSONView.value(bytes, in: member.value, at: "thinking_tokens"),
          let count = TokenCount.read(bytes, thinking)
        {
          reasoning = count
        }
        continue
      }
      if member.keyIs("cache_creation", in: bytes) {
        if let hour = Self.hour(bytes, member.value) { cacheWriteHour = hour }
        continue
      }
      guard member.kind == .number, let count = TokenCount.read(bytes, member.value) else { continue }
      if member.keyIs("input_tokens", in: bytes) {
        (plain, hasInput) = (count, true)
      } else if member.keyIs("cache_read_input_tokens", in: bytes) {
        (read, hasInput) = (count, true)
      } else if member.keyIs("cache_creation_input_tokens", in: bytes) {
        (written, hasInput) = (count, true)
      } else if member.keyIs("output_tokens", in: bytes) {
        output = count
      }
    }
    guard hasInput else { return members.end }
    let (cached, overflows) = (read ?? 0).addingReportingOverflow(written ?? 0)
    let (total, overflowsToo) = (plain ?? 0).addingReportingOverflow(cached)
    if overflows || overflowsToo { return members.end }
    input = total
    cachedInput = read
    cacheWrite = (written ?? 0) > 0 ? written : cacheWrite
    return members.end
  }

  /// What `cache_creation` says of the cache that keeps for an hour (Anthropic docs, "Prompt caching", 2026-10).
  static func hour(_ bytes: Span<UInt8>, _ creation: Range<Int>) -> Int? {
    guard case .object? = JSONView.kind(bytes, creation),
      let hour = JSONView.value(bytes, in: creation, at: "ephemeral_1h_input_tokens")
    else { return nil }
    return TokenCount.read(bytes, hour)
  }

  /// As above, of an object that is here whole.
  mutating func readMessage(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    guard case .object? = JSONView.kind(bytes, range) else { return }
    _ = readMessage(bytes.extracting(0..<range.upperBound), from: range.lowerBound)
  }
}
