// Reasoning in a conversation that goes to Claude as it is, although another model thought it: unsigned, or under
// Remora's own seal. Claude's API refuses both, so they are taken out.

internal import Wire

enum MessagesThoughts {
  /// Takes out what Claude hasn't signed.
  ///
  /// - Parameter messages: where the conversation lies in `body`.
  static func remove(from body: Span<UInt8>, _ messages: Range<Int>, _ splice: inout JSONSplice) {
    var turns = JSONArrayCursor(body, messages)
    while let turn = turns.next() {
      guard turn.kind == .object, let content = JSONView.value(body, in: turn.value, at: "content"),
        JSONView.kind(body, content) == .array,
        JSONView.content(body, in: turn.value, at: "role").equals("assistant")
      else { continue }
      var blocks = JSONArrayCursor(body, content)
      while let block = blocks.next() {
        guard block.kind == .object, isForeign(body, block.value) else { continue }
        // A block is taken out as a member is: it has neighbours with commas between.
        let start = block.value.lowerBound
        try? splice.remove(key: start + 1..<start + 1, value: block.value, in: body)
      }
    }
  }

  private static func isForeign(_ body: Span<UInt8>, _ block: Range<Int>) -> Bool {
    let type = JSONView.content(body, in: block, at: "type")
    if type.equals("redacted_thinking") {
      return Envelope.isOurs(JSONView.content(body, in: block, at: "data"))
    }
    guard type.equals("thinking") else { return false }
    let signature = JSONView.content(body, in: block, at: "signature")
    return signature.isEmpty || Envelope.isOurs(signature)
  }
}
