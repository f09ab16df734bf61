// Lists of JSON that exist only once something is in them, because providers refuse empty ones.

internal import Wire

/// Turns of the conversation: neighbours of one role are one turn, as the API wants it.
struct TurnList {
  enum Role { case user, assistant }

  /// Whether the last block can be marked as the end of what a cache keeps.
  enum Mark {
    /// There is no block, or it is one of reasoning, which takes no mark.
    case impossible
    case possible
    case made
  }

  /// A text block that stands for a user who says nothing.
  private let filler: StaticString
  /// Whether a conversation that an assistant begins gets the filler in front.
  private let beginsWithUser: Bool
  /// A text block for turns that hold a document and no text; empty where none is wanted.
  private let caption: StaticString
  private(set) var role: Role?
  private var hasTurns = false
  private var hasText = false
  private var hasDocument = false
  var mark = Mark.impossible

  init(filler: StaticString, beginsWithUser: Bool = false, caption: StaticString = "") {
    self.filler = filler
    self.beginsWithUser = beginsWithUser
    self.caption = caption
  }

  /// Makes sure that the turn under way is `role`'s, and puts a comma before all but its first block.
  mutating func open(_ role: Role, into out: inout ByteQueue) {
    if self.role == role { return out.append(",") }
    if role == .assistant, !hasTurns, beginsWithUser { fill(into: &out) }
    if self.role != nil {
      writeCaption(into: &out)
      if role == .user {
        out.append(literal: "]},{\"role\":\"user\",\"content\":[")
      } else {
        out.append(literal: "]},{\"role\":\"assistant\",\"content\":[")
      }
      (hasText, hasDocument) = (false, false)
    } else {
      if hasTurns { out.append(",") }
      out.append(role == .user ? "{\"role\":\"user\",\"content\":[" : "{\"role\":\"assistant\",\"content\":[")
    }
    self.role = role
    hasTurns = true
  }

  /// What the block that was just written holds.
  mutating func noteText() { hasText = true }
  mutating func noteDocument() { hasDocument = true }

  /// Closes the list, which may not be empty.
  ///
  /// - Parameter isUsers: the user has the last word, if only a blank one: an answer may not be gone on with.
  mutating func end(isUsers: Bool, into out: inout ByteQueue) {
    if !hasTurns || isUsers && role == .assistant { fill(into: &out) }
    close(into: &out)
  }

  private mutating func fill(into out: inout ByteQueue) {
    open(.user, into: &out)
    out.append(filler)
  }

  private mutating func close(into out: inout ByteQueue) {
    if role != nil {
      writeCaption(into: &out)
      out.append("]}")
    }
    role = nil
    (hasText, hasDocument) = (false, false)
  }

  private func writeCaption(into out: inout ByteQueue) {
    guard hasDocument, !hasText, caption.utf8CodeUnitCount > 0 else { return }
    out.append(",")
    out.append(caption)
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
