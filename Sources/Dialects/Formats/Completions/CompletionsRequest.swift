// A request of the older completions as a chat: the prompt becomes the user's turn (OpenAI API reference, "Completions").
// A model of chats answers a prompt, it doesn't go on with it.

internal import Wire

enum CompletionsRequest {
  /// What the API takes where the client doesn't say it.
  private static let tokens = 16

  private static let same: [StaticString] = [
    "stream", "temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty", "user",
    "stream_options",
  ]

  static func write(_ body: Span<UInt8>, into chat: inout ChatBody) throws(RequestFault) -> CompletionsForm {
    var prompt: Range<Int>?
    var limit = tokens
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.kind == .null || member.keyIs("model", in: body) { continue }
      let key = body.extracting(member.key)
      let value = member.value
      let number = member.kind == .number ? JSONValue.integer(body, value) : nil
      if member.keyIs("prompt", in: body) {
        prompt = try text(body, value, member.kind)
      } else if member.keyIs("max_tokens", in: body) {
        guard let number, number >= 1 else {
          throw RequestFault(.invalid, "max_tokens", "'max_tokens' must be an integer of at least 1.")
        }
        limit = number
      } else if member.keyIs("n", in: body) || member.keyIs("best_of", in: body) {
        if number != 1 { throw unsaid(member.keyIs("n", in: body) ? "n" : "best_of") }
      } else if member.keyIs("echo", in: body) {
        if JSONValue.bool(body, value) == true { throw unsaid("echo") }
      } else if member.keyIs("suffix", in: body) {
        throw unsaid("suffix")
      } else {
        var isSame = false
        for name in same where member.keyIs(name, in: body) {
          isSame = true
          chat.member(name, body.extracting(value))
        }
        if !isSame, !RequestFacts.isOwn(body, member.key) { chat.dropped.add(key) }
      }
    }
    guard let prompt else { throw RequestFault(.invalid, "prompt", "'prompt' is missing; send a text.") }
    chat.member(chat.target.wantsCompletionTokens ? "max_completion_tokens" : "max_tokens")
    chat.out.append(decimal: limit)
    chat.beginConversation()
    chat.out.append("{\"role\":\"user\"")
    chat.content(body.extracting(prompt))
    chat.out.append("}")
    chat.endConversation()
    let options = JSONView.value(body, in: 0..<body.count, at: "stream_options")
    let asks = options.flatMap { JSONView.value(body, in: $0, at: "include_usage") }
    return CompletionsForm(tellsUsage: asks.flatMap { JSONValue.bool(body, $0) } == true)
  }

  private static func text(
    _ body: Span<UInt8>, _ value: Range<Int>, _ kind: JSONKind
  ) throws(RequestFault) -> Range<Int> {
    if kind == .string { return value }
    if kind == .array {
      var items = JSONArrayCursor(body, value)
      if let first = items.next(), first.kind == .string, items.next() == nil { return first.value }
    }
    throw RequestFault(
      .unsupported, "prompt",
      "The model's provider takes one prompt, as a text; ask once for each of several.")
  }

  private static func unsaid(_ name: StaticString) -> RequestFault {
    RequestFault(
      .unsupported, "\(name)",
      "'\(name)' can't be expressed for the model's provider; leave it out, or use another model.")
  }
}
