// What each cloud is asked, and how its answers are read.

import Glibc
import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import HTTP
@testable import Proxy

/// A file in a directory that goes with the process.
private func file(_ text: String) throws -> String {
  let directory = try ThrowawayDirectory(in: "/tmp")
  kept.withLock { $0.append(directory) }
  return try directory.write("file", Array(text.utf8))
}

private let kept = Kept()

private final class Kept: Sendable {
  private let directories = Guarded<[ThrowawayDirectory]>([])
  func withLock(_ body: (inout sending [ThrowawayDirectory]) -> Void) { directories.withLock { body(&$0) } }
}

@Suite("TokenService") struct TokenServiceTests {
  private static let place = FetchPlace(
    BaseURL(scheme: .http, host: "127.0.0.1", port: 1), target: "/", tls: nil)
  /// 2026-01-01T00:00:00Z
  private static let now = 1_767_225_600

  private static func read(
    _ service: some TokenService, _ body: String
  ) throws(CredentialFault) -> Earned {
    let bytes = Array(body.utf8)
    return try service.read(
      FetchAnswer(status: 200, date: nil, body: ByteQueue(copying: bytes.span)), now: now)
  }

  private static func keys(_ earned: Earned) -> [String?] {
    guard case .keys(let keys) = earned.proof else { return [] }
    return [
      keys.accessKeyID.bytes.text(), keys.secretAccessKey.bytes.text(), keys.sessionToken?.bytes.text(),
    ]
  }

  // MARK: AWS

  private static func webIdentity(_ tokenFile: String) -> WebIdentityService {
    WebIdentityService(
      role: "arn:aws:iam::123456789012:role/a+b", session: "remora", tokenFile: tokenFile, sts: place)
  }

  @Test("a web identity is exchanged as STS wants it, its file read anew each time")
  func webIdentityRequest() throws {
    let path = try file("eyJh.first\n")
    let service = Self.webIdentity(path)
    var request = try service.request(now: Self.now)
    #expect(
      request.body.bytes.text()
        == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
        + "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fa%2Bb&RoleSessionName=remora"
        + "&WebIdentityToken=eyJh.first")
    let isBare = request.fields.isEmpty
    #expect(isBare)
    let descriptor = unsafe open(path, O_WRONLY | O_TRUNC)
    _ = unsafe write(descriptor, "eyJh.second", 11)
    close(descriptor)
    request = try service.request(now: Self.now)
    #expect(request.body.bytes.text().hasSuffix("=eyJh.second"))
  }

  @Test("a token file that isn't there is named")
  func absentFile() {
    do throws(CredentialFault) {
      _ = try Self.webIdentity("/nowhere/token").request(now: 0)
      Issue.record("a request")
    } catch {
      #expect(
        error.message
          == "AWS_WEB_IDENTITY_TOKEN_FILE (/nowhere/token): can't be read: no such file or directory (ENOENT)"
      )
    }
  }

  static let stsAnswers = [
    """
    {"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":{
    "AccessKeyId":"ASIA1","SecretAccessKey":"s/e+c","SessionToken":"t==","Expiration":1.7672292E9}}}}
    """,
    """
    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>
    <SecretAccessKey>s/e+c</SecretAccessKey><SessionToken>t==</SessionToken>
    <Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>
    """,
  ]

  @Test("both of its forms are read", arguments: stsAnswers)
  func stsAnswer(_ body: String) throws {
    let earned = try Self.read(Self.webIdentity("x"), body)
    #expect(Self.keys(earned) == ["ASIA1", "s/e+c", "t=="])
    #expect(earned.lifetime == 3600)
  }

  @Test(
    "what isn't one of them is refused, and none of it is shown",
    arguments: [
      "", "{}", "<html>s3cret</html>", "[1]", #"{"AssumeRoleWithWebIdentityResponse":7}"#,
      #"{"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s3cret"}}}}"#,
      #"{"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s3cret","SessionToken":"t","Expiration":"then"}}}}"#,
      "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s3cret", "<AccessKeyId>A&amp;B</AccessKeyId>",
    ])
  func badSTSAnswer(_ body: String) {
    do throws(CredentialFault) {
      _ = try Self.read(Self.webIdentity("x"), body)
      Issue.record("taken")
    } catch {
      #expect(error.message.contains("can't be used") && !error.message.contains("s3cret"))
    }
  }

  @Test("a container endpoint is asked with its token, if it has one")
  func container() throws {
    let path = try file("pod-token\n")
    let token = try Secret(Array("told".utf8).span)
    for (authorization, line) in [
      (.none, ""), (.value(token), "authorization: told\r\n"), (.file(path), "authorization: pod-token\r\n"),
    ] as [(ContainerService.Authorization, String)] {
      let request = try ContainerService(endpoint: Self.place, authorization: authorization).request(now: 0)
      #expect(request.fields.bytes.text() == line)
      let isBare = request.method == .get && request.body.isEmpty
      #expect(isBare)
    }
    let earned = try Self.read(
      ContainerService(endpoint: Self.place, authorization: .none),
      #"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026-01-01T06:00:00.5Z","AccountId":"1"}"#
    )
    #expect(Self.keys(earned) == ["A", "S", "T"] && earned.lifetime == 21_600)
  }

  // MARK: Entra

  @Test("a workload identity is exchanged as Entra wants it")
  func entra() throws {
    let path = try file("fed")
    let service = WorkloadIdentityService(client: "1-2", tokenFile: path, endpoint: Self.place)
    let request = try service.request(now: 0)
    #expect(
      request.body.bytes.text()
        == "grant_type=client_credentials&client_id=1-2"
        + "&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_assertion_type="
        + "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=fed")
    let earned = try Self.read(service, #"{"token_type":"Bearer","expires_in":"3599","access_token":"ent"}"#)
    guard case .bearer(let token) = earned.proof else {
      Issue.record("no token")
      return
    }
    #expect(token.bytes.text() == "ent" && earned.lifetime == 3599)
  }

  // MARK: Plans

  private static func plan(
    _ kind: ProviderKind, _ dialect: DialectSettings, _ variables: [String: String], key: SecretSource = .none
  ) throws(SnapshotFault) -> CredentialPlan? {
    var contexts = TLSContexts(reusing: [:])
    let provider = Provider(
      name: "p", kind: kind, baseURL: BaseURL(scheme: .https, host: "x"), apiKey: key, dialect: dialect)
    return try CredentialPlan.make(provider, Environment(variables), &contexts)
  }

  private static func described(_ plan: CredentialPlan?) -> String {
    switch plan?.origin {
    case .asked(let service): service.place
    case .given(.keys(let keys)):
      "keys \(keys.accessKeyID.bytes.text()) \(keys.sessionToken?.bytes.text() ?? "-")"
    case .given(.bearer): "bearer"
    case nil: "nothing"
    }
  }

  static let static1 = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"]
  static let irsa = ["AWS_ROLE_ARN": "arn:r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"]
  static let pod = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"]

  static let awsPlans: [(variables: [String: String], plan: String)] = [
    (static1, "keys A -"),
    (static1.merging(["AWS_SESSION_TOKEN": "T"]) { $1 }, "keys A T"),
    (static1.merging(irsa) { $1 }, "keys A -"),
    (irsa, "https://sts.eu-west-1.amazonaws.com/"),
    (irsa.merging(pod) { $1 }, "https://sts.eu-west-1.amazonaws.com/"),
    (irsa.merging(["AWS_ENDPOINT_URL_STS": "http://localhost:5000"]) { $1 }, "http://localhost:5000"),
    (
      irsa.merging(["AWS_ENDPOINT_URL": "https://all.test", "AWS_ENDPOINT_URL_STS": "https://sts.test/x"]) {
        $1
      },
      "https://sts.test/x"
    ),
    (pod, "http://169.254.170.23/v1/credentials"),
    (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/c?id=1"], "http://169.254.170.2/v2/c"),
    (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1"], "http://[fd00:ec2::23]/v1"),
    (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://any.test:8443/c"], "https://any.test:8443/c"),
    (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:80/c"], "http://localhost/c"),
  ]

  @Test("AWS keys come from where its SDKs look, in their order", arguments: awsPlans)
  func aws(_ example: (variables: [String: String], plan: String)) throws {
    var settings = DialectSettings.Bedrock()
    settings.region = "eu-west-1"
    let plan = try Self.plan(.bedrock, .bedrock(settings), example.variables)
    #expect(Self.described(plan) == example.plan)
    #expect(plan?.scope == SigV4.Scope(region: "eu-west-1", service: "bedrock"))
  }

  static let refusedAWS: [(variables: [String: String], reason: String)] = [
    ([:], "has no credentials"), (["AWS_ACCESS_KEY_ID": "A"], "has no credentials"),
    (["AWS_ROLE_ARN": "arn:r"], "has no credentials"),
    (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.test/c"], "must be https, or http to loopback"),
    (
      ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.169.254/c"], "must be https, or http to loopback"
    ),
    (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "ftp://x"], "is no http or https address"),
    (irsa.merging(["AWS_ENDPOINT_URL_STS": "sts"]) { $1 }, "AWS_ENDPOINT_URL_STS is no http"),
    (["AWS_ACCESS_KEY_ID": "A B", "AWS_SECRET_ACCESS_KEY": "S"], "space byte"),
  ]

  @Test("what is missing or not allowed is said", arguments: refusedAWS)
  func noAWS(_ example: (variables: [String: String], reason: String)) {
    var settings = DialectSettings.Bedrock()
    settings.region = "eu-west-1"
    do throws(SnapshotFault) {
      _ = try Self.plan(.bedrock, .bedrock(settings), example.variables)
      Issue.record("a plan")
    } catch { #expect(error.message.contains(example.reason), "\(error.message)") }
  }

  @Test("in China STS is elsewhere")
  func china() throws {
    var settings = DialectSettings.Bedrock()
    settings.region = "cn-north-1"
    let plan = try Self.plan(.bedrock, .bedrock(settings), Self.irsa)
    #expect(Self.described(plan) == "https://sts.cn-north-1.amazonaws.com.cn/")
  }

  @Test("a key or a token that is told needs no plan")
  func told() throws {
    var bedrock = DialectSettings.Bedrock()
    bedrock.region = "eu-west-1"
    #expect(try Self.plan(.bedrock, .bedrock(bedrock), Self.irsa, key: .environment("K")) == nil)
    var vertex = DialectSettings.Vertex()
    vertex.token = .file("/t")
    #expect(try Self.plan(.vertex, .vertex(vertex), [:]) == nil)
    var azure = DialectSettings.Azure()
    azure.token = .file("/t")
    #expect(try Self.plan(.azure, .azure(azure), [:]) == nil)
    #expect(try Self.plan(.openai, .openAI(.init()), Self.irsa) == nil)
  }

  @Test("Google and Entra are asked where their libraries ask")
  func others() throws {
    var vertex = DialectSettings.Vertex()
    #expect(
      Self.described(try Self.plan(.vertex, .vertex(vertex), [:]))
        == "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token")
    #expect(
      Self.described(try Self.plan(.vertex, .vertex(vertex), ["GCE_METADATA_HOST": "127.0.0.1:8"]))
        .hasPrefix("http://127.0.0.1:8/computeMetadata"))
    #expect(
      Self.described(try Self.plan(.vertex, .vertex(vertex), ["GOOGLE_APPLICATION_CREDENTIALS": "/sa"]))
        .hasSuffix("in /sa"))
    vertex.credentials = .file("/own")
    #expect(
      Self.described(try Self.plan(.vertex, .vertex(vertex), ["GOOGLE_APPLICATION_CREDENTIALS": "/sa"]))
        .hasSuffix("in /own"))
    let pod = ["AZURE_FEDERATED_TOKEN_FILE": "/f", "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"]
    #expect(
      Self.described(try Self.plan(.azure, .azure(.init()), pod))
        == "https://login.microsoftonline.com/t/oauth2/v2.0/token")
    #expect(
      Self.described(
        try Self.plan(
          .azure, .azure(.init()), pod.merging(["AZURE_AUTHORITY_HOST": "https://login.test/"]) { $1 }))
        == "https://login.test/t/oauth2/v2.0/token")
    #expect(throws: SnapshotFault.self) {
      try Self.plan(
        .azure, .azure(.init()), pod.merging(["AZURE_AUTHORITY_HOST": "http://login.test/"]) { $1 })
    }
  }
}
