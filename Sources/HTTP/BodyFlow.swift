// Where a body's bytes lie in what has come, whatever delimits it, and what they say, whatever coding they are in.

package import Wire

/// Why a body can't be read.
package enum BodyFault: Error {
  case framing(ChunkFault)
  case coding(ContentFault)

  /// What is wrong, for people.
  package var message: StaticString {
    switch self {
    case .framing(let fault): fault.message
    case .coding(let fault): fault.message
    }
  }
}

/// Takes the framing off one body, as its bytes arrive, and the content coding, where it is to be read and has one.
package struct BodyFlow: ~Copyable {
  private let inPlace = InPlace()

  /// What to do next; offsets count from the first byte of the span that `next` was given.
  package enum Step {
    /// These bytes are body.
    case data(Range<Int>)
    /// Everything up to here was used up, and more is needed.
    case more(consumed: Int)
    /// The body ends here.
    case end(consumed: Int)
  }

  // Stored and not worked out, for the walk asks for them at every step, and the compiler inlines no getter of another
  // module's.
  package private(set) var framing: Framing
  /// Whether nothing more belongs to the body, and all of it has been taken.
  package private(set) var hasEnded: Bool
  /// Whether the body is in a coding, so that only `take` gives what it says.
  package private(set) var isCoded = false
  /// Whether more of the body can be taken without anything more having come.
  package private(set) var holdsMore = false
  /// Bytes that are still to come of a body with a length.
  package private(set) var remaining: Int
  private var chunks: ChunkedDecoder
  /// The coding's side; nil for a body that is what it says.
  private var coded: Coded?

  /// What has come of a coded body and waits for room. Apart, for a body in a coding is rare, and this is large.
  private final class Coded {
    var decoder: ContentDecoder
    var bytes = ByteQueue()

    init(_ coding: ContentCoding) { decoder = ContentDecoder(coding) }
  }

  /// - Parameter coding: what `take` takes off; `next` never does.
  package init(_ framing: Framing, keepsTrailers: Bool = false, coding: ContentCoding = .identity) {
    self.framing = .none
    remaining = 0
    hasEnded = true
    chunks = ChunkedDecoder()
    begin(framing, keepsTrailers: keepsTrailers, coding: coding)
  }

  /// Begins another body, in the memory of the one before. The parameters are those of `init`.
  package mutating func begin(
    _ framing: Framing, keepsTrailers: Bool = false, coding: ContentCoding = .identity
  ) {
    // The decoder of chunks is large, and is made anew only behind a body that had some.
    if case .chunked = self.framing { chunks = ChunkedDecoder() }
    if isCoded { coded = nil }
    isCoded = false
    holdsMore = false
    hasEnded = false
    remaining = 0
    self.framing = framing
    switch framing {
    // Nothing is nothing in every coding.
    case .none, .length(0):
      hasEnded = true
      return
    case .length(let count): remaining = count
    case .chunked: if keepsTrailers { chunks = ChunkedDecoder(keepsTrailers: true) }
    case .untilClose: break
    }
    switch coding {
    case .gzip, .deflate:
      coded = Coded(coding)
      isCoded = true
    default: break
    }
  }

  /// Whether the body is whole if the connection ends here in good order.
  package var mayEndHere: Bool {
    guard case .untilClose = framing else { return false }
    return coded.map { !holdsMore && $0.decoder.isWhole } ?? true
  }

  private var hasFramingEnded: Bool {
    switch framing {
    case .none: true
    case .length: remaining == 0
    case .chunked: chunks.hasEnded
    case .untilClose: false
    }
  }

  /// Trailers of a chunked body that has ended, each line with its CR LF.
  package var trailers: [UInt8] { chunks.trailers }
  package var hasTrailers: Bool { !chunks.trailers.isEmpty }

  package mutating func next(_ bytes: Span<UInt8>, from: Int) throws(ChunkFault) -> Step {
    switch framing {
    case .none: return .end(consumed: from)
    case .length:
      if remaining == 0 { return .end(consumed: from) }
      let count = min(remaining, bytes.count - from)
      if count == 0 { return .more(consumed: from) }
      remaining -= count
      if remaining == 0, !isCoded { hasEnded = true }
      return .data(from..<from + count)
    case .untilClose:
      return from == bytes.count ? .more(consumed: from) : .data(from..<bytes.count)
    case .chunked:
      switch try chunks.next(bytes, from: from) {
      case .data(let range): return .data(range)
      case .needMore(let consumed): return .more(consumed: consumed)
      case .end(let consumed):
        if !isCoded { hasEnded = true }
        return .end(consumed: consumed)
      }
    }
  }

  /// Moves what has come of the body to `queue`. Before a fault, what was good is there.
  ///
  /// - Parameters:
  ///   - source: what has come, framing and all.
  ///   - limit: how much may be appended of a coded body, which can be a thousand times what has come. If that is too
  ///     little, it `holdsMore`.
  package mutating func take(
    _ source: inout ByteQueue, into queue: inout ByteQueue, limit: Int
  ) throws(BodyFault) {
    guard let coded else {
      return try unframe(&source, into: &queue)
    }
    // What has been taken off the framing is used up before more is: so no more waits than was offered at once.
    if coded.bytes.isEmpty, !holdsMore { try unframe(&source, into: &coded.bytes) }
    do throws(ContentFault) {
      var at = 0
      holdsMore = try coded.decoder.next(unsafe coded.bytes.view, from: &at, into: &queue, limit: limit)
      coded.bytes.consume(at)
      guard hasFramingEnded, !holdsMore else { return }
      try coded.decoder.finish()
      hasEnded = true
    } catch { throw .coding(error) }
  }

  private mutating func unframe(
    _ source: inout ByteQueue, into queue: inout ByteQueue
  ) throws(BodyFault) {
    var at = 0
    do throws(ChunkFault) {
      while true {
        switch try next(source.bytes, from: at) {
        case .data(let range):
          queue.append(source.bytes.extracting(range))
          at = range.upperBound
        case .more(let consumed), .end(let consumed): return source.consume(consumed)
        }
      }
    } catch { throw .framing(error) }
  }

  /// `count` bytes of a body with a length were taken past this flow.
  package mutating func skip(_ count: Int) {
    remaining -= min(count, remaining)
    if hasFramingEnded, !isCoded { hasEnded = true }
  }
}
