// Every way in which Remora itself says no: the status, the words, and whether trying again makes sense.
//
// The table of statuses and codes is the product's public surface (Sources/Proxy/README.md, "Errors"). Next:
// RefusalUpstream.swift.

package import Dialects
package import Wire

/// An answer that Remora makes instead of a provider's.
@dynamicMemberLookup
package struct Refusal: Error, Sendable {
  /// Who is at fault, as `x-remora-error-source` says it.
  package enum Source: Sendable {
    case remora
    case network
    case upstream

    package var name: StaticString {
      switch self {
      case .remora: "remora"
      case .network: "network"
      case .upstream: "upstream"
      }
    }
  }

  /// Why there is an answer of Remora's own: what decides the next step, so that nothing reads it off the words.
  package enum Cause: Sendable, CaseIterable {
    /// The request is at fault: it is the same whoever answers it.
    case request
    /// The client went away.
    case clientGone
    /// No connection could be made, or it ended without an answer.
    case unreachable
    /// The certificate, its name or the handshake.
    case tls
    /// The upstream was silent for too long.
    case timedOut
    /// What the upstream sent is not HTTP, or not an answer of its API.
    case broken
    /// The upstream refused Remora's credentials, or there are none to show.
    case credentials
    /// Remora can't begin anything more now.
    case overloaded
    /// The process ends.
    case draining
  }

  /// What it says.
  package struct Content: Sendable {
    package let cause: Cause
    package let status: Int
    package let type: StaticString
    package let code: StaticString
    /// What is wrong and what to do about it; never a secret, never text of the request's body.
    package let message: String
    /// The member at fault, as a path (`messages[1].content`).
    package var parameter: String?
    /// What the client reads as the code where the configuration names it.
    package var name: String?
    package var source: Source
    /// What `x-should-retry` says; nil leaves the decision to the SDK.
    package var shouldRetry: Bool?
    /// Seconds, for `Retry-After`.
    package var retryAfter: Int?
    /// What `Allow` lists, for 405.
    package var allow: StaticString?
    /// What `Accept-Encoding` lists, for 415 (RFC 9110 section 12.5.3).
    package var acceptEncoding: StaticString?
    /// Whether the connection can't go on after this: nobody knows where the next request would begin.
    package var closes = false
  }

  private indirect enum Box: Sendable {
    case content(Content)
  }

  // Behind a reference: every task has room for a few of these for each place from which one can come.
  private var box: Box

  private var content: Content {
    get {
      switch box {
      case .content(let content): content
      }
    }
    set { box = .content(newValue) }
  }

  package subscript<Value>(dynamicMember part: KeyPath<Content, Value>) -> Value { content[keyPath: part] }

  package subscript<Value>(dynamicMember part: WritableKeyPath<Content, Value>) -> Value {
    get { content[keyPath: part] }
    set { content[keyPath: part] = newValue }
  }

  package init(
    _ status: Int, _ type: StaticString, _ code: StaticString, _ message: String, cause: Cause = .request,
    parameter: String? = nil,
    source: Source = .remora, shouldRetry: Bool? = nil, retryAfter: Int? = nil
  ) {
    box = .content(
      Content(
        cause: cause, status: status, type: type, code: code, message: message, parameter: parameter,
        source: source,
        shouldRetry: shouldRetry, retryAfter: retryAfter))
  }

  /// Appends the error's JSON: `{"error":{"message","type","param","code"}}`.
  package func write(into out: inout ByteQueue) {
    out.append("{\"error\":{\"message\":")
    JSONWriter.string(self.message, into: &out)
    out.append(",\"type\":")
    JSONWriter.string(self.type, into: &out)
    out.append(",\"param\":")
    if let parameter = self.parameter {
      JSONWriter.string(parameter, into: &out)
    } else {
      JSONWriter.null(into: &out)
    }
    out.append(",\"code\":")
    if let name = self.name {
      JSONWriter.string(name, into: &out)
    } else {
      JSONWriter.string(self.code, into: &out)
    }
    out.append("}}")
  }
}

// MARK: - The client's fault

extension Refusal {
  package init(_ fault: HeadFault) {
    self.init(fault.status, "invalid_request_error", fault.code, "\(fault.message)", shouldRetry: false)
    if fault.status == 405 { self.allow = Method.allowed }
    self.closes = true
  }

  package static func invalidJSON(_ fault: JSONFault) -> Refusal {
    Refusal(
      400, "invalid_request_error", "invalid_json",
      "The request body is not valid JSON: \(fault.reason.message) at byte \(fault.offset).",
      shouldRetry: false)
  }

  package static func invalidValue(_ message: String, parameter: String?) -> Refusal {
    Refusal(400, "invalid_request_error", "invalid_value", message, parameter: parameter, shouldRetry: false)
  }

  /// What a provider's dialect has no word for, and whose loss would change the meaning.
  package static func unsupported(_ message: String, parameter: String) -> Refusal {
    Refusal(
      400, "invalid_request_error", "unsupported_parameter", message, parameter: parameter, shouldRetry: false
    )
  }

  package init(_ fault: RequestFault) {
    switch fault.code {
    case .invalid: self = .invalidValue(fault.message, parameter: fault.parameter)
    case .unsupported: self = .unsupported(fault.message, parameter: fault.parameter)
    case .noSuchResponse:
      self.init(
        400, "invalid_request_error", "previous_response_not_found", fault.message,
        parameter: fault.parameter,
        shouldRetry: false)
    case .noThread:
      self.init(
        400, "invalid_request_error", "thread_unsupported_request", fault.message,
        parameter: fault.parameter, shouldRetry: false)
    }
  }

  package static func notTranslated(_ provider: String, _ path: String) -> Refusal {
    Refusal(
      400, "invalid_request_error", "unsupported_parameter",
      "Provider '\(provider)' has nothing like '\(path)'; use /v1/chat/completions, or a model of another provider.",
      parameter: "model", shouldRetry: false)
  }

  /// There is nothing at the provider that counts tokens: a number that is made up would mislead who asks.
  package static func noTokenCount(_ provider: String) -> Refusal {
    Refusal(
      404, "not_found_error", "not_found",
      "Provider '\(provider)' counts no tokens ahead of an answer; estimate them, or ask a Claude, Gemini or OpenAI model.",
      shouldRetry: false)
  }

  package static func malformedBody(_ message: String) -> Refusal {
    var refusal = Refusal(400, "invalid_request_error", "invalid_chunked_body", message, shouldRetry: false)
    refusal.closes = true
    return refusal
  }

  /// - Parameter coding: what `Content-Encoding` says.
  package static func unsupportedCoding(_ coding: String) -> Refusal {
    var refusal = Refusal(
      415, "invalid_request_error", "unsupported_content_encoding",
      "The request body's Content-Encoding '\(coding)' can't be read here; send it as gzip, as deflate, or as it is.",
      shouldRetry: false)
    refusal.acceptEncoding = ContentCoding.accepted
    return refusal
  }

  package static func malformedCoding(_ fault: ContentFault) -> Refusal {
    Refusal(
      400, "invalid_request_error", "invalid_content_encoding",
      "The request body is not what its Content-Encoding says: \(fault.message).", shouldRetry: false)
  }

  package static func bodyTooLarge(limit: Int) -> Refusal {
    var refusal = Refusal(
      413, "invalid_request_error", "request_too_large",
      "The request body is larger than max_body (\(limit) bytes); raise max_body in Remora's configuration.",
      shouldRetry: false)
    refusal.closes = true
    return refusal
  }

  package static func bodyTooLargeForMemory(limit: Int) -> Refusal {
    var refusal = Refusal(
      413, "invalid_request_error", "request_too_large",
      "The request body is larger than the memory that Remora may use allows (\(limit) bytes); raise max_memory in "
        + "Remora's configuration, or its container's limit.", shouldRetry: false)
    refusal.closes = true
    return refusal
  }

  package static func slow(_ what: StaticString) -> Refusal {
    var refusal = Refusal(
      408, "invalid_request_error", "request_timeout", "The \(what) did not arrive in time; send it again.")
    refusal.closes = true
    return refusal
  }

  package static func foreignHost(_ host: String) -> Refusal {
    var refusal = Refusal(
      421, "invalid_request_error", "misdirected_request",
      "Remora does not serve the host '\(host)': it is not a forward proxy (set OPENAI_BASE_URL, not HTTP_PROXY); "
        + "a name of its own belongs in allowed_hosts.", shouldRetry: false)
    refusal.closes = true
    return refusal
  }

  package static func foreignOrigin(_ origin: String) -> Refusal {
    Refusal(
      403, "permission_error", "origin_not_allowed",
      "The web origin '\(origin)' may not use Remora; add it to allowed_origins if it should.",
      shouldRetry: false)
  }

  package static func notFound(_ path: String) -> Refusal {
    Refusal(
      404, "invalid_request_error", "not_found",
      "There is nothing at '\(path)'; the API is under /v1, for example /v1/chat/completions.",
      shouldRetry: false)
  }

  /// - Parameter meant: the path that `path` is a spelling of, behind `/v1`.
  package static func misspelt(_ path: String, meant: StaticString) -> Refusal {
    Refusal(
      404, "invalid_request_error", "not_found",
      "There is nothing at '\(path)'; it looks like /v1\(meant), which has this spelling alone. Check the client's "
        + "base URL, which ends in /v1, for a slash or a part too many.",
      shouldRetry: false)
  }

  package static func methodNotAllowed(_ method: String, path: String, allow: StaticString) -> Refusal {
    var refusal = Refusal(
      405, "invalid_request_error", "method_not_allowed",
      "\(method) is not possible for '\(path)'; use \(allow).",
      shouldRetry: false)
    refusal.allow = allow
    return refusal
  }

  package static let lengthRequired: Refusal = {
    Refusal(
      411, "invalid_request_error", "length_required",
      "The request has no body; send Content-Length or Transfer-Encoding: chunked with a JSON body.",
      shouldRetry: false)
  }()

  /// The client is gone: nobody reads an answer.
  package static let clientGone = Refusal(
    499, "client_error", "client_gone", "The client went away.", cause: .clientGone)

  package static func noDefaultProvider(_ path: String) -> Refusal {
    Refusal(
      404, "invalid_request_error", "not_found",
      "There is no default_provider to send '\(path)' to; set default_provider in Remora's configuration.",
      shouldRetry: false)
  }

  package static func modelMissing(_ reason: String) -> Refusal {
    Refusal(
      400, "invalid_request_error", "invalid_value", reason, parameter: "model", shouldRetry: false)
  }

  /// - Parameter nearest: a name that may have been meant.
  package static func modelNotFound(_ model: String, nearest: String?) -> Refusal {
    let hint = nearest.map { "did you mean '\($0)'? Else add it under models, " } ?? "add it under models, "
    return Refusal(
      404, "invalid_request_error", "model_not_found",
      "The model '\(model)' is neither configured nor in the catalogue of a configured provider, and there is no "
        + "default_provider to ask for it; \(hint)or write provider/model.", parameter: "model",
      shouldRetry: false)
  }
}

extension Refusal {
  /// A name of `fallback_models` that leads nowhere.
  package static func fallbackNotFound(_ model: String, nearest: String?) -> Refusal {
    let hint = nearest.map { "did you mean '\($0)'? Else " } ?? ""
    return Refusal(
      400, "invalid_request_error", "model_not_found",
      "The model '\(model)' in fallback_models is neither configured nor in the catalogue of a configured provider, and "
        + "there is no default_provider to ask for it; \(hint)leave it out, add it under models, or write provider/model.",
      parameter: "fallback_models", shouldRetry: false)
  }

  package static func modelNotListed(_ model: String, provider: String) -> Refusal {
    Refusal(
      404, "invalid_request_error", "model_not_found",
      "Provider '\(provider)' lists no model '\(model)'; GET /v1/models says which there are.",
      parameter: "model", shouldRetry: false)
  }
}
