// A request of any format as a chat, and the form of its answer, which is kept for the next one.

internal import Wire

/// The forms of answers, one of each.
final class AnswerForms {
  let messages: MessagesForm
  private let responses: ResponsesForm
  private let completions: CompletionsForm

  /// - Parameter pool: what answers are kept in while they are under way.
  init(pool: BlockPool?) {
    messages = MessagesForm(pool: pool)
    responses = ResponsesForm(pool: pool)
    completions = CompletionsForm(pool: pool)
  }

  /// Writes a request as a chat.
  func write(
    _ format: Recast.Format, _ body: Span<UInt8>, _ strings: Span<UInt64>, _ turn: ResponsesTurn?,
    into chat: inout ChatBody
  ) throws(RequestFault) -> any AnswerForm {
    switch format {
    case .messages, .tokenCount:
      try MessagesRequest.write(body, strings: strings, counts: format == .tokenCount, into: &chat)
    case .invocation: break
    case .responses, .inputTokens:
      try ResponsesRequest.write(
        body, strings: strings, counts: format == .inputTokens, turn, into: &chat, responses)
      return responses
    case .completions:
      try CompletionsRequest.write(body, into: &chat, completions)
      return completions
    }
    return messages
  }
}
