// What an upstream is shown of who asks: a key, the fields that the operator wants in each request, or a plan for more.

internal import Config
internal import Wire

/// What one upstream is shown.
struct UpstreamCredentials: Sendable {
  /// Whose key it is shown.
  enum Kind: Sendable {
    /// As the operator says (`key`), or none.
    case own
    /// The client's own key goes on, in the provider's form.
    case passthrough(name: [UInt8], prefix: [UInt8])
  }

  struct Header: Sendable {
    let name: [UInt8]
    let text: [UInt8]
    let secret: Secret?
    /// Where `secret` comes from.
    var source: SecretSource?
  }

  let kind: Kind
  let key: Secret?
  /// What comes before it: `authorization: Bearer `.
  let keyOpening: [UInt8]
  /// No other secret is shown than that, or one that is read or asked for meanwhile.
  let hidesOnlyKey: Bool
  /// How it is shown who asks, where that is more than a key.
  let plan: CredentialPlan?
  /// Names are in lower case; a client's field of the same name is replaced.
  let headers: [Header]

  init(
    _ provider: Config.Provider, _ environment: Environment, _ contexts: inout TLSContexts
  ) throws(SnapshotFault) {
    key = try Self.key(provider, environment)
    (kind, keyOpening) = Self.credential(provider, hasKey: key != nil)
    plan = try CredentialPlan.make(provider, environment, &contexts)
    headers = try Self.headers(provider, environment)
    hidesOnlyKey = headers.allSatisfy { $0.secret == nil }
  }

  private static func key(
    _ provider: Config.Provider, _ environment: Environment
  ) throws(SnapshotFault) -> Secret? {
    if case .passthrough = provider.apiKey { return nil }
    let secret: Secret?
    let source = provider.shownSecret
    do throws(SecretFault) { secret = try Secret.load(source, from: environment) } catch {
      throw SnapshotFault(
        message: "secret \"\(provider.name)\" (\(Shown.path(source.place))): \(error.message)")
    }
    return provider.shownAs == nil ? nil : secret
  }

  private static func credential(
    _ provider: Config.Provider, hasKey: Bool
  ) -> (Kind, opening: [UInt8]) {
    if case .passthrough = provider.apiKey {
      let (name, prefix) = provider.shownAs ?? ("authorization", "Bearer ")
      return (.passthrough(name: Array(name.utf8), prefix: Array(prefix.utf8)), [])
    }
    guard hasKey, let (name, prefix) = provider.shownAs else { return (.own, []) }
    return (.own, Array("\(name): \(prefix)".utf8))
  }

  private static func headers(
    _ provider: Config.Provider, _ environment: Environment
  ) throws(SnapshotFault) -> [Header] {
    var headers: [Header] = []
    if case .openAI(let settings) = provider.dialect {
      for (name, value) in [
        ("openai-organization", settings.organization), ("openai-project", settings.project),
      ] {
        if let value { headers.append(Header(name: Array(name.utf8), text: Array(value.utf8), secret: nil)) }
      }
    }
    for header in provider.headers {
      switch header.value {
      case .text(let text):
        headers.append(Header(name: Array(header.name.utf8), text: Array(text.utf8), secret: nil))
      case .secret(let source):
        do throws(SecretFault) {
          guard let secret = try Secret.load(source, as: .value, from: environment) else { continue }
          headers.append(Header(name: Array(header.name.utf8), text: [], secret: secret, source: source))
        } catch {
          throw SnapshotFault(
            message:
              "provider '\(provider.name)', header '\(header.name)' (\(Shown.path(source.place))): \(error.message)"
          )
        }
      }
    }
    return headers
  }
}
