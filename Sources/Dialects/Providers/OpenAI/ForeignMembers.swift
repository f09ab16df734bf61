// What a conversation carries from other providers' answers and caches, and OpenAI refuses.
//
// A client echoes the whole message that it got: with Google's signatures, signed thoughts, reasoning. OpenAI has no such
// members, and answers many with 400: "Unknown parameter: 'messages[2].tool_calls[0].index'", "Unknown parameter:
// 'messages[0].content[0].cache_control'" (public reports, 2025 and 2026; older models pass over a part of them). They say
// nothing to it, so leaving them out changes no answer, should a model take them.

internal import Wire

/// Leaves them out of a chat.
enum ForeignMembers {
  /// Their names, for the scanner to notice (Noticed.swift): a body without them isn't looked at again.
  static let names: [StaticString] = [
    "extra_content", "thinking_blocks", "reasoning_content", "reasoning_details", "reasoning",
    "cache_control",
  ]

  /// Adds the edits of the chat in `whole`.
  static func write(
    _ body: Span<UInt8>, _ whole: Range<Int>, _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    var members = JSONObjectCursor(body, whole)
    while let member = members.next() {
      if member.keyIs("messages", in: body) {
        try clear(body, member.value, "messages", inner: ["content", "tool_calls"], &splice, &dropped)
      } else if member.keyIs("tools", in: body) {
        try clear(body, member.value, "tools", inner: [], &splice, &dropped)
      }
    }
  }

  /// Clears the objects of a list, and those of the lists in them.
  ///
  /// - Parameters:
  ///   - list: what the list is called.
  ///   - inner: members of the list's objects that are lists of objects.
  private static func clear(
    _ body: Span<UInt8>, _ range: Range<Int>, _ list: StaticString, inner: [StaticString],
    _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    var elements = JSONArrayCursor(body, range)
    var index = -1
    while let element = elements.next() {
      index += 1
      if element.kind != .object { continue }
      var removal = InnerRemoval()
      var members = JSONObjectCursor(body, element.value)
      while let member = members.next() {
        if isForeign(member, body) {
          if !JSONView.isHollow(body, member.value) { dropped.add(list, index, body.extracting(member.key)) }
          try removal.remove(member, &splice)
          continue
        }
        try removal.keep(member, &splice)
        guard member.kind == .array else { continue }
        for name in inner where member.keyIs(name, in: body) {
          try clear(body, member.value, list, index, name, &splice, &dropped)
        }
      }
      try removal.finish(&splice)
    }
  }

  /// As above, of the list `inner` in the element at `index` of `list`.
  private static func clear(
    _ body: Span<UInt8>, _ range: Range<Int>, _ list: StaticString, _ index: Int, _ inner: StaticString,
    _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    var elements = JSONArrayCursor(body, range)
    var position = -1
    while let element = elements.next() {
      position += 1
      if element.kind != .object { continue }
      var removal = InnerRemoval()
      var members = JSONObjectCursor(body, element.value)
      while let member = members.next() {
        guard isForeign(member, body) else {
          try removal.keep(member, &splice)
          continue
        }
        if !JSONView.isHollow(body, member.value) {
          dropped.add(list, index, inner, position, body.extracting(member.key))
        }
        try removal.remove(member, &splice)
      }
      try removal.finish(&splice)
    }
  }

  private static func isForeign(_ member: JSONObjectCursor.Member, _ body: Span<UInt8>) -> Bool {
    names.contains { member.keyIs($0, in: body) }
  }
}
