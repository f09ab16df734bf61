// Which class an error belongs to: by what providers write, in whatever shape it comes.

import Testing

@testable import Policy

@Suite struct ClassifyTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let status: Int
    let says: String
    let cls: FailureClass
    var testDescription: String { "\(status) \(says)" }

    init(_ status: Int, _ says: String, _ cls: FailureClass) {
      self.status = status
      self.says = says
      self.cls = cls
    }
  }

  /// What stands in an error as its type, code or message.
  static let rows: [Row] =
    [500, 502, 503, 504, 520, 522, 524, 529, 408, 425, 498].map { Row($0, "", .overload) } + [
      Row(529, "overloaded_error", .overload), Row(200, "overloaded_error", .overload),
      Row(200, "api_error", .overload), Row(424, "ModelErrorException", .overload),
      Row(408, "ModelTimeoutException", .overload), Row(400, "ModelStreamErrorException", .overload),
      Row(500, "InternalServerException", .overload), Row(503, "ServiceUnavailableException", .overload),
      Row(503, "UNAVAILABLE", .overload), Row(503, "slow_down", .overload),
      Row(503, "server_is_overloaded", .overload),
      Row(429, "", .rate), Row(429, "rate_limit_exceeded", .rate), Row(429, "ThrottlingException", .rate),
      Row(400, "ThrottlingException", .rate), Row(429, "ModelNotReadyException", .rate),
      Row(429, "RESOURCE_EXHAUSTED", .rate), Row(429, "slow_down", .rate),
      Row(413, "Request too large for model on tokens per minute (TPM)", .rate),
      Row(402, "", .quota), Row(429, "insufficient_quota", .quota),
      Row(429, "credit_balance_exhausted", .quota), Row(429, "project_spend_limit_exceeded", .quota),
      Row(429, "organization_spend_limit_exceeded", .quota),
      Row(429, "organization_usage_limit_exceeded", .quota), Row(402, "billing_error", .quota),
      Row(429, "enforced_spend_limit_reached", .quota),
      Row(400, "Your credit balance is too low to access the API", .quota),
      Row(403, "blocked_api_access", .quota), Row(429, "ServiceQuotaExceededException", .quota),
      Row(429, "You have reached your monthly usage limit", .quota), Row(429, "spending cap", .quota),
      Row(401, "", .auth), Row(403, "", .auth), Row(400, "API key not valid", .auth),
      Row(403, "UnrecognizedClientException", .auth), Row(403, "ExpiredTokenException", .auth),
      Row(404, "", .model), Row(404, "model_not_found", .model), Row(404, "DeploymentNotFound", .model),
      Row(410, "", .model), Row(400, "the model has been decommissioned", .model),
      Row(400, "The provided model identifier is invalid", .model),
      Row(400, "context_length_exceeded", .context),
      Row(400, "prompt is too long: 201000 tokens > 200000 maximum", .context),
      Row(400, "This endpoint's maximum context length is 8192 tokens", .context),
      Row(400, "too_many_prompt_tokens", .context),
      Row(400, "The input is longer than the model's context length", .context),
      Row(400, "Input is too long for requested model", .context),
      Row(400, "content_filter", .filter), Row(400, "content_policy_violation", .filter),
      Row(400, "blockReason", .filter),
      Row(400, "", .caller), Row(413, "", .caller), Row(422, "", .caller), Row(409, "", .caller),
      Row(400, "invalid_request_error", .caller), Row(501, "", .caller),
    ]

  /// The shapes in which an error may come.
  private static func shapes(_ says: String) -> [String] {
    let words = says.isEmpty ? "no" : says
    return [
      #"{"error":{"message":"\#(words)","type":"\#(words)","code":"\#(words)"}}"#,
      #"[{"error":{"code":1,"message":"\#(words)","status":"\#(words)"}}]"#,
      #"{"type":"error","error":{"type":"\#(words)","message":"\#(words)"}}"#,
      #"{"__type":"\#(words)","message":"\#(words)"}"#,
      #"{"message":"\#(words)"}"#,
      "<html><body><h1>\(words)</h1></body></html>",
      words, words.uppercased(),
    ]
  }

  private static func cls(_ status: Int, _ text: String, kind: String = "") -> FailureClass {
    FailureClass(status: status, text: Array(text.utf8).span, kind: Array(kind.utf8).span)
  }

  @Test("by its words and its status, in every shape", arguments: rows)
  func shapes(_ row: Row) {
    // A word that could be a sentence's is read only where it stands alone.
    let isWord = row.says == "rate_limit_exceeded" && row.status != 429
    for shape in Self.shapes(row.says) where !isWord {
      #expect(Self.cls(row.status, shape) == row.cls, "\(shape)")
    }
  }

  @Test("an empty one by its status alone", arguments: rows.filter { $0.says.isEmpty })
  func empty(_ row: Row) {
    for text in ["", " ", "null", "{}", "[]", "\u{0}"] { #expect(Self.cls(row.status, text) == row.cls) }
  }

  @Test("one of a megabyte is read at its beginning, whatever comes behind", arguments: rows)
  func large(_ row: Row) {
    let padding = String(repeating: "insufficient_quota ", count: 55_000)
    let shape = Self.shapes(row.says)[0]
    let beginning = shape + String(repeating: " ", count: 4096)
    #expect(Self.cls(row.status, beginning + padding) == row.cls)
  }

  @Test(
    "a header's word counts like the body's", arguments: ["ThrottlingException", "throttlingexception:http"])
  func header(_ word: String) {
    #expect(Self.cls(400, "{}", kind: word) == .rate)
  }

  @Test("a day's allowance is money, even where the wait is short")
  func perDay() {
    let text = #"""
      {"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
      {"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"},{"retryDelay":"36s"}]}}
      """#
    #expect(Self.cls(429, text) == .quota)
    #expect(Self.cls(429, text.replacing("PerDay", with: "PerMinute")) == .rate)
  }
}
