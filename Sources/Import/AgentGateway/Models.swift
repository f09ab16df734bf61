// agentgateway's `llm`: models by name, without routes.

internal import Config
internal import Wire

extension Conversion {
  mutating func readLLM() {
    guard let llm = root["llm"] else { return }
    if let port = llm["port"], let number = port.integer, (1...65535).contains(number), number != 4142,
      !draft.listen.contains(where: { $0.address == "127.0.0.1:\(number)" })
    {
      draft.listen.append(ListenDraft(address: "127.0.0.1:\(number)"))
      ledger.note(
        port, .approximate,
        "on loopback here, for the pod's own containers; there for all who reach the machine")
    }
    let providers = readNamedProviders(llm["providers"])
    for item in llm["models"]?.items ?? [] { readModel(item, providers) }
    for item in llm["virtualModels"]?.items ?? [] { readVirtual(item) }
    if let policies = llm["policies"] { readPolicies(policies) }
    if draft.defaultProvider == nil, draft.models.isEmpty, !draft.providers.isEmpty {
      draft.defaultProvider = 0
    }
  }

  private mutating func readNamedProviders(_ list: Item?) -> [String: Item] {
    var named: [String: Item] = [:]
    for item in list?.items ?? [] { if let name = item["name"]?.text { named[name] = item } }
    for (name, item) in list?.entries ?? [] { named[name] = item }
    return named
  }

  private mutating func readModel(_ item: Item, _ providers: [String: Item]) {
    guard let nameItem = item["name"], let name = nameItem.text.flatMap({ modelName($0) }) else {
      return ledger.note(item, .manual, "has no name that can be one here")
    }
    let said = item["provider"]
    let reference = said?.text ?? said?["reference"]?.text ?? said?.entries.first?.key ?? ""
    let named = providers[reference]
    let whose = named?["provider"]?.text ?? reference
    guard let kind = Vendor.agentGateway(whose) else {
      return ledger.note(item, .unsupported, "its provider isn't known here")
    }
    ledger.took(nameItem)
    ledger.took(said)
    ledger.took(named?["name"])
    ledger.took(named?["provider"])
    var provider = ProviderDraft(kind)
    var written: Item?
    for parameters in [named?["params"], named, item["params"]].compactMap({ $0 }) {
      readAddress(parameters, &provider)
      readPlace(parameters, &provider)
      if let key = parameters["apiKey"] { apply(self.key(key), &provider) }
      written = parameters["model"] ?? written
    }
    if item["params"] == nil, named == nil { readPlace(item, &provider) }
    if provider.key == nil, provider.token == nil { apply(nil, &provider) }
    let index = draft.add(provider, ProviderFacts(hint: kind.rawValue, line: item.line))
    add(name, written, index, item)
    readBeside(item)
  }

  private mutating func add(_ name: String, _ written: Item?, _ provider: Int, _ item: Item) {
    var model = written?.text.flatMap { modelName($0) }
    if written != nil { ledger.took(written) }
    if let expression = item["transformation"]?["model"] {
      // `llmRequest.model.stripPrefix("anthropic/")`: what pinning a provider does.
      let prefix = name.hasSuffix("/*") ? String(name.dropLast()) : ""
      if !prefix.isEmpty, expression.text == "llmRequest.model.stripPrefix(\"\(prefix)\")" {
        model = "*"
        ledger.took(expression)
      } else {
        ledger.note(expression, .unsupported, "no expressions")
      }
    }
    if name == "*" {
      draft.defaultProvider = draft.defaultProvider ?? provider
      guard let model, model != "*", !model.contains("*") else { return }
    }
    let stars = name.filter { $0 == "*" }.count
    var target = model ?? name
    if stars != 1, target.contains("*") { target = name }
    guard stars <= 1, !draft.models.contains(where: { $0.name == name }) else {
      return ledger.note(item, .unsupported, "a name stands once, with one star")
    }
    draft.models.append(
      ModelDraft(name: name, targets: [TargetDraft(provider: provider, model: target, weight: nil)]))
  }

  /// What is said of one model, and can't be here.
  private mutating func readBeside(_ item: Item) {
    for guards in [item["guardrails"], item["promptGuard"]].compactMap({ $0 }) {
      readGuards(guards)
      ledger.note(guards, .approximate, "policies are for all models", isMore: true)
    }
    let reasons = [
      "defaults": "no members are added to bodies: the application says it",
      "overrides": "no members are added to bodies: the application says it",
      "transformation": "no expressions", "promptCaching": "send cache_control with the request",
      "matches": "models are told apart by their names alone",
      "health": "targets are judged by the answers of real requests",
      "requestHeaders": "write headers under the provider",
      "responseHeaders": "headers of answers pass as they are",
    ]
    for (key, reason) in reasons {
      ledger.note(item[key], key == "health" ? .approximate : .unsupported, reason)
    }
    ledger.note(item["params"]?["tokenize"], .approximate, "prompts are estimated before, and counted after")
  }

  /// Several models under one name: by weight, in order, or by a condition, of which there is none here.
  private mutating func readVirtual(_ item: Item) {
    guard let nameItem = item["name"], let name = nameItem.text.flatMap({ modelName($0) }) else {
      return ledger.note(item, .manual, "has no name that can be one here")
    }
    let routing = item["routing"] ?? item
    let kinds: Set<String> = ["weighted", "failover", "conditional"]
    let choices: [(key: String, item: Item)] = routing.entries.filter { entry in kinds.contains(entry.key) }
    guard let choice = choices.first else {
      return ledger.note(item, .manual, "says neither weighted, failover nor conditional")
    }
    let list = choice.item.first("targets", "models", "routes") ?? choice.item
    var targets: [TargetDraft] = []
    var tiers: [Int] = []
    for entry in list.items {
      guard let written = entry["model"] ?? entry["name"] ?? (entry.isCollection ? nil : entry),
        let text = written.text,
        let model = draft.models.first(where: { $0.name == text }), var target = model.targets.first
      else {
        ledger.note(entry, .unsupported, "no entry of models has the name")
        continue
      }
      ledger.took(written)
      if choice.key == "weighted" { target.weight = max(entry["weight"]?.integer ?? 1, 0) }
      ledger.took(entry["weight"])
      ledger.note(entry["when"] ?? entry["condition"], .unsupported, "no conditions: the last model gets all")
      ledger.took(entry["priority"])
      if targets.contains(where: { $0.isSame(as: target) }) { continue }
      targets.append(target)
      tiers.append(entry["priority"]?.integer ?? tiers.count)
    }
    if choice.key == "failover" { targets = Self.inTiers(targets, tiers) }
    guard let last = targets.last, !draft.models.contains(where: { $0.name == name }) else {
      return ledger.note(item, .unsupported, "leads to no model that can be reached")
    }
    ledger.took(nameItem)
    var model = ModelDraft(name: name, targets: choice.key == "conditional" ? [last] : targets)
    if targets.contains(where: { ($0.weight ?? 0) > 0 }) { model.pick = .weighted }
    draft.models.append(model)
  }

  /// The lowest number first; several of it share the load, and what comes behind them is only a fallback.
  private static func inTiers(_ targets: [TargetDraft], _ tiers: [Int]) -> [TargetDraft] {
    let order = targets.indices.sorted { (tiers[$0], $0) < (tiers[$1], $1) }
    guard let first = order.first, tiers.filter({ $0 == tiers[first] }).count > 1 else {
      return order.map { targets[$0] }
    }
    return order.map { place in
      var target = targets[place]
      target.weight = tiers[place] == tiers[first] ? 1 : 0
      return target
    }
  }
}
