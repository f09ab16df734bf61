import Testing
import Wire

@Suite struct ByteQueueTests {
  @Test("bytes leave in the order in which they came, across growth and compaction")
  func order() {
    var queue = ByteQueue(pool: BlockPool(floor: 2))
    var expected: [UInt8] = []
    var seed: UInt64 = 42
    for _ in 0..<2_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1
      let size = Int(seed >> 33) % 900
      let piece = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ size) }
      queue.append(piece.span)
      expected += piece
      let taken = min(expected.count, Int(seed >> 40) % 1_000)
      #expect(queue.bytes.extracting(0..<taken).array() == Array(expected[..<taken]))
      queue.consume(taken)
      expected.removeFirst(taken)
    }
    #expect(queue.array() == expected)
  }

  @Test("a queue takes another's bytes, all or a range, and leaves them there")
  func wholeQueues() {
    var source = ByteQueue()
    source.append(" \r\n\tabc")
    var queue = ByteQueue(pool: BlockPool())
    queue.append(source)
    queue.append(source, 4..<6)
    queue.append(ByteQueue())
    #expect(queue.text() == " \r\n\tabcab")
    #expect(queue.consumeBlanks() == 4)
    #expect(queue.consumeBlanks() == 0)
    #expect(queue.text() == "abcab")
    #expect(queue[2] == UInt8(ascii: "c"))
    #expect(source.consumeBlanks() == 4)
    let isOther = queue.equals(source)
    #expect(!isOther)
    queue.truncate(to: 3)
    let isSame = queue.equals(source)
    #expect(isSame)
    queue.consume(3)
    queue.append("  ")
    #expect(queue.consumeBlanks() == 2)
    let isEmpty = queue.isEmpty
    #expect(isEmpty)
  }

  @Test("a chunk is framed in its place, whatever waits before it", arguments: [0, 1, 3, 9000])
  func chunks(_ waiting: Int) {
    for size in [0, 1, 15, 16, 255, 256, 4095, 4096, 65_535, 65_536, 1_048_576] {
      var queue = ByteQueue(pool: BlockPool())
      var framed = ByteQueue()
      let before = [UInt8](repeating: 120, count: waiting)
      queue.append(before.span)
      framed.append(before.span)
      let piece = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      let start = queue.beginChunk()
      // As it is made: in parts.
      queue.append(piece.span.extracting(0..<size / 2))
      queue.append(piece.span.extracting(size / 2..<size))
      #expect(queue.endChunk(start) == size)
      HeadWriter.chunk(piece.span, to: &framed)
      #expect(queue.array() == framed.array())
      queue.consume(min(2, queue.count))
      queue.append(before.span)
      #expect(queue.count == max(framed.count - 2, 0) + waiting)
    }
  }

  @Test(
    "numbers are written as a person would",
    arguments: [
      0, 7, 9, 10, 99, 100, 4096, 9999, 10_000, 10_005, 99_999_999, 100_000_000, 100_000_001, 1_700_000_000,
      9_999_999_999_999_999, 10_000_000_000_000_000, -1, Int.max, Int.min,
    ])
  func decimals(_ value: Int) {
    var queue = ByteQueue()
    queue.append(decimal: value)
    #expect(queue.bytes.text() == String(value))
  }

  @Test("numbers of every length are written as a person would")
  func everyDecimal() {
    var seed: UInt64 = 7
    var queue = ByteQueue()
    for round in 0..<5_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1
      let value = round < 1_200 ? round : Int(seed >> 1) >> (round % 63)
      queue.append(decimal: value)
      let isSame = queue.bytes.text() == String(value)
      #expect(isSame)
      queue.clear()
    }
  }

  @Test("hexadecimal numbers have no leading zero", arguments: [0, 15, 16, 255, 65_536])
  func hexadecimals(_ value: Int) {
    var queue = ByteQueue()
    queue.append(hexadecimal: value)
    #expect(queue.bytes.text() == String(value, radix: 16))
  }

  @Test("a stock knows what its queues hold, in blocks and beyond")
  func held() {
    let pool = BlockPool()
    do {
      var queue = ByteQueue(pool: pool)
      #expect(pool.held == 0)
      queue.append(UInt8(ascii: "a"))
      #expect(pool.held == BlockPool.blockSize)
      queue.append([UInt8](repeating: 1, count: BlockPool.blockSize))
      let large = pool.held
      #expect(large > BlockPool.blockSize && large < 4 * BlockPool.blockSize)
      #expect(queue.count + queue.room == large)
      var other = ByteQueue(pool: pool)
      other.append("b")
      #expect(pool.held == large + BlockPool.blockSize)
      other.consume(1)
      #expect(pool.held == large)
      other.append("c")
    }
    #expect(pool.held == 0)
  }

  @Test("a block that held a secret comes back empty of it")
  func secret() {
    let pool = BlockPool()
    var queue = ByteQueue(pool: pool)
    queue.append("keep ")
    queue.append(secret: Array("quiet".utf8).span)
    queue.consume(4)
    queue.removeAll()
    // The same block again: what is behind the tail is what was left there.
    _ = unsafe queue.spare(16)
    queue.commit(10)
    #expect(queue.array() == [UInt8](repeating: 0, count: 10))
  }

  @Test(
    "a block that is found to hold a secret comes back empty of it, and so does one that nobody has any more")
  func foundSecret() {
    let pool = BlockPool()
    var queue = ByteQueue(pool: pool)
    queue.append("quiet")
    queue.holdsSecret()
    queue.removeAll()
    _ = unsafe queue.spare(16)
    queue.commit(5)
    #expect(queue.array() == [0, 0, 0, 0, 0])
    queue.clear()
    queue.append("quiet")
    queue.removeAll()
    pool.wipe()
    _ = unsafe queue.spare(16)
    queue.commit(5)
    #expect(queue.array() == [0, 0, 0, 0, 0])
  }

  @Test("a secret that moved is overwritten where it was, and where it went")
  func movedSecret() {
    let pool = BlockPool()
    var queue = ByteQueue(pool: pool)
    let filler = [UInt8](repeating: 0x78, count: BlockPool.blockSize - 100)
    queue.append(filler)
    queue.append(secret: Array("quiet".utf8).span)
    // To the front of the same block, because what is asked for doesn't fit behind it.
    queue.consume(filler.count)
    queue.reserve(200)
    queue.removeAll()
    _ = unsafe queue.spare(BlockPool.blockSize)
    queue.commit(BlockPool.blockSize - 90)
    #expect(queue.array() == [UInt8](repeating: 0, count: BlockPool.blockSize - 95) + queue.array().suffix(5))
    queue.removeAll()
    // And to a larger one: both are overwritten, of which the pool's can be seen.
    queue.append("12")
    queue.append(secret: Array("345".utf8).span)
    queue.reserve(BlockPool.blockSize)
    queue.removeAll()
    _ = unsafe queue.spare(16)
    queue.commit(5)
    #expect(queue.array() == [UInt8](repeating: 0, count: 5))
  }

  @Test(
    "a word is sixteen hexadecimal digits",
    arguments: [
      (0, "0000000000000000"), (0x0123_4567_89AB_CDEF, "0123456789abcdef"), (UInt64.max, "ffffffffffffffff"),
    ])
  func words(_ word: UInt64, _ text: String) {
    var queue = ByteQueue()
    queue.append(ASCII.space)
    queue.append(hexadecimalWord: word)
    #expect(queue.bytes.text() == " " + text)
  }

  @Test(
    "bytes are taken over up to a backslash, wherever it stands",
    arguments: [0, 1, 15, 16, 17, 31, 32, 33, 70])
  func upToBackslash(_ count: Int) {
    let plain = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    for place in 0...count {
      for from in 0...place {
        var queue = ByteQueue()
        queue.append("xy")
        let text = plain[..<place] + (place < count ? [ASCII.backslash] + plain[place...] : [])
        let end = queue.append(Array(text).span, upToBackslashFrom: from)
        #expect(end == place)
        queue.append(ASCII.lf)
        #expect(queue.array() == Array("xy".utf8) + plain[from..<place] + [ASCII.lf])
      }
    }
  }
}
