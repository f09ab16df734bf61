// Which class a provider's error belongs to: by the code or type that it names, then by its status, then by its words.
//
// The words are looked for in the first 4 KiB, in lower case, wherever they stand: errors come as objects, lists, texts
// and web pages. Limits of money come before limits of rate, for both are 429.

internal import Wire

extension FailureClass {
  /// What is looked at of an error's text.
  private static let looksAt = 4096

  /// - Parameters:
  ///   - status: of the answer; 200 for an error inside of a good one.
  ///   - text: its body, as far as it was read.
  ///   - kind: the value of the header that names the error, where the provider has one.
  package init(status: Int, text: Span<UInt8>, kind: Span<UInt8> = Span()) {
    var lower: [UInt8] = []
    lower.reserveCapacity(min(text.count, Self.looksAt) + kind.count + 1)
    for at in 0..<kind.count { lower.append(ASCII.lower(kind[at])) }
    lower.append(ASCII.space)
    for at in 0..<min(text.count, Self.looksAt) { lower.append(ASCII.lower(text[at])) }
    self = Self.of(status, lower.span)
  }

  private static func of(_ status: Int, _ text: Span<UInt8>) -> FailureClass {
    func says(_ words: [StaticString]) -> Bool { words.contains { text.first(of: $0) != nil } }
    let isRefusal = status == 200 || (400..<500).contains(status)
    if isRefusal {
      if status == 402 || says(quotaWords) { return .quota }
      if text.first(of: "quotaid") != nil, text.first(of: "perday") != nil { return .quota }
      if status == 413, says(["tokens per minute", "(tpm)", "rate_limit_exceeded"]) { return .rate }
      if status == 429 || says(rateWords) { return .rate }
      if status != 401, says(filterWords) { return .filter }
      if status == 401 || status == 403 || says(authWords) { return .auth }
      if says(contextWords) { return .context }
      if status == 404 || status == 410 || says(modelWords) { return .model }
    }
    switch status {
    case 408, 424, 425, 498: return .overload
    case 501, 505: return .caller
    case 500...599: return .overload
    case 200:
      return says(["invalid_request_error", "invalid_argument", "validationexception"]) ? .caller : .overload
    default: return says(overloadWords) ? .overload : .caller
    }
  }

  // OpenAI, Anthropic, Groq, Bedrock, and gateways that speak like them (their pages on errors, 2026).
  private static let quotaWords: [StaticString] = [
    "insufficient_quota", "credit_balance_exhausted", "project_spend_limit_exceeded",
    "organization_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_error",
    "enforced_spend_limit_reached", "credit balance", "blocked_api_access", "servicequotaexceeded",
    "spend limit",
    "spending cap", "monthly usage limit",
  ]
  private static let rateWords: [StaticString] = [
    "throttlingexception", "modelnotreadyexception", "resource_exhausted", "\"rate_limit_error\"",
    "\"rate_limit_exceeded\"",
  ]
  private static let filterWords: [StaticString] = [
    "content_filter", "content_policy_violation", "responsibleaipolicyviolation", "blockreason",
  ]
  private static let authWords: [StaticString] = [
    "unrecognizedclient", "invalidsignature", "expiredtoken", "api key not valid", "api_key_invalid",
    "\"authentication_error\"",
  ]
  private static let contextWords: [StaticString] = [
    "context_length_exceeded", "prompt is too long", "maximum context length", "too_many_prompt_tokens",
    "longer than the model's context length", "exceeds the maximum number of tokens", "input is too long",
    "exceeds the maximum allowed", "too many input tokens",
  ]
  private static let modelWords: [StaticString] = [
    "model_not_found", "deploymentnotfound", "decommissioned", "model identifier is invalid",
  ]
  private static let overloadWords: [StaticString] = [
    "overloaded_error", "modelerrorexception", "modelstreamerrorexception", "modeltimeoutexception",
    "internalserverexception", "serviceunavailableexception", "server_is_overloaded",
  ]
}
