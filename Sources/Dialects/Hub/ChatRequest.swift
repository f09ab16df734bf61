// THE INTERMEDIATE FORM of a chat request: what a client asks for, typed, as places in its body.
//
// Nothing is copied: every range lies in the body that was read, which the writers get beside the request. A
// string's range includes its quotes; most of them go to the provider as they are. Read by
// ChatRequestReader.swift, written by each dialect's `Request.swift`.

internal import Wire

/// Why a request can't be sent to a provider as it stands: 400 for the client.
package struct RequestFault: Error, Sendable, Equatable {
  package enum Code: Sendable {
    /// A value that no provider takes.
    case invalid
    /// Something that this dialect has no word for, and whose loss would change the meaning.
    case unsupported
    /// An earlier answer that isn't kept.
    case noSuchResponse
    /// A conversation is to be kept that can't be.
    case noThread
  }

  package var code: Code
  /// The member's path, as OpenAI's own errors write it: `messages[1].content`.
  package var parameter: String
  /// What is wrong, and what would be right. Never text of the request.
  package var message: String

  static let noMessages = RequestFault(
    .invalid, "messages", "'messages' is empty; send at least one turn.")

  package init(_ code: Code, _ parameter: String, _ message: String) {
    self.code = code
    self.parameter = parameter
    self.message = message
  }
}

/// One turn of the conversation. The ranges of indices count in the lists of `ChatRequest`.
package struct ChatMessage: Sendable {
  package enum Role: Sendable, Equatable {
    case system, developer, user, assistant, tool
  }

  package var role: Role
  /// Indices into `ChatRequest.parts`.
  package internal(set) var parts = 0..<0
  /// Indices into `ChatRequest.calls`: the tool calls that the assistant made.
  package internal(set) var calls = 0..<0
  /// Indices into `ChatRequest.thinking`: the reasoning that an earlier answer gave and the client kept.
  package internal(set) var thinking = 0..<0
  /// `reasoning_content`, or `reasoning`: a string.
  package internal(set) var reasoning: Range<Int>?
  /// The call that a tool's turn answers: a string.
  package internal(set) var toolCallID: Range<Int>?
  package internal(set) var name: Range<Int>?
  /// `cache_control` of the whole message: an object.
  package internal(set) var cacheControl: Range<Int>?
  /// `extra_content`: an object, as Google's own OpenAI surface has it.
  package internal(set) var extra: Range<Int>?

  /// The system's word, by either of its names.
  package var isSystem: Bool { role == .system || role == .developer }
}

/// A piece of a message's content.
package struct ChatPart: Sendable {
  package enum Kind: Sendable, Equatable {
    /// `value` is the text.
    case text
    /// `value` is the URL (`data:` or `http:`), `second` the detail.
    case image
    /// `value` is base64, `second` the format (`wav`, `mp3`).
    case audio
    /// `value` is a `data:` URL or base64, or nil with `second` a file's id; `third` its name.
    case file
    /// `value` is what the assistant said instead of an answer.
    case refusal
  }

  package internal(set) var kind: Kind
  package internal(set) var value: Range<Int>?
  package internal(set) var second: Range<Int>?
  package internal(set) var third: Range<Int>?
  /// An object.
  package internal(set) var cacheControl: Range<Int>?
  /// Where the part stands, for errors: `messages[1].content[0]`.
  package internal(set) var place: (message: Int, part: Int)

  package var parameter: String { "messages[\(place.message)].content[\(place.part)]" }
}

/// A tool call of an earlier turn.
package struct ChatCall: Sendable {
  package internal(set) var id: Range<Int>?
  package internal(set) var name: Range<Int>
  /// A string that holds JSON, if all is well; see `ChatRequest.appendArguments`.
  package internal(set) var arguments: Range<Int>?
  /// `extra_content.google.thought_signature`: a string.
  package internal(set) var signature: Range<Int>?
  /// An object.
  package internal(set) var cacheControl: Range<Int>?
  /// Where the call stands, for what is named as dropped: `messages[1].tool_calls[0]`.
  package internal(set) var place: (message: Int, call: Int)
}

/// A block of `thinking_blocks`, as answers of signed reasoning carry it.
package struct ChatThinking: Sendable {
  /// A string; nil in a redacted block.
  package internal(set) var text: Range<Int>?
  package internal(set) var signature: Range<Int>?
  /// A redacted block's data.
  package internal(set) var redacted: Range<Int>?

  /// Whether the provider that it came from takes it back.
  var isSigned: Bool { redacted != nil || signature.map { $0.count > 2 } == true }
}

/// A tool that the model may call.
package struct ChatTool: Sendable {
  package internal(set) var name: Range<Int>
  package internal(set) var description: Range<Int>?
  /// A JSON Schema: an object; nil where the function takes nothing.
  package internal(set) var parameters: Range<Int>?
  package internal(set) var strict: Bool?
  package internal(set) var cacheControl: Range<Int>?
}

package enum ChatToolChoice: Sendable, Equatable {
  case unsaid, auto, none, required
  /// The name of one function: a string.
  case named(Range<Int>)
  /// Only these, whose indices count in `ChatRequest.tools`.
  case allowed(indices: [Int], isRequired: Bool)
}

package enum ChatFormat: Sendable, Equatable {
  case text
  case jsonObject
  /// The schema is an object, or nil where none is given; name and description are strings.
  case jsonSchema(schema: Range<Int>?, name: Range<Int>?, description: Range<Int>?, strict: Bool?)
}

/// How hard the model is to think.
package enum ChatEffort: Sendable, Equatable {
  case none, minimal, low, medium, high, xhigh, max
}

/// A member that OpenAI doesn't define: a provider's own extension, mostly.
package struct ChatExtension: Sendable {
  /// Between its quotes.
  package internal(set) var key: Range<Int>
  package internal(set) var value: Range<Int>
}

/// A chat request, read. An object, whose lists are kept for the next one.
package final class ChatRequest {
  /// Members with a value that isn't null.
  package internal(set) var given: ChatFields = []
  package internal(set) var messages: [ChatMessage] = []
  package internal(set) var parts: [ChatPart] = []
  package internal(set) var calls: [ChatCall] = []
  package internal(set) var thinking: [ChatThinking] = []
  package internal(set) var tools: [ChatTool] = []
  package internal(set) var toolChoice = ChatToolChoice.unsaid
  package internal(set) var parallelCalls: Bool?
  package internal(set) var format = ChatFormat.text
  package internal(set) var effort: ChatEffort?
  /// Strings.
  package internal(set) var stops: [Range<Int>] = []
  /// `max_completion_tokens`, else `max_tokens`.
  package internal(set) var maxTokens: Int?
  package internal(set) var n = 1
  package internal(set) var logprobs = false
  package internal(set) var topLogprobs: Int?
  package internal(set) var streams = false
  package internal(set) var asksForUsage = false
  package internal(set) var extensions: [ChatExtension] = []
  /// Where each field's value lies, by the field's number.
  var values = [Range<Int>](repeating: 0..<0, count: ChatField.allCases.count)

  /// Elements of a list whose memory is worth keeping: a long conversation's. A worker has one request of this form.
  private static let kept = 1024

  package init() {}

  /// Forgets the request; keeps what memory is worth keeping.
  package func removeAll() {
    given = []
    forgetMessages()
    // Most are empty, and an array finds that out only on a long way.
    if !tools.isEmpty { tools.removeAll(keepingCapacity: tools.count <= Self.kept) }
    toolChoice = .unsaid
    parallelCalls = nil
    format = .text
    effort = nil
    if !stops.isEmpty { stops.removeAll(keepingCapacity: true) }
    maxTokens = nil
    n = 1
    logprobs = false
    topLogprobs = nil
    streams = false
    asksForUsage = false
    if !extensions.isEmpty { extensions.removeAll(keepingCapacity: true) }
  }

  /// Forgets the conversation.
  func forgetMessages() {
    if !messages.isEmpty { messages.removeAll(keepingCapacity: messages.count <= Self.kept) }
    if !parts.isEmpty { parts.removeAll(keepingCapacity: parts.count <= Self.kept) }
    if !calls.isEmpty { calls.removeAll(keepingCapacity: calls.count <= Self.kept) }
    if !thinking.isEmpty { thinking.removeAll(keepingCapacity: thinking.count <= Self.kept) }
  }

  /// Where the field's value lies; nil where it isn't given, or null.
  package func value(_ field: ChatField) -> Range<Int>? {
    given.contains(field) ? values[Int(field.rawValue)] : nil
  }

  /// The value of a member that OpenAI doesn't define.
  package func extended(_ name: StaticString, in body: Span<UInt8>) -> Range<Int>? {
    for member in extensions where JSONString.equals(body, member.key, name) { return member.value }
    return nil
  }

  /// The tools that the choice leaves, in order.
  package var offeredTools: [ChatTool] {
    guard case .allowed(let indices, _) = toolChoice else { return tools }
    return indices.filter { $0 < tools.count }.map { tools[$0] }
  }

  /// Whether any turn holds a tool call or a tool's result.
  package var hasToolHistory: Bool { !calls.isEmpty || messages.contains { $0.role == .tool } }

  /// Whether the assistant's turn under way, with the calls and results in it, begins with signed reasoning; true
  /// where the user has the last word.
  func beginsTurnWithThought() -> Bool {
    var first: Int?
    for index in messages.indices.reversed() {
      switch messages[index].role {
      case .assistant: first = index
      case .system, .developer, .tool: continue
      case .user:
        // The user's word behind results is one turn with them.
        if index > 0, messages[index - 1].role == .tool { continue }
        return first.map(beginsWithThought) ?? true
      }
    }
    return first.map(beginsWithThought) ?? true
  }

  private func beginsWithThought(_ index: Int) -> Bool {
    messages[index].thinking.contains { thinking[$0].isSigned }
  }

  /// The call that the tool's turn at `index` answers: the last one before it with that id.
  package func call(answeredBy index: Int, in body: Span<UInt8>) -> ChatCall? {
    guard let id = messages[index].toolCallID else { return nil }
    let wanted = body.extracting(id)
    for message in messages[..<index].reversed() {
      for at in message.calls.reversed() {
        if let other = calls[at].id, body.extracting(other).equals(wanted) { return calls[at] }
      }
    }
    return nil
  }
}
