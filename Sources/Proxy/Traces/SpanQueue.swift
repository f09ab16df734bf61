// Spans on their way from the workers to the exporter: encoded, bounded, and dropped rather than waited for.

internal import Telemetry
internal import Wire

/// The spans of one export. A batch has memory of its own, which goes with it: one piece for all would be twice as large, for
/// what is taken from its head makes no room at its end.
///
/// `@unchecked`: it belongs to the queue, which touches it under its lock, until it is taken out, and from then on to who took
/// it.
final class SpanBatch: @unchecked Sendable {
  fileprivate(set) var spans = ByteQueue()
  fileprivate(set) var count = 0
}

/// The process's spans that wait to be exported, in batches as they will go.
final class SpanQueue: Sendable {
  /// Bytes that may wait, whatever their number.
  static let byteCeiling = 2 << 20

  fileprivate struct State: ~Copyable {
    var batches: [SpanBatch] = []
    var count = 0
    var bytes = 0
    /// Bytes of the last batch: memory for the next one is found at once.
    var usual = 0
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
  ///   - ceiling: how many may wait.
  ///   - batch: how many go at once.
  func append(_ spans: Span<UInt8>, _ new: Int, ceiling: Int, batch: Int) {
    let wake: (@Sendable () -> Void)? = state.withLock { state in
      let before = state.count
      let room = state.bytes + spans.count <= Self.byteCeiling && before + new <= ceiling
      guard room else {
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

  /// Spans that were dropped for want of room.
  var dropped: Int { state.withLock { $0.dropped } }

  /// Takes the oldest batch out; nil: none waits.
  func take() -> SpanBatch? {
    state.withLock { state in
      guard !state.batches.isEmpty else { return nil }
      let batch = state.batches.removeFirst()
      if state.batches.isEmpty { state.usual = batch.spans.count }
      state.count -= batch.count
      state.bytes -= batch.spans.count
      return batch
    }
  }

  /// Takes out all that waits.
  ///
  /// - Returns: how many.
  func abandon() -> Int {
    state.withLock { state in
      let count = state.count
      state.batches = []
      state.count = 0
      state.bytes = 0
      return count
    }
  }
}

extension SpanQueue.State {
  /// An exchange's spans may lie in two batches: a batch has no more than it may.
  fileprivate mutating func append(_ spans: Span<UInt8>, _ new: Int, batch most: Int) {
    var (at, left) = (0, new)
    while left > 0 {
      let batch = open(most)
      let part = min(left, most - batch.count)
      let end = part == left ? spans.count : at + Envelope.end(of: part, in: spans.extracting(at...))
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
      usual = last.spans.count
    }
    let batch = SpanBatch()
    batch.spans.reserve(usual)
    batches.append(batch)
    return batch
  }
}
