import Testing
import Wire

@testable import Proxy

@Suite("SpanQueue") struct SpanQueueTests {
  /// Spans of so many bytes each, all the same.
  private func append(_ queue: SpanQueue, _ byte: UInt8, _ sizes: [Int], ceiling: Int = 100, batch: Int = 4) {
    let spans = [UInt8](repeating: byte, count: sizes.reduce(0, +))
    queue.append(spans.span, sizes, ceiling: ceiling, batch: batch)
  }

  @Test("spans come out in their order, in batches of at most so many")
  func batches() {
    let queue = SpanQueue()
    for byte in 0..<4 as Range<UInt8> { append(queue, byte, [1, 2, 3]) }
    #expect(queue.count == 12)
    var all: [UInt8] = []
    var counts: [[Int]] = []
    while let (spans, sizes) = queue.take() {
      #expect(spans.count == sizes.reduce(0, +))
      all += spans
      counts.append(sizes)
    }
    #expect(counts == [[1, 2, 3, 1], [2, 3, 1, 2], [3, 1, 2, 3]])
    #expect(all == (0..<4).flatMap { [UInt8](repeating: $0, count: 6) })
    #expect(queue.count == 0 && queue.dropped == 0)
  }

  @Test("what there is no room for is dropped and counted, an exchange at a time")
  func full() {
    let queue = SpanQueue()
    for byte in 0..<4 as Range<UInt8> { append(queue, byte, [1, 1, 1], ceiling: 10) }
    #expect(queue.count == 9 && queue.dropped == 3)
    // A smaller one still fits.
    append(queue, 9, [1], ceiling: 10)
    #expect(queue.count == 10)
    _ = queue.take()
    append(queue, 9, [1, 1, 1], ceiling: 10)
    #expect(queue.count == 9 && queue.dropped == 3)
  }

  @Test("so are bytes, whatever the number of spans")
  func bytes() {
    let queue = SpanQueue()
    let half = SpanQueue.byteCeiling / 2
    append(queue, 1, [half])
    append(queue, 2, [half])
    append(queue, 3, [1])
    #expect(queue.count == 2 && queue.dropped == 1)
    #expect(queue.abandon() == 2)
    append(queue, 3, [1])
    #expect(queue.count == 1 && queue.take()?.spans == [3])
    #expect(queue.take() == nil)
  }

  @Test("the first wakes, and half of what may wait")
  func waking() {
    let queue = SpanQueue()
    let count = Guarded(0)
    queue.onWork { count.withLock { $0 += 1 } }
    for expected in [1, 1, 1, 2, 2] {
      append(queue, 0, [1, 1], ceiling: 16)
      #expect(count.withLock { $0 } == expected)
    }
  }
}
