// AWS keys from a pod's own identity: AssumeRoleWithWebIdentity (IRSA), and the container endpoint (ECS, and EKS
// Pod Identity), each as AWS's SDKs do it ("AWS SDKs and Tools Reference Guide").

internal import Config
internal import HTTP
internal import Transport
internal import Wire

/// Keys for a role, in exchange for the pod's own token (STS API reference, "AssumeRoleWithWebIdentity").
struct WebIdentityService: TokenService {
  let role: String
  let session: String
  let tokenFile: String
  let sts: FetchPlace

  var place: String { sts.shown }
  var remedy: String {
    "check that the role \(role) (AWS_ROLE_ARN) trusts the identity whose token is in \(tokenFile)"
  }

  func request(now: Int) throws(CredentialFault) -> FetchRequest {
    let token = try AnswerText.token(file: tokenFile, "AWS_WEB_IDENTITY_TOKEN_FILE")
    var request = FetchRequest(.post, sts)
    let (role, session) = (Array(role.utf8), Array(session.utf8))
    request.appendForm("Action", ("AssumeRoleWithWebIdentity" as StaticString).bytes)
    request.appendForm("Version", ("2011-06-15" as StaticString).bytes)
    request.appendForm("RoleArn", role.span)
    request.appendForm("RoleSessionName", session.span)
    request.appendForm("WebIdentityToken", token.bytes)
    return request
  }

  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned {
    let body = answer.body.bytes
    if let object = AnswerText.object(body) {
      guard
        let keys = JSONView.value(
          body, in: object, at: "AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult",
          "Credentials")
      else { throw malformed("it holds no Credentials") }
      return try AWSAnswer.earned(body, keys, token: "SessionToken", from: self, now: now)
    }
    return try readXML(body, now: now)
  }

  /// The older form, which is all that some services beside AWS's own can say.
  private func readXML(_ body: Span<UInt8>, now: Int) throws(CredentialFault) -> Earned {
    func secret(_ name: String) throws(CredentialFault) -> Secret {
      guard let range = AnswerText.element(body, name) else { throw malformed("it holds no \(name)") }
      do throws(SecretFault) { return try Secret(body.extracting(range)) } catch {
        throw malformed("its \(name) \(error.message)")
      }
    }
    guard let range = AnswerText.element(body, "Expiration"),
      let expiration = CivilTime.unixSeconds(rfc3339: body.extracting(range))
    else { throw malformed("it holds no Expiration") }
    return Earned(
      proof: .keys(
        AWSKeys(
          accessKeyID: try secret("AccessKeyId"), secretAccessKey: try secret("SecretAccessKey"),
          sessionToken: try secret("SessionToken"))), lifetime: expiration - now)
  }
}

/// Keys from an endpoint beside the pod ("Container credential provider").
struct ContainerService: TokenService {
  /// What is sent as `Authorization`.
  enum Authorization: Sendable {
    case none
    case value(Secret)
    case file(String)
  }

  let endpoint: FetchPlace
  let authorization: Authorization

  var place: String { endpoint.shown }
  var remedy: String { "check the pod identity association, or the task's role, that this pod should have" }

  func request(now: Int) throws(CredentialFault) -> FetchRequest {
    var request = FetchRequest(.get, endpoint)
    switch authorization {
    case .none: break
    case .value(let token): request.appendField("authorization", secret: token.bytes)
    case .file(let path):
      let token = try AnswerText.token(file: path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
      request.appendField("authorization", secret: token.bytes)
    }
    return request
  }

  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned {
    guard let object = AnswerText.object(answer.body.bytes) else { throw malformed("it is no JSON object") }
    return try AWSAnswer.earned(answer.body.bytes, object, token: "Token", from: self, now: now)
  }
}

private enum AWSAnswer {
  /// The keys that an object holds.
  static func earned(
    _ body: Span<UInt8>, _ object: Range<Int>, token: StaticString, from service: some TokenService, now: Int
  ) throws(CredentialFault) -> Earned {
    func secret(_ name: StaticString) throws(CredentialFault) -> Secret {
      do throws(SecretFault) { return try AnswerText.secret(body, object, name) } catch {
        throw service.malformed("its \(name) \(error.message)")
      }
    }
    let keys = AWSKeys(
      accessKeyID: try secret("AccessKeyId"), secretAccessKey: try secret("SecretAccessKey"),
      sessionToken: try secret(token))
    guard let expiration = expiration(body, object) else {
      throw service.malformed("its Expiration is no date")
    }
    return Earned(proof: .keys(keys), lifetime: expiration - now)
  }

  /// STS writes a number in JSON, the container endpoints a date.
  private static func expiration(_ body: Span<UInt8>, _ object: Range<Int>) -> Int? {
    guard let range = JSONView.value(body, in: object, at: "Expiration") else { return nil }
    if JSONView.kind(body, range) == .number { return AnswerText.seconds(body, object, "Expiration") }
    return CivilTime.unixSeconds(rfc3339: JSONString.content(body, range))
  }
}

extension TokenService {
  func malformed(_ reason: String) -> CredentialFault {
    CredentialFault(message: "the answer of \(place) can't be used: \(reason)", isPassing: false)
  }
}
