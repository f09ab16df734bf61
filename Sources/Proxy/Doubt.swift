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

  /// Whether the answer must be read whole; nil: not all of it is here.
  func isDoubtfulAtOnce() -> Bool? {
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
  func isOddAtOnce() -> Bool? {
    if call.flow.isCoded { return true }
    if case .length = call.flow.framing, call.flow.remaining > Self.ceiling { return false }
    if call.flow.hasEnded { return true }
    return conversation.isOdd(firstBytes) ?? (isHere ? true : nil)
  }

  /// Whether nothing more of the body is to come, as far as its framing shows before it is read: what is too short to tell
  /// anything must not be waited for.
  private var isHere: Bool {
    let bytes = unsafe call.incoming.view  // SAFETY: nothing here changes the queue.
    return switch call.flow.framing {
    case .none: true
    case .length: bytes.count >= call.flow.remaining
    case .chunked: bytes.ends("\r\n\r\n") || endsAtOnce
    case .untilClose: false
    }
  }

  /// The body has no bytes: a chunk of none ends it. What begins with no size is for the decoder to refuse.
  var endsAtOnce: Bool {
    guard case .chunked = call.flow.framing else { return false }
    let bytes = unsafe call.incoming.view  // SAFETY: nothing here changes the queue.
    return !bytes.isEmpty && (ASCII.hexadecimal(bytes[0]) ?? 0) == 0
  }

  /// The body's first bytes, so far as they are here. A first chunk may be short: what follows it is not the body's.
  var firstBytes: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let bytes = unsafe call.incoming.view  // SAFETY: nothing here changes the queue.
      guard case .chunked = call.flow.framing else { return bytes }
      var at = 0
      while at < bytes.count, bytes[at] != ASCII.lf { at += 1 }
      return bytes.extracting(min(at + 1, bytes.count)..<bytes.count)
    }
  }

  /// Waits until enough of the answer is here to tell.
  func isOdd() async throws(Refusal) -> Bool {
    while true {
      if let isOdd = isOddAtOnce() { return isOdd }
      switch await more(nil) {
      case .bytes, .beat: continue
      // What there is of it is looked at.
      case .end: return true
      case let arrival: try fail(arrival)
      }
    }
  }

  /// Waits until enough of the answer is here to tell.
  func isDoubtful() async throws(Refusal) -> Bool {
    while true {
      if let isDoubtful = isDoubtfulAtOnce() { return isDoubtful }
      switch await more(nil) {
      case .bytes, .beat: continue
      case .end where call.flow.mayEndHere: return true
      case let arrival: try fail(arrival)
      }
    }
  }

  /// Bytes of the answer that are held: where the caller looks at it first, what has come is too.
  func held(_ manner: Manner?) -> Int { conversation.heldCount + (manner == nil ? call.incoming.count : 0) }

  /// The data of a body that has one chunk (RFC 9112 section 7.1), if all of it is here.
  private static func onlyChunk(_ bytes: Span<UInt8>) -> Range<Int>? {
    var count = 0
    var at = 0
    while at < bytes.count, at < 8, let digit = ASCII.hexadecimal(bytes[at]) {
      count = count << 4 | Int(digit)
      at += 1
    }
    let start = at + 2
    guard at > 0, start + count + 7 <= bytes.count, bytes[at] == ASCII.cr,
      bytes.extracting((start + count)..<(start + count + 5)).equals("\r\n0\r\n")
    else { return nil }
    return start..<start + count
  }
}
