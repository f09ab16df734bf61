// Names that applications ask for, and what serves them.

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
}
