// The policies of the configuration, compiled: what each looks for, how sure it must be, and what it does then.

package import Config
package import Detect
internal import Dialects
internal import Wire

/// One policy of the configuration, made ready. A reference, because it is looked at for every text.
package final class PolicyRule: Sendable {
  package let name: String
  /// Its place in `Settings.policies`.
  package let place: Int
  package let kind: Config.Policy.Kind
  package let action: Config.Policy.Action
  /// What it acts on, of what the scan for data and credentials finds.
  let entities: Entities
  /// How sure a finding must be: to block is dearer than to redact what is put back.
  let least: Int
  let leastInAnswers: Int
  /// Hosts whose images may be in answers.
  let imageHosts: [Glob]
  /// What it does about what the model itself says.
  package let answers: Config.Policy.Answers
  package let restores: Bool
  /// Whether each conversation has placeholders of its own.
  let isOwn: Bool
  let refusesUnscanned: Bool
  let allowed: AllowedValues
  let patterns: PatternSet?
  let patternNames: [[UInt8]]
  let patternContexts: [[[UInt8]]]
  let keywords: Keywords?
  /// A bit for each `PromptRole` whose words it looks at.
  private let roles: UInt8
  /// The score from which a text is an attempt.
  let threshold: Int
  let countsTokens: Bool
  /// What placeholders are made with.
  let hash: KeyedHash

  /// What it does to what one side says, in the configuration's word.
  package func action(on side: PolicySide) -> String {
    switch side {
    case .request: action.rawValue
    case .answer: answers.rawValue
    }
  }

  /// The key of placeholders where none is configured: the process's own.
  private static let ownKey: KeyedHash = {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return KeyedHash(key: bytes.span)
  }()

  /// Compiles a policy whose patterns have been checked.
  ///
  /// - Parameters:
  ///   - place: its place in `Settings.policies`.
  ///   - key: what its placeholders are made with; nil: something random.
  init(_ policy: Config.Policy, at place: Int, key: Secret?) throws(PatternFault) {
    name = policy.name
    self.place = place
    kind = policy.kind
    action = policy.action
    restores = policy.restores
    answers = policy.answers
    isOwn = policy.scope == .conversation
    refusesUnscanned = policy.unscanned == .block
    allowed = AllowedValues(policy.allow)
    hash = key.map { KeyedHash(key: $0.bytes) } ?? Self.ownKey
    switch policy.kind {
    case .personalData: entities = Entities(policy.entities.compactMap(\.entity).map { Entities($0) })
    case .secrets: entities = Entities(.secret)
    default: entities = []
    }
    least = policy.action == .block ? 80 : 50
    leastInAnswers = policy.answers == .block ? 80 : 50
    imageHosts = policy.imageHosts.map { Glob($0.lowercased()) }
    patterns =
      policy.patterns.isEmpty
      ? nil
      : try PatternSet(
        policy.patterns.map(\.match), wholeWords: policy.patterns.map { !$0.match.contains("\\b") })
    patternNames = policy.patterns.map { Self.label($0.name) }
    patternContexts = policy.patterns.map { $0.context.map { Array($0.lowercased().utf8) } }
    keywords =
      policy.kind == .keywords
      ? try Keywords(words: policy.deny, patterns: policy.denyPatterns, exempt: policy.allowPatterns) : nil
    let usual: [Config.Policy.Role] = policy.kind == .promptInjection ? [.user, .tool] : [.user]
    roles = (policy.roles.isEmpty ? usual : policy.roles).reduce(0) { $0 | Self.bit(PromptRole($1)) }
    switch policy.sensitivity {
    case .strict: threshold = 6
    case .normal: threshold = policy.action == .report ? 6 : 8
    case .relaxed: threshold = 10
    }
    countsTokens = policy.tokens == .on
  }

  private static func bit(_ role: PromptRole) -> UInt8 { 1 << role.rawValue }

  func looks(at role: PromptRole) -> Bool { roles & Self.bit(role) != 0 }

  /// A placeholder's type for a pattern of this name.
  private static func label(_ name: String) -> [UInt8] {
    name.uppercased().utf8.map { ASCII.isNameByte($0) && $0 != 0x2D || $0 == 0x5F ? $0 : 0x5F }
  }
}

extension PromptRole {
  init(_ role: Config.Policy.Role) {
    switch role {
    case .user: self = .user
    case .tool: self = .tool
    case .assistant: self = .assistant
    case .system: self = .system
    }
  }
}

/// Values that pass a policy.
struct AllowedValues: Sendable {
  private enum Value: Sendable {
    /// Texts with anything between them, in lower case.
    case glob([[UInt8]])
    /// A network's first address and its mask.
    case network(UInt32, UInt32)
  }
  private let values: [Value]

  init(_ texts: [String]) {
    values = texts.map { text in
      if let network = Self.network(text) { return network }
      let parts = text.lowercased().split(separator: "*", omittingEmptySubsequences: false)
      return .glob(parts.map { Array($0.utf8) })
    }
  }

  var isEmpty: Bool { values.isEmpty }

  private static func network(_ text: String) -> Value? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let bits = UInt32(parts[1]), bits <= 32 else { return nil }
    let bytes = Array(parts[0].utf8)
    guard let address = address(bytes.span) else { return nil }
    let mask = bits == 0 ? 0 : UInt32.max << (32 - bits)
    return .network(address & mask, mask)
  }

  /// The IPv4 address with which `text` begins.
  private static func address(_ text: Span<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    var octet: UInt32 = 0
    var dots = 0
    for at in 0..<text.count {
      let byte = text[at]
      if ASCII.isDigit(byte) {
        octet = octet * 10 + UInt32(byte & 0x0F)
        if octet > 255 { return nil }
      } else if byte == UInt8(ascii: "."), dots < 3 {
        value = value << 8 | octet
        octet = 0
        dots += 1
      } else {
        break
      }
    }
    return dots == 3 ? value << 8 | octet : nil
  }

  func contains(_ text: Span<UInt8>) -> Bool {
    for value in values {
      switch value {
      case .network(let network, let mask):
        if let address = Self.address(text), address & mask == network { return true }
      case .glob(let parts): if Self.matches(text, parts) { return true }
      }
    }
    return false
  }

  private static func matches(_ text: Span<UInt8>, _ parts: [[UInt8]]) -> Bool {
    func holds(_ part: [UInt8], at: Int) -> Bool {
      guard at >= 0, at + part.count <= text.count else { return false }
      for place in part.indices where ASCII.lower(text[at + place]) != part[place] { return false }
      return true
    }
    guard let first = parts.first, let last = parts.last, holds(first, at: 0) else { return false }
    if parts.count == 1 { return first.count == text.count }
    guard text.count >= first.count + last.count, holds(last, at: text.count - last.count) else {
      return false
    }
    var at = first.count
    for part in parts.dropFirst().dropLast() {
      while !holds(part, at: at) {
        at += 1
        if at + part.count > text.count - last.count { return false }
      }
      at += part.count
    }
    return at <= text.count - last.count
  }
}

/// All policies that look at one caller's requests, in order.
package final class PolicyChain: Sendable {
  package let rules: [PolicyRule]
  /// Their names, as `x-remora-policies` has them where nothing is found.
  let header: String
  /// The union of what they look for, in one scan.
  let data: PersonalData?
  /// What is looked for in what the model itself says; nil where nothing is.
  let answers: PersonalData?
  /// Remora's own secrets, which never go upstream in a body.
  let secrets: [Secret]
  let hasInjection: Bool
  /// Some of them tell conversations apart.
  let hasOwn: Bool
  package let refusesUnscanned: PolicyRule?

  init?(_ rules: [PolicyRule], regions: Regions, secrets: [Secret]) {
    if rules.isEmpty { return nil }
    self.rules = rules
    header = rules.map(\.name).joined(separator: ", ")
    var entities = Entities()
    for rule in rules { entities.formUnion(rule.entities) }
    data = entities.isEmpty ? nil : PersonalData(entities, regions: regions)
    var inAnswers = Entities()
    for rule in rules where rule.answers != .pass { inAnswers.formUnion(rule.entities) }
    answers =
      rules.contains { $0.answers != .pass } ? PersonalData(inAnswers, regions: regions) : nil
    // A key that several providers share is sought once.
    self.secrets =
      rules.contains { $0.kind == .secrets }
      ? secrets.reduce(into: []) { sought, secret in
        if secret.bytes.count > 12, !sought.contains(where: { $0.isEqual(to: secret) }) {
          sought.append(secret)
        }
      } : []
    hasOwn = rules.contains(where: \.isOwn)
    hasInjection = rules.contains { $0.kind == .promptInjection }
    // Tables are made now, and not while the first request waits.
    if hasInjection { _ = InjectionScanner() }
    refusesUnscanned = rules.first { $0.refusesUnscanned }
  }
}

/// The policies of a configuration: who passes which.
package struct PolicyBook: Sendable {
  /// For callers without a group.
  package let common: PolicyChain?
  private let groups: [String: PolicyChain]

  /// - Parameters:
  ///   - keys: of policies that have one, by name.
  ///   - secrets: those that the process itself has loaded.
  package init(_ settings: Settings, keys: [String: Secret], secrets: [Secret]) throws(PatternFault) {
    var rules: [String: PolicyRule] = [:]
    var regions: [String: Regions] = [:]
    for (place, policy) in settings.policies.enumerated() where policy.kind != .auditLog {
      rules[policy.name] = try PolicyRule(policy, at: place, key: keys[policy.name])
      regions[policy.name] = Self.regions(policy.regions)
    }
    func chain(_ names: [String]) -> PolicyChain? {
      var used: [String] = []
      for name in names where !used.contains(name) && rules[name] != nil { used.append(name) }
      let union = used.reduce(into: Regions()) { $0.formUnion(regions[$1] ?? []) }
      return PolicyChain(used.compactMap { rules[$0] }, regions: union, secrets: secrets)
    }
    common = chain(settings.policyChain)
    var groups: [String: PolicyChain] = [:]
    for group in settings.consumers?.groups ?? [] where !group.policies.isEmpty {
      groups[group.name] = chain(settings.policyChain + group.policies)
    }
    self.groups = groups
  }

  private static func regions(_ names: [Config.Policy.Region]) -> Regions {
    names.reduce(into: Regions()) { union, name in
      switch name {
      case .us: union.insert(.america)
      case .gb: union.insert(.britain)
      case .fr: union.insert(.france)
      case .de: union.insert(.germany)
      }
    }
  }

  /// Whether there is anything to do for anybody.
  package var isEmpty: Bool { common == nil && groups.isEmpty }

  /// The policies that a request of `group` passes.
  package func chain(for group: String?) -> PolicyChain? { group.flatMap { groups[$0] } ?? common }

  /// A chain of a single policy, for trying it out; of all where `name` is nil.
  package static func trial(
    _ settings: Settings, _ name: String?, keys: [String: Secret]
  ) throws(PatternFault) -> PolicyChain? {
    var trial = settings
    trial.policyChain = settings.policies.map(\.name).filter { name == nil || $0 == name }
    trial.consumers = nil
    return try PolicyBook(trial, keys: keys, secrets: []).common
  }
}
