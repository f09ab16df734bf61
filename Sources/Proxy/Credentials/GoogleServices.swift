// Google access tokens: for a service account's key, and from the metadata server that machines and GKE pods have.

internal import Config
internal import HTTP
internal import Transport
internal import Wire

/// A token for a signed assertion (RFC 7523, as Google's "Using OAuth 2.0 for Server to Server Applications" has it).
struct ServiceAccountService: TokenService {
  static let tokenURI = "https://oauth2.googleapis.com/token"
  private static let scope = "https://www.googleapis.com/auth/cloud-platform"
  /// Seconds; the most that Google takes.
  private static let life = 3600
  /// Bytes of the file; the usual one has 2400.
  private static let fileCeiling = 64 << 10

  /// The account's JSON file, or the variable that holds its text.
  let source: SecretSource
  let environment: Environment
  let tls: TLSContext?

  var place: String { "the token service of the service account in \(source.place)" }
  var remedy: String {
    "check that the key in \(source.place) still exists and that this machine's clock is right"
  }

  func request(now: Int) throws(CredentialFault) -> FetchRequest {
    switch source {
    case .file(let path):
      let contents: FileContents
      do throws(FileFault) { contents = try FileContents.read(path, ceiling: Self.fileCeiling) } catch {
        throw CredentialFault(message: "the service account's file \(path) \(error.message)")
      }
      return try request(contents.bytes, now: now)
    case .environment(let name):
      let text = Array((environment[name] ?? "").utf8)
      return try request(text.span, now: now)
    case .passthrough, .none: throw wrong("is not named")
    }
  }

  private func request(_ file: Span<UInt8>, now: Int) throws(CredentialFault) -> FetchRequest {
    guard let object = AnswerText.object(file) else { throw wrong("is no JSON object") }
    let type = AnswerText.text(file, object, "type") ?? "missing"
    guard type == "service_account" else {
      throw wrong(
        "has the type '\(AnswerText.shown(type))'; only a service account's key (service_account) can be used"
      )
    }
    guard let email = AnswerText.text(file, object, "client_email"), !email.isEmpty else {
      throw wrong("has no client_email")
    }
    let uri = AnswerText.text(file, object, "token_uri") ?? Self.tokenURI
    guard let url = WebAddress(uri, tls: tls), url.isPrivate else {
      throw wrong("has a token_uri that is no https address")
    }
    var assertion = ByteQueue.forSecrets()
    assertion.reserve(2 * Defaults.secret)
    appendClaims(
      email, uri, keyID: AnswerText.text(file, object, "private_key_id"), now: now, into: &assertion)
    let signature = try sign(assertion.bytes, file, object)
    assertion.append(".")
    Base64Encoder.encode(signature.bytes, .url, into: &assertion)
    var request = FetchRequest(.post, url.place)
    request.appendForm("grant_type", ("urn:ietf:params:oauth:grant-type:jwt-bearer" as StaticString).bytes)
    request.appendForm("assertion", assertion.bytes)
    return request
  }

  /// Appends head and claims of the assertion, ready to be signed (RFC 7515 section 3.1).
  private func appendClaims(
    _ email: String, _ audience: String, keyID: String?, now: Int, into out: inout ByteQueue
  ) {
    var head = ByteQueue()
    head.append("{\"alg\":\"RS256\",\"typ\":\"JWT\"")
    if let keyID {
      head.append(",\"kid\":")
      JSONWriter.string(keyID, into: &head)
    }
    head.append("}")
    var claims = ByteQueue()
    claims.append("{\"iss\":")
    JSONWriter.string(email, into: &claims)
    claims.append(",\"scope\":")
    JSONWriter.string(Self.scope, into: &claims)
    claims.append(",\"aud\":")
    JSONWriter.string(audience, into: &claims)
    claims.append(",\"iat\":")
    claims.append(decimal: now)
    claims.append(",\"exp\":")
    claims.append(decimal: now + Self.life)
    claims.append("}")
    Base64Encoder.encode(head.bytes, .url, into: &out)
    out.append(".")
    Base64Encoder.encode(claims.bytes, .url, into: &out)
  }

  private func sign(
    _ message: Span<UInt8>, _ file: Span<UInt8>, _ object: Range<Int>
  ) throws(CredentialFault) -> ByteQueue {
    guard let range = JSONView.value(file, in: object, at: "private_key"),
      JSONView.kind(file, range) == .string
    else { throw wrong("has no private_key") }
    var pem = ByteQueue.forSecrets()
    pem.reserve(range.count)
    JSONString.decode(file, range, into: &pem)
    do throws(SigningFault) { return try RS256.sign(message, pem: pem.bytes) } catch {
      throw wrong("has a private_key that \(error.message)")
    }
  }

  private func wrong(_ reason: String) -> CredentialFault {
    CredentialFault(message: "the service account in \(source.place) \(reason)", isPassing: false)
  }

  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned {
    try BearerAnswer.earned(answer.body.bytes, from: self)
  }
}

/// A token from the metadata server ("About VM metadata"; on GKE it speaks for the pod's own service account).
struct MetadataService: TokenService {
  let server: FetchPlace

  var place: String { server.shown }
  var remedy: String { "check that the pod's service account may use a Google service account" }

  func request(now: Int) throws(CredentialFault) -> FetchRequest {
    var request = FetchRequest(.get, server)
    HeadWriter.field("metadata-flavor", "Google", to: &request.fields)
    return request
  }

  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned {
    try BearerAnswer.earned(answer.body.bytes, from: self)
  }
}

/// A successful answer as OAuth has it (RFC 6749 section 5.1).
enum BearerAnswer {
  static func earned(_ body: Span<UInt8>, from service: some TokenService) throws(CredentialFault) -> Earned {
    guard let object = AnswerText.object(body) else { throw service.malformed("it is no JSON object") }
    let token: Secret
    do throws(SecretFault) { token = try AnswerText.secret(body, object, "access_token") } catch {
      throw service.malformed("its access_token \(error.message)")
    }
    guard let lifetime = AnswerText.seconds(body, object, "expires_in") else {
      throw service.malformed("its expires_in is no number of seconds")
    }
    return Earned(proof: .bearer(token), lifetime: lifetime)
  }
}
