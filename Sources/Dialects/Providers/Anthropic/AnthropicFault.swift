// Anthropic's errors (docs: "Errors"): `{"type":"error","error":{"type","message"},"request_id"}`.

internal import Wire

enum AnthropicFault {
  /// Reads an error's body.
  static func read(_ body: Span<UInt8>, status: Int) -> ProviderFault {
    var fault = Fault.read(body, status: status)
    fault.isAuthentication = status == 401 || status == 403
    switch status {
    case 529: fault.status = 503
    case 400:
      if isTooLong(fault.message) {
        fault.code = ("context_length_exceeded" as StaticString).bytes.array()
        fault.type = "invalid_request_error"
      }
    default: break
    }
    return fault
  }

  /// Reads an error that came instead of an answer, or in the middle of one.
  ///
  /// - Parameter error: the object with `type` and `message`.
  static func answerFault(_ bytes: Span<UInt8>, _ error: Range<Int>) -> AnswerFault {
    let read = Fault.read(bytes.extracting(error), status: 502)
    let (type, status) = kind(read.code ?? [])
    return AnswerFault(
      read.message ?? ("The provider failed without a message." as StaticString).bytes.array(), type: type,
      code: read.code ?? [], status: status)
  }

  /// OpenAI's type and the status for one of Anthropic's types.
  private static func kind(_ type: [UInt8]) -> (StaticString, Int) {
    if type.span.equals("overloaded_error") { return ("overloaded_error", 503) }
    if type.span.equals("rate_limit_error") { return ("rate_limit_error", 429) }
    if type.span.equals("invalid_request_error") { return ("invalid_request_error", 400) }
    if type.span.equals("not_found_error") { return ("not_found_error", 404) }
    if type.span.equals("timeout_error") { return ("api_error", 504) }
    return ("api_error", 502)
  }

  /// There is no type for a conversation that is too long, only a sentence.
  private static func isTooLong(_ message: [UInt8]?) -> Bool {
    guard let message else { return false }
    let text = String(decoding: message, as: UTF8.self)
    return text.contains("prompt is too long") || text.contains("exceed context limit")
  }
}
