// Values put back in answers that are here whole, and the events that a gate writes itself.

internal import Detect
package import Wire

extension TextGate {
  /// Puts the values back in a whole answer, or an error, behind what policies have to say of it.
  ///
  /// - Parameter looks: whether the text is the model's.
  package func restore(_ body: inout ByteQueue, looks: Bool = true) {
    isBlocked = false
    let watch = watch
    if !looks { self.watch = nil }
    defer { self.watch = watch }
    var splice = JSONSplice(editCeiling: 16 * 1024)
    restoreAll(body.bytes, 0..<body.count, &splice)
    if isBlocked { return }
    if splice.isEmpty { return }
    var out = ByteQueue()
    splice.apply(to: body.bytes, into: &out)
    body.removeAll()
    body.append(out.bytes)
  }

  /// Puts the values back in every text among the values in `range`.
  func restoreAll(_ data: Span<UInt8>, _ range: Range<Int>, _ splice: inout JSONSplice, depth: Int = 0) {
    guard depth < 64 else { return }
    switch JSONView.kind(data, range) {
    case .array:
      var elements = JSONArrayCursor(data, range)
      while let element = elements.next() {
        if element.kind == .string {
          restore(data, element.value, .text, &splice)
        } else {
          restoreAll(data, element.value, &splice, depth: depth + 1)
        }
      }
    case .object:
      // Signed thinking must come back to its provider as it was.
      if JSONView.value(data, in: range, at: "signature") != nil { return }
      var members = JSONObjectCursor(data, range)
      while let member = members.next() {
        switch member.kind {
        case .string:
          if member.keyIs("arguments", in: data) || member.keyIs("partial_json", in: data) {
            restore(data, member.value, .arguments, &splice)
          } else if !isName(member, data) {
            restore(data, member.value, .text, &splice)
          }
        case .object, .array:
          if member.keyIs("logprobs", in: data), watch?.redacts == true {
            // Tokens tell what is taken out of the text.
            let null: StaticString = "null"
            try? splice.replace(member.value, with: null.bytes)
            continue
          }
          if member.keyIs("logprobs", in: data) || member.keyIs("usage", in: data) { continue }
          restoreAll(data, member.value, &splice, depth: depth + 1)
        default: break
        }
      }
    default: break
    }
  }

  /// Whether a member's value names something, and is no text.
  private func isName(_ member: JSONObjectCursor.Member, _ data: Span<UInt8>) -> Bool {
    for name: StaticString in [
      "id", "model", "object", "type", "role", "url", "image_url", "finish_reason", "stop_reason", "call_id",
      "tool_call_id", "item_id", "status", "system_fingerprint", "service_tier", "encrypted_content", "data",
      "b64_json", "name", "fingerprint", "previous_response_id", "embedding",
    ] where member.keyIs(name, in: data) { return true }
    return false
  }

  private func restore(
    _ data: Span<UInt8>, _ value: Range<Int>, _ form: RestoreForm, _ splice: inout JSONSplice
  ) {
    guard value.count > 8, !isBlocked else { return }
    var text = ByteQueue()
    JSONString.decode(data, value, into: &text)
    var made = ByteQueue()
    var state = RestoreState()
    let before = vault.restored
    var isChanged = false
    if let watch {
      var looked = ByteQueue()
      switch watch.look(
        at: text.bytes, from: 0, isArguments: form == .arguments, isInString: false, into: &looked)
      {
      case .clean: break
      case .changed: isChanged = true
      case .blocked:
        isBlocked = true
        return
      }
      swap(&text, &looked)
    }
    _ = state.feed(text.bytes, vault, form, into: &made)
    state.close(vault, form, into: &made)
    if isChanged || vault.restored != before { replace(value, with: made.bytes, &splice) }
  }
}

/// The events in which a gate says what it had held back.
enum TextGateEvent {
  /// Appends the event's JSON.
  ///
  /// - Parameter model: another event of the stream, whose ids it takes over.
  static func write(
    _ channel: TextGate.Channel, _ text: Span<UInt8>, like model: Span<UInt8>, into out: inout ByteQueue
  ) {
    let type = JSONView.content(model, in: 0..<model.count, at: "type")
    if type.equals("content_block_stop") { return writeBlock(channel, text, into: &out) }
    if !type.isEmpty { return writeResponse(channel, text, like: model, type, into: &out) }
    out.append("{")
    for name: StaticString in ["id", "object", "created", "model"] {
      guard let value = JSONView.value(model, in: 0..<model.count, at: name) else { continue }
      out.append("\"")
      out.append(name)
      out.append("\":")
      out.append(model.extracting(value))
      out.append(",")
    }
    out.append("\"choices\":[{\"index\":")
    out.append(decimal: channel.choice)
    switch channel.kind {
    case .legacy: out.append(",\"text\":")
    case .refusal: out.append(",\"delta\":{\"refusal\":")
    case .reasoning: out.append(",\"delta\":{\"reasoning_content\":")
    case .otherReasoning: out.append(",\"delta\":{\"reasoning\":")
    case .function: out.append(",\"delta\":{\"function_call\":{\"arguments\":")
    case .tool:
      out.append(",\"delta\":{\"tool_calls\":[{\"index\":")
      out.append(decimal: channel.part)
      out.append(",\"function\":{\"arguments\":")
    default: out.append(",\"delta\":{\"content\":")
    }
    JSONWriter.string(text, into: &out)
    switch channel.kind {
    case .legacy: break
    case .function: out.append("}}")
    case .tool: out.append("}}]}")
    default: out.append("}")
    }
    out.append(",\"finish_reason\":null}]}")
  }

  private static func writeBlock(_ channel: TextGate.Channel, _ text: Span<UInt8>, into out: inout ByteQueue)
  {
    out.append("{\"type\":\"content_block_delta\",\"index\":")
    out.append(decimal: channel.choice)
    out.append(
      channel.kind == .tool
        ? ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
        : ",\"delta\":{\"type\":\"text_delta\",\"text\":")
    JSONWriter.string(text, into: &out)
    out.append("}}")
  }

  /// The event before a text's last one.
  private static func writeResponse(
    _ channel: TextGate.Channel, _ text: Span<UInt8>, like model: Span<UInt8>, _ type: Span<UInt8>,
    into out: inout ByteQueue
  ) {
    out.append("{\"type\":\"")
    out.append(
      channel.kind == .tool ? "response.function_call_arguments.delta" : "response.output_text.delta")
    out.append("\",")
    for name: StaticString in ["item_id", "sequence_number", "content_index", "summary_index"] {
      guard let value = JSONView.value(model, in: 0..<model.count, at: name) else { continue }
      out.append("\"")
      out.append(name)
      out.append("\":")
      out.append(model.extracting(value))
      out.append(",")
    }
    out.append("\"output_index\":")
    out.append(decimal: channel.choice)
    out.append(",\"delta\":")
    JSONWriter.string(text, into: &out)
    out.append("}")
  }
}
