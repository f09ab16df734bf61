// The Redis that counts the limits of groups, as a configuration names it.

internal import Config
internal import HTTP
internal import Policy
internal import Transport
internal import Wire

/// Where it is, and how one logs in. Immutable.
final class SharedPlace: Sendable {
  let endpoint: Endpoint
  let tls: TLSContext?
  let database: Int
  let user: [UInt8]?
  let password: Secret?
  let prefix: [UInt8]
  /// Its address as messages show it.
  let shown: String

  /// Nil where nothing is counted together.
  init?(_ settings: Settings, _ environment: Environment, _ contexts: inout TLSContexts) throws(SnapshotFault)
  {
    guard let shared = settings.limits.shared else { return nil }
    let url = shared.redis
    endpoint = Endpoint(
      host: url.host, port: UInt16(clamping: url.port),
      serverName: url.usesTLS ? shared.tls.serverName ?? url.host : nil)
    if url.usesTLS {
      do throws(TLSFileFault) {
        tls = try contexts.client(
          TLSProfile(
            caFile: shared.tls.caFile, certificateFile: shared.tls.certFile, keyFile: shared.tls.keyFile))
      } catch { throw SnapshotFault(message: "limits.shared: \(error.message)") }
    } else {
      tls = nil
    }
    database = url.database
    user = shared.user.map { Array($0.utf8) }
    do throws(SecretFault) {
      password = try shared.password.flatMap { (source) throws(SecretFault) in
        try Secret.load(source, as: .value, from: environment)
      }
    } catch {
      throw SnapshotFault(
        message:
          "limits.shared.password (\(Shown.path(shared.password?.place ?? ""))): \(error.message)")
    }
    prefix = Array(shared.prefix.utf8)
    shown = url.text
  }

  /// Whether the same counters are meant: what was promised in the one is settled in the other.
  func counts(like other: SharedPlace) -> Bool {
    endpoint.host == other.endpoint.host && endpoint.port == other.endpoint.port && database == other.database
      && prefix == other.prefix
  }

  /// Whether a connection made for the one does for the other.
  func isReached(like other: SharedPlace) -> Bool {
    guard counts(like: other), endpoint == other.endpoint, tls === other.tls, user == other.user else {
      return false
    }
    guard let password, let secret = other.password else { return password == nil && other.password == nil }
    return password.isEqual(to: secret)
  }
}

/// What the process knows of the places that count, each older than a configuration that names it.
final class SharedBooks: Sendable {
  private let known = Guarded<(place: SharedPlace, book: SharedBook)?>(nil)

  /// The book of `place`; the one before it is kept by what has still to be told there.
  func book(of place: SharedPlace) -> SharedBook {
    known.withLock { known in
      if let last = known, last.place.counts(like: place) { return last.book }
      let book = SharedBook()
      known = (place, book)
      return book
    }
  }

  /// Whether the place that was named last answers; nil where none is named.
  var isUp: Bool? { known.withLock { $0?.book.isUp } }

  func forget() { known.withLock { $0 = nil } }
}

/// Why there is no answer from it.
enum SharedFault: Error, Equatable {
  case unreachable(DialFault)
  case lost(IOFault)
  case closed
  /// What it says isn't its protocol.
  case malformed
  /// It has said nothing for too long.
  case silent
  /// It refused the user or the password, or the database.
  case login(SharedRefusal)
  case refused(SharedRefusal)
  /// Nobody wants it any more.
  case retired

  /// What is wrong, as the end of a sentence about it.
  func message(_ place: SharedPlace) -> String {
    switch self {
    case .unreachable(let fault): FetchFault.unreachable(fault).message
    case .lost(let fault): FetchFault.lost(fault).message
    case .closed: "closed the connection"
    case .malformed:
      place.tls == nil
        ? "doesn't speak Redis's protocol there; if it wants TLS, write rediss://"
        : "doesn't speak Redis's protocol there"
    case .silent: "did not answer in time"
    case .login(.general), .login(.wrongPassword):
      "refused limits.shared.user and limits.shared.password, or has no database \(place.database)"
    case .login(let refusal), .refused(let refusal): refusal.message
    case .retired: "is not asked any more"
    }
  }
}

/// What Redis answers in place of a result, by the word that its error begins with. Nothing else of the error is kept, for
/// it may repeat what it was sent.
enum SharedRefusal: Equatable, CaseIterable {
  case unknownScript, loading, readOnly, elsewhere, noLogin, wrongPassword, notAllowed, noMemory, noDisk, busy
  case protected, wrongType, full, general

  init(_ text: [UInt8]) {
    self = .general
    for (word, refusal) in Self.words where Self.holds(text, word) {
      self = refusal
      return
    }
  }

  /// Whether the script can't have done anything: then what was to be told with it may be told again.
  var isBeforeScript: Bool {
    switch self {
    case .general, .wrongType: false
    default: true
    }
  }

  /// Whether another connection might lead to another server, or another login.
  var endsConnection: Bool {
    switch self {
    case .readOnly, .elsewhere, .noLogin, .wrongPassword, .protected, .full: true
    default: false
    }
  }

  /// Redis 6 and older wrap what a script's command said into a sentence of their own, so that the word may stand anywhere.
  /// Who isn't logged in is told that a long command is a "Protocol error: unauthenticated multibulk length".
  private static let words: [(StaticString, SharedRefusal)] = [
    ("NOSCRIPT", .unknownScript), ("LOADING", .loading), ("READONLY", .readOnly), ("MOVED", .elsewhere),
    ("ASK", .elsewhere), ("CLUSTERDOWN", .elsewhere), ("CROSSSLOT", .elsewhere), ("MASTERDOWN", .readOnly),
    ("NOAUTH", .noLogin), ("unauthenticated", .noLogin), ("WRONGPASS", .wrongPassword),
    ("NOPERM", .notAllowed), ("OOM", .noMemory),
    ("MISCONF", .noDisk), ("BUSY", .busy), ("DENIED", .protected), ("WRONGTYPE", .wrongType),
    ("max number of clients", .full),
  ]

  private static func holds(_ text: [UInt8], _ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    let span = text.span
    guard text.count >= count else { return false }
    for at in 0...(text.count - count) where span.extracting(at..<at + count).equals(word) {
      let isWhole = at + count == text.count || text[at + count] == ASCII.space
      let begins = at == 0 || text[at - 1] == ASCII.space || text[at - 1] == UInt8(ascii: "-")
      if begins, isWhole { return true }
    }
    return false
  }

  var message: String {
    switch self {
    case .unknownScript: "forgets the script at once"
    case .loading: "is loading its data"
    case .readOnly: "is a replica, which takes no writes; name the primary, or the service in front of it"
    case .elsewhere:
      "is a node of a cluster that has the keys elsewhere; redirections aren't followed, so name an address that serves every key"
    case .noLogin: "wants a password; name it under limits.shared.password"
    case .wrongPassword: "refuses limits.shared.user and limits.shared.password"
    case .notAllowed:
      "doesn't let the user do that; it needs +evalsha +eval +time +expire +@hash +@sortedset on the keys that begin with limits.shared.prefix"
    case .noMemory: "has no memory left"
    case .noDisk: "takes no writes, because it can't save them"
    case .busy: "is busy with another script"
    case .protected: "takes only clients of its own machine (protected-mode)"
    case .wrongType: "has keys of another kind under limits.shared.prefix; choose another prefix"
    case .full: "has all the clients that it may have"
    case .general:
      "answers scripts with an error: it must be Redis 5 or later, or what speaks like it, and no Sentinel"
    }
  }
}
