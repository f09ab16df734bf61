// The field names that somebody here asks about, recognised once, when the head is parsed.

/// A known field name, so that whoever looks for a field compares one byte.
package enum FieldName: UInt8, Sendable, CaseIterable {
  case other
  // Framing and connection.
  case host, connection, contentLength, transferEncoding, te, trailer, upgrade, expect, keepAlive
  case proxyConnection, proxyAuthenticate, proxyAuthorization, http2Settings
  // What the body is.
  case contentType, contentEncoding, accept, acceptEncoding
  // Who is asking.
  case authorization, apiKey, xAPIKey, xGoogAPIKey, cookie, setCookie, origin, wwwAuthenticate, userAgent
  case openAIOrganization, openAIProject, anthropicVersion, anthropicBeta
  // Where it came from.
  case xForwarded, forwarded, via
  // What happens next.
  case retryAfter, retryAfterMS, xShouldRetry, idempotencyKey, location, date, server, allow
  case xRequestID, traceparent, tracestate, xRateLimit, xRemora

  /// Whether this field holds the caller's key in some provider's way.
  package var isCredential: Bool {
    switch self {
    case .authorization, .apiKey, .xAPIKey, .xGoogAPIKey: true
    default: false
    }
  }

  /// The name that `name` writes, in any case (RFC 9110 section 5.1). `xForwarded`, `xRateLimit` and
  /// `xRemora` stand for every name that begins with `x-forwarded-`, `x-ratelimit-` and `x-remora-`.
  package init(_ name: Span<UInt8>) {
    // The length leaves a handful of candidates, and most of those differ in their first byte.
    self =
      switch name.count {
      case 0..<10: Self.short(name)
      case 10..<15: Self.middle(name)
      case 15..<20: Self.long(name)
      default: .other
      }
    if self == .other, name.count > 9, ASCII.lower(name[0]) == UInt8(ascii: "x") {
      self = Self.family(name)
    }
  }

  private static func short(_ name: Span<UInt8>) -> FieldName {
    switch name.count {
    case 2:
      switch name {
      case "te": .te
      default: .other
      }
    case 3:
      switch name {
      case "via": .via
      default: .other
      }
    case 4:
      switch name {
      case "host": .host
      case "date": .date
      default: .other
      }
    case 5:
      switch name {
      case "allow": .allow
      default: .other
      }
    case 6:
      switch name {
      case "accept": .accept
      case "server": .server
      case "cookie": .cookie
      case "origin": .origin
      case "expect": .expect
      default: .other
      }
    case 7:
      switch name {
      case "upgrade": .upgrade
      case "trailer": .trailer
      case "api-key": .apiKey
      default: .other
      }
    case 8:
      switch name {
      case "location": .location
      default: .other
      }
    case 9:
      switch name {
      case "x-api-key": .xAPIKey
      case "forwarded": .forwarded
      default: .other
      }
    default: .other
    }
  }

  private static func middle(_ name: Span<UInt8>) -> FieldName {
    switch name.count {
    case 10:
      switch name {
      case "connection": .connection
      case "user-agent": .userAgent
      case "keep-alive": .keepAlive
      case "set-cookie": .setCookie
      case "tracestate": .tracestate
      default: .other
      }
    case 11:
      switch name {
      case "traceparent": .traceparent
      case "retry-after": .retryAfter
      default: .other
      }
    case 12:
      switch name {
      case "content-type": .contentType
      case "x-request-id": .xRequestID
      default: .other
      }
    case 13:
      switch name {
      case "authorization": .authorization
      default: .other
      }
    case 14:
      switch name {
      case "content-length": .contentLength
      case "x-goog-api-key": .xGoogAPIKey
      case "x-should-retry": .xShouldRetry
      case "retry-after-ms": .retryAfterMS
      case "http2-settings": .http2Settings
      case "openai-project": .openAIProject
      case "anthropic-beta": .anthropicBeta
      default: .other
      }
    default: .other
    }
  }

  private static func long(_ name: Span<UInt8>) -> FieldName {
    switch name.count {
    case 15:
      switch name {
      case "accept-encoding": .acceptEncoding
      case "idempotency-key": .idempotencyKey
      default: .other
      }
    case 16:
      switch name {
      case "content-encoding": .contentEncoding
      case "proxy-connection": .proxyConnection
      case "www-authenticate": .wwwAuthenticate
      default: .other
      }
    case 17:
      switch name {
      case "transfer-encoding": .transferEncoding
      case "anthropic-version": .anthropicVersion
      default: .other
      }
    case 18:
      switch name {
      case "proxy-authenticate": .proxyAuthenticate
      default: .other
      }
    case 19:
      switch name {
      case "openai-organization": .openAIOrganization
      case "proxy-authorization": .proxyAuthorization
      default: .other
      }
    default: .other
    }
  }

  private static func family(_ name: Span<UInt8>) -> FieldName {
    switch ASCII.lower(name[2]) {
    case UInt8(ascii: "f"): begins(name, "x-forwarded-") ? .xForwarded : .other
    case UInt8(ascii: "r"):
      begins(name, "x-ratelimit-") ? .xRateLimit : begins(name, "x-remora-") ? .xRemora : .other
    default: .other
    }
  }

  private static func begins(_ name: Span<UInt8>, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    return name.count > count && name.extracting(0..<count).equalsIgnoringCase(text)
  }
}

/// Lets a `switch` over bytes have names in lower case as its cases.
private func ~= (text: StaticString, name: Span<UInt8>) -> Bool { name.equalsIgnoringCase(text) }
