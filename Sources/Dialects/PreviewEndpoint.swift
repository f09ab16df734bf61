// Where a body would be sent that is only to be shown: said, or told by what stands in it.

internal import Wire

/// An endpoint that is served in full, by its name in metrics and the log.
package enum PreviewEndpoint: String, Sendable, CaseIterable {
  case chat = "chat_completions"
  case completions, embeddings, responses, messages
  case countTokens = "count_tokens"
  case inputTokens = "input_tokens"

  /// What a body looks like.
  ///
  /// - Parameters:
  ///   - body: one JSON object that has been scanned.
  ///   - model: who gets it. Of a text alone only the name tells whether it is to be answered.
  package init(_ body: [UInt8], model: [UInt8]) {
    func has(_ names: StaticString...) -> Bool {
      names.contains { JSONView.value(body.span, in: 0..<body.count, at: $0) != nil }
    }
    if has("messages") {
      self = Self.isMessages(body.span) ? .messages : .chat
    } else if let prompt = JSONView.value(body.span, in: 0..<body.count, at: "prompt"),
      JSONView.kind(body.span, prompt) != .object
    {
      self = .completions
    } else if has("input", "previous_response_id", "prompt") {
      let name = String(decoding: model, as: UTF8.self).lowercased()
      let isEmbedded =
        has("encoding_format", "dimensions") || Self.isListOfTexts(body.span) || name.contains("embed")
      self = isEmbedded ? .embeddings : .responses
    } else {
      self = .chat
    }
  }

  var shape: BodyShape {
    switch self {
    case .chat: .chat
    case .completions: .completion
    case .embeddings: .embedding
    case .responses: .response
    case .messages: .message
    case .countTokens, .inputTokens: .tokenCount
    }
  }

  /// Behind `/v1`.
  var path: StaticString {
    switch self {
    case .chat: "/chat/completions"
    case .completions: "/completions"
    case .embeddings: "/embeddings"
    case .responses: "/responses"
    case .messages: "/messages"
    case .countTokens: "/messages/count_tokens"
    case .inputTokens: "/responses/input_tokens"
    }
  }

  /// Whether a body with `messages` has something that is Anthropic's, and no chat's.
  private static func isMessages(_ body: Span<UInt8>) -> Bool {
    let whole = 0..<body.count
    for name: StaticString in [
      "system", "stop_sequences", "output_config", "mcp_servers", "anthropic_version",
    ]
    where JSONView.value(body, in: whole, at: name) != nil { return true }
    if let choice = JSONView.value(body, in: whole, at: "tool_choice") {
      let type = JSONView.content(body, in: choice, at: "type")
      if type.equals("any") || type.equals("tool") || type.equals("auto") || type.equals("none") {
        return true
      }
    }
    if let tools = JSONView.value(body, in: whole, at: "tools"), JSONView.kind(body, tools) == .array {
      var each = JSONArrayCursor(body, tools)
      while let tool = each.next() {
        if JSONView.value(body, in: tool.value, at: "input_schema") != nil { return true }
      }
    }
    guard let messages = JSONView.value(body, in: whole, at: "messages"),
      JSONView.kind(body, messages) == .array
    else { return false }
    var turns = JSONArrayCursor(body, messages)
    while let turn = turns.next() {
      guard let content = JSONView.value(body, in: turn.value, at: "content"),
        JSONView.kind(body, content) == .array
      else { continue }
      var blocks = JSONArrayCursor(body, content)
      while let block = blocks.next() {
        let type = JSONView.content(body, in: block.value, at: "type")
        for known: StaticString in ["tool_use", "tool_result", "image", "document", "redacted_thinking"]
        where type.equals(known) { return true }
      }
    }
    return false
  }

  /// Several texts, or tokens, are to be embedded; items of a conversation are objects.
  private static func isListOfTexts(_ body: Span<UInt8>) -> Bool {
    guard let input = JSONView.value(body, in: 0..<body.count, at: "input"),
      JSONView.kind(body, input) == .array
    else { return false }
    var items = JSONArrayCursor(body, input)
    guard let first = items.next() else { return false }
    return JSONView.kind(body, first.value) != .object
  }
}
