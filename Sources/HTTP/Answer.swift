// The answer to one request on its way to the client: its head, which begins and ends nowhere else, its body, its end.

public import Wire

/// What is told of a body's bytes as they pass.
public protocol BodyListener: AnyObject {
  func take(_ bytes: Span<UInt8>)
  /// What was told is taken back: another body follows.
  func restart()
}

/// One answer. Of one loop.
///
/// Public for `piece` alone, which is to be inlined into other modules (Wire/ByteQueue.swift).
public final class Answer {
  /// What waits for the client.
  public var outbound: ByteQueue
  /// A body that is made before its length is known.
  package var body: ByteQueue
  package private(set) var status = 0
  /// The head has been written to `outbound`.
  package private(set) var hasBegun = false
  public internal(set) var isChunked = false
  /// It is an event stream.
  package private(set) var isEvents = false
  /// It was ended before its time and must not look whole.
  package private(set) var isCut = false
  /// Bytes of its body.
  public var count = 0
  /// What is told of its body; nil: nothing.
  public var listener: (any BodyListener)?
  /// Where the head begins in `outbound`.
  private var start = 0

  package init(pool: BlockPool) {
    outbound = ByteQueue(pool: pool)
    body = ByteQueue(pool: pool)
  }

  /// Forgets it; keeps the memory that is worth keeping.
  package func reset() {
    outbound.removeAll()
    body.removeAll()
    forget()
    isCut = false
    listener = nil
  }

  private func forget() {
    status = 0
    hasBegun = false
    isChunked = false
    isEvents = false
    count = 0
    start = 0
  }

  // MARK: The head

  /// Begins the head: its first line. The caller appends fields to `outbound`, then calls `end(head:)`.
  package func begin(_ status: Int, isEvents: Bool = false) {
    self.status = status
    self.isEvents = isEvents
    start = outbound.count
    HeadWriter.statusLine(status, to: &outbound)
  }

  /// Ends the head with what delimits the body.
  package func end(head framing: Framing) {
    HeadWriter.framing(framing, to: &outbound)
    HeadWriter.end(to: &outbound)
    isChunked = framing == .chunked
    hasBegun = true
  }

  /// Begins an interim answer (RFC 9110 section 15.2), which another one follows.
  package func beginInterim(_ status: Int) { HeadWriter.statusLine(status, to: &outbound) }

  /// Ends the interim answer's head; it has no body.
  package func endInterim() { HeadWriter.end(to: &outbound) }

  /// Takes back an answer of which nothing has left yet: an error with its own status says more than a broken answer.
  package func takeBack() {
    outbound.truncate(to: min(start, outbound.count))
    listener?.restart()
    forget()
  }

  // MARK: The body

  /// Appends a piece of the body, which `make` makes in its place, as a chunk where the answer is chunked.
  @inlinable
  public func piece<Fault: Error>(_ make: (inout ByteQueue) throws(Fault) -> Void) throws(Fault) {
    guard isChunked else {
      let before = outbound.count
      defer { note(outbound.count - before, before: 0) }
      return try make(&outbound)
    }
    let mark = outbound.beginChunk()
    // Behind a chunk stands the end of its line.
    defer { note(outbound.endChunk(mark), before: 2) }
    try make(&outbound)
  }

  /// Counts `size` bytes of the body, which stand `rest` bytes before the end of `outbound`.
  @inlinable @inline(__always)
  func note(_ size: Int, before rest: Int) {
    count += size
    if listener != nil { tell(size, before: rest) }
  }

  @usableFromInline @inline(never)
  func tell(_ size: Int, before rest: Int) {
    let end = outbound.count - rest
    // SAFETY: while it is in use, nothing changes the queue.
    if size > 0 { listener?.take(unsafe outbound.view.extracting(max(end - size, 0)..<end)) }
  }

  /// Appends the body that was made before.
  ///
  /// - Parameter isShown: whether the client gets it, and not only its length: not for HEAD.
  package func send(isShown: Bool = true) {
    count += body.count
    if isShown {
      listener?.take(unsafe body.view)
      if isChunked { HeadWriter.chunk(unsafe body.view, to: &outbound) } else { outbound.append(body) }
    }
    body.removeAll()
  }

  /// Ends the body, unless it is cut.
  package func end(trailers: [UInt8]) {
    guard isChunked, !isCut else { return }
    if trailers.isEmpty {
      HeadWriter.lastChunk(to: &outbound)
    } else {
      HeadWriter.lastChunk(trailers: trailers.span, to: &outbound)
    }
  }

  /// Has what has begun end so that it can't be taken for whole: a transfer coding without its end, no close_notify.
  package func cut() { isCut = true }
}
