import Testing

@testable import Transport

@Suite struct PrefetchTests {
  private final class Thing {
    var values = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }

  @Test("what is no more is fetched without harm, and more objects than there is room for are left out")
  func gone() {
    var ahead = Prefetch()
    ahead.fetch()
    for _ in 0..<20 { ahead.add(Thing()) }
    ahead.fetch()
    ahead.clear()
    ahead.fetch()
  }

  @Test("every line that an object lies on is fetched, and no other")
  func lines() {
    let things = (0..<12).map { _ in Thing() }
    var ahead = Prefetch()
    for thing in things { ahead.add(thing) }
    let fetched = Set(ahead.lines)
    for thing in things {
      let start = unsafe UInt(bitPattern: Unmanaged.passUnretained(thing).toOpaque())
      #expect(fetched.contains(start & ~63))
      #expect(fetched.contains((start + 16 + 160 - 1) & ~63))
    }
    #expect(fetched.allSatisfy { line in line % 64 == 0 })
    #expect(fetched.count <= 12 * 4)
  }
}
