// From a name to a connection that is ready to be written to: look-up, connect, TLS.
//
// Addresses are tried as RFC 8305 says: families in turn, a new attempt when the last one failed or a
// quarter of a second has gone by, and the first to connect wins.

internal import CLinux
internal import Glibc

/// Why there is no connection to an upstream.
package enum DialFault: Error, Equatable, Sendable {
  case resolve(ResolveFault)
  /// No address took the connection; the text names each and its reason.
  case connect(String)
  case tls(TLSFault)
  case timedOut
  /// All connections that the pool may have are in use, and none came free in time.
  case exhausted
  /// The client who wanted it is gone.
  case abandoned
  case system(SystemFault)
}

/// One upstream's address and how to talk to it.
package struct Endpoint: Hashable, Sendable {
  /// A DNS name or an IP literal; or a path, for a Unix socket.
  package var host: String
  package var port: UInt16
  package var isLocal: Bool
  /// The name that its certificate must carry; nil for plain text.
  package var serverName: String?

  package init(host: String, port: UInt16, isLocal: Bool = false, serverName: String? = nil) {
    self.host = host
    self.port = port
    self.isLocal = isLocal
    self.serverName = serverName
  }
}

/// Somebody for whom a connection is made. What waits on its way looks again at each signal to its parker.
package protocol Asker: AnyObject {
  /// The connection isn't wanted any more.
  var hasLeft: Bool { get }
}

extension Socket: Asker {
  package var hasLeft: Bool { peerHasClosed }
}

/// One dial, and what came of it.
final class Errand {
  let parker: Parker
  fileprivate(set) var result: Result<Socket, DialFault>?

  fileprivate init(_ parker: Parker) { self.parker = parker }
}

/// Makes connections. Confined to its loop.
package final class Dialer {
  private static let stagger = Duration.milliseconds(250)
  private let loop: Loop
  private let resolver: Resolver
  /// Connections that the pools which dial here have open, or are opening: in plain text, and over TLS, which takes
  /// far more memory.
  package internal(set) var pooled = (plain: 0, tls: 0)

  package init(on loop: Loop, resolver: Resolver) {
    self.loop = loop
    self.resolver = resolver
  }

  /// A connection to `endpoint`, TLS established.
  ///
  /// - Parameters:
  ///   - parker: where the asker waits; the new socket keeps pointing at it.
  ///   - client: whose going away ends the attempt.
  package func dial(
    _ endpoint: Endpoint, tls: TLSContext?, sessions: TLSSessions?, parker: Parker, client: (any Asker)?,
    until deadline: Instant
  ) async throws(DialFault) -> Socket {
    let errand = begin(
      endpoint, tls: tls, sessions: sessions, parker: parker, client: client, until: deadline)
    while true {
      if let result = errand.result {
        let socket = try result.get()
        socket.parker = parker
        return socket
      }
      // It keeps to the deadline itself. What the client does is seen there too.
      _ = await parker.park(until: .never)
      errand.parker.signal()
    }
  }

  /// Begins to make a connection, in a task of its own: what that needs on its way would stay with the asker's for as long
  /// as a stream lasts. The asker parks until there is a result, and signals the errand's parker each time it is woken.
  @inline(never)
  func begin(
    _ endpoint: Endpoint, tls: TLSContext?, sessions: TLSSessions?, parker: Parker, client: (any Asker)?,
    until deadline: Instant
  ) -> Errand {
    let errand = Errand(Parker(on: loop))
    let here = Confined((self, errand, endpoint, tls, sessions, parker, client, deadline))
    loop.start { _ in
      let (dialer, errand, endpoint, tls, sessions, parker, client, deadline) = here.value
      do throws(DialFault) {
        errand.result = .success(
          try await dialer.dial(
            endpoint, tls: tls, sessions: sessions, within: errand, client: client, until: deadline))
      } catch { errand.result = .failure(error) }
      errand.parker.retire()
      parker.signal()
    }
    return errand
  }

  private func dial(
    _ endpoint: Endpoint, tls: TLSContext?, sessions: TLSSessions?, within errand: Errand,
    client: (any Asker)?, until deadline: Instant
  ) async throws(DialFault) -> Socket {
    let parker = errand.parker
    let socket = try await connect(endpoint, parker: parker, client: client, until: deadline)
    guard let tls else { return socket }
    do throws(TLSFault) {
      let session = try TLSSession(
        tls, on: socket, host: endpoint.serverName ?? endpoint.host, sessions: sessions)
      try await session.handshake(until: deadline) { client?.hasLeft == true }
      return socket
    } catch {
      socket.close(abruptly: true)
      if case .abandoned = error { throw .abandoned }
      throw .tls(error)
    }
  }

  private func connect(
    _ endpoint: Endpoint, parker: Parker, client: (any Asker)?, until deadline: Instant
  ) async throws(DialFault) -> Socket {
    var untried: [Address]
    if endpoint.isLocal {
      guard let address = Address(path: endpoint.host) else {
        throw .connect("'\(endpoint.host)' is no socket path")
      }
      untried = [address]
    } else {
      do throws(ResolveFault) {
        let found = try await resolver.addresses(
          of: endpoint.host, parker: parker, client: client, until: deadline)
        untried = Self.alternating(found).map { $0.with(port: endpoint.port) }.reversed()
      } catch {
        if client?.hasLeft == true { throw .abandoned }
        throw .resolve(error)
      }
    }
    var tried = Set(untried)
    var mayAskAnew = !endpoint.isLocal
    var race = Race()
    defer { race.closeAll() }
    var nextStart = loop.now
    while true {
      if client?.hasLeft == true { throw .abandoned }
      if let winner = race.winner() {
        winner.parker = parker
        if !race.failures.isEmpty, mayAskAnew { resolver.refresh(endpoint.host) }
        return winner
      }
      if race.isEmpty || loop.now >= nextStart, let address = untried.popLast() {
        race.start(address, on: loop, parker: parker)
        nextStart = loop.now + Self.stagger
        continue
      }
      if race.isEmpty {
        // Whoever refuses may be who has the address now: the name is asked for once more, within the request.
        if mayAskAnew {
          mayAskAnew = false
          let found =
            await resolver.addressesAnew(of: endpoint.host, parker: parker, client: client, until: deadline)
            ?? []
          untried = Self.alternating(found).map { $0.with(port: endpoint.port) }.reversed()
          untried.removeAll { !tried.insert($0).inserted }
          continue
        }
        throw .connect(race.story(of: endpoint))
      }
      let wake = untried.isEmpty ? deadline : min(deadline, nextStart)
      if await parker.park(until: wake) == .deadline, loop.now >= deadline {
        resolver.doubt(endpoint.host)
        throw .timedOut
      }
    }
  }

  /// The attempts under way.
  private struct Race {
    private var attempts: [(address: Address, socket: Socket)] = []
    private(set) var failures: [String] = []

    var isEmpty: Bool { attempts.isEmpty }

    mutating func start(_ address: Address, on loop: Loop, parker: Parker) {
      do throws(SystemFault) {
        attempts.append((address, try Self.begin(address, on: loop, parker: parker)))
      } catch { failures.append("\(address): \(error.reason)") }
    }

    private static func begin(_ address: Address, on loop: Loop, parker: Parker) throws(SystemFault) -> Socket
    {
      let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
      let made = socket(address.domain, flags, 0)
      guard made >= 0 else { throw .last("socket") }
      if address.family != .local {
        var on: Int32 = 1
        unsafe setsockopt(made, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
        TCPOptions.set(on: made, for: address)
      }
      let code = retrying { unsafe Int(address.withRaw { unsafe Glibc.connect(made, $0, $1) }) }
      // EINPROGRESS is the rule; an interrupted connect goes on by itself and then reports EALREADY.
      if code != 0, errno != EINPROGRESS, errno != EALREADY {
        let fault = SystemFault.last("connect")
        Glibc.close(made)
        throw fault
      }
      let result = try Socket(made, on: loop, isConnected: code == 0)
      result.parker = parker
      return result
    }

    /// The first attempt that is connected, taken out; failed ones are noted and closed.
    mutating func winner() -> Socket? {
      var index = 0
      while index < attempts.count {
        let (address, socket) = attempts[index]
        guard socket.mayWrite || socket.hasFailed else {
          index += 1
          continue
        }
        attempts.remove(at: index)
        let code = socket.connectOutcome()
        if code == 0 { return socket }
        failures.append("\(address): \(SystemFault("connect", code).reason)")
        socket.close()
      }
      return nil
    }

    /// What each address came to, behind the name that they belong to.
    func story(of endpoint: Endpoint) -> String {
      let reasons = failures.joined(separator: "; ")
      if endpoint.isLocal || Address(ip: endpoint.host, port: 0) != nil { return reasons }
      return "\(endpoint.host):\(endpoint.port) (\(reasons))"
    }

    mutating func closeAll() {
      for attempt in attempts { attempt.socket.close() }
      attempts.removeAll()
    }
  }

  /// The addresses with families in turn, beginning with the resolver's first choice (RFC 8305 section 4).
  static func alternating(_ addresses: [Address]) -> [Address] {
    guard let first = addresses.first else { return [] }
    var preferred = addresses.filter { $0.family == first.family }[...]
    var others = addresses.filter { $0.family != first.family }[...]
    var result: [Address] = []
    while !preferred.isEmpty || !others.isEmpty {
      if let next = preferred.popFirst() { result.append(next) }
      if let next = others.popFirst() { result.append(next) }
    }
    return result
  }
}
