// What an event of a Messages stream says by its name (Anthropic docs, "Streaming messages", 2026-10).

internal import Wire

enum MessagesEvents {
  /// What matters of an event to one that only watches.
  enum Kind {
    /// `message_start`, which tells the input's tokens.
    case start
    /// A piece of a block.
    case delta
    /// `message_delta`, which tells the rest of them.
    case end
    /// `message_stop`, the last word.
    case stop
    case error, other
  }

  static func kind(_ name: Span<UInt8>) -> Kind {
    if name.equals("content_block_delta") { return .delta }
    if name.equals("message_start") { return .start }
    if name.equals("message_delta") { return .end }
    if name.equals("message_stop") { return .stop }
    return name.equals("error") ? .error : .other
  }

  /// Whether an event can go on without a look at what it says.
  ///
  /// - Parameter hasContent: is set where it brings something that the model made.
  static func onlyCarriesOn(_ name: Span<UInt8>, _ hasContent: inout Bool) -> Bool {
    switch kind(name) {
    case .delta:
      hasContent = true
      return true
    case .other: return name.equals("content_block_start") || name.equals("content_block_stop")
    case .start, .end, .stop, .error: return false
    }
  }
}

extension PassStream {
  /// Takes note of an event of a Messages stream.
  mutating func readMessageEvent(_ data: Span<UInt8>) {
    if let error = scanner.found(.error), error.kind != .null { hasFailed = true }
    guard let type = scanner.found(.type), type.kind == .string else { return }
    switch MessagesEvents.kind(JSONString.content(data, type.value)) {
    case .start:
      if let message = scanner.found(.message), message.kind == .object,
        let inner = JSONView.value(data, in: message.value, at: "usage")
      {
        usage.readMessage(data, inner)
      }
      if let facts, let message = scanner.found(.message) {
        facts.read(data, message.value, isOver: false)
      }
    case .delta: hasContent = true
    case .end:
      if let said = scanner.found(.usage) { usage.readMessage(data, said.value) }
      if let facts, let delta = JSONView.value(data, in: 0..<data.count, at: "delta"),
        let reason = JSONView.value(data, in: delta, at: "stop_reason"),
        JSONView.kind(data, reason) == .string
      {
        facts.finish(data, reason)
      }
    case .stop: hasEnded = true
    case .error: hasFailed = true
    case .other: break
    }
  }
}
