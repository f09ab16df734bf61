// A whole answer of a provider whose answers mostly need nothing: it is looked at before its head goes on, so that one that
// needs something can be brought into form.

internal import Dialects
internal import HTTP
internal import Policy
internal import Transport
internal import Wire

extension Attempt {
  /// Bytes of an answer that is awaited for a look; a longer one passes as it comes.
  private static let ceiling = 256 << 10

  /// Bytes within which an answer shows how it begins. Blank lines come while a provider works, but not for ever.
  static let opening = 16 << 10

  /// Whether the answer must be read whole before any of it goes on; nil: too little of it is here to tell.
  func mustReadWholeAtOnce() -> Bool? {
    guard let isOdd = isOddAtOnce() else { return nil }
    return isOdd || !conversation.mayBeDoubtful ? isOdd : isDoubtfulAtOnce()
  }

  /// Waits until enough of the answer is here to tell.
  func mustReadWhole() async throws(Refusal) -> Bool {
    while true {
      if let must = mustReadWholeAtOnce() { return must }
      switch await more(nil) {
      case .bytes, .beat: continue
      // What there is of it is looked at.
      case .end: return true
      case let arrival: try fail(arrival)
      }
    }
  }

  /// Whether it may need repair; nil: not all of it is here.
  private func isDoubtfulAtOnce() -> Bool? {
    // SAFETY: nothing is received while it is looked at.
    let bytes = unsafe call.incoming.view
    if call.flow.isCoded || call.flow.hasEnded { return true }
    switch call.flow.framing {
    case .none: return false
    case .length:
      let count = call.flow.remaining
      if count > Self.ceiling { return false }
      return bytes.count < count ? nil : conversation.isDoubtful(bytes.extracting(0..<count))
    case .chunked:
      if let chunk = Self.onlyChunk(bytes) { return conversation.isDoubtful(bytes.extracting(chunk)) }
      // In several chunks it is looked at without them.
      if bytes.ends("\r\n\r\n") { return true }
    case .untilClose: break
    }
    return bytes.count > Self.ceiling ? false : nil
  }

  /// Whether the answer begins as none does, so that it may be an error under a status that says that all is well; nil: too
  /// little of it is here to tell. What is long is none.
  private func isOddAtOnce() -> Bool? {
    if call.flow.isCoded { return true }
    if case .length = call.flow.framing, call.flow.remaining > Self.ceiling { return false }
    if call.flow.hasEnded { return true }
    return lookAtStart { conversation.isOdd($0) } ?? (showsItsStart ? true : nil)
  }

  /// Whether nothing more is to be waited for to see how the body begins.
  var showsItsStart: Bool { call.incoming.count > Self.opening || isHere }

  /// Whether all of the body is here, as far as its framing shows before it is read.
  var isHere: Bool {
    if call.flow.hasEnded { return true }
    let bytes = unsafe call.incoming.view  // SAFETY: nothing here changes the queue.
    return switch call.flow.framing {
    case .none: true
    case .length: bytes.count >= call.flow.remaining
    case .chunked: Self.hasLastChunk(bytes)
    case .untilClose: false
    }
  }

  /// Whether the chunk is here that ends the body, or what is none and is for the decoder to refuse.
  private static func hasLastChunk(_ bytes: Span<UInt8>) -> Bool {
    var at = 0
    while let chunk = chunk(bytes, from: at) {
      if chunk.isEmpty { return true }
      at = chunk.upperBound + 2
    }
    return false
  }

  /// Shows `look` how the body begins, so far as it is here: without its framing, and of short chunks 64 bytes.
  func lookAtStart<Seen>(_ look: (Span<UInt8>) -> Seen) -> Seen {
    let bytes = unsafe call.incoming.view  // SAFETY: nothing here changes the queue, nor does who looks.
    guard case .chunked = call.flow.framing else { return look(bytes.extracting(first: Self.opening)) }
    var joined = InlineArray<64, UInt8>(repeating: 0)
    var count = 0
    var at = 0
    while count < 64, let chunk = Self.chunk(bytes, from: at), !chunk.isEmpty {
      if count == 0, chunk.count >= 64, bytes[chunk.lowerBound] > ASCII.space {
        return look(bytes.extracting(chunk))
      }
      for place in chunk where count < 64 && (count > 0 || bytes[place] > ASCII.space) {
        joined[count] = bytes[place]
        count += 1
      }
      at = chunk.upperBound + 2
    }
    return look(joined.span.extracting(0..<count))
  }

  /// The data of the chunk at `from`, so far as it is here: a look, for the decoder to judge. None where it is the last
  /// one, or no chunk; nil where its data has not begun.
  private static func chunk(_ bytes: Span<UInt8>, from: Int) -> Range<Int>? {
    var size = 0
    var at = from
    // As many digits as the decoder takes; what no chunk can have is as good as the most that is here.
    while at < bytes.count, at < from + 16, let digit = ASCII.hexadecimal(bytes[at]) {
      size = min(size << 4 | Int(digit), 1 << 40)
      at += 1
    }
    guard at < bytes.count else { return nil }
    guard size > 0 else { return at..<at }
    while at < bytes.count, bytes[at] != ASCII.lf { at += 1 }
    let start = at + 1
    return start < bytes.count ? start..<min(start + size, bytes.count) : nil
  }

  /// Bytes of the answer that are held: where the caller looks at it first, what has come is too.
  func held(_ manner: Manner?) -> Int { conversation.heldCount + (manner == nil ? call.incoming.count : 0) }

  /// The data of a body that has one chunk (RFC 9112 section 7.1), if all of it is here.
  private static func onlyChunk(_ bytes: Span<UInt8>) -> Range<Int>? {
    guard let chunk = chunk(bytes, from: 0), !chunk.isEmpty else { return nil }
    let rest = bytes.extracting(chunk.upperBound...)
    return rest.count >= 7 && rest.begins("\r\n0\r\n") ? chunk : nil
  }
}
