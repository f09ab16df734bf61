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

  static func write(
    _ body: Span<UInt8>, into chat: inout ChatBody, _ form: CompletionsForm
  ) throws(RequestFault) {
    var prompt: Range<Int>?
    var limit = tokens
    var count = 1
    var best = 1
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.kind == .null || member.keyIs("model", in: body) { continue }
      let value = member.value
      let number = member.kind == .number ? JSONValue.integer(body, value) : nil
      if member.keyIs("prompt", in: body) {
        prompt = try text(body, value, member.kind)
      } else if member.keyIs("max_tokens", in: body) {
        guard let number, number >= 1 else {
          throw RequestFault(.invalid, "max_tokens", "'max_tokens' must be an integer of at least 1.")
        }
        limit = number
      } else if member.keyIs("n", in: body) {
        guard let number, (1...AnswerWriter.choiceCeiling).contains(number) else {
          throw RequestFault(.invalid, "n", "'n' must be an integer from 1 to \(AnswerWriter.choiceCeiling).")
        }
        count = number
      } else if member.keyIs("best_of", in: body) {
        guard let number else { throw unsaid("best_of") }
        best = number
      } else if member.keyIs("logprobs", in: body) {
        guard let number, (0...5).contains(number) else {
          throw RequestFault(.invalid, "logprobs", "'logprobs' must be an integer from 0 to 5.")
        }
        chat.member("logprobs", ("true" as StaticString).bytes)
        chat.member("top_logprobs")
        chat.out.append(decimal: number)
      } else if member.keyIs("echo", in: body) {
        if JSONValue.bool(body, value) == true { throw unsaid("echo") }
      } else if member.keyIs("suffix", in: body) {
        throw unsaid("suffix")
      } else {
        write(member, body, into: &chat)
      }
    }
    guard let prompt else { throw RequestFault(.invalid, "prompt", "'prompt' is missing; send a text.") }
    // The best of more is the provider's to choose, and none of these chooses.
    if best > count { throw unsaid("best_of") }
    if count > 1 {
      chat.member("n")
      chat.out.append(decimal: count)
    }
    chat.member(chat.target.wantsCompletionTokens ? "max_completion_tokens" : "max_tokens")
    chat.out.append(decimal: limit)
    chat.beginConversation()
    chat.out.append("{\"role\":\"user\"")
    chat.content(body.extracting(prompt))
    chat.out.append("}")
    chat.endConversation()
    let options = JSONView.value(body, in: 0..<body.count, at: "stream_options")
    let asks = options.flatMap { JSONView.value(body, in: $0, at: "include_usage") }
    form.begin(tellsUsage: asks.flatMap { JSONValue.bool(body, $0) } == true)
  }

  /// Writes a member that means the same in a chat; names any other.
  private static func write(
    _ member: JSONObjectCursor.Member, _ body: Span<UInt8>, into chat: inout ChatBody
  ) {
    for name in same where member.keyIs(name, in: body) {
      return chat.member(name, body.extracting(member.value))
    }
    if !RequestFacts.isOwn(body, member.key) { chat.dropped.add(body.extracting(member.key)) }
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
