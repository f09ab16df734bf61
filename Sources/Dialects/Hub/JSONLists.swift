// Lists of JSON that exist only once something is in them, because providers refuse empty ones.

internal import Wire

/// Turns of the conversation: neighbours of one role are one turn, as the API wants it.
struct TurnList {
  enum Role { case user, assistant }

  private var role: Role?
  private var hasTurns = false

  /// Makes sure that the turn under way is `role`'s, and puts a comma before all but its first block.
  mutating func open(_ role: Role, into out: inout ByteQueue) {
    if self.role == role { return out.append(",") }
    close(into: &out)
    out.append(hasTurns ? "," : "")
    out.append(role == .user ? "{\"role\":\"user\",\"content\":[" : "{\"role\":\"assistant\",\"content\":[")
    self.role = role
    hasTurns = true
  }

  mutating func close(into out: inout ByteQueue) {
    if role != nil { out.append("]}") }
    role = nil
  }
}

/// A list of blocks that is written only if it holds any.
struct BlockList {
  private let opening: StaticString
  private var isOpen = false

  /// - Parameter opening: what stands before the first block, its bracket included.
  init(_ opening: StaticString) { self.opening = opening }

  mutating func open(into out: inout ByteQueue) {
    out.append(isOpen ? "," : opening)
    isOpen = true
  }

  mutating func close(into out: inout ByteQueue) {
    if isOpen { out.append("]") }
    isOpen = false
  }
}
