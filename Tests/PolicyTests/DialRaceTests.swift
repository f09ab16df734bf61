// Which targets are dialed beside a slow one, by the clock of the test.

import Testing

@testable import Policy

@Suite struct DialRaceTests {
  private static let start = 100 * Nanoseconds.second
  private static let ms: Nanoseconds = 1_000_000

  private func race(_ places: [Int], most: Int = 2, deadline: Nanoseconds = .max) -> DialRace {
    var others = Order()
    for place in places { others.append(place) }
    return DialRace(others, most: most, now: Self.start, deadline: deadline)
  }

  @Test("A connection that comes within a second has no rival")
  func quick() {
    var race = race([1, 2])
    #expect(race.due == Self.start + .second)
    #expect(race.turn(at: Self.start + 999 * Self.ms) == nil)
    #expect(race.winner == nil)
  }

  @Test("After a second the next target is dialed, after another one the next, in the plan's order")
  func oneByOne() {
    var race = race([3, 1, 2])
    #expect(race.turn(at: Self.start + .second) == 3)
    #expect(race.turn(at: Self.start + .second) == nil)
    #expect(race.due == Self.start + 2 * .second)
    let second = race.due
    #expect(race.turn(at: second) == 1)
    // No more than there are tries left.
    #expect(race.due == .max)
    #expect(race.turn(at: Self.start + 60 * .second) == nil)
  }

  @Test("The first that is up wins, and no other")
  func first() {
    var race = race([1, 2])
    _ = race.turn(at: race.due)
    _ = race.turn(at: race.due)
    let isFirst = race.connected(2, at: Self.start + 2100 * Self.ms)
    #expect(isFirst)
    let isSecond = race.connected(1, at: Self.start + 2200 * Self.ms)
    #expect(!isSecond)
    #expect(race.winner == 2 && race.due == .max)
  }

  @Test("One that can't be reached is not waited for: the next is dialed at once")
  func refused() {
    var race = race([1, 2])
    #expect(race.turn(at: Self.start + .second) == 1)
    race.failed(at: Self.start + 1001 * Self.ms)
    #expect(race.turn(at: Self.start + 1001 * Self.ms) == 2)
    race.failed(at: Self.start + 1002 * Self.ms)
    // All of them are dead: the dial that is under way goes on alone.
    #expect(race.turn(at: Self.start + 5 * .second) == nil)
    #expect(race.winner == nil)
  }

  @Test("Without a target, or without a try that is left, there is no race")
  func alone() {
    #expect(race([]).due == .max)
    #expect(race([1], most: 0).due == .max)
  }

  @Test("With less than a second before the client's time is over, no target is left for another")
  func late() {
    let deadline = Self.start + 2500 * Self.ms
    var begun = race([1, 2], deadline: deadline)
    #expect(begun.turn(at: Self.start + .second) == 1)
    let hasMoved = begun.connected(1, at: Self.start + 1600 * Self.ms)
    #expect(!hasMoved)
    #expect(begun.winner == nil)
    var unbegun = race([1, 2], deadline: Self.start + 1900 * Self.ms)
    #expect(unbegun.turn(at: Self.start + .second) == nil)
    #expect(unbegun.due == .max)
    var inTime = race([1, 2], deadline: deadline)
    _ = inTime.turn(at: Self.start + .second)
    let hasMovedInTime = inTime.connected(1, at: Self.start + 1500 * Self.ms)
    #expect(hasMovedInTime)
  }

  @Test("In whatever order things come, no target is dialed twice, and one wins at most")
  func anyOrder() {
    for seed in 0..<500 as Range<UInt64> {
      var random = Pick.mix(seed &+ 1)
      let count = Int(random % 5)
      let most = Int(random >> 8 % 5)
      var race = race(Array(0..<count), most: most)
      var now = Self.start
      var dialed: [Int] = []
      var wins = 0
      for _ in 0..<40 {
        random = Pick.mix(random)
        now += random % (2 * .second)
        while let place = race.turn(at: now) { dialed.append(place) }
        switch random >> 40 % 4 {
        case 0: race.failed(at: now)
        case 1: if let last = dialed.last, race.connected(last, at: now) { wins += 1 }
        default: break
        }
      }
      #expect(dialed == Array(0..<dialed.count) && dialed.count <= min(count, most))
      #expect(wins <= 1 && (wins == 1) == (race.winner != nil))
    }
  }
}
