// Values put back in answers that are here whole, and in the parts of streams that say something whole.

internal import Detect
package import Wire

extension TextGate {
  /// Values within values that are told apart by their names; further in, every string is a text.
  private static let depthCeiling = 64

  /// Puts the values back in a whole answer, or an error, behind what policies have to say of it.
  ///
  /// - Parameter looks: whether the text is the model's.
  package func restore(_ body: inout ByteQueue, looks: Bool = true) {
    isBlocked = false
    let watch = watch
    if !looks { self.watch = nil }
    defer { self.watch = watch }
    if self.watch != nil, !body.isEmpty, JSONValue.kind(of: body.bytes) == nil { giveUp() }
    if isBlocked { return }
    splice.removeAll()
    restoreAll(body.bytes, 0..<body.count)
    if isBlocked || splice.isEmpty { return }
    var out = ByteQueue()
    splice.apply(to: body.bytes, into: &out)
    splice.removeAll()
    body.removeAll()
    body.append(out.bytes)
  }

  /// Does with a stream's answer, here whole, what has been done with its pieces; nothing is counted anew.
  ///
  /// - Returns: false where a policy says no to it.
  package func repeatWhole(_ body: inout ByteQueue) -> Bool {
    if isBlocked { return false }
    watch?.counts = false
    defer { watch?.counts = true }
    restore(&body)
    return !isBlocked
  }

  /// Puts the values back in every text among the values in `range`.
  func restoreAll(_ data: Span<UInt8>, _ range: Range<Int>, depth: Int = 0) {
    guard depth < Self.depthCeiling else { return restoreLeaves(data, range) }
    switch JSONView.kind(data, range) {
    case .string: restore(data, range, .text)
    case .array:
      var elements = JSONArrayCursor(data, range)
      while let element = elements.next() { restoreAll(data, element.value, depth: depth + 1) }
    case .object: restoreObject(data, range, depth)
    default: break
    }
  }

  private func restoreObject(_ data: Span<UInt8>, _ object: Range<Int>, _ depth: Int) {
    let type = JSONView.content(data, in: object, at: "type")
    let signature = JSONView.content(data, in: object, at: "signature")
    let isThought = type.equals("thinking") || type.equals("reasoning.text")
    if isThought, !signature.isEmpty { return lookAtThought(data, object) }
    // Its result is a picture.
    if type.equals("image_generation_call") { return }
    let isCall = type.ends("tool_use")
    var members = JSONObjectCursor(data, object)
    while let member = members.next() {
      // What a tool is called with has names of its own.
      if isCall && member.keyIs("input", in: data) || member.keyIs("metadata", in: data) {
        restoreLeaves(data, member.value)
      } else {
        restoreMember(data, member, depth: depth)
      }
    }
  }

  /// Puts the values back in a member, whose name tells what it is.
  func restoreMember(_ data: Span<UInt8>, _ member: JSONObjectCursor.Member, depth: Int = 0) {
    switch member.kind {
    case .string:
      if member.keyIs("arguments", in: data) || member.keyIs("partial_json", in: data) {
        restore(data, member.value, .arguments)
      } else if !isName(member, data) {
        restore(data, member.value, .text)
      }
    case .object, .array:
      if member.keyIs("logprobs", in: data) { return removeLogprobs(member) }
      if member.keyIs("usage", in: data) { return }
      if member.keyIs("arguments", in: data) { return restoreLeaves(data, member.value) }
      restoreAll(data, member.value, depth: depth + 1)
    default: break
    }
  }

  /// Signed thinking must come back to its provider as it was, so values aren't put back; what is taken out of it takes the
  /// signature with it.
  private func lookAtThought(_ data: Span<UInt8>, _ block: Range<Int>) {
    guard watch != nil else { return }
    var isChanged = false
    for name: StaticString in ["thinking", "text"] {
      guard let text = JSONView.value(data, in: block, at: name), JSONView.kind(data, text) == .string else {
        continue
      }
      if restore(data, text, .text, restores: false) { isChanged = true }
    }
    if isChanged, let signature = JSONView.value(data, in: block, at: "signature") {
      replace(signature, with: Span())
    }
  }

  /// Puts the values back in every string, whatever its member is called. Numbers are looked at, too: one that is taken out
  /// becomes a string.
  func restoreLeaves(_ data: Span<UInt8>, _ range: Range<Int>) {
    var leaves = JSONLeaves(data, range)
    while let leaf = leaves.next() {
      if leaf.isNumber { lookAtNumber(data, leaf.value) } else { restore(data, leaf.value, .text) }
    }
  }

  private func lookAtNumber(_ data: Span<UInt8>, _ value: Range<Int>) {
    guard let watch, value.count > 6, !isBlocked else { return }
    var looked = ByteQueue()
    switch watch.look(
      at: data.extracting(value), from: 0, isArguments: true, isInString: false, into: &looked)
    {
    case .clean: break
    case .changed: put(looked.bytes, in: value)
    case .blocked: isBlocked = true
    }
  }

  /// Whether a member's value names something, and is no text.
  private func isName(_ member: JSONObjectCursor.Member, _ data: Span<UInt8>) -> Bool {
    for name: StaticString in [
      "id", "model", "object", "type", "role", "url", "image_url", "finish_reason", "stop_reason", "call_id",
      "tool_call_id", "tool_use_id", "item_id", "status", "system_fingerprint", "service_tier",
      "encrypted_content", "data", "b64_json", "partial_image_b64", "name", "fingerprint",
      "previous_response_id", "embedding", "signature", "thought_signature",
    ] where member.keyIs(name, in: data) { return true }
    return false
  }

  /// - Returns: whether something was taken out.
  @discardableResult
  private func restore(
    _ data: Span<UInt8>, _ value: Range<Int>, _ form: RestoreForm, restores: Bool = true
  ) -> Bool {
    guard value.count > 2, !isBlocked else { return false }
    var text = ByteQueue()
    JSONString.decode(data, value, into: &text)
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
        return false
      }
      swap(&text, &looked)
    }
    guard restores else {
      if isChanged { replace(value, with: text.bytes) }
      return isChanged
    }
    var made = ByteQueue()
    var state = RestoreState()
    let before = vault.restored
    _ = state.feed(text.bytes, vault, form, into: &made)
    state.close(vault, form, into: &made)
    if isChanged || vault.restored != before { replace(value, with: made.bytes) }
    return isChanged
  }
}
