// The TLS contexts of a snapshot: one for everybody who uses the same files, and the earlier snapshot's own where
// the files hold what they held before, so that connections which were made with it can go on.

internal import Config
internal import Transport

struct TLSContexts {
  /// What a context is made of.
  struct Ingredients: Hashable, Sendable {
    let isServer: Bool
    let profile: TLSProfile
    /// SHA-256 of each file that the profile names; empty for one that can't be read.
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
    let files = [profile.caFile, profile.certificateFile, profile.keyFile]
    let ingredients = Ingredients(
      isServer: isServer, profile: profile, digests: files.compactMap { $0 }.map(Generation.digest(file:)))
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
