// What becomes of turns that say nothing, and of conversations in which no user speaks, at providers that refuse them.

internal import Wire

/// The messages of one chat, in order, each with what becomes of it.
struct SpokenMessages: ~Escapable {
  enum Fate: Equatable {
    case stays, goes
    /// A user who says nothing, where the turns around it would be others without: it gets a short word.
    case isFilled
    /// An assistant that only refused, which the provider has no member for: the text is what it said.
    case says(Range<Int>)
  }

  struct Message {
    let range: Range<Int>
    let role: MessageRules.Role?
    let fate: Fate
    /// A user's turn goes before it.
    var isBehindFiller = false
  }

  /// A user who has next to nothing to say.
  static let filler: StaticString = "{\"role\":\"user\",\"content\":\"Begin.\"}"

  private let rules: MessageRules
  private let body: Span<UInt8>
  private var messages: JSONArrayCursor
  /// The last message that stays.
  private var before: MessageRules.Role?
  private var hasMessages = false
  private var hasKept = false
  private var hasTurns = false

  @_lifetime(copy body)
  init(_ rules: MessageRules, _ body: Span<UInt8>, _ range: Range<Int>) {
    self.rules = rules
    self.body = body
    messages = JSONArrayCursor(body, range)
  }

  /// The list wants a user's turn behind its last message.
  var lacksTurn: Bool { hasMessages && !hasTurns && (rules.begins != .anyone || !hasKept) }

  mutating func next() -> Message? {
    guard let element = messages.next() else { return nil }
    hasMessages = true
    let role = element.kind == .object ? MessageEdit.role(body, element.value) : nil
    let fate = fate(of: element.value, role)
    if fate == .goes { return Message(range: element.value, role: role, fate: fate) }
    var isFirst = false
    if role != .system {
      let mayBegin =
        switch rules.begins {
        case .anyone: true
        case .userOrSystem: role != .assistant || hasKept
        case .user: role != .assistant
        }
      isFirst = !hasTurns && !mayBegin
      hasTurns = true
    }
    before = role
    hasKept = true
    return Message(range: element.value, role: role, fate: fate, isBehindFiller: isFirst)
  }

  private func fate(of message: Range<Int>, _ role: MessageRules.Role?) -> Fate {
    guard let role, role != .tool else { return .stays }
    // Members that aren't known go, and what was said in them would.
    if role == .assistant, rules.refusesBlanks || !rules.known.isEmpty,
      let refusal = JSONView.value(body, in: message, at: "refusal"),
      JSONView.kind(body, refusal) == .string, !JSONText.isBlank(body, refusal), isSilent(message, role)
    {
      return .says(refusal)
    }
    guard rules.refusesBlanks, isSilent(message, role) else { return .stays }
    return role != .user || before == .user || isFollowedByUser ? .goes : .isFilled
  }

  /// Whether the next message that stays may be a user's.
  private var isFollowedByUser: Bool {
    var following = messages
    while let element = following.next() {
      let role = MessageEdit.role(body, element.value)
      if role == .user { return true }
      guard let role, role != .tool, isSilent(element.value, role) else { return false }
    }
    return false
  }

  // MARK: What a message says

  /// Whether it has neither a call nor a content that says something. A turn that the model goes on with
  /// says something by being there: Moonshot's `partial` takes the name of who speaks in it ("Partial mode").
  private func isSilent(_ message: Range<Int>, _ role: MessageRules.Role) -> Bool {
    var members = JSONObjectCursor(body, message)
    while let member = members.next() {
      if member.kind == .true, role == .assistant, member.keyIs("partial", in: body) { return false }
      if member.keyIs("content", in: body) {
        guard isBlank(content: member) else { return false }
      } else if role == .assistant,
        member.keyIs("tool_calls", in: body) || member.keyIs("function_call", in: body)
          || member.keyIs("reasoning_content", in: body) || member.keyIs("audio", in: body)
      {
        guard JSONView.isHollow(body, member.value) else { return false }
      }
    }
    return true
  }

  private func isBlank(content: JSONObjectCursor.Member) -> Bool {
    switch content.kind {
    case .null: return true
    case .string: return JSONText.isBlank(body, content.value)
    case .array:
      var parts = JSONArrayCursor(body, content.value)
      while let part = parts.next() {
        let type = JSONView.content(body, in: part.value, at: "type")
        guard type.equals("text") || type.equals("refusal") else { return false }
        let text = JSONView.value(body, in: part.value, at: type.equals("text") ? "text" : "refusal")
        guard let text, JSONView.kind(body, text) == .string, JSONText.isBlank(body, text) else {
          return false
        }
      }
      return true
    default: return false
    }
  }
}
