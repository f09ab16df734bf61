// Which targets serve a model name, and what the model is called there.
//
// What the operator wrote is compiled when the settings are read: a request costs one hash over the name that it asks
// for. The catalogue's names are compiled when one is asked for the first time that the operator has not placed.
// Next: Plan.swift, Names.swift, and Proxy/Choose.swift, which asks here once a request.

package import Config
internal import Synchronization
internal import Wire

/// What one entry of `listen` changes for the requests that come in through it.
package struct RouterEntry: Sendable {
  /// The provider of what no rule places, the settings' own default included.
  fileprivate var fallback: Int?
  /// The entry itself says which provider: a port that is its own backend, which the catalogue doesn't lead away from.
  fileprivate var isOwnBackend = false
  /// The name that stands in for whatever is asked.
  package fileprivate(set) var model: [UInt8]?
}

/// Model names to providers. Built once per snapshot, never changed.
package final class Router: Sendable {
  /// In the order of `Settings.listen`.
  package let entries: [RouterEntry]
  package let catalogue: Catalogue
  /// The entries of `models` without a star, and those with one, the longest first.
  private let models: NameTable
  private let plans: [Plan]
  private let stars: [StarEntry]
  private let providers: NameTable
  private let settings: Settings
  /// How the configured targets are doing, by the name that pins each.
  private let pins: NameTable
  private let pinnedHealth: [TargetHealth]
  /// For each provider the plan of what no rule places.
  private let bare: [Plan]
  private let catalogued = AtomicLazyReference<CataloguedNames>()

  /// Targets and defaults whose provider isn't configured are left out; decoding has refused them already.
  ///
  /// - Parameters:
  ///   - catalogue: what is known of models; the built-in one where nothing is said.
  ///   - health: how targets are doing, which outlives this.
  package init(_ settings: Settings, _ catalogue: Catalogue? = nil, health: HealthRegistry = HealthRegistry())
  {
    let providers = NameTable(settings.providers.map { Array($0.name.utf8) })
    func index(_ name: String) -> Int? { providers.index(of: Array(name.utf8).span) }
    let fallback = settings.defaultProvider.flatMap(index)
    let catalogue = catalogue ?? Catalogue.plain(settings)
    var names: [[UInt8]] = []
    var plans: [Plan] = []
    var stars: [StarEntry] = []
    var identities: Set<String> = []
    var pins: [[UInt8]] = []
    var pinned: [TargetHealth] = []
    for entry in settings.models {
      var routes: [Route] = []
      let hasStar = entry.name.contains("*")
      for target in entry.targets {
        guard let provider = index(target.provider) else { continue }
        let said = settings.providers[provider]
        let model = Array(target.model.utf8)
        if hasStar {
          routes.append(Route(providerIndex: provider, model: model, weight: target.weight))
          continue
        }
        let identity = said.identity(of: target.model)
        identities.insert(identity)
        let known = health.health(identity, provider: said.name, model: target.model)
        routes.append(
          Route(
            providerIndex: provider, model: model, weight: target.weight,
            facts: catalogue.facts(said, model.span), health: known))
        pins.append(Array("\(said.name)/\(target.model)".utf8))
        pinned.append(known)
      }
      guard let first = routes.first else { continue }
      let plan = Plan(
        first, others: Array(routes.dropFirst()), pick: entry.pick,
        notice: entry.isDeprecated ? Notice(successor: entry.targets.first?.model) : nil)
      if hasStar {
        stars.append(StarEntry(entry.name, plan))
      } else {
        names.append(Array(entry.name.utf8))
        plans.append(plan)
      }
    }
    health.keep(identities)
    self.pins = NameTable(pins)
    pinnedHealth = pinned
    bare = settings.providers.indices.map { Plan(Route(providerIndex: $0)) }
    entries = settings.listen.map {
      RouterEntry(
        fallback: $0.defaultProvider.flatMap(index) ?? fallback, isOwnBackend: $0.defaultProvider != nil,
        model: $0.model.map { Array($0.utf8) })
    }
    self.providers = providers
    self.plans = plans
    self.stars = stars.sorted { $0.length > $1.length }
    self.settings = settings
    self.catalogue = catalogue
    models = NameTable(names)
  }

  /// The first target for the model `asked`, as `plan` has it.
  package func resolve(_ asked: Span<UInt8>, entry: RouterEntry) -> Route? {
    plan(asked, entry: entry)?.first
  }

  /// What is done with a request for the model `asked` that came in through `entry`; nil: nobody has that model.
  ///
  /// `asked` is empty where a request names no model. Only a pinned name and one that a star stands for cost memory: the
  /// part that goes on is copied.
  ///
  /// - Parameter today: days since 1970-01-01, for names that end on one.
  package func plan(_ asked: Span<UInt8>, entry: RouterEntry, today: () -> Int = { 0 }) -> Plan? {
    guard let forced = entry.model else { return place(asked, entry, today) }
    guard let plan = place(forced.span, entry, today) else { return nil }
    // "As asked" was said of the forced name, which the client has not written.
    guard plan.first.model == nil else { return plan }
    return plan.beginning(with: plan.first.named(forced))
  }

  /// Whether `asked` is the name of an entry of `models`.
  package func isEntry(_ asked: Span<UInt8>) -> Bool {
    pinned(asked) == nil && (models.index(of: asked) != nil || stars.contains { $0.matches(asked) })
  }

  /// Why a name leads where it leads, in a few words; for people.
  package func reason(_ asked: Span<UInt8>, entry: RouterEntry, today: Int) -> String {
    let name = entry.model.map { $0.span.text() } ?? asked.text()
    let span = Array(name.utf8)
    if pinned(span.span) != nil { return "the name pins the provider" }
    if isEntry(span.span) { return "an entry of 'models'" }
    if entry.isOwnBackend { return "the listener's default_provider" }
    if names(today).find(span.span, { today }) != nil { return "the catalogue" }
    return "default_provider"
  }

  /// The first match wins: a pinned provider, `models`, the listener's own provider, the catalogue, the default provider.
  private func place(_ asked: Span<UInt8>, _ entry: RouterEntry, _ today: () -> Int) -> Plan? {
    if let route = pinned(asked) { return Plan(route) }
    if let model = models.index(of: asked) { return plans[model] }
    for star in stars where star.matches(asked) { return star.plan(asked) }
    if asked.isEmpty || entry.isOwnBackend { return entry.fallback.map { bare[$0] } }
    if let known = catalogued.load() ?? (asked.count <= Self.longestName ? names(today()) : nil),
      let plan = known.find(asked, today)
    {
      return plan
    }
    return entry.fallback.map { bare[$0] }
  }

  private static let longestName = 256

  private func names(_ today: Int) -> CataloguedNames {
    if let known = catalogued.load() { return known }
    return catalogued.storeIfNil(CataloguedNames(settings, catalogue, today: today))
  }

  /// Every name of the catalogue that leads somewhere, with what it leads to.
  package func catalogueNames(today: Int) -> [(name: String, plan: Plan)] { names(today).all(today) }

  /// The name of a configured provider or model that is nearest to `asked`, for a message; nil where none is near.
  package func nearest(to asked: String, today: Int) -> String? {
    let known =
      settings.models.map(\.name).filter { !$0.contains("*") } + names(today).all(today).map(\.name)
    return Name.nearest(to: asked, in: known)
  }

  /// Reads `provider/model`, and Keeptrusts' `provider:chat:model`. Names of models may hold `/` themselves, so a part
  /// before it that isn't a configured provider's name means nothing.
  private func pinned(_ asked: Span<UInt8>) -> Route? {
    for at in 0..<min(asked.count, providers.longest + 1) {
      let rest: Span<UInt8>
      switch asked[at] {
      case UInt8(ascii: "/"): rest = asked.extracting((at + 1)...)
      case UInt8(ascii: ":") where asked.count > at + 6 && asked.extracting(at..<at + 6).equals(":chat:"):
        rest = asked.extracting((at + 6)...)
      default: continue
      }
      guard !rest.isEmpty, let provider = providers.index(of: asked.extracting(..<at)) else { return nil }
      return Route(
        providerIndex: provider, model: rest.array(), isPinned: true,
        health: pins.index(of: asked).map { pinnedHealth[$0] })
    }
    return nil
  }
}

/// An entry of `models` whose name has a star, which stands for any text.
private struct StarEntry: Sendable {
  private let prefix: [UInt8]
  private let suffix: [UInt8]
  private let targets: Plan

  init(_ name: String, _ plan: Plan) {
    let parts = name.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
    prefix = Array(parts[0].utf8)
    suffix = parts.count > 1 ? Array(parts[1].utf8) : []
    targets = plan
  }

  var length: Int { prefix.count + suffix.count }

  func matches(_ asked: Span<UInt8>) -> Bool {
    asked.count >= length && !asked.isEmpty && asked.extracting(..<prefix.count).equals(prefix.span)
      && asked.extracting((asked.count - suffix.count)...).equals(suffix.span)
  }

  /// The plan for a name that matches.
  func plan(_ asked: Span<UInt8>) -> Plan {
    let text = asked.extracting(prefix.count..<asked.count - suffix.count).array()
    func filled(_ route: Route) -> Route {
      guard let model = route.model, let star = model.firstIndex(of: UInt8(ascii: "*")) else { return route }
      return route.named(Array(model[..<star]) + text + Array(model[(star + 1)...]))
    }
    return Plan(
      filled(targets.first), others: targets.others.map(filled), pick: targets.pick, notice: targets.notice)
  }
}

extension Config.Provider {
  /// What a target is beside its place in a configuration: the kind, the address, the key and the model.
  package func identity(of model: String) -> String {
    "\(kind.rawValue) \(baseURL?.text ?? name) \(apiKey.place) \(model)"
  }
}
