// Takes the chunked coding off a body, in whatever pieces it arrives (RFC 9112 section 7.1).
//
// Size lines, line ends and trailers are consumed into the decoder's state, so no byte is looked at twice;
// data is never copied, only pointed at. Refused: bare LF, blanks around a size, more than 16 digits,
// extensions and trailers that are none.

/// An incremental, strict decoder of one chunked body.
package struct ChunkedDecoder: Sendable {
  /// What to do next. Offsets count from the first byte of the span that `next` was given.
  package enum Step: Sendable, Equatable {
    /// These bytes are body; go on at the range's upper bound.
    case data(Range<Int>)
    /// Everything up to this offset, which is the end of the span, was used up.
    case needMore(consumed: Int)
    /// The body is over; what begins at this offset is not part of it.
    case end(consumed: Int)
  }

  /// The ceiling of one line's extensions, in bytes.
  package static let lineExtensionCeiling = 256
  /// The ceiling of a body's extensions, in bytes.
  package static let extensionCeiling = 4 * 1024
  /// The ceiling of the trailers, in bytes and in number.
  package static let trailerCeiling = 8 * 1024
  package static let trailerCountCeiling = 32
  private static let digitCeiling = 16

  /// size → extension → sizeLF → data → dataCR → dataLF → size; a size of zero leads from sizeLF to
  /// trailerStart → trailerName → trailerValue → trailerLF → trailerStart, or over lastLF to ended.
  private enum State: Sendable {
    case size, `extension`, sizeLF, data, dataCR, dataLF
    case trailerStart, trailerName, trailerValue, trailerLF, lastLF, ended
  }

  private let keepsTrailers: Bool
  private var state = State.size
  /// What was wrong: nothing behind it can be told from anything else, so a fault stays.
  private var fault: ChunkFault?
  private var digits = 0
  // While the size is read, that size; then what is left of the chunk.
  private var remaining: UInt64 = 0
  private var extensionPart = ChunkExtension.start
  private var lineExtension = 0
  private var extensions = 0
  private var trailerSize = 0
  private var trailerCount = 0
  private var trailerStart = 0
  private var trailerColon = 0

  /// The trailers as they came, each with its CR LF, if they are kept; those that would change framing,
  /// routing or trust are left out (RFC 9110 section 6.5.1), and the upstream's own request id has the name that it has
  /// in a head.
  package private(set) var trailers: [UInt8] = []

  /// - Parameter keepsTrailers: whether somebody will relay them. They are checked in any case.
  package init(keepsTrailers: Bool = false) { self.keepsTrailers = keepsTrailers }

  package var hasEnded: Bool { state == .ended }

  /// Decodes `bytes` from the offset `from` until there is data to pass on, or nothing left.
  package mutating func next(_ bytes: Span<UInt8>, from: Int) throws(ChunkFault) -> Step {
    if let fault { throw fault }
    var at = max(from, 0)
    while true {
      if state == .ended { return .end(consumed: min(at, bytes.count)) }
      guard at < bytes.count else { return .needMore(consumed: bytes.count) }
      if state == .data {
        let count = Int(min(remaining, UInt64(bytes.count - at)))
        remaining -= UInt64(count)
        if remaining == 0 { state = .dataCR }
        return .data(at..<at + count)
      }
      do throws(ChunkFault) {
        if state == .trailerName || state == .trailerValue || state == .trailerStart || state == .trailerLF {
          try takeTrailer(bytes[at])
        } else {
          try take(bytes[at])
        }
      } catch {
        fault = error
        throw error
      }
      at += 1
    }
  }

  /// Decodes all of `bytes` that belongs to the body and appends its data to `body`.
  ///
  /// - Returns: how many bytes were used up, and whether the body is over.
  package mutating func decode(
    _ bytes: Span<UInt8>, into body: inout ByteQueue
  ) throws(ChunkFault) -> (consumed: Int, ended: Bool) {
    var at = 0
    while true {
      switch try next(bytes, from: at) {
      case .data(let range):
        body.append(bytes.extracting(range))
        at = range.upperBound
      case .needMore(let consumed): return (consumed, false)
      case .end(let consumed): return (consumed, true)
      }
    }
  }

  /// Takes one byte of a size line or of the line end behind a chunk's data.
  private mutating func take(_ byte: UInt8) throws(ChunkFault) {
    switch state {
    case .size: try takeSize(byte)
    case .extension:
      if byte == ASCII.cr {
        guard extensionPart.mayEnd else { throw .extensions }
        state = .sizeLF
        return
      }
      guard extensionPart.take(byte) else { throw byte == ASCII.lf ? .lineEnd : .extensions }
      lineExtension += 1
      extensions += 1
      if lineExtension > Self.lineExtensionCeiling || extensions > Self.extensionCeiling {
        throw .extensionsTooLarge
      }
    case .sizeLF:
      guard byte == ASCII.lf else { throw .lineEnd }
      state = remaining == 0 ? .trailerStart : .data
    case .dataCR:
      guard byte == ASCII.cr else { throw .lineEnd }
      state = .dataLF
    case .dataLF:
      guard byte == ASCII.lf else { throw .lineEnd }
      digits = 0
      lineExtension = 0
      state = .size
    case .lastLF:
      guard byte == ASCII.lf else { throw .lineEnd }
      state = .ended
    case .data, .trailerStart, .trailerName, .trailerValue, .trailerLF, .ended: break
    }
  }

  private mutating func takeSize(_ byte: UInt8) throws(ChunkFault) {
    if let digit = ASCII.hexadecimal(byte) {
      digits += 1
      // Sixteen digits fill the 64 bits, so the shift can lose nothing.
      if digits > Self.digitCeiling { throw .sizeTooLarge }
      remaining = remaining << 4 | UInt64(digit)
      return
    }
    guard digits > 0 else { throw .size }
    if remaining > UInt64(Syntax.lengthCeiling) { throw .sizeTooLarge }
    switch byte {
    case ASCII.cr: state = .sizeLF
    case UInt8(ascii: ";"):
      // The semicolon counts too, else empty extensions would be free.
      extensions += 1
      if extensions > Self.extensionCeiling { throw .extensionsTooLarge }
      extensionPart = .start
      state = .extension
    case ASCII.lf: throw .lineEnd
    default: throw .size
    }
  }

  /// Takes one byte of the trailer section (RFC 9112 section 7.1.2).
  private mutating func takeTrailer(_ byte: UInt8) throws(ChunkFault) {
    if state == .trailerStart, byte == ASCII.cr {
      state = .lastLF
      return
    }
    trailerSize += 1
    if trailerSize > Self.trailerCeiling { throw .trailersTooLarge }
    if keepsTrailers { trailers.append(byte) }
    switch state {
    case .trailerStart:
      guard Syntax.isToken(byte) else { throw byte == ASCII.lf ? .lineEnd : .trailer }
      trailerCount += 1
      if trailerCount > Self.trailerCountCeiling { throw .trailersTooLarge }
      trailerStart = max(trailers.count - 1, 0)
      state = .trailerName
    case .trailerName:
      if byte == ASCII.colon {
        trailerColon = max(trailers.count - 1, 0)
        state = .trailerValue
      } else if !Syntax.isToken(byte) {
        throw .trailer
      }
    case .trailerValue:
      if byte == ASCII.cr {
        state = .trailerLF
      } else if Syntax.isControl(byte) {
        throw byte == ASCII.lf ? .lineEnd : .trailer
      }
    default:
      guard byte == ASCII.lf else { throw .lineEnd }
      if keepsTrailers { admitTrailer() }
      state = .trailerStart
    }
  }

  /// Leaves out the trailer that was read last, or gives it the name that it goes on under.
  private mutating func admitTrailer() {
    let name = FieldName(trailers.span.extracting(trailerStart..<trailerColon))
    if name == .xRequestID {
      let own: StaticString = "x-remora-upstream-request-id"
      trailers.replaceSubrange(trailerStart..<trailerColon, with: own.bytes.array())
    } else if !Self.mayTrail(name) {
      trailers.removeSubrange(trailerStart...)
    }
  }

  /// Whether a field with this name means behind a body what it would have meant before it.
  private static func mayTrail(_ name: FieldName) -> Bool {
    switch name {
    case .host, .connection, .contentLength, .transferEncoding, .te, .trailer, .upgrade, .expect, .keepAlive,
      .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .http2Settings, .contentType,
      .contentEncoding,
      .authorization, .apiKey, .xAPIKey, .xGoogAPIKey, .cookie, .setCookie, .wwwAuthenticate, .location,
      .retryAfter, .retryAfterMS, .xShouldRetry, .xRemora:
      false
    default: true
    }
  }
}
