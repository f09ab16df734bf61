// Names to addresses, off the loop and cached.
//
// `getaddrinfo` blocks and knows no time to live, so each look-up has a thread of its own for as long as it
// lasts (there is at most one per name), and an answer counts as fresh for half a minute. A stale answer is
// used while a new one is fetched, and for ten minutes if none can be had: a resolver that is down must not
// take down what it once found.

internal import CLinux
internal import Glibc

/// Why a name has no address.
package struct ResolveFault: Error, Equatable, Sendable {
  package let host: String
  package let reason: String
}

/// A worker's cache of names. Confined to its loop.
package final class Resolver {
  private static let freshness = Duration.seconds(30)
  private static let staleness = Duration.seconds(600)
  /// The configured upstreams are few; this bounds what a reload with other names can leave behind.
  private static let ceiling = 256

  private static let loopback = ["127.0.0.1", "::1"].compactMap { Address(ip: $0, port: 0) }

  private struct Entry {
    var addresses: [Address]
    var fetchedAt: Instant
    var mustRefresh = false
  }

  /// A look-up under way, and who waits for it.
  private final class Lookup {
    var waiters: [Parker] = []
    var outcome: Result<[Address], ResolveFault>?
  }

  private let loop: Loop
  private var entries: [String: Entry] = [:]
  private var lookups: [String: Lookup] = [:]

  package init(on loop: Loop) { self.loop = loop }

  /// The addresses of `host`, which may be an IP literal. They carry no port.
  package func addresses(
    of host: String, parker: Parker, until deadline: Instant
  ) async throws(ResolveFault) -> [Address] {
    if let literal = Address(ip: host, port: 0) { return [literal] }
    // RFC 6761 section 6.3: always loopback, whatever a resolver or a hosts file without ::1 says.
    if host == "localhost" { return Self.loopback }
    if let entry = entries[host] {
      let age = loop.now.nanoseconds(since: entry.fetchedAt)
      if age < Int(Self.freshness.nanoseconds), !entry.mustRefresh { return entry.addresses }
      if age < Int(Self.staleness.nanoseconds) {
        _ = start(host)
        if !entry.mustRefresh { return entry.addresses }
      }
    }
    let lookup = start(host)
    lookup.waiters.append(parker)
    while lookup.outcome == nil {
      if await parker.park(until: deadline) == .deadline {
        lookup.waiters.removeAll { $0 === parker }
        if let entry = entries[host] { return entry.addresses }
        throw ResolveFault(host: host, reason: "the name look-up timed out")
      }
    }
    switch lookup.outcome {
    case .success(let addresses): return addresses
    case .failure(let fault):
      if let entry = entries[host] { return entry.addresses }
      throw fault
    case nil: throw ResolveFault(host: host, reason: "the name look-up was given up")
    }
  }

  /// Looks `host` up here and now; for start-up, where waiting is right.
  package static func lookUp(_ host: String) -> Result<[Address], ResolveFault> { LookupTask.lookUp(host) }

  /// None of `host`'s addresses answered: the next connection asks again before it tries.
  package func doubt(_ host: String) { entries[host]?.mustRefresh = true }

  private func start(_ host: String) -> Lookup {
    if let lookup = lookups[host] { return lookup }
    let lookup = Lookup()
    lookups[host] = lookup
    let loop = self.loop
    let resolver = Confined(self)
    let task = LookupTask(host: host) { outcome in
      loop.post { resolver.value.finish(host, outcome) }
    }
    if !task.run() {
      finish(host, .failure(ResolveFault(host: host, reason: "no thread for the name look-up")))
    }
    return lookup
  }

  private func finish(_ host: String, _ outcome: Result<[Address], ResolveFault>) {
    guard let lookup = lookups.removeValue(forKey: host) else { return }
    switch outcome {
    case .success(let addresses):
      if entries.count >= Self.ceiling { entries.removeAll() }
      entries[host] = Entry(addresses: addresses, fetchedAt: loop.now)
    case .failure:
      // Kept while it is not too old; asked again at the next connection.
      if let entry = entries[host],
        loop.now.nanoseconds(since: entry.fetchedAt) > Int(Self.staleness.nanoseconds)
      {
        entries[host] = nil
      }
    }
    lookup.outcome = outcome
    for waiter in lookup.waiters { waiter.signal() }
  }
}

/// One blocking look-up on a thread of its own.
private final class LookupTask: Sendable {
  let host: String
  let done: @Sendable (Result<[Address], ResolveFault>) -> Void

  init(host: String, done: @escaping @Sendable (Result<[Address], ResolveFault>) -> Void) {
    self.host = host
    self.done = done
  }

  func run() -> Bool {
    Thread.detached { [self] in done(Self.lookUp(host)) }
  }

  fileprivate static func lookUp(_ host: String) -> Result<[Address], ResolveFault> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    // Not AI_ADDRCONFIG: it hides ::1 in a pod that has no other IPv6 address.
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, nil, &hints, &list)
    guard code == 0 else {
      return unsafe .failure(ResolveFault(host: host, reason: String(cString: gai_strerror(code))))
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [Address] = []
    var next = unsafe list
    while let entry = unsafe next, addresses.count < 32 {
      if let raw = unsafe entry.pointee.ai_addr, let address = unsafe Address(raw),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
      unsafe next = unsafe entry.pointee.ai_next
    }
    if addresses.isEmpty { return .failure(ResolveFault(host: host, reason: "the name has no address")) }
    return .success(addresses)
  }
}
