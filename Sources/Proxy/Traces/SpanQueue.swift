// Spans on their way from the workers to the exporter: encoded, bounded, and dropped rather than waited for.

internal import Telemetry
internal import Wire

/// The spans of one export. A batch has memory of its own, which goes with it: one piece for all would be twice as large, for
/// what is taken from its head makes no room at its end.
///
/// `@unchecked`: it belongs to the queue, which touches it under its lock, until it is taken out, and from then on to who took
/// it, until it is given back by `release` and not touched again.
final class SpanBatch: @unchecked Sendable {
  fileprivate(set) var spans = ByteQueue()
  fileprivate(set) var count = 0
  /// Memory for all of it has been found.
  fileprivate var isSized = false

  /// Forgets its spans, and keeps their memory.
  fileprivate func clear() {
    spans.clear()
    count = 0
  }

  /// Bytes of a span of its own.
  fileprivate var usual: Int { spans.count / max(count, 1) }

  /// Room for `count` spans of about `usual` bytes: a batch that outgrows its memory needs twice as much.
  fileprivate static func room(_ usual: Int, _ count: Int, slack: Int = 1) -> Int {
    min(usual * min(count, 4096) * (8 + slack) / 8, SpanQueue.byteCeiling)
  }
}

/// The process's spans that wait to be exported, in batches as they will go.
final class SpanQueue: Sendable {
  /// Bytes that may wait or be under way, whatever their number.
  static let byteCeiling = 2 << 20

  fileprivate struct State: ~Copyable {
    var batches: [SpanBatch] = []
    var count = 0
    /// Those of the batches that were taken out and aren't over.
    var underWay = 0
    var bytes = 0
    /// The last that came found no room.
    var isFull = false
    /// Bytes of a span, as those of the last batch had: memory for a batch is found at once.
    var usual = 0
    /// One that is over, with its memory: under load the next one is as large, and would hardly fit where it lay.
    var spare: SpanBatch?
    var wake: (@Sendable () -> Void)?
    var dropped = 0
  }

  private let state = Guarded(State())

  /// Says who is told when there is something to do.
  func onWork(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

  /// Takes the spans of one exchange, or drops those that there is no room for.
  ///
  /// - Parameters:
  ///   - spans: `new` of them, as a `SpanEncoder` has written them.
  ///   - ceiling: how many may wait, with what is under way; half as many may whatever is under way, or a batch as large
  ///     as the queue would stop it.
  ///   - batch: how many go at once.
  func append(_ spans: Span<UInt8>, _ new: Int, ceiling: Int, batch: Int) {
    let wake: (@Sendable () -> Void)? = state.withLock { state in
      let before = state.count
      let most = max(ceiling - state.underWay, ceiling / 2)
      let hasRoom = state.bytes + spans.count <= Self.byteCeiling && before + new <= most
      // One exchange that is larger than the queue says nothing of the others.
      state.isFull = !hasRoom && new <= ceiling
      if !hasRoom {
        state.dropped = min(state.dropped, .max - new) + new
        return nil
      }
      state.append(spans, new, batch: max(batch, 1))
      // The first starts the wait for others, and half a queue ends it.
      let isHalf = before < ceiling / 2 && state.count >= ceiling / 2
      return before == 0 || isHalf ? state.wake : nil
    }
    wake?()
  }

  /// Spans that wait.
  var count: Int { state.withLock { $0.count } }

  /// What came last was dropped, and nothing was taken out since.
  var isFull: Bool { state.withLock { $0.isFull } }

  /// Spans that were dropped for want of room.
  var dropped: Int { state.withLock { $0.dropped } }

  /// Takes the oldest batch out; nil: none waits. Its memory counts until `release`.
  func take() -> SpanBatch? {
    state.withLock { state in
      guard !state.batches.isEmpty else { return nil }
      let batch = state.batches.removeFirst()
      if state.batches.isEmpty {
        state.usual = batch.usual
        state.spare = nil
      }
      state.count -= batch.count
      state.underWay += batch.count
      state.isFull = false
      return batch
    }
  }

  /// Says that a batch which was taken out is over.
  func release(_ batch: SpanBatch) {
    state.withLock { state in
      state.bytes -= batch.spans.count
      state.underWay -= batch.count
      if state.batches.isEmpty { return }
      batch.clear()
      state.spare = batch
    }
  }

  /// Takes out all that waits.
  ///
  /// - Returns: how many.
  func abandon() -> Int {
    state.withLock { state in
      let count = state.count
      for batch in state.batches { state.bytes -= batch.spans.count }
      state.batches = []
      state.spare = nil
      state.count = 0
      state.isFull = false
      return count
    }
  }
}

extension SpanQueue.State {
  /// Spans from which the size of the others is told.
  private static let enough = 16

  /// An exchange's spans may lie in two batches: a batch has no more than it may.
  fileprivate mutating func append(_ spans: Span<UInt8>, _ new: Int, batch most: Int) {
    var (at, left) = (0, new)
    while left > 0 {
      let batch = open(most)
      let part = min(left, most - batch.count)
      let end = part == left ? spans.count : at + Envelope.end(of: part, in: spans.extracting(at...))
      if usual == 0, !batch.isSized, batch.count >= Self.enough {
        // The first batch: to grow it in steps would leave holes as large as itself.
        batch.isSized = true
        batch.spans.reserve(SpanBatch.room(batch.usual, most - batch.count))
      }
      batch.spans.append(spans.extracting(at..<end))
      batch.count += part
      (at, left) = (end, left - part)
    }
    count += new
    bytes += spans.count
  }

  /// The batch that still takes spans.
  private mutating func open(_ most: Int) -> SpanBatch {
    if let last = batches.last {
      if last.count < most { return last }
      usual = last.usual
    }
    // A queue that grows takes twice what it has.
    if let spare, spare.spans.room < SpanBatch.room(usual, most, slack: 0) { self.spare = nil }
    let batch = spare ?? SpanBatch()
    if spare == nil { batch.spans.reserve(SpanBatch.room(usual, most)) }
    spare = nil
    batches.append(batch)
    return batch
  }
}
