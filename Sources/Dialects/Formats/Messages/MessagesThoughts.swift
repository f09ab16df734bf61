// Reasoning in a conversation that goes as it is to a provider that didn't sign it: under Remora's own seal, which no
// provider reads, or unsigned where the provider is Claude, whose API refuses that. It is taken out.

internal import Wire

enum MessagesThoughts {
  /// Takes out what the provider hasn't signed, and turns of which nothing else is left.
  ///
  /// - Parameters:
  ///   - messages: where the conversation lies in `body`.
  ///   - takesUnsigned: the provider thinks without signing, and wants it back.
  static func remove(
    from body: Span<UInt8>, _ messages: Range<Int>, takesUnsigned: Bool, _ splice: inout JSONSplice
  ) throws(RequestFault) {
    var turns = JSONArrayCursor(body, messages)
    while let turn = turns.next() {
      guard turn.kind == .object, let content = JSONView.value(body, in: turn.value, at: "content"),
        JSONView.kind(body, content) == .array,
        JSONView.content(body, in: turn.value, at: "role").equals("assistant")
      else { continue }
      var foreign: [Range<Int>] = []
      var keepsAny = false
      var blocks = JSONArrayCursor(body, content)
      while let block = blocks.next() {
        if block.kind == .object, isForeign(body, block.value, takesUnsigned) {
          foreign.append(block.value)
        } else {
          keepsAny = true
        }
      }
      // A turn without content is refused.
      if !foreign.isEmpty, !keepsAny { foreign = [turn.value] }
      for element in foreign { try remove(element, from: body, &splice, "messages") }
    }
  }

  /// Takes an element out of its list as a member is out of its object: it has neighbours with commas between.
  static func remove(
    _ element: Range<Int>, from body: Span<UInt8>, _ splice: inout JSONSplice, _ list: String
  ) throws(RequestFault) {
    let start = element.lowerBound
    do throws(JSONSpliceFault) {
      try splice.remove(key: start + 1..<start + 1, value: element, in: body)
    } catch {
      throw RequestFault(
        .invalid, list,
        "'\(list)' holds more reasoning of other models than can be taken out; leave it out yourself.")
    }
  }

  private static func isForeign(_ body: Span<UInt8>, _ block: Range<Int>, _ takesUnsigned: Bool) -> Bool {
    let type = JSONView.content(body, in: block, at: "type")
    if type.equals("redacted_thinking") {
      return Envelope.isOurs(JSONView.content(body, in: block, at: "data"))
    }
    guard type.equals("thinking") else { return false }
    let signature = JSONView.content(body, in: block, at: "signature")
    return signature.isEmpty ? !takesUnsigned : Envelope.isOurs(signature)
  }
}
