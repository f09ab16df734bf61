// Bedrock's errors: a name in `x-amzn-errortype`, or in the body's `__type`, and a sentence in `message`.

internal import Wire

enum BedrockFault {
  /// Reads an error's body.
  ///
  /// - Parameter kind: the value of `x-amzn-errortype`, to which services append `:` and an address.
  static func read(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    var fault = Fault.read(body, status: status)
    let name = self.name(kind, body)
    if !name.isEmpty { fault.code = name.array() }
    // A quota is a limit like any other, whatever its status says.
    if name.equals("ServiceQuotaExceededException") { fault.status = 429 }
    let isKey =
      name.equals("UnrecognizedClientException") || name.equals("ExpiredTokenException")
      || name.equals("InvalidSignatureException") || name.equals("MissingAuthenticationTokenException")
      || name.equals("IncompleteSignatureException") || name.equals("InvalidClientTokenId")
    fault.isAuthentication = isKey || fault.status == 401 || fault.status == 403
    // It is refused like a fault of the client's, which could do nothing about it.
    if status == 400, fault.message.map({ $0.span.equals(noCount) }) == true {
      fault.status = 404
      fault.type = "not_found_error"
    }
    if name.equals("ValidationException") || name.isEmpty, status == 400, isTooLong(fault.message) {
      fault.code = ("context_length_exceeded" as StaticString).bytes.array()
      fault.type = "invalid_request_error"
    }
    return fault
  }

  /// What Bedrock says of a model whose tokens it doesn't count, of a profile's ARN too.
  private static let noCount: StaticString = "The provided model doesn't support counting tokens."

  /// An exception in the middle of a stream.
  ///
  /// - Parameter name: `throttlingException`, as `:exception-type` says it.
  static func answerFault(_ name: Span<UInt8>, _ data: Span<UInt8>) -> AnswerFault {
    let read = Fault.read(data, status: 502)
    let (type, status): (StaticString, Int)
    if name.equals("throttlingException") {
      (type, status) = ("rate_limit_error", 429)
    } else if name.equals("validationException") {
      (type, status) = ("invalid_request_error", 400)
    } else if name.equals("serviceUnavailableException") {
      (type, status) = ("overloaded_error", 503)
    } else {
      (type, status) = ("api_error", 502)
    }
    return AnswerFault(
      read.message ?? ("The provider failed without a message." as StaticString).bytes.array(), type: type,
      code: name.array(), status: status)
  }

  /// The error's name without namespace (`com.amazon.coral.service#Name`) and address (`Name:http://…`).
  @_lifetime(copy kind, copy body)
  private static func name(_ kind: Span<UInt8>, _ body: Span<UInt8>) -> Span<UInt8> {
    var name = kind.isEmpty ? JSONView.content(body, in: 0..<body.count, at: "__type") : kind
    for at in 0..<name.count where name[at] == ASCII.colon {
      name = name.extracting(0..<at)
      break
    }
    var start = 0
    for at in 0..<name.count where name[at] == UInt8(ascii: "#") { start = at + 1 }
    return name.extracting(start..<name.count)
  }

  /// There is no name for a conversation that is too long, only sentences, each maker's its own.
  private static func isTooLong(_ message: [UInt8]?) -> Bool {
    guard let message else { return false }
    let text = String(decoding: message, as: UTF8.self).lowercased()
    return text.contains("input is too long") || text.contains("prompt is too long")
      || text.contains("too many input tokens") || text.contains("exceed context limit")
      || text.contains("maximum context length") || text.contains("exceeds the context window")
      || text.contains("input tokens exceeds") || text.contains("expected maxlength")
  }
}
