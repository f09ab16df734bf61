// Reads a request of the Messages API and writes it as a chat (Anthropic API reference, "Messages", 2026-10).
// Next: MessagesTurns.swift (the conversation), MessagesTools.swift.

internal import Wire

/// One request.
struct MessagesRequest: ~Escapable {
  let body: Span<UInt8>
  let strings: Span<UInt64>

  /// - Parameter strings: where the body's long strings lie, as far as that is known.
  @_lifetime(copy body, copy strings)
  init(_ body: Span<UInt8>, strings: Span<UInt64>) {
    self.body = body
    self.strings = strings
  }

  /// Where the request's members lie.
  struct Members {
    var messages: Range<Int>?
    var system: Range<Int>?
    var maxTokens: Range<Int>?
    var tools: Range<Int>?
    var choice: Range<Int>?
    var thinking: Range<Int>?
    var output: Range<Int>?
    var format: Range<Int>?
  }

  /// - Parameter counts: its tokens are to be counted, so that there is no answer whose length it would say.
  static func write(
    _ body: Span<UInt8>, strings: Span<UInt64>, counts: Bool, into chat: inout ChatBody
  ) throws(RequestFault) {
    try MessagesRequest(body, strings: strings).write(counts, into: &chat)
  }

  private static let noServers = RequestFault(
    .unsupported, "mcp_servers",
    "The model's provider runs no MCP servers; have your application call them, and send their tools.")

  /// Of a conversation that goes on the rest is missing. The SDK's loop of tools begins a thread by itself, and sends all of
  /// the conversation once it hears this.
  static let noThread = RequestFault(
    .noThread, "thread",
    "The model's provider keeps no conversations; send all of this one in 'messages', without 'thread'.")

  private func write(_ counts: Bool, into chat: inout ChatBody) throws(RequestFault) {
    var found = Members()
    var members = JSONWalk(body, strings: strings)
    _ = members.enterObject()
    while let member = members.nextMember() {
      if member.kind == .null || counts && member.keyIs("stream", in: body) { continue }
      try read(member, &found, &chat)
    }
    guard let messages = found.messages else {
      throw RequestFault(.invalid, "messages", "'messages' is missing; send the conversation as a list.")
    }
    if let limit = found.maxTokens, !counts {
      try writeLimit(limit, into: &chat)
    } else if !counts {
      throw RequestFault(.invalid, "max_tokens", "'max_tokens' is missing; say how long the answer may be.")
    }
    try writeTurns(found.system, messages, into: &chat)
    try writeTools(found.tools, found.choice, into: &chat)
    writeThinking(found, into: &chat)
    writeFormat(found, into: &chat)
  }

  /// Writes a member that means the same in a chat, and notes where the others are.
  private func read(
    _ member: JSONObjectCursor.Member, _ found: inout Members, _ chat: inout ChatBody
  ) throws(RequestFault) {
    let value = member.value
    func expect(_ kind: JSONKind, _ name: StaticString, _ what: StaticString) throws(RequestFault) {
      if member.kind != kind { throw RequestFault(.invalid, "\(name)", "'\(name)' must be \(what).") }
    }
    let key = body.extracting(member.key)
    if member.keyIs("messages", in: body) {
      try expect(.array, "messages", "a list")
      found.messages = value
    } else if member.keyIs("system", in: body) {
      found.system = value
    } else if member.keyIs("max_tokens", in: body) {
      found.maxTokens = value
    } else if member.keyIs("tools", in: body) {
      try expect(.array, "tools", "a list")
      found.tools = value
    } else if member.keyIs("tool_choice", in: body) {
      try expect(.object, "tool_choice", "an object")
      found.choice = value
    } else if member.keyIs("thinking", in: body) {
      found.thinking = value
    } else if member.keyIs("output_config", in: body) {
      found.output = value
      dropOthers(of: value, into: &chat)
    } else if member.keyIs("output_format", in: body) {
      found.format = value
    } else if member.keyIs("model", in: body) {
      return
    } else if member.keyIs("stream", in: body) {
      chat.member("stream", body.extracting(value))
    } else if member.keyIs("temperature", in: body) {
      chat.member("temperature", body.extracting(value))
    } else if member.keyIs("top_p", in: body) {
      chat.member("top_p", body.extracting(value))
    } else if member.keyIs("top_k", in: body) {
      if chat.target.takes("top_k") {
        chat.member("top_k", body.extracting(value))
      } else {
        chat.dropped.add("top_k")
      }
    } else if member.keyIs("stop_sequences", in: body) {
      try expect(.array, "stop_sequences", "a list of strings")
      var items = JSONArrayCursor(body, value)
      if items.next() != nil { chat.member("stop", body.extracting(value)) }
    } else if member.keyIs("metadata", in: body) {
      writeUser(value, into: &chat)
    } else if member.keyIs("mcp_servers", in: body) {
      var items = JSONArrayCursor(body, value)
      if items.next() != nil { throw Self.noServers }
    } else if member.keyIs("thread", in: body) {
      throw Self.noThread
    } else if member.keyIs("service_tier", in: body), JSONString.equals(body, value, "auto") {
      return
    } else if !RequestFacts.isOwn(body, member.key) {
      chat.dropped.add(key)
    }
  }

  /// Names the members of `output_config` that can't be told.
  private func dropOthers(of value: Range<Int>, into chat: inout ChatBody) {
    var parts = JSONObjectCursor(body, value)
    while let part = parts.next() {
      if part.kind == .null || part.keyIs("effort", in: body) || part.keyIs("format", in: body) { continue }
      chat.dropped.add(inside: "output_config", body.extracting(part.key))
    }
  }

  private func writeLimit(_ value: Range<Int>, into chat: inout ChatBody) throws(RequestFault) {
    guard let limit = JSONValue.integer(body, value), limit >= 1 else {
      throw RequestFault(.invalid, "max_tokens", "'max_tokens' must be an integer of at least 1.")
    }
    let ceiling = chat.target.outputCeiling
    if ceiling > 0, limit > ceiling { chat.dropped.add("max_tokens") }
    chat.member(chat.target.wantsCompletionTokens ? "max_completion_tokens" : "max_tokens")
    chat.out.append(decimal: ceiling > 0 ? min(limit, ceiling) : limit)
  }

  /// Claude Code puts JSON with an account and a session into the id; OpenAI takes 64 characters.
  private func writeUser(_ metadata: Range<Int>, into chat: inout ChatBody) {
    var members = JSONObjectCursor(body, metadata)
    while let member = members.next() {
      if member.kind == .null { continue }
      if member.keyIs("user_id", in: body), member.kind == .string, member.value.count <= 66 {
        chat.member("user", body.extracting(member.value))
      } else {
        chat.dropped.add(inside: "metadata", body.extracting(member.key))
      }
    }
  }

  // MARK: Thinking and form

  private func writeThinking(_ found: Members, into chat: inout ChatBody) {
    let effort = found.output.flatMap { JSONView.value(body, in: $0, at: "effort") }.flatMap {
      JSONView.kind(body, $0) == .string ? $0 : nil
    }
    if let thinking = found.thinking, chat.target.takes("thinking") {
      chat.member("thinking", body.extracting(thinking))
      if let effort { chat.member("reasoning_effort", body.extracting(effort)) }
      return
    }
    if let effort {
      if chat.target.reasons == false { return chat.dropped.add("output_config.effort") }
      return chat.member("reasoning_effort", body.extracting(effort))
    }
    guard let thinking = found.thinking, let wanted = Self.effort(body, thinking) else { return }
    // A model that doesn't think refuses to be told how hard.
    guard chat.target.reasons == true else {
      if !wanted.equals("none") { chat.dropped.add("thinking") }
      return
    }
    chat.member("reasoning_effort")
    JSONWriter.string(wanted, into: &chat.out)
  }

  /// The effort that a number of tokens to think with comes to; nil where nothing is said of it.
  private static func effort(_ body: Span<UInt8>, _ thinking: Range<Int>) -> StaticString? {
    let type = JSONView.content(body, in: thinking, at: "type")
    if type.equals("disabled") { return "none" }
    guard let budget = JSONView.value(body, in: thinking, at: "budget_tokens"),
      let tokens = JSONValue.integer(body, budget)
    else { return nil }
    switch tokens {
    case ..<2048: return "low"
    case ..<8192: return "medium"
    case ..<16384: return "high"
    default: return "xhigh"
    }
  }

  private func writeFormat(_ found: Members, into chat: inout ChatBody) {
    let format = found.output.flatMap { JSONView.value(body, in: $0, at: "format") } ?? found.format
    guard let format, let schema = JSONView.value(body, in: format, at: "schema") else { return }
    chat.member("response_format")
    chat.out.append(
      "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"strict\":true,\"schema\":")
    chat.out.append(body.extracting(schema))
    chat.out.append("}}")
  }
}

extension StaticString {
  fileprivate func equals(_ other: StaticString) -> Bool { bytes.equals(other) }
}
