// Who is asking, by the header that `consumers` names. The key is compared by its digest, and neither it nor its header
// goes on from here.

internal import Config
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Finds the caller's group; refuses a key that is none, and a request without one where one is required.
  func identify(_ callers: Callers) throws(Refusal) {
    let bytes = headBytes
    var shown: Field?
    for field in head.fields where bytes.extracting(field.name).equalsIgnoringCase(callers.header.span) {
      // Of two keys either could be the one that counts.
      if shown != nil {
        state.shard.rejected(.unknown)
        throw .keyTwice(callers.header.span.text())
      }
      shown = field
    }
    if let shown { return try identify(by: shown, callers) }
    // Applications of Anthropic's SDK have one place for a key, which OpenAI's fill with any string.
    if target.isMessages, let field = head.first(.xAPIKey), let group = group(shownIn: field, callers).group {
      self.group = group
      shownKey.field = field
      return
    }
    if callers.isRequired {
      state.shard.rejected(.missing)
      throw .keyMissing(callers.header.span.text())
    }
  }

  private func identify(by field: Field, _ callers: Callers) throws(Refusal) {
    shownKey.field = field
    let (group, digest) = group(shownIn: field, callers)
    if let group {
      self.group = group
      return
    }
    shownKey.hint = digest?.hint
    state.shard.rejected(.unknown)
    throw .keyUnknown(callers.header.span.text())
  }

  private func group(shownIn field: Field, _ callers: Callers) -> (group: Group?, digest: KeyDigest?) {
    var key = headBytes.extracting(field.value)
    if field.known == .authorization, let token = Self.bearer(key) { key = token }
    guard let words = state.loop.digester.sha256(key) else { return (nil, nil) }
    let digest = KeyDigest(words)
    return (callers.group(of: digest), digest)
  }

  /// Leaves of `plan` what the caller's group may use; nil where that is nothing.
  ///
  /// - Parameter entrance: where the request came in.
  func permitted(_ plan: Plan, _ group: Group, _ entrance: Entrance) -> Plan? {
    let asked = asked(entrance)
    // What makes nothing of a model may be asked: lists, files, what was stored before. What may name one in a way that
    // isn't read here may not, or a batch would be the way around the list.
    if asked.isEmpty { return mayHideModel ? nil : plan }
    var isWhole = true
    for place in 0..<plan.count where !allowed(plan[place], under: asked, group) { isWhole = false }
    return isWhole ? plan : plan.without { !allowed($0, under: asked, group) }
  }

  /// Whether a group may use a target under the name that leads to it.
  func allowed(_ route: Route, under asked: [UInt8], _ group: Group) -> Bool {
    let model = route.model ?? asked
    return group.allows(
      asked.span, isEntry: lineup.snapshot.router.isEntry(asked.span),
      provider: lineup.snapshot.upstreams[route.providerIndex].name, model: model.span)
  }

  /// Says that there is nothing that the group may use.
  func notPermitted(_ group: Group, _ entrance: Entrance) -> Refusal {
    state.shard.rejected(.model)
    let asked = asked(entrance)
    if asked.isEmpty { return .modelUnseen(group.name) }
    return .modelNotAllowed(Self.shown(asked.span.text()), group: group.name)
  }

  private func asked(_ entrance: Entrance) -> [UInt8] {
    lineup.snapshot.router.entries[entrance.index].model ?? model.array()
  }
}

extension Callers {
  /// Reads the keys of all groups.
  init(_ consumers: Consumers, _ environment: Environment) throws(SnapshotFault) {
    var digests: [KeyDigest] = []
    for group in consumers.groups {
      let secret: Secret?
      do throws(SecretFault) { secret = try Secret.load(group.key, as: .caller, from: environment) } catch {
        throw SnapshotFault(
          message: "group '\(group.name)' key (\(Shown.path(group.key.place))): \(error.message)")
      }
      guard let secret, let words = Digest.sha256(words: secret.bytes) else {
        throw SnapshotFault(message: "group '\(group.name)' key: this system's OpenSSL has no SHA-256")
      }
      let digest = KeyDigest(words)
      if let place = digests.firstIndex(where: { $0.isEqual(to: digest) }) {
        throw SnapshotFault(message: ConsumerGroup.sameKey(consumers.groups[place].name, group.name))
      }
      digests.append(digest)
    }
    self.init(consumers, digests: digests)
  }

  /// The header, unless it stays behind anyway.
  var heldHeader: [UInt8]? {
    let known = FieldName(header.span)
    return known.isCredential || known == .xRemora ? nil : header
  }
}
