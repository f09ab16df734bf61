// Signatures against those that AWS and its own SDK have published.

import Config
import Proxy
import Support
import Testing
import Transport
import Wire

/// One published signature.
struct SigningCase: CustomTestStringConvertible, Sendable {
  let name: String
  var request: SigV4.Request
  let id: String
  let secret: String
  let token: String?
  let scope: SigV4.Scope
  let time: [UInt8]
  let canonical: String
  let stringToSign: String
  let signature: String
  var testDescription: String { name }
}

/// AWS's own suite: requests as they were written down, before anything was escaped.
enum AWSSuite {
  static let vectors = SharedVectors.awsSigning
  static let all = vectors.cases.compactMap { example($0) }

  private static func example(_ place: Range<Int>) -> SigningCase? {
    func text(_ name: StaticString) -> String? { vectors.text(place, name) }
    guard let context = vectors.member(place, "context"),
      let credentials = vectors.member(context, "credentials"), let raw = text("request"),
      let canonical = text("header_canonical_request"), let toSign = text("header_string_to_sign"),
      let signature = text("header_signature"), let region = vectors.text(context, "region"),
      let service = vectors.text(context, "service"), let id = vectors.text(credentials, "access_key_id"),
      let secret = vectors.text(credentials, "secret_access_key"), let name = text("name"),
      let time = vectors.text(context, "timestamp")
    else { return nil }
    func flag(_ name: StaticString) -> Bool { vectors.isTrue(context, name) }
    // Such a token is sent, but added only after the signature.
    let token = flag("omit_session_token") ? nil : vectors.text(credentials, "token")
    return SigningCase(
      name: name, request: request(raw, normalizes: flag("normalize"), signsBody: flag("sign_body")), id: id,
      secret: secret, token: token, scope: SigV4.Scope(region: region, service: service),
      time: Array(time.utf8.filter { $0 != UInt8(ascii: "-") && $0 != ASCII.colon }), canonical: canonical,
      stringToSign: toSign, signature: signature)
  }

  private static func request(_ raw: String, normalizes: Bool, signsBody: Bool) -> SigV4.Request {
    // Between head and body is an empty line; most cases have no body and end in a single line feed.
    var lines = raw.split(separator: "\n", omittingEmptySubsequences: false)
    var body: [UInt8] = []
    if let end = lines.firstIndex(of: "") {
      body = Array(lines[(end + 1)...].joined(separator: "\n").utf8)
      lines = Array(lines[..<end])
    }
    let first = lines.removeFirst()
    let method = first.prefix { $0 != " " }
    let target = first.dropFirst(method.count + 1).dropLast(" HTTP/1.1".count)
    let path = target.prefix { $0 != "?" }
    var fields: [(name: String, value: String)] = []
    for line in lines {
      if line.hasPrefix(" "), let last = fields.indices.last {
        fields[last].value += "\n" + line
      } else {
        let name = line.prefix { $0 != ":" }
        fields.append((name.lowercased(), String(line.dropFirst(name.count + 1))))
      }
    }
    let hash = Digest.sha256(body)
    if signsBody { fields.append(("x-amz-content-sha256", hash)) }
    var request = SigV4.Request(
      method: Array(method.utf8), path: Array(path.utf8),
      fields: fields.map { SigV4.Field(Array($0.name.utf8), Array($0.value.utf8)) },
      payloadHash: Array(hash.utf8))
    request.query = Array(target.dropFirst(path.count + 1).utf8)
    request.normalizesPath = normalizes
    return request
  }
}

/// What botocore signs for Bedrock.
enum BotocoreCases {
  static let vectors = SharedVectors.bedrockSigning
  static let all = vectors.cases.compactMap { example($0) }

  private static func example(_ place: Range<Int>) -> SigningCase? {
    func text(_ name: StaticString) -> String? { vectors.text(place, name) }
    guard let name = text("name"), let region = text("region"), let service = text("service"),
      let url = text("url"), let id = text("access_key_id"), let secret = text("secret_access_key"),
      let time = text("time"), let canonical = text("canonical_request"), let toSign = text("string_to_sign"),
      let authorization = text("authorization"), let body = vectors.payload(place, "body_b64"),
      url.hasPrefix("https://")
    else { return nil }
    let rest = url.dropFirst("https://".count)
    let host = rest.prefix { $0 != "/" }
    let signature = authorization.split(separator: "Signature=").last.map(String.init) ?? ""
    return SigningCase(
      name: name,
      request: SigV4.Request(
        method: Array("POST".utf8), path: Array(rest.dropFirst(host.count).utf8),
        fields: [
          SigV4.Field(Array("host".utf8), Array(host.utf8)),
          SigV4.Field(Array("content-type".utf8), Array("application/json".utf8)),
        ], payloadHash: Array(Digest.sha256(body).utf8)), id: id, secret: secret,
      token: text("session_token"),
      scope: SigV4.Scope(region: region, service: service), time: Array(time.utf8), canonical: canonical,
      stringToSign: toSign, signature: signature)
  }
}

@Suite("SigV4") struct SigV4Tests {
  @Test("AWS's own suite", .enabled(if: SharedVectors.awsSigning.isPresent), arguments: AWSSuite.all)
  func suite(_ example: SigningCase) throws { try check(example) }

  @Test(
    "botocore's signatures for Bedrock", .enabled(if: SharedVectors.bedrockSigning.isPresent),
    arguments: BotocoreCases.all)
  func botocore(_ example: SigningCase) throws { try check(example) }

  @Test("no published case is left out")
  func completeness() {
    #expect(AWSSuite.all.count == SharedVectors.awsSigning.cases.count)
    #expect(BotocoreCases.all.count == SharedVectors.bedrockSigning.cases.count)
  }

  private func check(_ example: SigningCase) throws {
    let token = try example.token.map { try Secret(Array($0.utf8).span) }
    let keys = AWSKeys(
      accessKeyID: try Secret(Array(example.id.utf8).span),
      secretAccessKey: try Secret(Array(example.secret.utf8).span), sessionToken: token)
    var canonical = ByteQueue()
    let names = SigV4.canonicalRequest(example.request, token: token, time: example.time, into: &canonical)
    #expect(canonical.bytes.text() == example.canonical)
    var toSign = ByteQueue()
    SigV4.stringToSign(canonical.bytes, time: example.time, scope: example.scope, into: &toSign)
    #expect(toSign.bytes.text() == example.stringToSign)
    let dayKey = try #require(
      SigV4.DayKey(keys.secretAccessKey, time: example.time, scope: example.scope))
    var head = ByteQueue()
    #expect(
      SigV4.sign(
        example.request, keys: keys, time: example.time, scope: example.scope, dayKey: dayKey, into: &head))
    let time = String(decoding: example.time, as: UTF8.self)
    let scope =
      "\(time.prefix(8))/\(String(decoding: example.scope.region, as: UTF8.self))/"
      + String(decoding: example.scope.service, as: UTF8.self) + "/aws4_request"
    let signed = String(decoding: names, as: UTF8.self)
    var expected = "x-amz-date: \(time)\r\n"
    if let token = example.token { expected += "x-amz-security-token: \(token)\r\n" }
    expected +=
      "authorization: AWS4-HMAC-SHA256 Credential=\(example.id)/\(scope), SignedHeaders=\(signed), "
      + "Signature=\(example.signature)\r\n"
    #expect(head.bytes.text() == expected)
    #expect(!head.bytes.text().contains(example.secret))
  }
}
