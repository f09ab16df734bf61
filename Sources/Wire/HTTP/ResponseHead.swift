// A response's head, read as strictly as a request's: an upstream that can't frame its answer is not reused.

/// What a response's head says, as offsets into the bytes it was parsed from (RFC 9112 sections 4 to 6).
///
/// One value is parsed into again and again. Every fault means that the upstream broke the protocol.
package struct ResponseHead: ~Copyable, Sendable, Head {
  private let inPlace = InPlace()

  /// 100...599, but never 101.
  package private(set) var status = 0
  /// The reason phrase; empty where there is none.
  package private(set) var reason = 0..<0
  /// The minor version: 0, or 1 for 1.1 and later.
  package private(set) var minor = 1
  package private(set) var fields: [Field] = []
  /// Those that the fields have.
  package private(set) var names = FieldNames()
  /// Whether the upstream will take another request on this connection, once the body has been read whole.
  package private(set) var keepsAlive = false
  /// Whether the head contradicts itself about the body, so that the next answer's beginning is uncertain.
  package private(set) var mustNotReuse = false
  /// The Content-Length, in bytes, which an answer to HEAD and a 304 have without a body.
  package private(set) var contentLength: Int?
  /// How long the upstream keeps an idle connection, in seconds, if it says so (`Keep-Alive: timeout=5`).
  package private(set) var keepAliveTimeout: Int?
  private var body = BodyFields()

  package init() {}

  /// The first field with this name; several may have it.
  package func first(_ name: FieldName) -> Field? { names.contains(name) ? fields.first(name) : nil }

  /// Whether another head follows this one (RFC 9110 section 15.2).
  package var isInterim: Bool { status < 200 }

  /// Reads the head that is exactly `bytes`, its empty line included.
  package mutating func parse(_ bytes: Span<UInt8>) throws(HeadFault) { try readExactly(bytes) }

  /// Reads the head that `bytes` begin with; gives its length, or nil if more bytes are needed. As
  /// `RequestHead.read`.
  package mutating func read(
    _ bytes: Span<UInt8>, _ scanner: inout HeadScanner
  ) throws(HeadFault) -> Int? {
    try readNext(bytes, &scanner)
  }

  mutating func readWhole(_ bytes: Span<UInt8>) -> Int? {
    let bytes = bytes.extracting(first: HeadScanner.headCeiling)
    do throws(HeadFault) {
      let length = try readLines(bytes)
      try readFields(bytes)
      return length
    } catch { return nil }
  }

  mutating func readLines(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
    fields.removeAll(keepingCapacity: true)
    body = BodyFields()
    keepAliveTimeout = nil
    contentLength = nil
    keepsAlive = false
    mustNotReuse = true
    let end = try parseStatusLine(bytes)
    return try fields.parse(bytes, from: end)
  }

  /// Where the body of this answer to a request with `method` ends (RFC 9112 section 6.3).
  package func framing(toMethod method: Method) throws(HeadFault) -> Framing {
    if status < 200 || status == 204 || status == 304 || method == .head { return .none }
    return try body.responseFraming(minor: minor)
  }

  /// `HTTP-version SP status-code [SP reason-phrase] CRLF`. The space before an absent reason may be absent
  /// too, as in many servers' answers.
  private mutating func parseStatusLine(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
    let end = try Syntax.lineEnd(bytes, from: 0)
    guard let minor = try Version.minor(bytes, at: 0), end > Version.size + 1,
      bytes[Version.size] == ASCII.space
    else { throw .statusLine }
    self.minor = minor
    let digits = Version.size + 1
    guard end - digits >= 3, end - digits == 3 || bytes[digits + 3] == ASCII.space,
      let status = Syntax.decimal(bytes, digits..<digits + 3), status >= 100, status <= 599
    else { throw .status }
    if status == 101 { throw .unaskedSwitch }
    self.status = status
    reason = min(end, digits + 4)..<end
    return end + 2
  }

  mutating func readFields(_ bytes: Span<UInt8>) throws(HeadFault) {
    var options = ConnectionOptions()
    names = FieldNames()
    for field in fields {
      names.insert(field.known)
      switch field.known {
      case .contentLength: body.readLength(bytes, field.value)
      case .transferEncoding: body.readCoding(bytes, field.value)
      case .connection: try options.read(bytes, field.value)
      case .keepAlive: keepAliveTimeout = Self.timeout(bytes, field.value)
      default: break
      }
    }
    // Checked even where no body is expected: contradicting lengths are a fault in every answer.
    let framing = try body.responseFraming(minor: minor)
    contentLength = body.hasCoding ? nil : body.length
    let announcesBody = framing != .untilClose && framing != .length(0)
    mustNotReuse = body.hasCoding && body.length != nil
    if isInterim || status == 204, announcesBody { mustNotReuse = true }
    keepsAlive = options.persists(minor: minor) && !mustNotReuse
  }

  /// The `timeout` parameter of a Keep-Alive field (RFC 2068 section 19.7.1).
  private static func timeout(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Int? {
    var elements = ListElements(value)
    while let element = elements.next(in: bytes) {
      guard element.count > 8, bytes.extracting(element.prefix(8)).equalsIgnoringCase("timeout=") else {
        continue
      }
      return Syntax.decimal(bytes, element.dropFirst(8))
    }
    return nil
  }
}
