// Faults and losses of a request that went as a chat are told in the words of the format that its client speaks:
// `input[3].content[0]`, and not the place that this has in a chat which the client never saw.

internal import Wire

/// Where the parts of a chat came from. Noted only once there is something to tell: the request is then written again.
final class ChatPlaces {
  struct Turn {
    let place: String
    var parts: [String] = []
    var calls: [String] = []
  }

  fileprivate(set) var turns: [Turn] = []
  fileprivate(set) var tools: [String] = []

  func note(turn place: String) { turns.append(Turn(place: place)) }
  func note(part place: String) { if !turns.isEmpty { turns[turns.count - 1].parts.append(place) } }
  func note(call place: String) { if !turns.isEmpty { turns[turns.count - 1].calls.append(place) } }
  func note(tool place: String) { tools.append(place) }
}

/// Puts a chat's places into the words of one format.
struct ClientWords {
  private let isMessages: Bool
  private let isResponses: Bool
  private let places: ChatPlaces
  /// What the client says of thinking.
  private let effort: String

  init(_ format: Recast.Format, _ asked: Span<UInt8>, _ places: ChatPlaces) {
    isMessages = format == .messages || format == .tokenCount
    isResponses = format == .responses || format == .inputTokens
    self.places = places
    let whole = 0..<asked.count
    let saysEffort = JSONView.value(asked, in: whole, at: "output_config", "effort") != nil
    effort = isResponses ? "reasoning.effort" : saysEffort ? "output_config.effort" : "thinking"
  }

  /// Whether the name of a place says which element of a list it is in.
  static func isInside(_ name: Span<UInt8>) -> Bool {
    name.begins("messages[") || name.begins("tools[")
  }

  /// What the client calls a place of the chat.
  func name(_ place: String) -> String {
    if !isMessages, !isResponses { return place.hasPrefix("messages") ? "prompt" : place }
    var rest = Path(place)
    guard let head = rest.next() else { return place }
    switch head.name {
    case "messages":
      guard let index = head.index, index < places.turns.count else {
        return head.index == nil && isResponses ? "input" : place
      }
      return inside(places.turns[index], &rest)
    case "tools":
      guard let index = head.index, index < places.tools.count else { return place }
      let tail = rest.tail
      if isMessages, tail.hasPrefix(".parameters") {
        return places.tools[index] + ".input_schema" + tail.dropFirst(".parameters".count)
      }
      return places.tools[index] + tail
    case "response_format":
      let tail = rest.tail
      let inner = tail.hasPrefix(".json_schema") ? tail.dropFirst(".json_schema".count) : tail[...]
      return (isMessages ? "output_config.format" : "text.format") + inner
    case "reasoning_effort": return effort
    case "max_tokens", "max_completion_tokens": return isMessages ? "max_tokens" : "max_output_tokens"
    case "parallel_tool_calls" where isMessages: return "tool_choice.disable_parallel_tool_use"
    case "stop" where isMessages: return "stop_sequences"
    case "user" where isMessages: return "metadata.user_id"
    default: return place
    }
  }

  private func inside(_ turn: ChatPlaces.Turn, _ rest: inout Path) -> String {
    guard let member = rest.next() else { return turn.place }
    let tail = rest.tail
    switch member.name {
    case "content":
      guard let index = member.index else { return turn.place + ".content" }
      // A text without parts is the one part of its turn.
      guard index < turn.parts.count else { return turn.place }
      if tail.hasPrefix(".image_url") { return turn.parts[index] + (isMessages ? ".source" : ".image_url") }
      if tail.hasPrefix(".file.") { return turn.parts[index] + (isMessages ? ".source" : "") }
      return turn.parts[index] + mark(tail)
    case "tool_calls":
      guard let index = member.index, index < turn.calls.count else { return turn.place }
      if tail == ".arguments", isMessages { return turn.calls[index] + ".input" }
      if tail.hasPrefix(".function") { return turn.calls[index] + tail.dropFirst(".function".count) }
      return turn.calls[index] + mark(tail)
    case "tool_call_id": return turn.place + (isMessages ? ".tool_use_id" : ".call_id")
    default: return turn.place + mark("." + member.name) + tail
    }
  }

  private func mark(_ tail: String) -> String {
    isResponses && tail == ".cache_control" ? ".prompt_cache_breakpoint" : tail
  }
}

/// Steps through `messages[3].content[0].cache_control`.
private struct Path {
  private var rest: Substring

  init(_ text: String) { rest = text[...] }

  /// What is left, with the dot before it.
  var tail: String { rest.isEmpty ? "" : "." + rest }

  mutating func next() -> (name: String, index: Int?)? {
    if rest.isEmpty { return nil }
    let end = rest.firstIndex(of: ".") ?? rest.endIndex
    let step = rest[..<end]
    rest = end == rest.endIndex ? "" : rest[rest.index(after: end)...]
    guard let bracket = step.firstIndex(of: "["), step.last == "]" else { return (String(step), nil) }
    return (String(step[..<bracket]), Int(step[step.index(after: bracket)...].dropLast()))
  }
}
