import Glibc
import Testing
import Wire

@Suite struct SyntaxTests {
  @Test("a token is made of exactly the bytes that the grammar lists")
  func tokens() {
    let expected = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    for byte in UInt8.min...UInt8.max { #expect(Syntax.isToken(byte) == expected.contains(byte)) }
  }

  @Test("the first control is found at every place, and no byte behind the end is read")
  func firstControl() {
    // The bytes end where a page begins that nobody may touch.
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    guard
      let base = unsafe mmap(nil, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      unsafe base != MAP_FAILED, unsafe mprotect(base.advanced(by: page), page, PROT_NONE) == 0
    else {
      Issue.record("no memory with a guard page")
      return
    }
    defer { unsafe _ = munmap(base, page * 2) }
    for count in 0..<50 {
      let start = unsafe base.advanced(by: page - count).assumingMemoryBound(to: UInt8.self)
      for place in 0...count {
        for control: UInt8 in [0x00, 0x0A, 0x0D, 0x1F, 0x7F] {
          for at in 0..<count { unsafe start[at] = [0x09, 0x20, 0x7E, 0x80, 0xFF][at % 5] }
          if place < count { unsafe start[place] = control }
          let bytes = unsafe Span(_unsafeStart: start, count: count)
          for from in [0, place / 2, place] {
            #expect(Syntax.firstControl(in: bytes, from: from, to: count) == place)
          }
        }
      }
    }
  }

  @Test(
    "numbers are digits only, and bounded",
    arguments: [
      ("0", 0), ("0012", 12), ("288230376151711744", 1 << 58), ("288230376151711745", nil), ("", nil),
      ("1a", nil),
      ("+1", nil), (" 1", nil), (String(repeating: "9", count: 100), nil),
    ] as [(String, Int?)])
  func decimals(_ text: String, _ value: Int?) {
    let bytes = Array(text.utf8)
    #expect(Syntax.decimal(bytes.span, 0..<bytes.count) == value)
  }

  @Test(
    "a list gives its elements trimmed, the empty ones too",
    arguments: [
      ("a", ["a"]), ("a, b ,\tc", ["a", "b", "c"]), ("", [""]), ("a,", ["a", ""]), (",,", ["", "", ""]),
      ("a b", ["a b"]),
    ])
  func lists(_ text: String, _ expected: [String]) {
    let bytes = Array(text.utf8)
    var elements = ListElements(0..<bytes.count)
    var found: [String] = []
    while let element = elements.next(in: bytes.span) { found.append(bytes.span.extracting(element).text()) }
    #expect(found == expected)
  }
}

@Suite struct FieldNameTests {
  static let names: [(String, FieldName)] = [
    ("Host", .host), ("CONNECTION", .connection), ("Content-Length", .contentLength),
    ("content-type", .contentType), ("Content-Encoding", .contentEncoding),
    ("Transfer-Encoding", .transferEncoding), ("TE", .te), ("Trailer", .trailer), ("Upgrade", .upgrade),
    ("Expect", .expect), ("Keep-Alive", .keepAlive), ("Proxy-Connection", .proxyConnection),
    ("Proxy-Authenticate", .proxyAuthenticate), ("Proxy-Authorization", .proxyAuthorization),
    ("HTTP2-Settings", .http2Settings), ("Accept", .accept), ("Accept-Encoding", .acceptEncoding),
    ("Authorization", .authorization), ("api-key", .apiKey), ("X-API-Key", .xAPIKey),
    ("x-goog-api-key", .xGoogAPIKey), ("Cookie", .cookie), ("Set-Cookie", .setCookie), ("Origin", .origin),
    ("WWW-Authenticate", .wwwAuthenticate), ("User-Agent", .userAgent),
    ("OpenAI-Organization", .openAIOrganization), ("OpenAI-Project", .openAIProject),
    ("anthropic-version", .anthropicVersion), ("anthropic-beta", .anthropicBeta),
    ("X-Forwarded-For", .xForwarded), ("Forwarded", .forwarded), ("Via", .via), ("Retry-After", .retryAfter),
    ("retry-after-ms", .retryAfterMS), ("x-should-retry", .xShouldRetry),
    ("Idempotency-Key", .idempotencyKey),
    ("Location", .location), ("Date", .date), ("Server", .server), ("Allow", .allow),
    ("X-Request-Id", .xRequestID), ("traceparent", .traceparent), ("tracestate", .tracestate),
    ("traceresponse", .traceResponse), ("baggage", .otherTrace), ("b3", .otherTrace),
    ("X-B3-TraceId", .otherTrace), ("x-datadog-trace-id", .otherTrace), ("sentry-trace", .otherTrace),
    ("X-Cloud-Trace-Context", .otherTrace), ("uber-trace-id", .otherTrace),
    ("x-ratelimit-limit-tokens", .xRateLimit), ("X-Remora-Key", .xRemora),
    ("X-Stainless-Retry-Count", .xStainlessRetryCount), ("X-Stainless-Timeout", .xStainlessTimeout),
    ("x-stainless-read-timeout", .xStainlessTimeout),
  ]

  /// Whether the name stands for all that begin as it does.
  private static func isOfFamily(_ text: String) -> Bool {
    ["x-forwarded-", "x-ratelimit-", "x-remora-", "x-b3-", "x-datadog-"].contains {
      text.lowercased().hasPrefix($0)
    }
  }

  private static func named(_ text: String) -> FieldName { FieldName(Array(text.utf8).span) }
  private static func method(_ text: String) -> Method { Method(Array(text.utf8).span) }

  @Test("a name is recognised in any case, and nothing near it", arguments: names)
  func recognised(_ text: String, _ name: FieldName) {
    #expect(Self.named(text) == name)
    #expect(Self.named(text.uppercased()) == name)
    #expect(Self.named("y" + text.dropFirst()) == .other)
    if !Self.isOfFamily(text) { #expect(Self.named(text + "x") == .other) }
  }

  @Test("every known name has a test, and others are other")
  func complete() {
    #expect(Set(Self.names.map(\.1)).union([.other, .lookalike]) == Set(FieldName.allCases))
    for text in [
      "", "x", "x-forwarded-", "x-remora-", "x-ratelimit-", "hosts", "x-stainless-arch",
      String(repeating: "x", count: 300),
    ] {
      #expect(Self.named(text) == .other)
    }
  }

  @Test("a name that a lax server takes for a known one is told apart from both", arguments: names)
  func lookalikes(_ text: String, _ name: FieldName) throws {
    for odd in ["_", ".", "!", "~"] where text.contains("-") {
      let written = text.replacing("-", with: odd)
      var fields: [Field] = []
      let bytes = Array("\(written): 1\r\n\(written)x-y: 1\r\n\r\n".utf8)
      _ = try fields.parse(bytes.span, from: 0)
      #expect(fields[0].known == .lookalike, "\(written)")
      if !Self.isOfFamily(text) { #expect(fields[1].known == .other) }
    }
  }

  @Test(
    "odd names that look like no known one are others",
    arguments: [
      "x_team", "_", "a.b", "Host_", "_host", "content_length_", "x_sdk_lang", "content__length",
    ])
  func odd(_ text: String) throws {
    var fields: [Field] = []
    let bytes = Array("\(text): 1\r\n\r\n".utf8)
    _ = try fields.parse(bytes.span, from: 0)
    #expect(fields[0].known == .other)
  }

  @Test("a method is recognised in upper case only", arguments: Method.allCases)
  func methods(_ method: Method) {
    let text = method.text.description
    #expect(Self.method(text) == method)
    #expect(Self.method(text.lowercased()) == .other)
    #expect(Self.method(text + "X") == .other)
  }
}
