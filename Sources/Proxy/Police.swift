// The caller's policies look at a request, once, before any target's own edits: what goes out again, to whichever target,
// is what they have left of it.

internal import Config
internal import Detect
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What policies need for one exchange. A worker lends it, and takes it back with its memory.
final class PolicyWatch {
  let inspector: Inspector
  let gate: TextGate
  let answers: AnswerInspector
  var edited = ByteQueue()
  /// The policies that have looked, for the header and the log.
  fileprivate(set) var chain: PolicyChain?
  /// The answer goes through the gate: placeholders are to be put back, or what the model says is looked at.
  fileprivate(set) var hasGate = false
  /// What a gate takes in before it goes on.
  var made = ByteQueue()

  init(_ scanners: Scanners) {
    inspector = Inspector(scanners)
    gate = TextGate(inspector.vault)
    answers = AnswerInspector(inspector)
  }

  /// Forgets the exchange, and the values with it.
  func forget() {
    inspector.forget()
    answers.forget()
    gate.begin()
    gate.watch = nil
    edited.removeAll()
    made.removeAll()
    chain = nil
    hasGate = false
  }

  /// What the client gets in the place of an answer that a policy has said no to; nil: none has.
  var refusal: Refusal? {
    guard gate.isBlocked, let policy = answers.blocking else { return nil }
    if answers.isIncomplete {
      return .blocked(
        by: policy,
        "Blocked by policy '\(policy)': the model's answer can't be looked at as a whole. Ask again, or ask your platform team.",
        parameter: nil)
    }
    return .blocked(
      by: policy,
      "Blocked by policy '\(policy)': the model's answer contains what it must not say. Ask for something else, or ask your platform team.",
      parameter: nil)
  }

  /// What `x-remora-policies` says; empty where nothing was looked at.
  var header: String { chain.map { inspector.tally.header($0) } ?? "" }

  /// What the access log says.
  var lines: [[UInt8]] { chain.map { inspector.tally.lines($0).map { Array($0.utf8) } } ?? [] }
}

extension Ask {
  /// The policies that look at this request; nil where there are none.
  var policies: PolicyChain? { lineup.snapshot.policies?.chain(for: group?.name) }

  /// Where values are put back in the answer, and policies look at it; nil where neither is.
  var gate: TextGate? {
    guard let watch, watch.hasGate else { return nil }
    return watch.gate
  }
}

extension Exchange {
  /// Has the caller's policies look at the request, and change or refuse it.
  @inline(never)
  func police(_ chain: PolicyChain) throws(Refusal) {
    guard ask.body.isJSON, case .object? = ask.body.scanner.topLevelKind else {
      ask.isUnscanned = ask.head.framing != .none && ask.head.framing != .length(0)
      if ask.isUnscanned { shard.unscanned(ask.target.endpoint) }
      if ask.isUnscanned, let rule = chain.refusesUnscanned {
        shard.acted(lineup.policyLabels[rule.place], .block)
        throw .unscanned(policy: rule.name)
      }
      return
    }
    let watch = state.lendWatch()
    ask.watch = watch
    watch.chain = chain
    let began = Instant.now
    defer { shard.scanned(nanoseconds: Instant.now.nanoseconds(since: began)) }
    let found = watch.inspector.inspect(
      unsafe ask.body.bytes.view, chain, scope: ask.group?.label ?? [],
      thread: ask.remarks.attribution?.thread ?? [],
      strings: ask.body.scanner.strings, into: &watch.edited)
    if watch.answers.begin(chain) {
      watch.gate.watch = watch.answers
      watch.hasGate = true
    }
    switch found {
    case .clean: return
    case .blocked(let block): throw .blocked(by: block.policy, block.message, parameter: block.path)
    case .edited:
      swap(&ask.body.bytes, &watch.edited)
      watch.edited.removeAll()
      try ask.readAgain()
      if watch.inspector.vault.restoresAny { watch.hasGate = true }
    }
  }

  /// Lets an answer pass that goes on as it comes, in a coding or a format that isn't read, unless a policy must see it.
  func passUnread(_ facts: ReplyFacts) throws(Refusal) {
    guard let gate = ask.gate, facts.hasBody, facts.status < 300, ask.target.isFullService else { return }
    gate.begin()
    gate.giveUp()
    if let refusal = ask.watch?.refusal { throw refusal }
  }

  /// What the request says of itself as it may be written down: policies look at it, too. nil: nothing.
  var written: Attribution? {
    guard let said = ask.remarks.attribution else { return nil }
    if let written = ask.remarks.written { return written }
    guard let chain = ask.policies else { return said }
    let watch = ask.watch ?? state.lendWatch()
    // Of what was refused before, or can't be looked at, only this is seen.
    if ask.watch == nil { watch.inspector.vault.begin(scope: ask.group?.label ?? []) }
    ask.watch = watch
    let written = said.covered(chain, by: watch.inspector)
    ask.remarks.written = written
    return written
  }

  /// Counts what the policies have found and done, once the answer is over.
  @inline(never)
  func count(_ watch: PolicyWatch) {
    guard let chain = watch.chain else { return }
    if watch.answers.isIncomplete, !ask.isUnscanned {
      ask.isUnscanned = true
      shard.unscanned(ask.target.endpoint)
    }
    let scanned = watch.inspector.tally.scanned
    let hasFound = !watch.inspector.tally.findings.isEmpty
    for at in chain.rules.indices {
      let rule = chain.rules[at]
      let policy = lineup.policyLabels[rule.place]
      if hasFound { count(watch.inspector.tally, rule, at, policy) }
      shard.scanned(policy, .request, scanned)
      if rule.answers != .pass { shard.scanned(policy, .answer, watch.answers.scanned) }
      if rule.action == .redact, rule.restores, watch.inspector.vault.restored > 0 {
        shard.acted(policy, .restore)
      }
    }
    shard.unrestored(watch.inspector.vault.unknown)
  }

  private func count(_ tally: PolicyTally, _ rule: PolicyRule, _ at: Int, _ policy: Label) {
    if tally.count(at, .request) > 0 { shard.acted(policy, PolicyAction(rule.action)) }
    if tally.count(at, .answer) > 0, let action = PolicyAction(rule.answers) { shard.acted(policy, action) }
    for finding in tally.findings where finding.rule == at {
      shard.found(policy, Array(finding.name.utf8).span, finding.count)
    }
  }
}

extension PolicyAction {
  init(_ action: Config.Policy.Action) {
    switch action {
    case .block: self = .block
    case .redact: self = .redact
    case .report: self = .report
    }
  }

  init?(_ action: Config.Policy.Answers) {
    switch action {
    case .pass: return nil
    case .block: self = .block
    case .redact, .strip: self = .redact
    case .report: self = .report
    }
  }
}

extension PolicySeries {
  /// What a policy of the configuration can count.
  init(_ policy: Config.Policy) {
    self.init(policy.name)
    if policy.kind == .auditLog { return }
    actions = [PolicyAction(policy.action)]
    if let action = PolicyAction(policy.answers), !actions.contains(action) { actions.append(action) }
    if policy.action == .redact, policy.restores { actions.append(.restore) }
    sides = policy.answers == .pass ? [.request] : [.request, .answer]
  }
}

extension Attempt {
  /// Has the conversation take a piece of a stream, and the gate put values back in what comes out.
  func take(_ bytes: Span<UInt8>, _ gate: TextGate, into out: inout ByteQueue) throws(TakeFault) {
    if tried.carriage.passesGate {
      return try conversation.take(bytes, member: unsafe metadata.view, into: &out)
    }
    guard let watch = ask.watch else { return }
    defer { watch.made.clear() }
    try conversation.take(bytes, member: unsafe metadata.view, into: &watch.made)
    gate.keepsThoughts = conversation.keepsThoughts
    gate.take(unsafe watch.made.view, into: &out)
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
    _ settings: Settings, _ keys: [String: Secret], _ upstreams: [Upstream], _ environment: Environment
  ) throws(SnapshotFault) -> PolicyBook? {
    if settings.policies.isEmpty { return nil }
    var secrets: [Secret] = []
    for upstream in upstreams {
      if let key = upstream.credentials.key { secrets.append(key) }
      secrets += upstream.credentials.headers.compactMap(\.secret)
    }
    if settings.policies.contains(where: { $0.kind == .secrets }) {
      secrets += keys.values
      // Of a key that can't be read `Callers` says what is wrong.
      for group in settings.consumers?.groups ?? [] {
        if let key = try? Secret.load(group.key, as: .caller, from: environment) { secrets.append(key) }
      }
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
