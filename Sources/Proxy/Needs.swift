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
      if !noticed.isDisjoint(with: Noticed.coded) { needs.promptAtLeast = 0 }
    }
    if plan.pick != .ordered { needs.affinity = affinity(text) }
    return needs
  }

  /// What the requests of a conversation have in common, equal in all pods.
  private func affinity(_ text: Span<UInt8>) -> UInt64? {
    for member in [JSONMember.promptCacheKey, .threadIdentifier] {
      if let found = body.scanner.found(member), found.kind != .null {
        return Affinity.hash(text.extracting(found.value))
      }
    }
    let bytes = headBytes
    for field in head.fields where field.name.count == 12 {
      if bytes.extracting(field.name).equalsIgnoringCase("x-session-id") {
        return Affinity.hash(bytes.extracting(field.value))
      }
    }
    if let found = body.scanner.found(.previousResponse), found.kind != .null {
      return Affinity.hash(text.extracting(found.value))
    }
    guard text.count >= Self.leastCached,
      let turns = body.here(.messages) ?? body.here(.input), turns.kind == .array
    else {
      return nil
    }
    return Affinity.hash(text.extracting(Affinity.opening(text, turns: turns.value))) ^ Affinity.hash(model)
  }
}
