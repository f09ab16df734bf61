import Dialects
import Testing

@Suite struct GeminiFaultTests {
  private func read(_ body: String, _ status: Int) -> ProviderFault {
    let bytes = Array(body.utf8)
    return GeminiDialect().readFault(bytes.span, status: status, kind: [UInt8]().span)
  }

  private func error(_ code: Int, _ name: String, _ details: String = "[]") -> String {
    #"{"error":{"code":\#(code),"message":"It \"says\" why.","status":"\#(name)","details":\#(details)}}"#
  }

  @Test(
    "each name has its type, in an array too",
    arguments: [
      (400, "INVALID_ARGUMENT", "invalid_request_error"),
      (400, "FAILED_PRECONDITION", "invalid_request_error"),
      (400, "OUT_OF_RANGE", "invalid_request_error"), (404, "NOT_FOUND", "not_found_error"),
      (429, "RESOURCE_EXHAUSTED", "rate_limit_error"), (499, "CANCELLED", "api_error"),
      (500, "INTERNAL", "api_error"), (503, "UNAVAILABLE", "overloaded_error"),
      (504, "DEADLINE_EXCEEDED", "api_error"),
    ])
  func names(_ code: Int, _ name: String, _ type: String) {
    for body in [error(code, name), "[\(error(code, name))]\n"] {
      let fault = read(body, code)
      #expect(fault.status == code && fault.message == Array(#"It "says" why."#.utf8))
      #expect(fault.code == Array(name.utf8) && fault.type.map { "\($0)" } == type)
      #expect(!fault.isAuthentication && fault.retryAfter == nil)
    }
  }

  @Test("401 and 403 are about the key, and so is one kind of 400")
  func keys() {
    #expect(read(error(401, "UNAUTHENTICATED"), 401).isAuthentication)
    #expect(read(error(403, "PERMISSION_DENIED"), 403).isAuthentication)
    let details =
      #"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]"#
    let fault = read(error(400, "INVALID_ARGUMENT", details), 400)
    #expect(fault.isAuthentication && fault.status == 401)
    #expect(!read(error(400, "INVALID_ARGUMENT"), 400).isAuthentication)
  }

  @Test(
    "when to try again",
    arguments: [
      (#""37s""#, 37), (#""1.2s""#, 2), (#""0s""#, 0), (#""x""#, nil), (#""-1s""#, nil), ("7", nil),
      (#""1e99s""#, nil),
    ] as [(String, Int?)])
  func retry(_ delay: String, _ seconds: Int?) {
    let details =
      #"[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":\#(delay)}]"#
    #expect(read(error(429, "RESOURCE_EXHAUSTED", details), 429).retryAfter == seconds)
  }

  @Test("a conversation that is too long has a code of its own")
  func tooLong() {
    let body =
      #"{"error":{"code":400,"message":"The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#
    #expect(read(body, 400).code == Array("context_length_exceeded".utf8))
  }

  @Test(
    "bodies of other forms keep their status",
    arguments: [
      "", "<html>Bad Gateway</html>", "[", "[]", "{}", #"{"error":null}"#, #"{"error":"text"}"#,
      #"{"error":{"details":{}}}"#,
    ])
  func other(_ body: String) { #expect(read(body, 502).status == 502) }
}
