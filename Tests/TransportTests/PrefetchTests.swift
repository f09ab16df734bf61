import Testing

@testable import Transport

@Suite struct PrefetchTests {
  private final class Thing {
    var values = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }

  private func lines(of thing: Thing) -> ClosedRange<UInt> {
    let start = unsafe UInt(bitPattern: Unmanaged.passUnretained(thing).toOpaque())
    // The allocator's blocks may be 24 bytes larger than they had to be: less than its smallest one isn't split off.
    return start & ~63...(start + 16 + 160 + 24 - 1) & ~63
  }

  @Test("every line that an object lies on is fetched, and no other")
  func lines() {
    let things = (0..<12).map { _ in Thing() }
    var ahead = Prefetch()
    for thing in things { ahead.add(thing) }
    for thing in things {
      // It is 176 bytes long: on three lines at least.
      let first = lines(of: thing).lowerBound
      #expect([first, first + 64, first + 128].allSatisfy { ahead.lines.contains($0) })
    }
    #expect(
      ahead.lines.allSatisfy { line in things.contains { lines(of: $0).contains(line) } && line % 64 == 0 })
  }

  @Test("what is no more is fetched without harm, and more objects than there is room for are left out")
  func gone() {
    var things = (0..<20).map { _ in Thing() }
    var ahead = Prefetch()
    for thing in things { ahead.add(thing) }
    let beyond = things.suffix(8).map { lines(of: $0).lowerBound }
    let within = Set(
      things.prefix(12).flatMap {
        stride(from: lines(of: $0).lowerBound, through: lines(of: $0).upperBound, by: 64)
      })
    #expect(!beyond.contains { ahead.lines.contains($0) && !within.contains($0) })
    things.removeAll()
    ahead.fetch()
    ahead.clear()
    #expect(ahead.lines.isEmpty)
  }
}
