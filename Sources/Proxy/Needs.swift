// What a request needs of the target that serves it, and what keeps a conversation at one of them.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Wire

extension Ask {
  /// Whether it asks for a response that is made while it waits. One that failed may be made once more, as SDKs do: what
  /// the provider has kept of the first one, nobody was told of.
  var isForegroundResponse: Bool {
    target.endpoint == .responses && head.method == .post && body.isJSON
      && body.scanner.found(.background)?.kind != .true
  }

  /// Bytes below which a prompt isn't worth keeping at one target: caches begin at about a thousand tokens.
  private static let leastCached = 4096

  /// What the request needs of a target.
  func needs(_ plan: Plan) -> RequestNeeds {
    var needs = RequestNeeds()
    needs.isStream = body.isJSON && body.facts.streams
    guard body.isJSON, !body.isFollowed else { return needs }
    // SAFETY: while it is in use, nothing changes the queue.
    let text = unsafe body.bytes.view
    needs.prompt = max(text.count / 4, 1)
    // A token has hardly more than eight bytes, whatever the language.
    needs.promptAtLeast = target.endpoint == .chatCompletions ? text.count / 8 : 0
    if target.endpoint == .chatCompletions {
      let noticed = Noticed(body.scanner)
      if noticed.contains(.pictures) { needs.abilities.insert(.pictures) }
      if noticed.contains(.audio) { needs.abilities.insert(.audio) }
      if noticed.contains(.schemas) { needs.abilities.insert(.schemas) }
      if body.scanner.found(.tools)?.kind == .array { needs.abilities.insert(.tools) }
      // Base64 is no text.
      if !noticed.isDisjoint(with: [.pictures, .audio, .files]) { needs.promptAtLeast = 0 }
    }
    if plan.pick != .ordered { needs.affinity = affinity(text) }
    return needs
  }

  /// What the requests of a conversation have in common, equal in all pods.
  private func affinity(_ text: Span<UInt8>) -> UInt64? {
    let whole = 0..<text.count
    if let key = JSONView.value(text, in: whole, at: "prompt_cache_key") {
      return Self.hash(text.extracting(key))
    }
    if let found = body.scanner.found(.threadIdentifier) { return Self.hash(text.extracting(found.value)) }
    let bytes = headBytes
    for field in head.fields where field.name.count == 12 {
      if bytes.extracting(field.name).equalsIgnoringCase("x-session-id") {
        return Self.hash(bytes.extracting(field.value))
      }
    }
    if let id = body.scanner.found(.previousResponse) {
      return Self.hash(text.extracting(id.value))
    }
    guard text.count >= Self.leastCached, let messages = JSONView.value(text, in: whole, at: "messages")
    else {
      return nil
    }
    var cursor = JSONArrayCursor(text, messages)
    var end = messages.lowerBound
    while let message = cursor.next() {
      end = message.value.upperBound
      if let role = JSONView.value(text, in: message.value, at: "role"), JSONString.equals(text, role, "user")
      {
        break
      }
    }
    let prefix = text.extracting(messages.lowerBound..<min(end, messages.lowerBound + 8192))
    return Self.hash(prefix) ^ Self.hash(model)
  }

  /// A hash that is the same in every process.
  private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(bytes.count)
    var at = 0
    while at + 8 <= bytes.count {
      var word: UInt64 = 0
      for place in 0..<8 { word |= UInt64(bytes[at + place]) << UInt64(place * 8) }
      hash = Pick.mix(hash ^ word)
      at += 8
    }
    while at < bytes.count {
      hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3
      at += 1
    }
    return Pick.mix(hash)
  }
}
