// Google's errors (AIP-193): `{"error":{"code","message","status","details":[…]}}`, or an array of one such object.

internal import Wire

enum GeminiFault {
  /// Reads an error's body.
  static func read(_ body: Span<UInt8>, status: Int) -> ProviderFault {
    var fault = Fault.read(body, status: status)
    fault.isAuthentication = status == 401 || status == 403
    var top = 0..<body.count
    var elements = JSONArrayCursor(body, top)
    if let first = elements.next() { top = first.value }
    guard let error = JSONView.value(body, in: top, at: "error"), JSONView.kind(body, error) == .object else {
      return fault
    }
    if let name = text(body, JSONView.value(body, in: error, at: "status")) {
      fault.type = type(name.span)
      fault.code = name
    }
    readDetails(body, error, &fault)
    if status == 400, isTooLong(fault.message) {
      fault.code = ("context_length_exceeded" as StaticString).bytes.array()
    }
    return fault
  }

  /// Reads an error that came instead of an answer, or in the middle of one.
  ///
  /// - Parameter error: the object with `code`, `message` and `status`.
  static func answerFault(_ bytes: Span<UInt8>, _ error: Range<Int>) -> AnswerFault {
    let name = text(bytes, JSONView.value(bytes, in: error, at: "status")) ?? []
    let code = JSONView.value(bytes, in: error, at: "code").flatMap { JSONValue.integer(bytes, $0) } ?? 502
    return AnswerFault(
      text(bytes, JSONView.value(bytes, in: error, at: "message"))
        ?? ("The provider failed without a message." as StaticString).bytes.array(),
      type: type(name.span) ?? Fault.typeName(code), code: name,
      status: (400..<600).contains(code) && code != 401 && code != 403 ? code : 502)
  }

  /// OpenAI's type for one of Google's names (`google.rpc.Code`).
  private static func type(_ name: Span<UInt8>) -> StaticString? {
    let types: [(StaticString, StaticString)] = [
      ("INVALID_ARGUMENT", "invalid_request_error"), ("FAILED_PRECONDITION", "invalid_request_error"),
      ("OUT_OF_RANGE", "invalid_request_error"), ("UNAUTHENTICATED", "authentication_error"),
      ("PERMISSION_DENIED", "permission_error"), ("NOT_FOUND", "not_found_error"),
      ("RESOURCE_EXHAUSTED", "rate_limit_error"), ("UNAVAILABLE", "overloaded_error"),
      ("INTERNAL", "api_error"), ("DEADLINE_EXCEEDED", "api_error"), ("CANCELLED", "api_error"),
    ]
    for (known, type) in types where name.equals(known) { return type }
    return nil
  }

  /// When to try again, and whether it was the key: Google calls a wrong one an invalid argument.
  private static func readDetails(_ body: Span<UInt8>, _ error: Range<Int>, _ fault: inout ProviderFault) {
    guard let details = JSONView.value(body, in: error, at: "details") else { return }
    var elements = JSONArrayCursor(body, details)
    while let detail = elements.next() {
      if let delay = JSONView.value(body, in: detail.value, at: "retryDelay"),
        let seconds = seconds(JSONString.content(body, delay))
      {
        fault.retryAfter = seconds
      }
      if let reason = JSONView.value(body, in: detail.value, at: "reason"),
        JSONString.equals(body, reason, "API_KEY_INVALID")
      {
        fault.isAuthentication = true
        fault.status = 401
        fault.type = "authentication_error"
        fault.code = ("invalid_api_key" as StaticString).bytes.array()
      }
    }
  }

  /// `37s` and `1.5s` (protobuf's Duration), rounded up.
  private static func seconds(_ text: Span<UInt8>) -> Int? {
    guard text.count > 1, text[text.count - 1] == UInt8(ascii: "s") else { return nil }
    guard let number = JSONValue.double(text, 0..<text.count - 1), number >= 0, number < 1e9 else {
      return nil
    }
    return Int(number.rounded(.up))
  }

  /// There is no name for a conversation that is too long, only a sentence.
  private static func isTooLong(_ message: [UInt8]?) -> Bool {
    guard let message else { return false }
    return String(decoding: message, as: UTF8.self).contains("exceeds the maximum number of tokens")
  }

  private static func text(_ body: Span<UInt8>, _ range: Range<Int>?) -> [UInt8]? {
    guard let range, JSONView.kind(body, range) == .string, range.count > 2 else { return nil }
    var text = ByteQueue()
    JSONString.decode(body, range, into: &text)
    return text.array()
  }
}
