import Testing
import Wire

@Suite struct BlockPoolTests {
  private func fill(_ pool: BlockPool, _ count: Int) {
    // All are in use at once, and given back together.
    func nest(_ left: Int) {
      guard left > 0 else { return }
      var queue = ByteQueue(pool: pool)
      queue.append(UInt8(ascii: "a"))
      nest(left - 1)
      #expect(queue.count == 1)
    }
    nest(count)
  }

  @Test("as many blocks are kept as were in use at once since the last look, and never fewer than the floor")
  func keeps() {
    let pool = BlockPool(floor: 4)
    fill(pool, 3)
    #expect(!pool.isHigh)
    pool.settle()
    #expect(pool.gaveBack == 0)
    fill(pool, 20)
    #expect(pool.isHigh)
    // They were all needed since.
    pool.settle()
    #expect(pool.gaveBack == 0 && pool.isHigh)
    // Half of them were needed again, and then none.
    fill(pool, 10)
    pool.settle()
    #expect(pool.gaveBack == 10 * BlockPool.blockSize && pool.isHigh)
    pool.settle()
    #expect(pool.gaveBack == 16 * BlockPool.blockSize && !pool.isHigh)
    pool.settle()
    #expect(pool.gaveBack == 16 * BlockPool.blockSize)
  }

  @Test("what is in use is not counted as unused")
  func inUse() {
    let pool = BlockPool(floor: 2)
    var queue = ByteQueue(pool: pool)
    queue.append(UInt8(ascii: "a"))
    fill(pool, 9)
    pool.settle()
    #expect(pool.gaveBack == 0)
    pool.settle()
    #expect(pool.gaveBack == 7 * BlockPool.blockSize)
    #expect(queue.count == 1 && pool.held == BlockPool.blockSize)
  }

  @Test("memory beyond a block goes back at once, and is told of")
  func large() {
    let pool = BlockPool()
    do {
      var queue = ByteQueue(pool: pool)
      queue.append([UInt8](repeating: 1, count: 3 * BlockPool.blockSize).span)
      #expect(pool.gaveBack == 0)
    }
    #expect(pool.gaveBack >= 3 * BlockPool.blockSize)
  }

  @Test("what isn't always kept goes where others need the memory, and where a secret was found in it")
  func shrinks() {
    let pool = BlockPool(floor: 4)
    fill(pool, 20)
    #expect(pool.surplus == 16 * BlockPool.blockSize)
    pool.shrink()
    #expect(pool.surplus == 0 && pool.gaveBack == 16 * BlockPool.blockSize)
    fill(pool, 20)
    pool.wipe()
    #expect(pool.surplus == 0 && pool.gaveBack == 32 * BlockPool.blockSize)
  }
}
