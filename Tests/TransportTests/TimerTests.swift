// The heap of deadlines, with the time as a value.

import Testing

@testable import Transport

@Suite("Deadlines") struct TimerTests {
  private final class Bell: Timer {
    let name: Int
    init(_ name: Int) { self.name = name }
  }

  private static func at(_ time: UInt64) -> Instant { Instant(nanoseconds: time) }

  /// The names of those that fire until `time`.
  private static func fired(_ heap: inout TimerHeap, until time: UInt64) -> [Int] {
    var names: [Int] = []
    while let timer = heap.expired(at: at(time)) { names.append((timer as? Bell)?.name ?? -1) }
    return names
  }

  @Test("they fire in the order of their time, once")
  func order() {
    var heap = TimerHeap()
    let bells = (0..<5).map { Bell($0) }
    for (bell, time) in zip(bells, [30, 10, 50, 20, 40] as [UInt64]) { heap.arm(bell, at: Self.at(time)) }
    let next = heap.next
    #expect(next == Self.at(10))
    #expect(Self.fired(&heap, until: 9) == [])
    #expect(Self.fired(&heap, until: 30) == [1, 3, 0])
    #expect(Self.fired(&heap, until: 30) == [])
    #expect(Self.fired(&heap, until: .max) == [4, 2])
    let (count, never) = (heap.count, heap.next)
    #expect(count == 0 && never == .never)
  }

  @Test("one that is put off fires at its new time alone, and is looked at no later than that")
  func putOff() {
    var heap = TimerHeap()
    let bell = Bell(0)
    heap.arm(bell, at: Self.at(10))
    for time in [20, 30, 40] as [UInt64] { heap.arm(bell, at: Self.at(time)) }
    let count = heap.count
    #expect(count == 1 && bell.due == Self.at(40))
    #expect(Self.fired(&heap, until: 39) == [])
    let next = heap.next
    #expect(next == Self.at(40))
    #expect(Self.fired(&heap, until: 40) == [0])
    #expect(bell.due == .never)
  }

  @Test("one that is put forward fires at its new time")
  func putForward() {
    var heap = TimerHeap()
    let bells = [Bell(0), Bell(1)]
    heap.arm(bells[0], at: Self.at(100))
    heap.arm(bells[1], at: Self.at(50))
    heap.arm(bells[0], at: Self.at(10))
    #expect(Self.fired(&heap, until: 10) == [0])
    #expect(Self.fired(&heap, until: 100) == [1])
  }

  @Test("put off and then forward again, between its place and its time")
  func back() {
    var heap = TimerHeap()
    let bell = Bell(0)
    heap.arm(bell, at: Self.at(10))
    heap.arm(bell, at: Self.at(100))
    heap.arm(bell, at: Self.at(50))
    #expect(Self.fired(&heap, until: 49) == [])
    #expect(Self.fired(&heap, until: 50) == [0])
  }

  @Test("never is a time too: nothing fires, and the place is given up")
  func never() {
    var heap = TimerHeap()
    let bells = [Bell(0), Bell(1)]
    heap.arm(bells[0], at: .never)
    var count = heap.count
    #expect(count == 0)
    heap.arm(bells[0], at: Self.at(10))
    heap.arm(bells[1], at: Self.at(20))
    heap.arm(bells[0], at: .never)
    #expect(Self.fired(&heap, until: 1000) == [1])
    count = heap.count
    #expect(count == 0)
    heap.arm(bells[0], at: Self.at(2000))
    #expect(Self.fired(&heap, until: 2000) == [0])
  }

  @Test("one that is removed is forgotten at once, from every place")
  func removal() {
    for gone in 0..<7 {
      var heap = TimerHeap()
      let bells = (0..<7).map { Bell($0) }
      for bell in bells { heap.arm(bell, at: Self.at(UInt64(10 + bell.name))) }
      heap.remove(bells[gone])
      heap.remove(bells[gone])
      let count = heap.count
      #expect(count == 6 && bells[gone].due == .never)
      #expect(Self.fired(&heap, until: 100) == (0..<7).filter { $0 != gone })
    }
  }

  @Test("whatever is armed, put off and removed, each fires when it should")
  func random() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var heap = TimerHeap()
      let bells = (0..<20).map { Bell($0) }
      var wanted = [UInt64?](repeating: nil, count: bells.count)
      var now: UInt64 = 0
      for _ in 0..<300 {
        let bell = Int.random(in: 0..<bells.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
          heap.remove(bells[bell])
          wanted[bell] = nil
        case 1:
          now += UInt64.random(in: 0..<40, using: &generator)
          let due = wanted.indices.filter { wanted[$0].map { $0 <= now } ?? false }
          #expect(Set(Self.fired(&heap, until: now)) == Set(due))
          for index in due { wanted[index] = nil }
        default:
          let time = now + UInt64.random(in: 1..<100, using: &generator)
          heap.arm(bells[bell], at: Self.at(time))
          wanted[bell] = time
        }
        let (next, earliest) = (heap.next, wanted.compactMap { $0 }.min())
        #expect(earliest.map { next <= Self.at($0) } ?? true, "nobody would look in time")
      }
    }
  }
}
