// Reads a request of the Responses API and writes it as a chat (OpenAI API reference, "Responses", 2026-10). What it goes
// on with by an id has been put into `input` before (ResponsesRecall.swift). Next: ResponsesItems.swift, ResponsesTools.swift.

internal import Wire

/// One request.
struct ResponsesRequest: ~Escapable {
  let body: Span<UInt8>
  private let strings: Span<UInt64>

  /// - Parameter strings: where the body's long strings lie, as far as that is known.
  @_lifetime(copy body, copy strings)
  init(_ body: Span<UInt8>, strings: Span<UInt64>) {
    self.body = body
    self.strings = strings
  }

  /// Members that the answer repeats, and what stands there where they aren't given.
  private static let repeated: [(name: StaticString, otherwise: StaticString)] = [
    ("instructions", ",\"instructions\":null"), ("max_output_tokens", ",\"max_output_tokens\":null"),
    ("max_tool_calls", ",\"max_tool_calls\":null"), ("metadata", ",\"metadata\":{}"),
    ("parallel_tool_calls", ",\"parallel_tool_calls\":true"),
    ("prompt_cache_key", ",\"prompt_cache_key\":null"),
    ("reasoning", ",\"reasoning\":{\"effort\":null,\"summary\":null}"),
    ("safety_identifier", ",\"safety_identifier\":null"), ("temperature", ",\"temperature\":1.0"),
    ("text", ",\"text\":{\"format\":{\"type\":\"text\"}}"),
    ("tool_choice", ",\"tool_choice\":\"auto\""), ("tools", ",\"tools\":[]"),
    ("top_logprobs", ",\"top_logprobs\":0"), ("top_p", ",\"top_p\":1.0"), ("user", ",\"user\":null"),
  ]

  /// Bytes of such a member: a stream says it three times. What is longer no client needs to hear again.
  private static let repeatedCeiling = 256 << 10

  /// Where the request's members lie.
  struct Members {
    var instructions: Range<Int>?
    var tools: Range<Int>?
    var choice: Range<Int>?
    var text: Range<Int>?
    var reasoning: Range<Int>?
    var repeated = InlineArray<15, Range<Int>?>(repeating: nil)
    /// A list of what else the answer is to hold.
    var include: Range<Int>?
    /// How many of each token's likeliest are asked for.
    var topLogprobs: Int?
  }

  /// - Parameter counts: its tokens are to be counted, so that there is no stream.
  static func write(
    _ body: Span<UInt8>, strings: Span<UInt64>, counts: Bool, _ turn: ResponsesTurn?,
    into chat: inout ChatBody, _ form: ResponsesForm
  ) throws(RequestFault) {
    try ResponsesRequest(body, strings: strings).write(counts, turn, into: &chat, form)
  }

  private func write(
    _ counts: Bool, _ turn: ResponsesTurn?, into chat: inout ChatBody, _ form: ResponsesForm
  ) throws(RequestFault) {
    var found = Members()
    var conversation = ResponsesItems(body, strings: strings)
    var hasInput = false
    var members = JSONWalk(body, strings: strings)
    _ = members.enterObject()
    while let key = members.nextKey() {
      let kind = members.kind
      // Read where it stands, and not passed over first. Of several the last counts.
      if kind != .null, key.says("input", in: body) {
        if hasInput { conversation = ResponsesItems(body, strings: strings) }
        hasInput = true
        try conversation.read(&members)
        continue
      }
      guard let value = members.pass() else { break }
      let member = JSONObjectCursor.Member(key: key, value)
      if member.kind == .null || counts && member.keyIs("stream", in: body) { continue }
      for (at, known) in Self.repeated.enumerated() where member.keyIs(known.name, in: body) {
        found.repeated[at] = member.value
        break
      }
      try read(member, &found, &chat)
    }
    // To be counted, all of it may be left out (OpenAPI document, "TokenCountsBody"): instructions have tokens, too.
    guard hasInput || counts && found.instructions != nil else {
      throw RequestFault(.invalid, "input", "'input' is missing; send a text or a list of items.")
    }
    var tools = ResponsesTools()
    try tools.read(body, found.tools, conversation.moreTools, &chat.dropped)
    try conversation.write(found.instructions, tools, into: &chat)
    try tools.write(body, found.choice, into: &chat)
    try writeText(found.text, into: &chat)
    if let effort = found.reasoning.flatMap({ JSONView.value(body, in: $0, at: "effort") }),
      JSONView.kind(body, effort) == .string
    {
      if chat.target.reasons == false {
        chat.dropped.add("reasoning.effort")
      } else {
        chat.member("reasoning_effort", body.extracting(effort))
      }
    }
    if let reasoning = found.reasoning { nameLost(of: reasoning, into: &chat) }
    writeLogprobs(found, into: &chat)
    form.begin(tools: tools.names, turn: turn)
    writeEcho(of: found, into: &form.echo)
  }

  /// Writes a member that means the same in a chat, and notes where the others are.
  private func read(
    _ member: JSONObjectCursor.Member, _ found: inout Members, _ chat: inout ChatBody
  ) throws(RequestFault) {
    let value = member.value
    let key = body.extracting(member.key)
    if member.keyIs("model", in: body) { return }
    for name: StaticString in ["temperature", "top_p", "parallel_tool_calls", "user", "stream"]
    where member.keyIs(name, in: body) {
      // Providers that know no tools know nothing of their order either.
      if member.keyIs("parallel_tool_calls", in: body) { return }
      return chat.member(name, body.extracting(value))
    }
    if member.keyIs("service_tier", in: body), !isSilent(member) {
      return chat.member("service_tier", body.extracting(value))
    }
    for name: StaticString in ["conversation", "prompt", "moderation"] where member.keyIs(name, in: body) {
      throw RequestFault(
        .unsupported, "\(name)",
        "'\(name)' is kept at OpenAI, and the model is elsewhere; send all of it in 'input'.")
    }
    if member.keyIs("instructions", in: body) {
      found.instructions = value
    } else if member.keyIs("tools", in: body) {
      guard member.kind == .array else { throw RequestFault(.invalid, "tools", "'tools' must be a list.") }
      found.tools = value
    } else if member.keyIs("tool_choice", in: body) {
      found.choice = value
    } else if member.keyIs("text", in: body) {
      found.text = value
    } else if member.keyIs("reasoning", in: body) {
      found.reasoning = value
    } else if member.keyIs("max_output_tokens", in: body) {
      guard let limit = JSONValue.integer(body, value), limit >= 1 else {
        throw RequestFault(
          .invalid, "max_output_tokens", "'max_output_tokens' must be an integer of at least 1.")
      }
      chat.member(chat.target.wantsCompletionTokens ? "max_completion_tokens" : "max_tokens")
      let ceiling = chat.target.outputCeiling
      if ceiling > 0, limit > ceiling { chat.dropped.add("max_output_tokens") }
      chat.out.append(decimal: ceiling > 0 ? min(limit, ceiling) : limit)
    } else if member.keyIs("include", in: body), member.kind == .array {
      found.include = value
    } else if member.keyIs("top_logprobs", in: body) {
      guard let count = JSONValue.integer(body, value), (0...20).contains(count) else {
        throw RequestFault(.invalid, "top_logprobs", "'top_logprobs' must be an integer from 0 to 20.")
      }
      found.topLogprobs = count
    } else if member.keyIs("previous_response_id", in: body) {
      throw RequestFault(
        .noSuchResponse, "previous_response_id",
        "Previous response with this id not found. Responses of models that are spoken to in another API are kept in this pod's memory for a while (responses.keep); send the history in 'input'."
      )
    } else if member.keyIs("background", in: body), JSONValue.bool(body, value) == true {
      throw RequestFault(
        .unsupported, "background",
        "The model's provider answers at once or not at all; leave 'background' out.")
    } else if !isSilent(member), !RequestFacts.isOwn(body, member.key) {
      chat.dropped.add(key)
    }
  }

  /// Names what `reasoning` says beside the effort, and can't be said elsewhere. Summaries come wherever there are any.
  private func nameLost(of reasoning: Range<Int>, into chat: inout ChatBody) {
    var members = JSONObjectCursor(body, reasoning)
    while let member = members.next() {
      if member.kind == .null || member.keyIs("effort", in: body) || member.keyIs("summary", in: body)
        || member.keyIs("generate_summary", in: body)
        || JSONString.equals(body, member.value, "auto")
        || JSONString.equals(body, member.value, "standard")
      {
        continue
      }
      chat.dropped.add(inside: "reasoning", body.extracting(member.key))
    }
  }

  /// Whether nothing is lost where a member is left out.
  private func isSilent(_ member: JSONObjectCursor.Member) -> Bool {
    let value = member.value
    for name: StaticString in [
      "store", "include", "metadata", "stream_options", "prompt_cache_key", "background", "safety_identifier",
      "prompt_cache_options", "prompt_cache_retention",
    ] where member.keyIs(name, in: body) { return true }
    return member.keyIs("service_tier", in: body) && JSONString.equals(body, value, "auto")
      || member.keyIs("truncation", in: body) && JSONString.equals(body, value, "disabled")
  }

  private func writeText(_ text: Range<Int>?, into chat: inout ChatBody) throws(RequestFault) {
    guard let text else { return }
    if JSONView.value(body, in: text, at: "verbosity") != nil { chat.dropped.add("text.verbosity") }
    guard let format = JSONView.value(body, in: text, at: "format") else { return }
    let type = JSONView.content(body, in: format, at: "type")
    if type.equals("json_object") {
      chat.member("response_format", ("{\"type\":\"json_object\"}" as StaticString).bytes)
    } else if type.equals("json_schema") {
      guard let schema = JSONView.value(body, in: format, at: "schema") else {
        throw RequestFault(.invalid, "text.format.schema", "'text.format' must have a schema.")
      }
      chat.member("response_format")
      chat.out.append("{\"type\":\"json_schema\",\"json_schema\":{\"schema\":")
      chat.out.append(body.extracting(schema))
      for name: StaticString in ["name", "strict", "description"] {
        if let value = JSONView.value(body, in: format, at: name), !JSONValue.isNull(body, value) {
          ChatRequest.appendMember(name, body.extracting(value), into: &chat.out)
        }
      }
      chat.out.append("}}")
    } else if !type.equals("text") {
      throw RequestFault(
        .invalid, "text.format.type", "'text.format.type' must be text, json_object or json_schema.")
    }
  }

  /// The part of the answer that repeats the request: the same in the stream's first events and in its last.
  private func writeEcho(of found: borrowing Members, into out: inout ByteQueue) {
    // A view of the list, for each look at the list itself is a copy of it.
    let repeated = found.repeated.span
    // What isn't given stands there in one piece from one member that is to the next.
    let unsaid = Self.unsaid.text.span
    var written = 0
    for (at, known) in Self.repeated.enumerated() {
      guard let range = repeated[at], range.count <= Self.repeatedCeiling else { continue }
      out.append(unsaid.extracting(written..<Self.unsaid.starts[at]))
      written = Self.unsaid.starts[at + 1]
      out.append(literal: ",\"")
      out.append(known.name)
      out.append(literal: "\":")
      // On one line, for it stands in an event.
      JSONText.appendCompact(body.extracting(range), escaped: false, into: &out)
    }
    out.append(unsaid.extracting(written..<unsaid.count))
  }

  /// What stands in the place of the members that aren't given, one behind the other, and where each begins; the end last.
  private static let unsaid: (text: [UInt8], starts: [Int]) = {
    var text: [UInt8] = []
    var starts = [0]
    for known in repeated {
      text += known.otherwise.bytes.array()
      starts.append(text.count)
    }
    return (text, starts)
  }()

  /// Asks for the tokens' probabilities where `include` does, or `top_logprobs` says how many others of each.
  private func writeLogprobs(_ found: borrowing Members, into chat: inout ChatBody) {
    var isWanted = (found.topLogprobs ?? 0) > 0
    if let include = found.include {
      var items = JSONArrayCursor(body, include)
      while let item = items.next() {
        if JSONString.equals(body, item.value, "message.output_text.logprobs") { isWanted = true }
      }
    }
    guard isWanted else { return }
    chat.member("logprobs", ("true" as StaticString).bytes)
    if let top = found.topLogprobs {
      chat.member("top_logprobs")
      chat.out.append(decimal: top)
    }
  }
}
