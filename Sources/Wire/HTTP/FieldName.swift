// The field names that somebody here asks about, recognised once, when the head is parsed.

/// A known field name, so that whoever looks for a field compares one byte.
public enum FieldName: UInt8, Sendable, CaseIterable {
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
  case xRequestID, traceparent, tracestate, traceResponse, xRateLimit, xRemora
  // What OpenAI's SDKs tell of a call.
  case xStainlessTimeout, xStainlessRetryCount
  /// What other systems of traces than W3C's carry along: `baggage`, `b3`, `x-b3-…`, `x-datadog-…` and their like.
  case otherTrace
  /// Not a known name, but read as one by servers that don't tell its bytes from hyphens (`Transfer_Encoding`).
  case lookalike

  /// Whether this field holds the caller's key in some provider's way.
  package var isCredential: Bool {
    switch self {
    case .authorization, .apiKey, .xAPIKey, .xGoogAPIKey: true
    default: false
    }
  }

  /// The name that `name`, a token, writes, in any case (RFC 9110 section 5.1). `xForwarded`, `xRateLimit` and
  /// `xRemora` stand for every name that begins with `x-forwarded-`, `x-ratelimit-` and `x-remora-`, `otherTrace` for
  /// several names.
  // One for all, because it is long.
  @inline(never)
  package init(_ name: Span<UInt8>) {
    self = unsafe name.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return .other }
      // SAFETY: the span has so many bytes.
      return unsafe FieldName(start, raw.count)
    }
  }

  /// As above, for the `count` bytes at `start`.
  @inline(__always) @unsafe private init(_ start: UnsafeRawPointer, _ count: Int) {
    // The length leaves a handful of candidates, each of which is compared a word at a time.
    let name = unsafe LowerCase(start, count)
    self =
      switch count {
      case 0..<10: Self.short(name)
      case 10..<15: Self.middle(name)
      case 15..<25: Self.long(name)
      default: .other
      }
    if self == .other, count > 9, name.begins("x-") { self = unsafe Self.family(start, count) }
  }

  /// What a name means that holds other bytes than letters, digits and hyphens.
  ///
  /// CGI and its descendants turn hyphens into underscores (RFC 3875 section 4.1.18), some of them every such byte, so
  /// that behind one of them `Content_Length` is a second Content-Length.
  @inline(never)
  init(odd name: Span<UInt8>) {
    // Exact names are shorter than this, and of a family the beginning tells.
    let count = min(name.count, 32)
    var plain = InlineArray<32, UInt8>(repeating: 0)
    for at in 0..<count { plain[at] = ASCII.isNameByte(name[at]) ? name[at] : UInt8(ascii: "-") }
    self = FieldName(plain.span.extracting(0..<count)) == .other ? .other : .lookalike
  }

  @inline(__always) private static func short(_ name: LowerCase) -> FieldName {
    switch name.count {
    case 2:
      switch name {
      case "te": .te
      case "b3": .otherTrace
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
      case "baggage": .otherTrace
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

  @inline(__always) private static func middle(_ name: LowerCase) -> FieldName {
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
      case "sentry-trace": .otherTrace
      default: .other
      }
    case 13:
      switch name {
      case "authorization": .authorization
      case "uber-trace-id": .otherTrace
      case "traceresponse": .traceResponse
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

  @inline(__always) private static func long(_ name: LowerCase) -> FieldName {
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
      case "x-stainless-timeout": .xStainlessTimeout
      default: .other
      }
    case 21:
      switch name {
      case "x-cloud-trace-context": .otherTrace
      default: .other
      }
    case 23:
      switch name {
      case "x-stainless-retry-count": .xStainlessRetryCount
      default: .other
      }
    case 24:
      switch name {
      case "x-stainless-read-timeout": .xStainlessTimeout
      default: .other
      }
    default: .other
    }
  }

  /// Of the many names that begin with `x-`, the third byte leaves one or two to compare.
  @inline(__always) @unsafe
  private static func family(_ start: UnsafeRawPointer, _ count: Int) -> FieldName {
    // SAFETY: there are more than nine bytes.
    switch unsafe start.load(fromByteOffset: 2, as: UInt8.self) | 0x20 {
    case UInt8(ascii: "r"):
      if unsafe begins(start, count, "x-ratelimit-") { return .xRateLimit }
      return unsafe begins(start, count, "x-remora-") ? .xRemora : .other
    case UInt8(ascii: "f"): return unsafe begins(start, count, "x-forwarded-") ? .xForwarded : .other
    case UInt8(ascii: "d"): return unsafe begins(start, count, "x-datadog-") ? .otherTrace : .other
    case UInt8(ascii: "b"): return unsafe begins(start, count, "x-b3-") ? .otherTrace : .other
    default: return .other
    }
  }

  /// Whether the bytes begin with `text` and go on.
  @inline(__always) @unsafe
  private static func begins(_ start: UnsafeRawPointer, _ count: Int, _ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return unsafe count > length && LowerCase(start, length).equals(text)
  }
}

/// A token in lower case, as the words that it is compared by.
///
/// Bit 0x20 makes letters small, and of a token's other bytes none becomes a letter, a digit or a hyphen by it.
private struct LowerCase {
  let count: Int
  /// The first eight bytes, or all of fewer.
  private let first: UInt64
  /// The eight behind them, where there are more than sixteen.
  private let middle: UInt64
  /// The last eight.
  private let last: UInt64

  @inline(__always) @unsafe init(_ start: UnsafeRawPointer, _ count: Int) {
    let small = Words.ones &* 0x20
    self.count = count
    if count < 8 {
      first = unsafe Words.short(start, count) | small
      middle = 0
      last = 0
    } else {
      // SAFETY: there are eight bytes, and sixteen where more are looked at.
      first = unsafe Words.load(start, 0) | small
      middle = unsafe count > 16 ? Words.load(start, 8) | small : 0
      last = unsafe Words.load(start, count &- 8) | small
    }
  }

  /// Whether these are the bytes of `text`, which has at most 24.
  @inline(__always) func equals(_ text: StaticString) -> Bool {
    // SAFETY: a static string's bytes live as long as the program.
    let other = unsafe LowerCase(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    return count == other.count && first == other.first && last == other.last && middle == other.middle
  }

  /// Whether these bytes, at least eight, begin with `text`, which has at most eight.
  @inline(__always) func begins(_ text: StaticString) -> Bool {
    let places = UInt64.max >> UInt64(truncatingIfNeeded: 64 &- text.utf8CodeUnitCount &* 8)
    var word: UInt64 = 0
    for at in (0..<text.utf8CodeUnitCount).reversed() { word = unsafe word << 8 | UInt64(text.utf8Start[at]) }
    return (first ^ word) & places == 0
  }
}

/// Lets a `switch` over a name have names in lower case as its cases.
@inline(__always) private func ~= (text: StaticString, name: LowerCase) -> Bool { name.equals(text) }
