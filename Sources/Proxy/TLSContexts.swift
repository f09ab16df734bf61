// The TLS contexts of a snapshot: one for everybody who uses the same files, and the earlier snapshot's own
// where the files hold what they held before, so that connections which were made with it can go on.

package import Config
package import Transport
internal import Wire

struct TLSContexts {
  /// What a context is made of.
  struct Ingredients: Hashable, Sendable {
    let isServer: Bool
    let profile: TLSProfile
    /// SHA-256 of each file that the profile names, and of the system's CAs where it names none; empty for what can't be
    /// read.
    let digests: [String]
  }

  private(set) var made: [Ingredients: TLSContext] = [:]
  private let earlier: [Ingredients: TLSContext]

  init(reusing earlier: [Ingredients: TLSContext]) { self.earlier = earlier }

  mutating func client(_ profile: TLSProfile) throws(TLSFileFault) -> TLSContext {
    try context(profile, isServer: false)
  }

  mutating func server(_ profile: TLSProfile) throws(TLSFileFault) -> TLSContext {
    try context(profile, isServer: true)
  }

  private mutating func context(_ profile: TLSProfile, isServer: Bool) throws(TLSFileFault) -> TLSContext {
    var files = profile.files
    if !isServer, profile.caFile == nil, let file = TrustStore.file { files.append(file) }
    let ingredients = Ingredients(
      isServer: isServer, profile: profile, digests: files.map(Generation.digest(file:)))
    if let context = made[ingredients] { return context }
    let context: TLSContext
    if let same = earlier[ingredients] {
      context = same
    } else {
      context = isServer ? try TLSContext(server: profile) : try TLSContext(client: profile)
    }
    made[ingredients] = context
    return context
  }
}

/// The contexts that a check of the configuration has made, for the snapshot that is made of it: to read a file of all
/// public CAs takes 220 million instructions, nearly all of them for the certificates' keys.
package final class CheckedContexts: Sendable {
  private let made = Guarded<[TLSContexts.Ingredients: TLSContext]>([:])

  package init() {}

  /// Begins a check, with the contexts that are in use.
  func begin(_ running: [TLSContexts.Ingredients: TLSContext]) { made.withLock { $0 = running } }

  /// Gives away what is there.
  func take() -> [TLSContexts.Ingredients: TLSContext] {
    made.withLock { made in
      defer { made = [:] }
      return made
    }
  }

  /// Makes each context that providers and listeners need, and isn't there.
  ///
  /// - Parameter unread: files that can't be read at all, which has been said already.
  /// - Returns: what is wrong with the others.
  package func faults(_ settings: Settings, skipping unread: Set<String>) -> [TLSFileFault] {
    var contexts = TLSContexts(reusing: made.withLock { $0 })
    var faults: [TLSFileFault] = []
    for provider in settings.providers {
      let tls = provider.tls
      let profile = TLSProfile(caFile: tls.caFile, certificateFile: tls.certFile, keyFile: tls.keyFile)
      guard provider.baseURL?.scheme == .https || !profile.files.isEmpty,
        unread.isDisjoint(with: profile.files)
      else { continue }
      do throws(TLSFileFault) { _ = try contexts.client(profile) } catch { faults.append(error) }
    }
    for tls in settings.listen.compactMap(\.tls) {
      let profile = TLSProfile(caFile: tls.clientCAFile, certificateFile: tls.certFile, keyFile: tls.keyFile)
      guard unread.isDisjoint(with: profile.files) else { continue }
      do throws(TLSFileFault) { _ = try contexts.server(profile) } catch { faults.append(error) }
    }
    let all = contexts.made
    made.withLock { $0 = all }
    // The same file may be wrong for several.
    return faults.sorted { $0.message < $1.message }.reduce(into: []) { kept, fault in
      if kept.last != fault { kept.append(fault) }
    }
  }
}

extension TLSProfile {
  fileprivate var files: [String] { [caFile, certificateFile, keyFile].compactMap { $0 } }
}
