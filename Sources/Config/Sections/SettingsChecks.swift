// What must hold of several keys of the configuration together: ports, who can reach them, who can be reached.

internal import Wire

extension Decoder {
  mutating func checkTogether(_ settings: Settings, _ fields: Fields) {
    checkPorts(settings, fields)
    checkOpenness(settings, fields)
    checkReach(settings, fields)
  }

  /// Where the entries of `listen` are written; empty where the default holds.
  private func places(_ fields: Fields) -> [Position] {
    guard let node = fields["listen"] else { return [] }
    if case .sequence(let items) = node.kind { return items.map(\.position) }
    return [node.position]
  }

  /// The admin listener never proxies, so it can't share a port with one that does.
  private mutating func checkPorts(_ settings: Settings, _ fields: Fields) {
    let places = places(fields)
    for (index, entry) in settings.listen.enumerated() where entry.address.collides(with: settings.admin) {
      let place = fields["admin"]?.position ?? (index < places.count ? places[index] : fields.position)
      problem(
        "listen (\(entry.address.text)) and admin (\(settings.admin.text)) are one port; give admin another, such as 0.0.0.0:4142",
        at: place)
      return
    }
  }

  /// Whoever reaches a listener uses the keys behind it.
  private mutating func checkOpenness(_ settings: Settings, _ fields: Fields) {
    let places = places(fields)
    for (entry, place) in zip(settings.listen, places) where entry.tls == nil && !entry.address.isLoopback {
      warning(
        "listen \(entry.address.text) is open to the network without TLS: who reaches it uses the providers' keys; "
          + "in a pod write 127.0.0.1, for a shared gateway add tls, and consumers with required: true",
        at: place)
    }
  }

  /// Providers whose models are in no catalogue are reached by `default_provider`, an entry of `models` or by name.
  private mutating func checkReach(_ settings: Settings, _ fields: Fields) {
    // Among errors it may be one of their consequences.
    guard problems.isEmpty, settings.defaultProvider == nil, fields["default_provider"] == nil else { return }
    let named = Set(
      settings.models.flatMap(\.targets).map(\.provider) + settings.listen.compactMap(\.defaultProvider))
    for provider in settings.providers where provider.kind.hasOwnModels && !named.contains(provider.name) {
      warning(
        "provider '\(provider.name)' gets only what is asked for as '\(provider.name)/MODEL': nothing else leads to it; "
          + "add default_provider: \(provider.name), or an entry of 'models'",
        at: fields["providers"]?.keyPosition(provider.name) ?? fields.position)
    }
  }
}

extension YAMLNode {
  fileprivate func keyPosition(_ key: String) -> Position? {
    guard case .mapping(let entries) = kind else { return nil }
    return entries.first { $0.key == key }?.keyPosition
  }
}

extension ProviderKind {
  /// Whether its models are the operator's own, which no catalogue knows.
  fileprivate var hasOwnModels: Bool {
    switch self {
    case .mock, .ollama, .vllm, .openaiCompatible: true
    default: false
    }
  }
}

extension Address {
  /// Whether a socket of each can't be had at the same time. IPv6 wildcards don't take IPv4: Transport/Listener.swift.
  fileprivate func collides(with other: Address) -> Bool {
    guard case .tcp(let host, let port) = self, case .tcp(let otherHost, let otherPort) = other else {
      return self == other
    }
    guard port == otherPort, port != 0 else { return false }
    if host == otherHost { return true }
    let isIPv6 = Host.isIPv6(host)
    if Host.isIPv6(otherHost) != isIPv6 { return host == "localhost" || otherHost == "localhost" }
    let wildcard = isIPv6 ? "::" : "0.0.0.0"
    if host == wildcard || otherHost == wildcard { return true }
    return (host == "localhost" && BaseURL.isLoopback(otherHost))
      || (otherHost == "localhost" && BaseURL.isLoopback(host))
  }
}
