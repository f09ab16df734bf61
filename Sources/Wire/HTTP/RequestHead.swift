// A request's head, read strictly: what has two readings is refused, nothing is repaired.
//
// This says what the head means, and HeadScanner where it ends if it comes in parts; RequestTarget.swift reads the
// target.
// What follows it is in `framing`, and the body's reader is ChunkedDecoder or a count.

/// What a request's head says, as offsets into the bytes it was parsed from (RFC 9112 sections 2 to 6).
///
/// One value is parsed into again and again, so that a connection's second request allocates nothing.
package struct RequestHead: ~Copyable, Sendable, Head {
  private let inPlace = InPlace()

  package internal(set) var method = Method.other
  package internal(set) var methodText = 0..<0
  /// The target as it was written.
  package internal(set) var target = 0..<0
  /// The target's path, which begins with `/` (or is `*`).
  package internal(set) var path = 0..<0
  /// What follows the `?`, if there is one.
  package internal(set) var query: Range<Int>?
  /// The authority of a target in absolute form; whether it is ours is for others to say.
  package internal(set) var authority: Range<Int>?
  package internal(set) var isAsterisk = false
  /// The minor version: 0, or 1 for 1.1 and later.
  package internal(set) var minor = 1
  package internal(set) var fields: [Field] = []
  /// Those that the fields have.
  package private(set) var names = FieldNames()
  package internal(set) var host: Range<Int>?
  package internal(set) var framing = Framing.none
  /// Whether the client wants to send another request on this connection.
  package internal(set) var keepsAlive = false
  /// Whether the client waits for `100 Continue` before it sends the body that it announced.
  package internal(set) var expectsContinue = false
  /// Whether the client can read trailers behind the answer (`TE: trailers`).
  package internal(set) var acceptsTrailers = false

  package init() {}

  /// The first field with this name; several may have it.
  package func first(_ name: FieldName) -> Field? { names.contains(name) ? fields.first(name) : nil }

  /// Reads the head that is exactly `bytes`, empty lines before and behind it included.
  package mutating func parse(_ bytes: Span<UInt8>) throws(HeadFault) { try readExactly(bytes) }

  /// Reads the head that `bytes` begin with; gives its length, or nil if more bytes are needed. Bytes may only be
  /// added between two calls with one scanner.
  package mutating func read(
    _ bytes: Span<UInt8>, _ scanner: inout HeadScanner
  ) throws(HeadFault) -> Int? {
    try readNext(bytes, &scanner)
  }

  /// As `read` of a head that is all here, and with which nothing is wrong; nil, without a reason, where it isn't one:
  /// then `read` says what it is.
  package mutating func readWhole(_ bytes: Span<UInt8>) -> Int? {
    if bytes.isEmpty { return nil }
    // The scanner counts the empty lines in front.
    if bytes[0] == ASCII.cr { return nil }
    let bytes = bytes.extracting(first: HeadScanner.headCeiling)
    do throws(HeadFault) {
      let length = try readLines(bytes)
      if target.upperBound + 1 + Version.size > HeadScanner.requestLineCeiling { return nil }
      try readFields(bytes)
      return length
    } catch { return nil }
  }

  mutating func readLines(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
    reset()
    var start = 0
    while start + 1 < bytes.count, bytes[start] == ASCII.cr, bytes[start + 1] == ASCII.lf { start += 2 }
    let end = try parseRequestLine(bytes, from: start)
    return try fields.parse(bytes, from: end)
  }

  private mutating func reset() {
    fields.removeAll(keepingCapacity: true)
    query = nil
    authority = nil
    host = nil
    isAsterisk = false
    framing = .none
    keepsAlive = false
    expectsContinue = false
    acceptsTrailers = false
  }

  /// `method SP request-target SP HTTP-version CRLF`, with those two spaces and no others.
  private mutating func parseRequestLine(
    _ bytes: Span<UInt8>, from start: Int
  ) throws(HeadFault) -> Int {
    let end = try Syntax.lineEnd(bytes, from: start)
    let version = end - Version.size
    guard version > start, bytes[version - 1] == ASCII.space,
      let minor = try Version.minor(bytes, at: version)
    else { throw .requestLine }
    self.minor = minor

    // As nearly all begin.
    let isPost = bytes.extracting(start..<start + 5).reads("POST ")
    var space = isPost ? start + 4 : start
    if !isPost {
      while space < version, Syntax.isToken(bytes[space]) { space += 1 }
    }
    guard space > start, bytes[space] == ASCII.space, space + 1 < version - 1 else { throw .requestLine }
    methodText = start..<space
    target = space + 1..<version - 1
    let isPlain = Syntax.isPlainPath(bytes, target)
    if !isPlain {
      for at in target where bytes[at] == ASCII.space || bytes[at] == ASCII.tab { throw .requestLine }
    }
    method = isPost ? .post : Method(bytes.extracting(methodText))
    switch method {
    case .connect, .trace: throw .methodRefused
    case .other: throw .methodUnknown
    default: break
    }
    if isPlain { path = target } else { try parseTarget(bytes) }
    return end + 2
  }

  mutating func readFields(_ bytes: Span<UInt8>) throws(HeadFault) {
    var body = BodyFields()
    var options = ConnectionOptions()
    names = FieldNames()
    for field in fields {
      names.insert(field.known)
      switch field.known {
      case .host:
        if host != nil { throw .hostRepeated }
        _ = try Authority.split(bytes, field.value)
        host = field.value
      case .contentLength: body.readLength(bytes, field.value)
      case .transferEncoding: body.readCoding(bytes, field.value)
      case .connection: try options.read(bytes, field.value)
      case .te:
        if Syntax.list(bytes, field.value, holds: "trailers") { acceptsTrailers = true }
      case .expect:
        if try readExpectation(bytes, field.value) { expectsContinue = true }
      case .upgrade:
        // `h2c` is an offer, declined by not answering it; a WebSocket client can do nothing else. In HTTP/1.0
        // the field means nothing (RFC 9110 section 7.8).
        if minor > 0, Syntax.list(bytes, field.value, holds: "websocket") { throw .upgrade }
      default: break
      }
    }
    if host == nil, minor > 0 { throw .hostMissing }
    framing = try body.requestFraming(minor: minor)
    keepsAlive = options.persists(minor: minor)
    // RFC 9110 section 10.1.1: void in HTTP/1.0, and pointless where no body will come.
    if minor == 0 || framing == .none || framing == .length(0) { expectsContinue = false }
  }

  /// Whether a list of expectations has one; there is only one that can be met.
  private func readExpectation(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HeadFault) -> Bool {
    var isThere = false
    var elements = ListElements(value)
    while let element = elements.next(in: bytes) {
      // Empty elements are to be passed over (RFC 9110 section 5.6.1.2).
      if element.isEmpty { continue }
      guard bytes.extracting(element).equalsIgnoringCase("100-continue") else { throw .expectation }
      isThere = true
    }
    return isThere
  }
}
