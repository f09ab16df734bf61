// Microsoft Entra tokens in exchange for the pod's own: workload identity (Microsoft identity platform, "OAuth 2.0
// client credentials flow", third case: access token request with a federated credential).

internal import Config
internal import HTTP
internal import Transport
internal import Wire

struct WorkloadIdentityService: TokenService {
  static let authority = "https://login.microsoftonline.com"
  private static let scope: StaticString = "https://cognitiveservices.azure.com/.default"

  let client: String
  let tokenFile: String
  /// `{authority}/{tenant}/oauth2/v2.0/token`
  let endpoint: FetchPlace

  var place: String { endpoint.shown }
  var remedy: String {
    "check that the application \(client) (AZURE_CLIENT_ID) has a federated credential for the identity whose token "
      + "is in \(tokenFile)"
  }

  func request(now: Int) throws(CredentialFault) -> FetchRequest {
    let token = try AnswerText.token(file: tokenFile, "AZURE_FEDERATED_TOKEN_FILE")
    var request = FetchRequest(.post, endpoint)
    let client = Array(client.utf8)
    request.appendForm("grant_type", ("client_credentials" as StaticString).bytes)
    request.appendForm("client_id", client.span)
    request.appendForm("scope", Self.scope.bytes)
    request.appendForm(
      "client_assertion_type",
      ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer" as StaticString).bytes)
    request.appendForm("client_assertion", token.bytes)
    return request
  }

  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned {
    try BearerAnswer.earned(answer.body.bytes, from: self)
  }
}
