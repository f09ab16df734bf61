// Finds where a head ends, as its bytes arrive, and what is wrong with them.
//
// Most heads arrive whole and nothing is wrong with them: those are read without it (`RequestHead.read`). It refuses
// early what would otherwise wait for a timeout: TLS and HTTP/2 on the wrong port, lines that end in a bare LF,
// HTTP/0.9, and everything too long. What the head says is RequestHead's and ResponseHead's business.

/// A resumable search for the empty line that ends a head. It looks at each byte once, however they come.
package struct HeadScanner: Sendable {
  /// Whose head it is.
  package enum Sender: Sendable { case client, upstream }

  /// The most bytes that a request line may have.
  package static let requestLineCeiling = 8 * 1024
  /// The most bytes that a whole head may have.
  package static let headCeiling = 64 * 1024

  private let sender: Sender
  /// The most empty lines that are passed over before a request. RFC 9112 section 2.2 asks for at least one; what
  /// is in front of a request has no second reading, and clients have been seen to send two.
  package static let emptyLineCeiling = 8

  private let skipsEmptyLines: Bool
  private var looked = 0
  private var lineStart = 0
  private var lines = 0
  private var skipped = 0

  /// - Parameter skipsEmptyLines: whether empty lines may come before a request, which some clients send after a
  ///   body (RFC 9112 section 2.2). They count as part of the head.
  package init(for sender: Sender, skipsEmptyLines: Bool = true) {
    self.sender = sender
    self.skipsEmptyLines = skipsEmptyLines
  }

  /// Whether nothing of a message has been passed yet.
  var isAtStart: Bool { looked == 0 }

  /// Forgets what was seen: the next scan begins with a new message.
  package mutating func reset() {
    self = HeadScanner(for: sender, skipsEmptyLines: skipsEmptyLines)
  }

  /// The length of the head that `bytes` begin with, its last CR LF included, or nil if more bytes are
  /// needed.
  ///
  /// `bytes` must begin where they began at the last call, and may only have grown. Once a length has been
  /// returned, the scanner is ready for the next message.
  ///
  /// - Parameter ceiling: the most bytes that the head may have.
  package mutating func scan(
    _ bytes: Span<UInt8>, ceiling: Int = headCeiling
  ) throws(HeadFault) -> Int? {
    let limit = min(bytes.count, max(ceiling, 0))
    if looked > limit { reset() }
    while true {
      if lines == 0, looked - lineStart < 2, try awaitsSecondByte(bytes, limit) { return nil }
      let at = Syntax.firstControl(in: bytes, from: looked, to: limit)
      if lines == 0, sender == .client, at - lineStart > Self.requestLineCeiling { throw .targetTooLong }
      if at < limit {
        guard bytes[at] == ASCII.cr else { throw bytes[at] == ASCII.lf ? .bareLineFeed : .controlByte }
      }
      // A CR that nothing follows yet is looked at again when something does.
      if at + 1 >= limit {
        looked = at
        if limit >= ceiling { throw .headTooLarge }
        return nil
      }
      guard bytes[at + 1] == ASCII.lf else { throw .bareCarriageReturn }
      looked = at + 2
      if try endLine(bytes, at: at) {
        let length = looked
        reset()
        return length
      }
    }
  }

  /// Looks at the first two bytes of a message. True if only the second can tell what the first one means.
  private func awaitsSecondByte(_ bytes: Span<UInt8>, _ limit: Int) throws(HeadFault) -> Bool {
    guard lineStart < limit else { return false }
    let first = bytes[lineStart]
    if first == ASCII.cr || first == ASCII.lf { return false }
    if sender == .upstream {
      guard first == UInt8(ascii: "H") else { throw .statusLine }
      return false
    }
    if first == Self.tlsHandshake {
      if lineStart + 1 == limit { return true }
      if bytes[lineStart + 1] == Self.tlsMajorVersion { throw .tlsOnPlaintext }
    }
    guard Syntax.isToken(first) else { throw .requestLine }
    return false
  }

  // A TLS record: its type, and the first byte of its version (RFC 8446 section 5.1).
  private static let tlsHandshake: UInt8 = 0x16
  private static let tlsMajorVersion: UInt8 = 0x03

  /// Takes note of the line that ends at `at`; true if it ends the head.
  private mutating func endLine(_ bytes: Span<UInt8>, at: Int) throws(HeadFault) -> Bool {
    defer { lineStart = at + 2 }
    if at == lineStart {
      if lines > 0 { return true }
      guard sender == .client else { throw .statusLine }
      guard skipsEmptyLines, skipped < Self.emptyLineCeiling else { throw .requestLine }
      skipped += 1
      return false
    }
    if lines == 0, sender == .client {
      // HTTP/0.9 has no head that could end, so it is refused before its client waits for an answer.
      if bytes.extracting(lineStart..<at).equals("PRI * HTTP/2.0") { throw .http2Preface }
      guard try Version.minor(bytes, at: at - Version.size) != nil else { throw .requestLine }
    }
    lines += 1
    return false
  }
}

/// A message's head, as it is read when all of it is there.
protocol Head: ~Copyable {
  /// Reads the lines of the head that `bytes` begin with; gives its length.
  mutating func readLines(_ bytes: Span<UInt8>) throws(HeadFault) -> Int
  /// Finds what the lines mean.
  mutating func readFields(_ bytes: Span<UInt8>) throws(HeadFault)
  /// Reads a head that is all there and nothing is wrong with; nil, without a reason, if it isn't one.
  mutating func readWhole(_ bytes: Span<UInt8>) -> Int?
}

// Always inlined: what other modules call is each head's own `parse` and `read`.
extension Head where Self: ~Copyable {
  @inline(__always)
  mutating func readExactly(_ bytes: Span<UInt8>) throws(HeadFault) {
    guard try readLines(bytes) == bytes.count else { throw .incomplete }
    try readFields(bytes)
  }

  /// Nearly every head arrives whole, and has been read when its end is found. Any other is the scanner's: it
  /// remembers how far it looked, and says first what is wrong with the bytes.
  @inline(__always)
  mutating func readNext(_ bytes: Span<UInt8>, _ scanner: inout HeadScanner) throws(HeadFault) -> Int? {
    if bytes.isEmpty { return nil }
    if scanner.isAtStart, let length = readWhole(bytes) { return length }
    guard let length = try scanner.scan(bytes) else { return nil }
    try readExactly(bytes.extracting(0..<length))
    return length
  }
}
