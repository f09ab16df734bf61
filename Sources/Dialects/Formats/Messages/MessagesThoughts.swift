// Reasoning in a conversation that goes as it is to a provider that didn't sign it: under Remora's own seal, which no
// provider reads, or unsigned where the provider is Claude, whose API refuses that. It is taken out.

internal import Wire

enum MessagesThoughts {
  /// Takes out what the provider hasn't signed, and turns of which nothing else is left.
  ///
  /// - Parameters:
  ///   - strings: where the long strings of `body` lie, as far as that is known.
  ///   - takesUnsigned: the provider thinks without signing, and wants it back.
  static func remove(
    from body: Span<UInt8>, strings: Span<UInt64>, takesUnsigned: Bool, _ splice: inout JSONSplice
  ) throws(RequestFault) {
    var walk = JSONWalk(body, strings: strings)
    guard walk.enterObject() else { return }
    while let key = walk.nextKey() {
      guard key.says("messages", in: body), walk.enterArray() else {
        _ = walk.pass()
        continue
      }
      while walk.nextElement() {
        for element in foreign(body, &walk, takesUnsigned) {
          try remove(element, from: body, &splice, "messages")
        }
      }
    }
  }

  /// What is to be taken out of the turn that comes next.
  private static func foreign(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ takesUnsigned: Bool
  ) -> [Range<Int>] {
    guard case .object? = walk.kind else {
      _ = walk.pass()
      return []
    }
    let start = walk.at
    guard walk.enterObject() else { return [] }
    var foreign: [Range<Int>] = []
    var keepsAny = false
    var isAssistants = false
    while let key = walk.nextKey() {
      if key.says("content", in: body), walk.enterArray() {
        while walk.nextElement() {
          if let block = foreignBlock(body, &walk, takesUnsigned) {
            foreign.append(block)
          } else {
            keepsAny = true
          }
        }
      } else if let (value, _) = walk.pass(), key.says("role", in: body) {
        isAssistants = JSONString.equals(body, value, "assistant")
      }
    }
    if !isAssistants || foreign.isEmpty { return [] }
    // A turn without content is refused.
    return keepsAny ? foreign : [start..<walk.at]
  }

  /// The block that comes next, where it is to be taken out.
  private static func foreignBlock(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ takesUnsigned: Bool
  ) -> Range<Int>? {
    guard case .object? = walk.kind else {
      _ = walk.pass()
      return nil
    }
    let start = walk.at
    guard walk.enterObject() else { return nil }
    var isThought = false
    while let member = walk.nextMember() {
      if member.keyIs("type", in: body), member.kind == .string {
        let type = JSONString.content(body, member.value)
        isThought = type.equals("thinking") || type.equals("redacted_thinking")
      }
    }
    let block = start..<walk.at
    return isThought && isForeign(body, block, takesUnsigned) ? block : nil
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
