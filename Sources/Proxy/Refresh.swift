// A provider that refuses Remora's credential with 401 or 403 may be ahead of the watch: the secret has been
// rotated, and the file says so already. So the provider's own secrets are read again, at once, and where one
// has changed the request goes out once more. It was refused before anything was done, so this is safe for
// every method, as long as the body is still here.
//
// Credentials from elsewhere are looked at first, by `grantHasChanged` (Credentials/Authorize.swift).

internal import Config
internal import Glibc
internal import HTTP
internal import Policy
internal import Synchronization
internal import Telemetry
internal import Transport
internal import Wire

/// The secrets of one upstream that are in files, as they were read last. Nil where there is none.
final class Keys: Sendable {
  /// Goes with `Upstream.key`.
  let credential: Secret?
  /// One for each of `Upstream.headers`.
  let headers: [Secret?]
  /// The keys that requests are signed with, where the configuration names files for them.
  let signing: AWSKeys?

  /// Reads them. It may block: not for a loop.
  init(of upstream: Upstream) throws(SecretFault) {
    credential = try Self.read(upstream.settings.shownSecret)
    var headers: [Secret?] = []
    for header in upstream.credentials.headers { headers.append(try header.source.flatMap(Self.readValue)) }
    self.headers = headers
    signing = try Self.signing(upstream.settings)
  }

  private static func signing(_ provider: Config.Provider) throws(SecretFault) -> AWSKeys? {
    guard let files = provider.keyFiles, let id = try read(files.id), let secret = try read(files.secret)
    else {
      return nil
    }
    return AWSKeys(
      accessKeyID: id, secretAccessKey: secret, sessionToken: try files.session.flatMap(read))
  }

  private static func read(_ source: SecretSource) throws(SecretFault) -> Secret? {
    try read(source, as: .key)
  }

  private static func readValue(_ source: SecretSource) throws(SecretFault) -> Secret? {
    try read(source, as: .value)
  }

  private static func read(_ source: SecretSource, as use: Secret.Use) throws(SecretFault) -> Secret? {
    // A variable of a running process never changes.
    guard case .file(let path) = source else { return nil }
    // A file that is written in place is read again rather than in parts.
    for _ in 0..<3 {
      let before = FileTrail(path)
      let secret = try Secret.load(source, as: use, from: Environment([:]))
      if FileTrail(path) == before { return secret }
    }
    return try Secret.load(source, as: use, from: Environment([:]))
  }

  /// Whether a request with these is the same as one with `earlier`, or with those of the snapshot.
  func isSame(as earlier: Keys?, of upstream: Upstream) -> Bool {
    if let secret = upstream.credentials.key, let credential,
      !credential.isEqual(to: earlier?.credential ?? secret)
    {
      return false
    }
    for (place, header) in upstream.credentials.headers.enumerated() {
      guard let secret = header.secret, let fresh = headers[place] else { continue }
      if !fresh.isEqual(to: earlier?.headers[place] ?? secret) { return false }
    }
    if let signing, case .given(.keys(let given))? = upstream.credentials.plan?.origin {
      return signing.isSame(as: earlier?.signing ?? given)
    }
    return true
  }
}

/// A reading of an upstream's secrets. Confined to the worker's loop.
final class KeyReading {
  let began: Instant
  /// Its result; nil while it is under way.
  private(set) var result: Result<Keys, SecretFault>?
  private var waiting: [Parker] = []

  init(at instant: Instant) { began = instant }

  func wait(_ parker: Parker) { waiting.append(parker) }

  func finish(_ result: Result<Keys, SecretFault>) {
    self.result = result
    for parker in waiting { parker.signal() }
    waiting.removeAll()
  }
}

extension Attempt {
  /// Whether a request that is written now would show another credential than the one that was refused.
  func credentialHasChanged() async throws(Refusal) -> Bool {
    if grantHasChanged() { return true }
    guard upstream.hasKeysInFiles else { return false }
    let answeredAt = now
    let label = label
    while true {
      // Another exchange may have been here first.
      if let keys = lineup.keys[upstream.index], keys !== tried.shown.keys { return true }
      let reading = lineup.reading(of: upstream, on: loop)
      guard let result = try await outcome(of: reading) else {
        state.shard.refreshed(label, .failed)
        return false
      }
      switch result {
      case .failure:
        // The watch on the file says what is wrong with it.
        state.shard.refreshed(label, .failed)
        return false
      case .success(let keys) where !keys.isSame(as: tried.shown.keys, of: upstream):
        if lineup.keys[upstream.index] === tried.shown.keys {
          lineup.keys[upstream.index] = keys
          if let signing = keys.signing { lineup.sources[upstream.index]?.take(signing) }
          Log.write(
            .info, "credential refused, but changed meanwhile; the new one is in use",
            .text("provider", upstream.name))
        }
        state.shard.refreshed(label, .changed)
        return true
      case .success:
        // A reading that another exchange began may have looked too early.
        if reading.began < answeredAt { continue }
        state.shard.refreshed(label, .unchanged)
        return false
      }
    }
  }

  /// Waits for `reading`, the client watched all the while; nil where it takes too long.
  private func outcome(
    of reading: KeyReading
  ) async throws(Refusal) -> Result<Keys, SecretFault>? {
    let deadline = now + Deadline.secret
    while reading.result == nil {
      reading.wait(connection.parker)
      let wake = await connection.parker.park(until: deadline)
      if connection.socket.peerHasClosed { throw .clientGone }
      if wake == .deadline, now >= deadline { return nil }
    }
    return reading.result
  }

  /// Gives the connection back where the refusal on it has come whole, and closes it otherwise.
  func letGo() {
    if let socket = call.socket { _ = try? socket.read(into: &call.incoming, ceiling: Ceiling.window) }
    let isGood = (try? call.takeBody(limit: Ceiling.window, { $0 }, { (_) throws(BodyFault) in })) != nil
    call.release(isGood: isGood)
  }
}

extension Lineup {
  /// The reading of `upstream`'s secrets that is under way, or a new one: one at a time, however many wait.
  fileprivate func reading(of upstream: Upstream, on loop: Loop) -> KeyReading {
    if let reading = readings[upstream.index] { return reading }
    let reading = KeyReading(at: loop.now)
    readings[upstream.index] = reading
    let here = Confined((self, reading))
    let finish = { @Sendable (result: Result<Keys, SecretFault>) in
      let (lineup, reading) = here.value
      lineup.readings[upstream.index] = nil
      reading.finish(result)
    }
    let isRunning = Thread.detached {
      let result: Result<Keys, SecretFault>
      do throws(SecretFault) { result = .success(try Keys(of: upstream)) } catch { result = .failure(error) }
      loop.post { finish(result) }
    }
    if !isRunning { loop.post { finish(.failure(.file(.system(EAGAIN)))) } }
    return reading
  }
}
