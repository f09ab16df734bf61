// Why a choice ended, in OpenAI's five words.

/// OpenAI's `finish_reason`. Nothing else is legal there: typed clients fail on other words.
package enum FinishReason: Sendable, Equatable {
  case stop, length, toolCalls, contentFilter

  package var name: StaticString {
    switch self {
    case .stop: "stop"
    case .length: "length"
    case .toolCalls: "tool_calls"
    case .contentFilter: "content_filter"
    }
  }
}
