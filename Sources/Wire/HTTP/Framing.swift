// Where a body ends (RFC 9112 section 6), gathered from the fields and decided in one place for each side.

/// How a message's body is delimited.
package enum Framing: Sendable, Equatable {
  /// There is no body.
  case none
  /// Exactly so many bytes.
  case length(Int)
  case chunked
  /// Everything until the peer closes; responses only.
  case untilClose
}

/// What the fields say about the body, before anybody decides whether that may be said.
struct BodyFields {
  /// The Content-Length, in bytes, if there is one.
  private(set) var length: Int?
  private var lengthLines = 0
  private var isLengthMalformed = false
  private var differs = false
  private(set) var hasCoding = false
  private var isChunked = false
  private var isCodingMalformed = false
  private var hasOtherCoding = false

  /// Takes one Content-Length field's value; `7, 7` counts as repeated.
  mutating func readLength(_ bytes: Span<UInt8>, _ value: Range<Int>) {
    // Nearly all are one number.
    if let number = Syntax.decimal(bytes, value) { return add(number) }
    var elements = ListElements(value)
    while let element = elements.next(in: bytes) {
      guard let number = Syntax.decimal(bytes, element) else {
        lengthLines += 1
        isLengthMalformed = true
        return
      }
      add(number)
    }
  }

  @inline(__always) private mutating func add(_ number: Int) {
    lengthLines += 1
    if let length, length != number { differs = true }
    length = number
  }

  /// Takes one Transfer-Encoding field's value; several fields are one list.
  mutating func readCoding(_ bytes: Span<UInt8>, _ value: Range<Int>) {
    hasCoding = true
    var elements = ListElements(value)
    while let element = elements.next(in: bytes) {
      // Chunked must come last, and once (RFC 9112 section 6.1). An empty element, as in `chunked,`, is legal
      // list syntax but has been read in two ways by two parsers, so it is refused.
      if isChunked || !Syntax.isToken(bytes, element) { isCodingMalformed = true }
      if bytes.extracting(element).equalsIgnoringCase("chunked") {
        isChunked = true
      } else {
        hasOtherCoding = true
      }
    }
  }

  /// RFC 9112 section 6.3 for requests. Stricter: a repeated length is refused even if the values agree, and
  /// so is a length beside a coding.
  func requestFraming(minor: Int) throws(HeadFault) -> Framing {
    if isLengthMalformed { throw .contentLength }
    if lengthLines > 1 { throw .contentLengthRepeated }
    guard hasCoding else { return length.map { .length($0) } ?? .none }
    if length != nil { throw .lengthAndCoding }
    if minor == 0 { throw .codingInOldVersion }
    try checkCoding()
    return .chunked
  }

  /// RFC 9112 section 6.3 for a response that may have a body. Equal lengths count as one, because section
  /// 6.3 allows it and nothing else would be gained; beside a coding the length is void.
  func responseFraming(minor: Int) throws(HeadFault) -> Framing {
    if isLengthMalformed { throw .contentLength }
    if differs { throw .contentLengthRepeated }
    guard hasCoding else { return length.map { .length($0) } ?? .untilClose }
    if minor == 0 { throw .codingInOldVersion }
    try checkCoding()
    return .chunked
  }

  private func checkCoding() throws(HeadFault) {
    if isCodingMalformed { throw .transferEncoding }
    if hasOtherCoding { throw .transferCodingUnknown }
  }
}

/// What the Connection fields ask for (RFC 9110 section 7.6.1).
struct ConnectionOptions {
  /// The most options in a head: each is compared with each field when the head is forwarded.
  static let ceiling = 32
  private(set) var closes = false
  private(set) var keepsAlive = false
  private var count = 0

  mutating func read(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HeadFault) {
    var elements = ListElements(value)
    while let element = elements.next(in: bytes) {
      count += 1
      if count > Self.ceiling { throw .tooManyOptions }
      let option = bytes.extracting(element)
      if option.equalsIgnoringCase("close") { closes = true }
      if option.equalsIgnoringCase("keep-alive") { keepsAlive = true }
    }
  }

  /// Whether the connection stays open after the message (RFC 9112 section 9.3).
  func persists(minor: Int) -> Bool { !closes && (minor > 0 || keepsAlive) }
}

/// The protocol version in a first line (RFC 9112 section 2.3).
enum Version {
  /// The bytes in `HTTP/1.1`.
  static let size = 8

  /// The minor version at `at`: 0, or 1 for 1.1 and every later 1.x, which must be readable as 1.1.
  ///
  /// - Returns: nil if what stands there is no version at all.
  static func minor(_ bytes: Span<UInt8>, at: Int) throws(HeadFault) -> Int? {
    guard at >= 0, at <= bytes.count - size else { return nil }
    // As nearly all say.
    if bytes.extracting(at..<at + size).reads("HTTP/1.1") { return 1 }
    guard bytes.extracting(at..<at + 5).equals("HTTP/"), ASCII.isDigit(bytes[at + 5]),
      bytes[at + 6] == UInt8(ascii: "."), ASCII.isDigit(bytes[at + 7])
    else { return nil }
    guard bytes[at + 5] == UInt8(ascii: "1") else { throw .version }
    return bytes[at + 7] == UInt8(ascii: "0") ? 0 : 1
  }
}
