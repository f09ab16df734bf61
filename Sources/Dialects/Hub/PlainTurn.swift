// Most turns of a conversation are a role and a text, written in this order by nearly all clients, in all formats.

internal import Wire

extension JSONWalk {
  /// Reads a turn that says a role (`user` or `assistant`) and a string as its content and nothing else, in this order; nil,
  /// and nothing is read, where something else comes next.
  mutating func takePlainTurn() -> (role: ChatMessage.Role, text: Range<Int>)? {
    var ahead = self
    guard ahead.enterObject(), ahead.takeKey("\"role\":") else { return nil }
    let role: ChatMessage.Role
    if ahead.takeValue("\"user\"") {
      role = .user
    } else if ahead.takeValue("\"assistant\"") {
      role = .assistant
    } else {
      return nil
    }
    guard ahead.takeKey("\"content\":"), case .string? = ahead.kind, let (text, _) = ahead.pass(),
      ahead.takeEnd()
    else { return nil }
    self = ahead
    return (role, text)
  }
}
