// Consumers, limits, policies and prices.

internal import Wire

extension Decoder {
  mutating func consumers(_ node: YAMLNode, _ settings: Settings) -> Consumers? {
    guard let fields = fields(node, .consumers, of: "consumers") else { return nil }
    var consumers = Consumers()
    if let node = fields["header"], let header = text(node, of: "consumers.header") {
      if Name.isToken(header) {
        consumers.header = header.lowercased()
      } else {
        problem("consumers.header must be a header's name: letters, digits and '-'", at: node.position)
      }
    }
    consumers.isRequired = boolean(fields["required"], of: "consumers.required") ?? false
    guard let node = fields["groups"], let entries = entries(node, of: "consumers.groups") else {
      return consumers
    }
    if entries.count > Defaults.groups {
      problem(
        "consumers has \(entries.count) groups; at most \(Defaults.groups) are allowed", at: node.position)
    }
    consumers.groups = entries.prefix(Defaults.groups).compactMap { group($0, settings) }
    return consumers
  }

  private mutating func group(_ entry: YAMLEntry, _ settings: Settings) -> ConsumerGroup? {
    let what = "group '\(Shown.text(entry.key))'"
    checkName(entry, what)
    guard let fields = fields(entry.value, .group, of: what) else { return nil }
    let key = secret(fields["key"], of: "\(what) key")
    var group = ConsumerGroup(name: entry.key, key: key ?? SecretSource.none)
    group.models = texts(fields["models"], of: "\(what) models", ceiling: Defaults.models)
    if let node = fields["limits"] { group.limits = limits(node, of: "\(what) limits") }
    group.policies = texts(fields["policies"], of: "\(what) policies", ceiling: Defaults.targets)
    if case .sequence(let items)? = fields["policies"]?.kind {
      for item in items { checkPolicy(item, "\(what) policies", settings) }
    }
    return group
  }

  private mutating func checkName(_ entry: YAMLEntry, _ what: String) {
    if Name.isValid(entry.key) { return }
    problem(
      "\(what): a name has at most \(Defaults.name) letters, digits, '-', '_' and '.'", at: entry.keyPosition)
  }

  mutating func limits(_ node: YAMLNode, of what: String) -> Limits {
    var limits = Limits()
    guard let fields = fields(node, .limits, of: what) else { return limits }
    limits.requestsPerMinute =
      integer(fields["requests_per_minute"], of: "\(what).requests_per_minute", in: 0...1_000_000_000) ?? 0
    limits.tokensPerMinute =
      integer(fields["tokens_per_minute"], of: "\(what).tokens_per_minute", in: 0...1_000_000_000_000) ?? 0
    limits.concurrentRequests =
      integer(fields["concurrent_requests"], of: "\(what).concurrent_requests", in: 0...1_000_000) ?? 0
    if let node = fields["budget_usd"], let inner = self.fields(node, .budget, of: "\(what).budget_usd") {
      let amount = number(inner["amount"], of: "\(what).budget_usd.amount")
      let span = Duration.seconds(60)...Defaults.retention
      let per = duration(inner["per"], of: "\(what).budget_usd.per", in: span)
      if let amount, let per { limits.budget = Budget(amount: amount, per: per) }
    }
    return limits
  }

  // MARK: Policies

  /// The names of `kind`, and the keys beside it that each has.
  private enum PolicyKind: String, CaseIterable {
    case personalData = "pii_detector"
    case promptInjection = "prompt_injection"
    case auditLog = "audit_log"

    var keys: [String] {
      switch self {
      case .personalData: ["action", "entities"]
      case .promptInjection: ["action"]
      case .auditLog: ["file", "retention"]
      }
    }
  }

  mutating func policies(_ node: YAMLNode) -> [Policy] {
    guard let entries = entries(node, of: "policies") else { return [] }
    return entries.compactMap { policy($0) }
  }

  private mutating func policy(_ entry: YAMLEntry) -> Policy? {
    let what = "policy '\(Shown.text(entry.key))'"
    checkName(entry, what)
    guard let fields = fields(entry.value, .policy, of: what) else { return nil }
    let kind = choice(fields["kind"], of: "\(what) kind", PolicyKind.self)
    let action = choice(fields["action"], of: "\(what) action", Policy.Action.self) ?? .block
    var entities: [Policy.Entity] = []
    if let node = fields["entities"] {
      for item in items(node, of: "\(what) entities", ceiling: Defaults.targets) {
        if let entity = choice(item, of: "\(what) entities", Policy.Entity.self) { entities.append(entity) }
      }
    }
    let file = text(fields["file"], of: "\(what) file", ceiling: Defaults.path)
    let span = Duration.seconds(3600)...Defaults.retention
    let retention = duration(fields["retention"], of: "\(what) retention", in: span)
    guard let kind else { return nil }
    for key in ["action", "entities", "file", "retention"]
    where fields[key] != nil && !kind.keys.contains(key) {
      let known = kind.keys.joined(separator: ", ")
      problem(
        "\(what) of kind \(kind.rawValue) has no '\(key)'; it has: \(known)", at: fields.keyPosition(key))
    }
    switch kind {
    case .personalData:
      let wanted = entities.isEmpty ? Policy.Entity.allCases : entities
      return Policy(name: entry.key, rule: .personalData(action: action, entities: wanted))
    case .promptInjection:
      return Policy(name: entry.key, rule: .promptInjection(action: action))
    case .auditLog:
      if fields["file"] == nil {
        problem("\(what) needs the key 'file': where it writes", at: entry.keyPosition)
      }
      guard let file else { return nil }
      return Policy(name: entry.key, rule: .auditLog(file: file, retention: retention))
    }
  }

  // MARK: Prices

  mutating func prices(_ node: YAMLNode) -> [Price] {
    guard let entries = entries(node, of: "prices") else { return [] }
    return entries.compactMap { entry in
      let what = "price '\(Shown.text(entry.key))'"
      let parts = entry.key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count != 2 || parts.contains(where: \.isEmpty) {
        problem("\(what): write provider/model", at: entry.keyPosition)
      }
      guard let fields = fields(entry.value, .price, of: what) else { return nil }
      let input = number(fields["input"], of: "\(what) input")
      let output = number(fields["output"], of: "\(what) output")
      let cached = number(fields["cached_input"], of: "\(what) cached_input")
      guard let input, let output else { return nil }
      return Price(target: entry.key, input: input, output: output, cachedInput: cached)
    }
  }
}
