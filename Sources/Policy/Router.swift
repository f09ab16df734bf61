// Which provider serves a model name, and what the model is called there.
//
// Everything is decided when the settings are read: a request costs one hash over the name that it asks for.
// Next: Plan.swift, and Proxy/Choose.swift, which asks here once a request.

package import Config
internal import Wire

/// Where a request goes.
package struct Route: Sendable, Equatable {
  /// The provider's place in `Settings.providers`.
  package var providerIndex: Int
  /// The model's name at the provider; nil where it is the name that was asked for.
  package var model: [UInt8]?
  /// Whether the name itself chose the provider (`provider/model`), so that no other may serve it.
  package var isPinned: Bool

  package init(providerIndex: Int, model: [UInt8]? = nil, isPinned: Bool = false) {
    self.providerIndex = providerIndex
    self.model = model
    self.isPinned = isPinned
  }
}

/// What one entry of `listen` changes for the requests that come in through it.
package struct RouterEntry: Sendable {
  /// The provider of what no rule places, the settings' own default included.
  fileprivate var fallback: Int?
  /// The name that stands in for whatever is asked.
  package fileprivate(set) var model: [UInt8]?
}

/// Model names to providers. Built once per snapshot, never changed.
package final class Router: Sendable {
  /// In the order of `Settings.listen`.
  package let entries: [RouterEntry]
  /// The first target of each entry of `models`.
  private let models: NameTable
  private let routes: [Route]
  private let providers: NameTable

  /// Targets and defaults whose provider isn't configured are left out; decoding has refused them already.
  package init(_ settings: Settings) {
    let providers = NameTable(settings.providers.map { Array($0.name.utf8) })
    func index(_ name: String) -> Int? { providers.index(of: Array(name.utf8).span) }
    let fallback = settings.defaultProvider.flatMap(index)
    var names: [[UInt8]] = []
    var routes: [Route] = []
    for model in settings.models {
      guard let target = model.targets.first, let provider = index(target.provider) else { continue }
      names.append(Array(model.name.utf8))
      routes.append(Route(providerIndex: provider, model: Array(target.model.utf8)))
    }
    entries = settings.listen.map {
      RouterEntry(
        fallback: $0.defaultProvider.flatMap(index) ?? fallback, model: $0.model.map { Array($0.utf8) })
    }
    self.providers = providers
    self.routes = routes
    models = NameTable(names)
  }

  /// Where a request for the model `asked` goes that came in through `entry`; nil: nobody has that model.
  ///
  /// `asked` is empty where a request names no model. Only a pinned name costs memory: the part behind the
  /// provider's name is copied.
  package func resolve(_ asked: Span<UInt8>, entry: RouterEntry) -> Route? {
    guard let forced = entry.model else { return place(asked, fallback: entry.fallback) }
    guard var route = place(forced.span, fallback: entry.fallback) else { return nil }
    // "As asked" was said of the forced name, which the client has not written.
    if route.model == nil { route.model = forced }
    return route
  }

  /// What is done with a request for the model `asked` that came in through `entry`; nil: nobody has that model.
  package func plan(_ asked: Span<UInt8>, entry: RouterEntry) -> Plan? {
    resolve(asked, entry: entry).map { Plan($0) }
  }

  /// Whether `asked` is the name of an entry of `models`.
  package func isEntry(_ asked: Span<UInt8>) -> Bool {
    pinned(asked) == nil && models.index(of: asked) != nil
  }

  /// The first match wins: a pinned provider, `models`, the default one.
  private func place(_ asked: Span<UInt8>, fallback: Int?) -> Route? {
    if let route = pinned(asked) { return route }
    if let model = models.index(of: asked) { return routes[model] }
    // A catalogue of who serves which model is asked here, once there is one.
    return fallback.map { Route(providerIndex: $0) }
  }

  /// Reads `provider/model`. Names of models may hold `/` themselves, so a part before it that isn't a
  /// configured provider's name means nothing.
  private func pinned(_ asked: Span<UInt8>) -> Route? {
    for at in 0..<min(asked.count, providers.longest + 1) where asked[at] == UInt8(ascii: "/") {
      let rest = asked.extracting((at + 1)...)
      guard !rest.isEmpty, let provider = providers.index(of: asked.extracting(..<at)) else { return nil }
      return Route(providerIndex: provider, model: rest.array(), isPinned: true)
    }
    return nil
  }
}

/// Names to their places in a list: open addressing over FNV-1a, so that a look-up allocates nothing.
///
/// All names are the operator's own: a client can't choose them so that they collide.
private struct NameTable: Sendable {
  private let names: [[UInt8]]
  /// Places in `names`, or -1; a power of two, at most half full.
  private let slots: [Int32]
  /// Bytes of the longest name.
  let longest: Int

  /// Of equal names the first one counts.
  init(_ names: [[UInt8]]) {
    self.names = names
    longest = names.reduce(0) { max($0, $1.count) }
    var count = 4
    while count < names.count * 2 { count *= 2 }
    var slots = [Int32](repeating: -1, count: count)
    for (place, name) in names.enumerated() {
      var slot = Self.hash(name.span) & (count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (count - 1) }
      slots[slot] = Int32(truncatingIfNeeded: place)
    }
    self.slots = slots
  }

  func index(of name: Span<UInt8>) -> Int? {
    guard !name.isEmpty, name.count <= longest else { return nil }
    var slot = Self.hash(name) & (slots.count - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if equal(place, name) { return place }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private func equal(_ place: Int, _ name: Span<UInt8>) -> Bool {
    let known = names[place]
    return known.span.equals(name)
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ bytes: Span<UInt8>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
