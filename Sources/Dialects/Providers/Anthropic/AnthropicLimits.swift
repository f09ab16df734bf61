// Anthropic's rate limits (docs: "Rate limits", response headers) under the names that OpenAI's clients read.

internal import Wire

/// `anthropic-ratelimit-KIND-WHAT` as `x-ratelimit-WHAT-KIND`.
enum AnthropicLimits {
  static let prefix: StaticString = "anthropic-ratelimit-"
  private static let kinds: [StaticString] = ["requests", "tokens", "input-tokens", "output-tokens"]
  private static let facts: [(name: StaticString, isInstant: Bool)] = [
    ("limit", false), ("remaining", false), ("reset", true),
  ]

  /// Appends the field as OpenAI has it, with its CR LF; nothing where it is none of these, or can't be read. When a
  /// limit is full again Anthropic says as an instant, OpenAI as the time until then: `6s`.
  ///
  /// - Parameter now: Unix time in seconds.
  static func append(
    _ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue
  ) {
    let count = prefix.utf8CodeUnitCount
    guard name.count > count, name.extracting(first: count).equalsIgnoringCase(prefix) else { return }
    let rest = name.extracting(count..<name.count)
    for kind in kinds {
      for (fact, isInstant) in facts {
        let length = kind.utf8CodeUnitCount
        guard rest.count == length + 1 + fact.utf8CodeUnitCount, rest[length] == UInt8(ascii: "-"),
          rest.extracting(first: length).equalsIgnoringCase(kind),
          rest.extracting(length + 1..<rest.count).equalsIgnoringCase(fact)
        else { continue }
        var text = ByteQueue()
        if isInstant {
          guard let instant = CivilTime.unixSeconds(rfc3339: value) else { return }
          text.append(decimal: max(instant - now, 0))
          text.append("s")
        } else {
          text.append(value)
        }
        out.append("x-ratelimit-")
        out.append(fact)
        out.append("-")
        out.append(kind)
        out.append(": ")
        out.append(text.bytes)
        out.append("\r\n")
        return
      }
    }
  }
}
