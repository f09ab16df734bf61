// The caller's policies look at a request, once, before any target's own edits: what goes out again, to whichever target,
// is what they have left of it.

internal import Config
internal import Detect
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Wire

/// What policies need for one exchange. A worker lends it, and takes it back with its memory.
final class PolicyWatch {
  let inspector = Inspector()
  let gate: TextGate
  var edited = ByteQueue()
  /// The policies that have looked, for the header and the log.
  fileprivate(set) var chain: PolicyChain?
  /// Placeholders are to be put back in the answer.
  fileprivate(set) var restores = false
  /// What a gate takes in before it goes on.
  var made = ByteQueue()

  init() { gate = TextGate(inspector.vault) }

  /// Forgets the exchange, and the values with it.
  func forget() {
    inspector.forget()
    gate.begin()
    edited.removeAll()
    made.removeAll()
    chain = nil
    restores = false
  }

  /// What `x-remora-policies` says; empty where nothing was looked at.
  var header: String { chain.map { inspector.tally.header($0) } ?? "" }

  /// What the access log says.
  var lines: [[UInt8]] { chain.map { inspector.tally.lines($0).map { Array($0.utf8) } } ?? [] }
}

extension Ask {
  /// The policies that look at this request; nil where there are none.
  var policies: PolicyChain? { lineup.snapshot.policies?.chain(for: group?.name) }

  /// Where values are put back in the answer; nil where nothing is.
  var gate: TextGate? {
    guard let watch, watch.restores else { return nil }
    return watch.gate
  }
}

extension Exchange {
  /// Has the caller's policies look at the request, and change or refuse it.
  @inline(never)
  func police(_ chain: PolicyChain) throws(Refusal) {
    guard ask.body.isJSON, case .object? = ask.body.scanner.topLevelKind else {
      ask.isUnscanned = ask.head.framing != .none
      if ask.isUnscanned, let rule = chain.refusesUnscanned {
        state.shard.acted(state.shard.intern(policy: Array(rule.name.utf8).span), .block)
        throw .unscanned(policy: rule.name)
      }
      return
    }
    let watch = state.lendWatch()
    ask.watch = watch
    watch.chain = chain
    let found = watch.inspector.inspect(
      ask.body.bytes.view, chain, scope: ask.group?.label ?? [], into: &watch.edited)
    count(watch, chain)
    switch found {
    case .clean: return
    case .blocked(let block): throw .blocked(by: block.policy, block.message, parameter: block.path)
    case .edited:
      swap(&ask.body.bytes, &watch.edited)
      watch.edited.removeAll()
      try ask.readAgain()
      watch.restores = watch.inspector.vault.restoresAny
    }
  }

  /// Counts what the policies did.
  private func count(_ watch: PolicyWatch, _ chain: PolicyChain) {
    for (at, rule) in chain.rules.enumerated() where watch.inspector.tally.count(at) > 0 {
      let action: PolicyAction =
        switch rule.action {
        case .block: .block
        case .redact: .redact
        case .report: .report
        }
      state.shard.acted(state.shard.intern(policy: Array(rule.name.utf8).span), action)
    }
  }
}

extension Attempt {
  /// Has the conversation take a piece of a stream, and the gate put values back in what comes out.
  func take(_ bytes: Span<UInt8>, _ gate: TextGate, into out: inout ByteQueue) throws(TakeFault) {
    guard let watch = ask.watch else { return }
    defer { watch.made.clear() }
    try conversation.take(bytes, member: metadata.view, into: &watch.made)
    gate.take(watch.made.view, into: &out)
  }

  /// Ends a stream behind a gate, as `Conversation.end` does.
  func end(isWhole: Bool, _ gate: TextGate, into out: inout ByteQueue) -> Ending {
    var made = ByteQueue()
    let ending = conversation.end(isWhole: isWhole, into: &made)
    gate.take(made.bytes, into: &out)
    gate.end(into: &out)
    return ending
  }
}

extension Snapshot {
  /// Compiles the policies.
  static func policies(
    _ settings: Settings, _ keys: [String: Secret], _ upstreams: [Upstream]
  ) throws(SnapshotFault) -> PolicyBook? {
    if settings.policies.isEmpty { return nil }
    var secrets: [Secret] = []
    for upstream in upstreams {
      if case .field(_, let secret) = upstream.credential { secrets.append(secret) }
      secrets += upstream.headers.compactMap(\.secret)
    }
    let book: PolicyBook
    do throws(PatternFault) { book = try PolicyBook(settings, keys: keys, secrets: secrets) } catch {
      throw SnapshotFault(message: "policies: \(error.message)")
    }
    return book.isEmpty ? nil : book
  }

  /// The keys of the policies that have one, by name.
  static func policyKeys(
    _ settings: Settings, _ environment: Environment
  ) throws(SnapshotFault) -> [String: Secret] {
    var keys: [String: Secret] = [:]
    for policy in settings.policies {
      guard let source = policy.key else { continue }
      do throws(SecretFault) { keys[policy.name] = try Secret.load(source, from: environment) } catch {
        throw SnapshotFault(
          message: "policy '\(policy.name)' key (\(Shown.path(source.place))): \(error.message)")
      }
    }
    return keys
  }
}

extension TextGate {
  /// Puts values back in a body that is here whole.
  func restore(_ body: inout ByteQueue, isStream: Bool) {
    guard isStream else { return restore(&body) }
    var out = ByteQueue()
    begin()
    take(body.bytes, into: &out)
    end(into: &out)
    body.removeAll()
    body.append(out.bytes)
  }
}

extension Refusal {
  /// A policy's no.
  static func blocked(by policy: String, _ message: String, parameter: String?) -> Refusal {
    var refusal = Refusal(
      422, "policy_violation", "policy_violation", message, parameter: parameter, shouldRetry: false)
    refusal.name = policy
    return refusal
  }

  /// A body that a policy can't look at, and that it doesn't let pass.
  static func unscanned(policy: String) -> Refusal {
    blocked(
      by: policy,
      "Blocked by policy '\(policy)': the body is no JSON object, so it can't be looked at. Send JSON, or ask your platform team.",
      parameter: nil)
  }
}
