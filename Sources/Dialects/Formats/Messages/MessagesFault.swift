// Errors as Anthropic's clients read them (Anthropic docs, "Errors", 2026-10).

internal import Wire

enum MessagesFault {
  /// Whether `body` has Anthropic's shape.
  static func isShaped(_ body: Span<UInt8>) -> Bool {
    let whole = 0..<body.count
    guard JSONValue.kind(of: body) == .object, JSONView.content(body, in: whole, at: "type").equals("error"),
      let error = JSONView.value(body, in: whole, at: "error"), JSONView.kind(body, error) == .object
    else { return false }
    return !JSONView.content(body, in: error, at: "type").isEmpty
      && JSONView.value(body, in: error, at: "message").map { JSONView.kind(body, $0) == .string } == true
  }

  /// Writes an error that has OpenAI's shape. What only that shape has a place for goes into the sentence, unless it is
  /// there already.
  static func write(
    _ error: Span<UInt8>, status: Int, requestID: Span<UInt8>, into out: inout ByteQueue
  ) {
    let whole = 0..<error.count
    let inner = JSONView.value(error, in: whole, at: "error") ?? whole
    let message = JSONView.content(error, in: inner, at: "message")
    let parameter = JSONView.content(error, in: inner, at: "param")
    out.append("{\"type\":\"error\",\"error\":{\"type\":\"")
    out.append(type(status))
    out.append("\",\"message\":\"")
    if message.isEmpty { out.append("The request failed without a message.") } else { out.append(message) }
    if !parameter.isEmpty, !holds(message, parameter) {
      out.append(" (")
      out.append(parameter)
      out.append(")")
    }
    out.append("\"")
    // By this clients know what to do (API reference, "ThreadUnsupportedRequestError").
    let code = JSONView.content(error, in: inner, at: "code")
    if code.equals("thread_unsupported_request") {
      out.append(",\"details\":{\"error_code\":\"thread_unsupported_request\"}")
    }
    out.append("},\"request_id\":")
    if requestID.isEmpty {
      JSONWriter.null(into: &out)
    } else {
      JSONWriter.string(requestID, into: &out)
    }
    out.append("}")
  }

  /// Anthropic's name of what a status says.
  static func type(_ status: Int) -> StaticString {
    switch status {
    case 401: "authentication_error"
    case 402: "billing_error"
    case 403: "permission_error"
    case 404: "not_found_error"
    case 413: "request_too_large"
    case 429: "rate_limit_error"
    case 504: "timeout_error"
    case 503, 529: "overloaded_error"
    case 400..<500: "invalid_request_error"
    default: "api_error"
    }
  }

  private static func holds(_ text: Span<UInt8>, _ part: Span<UInt8>) -> Bool {
    var at = 0
    while at + part.count <= text.count {
      if text.extracting(at..<at + part.count).equals(part) { return true }
      at += 1
    }
    return false
  }
}
