// The entries of `models`.

internal import Wire

extension Decoder {
  mutating func models(_ node: YAMLNode) -> [ModelEntry] {
    guard let entries = entries(node, of: "models") else { return [] }
    if entries.count > Defaults.models {
      problem(
        "models has \(entries.count) entries; at most \(Defaults.models) are allowed", at: node.position)
    }
    return entries.prefix(Defaults.models).compactMap { model($0) }
  }

  private mutating func model(_ entry: YAMLEntry) -> ModelEntry? {
    let what = "model '\(Shown.text(entry.key))'"
    let name = entry.key
    if name.isEmpty || name.utf8.count > Defaults.modelName
      || name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
    {
      problem(
        "\(what): a name has 1 to \(Defaults.modelName) bytes, none of them blank", at: entry.keyPosition)
    }
    let prefix = name.prefix { $0 != "/" }
    if prefix.count < name.count, providerNames.contains(String(prefix)) {
      warning(
        "\(what) is never asked for: a name that begins with a provider's pins that provider ('\(Shown.text(prefix))')",
        at: entry.keyPosition)
    }
    if entry.value.isNull {
      problem("\(what) has no target; write provider/model", at: entry.keyPosition)
      return nil
    }
    guard case .mapping = entry.value.kind else {
      let targets = targets(entry.value, what)
      return targets.isEmpty ? nil : ModelEntry(name: name, targets: targets)
    }
    guard let fields = fields(entry.value, .model, of: what) else { return nil }
    let targets = fields["targets"].map { self.targets($0, what) } ?? []
    let pick = choice(fields["pick"], of: "\(what) pick", ModelEntry.Pick.self) ?? .ordered
    let isDeprecated = boolean(fields["deprecated"], of: "\(what) deprecated") ?? false
    if pick == .weighted, !targets.isEmpty, targets.allSatisfy({ $0.weight == 0 }) {
      problem("\(what): every weight is 0; give at least one target a weight", at: entry.value.position)
    }
    if targets.isEmpty { return nil }
    return ModelEntry(name: name, targets: targets, pick: pick, isDeprecated: isDeprecated)
  }

  private mutating func targets(_ node: YAMLNode, _ what: String) -> [ModelTarget] {
    if case .scalar = node.kind { return target(node, what).map { [$0] } ?? [] }
    let nodes = items(node, of: "\(what) targets", ceiling: Defaults.targets)
    if nodes.isEmpty, case .sequence = node.kind {
      problem("\(what) has no target; write provider/model", at: node.position)
    }
    var targets: [ModelTarget] = []
    for node in nodes {
      guard let target = target(node, what) else { continue }
      if targets.contains(where: { $0.provider == target.provider && $0.model == target.model }) {
        problem(
          "\(what) names the target \(Self.kind(node["to"] ?? node)) twice; keep one of them",
          at: node.position)
      }
      targets.append(target)
    }
    return targets
  }

  private mutating func target(_ node: YAMLNode, _ what: String) -> ModelTarget? {
    var place: YAMLNode? = node
    var weight = 1
    if case .mapping = node.kind {
      guard let fields = fields(node, .target, of: "a target of \(what)") else { return nil }
      place = fields["to"]
      weight = integer(fields["weight"], of: "a weight of \(what)", in: 0...Defaults.weight) ?? 1
    }
    guard let place, let text = text(place, of: "a target of \(what)", ceiling: Defaults.modelName) else {
      return nil
    }
    let provider = String(text.prefix { $0 != "/" })
    let model = String(text.dropFirst(provider.count + 1))
    guard !provider.isEmpty, !model.isEmpty else {
      problem("a target of \(what), \(Self.kind(place)): write provider/model", at: place.position)
      return nil
    }
    if !providerNames.contains(provider) {
      problem(
        unknownProvider(
          String(Self.raw(place).prefix { $0 != "/" }), "a target of \(what)",
          providerNames),
        at: place.position)
    }
    return ModelTarget(provider: provider, model: model, weight: weight)
  }
}
