import Testing
import Wire

@Suite("A value behind a lock") struct GuardedTests {
  private final class Shared: Sendable {
    let numbers = Guarded<[Int]>([])
  }

  /// Long enough that tasks on different threads wait for each other: the thread sanitizer must see that they do.
  @Test("whoever waits sees what was done meanwhile")
  func contended() async {
    let shared = Shared()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for number in 0..<2000 { shared.numbers.withLock { $0.append(number) } } }
      }
    }
    let numbers = shared.numbers.withLock { $0 }
    #expect(numbers.count == 8000)
    #expect(numbers.sorted() == (0..<8000).map { $0 / 4 })
  }
}
