// Spans on their way from the workers to the exporter: encoded, bounded, and dropped rather than waited for.

internal import Wire

/// The process's spans that wait to be exported, in batches as they will go.
final class SpanQueue: Sendable {
  /// Bytes that may wait, whatever their number.
  static let byteCeiling = 2 << 20

  /// The spans of one export. A batch has memory of its own, which goes with it: one piece for all would be twice as large,
  /// for what is taken from its head makes no room at its end.
  fileprivate final class Batch {
    var spans = ByteQueue()
    /// Bytes of each.
    var sizes: [Int] = []
  }

  fileprivate struct State: ~Copyable {
    var batches: [Batch] = []
    var count = 0
    var bytes = 0
    var wake: (@Sendable () -> Void)?
    var dropped = 0
  }

  private let state = Guarded(State())

  /// Says who is told when there is something to do.
  func onWork(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

  /// Takes the spans of one exchange, or drops those that there is no room for.
  ///
  /// - Parameters:
  ///   - spans: one behind the other, each of so many bytes.
  ///   - ceiling: how many may wait.
  ///   - batch: how many go at once.
  func append(_ spans: Span<UInt8>, _ sizes: [Int], ceiling: Int, batch: Int) {
    let wake: (@Sendable () -> Void)? = state.withLock { state in
      let before = state.count
      let room = state.bytes + spans.count <= Self.byteCeiling && before + sizes.count <= ceiling
      guard room else {
        state.dropped = min(state.dropped, .max - sizes.count) + sizes.count
        return nil
      }
      state.append(spans, sizes, batch: batch)
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
  func take() -> (spans: [UInt8], sizes: [Int])? {
    state.withLock { state in
      guard !state.batches.isEmpty else { return nil }
      let batch = state.batches.removeFirst()
      state.count -= batch.sizes.count
      state.bytes -= batch.spans.count
      return (batch.spans.array(), batch.sizes)
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
  fileprivate mutating func append(_ spans: Span<UInt8>, _ sizes: [Int], batch most: Int) {
    var (from, at, first) = (0, 0, 0)
    for index in sizes.indices {
      if batches.last.map({ $0.sizes.count + index - first >= most }) ?? true {
        close(spans.extracting(from..<at), sizes[first..<index])
        (from, first) = (at, index)
        batches.append(SpanQueue.Batch())
      }
      at += sizes[index]
    }
    close(spans.extracting(from..<at), sizes[first...])
    count += sizes.count
    bytes += spans.count
  }

  private func close(_ spans: Span<UInt8>, _ sizes: ArraySlice<Int>) {
    guard let batch = batches.last, !sizes.isEmpty else { return }
    batch.spans.append(spans)
    batch.sizes += sizes
  }
}
