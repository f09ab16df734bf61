// Spans on their way from the workers to the exporter: encoded, bounded, and dropped rather than waited for.

internal import Wire

/// The process's spans that wait to be exported.
final class SpanQueue: Sendable {
  /// Bytes that may wait, whatever their number.
  static let byteCeiling = 2 << 20

  private struct State: ~Copyable {
    var spans = ByteQueue()
    /// Bytes of each.
    var sizes: [Int] = []
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
  func append(_ spans: Span<UInt8>, _ sizes: [Int], ceiling: Int) {
    let wake: (@Sendable () -> Void)? = state.withLock { state in
      let before = state.sizes.count
      let room = state.spans.count + spans.count <= Self.byteCeiling && before + sizes.count <= ceiling
      guard room else {
        state.dropped = min(state.dropped, .max - sizes.count) + sizes.count
        return nil
      }
      state.spans.append(spans)
      state.sizes.append(contentsOf: sizes)
      // The first starts the wait for others, and half a queue ends it.
      let isHalf = before < ceiling / 2 && state.sizes.count >= ceiling / 2
      return before == 0 || isHalf ? state.wake : nil
    }
    wake?()
  }

  /// Spans that wait.
  var count: Int { state.withLock { $0.sizes.count } }

  /// Spans that were dropped for want of room.
  var dropped: Int { state.withLock { $0.dropped } }

  /// Takes out the oldest spans, at most `most`.
  func take(_ most: Int) -> (spans: [UInt8], sizes: [Int]) {
    state.withLock { state in
      let sizes = Array(state.sizes.prefix(most))
      let count = sizes.reduce(0, +)
      let spans = state.spans.bytes.extracting(0..<count).array()
      state.spans.consume(count)
      state.sizes.removeFirst(sizes.count)
      // A burst is over: its memory needn't stay.
      if state.sizes.isEmpty { state.spans.clear() }
      return (spans, sizes)
    }
  }
}
