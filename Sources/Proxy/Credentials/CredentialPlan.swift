// Where a provider's credentials come from when they are more than a key: read off the configuration and the
// environment, in the order in which the clouds' own SDKs look.

internal import Config
internal import Transport
internal import Wire

/// How a provider is shown who is asking. Part of the snapshot.
struct CredentialPlan: Sendable {
  enum Origin: Sendable {
    case given(Proof)
    case asked(any TokenService)
  }

  let origin: Origin
  /// Where signatures hold, for keys that sign.
  let scope: SigV4.Scope?

  /// The plan of a provider; nil where a key, or nothing, is sent.
  ///
  /// - Throws: what is missing, and what to do about it.
  static func make(
    _ provider: Config.Provider, _ environment: Environment, _ contexts: inout TLSContexts
  ) throws(SnapshotFault) -> CredentialPlan? {
    var maker = Maker(provider: provider, environment: environment, contexts: contexts)
    defer { contexts = maker.contexts }
    switch provider.cloud {
    case .aws(let settings): return try maker.aws(settings)
    case .google(let settings): return try maker.google(settings)
    case .entra(let settings): return try maker.entra(settings)
    case nil: return nil
    }
  }
}

private struct Maker {
  let provider: Config.Provider
  let environment: Environment
  var contexts: TLSContexts

  private func fault(_ message: String) -> SnapshotFault {
    SnapshotFault(message: "provider '\(provider.name)': \(message)")
  }

  /// Whether a key or a token is sent as it is.
  private func isTold(_ token: SecretSource?) -> Bool { provider.apiKey != .none || token != nil }

  /// The system's authorities: a token service is not the provider, whose own `tls` may trust one CA alone.
  private mutating func trust(caFile: String? = nil) throws(SnapshotFault) -> TLSContext {
    do throws(TLSFileFault) { return try contexts.client(TLSProfile(caFile: caFile)) } catch {
      throw fault(error.message)
    }
  }

  private mutating func address(
    _ text: String, suffix: String = "", from variable: String, caFile: String? = nil
  ) throws(SnapshotFault) -> WebAddress {
    guard let address = WebAddress(text, suffix: suffix, tls: try trust(caFile: caFile)) else {
      throw fault("\(variable) is no http or https address")
    }
    return address
  }

  // MARK: AWS

  mutating func aws(_ settings: DialectSettings.Bedrock) throws(SnapshotFault) -> CredentialPlan? {
    if isTold(nil) { return nil }
    guard let region = settings.region else {
      throw fault("has no region; write region, or set AWS_REGION")
    }
    let scope = SigV4.Scope(region: region, service: "bedrock")
    if let keys = try givenKeys(settings) { return CredentialPlan(origin: .given(.keys(keys)), scope: scope) }
    if let service = try webIdentity(region) { return CredentialPlan(origin: .asked(service), scope: scope) }
    if let service = try container() { return CredentialPlan(origin: .asked(service), scope: scope) }
    throw fault(
      "has no credentials; write credentials: {access_key_id, secret_access_key}, or api_key, or set "
        + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or "
        + "AWS_CONTAINER_CREDENTIALS_FULL_URI")
  }

  private func givenKeys(_ settings: DialectSettings.Bedrock) throws(SnapshotFault) -> AWSKeys? {
    if let id = try load(settings.accessKeyID), let secret = try load(settings.secretAccessKey) {
      return AWSKeys(accessKeyID: id, secretAccessKey: secret, sessionToken: try load(settings.sessionToken))
    }
    guard environment.nonEmpty("AWS_ACCESS_KEY_ID") != nil,
      environment.nonEmpty("AWS_SECRET_ACCESS_KEY") != nil,
      let id = try load(.environment("AWS_ACCESS_KEY_ID")),
      let secret = try load(.environment("AWS_SECRET_ACCESS_KEY"))
    else { return nil }
    let hasToken = environment.nonEmpty("AWS_SESSION_TOKEN") != nil
    return AWSKeys(
      accessKeyID: id, secretAccessKey: secret,
      sessionToken: hasToken ? try load(.environment("AWS_SESSION_TOKEN")) : nil)
  }

  private func load(_ source: SecretSource?) throws(SnapshotFault) -> Secret? {
    guard let source else { return nil }
    do throws(SecretFault) { return try Secret.load(source, from: environment) } catch {
      throw fault("\(source.place): \(error.message)")
    }
  }

  private mutating func webIdentity(_ region: String) throws(SnapshotFault) -> WebIdentityService? {
    guard let role = environment.nonEmpty("AWS_ROLE_ARN"),
      let file = environment.nonEmpty("AWS_WEB_IDENTITY_TOKEN_FILE")
    else { return nil }
    let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    let own = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"].first { environment.nonEmpty($0) != nil }
    let text = own.flatMap { environment.nonEmpty($0) } ?? "https://sts.\(region).\(domain)/"
    let sts = try address(text, from: own ?? "region", caFile: environment.nonEmpty("AWS_CA_BUNDLE"))
    return WebIdentityService(
      role: role, session: environment.nonEmpty("AWS_ROLE_SESSION_NAME") ?? "remora", tokenFile: file,
      sts: sts.place)
  }

  private mutating func container() throws(SnapshotFault) -> ContainerService? {
    let address: WebAddress
    if let path = environment.nonEmpty("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      address = try self.address(
        "http://169.254.170.2" + path, from: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    } else if let text = environment.nonEmpty("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      address = try self.address(text, from: "AWS_CONTAINER_CREDENTIALS_FULL_URI")
      guard address.isContainerEndpoint else {
        throw fault(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to loopback, 169.254.170.2, "
            + "169.254.170.23 or fd00:ec2::23")
      }
    } else {
      return nil
    }
    if let file = environment.nonEmpty("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      return ContainerService(endpoint: address.place, authorization: .file(file))
    }
    guard environment.nonEmpty("AWS_CONTAINER_AUTHORIZATION_TOKEN") != nil,
      let token = try load(.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
    else { return ContainerService(endpoint: address.place, authorization: .none) }
    return ContainerService(endpoint: address.place, authorization: .value(token))
  }

  // MARK: Google

  mutating func google(_ settings: DialectSettings.Vertex) throws(SnapshotFault) -> CredentialPlan? {
    if isTold(settings.token) { return nil }
    let file = environment.nonEmpty("GOOGLE_APPLICATION_CREDENTIALS").map { SecretSource.file($0) }
    if let source = settings.credentials ?? file {
      return CredentialPlan(
        origin: .asked(
          ServiceAccountService(source: source, environment: environment, tls: try trust())), scope: nil)
    }
    let host =
      environment.nonEmpty("GCE_METADATA_HOST") ?? environment.nonEmpty("GCE_METADATA_ROOT")
      ?? "metadata.google.internal"
    let server = try address(
      "http://\(host)/computeMetadata/v1/instance/service-accounts/default/token", from: "GCE_METADATA_HOST")
    return CredentialPlan(origin: .asked(MetadataService(server: server.place)), scope: nil)
  }

  // MARK: Entra

  mutating func entra(_ settings: DialectSettings.Azure) throws(SnapshotFault) -> CredentialPlan? {
    if isTold(settings.token) { return nil }
    guard let file = environment.nonEmpty("AZURE_FEDERATED_TOKEN_FILE"),
      let client = environment.nonEmpty("AZURE_CLIENT_ID"),
      let tenant = environment.nonEmpty("AZURE_TENANT_ID")
    else { return nil }
    var authority = environment.nonEmpty("AZURE_AUTHORITY_HOST") ?? WorkloadIdentityService.authority
    while authority.hasSuffix("/") { authority.removeLast() }
    let endpoint = try address(
      "\(authority)/\(tenant)", suffix: "/oauth2/v2.0/token", from: "AZURE_AUTHORITY_HOST")
    guard endpoint.isPrivate else { throw fault("AZURE_AUTHORITY_HOST must be an https address") }
    return CredentialPlan(
      origin: .asked(
        WorkloadIdentityService(client: client, tokenFile: file, endpoint: endpoint.place)), scope: nil)
  }
}
