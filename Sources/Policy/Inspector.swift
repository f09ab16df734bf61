// Policies at work on one request: every text of the body is looked at once by all of them, blockers decide in the
// chain's order, and only then placeholders are put in the place of what is to be redacted.
//
// A second look is taken only where something is redacted: it finds the places again, and the same values in texts
// where the words around them are missing. A body without a finding isn't touched. Next: InspectorEdit.swift.

internal import Config
package import Detect
internal import Dialects
package import Wire

/// What came of looking at a request.
package enum Inspection: Sendable {
  /// It goes out as it is.
  case clean
  /// It goes out as the edited text says.
  case edited
  case blocked(PolicyBlock)
}

/// Why a request is blocked.
package struct PolicyBlock: Sendable {
  package let policy: String
  /// What is wrong and what to do; no value, and nothing of what is around it.
  package let message: String
  /// Where it was found first.
  package let path: String?
}

/// One worker's place to look at requests. It keeps its memory.
package final class Inspector {
  /// The values of the request that was looked at last.
  package let vault = Vault()
  package private(set) var tally = PolicyTally()
  let outer = EscapedText()
  let inner = EscapedText()
  var findings: [Finding] = []
  private let scanners: Scanners
  var patternMemory: PatternMemory { scanners.patterns }
  /// For each policy, where it found something first.
  private var first: [String?] = []
  var fullPolicy: String?

  /// - Parameter scanners: the worker's.
  package init(_ scanners: Scanners = Scanners()) { self.scanners = scanners }

  /// Forgets the request.
  package func forget() {
    vault.forget()
    tally.removeAll()
    findings.removeAll(keepingCapacity: true)
    outer.forget()
    inner.forget()
  }

  /// Looks at a body that has been scanned.
  ///
  /// - Parameters:
  ///   - scope: within what the same value has the same placeholder.
  ///   - thread: what the client calls the conversation; empty: it is told by its first question.
  ///   - strings: where the body's long strings lie, as far as that is known.
  ///   - edited: takes the body with placeholders.
  package func inspect(
    _ body: Span<UInt8>, _ chain: PolicyChain, scope: [UInt8], thread: [UInt8] = [],
    strings: JSONPlaces = JSONPlaces(), into edited: inout ByteQueue
  ) -> Inspection {
    forget()
    let texts = PromptTexts(body, strings: strings.span)
    vault.begin(scope: scope, conversation: chain.hasOwn ? Self.conversation(texts, thread) : [])
    if first.count != chain.rules.count { first = [String?](repeating: nil, count: chain.rules.count) }
    for at in first.indices where first[at] != nil { first[at] = nil }
    fullPolicy = nil
    var redacts = false
    texts.find { text in
      if look(at: text, in: body, chain) { redacts = true }
    }
    if let block = block(chain) { return .blocked(block) }
    guard redacts else { return .clean }
    let isEdited = redact(texts, chain, into: &edited)
    if let fullPolicy {
      return .blocked(
        PolicyBlock(
          policy: fullPolicy,
          message:
            "Blocked by policy '\(fullPolicy)': the request holds more than \(Vault.valueCeiling) different values. Send less at once, or ask your platform team.",
          path: nil))
    }
    return isEdited ? .edited : .clean
  }

  /// What a conversation's requests have in common: the client's name for it, or its first question.
  private static func conversation(_ texts: borrowing PromptTexts, _ thread: [UInt8]) -> [UInt8] {
    if !thread.isEmpty { return [1] + thread }
    var first: Range<Int>?
    texts.find { text in
      if first == nil, text.role == .user { first = text.range }
    }
    guard let first else { return [] }
    var digest = SHA256()
    digest.append(texts.bytes.extracting(first))
    let bytes = digest.finish()
    return [2] + (0..<32).map { bytes[$0] }
  }

  /// Looks at a text that isn't part of a body, and tells what is found in it: for trying policies out.
  package func look(
    at text: Span<UInt8>, _ chain: PolicyChain,
    _ each: (Range<Int>, _ rule: Int, _ name: String, _ score: Int) -> Void
  ) {
    findings.removeAll(keepingCapacity: true)
    chain.data?.scan(text, into: &findings)
    for (at, rule) in chain.rules.enumerated() {
      for finding in findings where rule.takes(finding, text) {
        each(finding.range, at, Self.name(of: finding), finding.score)
      }
      rule.scanPatterns(text, patternMemory) { each($0, at, rule.patternName($1), 80) }
      var words: [Finding] = []
      rule.keywords?.scan(text, patternMemory, into: &words)
      for word in words { each(word.range, at, "word", 100) }
      if rule.kind == .promptInjection {
        let verdict = judge(text, .user, rule)
        if verdict.score >= rule.threshold { each(0..<text.count, at, verdict.name, verdict.score) }
      }
    }
  }

  // MARK: The first look

  /// Reads a text as the model will, its escapes removed.
  ///
  /// - Returns: whether it was JSON in a string, of which the inner text counts.
  func read(_ text: PromptText, in body: Span<UInt8>) -> Bool {
    outer.read(body.extracting(text.range))
    guard text.kind != .number, outer.text.count > 1 else { return false }
    let first = outer.text[0]
    let isNested =
      text.kind == .arguments || text.role == .tool || first == UInt8(ascii: "{")
      || first == UInt8(ascii: "[")
    guard isNested, unsafe outer.text.view.backslash(from: 0) < outer.text.count else { return false }
    inner.read(unsafe outer.text.view)
    return true
  }

  /// - Returns: whether something in it is to be redacted.
  private func look(at text: PromptText, in body: Span<UInt8>, _ chain: PolicyChain) -> Bool {
    let isNested = read(text, in: body)
    // SAFETY: both are read anew only with the next text.
    let said = isNested ? unsafe inner.text.view : unsafe outer.text.view
    tally.scanned += said.count
    var redacts = false
    findings.removeAll(keepingCapacity: true)
    chain.data?.scan(said, into: &findings)
    for at in chain.rules.indices {
      let rule = chain.rules[at]
      for finding in findings where rule.takes(finding, said) {
        note(at, Self.name(of: finding), text, &redacts, rule)
      }
      rule.scanPatterns(said, patternMemory) { note(at, rule.patternName($1), text, &redacts, rule) }
      if text.kind != .description, rule.looks(at: text.role) { lookAtWords(said, at, rule, text, &redacts) }
    }
    lookForOwnSecrets(said, text, chain)
    return redacts
  }

  private func lookAtWords(
    _ said: Span<UInt8>, _ at: Int, _ rule: PolicyRule, _ text: PromptText, _ redacts: inout Bool
  ) {
    if let keywords = rule.keywords {
      let from = findings.count
      keywords.scan(said, patternMemory, into: &findings)
      let count = findings.count - from
      findings.removeLast(count)
      for _ in 0..<count { note(at, "word", text, &redacts, rule) }
    }
    guard rule.kind == .promptInjection, text.kind == .text else { return }
    let verdict = judge(said, text.role == .tool ? .tool : .user, rule)
    if verdict.score >= rule.threshold { note(at, verdict.name, text, &redacts, rule, score: verdict.score) }
  }

  private func judge(_ text: Span<UInt8>, _ channel: Channel, _ rule: PolicyRule) -> InjectionVerdict {
    scanners.injections.judge(text, channel, tokens: rule.countsTokens)
  }

  /// Counts a finding in what the model itself says.
  func noteAnswer(_ at: Int, _ name: String) { tally.add(at, name, .answer) }

  private func note(
    _ at: Int, _ name: String, _ text: PromptText, _ redacts: inout Bool, _ rule: PolicyRule,
    score: Int? = nil
  ) {
    tally.add(at, name, score: score)
    if first[at] == nil { first[at] = text.place.path }
    if rule.action == .redact { redacts = true }
  }

  static func name(of finding: Finding) -> String {
    finding.entity == .secret ? secretRuleName(finding.rule) : "\(finding.entity.name)"
  }

  /// Remora's own secrets in a body: any policy that looks for secrets blocks them, whatever else it does.
  private func lookForOwnSecrets(_ said: Span<UInt8>, _ text: PromptText, _ chain: PolicyChain) {
    guard !chain.secrets.isEmpty, let at = chain.rules.firstIndex(where: { $0.kind == .secrets }) else {
      return
    }
    for secret in chain.secrets where said.place(of: secret.bytes) != nil {
      ownSecret = at
      tally.add(at, "own-secret")
      if first[at] == nil { first[at] = text.place.path }
    }
  }
  private var ownSecret: Int?

  // MARK: The verdict

  private func block(_ chain: PolicyChain) -> PolicyBlock? {
    if tally.findings.isEmpty { return nil }
    defer { ownSecret = nil }
    for at in chain.rules.indices {
      let rule = chain.rules[at]
      guard rule.action == .block || ownSecret == at, tally.count(at) > 0 else { continue }
      let path = first[at]
      let place = path.map { " (\($0))" } ?? ""
      let message: String
      switch rule.kind {
      case .promptInjection:
        let name = tally.findings.first { $0.rule == at }?.name ?? ""
        message =
          "Blocked by policy '\(rule.name)': the request\(place) looks like an attempt to override instructions (rule \(name)). Rephrase it, or ask your platform team."
      case .keywords:
        message =
          "Blocked by policy '\(rule.name)': the request\(place) contains words that are not allowed. Remove them or ask your platform team."
      default:
        message =
          "Blocked by policy '\(rule.name)': the request contains \(tally.list(at)) values\(place). Remove them or ask your platform team."
      }
      return PolicyBlock(policy: rule.name, message: message, path: path)
    }
    return nil
  }
}

extension PolicyRule {
  /// Whether it acts on a finding in `text`.
  func takes(_ finding: Finding, _ text: Span<UInt8>, side: PolicySide = .request) -> Bool {
    entities.contains(finding.entity) && finding.score >= (side == .request ? least : leastInAnswers)
      && (allowed.isEmpty || !allowed.contains(text.extracting(finding.range)))
  }

  /// Calls `found` for what the operator's own patterns match.
  func scanPatterns(
    _ text: Span<UInt8>, _ memory: PatternMemory, _ found: (Range<Int>, _ pattern: Int) -> Void
  ) {
    patterns?.scan(text, memory) { range, pattern in
      guard allowed.isEmpty || !allowed.contains(text.extracting(range)), hasContext(pattern, text, range)
      else {
        return
      }
      found(range, pattern)
    }
  }

  func patternName(_ pattern: Int) -> String {
    String(decoding: patternNames[pattern], as: UTF8.self).lowercased()
  }

  /// Whether one of the words that a pattern needs stands near.
  private func hasContext(_ pattern: Int, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let words = patternContexts[pattern]
    if words.isEmpty { return true }
    let from = max(range.lowerBound - 48, 0)
    let to = min(range.upperBound + 24, text.count)
    for word in words where !word.isEmpty {
      for start in from..<max(to - word.count + 1, from) {
        var at = 0
        while at < word.count, ASCII.lower(text[start + at]) == word[at] { at += 1 }
        if at == word.count { return true }
      }
    }
    return false
  }
}
