// Names to addresses, off the loop and cached.
//
// `getaddrinfo` blocks and knows no time to live, so each look-up has a thread of its own for as long as it
// lasts (there is at most one per name), and an answer counts as fresh for half a minute. A stale answer is
// used while a new one is fetched, and for ten minutes if none can be had: a resolver that is down must not
// take down what it once found. Where none of the addresses takes a connection, the name is looked up again for the
// same request: a provider that has moved is found at once, not when half a minute is over.

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

  /// Looks a name up, and blocks meanwhile.
  package typealias Source = @Sendable (_ host: String) -> Result<[Address], ResolveFault>

  private let loop: Loop
  private let source: Source
  /// An answer so young isn't asked for again, however many connections it fails: a provider that is down must not
  /// make a look-up of each request.
  private let youth: Duration
  private var entries: [String: Entry] = [:]
  private var lookups: [String: Lookup] = [:]

  /// - Parameters:
  ///   - source: who knows the addresses; the C library, but for tests.
  ///   - youth: how old an answer must be to be asked for again where its addresses refuse.
  package init(
    on loop: Loop, source: @escaping Source = { lookUp($0) }, youth: Duration = .seconds(1)
  ) {
    self.loop = loop
    self.source = source
    self.youth = youth
  }

  /// The addresses of `host`, which may be an IP literal. They carry no port.
  ///
  /// - Parameter client: whose going away ends the wait.
  package func addresses(
    of host: String, parker: Parker, client: (any Asker)? = nil, until deadline: Instant
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
    let outcome = await wait(for: start(host), parker, client, until: deadline)
    if case .success(let addresses)? = outcome { return addresses }
    if let entry = entries[host] { return entry.addresses }
    if case .failure(let fault)? = outcome { throw fault }
    throw ResolveFault(host: host, reason: "the name look-up timed out")
  }

  /// The addresses of `host` as they are now; nil where what is known is as young as that, or can't be had anew.
  package func addressesAnew(
    of host: String, parker: Parker, client: (any Asker)? = nil, until deadline: Instant
  ) async -> [Address]? {
    guard isOld(host) else { return nil }
    guard case .success(let addresses)? = await wait(for: start(host), parker, client, until: deadline) else {
      return nil
    }
    return addresses
  }

  /// Some of `host`'s addresses don't answer: it is looked up behind what goes on.
  package func refresh(_ host: String) {
    if isOld(host) { _ = start(host) }
  }

  /// None of `host`'s addresses answered in time: the next connection asks again before it tries.
  package func doubt(_ host: String) { entries[host]?.mustRefresh = true }

  /// Whether `host` was looked up, and so long ago that it is worth doing again.
  private func isOld(_ host: String) -> Bool {
    guard let entry = entries[host] else { return false }
    return loop.now.nanoseconds(since: entry.fetchedAt) >= Int(youth.nanoseconds)
  }

  /// What a look-up comes to; nil if that takes too long.
  private func wait(
    for lookup: Lookup, _ parker: Parker, _ client: (any Asker)?, until deadline: Instant
  ) async -> Result<[Address], ResolveFault>? {
    lookup.waiters.append(parker)
    while lookup.outcome == nil {
      if await parker.park(until: deadline) == .deadline || client?.hasLeft == true {
        lookup.waiters.removeAll { $0 === parker }
        break
      }
    }
    return lookup.outcome
  }

  private func start(_ host: String) -> Lookup {
    if let lookup = lookups[host] { return lookup }
    let lookup = Lookup()
    lookups[host] = lookup
    let loop = self.loop
    let resolver = Confined(self)
    let source = self.source
    let isRunning = Thread.detached {
      let outcome = source(host)
      loop.post { resolver.value.finish(host, outcome) }
    }
    if !isRunning {
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

extension Resolver {
  /// Looks `host` up here and now; for start-up, where waiting is right, and for threads that do nothing else.
  package static func lookUp(_ host: String) -> Result<[Address], ResolveFault> {
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
