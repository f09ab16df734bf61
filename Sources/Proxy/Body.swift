// Where a body's bytes lie in what has come, whatever delimits it.

internal import Wire

/// Takes the framing off one body, as its bytes arrive.
struct BodyFlow: ~Copyable {
  /// What to do next; offsets count from the first byte of the span that `next` was given.
  enum Step {
    /// These bytes are body.
    case data(Range<Int>)
    /// Everything up to here was used up, and more is needed.
    case more(consumed: Int)
    /// The body ends here.
    case end(consumed: Int)
  }

  private(set) var framing: Framing
  /// Bytes that are still to come of a body with a length.
  private(set) var remaining: Int
  private var chunks: ChunkedDecoder

  init(_ framing: Framing, keepsTrailers: Bool = false) {
    self.framing = framing
    chunks = ChunkedDecoder(keepsTrailers: keepsTrailers)
    if case .length(let count) = framing { remaining = count } else { remaining = 0 }
  }

  /// Whether nothing more belongs to the body.
  var hasEnded: Bool {
    switch framing {
    case .none: true
    case .length: remaining == 0
    case .chunked: chunks.hasEnded
    case .untilClose: false
    }
  }

  /// Trailers of a chunked body that has ended, each line with its CR LF.
  var trailers: [UInt8] { chunks.trailers }

  mutating func next(_ bytes: Span<UInt8>, from: Int) throws(ChunkFault) -> Step {
    switch framing {
    case .none: return .end(consumed: from)
    case .length:
      if remaining == 0 { return .end(consumed: from) }
      let count = min(remaining, bytes.count - from)
      if count == 0 { return .more(consumed: from) }
      remaining -= count
      return .data(from..<from + count)
    case .untilClose:
      return from == bytes.count ? .more(consumed: from) : .data(from..<bytes.count)
    case .chunked:
      switch try chunks.next(bytes, from: from) {
      case .data(let range): return .data(range)
      case .needMore(let consumed): return .more(consumed: consumed)
      case .end(let consumed): return .end(consumed: consumed)
      }
    }
  }

  /// `count` bytes of a body with a length were taken past this flow.
  mutating func skip(_ count: Int) { remaining -= min(count, remaining) }
}
