// LiteLLM's names with several entries, its fallbacks and its aliases, as entries of `models`.

internal import Config
internal import Wire

extension Conversion {
  mutating func readModels() {
    let deployments = readDeployments()
    let strategy = strategy()
    var groups: [(name: String, members: [Deployment])] = []
    var places: [String: Int] = [:]
    for deployment in deployments {
      if let index = places[deployment.name] {
        groups[index].members.append(deployment)
      } else {
        places[deployment.name] = groups.count
        groups.append((deployment.name, [deployment]))
      }
    }
    let fallbacks = readFallbacks(groups, deployments)
    for group in groups { add(group.name, group.members, fallbacks[group.name] ?? [], strategy) }
    readAliases()
  }

  /// How entries of one name are chosen.
  private mutating func strategy() -> ModelEntry.Pick {
    guard let item = root["router_settings"]?["routing_strategy"], let text = item.text else {
      return .weighted
    }
    switch text {
    case "simple-shuffle": ledger.took(item)
    case "latency-based-routing", "least-busy":
      ledger.note(item, .approximate, "pick: fastest, by the times to the first token")
      return .fastest
    case "cost-based-routing":
      ledger.took(item)
      return .cheapest
    case "usage-based-routing", "usage-based-routing-v2":
      ledger.note(item, .manual, "pick: weighted here; weights say the shares")
    default: ledger.note(item, .unsupported, "pick: weighted here")
    }
    return .weighted
  }

  private mutating func add(
    _ name: String, _ members: [Deployment], _ fallbacks: [TargetDraft], _ strategy: ModelEntry.Pick
  ) {
    if name == "*" { return addDefault(members, fallbacks) }
    var tiers: [[TargetDraft]] = []
    for order in Set(members.map(\.order)).sorted() {
      tiers.append(Self.merged(members.filter { $0.order == order }.map(\.target)))
    }
    let first = tiers.first ?? []
    var rest: [TargetDraft] = []
    var known = Set(first.map(\.place))
    for target in tiers.dropFirst().flatMap({ $0 }) + fallbacks where known.insert(target.place).inserted {
      rest.append(target)
    }
    var model = ModelDraft(name: name, targets: first)
    if first.count == 1 {
      model.targets = (first + rest).map { TargetDraft(provider: $0.provider, model: $0.model, weight: nil) }
    } else if strategy != .weighted, rest.isEmpty {
      model.pick = strategy
    } else {
      model.pick = .weighted
      model.targets = Self.weighted(first, rest)
      if strategy != .weighted {
        model.comments.append("pick: \(strategy.rawValue) would also take the fallbacks into the choice")
      }
    }
    draft.models.append(model)
  }

  /// Shares in small numbers, and none for what is only a fallback.
  private static func weighted(_ first: [TargetDraft], _ rest: [TargetDraft]) -> [TargetDraft] {
    let weights = first.map { $0.weight ?? 1 }
    let divisor = weights.reduce(0, Self.divisor)
    let isEven = Set(weights).count == 1
    var targets = first
    for index in targets.indices {
      let weight = min(weights[index] / max(divisor, 1), 1_000_000)
      targets[index].weight = isEven && rest.isEmpty ? nil : isEven ? 1 : max(weight, 1)
    }
    return targets + rest.map { TargetDraft(provider: $0.provider, model: $0.model, weight: 0) }
  }

  private static func divisor(_ left: Int, _ right: Int) -> Int {
    right == 0 ? left : divisor(right, left % right)
  }

  /// Entries that are the same target are one, with the share of both.
  private static func merged(_ targets: [TargetDraft]) -> [TargetDraft] {
    var merged: [TargetDraft] = []
    var places: [TargetDraft.Place: Int] = [:]
    for target in targets {
      if let index = places[target.place] {
        let (sum, isOver) = (merged[index].weight ?? 1).addingReportingOverflow(target.weight ?? 1)
        merged[index].weight = isOver ? .max : sum
      } else {
        places[target.place] = merged.count
        merged.append(target)
      }
    }
    return merged
  }

  /// `*` takes every name that no other entry has.
  private mutating func addDefault(_ members: [Deployment], _ fallbacks: [TargetDraft]) {
    guard let first = members.first else { return }
    if draft.defaultProvider == nil, first.target.model == "*" {
      draft.defaultProvider = first.target.provider
    }
    let targets = Self.merged(members.map(\.target)) + fallbacks
    guard targets.count > 1 || first.target.model != "*" else { return }
    let plain = targets.map { TargetDraft(provider: $0.provider, model: $0.model, weight: nil) }
    draft.models.append(ModelDraft(name: "*", targets: plain))
  }

  // MARK: Fallbacks

  /// What stands behind each name, in order; not transitive, as there.
  private mutating func readFallbacks(
    _ groups: [(name: String, members: [Deployment])], _ deployments: [Deployment]
  ) -> [String: [TargetDraft]] {
    var behind: [String: [TargetDraft]] = [:]
    let keys = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"]
    for key in keys {
      let lists = [root["router_settings"]?[key], root["litellm_settings"]?[key]].compactMap { $0 }
      for (place, list) in lists.enumerated() {
        if place > 0 {
          ledger.note(list, .unsupported, "router_settings.\(key) goes before it, there as well")
          continue
        }
        for entry in list.items { readFallback(entry, key, groups, deployments, &behind) }
      }
    }
    for item in [
      root["router_settings"]?["default_fallbacks"], root["litellm_settings"]?["default_fallbacks"],
    ].compactMap({ $0 }) {
      for name in item.oneOrMany {
        let targets = targets(name, groups, deployments)
        for group in groups where group.name != name.text { behind[group.name, default: []] += targets }
      }
    }
    return behind
  }

  private mutating func readFallback(
    _ entry: Item, _ key: String, _ groups: [(name: String, members: [Deployment])],
    _ deployments: [Deployment],
    _ behind: inout [String: [TargetDraft]]
  ) {
    for (name, list) in entry.entries {
      guard groups.contains(where: { $0.name == name }) || name == "*" else {
        ledger.note(list, .unsupported, "no entry of model_list has the name")
        continue
      }
      for item in list.oneOrMany {
        let targets = targets(item, groups, deployments)
        if name == "*" {
          for group in groups where group.name != item.text { behind[group.name, default: []] += targets }
        } else {
          behind[name, default: []] += targets
        }
        if key == "context_window_fallbacks", !targets.isEmpty {
          ledger.note(
            item, .approximate, "a prompt that is too long goes to the next target with room for it")
        }
        if key == "content_policy_fallbacks", !targets.isEmpty {
          draft.fallsBackOnFilter = true
          ledger.note(item, .approximate, "retry.fallback_on: [content_filter] is for all names")
        }
      }
    }
  }

  /// What a name, or an entry's id, of `model_list` leads to.
  private mutating func targets(
    _ item: Item, _ groups: [(name: String, members: [Deployment])], _ deployments: [Deployment]
  ) -> [TargetDraft] {
    guard let name = item.text else {
      ledger.note(item, .unsupported, "a fallback is a name here, without parameters of its own")
      return []
    }
    let found = groups.first { $0.name == name }?.members ?? deployments.filter { $0.id == name }
    if found.isEmpty {
      ledger.note(item, .unsupported, "no entry of model_list that can be reached has the name")
    } else {
      ledger.took(item)
    }
    return Self.merged(found.map(\.target))
  }

  private mutating func readAliases() {
    for place in [
      root["router_settings"]?["model_group_alias"], root["litellm_settings"]?["model_alias_map"],
    ] {
      for (alias, item) in place?.entries ?? [] {
        let name = item.text ?? item["model"]?.text
        guard let model = draft.models.first(where: { $0.name == name }), modelName(alias) != nil,
          !draft.models.contains(where: { $0.name == alias })
        else {
          ledger.note(item, .unsupported, "leads to no name of model_list that can be reached")
          continue
        }
        var entry = model
        entry.name = alias
        draft.models.append(entry)
        ledger.took(item["model"] ?? item)
        if item["hidden"]?.bool == true {
          ledger.note(item["hidden"], .approximate, "/v1/models lists every name")
        } else {
          ledger.took(item["hidden"])
        }
      }
    }
  }
}

extension TargetDraft {
  func isSame(as other: TargetDraft) -> Bool { place == other.place }
}
