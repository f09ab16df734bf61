// What is read of the events of a Responses API's stream that passes.

internal import Wire

extension PassStream {
  /// Takes note of an event, which `scanner` has read.
  mutating func readResponseEvent(_ data: Span<UInt8>) {
    guard let type = scanner.found(.type), type.kind == .string else { return }
    let name = type.value
    if JSONString.equals(data, name, "response.completed")
      || JSONString.equals(data, name, "response.incomplete")
      || JSONString.equals(data, name, "response.cancelled")
    {
      hasEnded = true
    } else if JSONString.equals(data, name, "response.failed") || JSONString.equals(data, name, "error") {
      hasFailed = true
    } else if JSONString.content(data, name).count > 6, !hasContent {
      let text = JSONString.content(data, name)
      hasContent = text.extracting(text.count - 6..<text.count).equals(".delta")
    }
    if let response = scanner.found(.response), response.kind == .object,
      let inner = JSONView.value(data, in: response.value, at: "usage")
    {
      usage.read(data, inner)
    }
    if let facts, let response = scanner.found(.response), hasEnded || facts.id.isEmpty {
      facts.read(data, response.value, isOver: hasEnded)
    }
  }
}
