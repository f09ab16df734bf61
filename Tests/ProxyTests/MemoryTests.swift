import Testing

@testable import Proxy

@Suite struct MemoryTests {
  private static let mebi = 1 << 20

  @Test("the configuration goes before the container's limit, and that before the usual")
  func budgets() {
    func budget(_ wanted: Int?, _ quota: Int?, workers: Int = 1) -> Int {
      MemoryBudget(wanted, quota: quota, workers: workers).bytes
    }
    #expect(budget(128 * Self.mebi, 64 * Self.mebi) == 112 * Self.mebi)
    #expect(budget(nil, 160 * Self.mebi) == 112 * Self.mebi)
    #expect(budget(nil, nil) == 496 * Self.mebi)
    #expect(budget(nil, nil, workers: 4) == 124 * Self.mebi)
    #expect(budget(0, 64 * Self.mebi) == .max)
    // However small the container is, something is served.
    #expect(budget(nil, Self.mebi) == Ceiling.leastMemory)
    #expect(budget(nil, 1, workers: 0) == Ceiling.leastMemory)
  }
}
