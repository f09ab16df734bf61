// Objects and turns that exist only once something is in them.

internal import Wire

/// An object that is written only if it has members.
struct GeminiObject {
  private let opening: StaticString
  private(set) var isOpen = false

  /// - Parameter opening: what stands before the first member, its brace included.
  init(_ opening: StaticString) { self.opening = opening }

  /// Appends the member's name; its value is the caller's to append.
  mutating func member(_ name: StaticString, into out: inout ByteQueue) {
    if isOpen { out.append(",") } else { out.append(opening) }
    isOpen = true
    out.append("\"")
    out.append(name)
    out.append("\":")
  }

  /// - Parameter ending: what stands behind the last member, its brace included.
  mutating func close(_ ending: StaticString = "}", into out: inout ByteQueue) {
    if isOpen { out.append(ending) }
    isOpen = false
  }
}

/// Turns of the conversation: neighbours of one role are one turn, but a turn with functions' results holds nothing
/// else.
struct GeminiTurns {
  enum Turn { case user, model, results }

  /// A turn for a user who says nothing: the first word must be a user's, and no turn may be blank.
  private static let filler: StaticString = "{\"role\":\"user\",\"parts\":[{\"text\":\"Begin.\"}]}"

  private var turn: Turn?
  private var hasTurns = false

  /// Makes sure that the turn under way is of this kind, and puts a comma before all but its first part.
  mutating func open(_ turn: Turn, into out: inout ByteQueue) {
    if self.turn == turn { return out.append(",") }
    // The user has the first word.
    if turn == .model, !hasTurns {
      out.append(Self.filler)
      hasTurns = true
    }
    close(into: &out)
    if hasTurns { out.append(",") }
    out.append(turn == .model ? "{\"role\":\"model\",\"parts\":[" : "{\"role\":\"user\",\"parts\":[")
    self.turn = turn
    hasTurns = true
  }

  mutating func close(into out: inout ByteQueue) {
    if turn != nil { out.append("]}") }
    turn = nil
  }

  /// Closes the list, which may not be empty.
  ///
  /// - Parameter isUsers: the user has the last word, if only a blank one: an answer is not to be gone on with.
  mutating func end(isUsers: Bool, into out: inout ByteQueue) {
    let isUnanswered = isUsers && turn == .model
    close(into: &out)
    if isUnanswered { out.append(",") }
    if !hasTurns || isUnanswered { out.append(Self.filler) }
  }
}
