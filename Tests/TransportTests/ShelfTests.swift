// A pool's decisions, with the time as a value.

import Testing
import Transport

@Suite("What a pool keeps") struct ShelfTests {
  private static func at(_ milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000) + Interval(milliseconds: milliseconds)
  }

  /// A minute for each, and room for four.
  private static func shelf(idle: UInt64 = 60_000, warm: Int = 0) -> Shelf<Int> {
    Shelf<Int>(idleTime: Interval(milliseconds: idle), warm: warm, ceiling: 4)
  }

  /// What came of a `take`: the item, negative where it is to be dropped.
  private static func took(_ step: Shelf<Int>.Step?) -> Int? {
    switch step {
    case .use(let item, _): item
    case .drop(let item): -item
    case nil: nil
    }
  }

  @Test("the one that was used last is used next")
  func lastFirst() {
    var shelf = Self.shelf()
    for item in 1...3 { _ = shelf.put(item, promise: nil, at: Self.at(UInt64(item))) }
    #expect(Self.took(shelf.take(.any, at: Self.at(10))) == 3)
    #expect(Self.took(shelf.take(.any, at: Self.at(10))) == 2)
    #expect(shelf.removeOldest() == 1)
    #expect(shelf.removeOldest() == nil && shelf.take(.any, at: Self.at(10)) == nil)
  }

  @Test(
    "what can't be sent again goes on what was just used, or on a new connection",
    arguments: [
      (Freshness.any, 0, true), (.any, 59_999, true), (.recent, 0, true), (.recent, 1000, true),
      (.recent, 1001, false), (.new, 0, false),
    ] as [(Freshness, UInt64, Bool)])
  func freshness(_ freshness: Freshness, _ age: UInt64, _ isUsed: Bool) {
    var shelf = Self.shelf()
    _ = shelf.put(1, promise: nil, at: Self.at(0))
    #expect((Self.took(shelf.take(freshness, at: Self.at(age))) == 1) == isUsed)
    #expect(shelf.count == (isUsed ? 0 : 1))
  }

  @Test("silence is made sure of where it was long", arguments: [(0, false), (1000, false), (1001, true)])
  func sureness(_ age: UInt64, _ isAsked: Bool) {
    var shelf = Self.shelf()
    _ = shelf.put(1, promise: nil, at: Self.at(0))
    guard case .use(1, let isLongUnused)? = shelf.take(.any, at: Self.at(age)) else {
      Issue.record("not used")
      return
    }
    #expect(isLongUnused == isAsked)
  }

  @Test(
    "an upstream's promise ends a second before it says, and never makes the time longer",
    arguments: [
      (nil, 60_000), (5, 4000), (2, 1000), (1, 500), (61, 60_000), (1000, 60_000), (Int.max, 60_000),
    ] as [(Int?, UInt64)])
  func promises(_ promise: Int?, _ end: UInt64) {
    var shelf = Self.shelf()
    #expect(shelf.put(1, promise: promise, at: Self.at(0)) == Self.at(end))
    #expect(shelf.next == Self.at(end))
    #expect(shelf.expired(at: Self.at(end - 1)) == [])
    #expect(shelf.expired(at: Self.at(end)) == [1])
    #expect(shelf.next == .never)
  }

  @Test("what the upstream has promised for no time isn't kept", arguments: [0, -1])
  func noPromise(_ promise: Int) {
    var shelf = Self.shelf()
    #expect(shelf.put(1, promise: promise, at: Self.at(0)) == nil)
    #expect(shelf.count == 0)
  }

  @Test("a promise that has ended is kept from use, however fresh the connection must be")
  func ended() {
    for freshness in [Freshness.any, .recent, .new] {
      var shelf = Self.shelf()
      _ = shelf.put(1, promise: nil, at: Self.at(0))
      _ = shelf.put(2, promise: 1, at: Self.at(100))
      #expect(Self.took(shelf.take(freshness, at: Self.at(600))) == -2)
      #expect(shelf.count == 1)
    }
  }

  @Test("no more are kept than the ceiling says, and none where the time is none")
  func ceilings() {
    var shelf = Self.shelf()
    for item in 1...4 { #expect(shelf.put(item, promise: nil, at: Self.at(0)) != nil) }
    #expect(shelf.put(5, promise: nil, at: Self.at(0)) == nil)
    var none = Self.shelf(idle: 0)
    #expect(none.put(1, promise: nil, at: Self.at(0)) == nil)
  }

  @Test("the warm ones outlive their time, but not the upstream's promise")
  func warm() {
    var shelf = Self.shelf(warm: 2)
    _ = shelf.put(1, promise: nil, at: Self.at(0))
    _ = shelf.put(2, promise: 120, at: Self.at(1))
    _ = shelf.put(3, promise: nil, at: Self.at(2))
    #expect(shelf.next == Self.at(60_000))
    #expect(shelf.expired(at: Self.at(70_000)) == [1])
    #expect(shelf.next == Self.at(119_001))
    #expect(shelf.expired(at: Self.at(119_001)) == [2])
    #expect(shelf.next == .never && shelf.expired(at: Self.at(999_999)) == [])
    #expect(shelf.removeAll() == [3] && shelf.count == 0)
  }

  @Test("one that has died goes alone")
  func removal() {
    var shelf = Self.shelf()
    for item in 1...3 { _ = shelf.put(item, promise: nil, at: Self.at(0)) }
    #expect(shelf.remove { $0 == 2 })
    #expect(!shelf.remove { $0 == 2 })
    #expect(shelf.removeAll() == [1, 3])
  }

  @Test("whatever happens, nothing is lost and nothing is given twice")
  func random() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var shelf = Shelf<Int>(idleTime: Interval(milliseconds: 3000), warm: Int.random(in: 0...2), ceiling: 8)
      var kept = Set<Int>()
      var now: UInt64 = 0
      for item in 0..<100 {
        now += UInt64.random(in: 0...900, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
          for gone in shelf.expired(at: Self.at(now)) { #expect(kept.remove(gone) != nil) }
          #expect(shelf.next > Self.at(now))
        case 1:
          if let gone = Self.took(shelf.take(.any, at: Self.at(now))) {
            #expect(kept.remove(abs(gone)) != nil)
          }
        default:
          let promise = Bool.random(using: &generator) ? nil : Int.random(in: 0...4, using: &generator)
          if shelf.put(item + 1, promise: promise, at: Self.at(now)) != nil { kept.insert(item + 1) }
        }
        #expect(shelf.count == kept.count)
      }
      #expect(Set(shelf.removeAll()) == kept)
    }
  }
}
