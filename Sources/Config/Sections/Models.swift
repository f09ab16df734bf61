// Names that applications ask for, and what serves them: the entries of `models`.

internal import Wire

/// One entry of `models`.
package struct ModelEntry: Sendable, Equatable {
  package enum Pick: String, Sendable, Equatable, CaseIterable { case ordered, cheapest, fastest, weighted }

  package var name: String
  /// At least one.
  package var targets: [ModelTarget]
  package var pick: Pick
  /// Whether answers under this name carry the deprecation headers.
  package var isDeprecated: Bool

  package init(name: String, targets: [ModelTarget], pick: Pick = .ordered, isDeprecated: Bool = false) {
    self.name = name
    self.targets = targets
    self.pick = pick
    self.isDeprecated = isDeprecated
  }

  static let section = Section<ModelEntry>([
    Row(
      "targets", .either([.text, .list(.either([.text, .object(ModelTarget.section.table)]))]),
      "What serves the name, in order.", isRequired: true,
      // Read by the entry, which may be its targets alone.
      read: nil,
      write: { model, writer in
        writer.open("[", "targets")
        for target in model.targets {
          ModelTarget.section.write((target, model.pick), to: &writer)
        }
        writer.close("]")
      }),
    Row("pick", \.pick, .choice, "Which target is tried first. Default: ordered."),
    Row("deprecated", \.isDeprecated, .boolean, "Whether answers say that the name is deprecated."),
  ])
}

/// `provider/model`: which configured provider, and the model's name there.
package struct ModelTarget: Sendable, Equatable {
  package var provider: String
  package var model: String
  /// Its share where targets are picked by weight.
  package var weight: Int

  package init(provider: String, model: String, weight: Int = 1) {
    self.provider = provider
    self.model = model
    self.weight = weight
  }

  package var text: String { provider + "/" + model }

  private static let weight = Form<Int>.integer(0...Defaults.weight)

  /// Read in `Decoder.target`, whose messages call the keys otherwise.
  static let section = Section<(target: ModelTarget, pick: ModelEntry.Pick)>([
    Row(
      "to", .text, "provider/model.", isRequired: true, read: nil, write: { $1.member("to", $0.target.text) }),
    Row(
      "weight", weight.shape, "Its share of the requests. Default: 1.", read: nil,
      write: { if $0.pick == .weighted { weight.write($0.target.weight, "weight", &$1) } }),
  ])

  fileprivate static func readWeight(_ node: YAMLNode, _ what: String, _ decoder: inout Decoder) -> Int? {
    weight.read(&decoder, node, what)
  }
}

extension Form where Value == [ModelEntry] {
  static var models: Form {
    Form<ModelEntry>.entries(
      .either([.text, .list(.text), .object(ModelEntry.section.table)]),
      ceiling: (Defaults.models, "entries"),
      read: { decoder, entry, _ in decoder.model(entry) },
      write: { ModelEntry.section.write($0, $0.name, to: &$1) })
  }
}

extension Decoder {
  fileprivate mutating func model(_ entry: YAMLEntry) -> ModelEntry? {
    let place = Place(named: "model '\(Shown.text(entry.key))'")
    checkModelName(entry, place.title)
    if entry.value.isNull {
      problem("\(place.title) has no target; write provider/model", at: entry.keyPosition)
      return nil
    }
    guard case .mapping = entry.value.kind else {
      let targets = targets(entry.value, place.title)
      return targets.isEmpty ? nil : ModelEntry(name: entry.key, targets: targets)
    }
    var model = ModelEntry(name: entry.key, targets: [])
    guard let fields = ModelEntry.section.read(entry.value, place, into: &model, &self) else { return nil }
    model.targets = fields["targets"].map { targets($0, place.title) } ?? []
    if model.pick == .weighted, !model.targets.isEmpty, model.targets.allSatisfy({ $0.weight == 0 }) {
      problem(
        "\(place.title): every weight is 0; give at least one target a weight", at: entry.value.position)
    }
    return model.targets.isEmpty ? nil : model
  }

  private mutating func checkModelName(_ entry: YAMLEntry, _ what: String) {
    let name = entry.key
    if name.isEmpty || name.utf8.count > Defaults.modelName
      || name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
    {
      problem(
        "\(what): a name has 1 to \(Defaults.modelName) bytes, none of them blank", at: entry.keyPosition)
    }
    if name.filter({ $0 == "*" }).count > 1 {
      problem("\(what): a name has at most one star, which stands for any text", at: entry.keyPosition)
    }
    let prefix = name.prefix { $0 != "/" }
    if prefix.count < name.count, providerNames.contains(String(prefix)) {
      warning(
        "\(what) is never asked for: a name that begins with a provider's pins that provider ('\(Shown.text(prefix))')",
        at: entry.keyPosition)
    }
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
    checkStars(targets, what, at: node.position)
    return targets
  }

  /// A star in a target stands for what the one in the name stood for.
  private mutating func checkStars(_ targets: [ModelTarget], _ what: String, at position: Position) {
    let stars = what.filter { $0 == "*" }.count
    for target in targets {
      let count = target.model.filter { $0 == "*" }.count
      if count > 1 || count > stars {
        problem(
          "\(what), target '\(Shown.text(target.text))': a star stands for what the star in the name stood for; "
            + (count > 1 ? "keep one" : "the name has none"),
          at: position)
      }
    }
  }

  private mutating func target(_ node: YAMLNode, _ what: String) -> ModelTarget? {
    var place: YAMLNode? = node
    var weight = 1
    if case .mapping = node.kind {
      let table = ModelTarget.section.table
      guard let fields = fields(node, table, of: "a target of \(what)") else { return nil }
      place = fields["to"]
      if let node = fields["weight"] {
        weight = ModelTarget.readWeight(node, "a weight of \(what)", &self) ?? 1
      }
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
      let written = String(Self.raw(place).prefix { $0 != "/" })
      problem(unknownProvider(written, "a target of \(what)", providerNames), at: place.position)
    }
    return ModelTarget(provider: provider, model: model, weight: weight)
  }
}
