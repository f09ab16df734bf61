// The catalogue's names: which configured providers have the model, what an old name leads to, what a family's name
// means today.
//
// Made when a name is asked for the first time that neither pins a provider nor is an entry of `models`.

internal import Config
internal import Wire

/// The names that the catalogue gives to models of configured providers.
final class CataloguedNames: Sendable {
  /// A model at a provider.
  private struct Member: Sendable {
    let provider: Int
    let facts: ModelFacts
  }

  private let table: NameTable
  /// For each name of the table, its family's place.
  private let families: [Int]
  private let members: [[Member]]
  private let plans: [(plan: Plan, until: Int)]
  private let names: [[UInt8]]
  private let settings: Settings
  private let catalogue: Catalogue

  init(_ settings: Settings, _ catalogue: Catalogue, today: Int) {
    self.settings = settings
    self.catalogue = catalogue
    var places: [[UInt8]: Int] = [:]
    var members: [[Member]] = []
    var known: [[UInt8]: Int] = [:]
    var names: [[UInt8]] = []
    func name(_ name: [UInt8], _ family: Int) {
      if name.isEmpty || known[name] != nil { return }
      known[name] = family
      names.append(name)
    }
    Self.forEachModel(settings, catalogue) { index, facts in
      let place = places[facts.family] ?? members.count
      if place == members.count {
        places[facts.family] = place
        members.append([])
      }
      members[place].append(Member(provider: index, facts: facts))
    }
    for place in members.indices {
      for member in members[place] {
        name(member.facts.name, place)
        for alias in member.facts.aliases { name(alias, place) }
      }
    }
    for (family, place) in places { name(family, place) }
    for (alias, family) in Aliases.of(
      places.keys,
      isLive: { family in
        places[family].map { place in members[place].contains { ($0.facts.end?.day ?? .max) > today } }
          ?? false
      })
    {
      if let place = places[family] { name(alias, place) }
    }
    self.members = members
    self.names = names
    table = NameTable(names)
    families = names.map { known[$0] ?? 0 }
    plans = names.map { name in
      Self.plan(name, members[known[name] ?? 0], settings, catalogue, today: today)
    }
  }

  /// Calls `each` with every model that a provider has, at the price that the configuration says.
  private static func forEachModel(
    _ settings: Settings, _ catalogue: Catalogue, _ each: (_ provider: Int, ModelFacts) -> Void
  ) {
    var models: [ProviderKind: [ModelFacts]] = [:]
    for (index, provider) in settings.providers.enumerated() {
      let listed: [ModelFacts]
      if case .azure(let azure) = provider.dialect {
        // A deployment's name says nothing, and what isn't deployed isn't there.
        listed = azure.deployments.compactMap {
          let name = Array($0.model.utf8)
          return catalogue.facts(provider, name.span)
        }
      } else {
        listed = models[provider.kind] ?? catalogue.models(of: provider.kind)
        models[provider.kind] = listed
      }
      for facts in listed {
        let name = facts.name
        each(index, settings.prices.isEmpty ? facts : catalogue.facts(provider, name.span) ?? facts)
      }
    }
  }

  /// What is done with a request for `asked`; nil where no configured provider has it.
  ///
  /// - Parameter today: days since 1970-01-01; asked for only where an end is announced.
  func find(_ asked: Span<UInt8>, _ today: () -> Int) -> Plan? {
    guard let place = table.index(of: asked) else { return nil }
    let (plan, until) = plans[place]
    if until == .max { return plan }
    let day = today()
    if day < until { return plan }
    // A process that runs beyond the day, until its configuration is read again.
    return Self.plan(names[place], members[families[place]], settings, catalogue, today: day).plan
  }

  /// Every name, in alphabetical order.
  func all(_ today: Int) -> [(name: String, plan: Plan)] {
    names.indices.compactMap { place in
      let name = names[place]
      return find(name.span, { today }).map { (String(decoding: name, as: UTF8.self), $0) }
    }.sorted { $0.name < $1.name }
  }

  // MARK: One name

  /// A provider's way of serving a name.
  private struct Candidate {
    var route: Route
    var end: ModelFacts.End?
    var isRerouted = false
    /// Its day has come, and nothing comes after it.
    var isGone = false
  }

  private static func plan(
    _ name: [UInt8], _ members: [Member], _ settings: Settings, _ catalogue: Catalogue, today: Int
  ) -> (plan: Plan, until: Int) {
    var candidates: [Candidate] = []
    var until = Int.max
    for member in best(name, members) {
      if let day = member.facts.end?.day, day > today { until = min(until, day) }
      candidates.append(candidate(name, member, settings, catalogue, today: today))
    }
    let preferred = settings.defaultProvider
    func rank(_ candidate: Candidate) -> (Int, Int, UInt64, Int, Int) {
      let prices = candidate.route.facts?.prices
      let provider = candidate.route.providerIndex
      return (
        candidate.isGone ? 1 : 0, prices?.isVerified == true ? 0 : 1,
        prices?.estimate(input: 1000, output: 300) ?? .max,
        settings.providers[provider].name == preferred ? 0 : 1, provider
      )
    }
    candidates.sort { left, right in
      let (left, right) = (rank(left), rank(right))
      if (left.0, left.1, left.2) != (right.0, right.1, right.2) {
        return (left.0, left.1, left.2) < (right.0, right.1, right.2)
      }
      return (left.3, left.4) < (right.3, right.4)
    }
    // A family has a member, and each of its names is one of them.
    guard let first = candidates.first else { return (.any, until) }
    let plan = Plan(
      first.route, others: candidates.dropFirst().map(\.route),
      pick: candidates.count > 1 ? .cheapest : .ordered,
      notice: notice(name, first))
    return (plan, until)
  }

  /// Of each provider one model: the one of this name, else the one without a date, else the last.
  private static func best(_ name: [UInt8], _ members: [Member]) -> [Member] {
    func rank(_ member: Member) -> Int {
      if member.facts.name == name || member.facts.aliases.contains(name) { return 0 }
      return member.facts.name.count == member.facts.family.count ? 1 : 2
    }
    var chosen: [Member] = []
    for member in members {
      guard let place = chosen.firstIndex(where: { $0.provider == member.provider }) else {
        chosen.append(member)
        continue
      }
      if rank(member) <= rank(chosen[place]) { chosen[place] = member }
    }
    return chosen
  }

  private static func candidate(
    _ name: [UInt8], _ member: Member, _ settings: Settings, _ catalogue: Catalogue, today: Int
  ) -> Candidate {
    let facts = member.facts
    // An alias is a name of the provider's own; a family is ours.
    let own = facts.aliases.contains(name) ? name : facts.name
    var candidate = Candidate(
      route: Route(providerIndex: member.provider, model: own == name ? nil : own, facts: facts),
      end: facts.end)
    guard let end = facts.end else { return candidate }
    let isRetired = end.day <= today
    let isDue =
      switch settings.catalogue.reroute {
      case .retired: isRetired
      case .deprecated: true
      case .never: false
      }
    let provider = settings.providers[member.provider]
    if isDue, !end.successor.isEmpty, let next = catalogue.facts(provider, end.successor.span),
      isAffordable(next, after: facts)
    {
      candidate.route = Route(providerIndex: member.provider, model: end.successor, facts: next)
      candidate.isRerouted = true
    } else {
      candidate.isGone = isRetired
    }
    return candidate
  }

  /// A successor that costs more than twice as much is for a person to choose.
  private static func isAffordable(_ next: ModelFacts, after facts: ModelFacts) -> Bool {
    guard let new = next.prices?.rates, let old = facts.prices?.rates else { return true }
    return new.input <= old.input.multipliedReportingOverflow(by: 2).partialValue
      && new.output <= old.output.multipliedReportingOverflow(by: 2).partialValue
  }

  private static func notice(_ name: [UInt8], _ candidate: Candidate) -> Notice? {
    guard let end = candidate.end else { return nil }
    let successor = end.successor.isEmpty ? nil : end.successor.span.text()
    let warning =
      candidate.isRerouted
      ? "model '\(Shown.text(name.span.text()))' has come to its end; '\(successor ?? "")' serves it" : nil
    return Notice(successor: successor, sunset: end.day, warning: warning)
  }
}

/// Names of families that lead to their newest member.
enum Aliases {
  private struct Version: Comparable {
    let numbers: [Int]
    static func < (left: Version, right: Version) -> Bool {
      left.numbers.lexicographicallyPrecedes(right.numbers)
    }
  }

  /// - Parameters:
  ///   - families: every family that a configured provider has.
  ///   - isLive: whether a family has a member that isn't at its end.
  /// - Returns: pairs of an alias and the family that it stands for.
  static func of(_ families: some Sequence<[UInt8]>, isLive: ([UInt8]) -> Bool) -> [([UInt8], [UInt8])] {
    var pairs: [([UInt8], [UInt8])] = []
    var newest: [String: (Version, [UInt8])] = [:]
    func offer(_ alias: String, _ version: Version, _ family: [UInt8]) {
      if let known = newest[alias], known.0 >= version { return }
      newest[alias] = (version, family)
    }
    for family in families.map({ $0.span.text() }).sorted() {
      let bytes = Array(family.utf8)
      if let (line, numbers) = claude(family) {
        let version = Version(numbers: numbers)
        if isLive(bytes) { offer("claude-" + line, version, bytes) }
        offer("claude-\(numbers[0])-\(line)", version, bytes)
        let dashed = numbers.map(String.init).joined(separator: "-")
        let pointed = numbers.map(String.init).joined(separator: ".")
        for spelling in [
          "claude-\(dashed)-\(line)", "claude-\(pointed)-\(line)", "claude-\(line)-\(pointed)",
        ] {
          pairs.append((Array(spelling.utf8), bytes))
        }
      } else if let (line, numbers) = gemini(family), isLive(bytes) {
        offer("gemini-" + line, Version(numbers: numbers), bytes)
      } else if family.hasPrefix("gemini-"), family.hasSuffix("-latest") {
        // What the provider itself moves is newer than any list.
        offer(String(family.dropLast(7)), Version(numbers: [.max]), bytes)
      }
    }
    return newest.map { (Array($0.key.utf8), $0.value.1) } + pairs
  }

  /// `claude-sonnet-4-5`: its line and its numbers.
  private static func claude(_ family: String) -> (String, [Int])? {
    let parts = family.split(separator: "-").map(String.init)
    guard parts.count >= 3, parts[0] == "claude", ["sonnet", "opus", "haiku"].contains(parts[1]) else {
      return nil
    }
    let numbers = parts.dropFirst(2).map { Int($0) }
    guard numbers.count <= 2, !numbers.contains(nil) else { return nil }
    return (parts[1], numbers.compactMap { $0 })
  }

  /// `gemini-3.5-flash-lite`: its line and its numbers. A preview is none.
  private static func gemini(_ family: String) -> (String, [Int])? {
    let parts = family.split(separator: "-").map(String.init)
    guard parts.count >= 3, parts[0] == "gemini" else { return nil }
    let line = parts.dropFirst(2).joined(separator: "-")
    guard ["pro", "flash", "flash-lite"].contains(line) else { return nil }
    let numbers = parts[1].split(separator: ".").map { Int($0) }
    guard !numbers.isEmpty, !numbers.contains(nil) else { return nil }
    return (line, numbers.compactMap { $0 })
  }
}
