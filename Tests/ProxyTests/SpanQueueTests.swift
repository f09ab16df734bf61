import Testing
import Wire

@testable import Proxy

@Suite("SpanQueue") struct SpanQueueTests {
  /// Spans of so many bytes each, all the same.
  private func append(_ queue: SpanQueue, _ byte: UInt8, _ sizes: [Int], ceiling: Int = 100, batch: Int = 4) {
    let spans = sizes.flatMap { Self.span(byte, $0) }
    queue.append(spans.span, sizes.count, ceiling: ceiling, batch: batch)
  }

  /// As an encoder frames it.
  private static func span(_ byte: UInt8, _ size: Int) -> [UInt8] {
    [0x12, UInt8(size & 0x7F) | 0x80, UInt8(size >> 7)] + [UInt8](repeating: byte, count: size)
  }

  private static func bytes(_ batch: SpanBatch) -> [UInt8] {
    batch.spans.array()
  }

  @Test("spans come out in their order, in batches of at most so many")
  func batches() {
    let queue = SpanQueue()
    for byte in 0..<4 as Range<UInt8> { append(queue, byte, [1, 200, 3]) }
    #expect(queue.count == 12)
    var batches: [[UInt8]] = []
    while let batch = queue.take() {
      #expect(batch.count == 4)
      batches.append(Self.bytes(batch))
    }
    let all = (0..<4 as Range<UInt8>).flatMap { byte in [1, 200, 3].map { Self.span(byte, $0) } }
    #expect(batches == [0, 4, 8].map { Array(all[$0..<$0 + 4].joined()) })
    #expect(queue.count == 0 && queue.dropped == 0)
  }

  @Test("what there is no room for is dropped and counted, an exchange at a time")
  func full() throws {
    let queue = SpanQueue()
    for byte in 0..<4 as Range<UInt8> { append(queue, byte, [1, 1, 1], ceiling: 10) }
    #expect(queue.count == 9 && queue.dropped == 3)
    // A smaller one still fits.
    append(queue, 9, [1], ceiling: 10)
    #expect(queue.count == 10)
    // What was taken out still lies in memory.
    let batch = try #require(queue.take())
    append(queue, 9, [1, 1, 1], ceiling: 10)
    #expect(queue.count == 6 && queue.dropped == 6 && queue.isFull)
    queue.release(batch)
    append(queue, 9, [1, 1, 1], ceiling: 10)
    #expect(queue.count == 9 && queue.dropped == 6 && !queue.isFull)
  }

  @Test("half of what may wait does, though a batch as large as the queue is under way")
  func halfWaits() throws {
    let queue = SpanQueue()
    for byte in 0..<8 as Range<UInt8> { append(queue, byte, [1], ceiling: 8, batch: 8) }
    let batch = try #require(queue.take())
    for byte in 0..<5 as Range<UInt8> { append(queue, byte, [1], ceiling: 8, batch: 8) }
    #expect(batch.count == 8 && queue.count == 4 && queue.dropped == 1)
    #expect(queue.isFull)
  }

  @Test("a queue is full where the batch under way leaves no room, not for what never finds any")
  func fullness() throws {
    let queue = SpanQueue()
    append(queue, 0, [1, 1], ceiling: 2, batch: 2)
    _ = try #require(queue.take())
    append(queue, 1, [1, 1, 1], ceiling: 2, batch: 2)
    #expect(queue.dropped == 3 && !queue.isFull)
    append(queue, 1, [1, 1], ceiling: 2, batch: 2)
    #expect(queue.dropped == 5 && queue.isFull)
  }

  @Test("so are bytes, whatever the number of spans")
  func bytes() {
    let queue = SpanQueue()
    // 2,048 of 1,024 bytes with their frames.
    let many = SpanQueue.byteCeiling / 1024
    for _ in 0..<many { append(queue, 1, [1021], ceiling: .max, batch: 512) }
    append(queue, 3, [1], ceiling: .max)
    #expect(queue.count == many && queue.dropped == 1)
    #expect(queue.abandon() == many)
    append(queue, 3, [1])
    #expect(queue.count == 1 && queue.take().map(Self.bytes) == Self.span(3, 1))
    #expect(queue.take() == nil)
  }

  @Test("what is under way counts until it is over")
  func underWay() throws {
    let queue = SpanQueue()
    let many = SpanQueue.byteCeiling / 1024
    for _ in 0..<many { append(queue, 1, [1021], ceiling: .max, batch: 512) }
    let batch = try #require(queue.take())
    append(queue, 3, [1], ceiling: .max)
    #expect(queue.count == many - 512 && queue.dropped == 1)
    queue.release(batch)
    append(queue, 3, [1], ceiling: .max)
    #expect(queue.count == many - 511 && queue.dropped == 1)
    // Nor is it forgotten where all that waits is.
    let next = try #require(queue.take())
    _ = queue.abandon()
    for _ in 0..<many { append(queue, 1, [1021], ceiling: .max, batch: 512) }
    #expect(queue.count == many - next.count && queue.dropped == 1 + next.count)
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
