// What follows on a failed try, over all targets of a request, by the clock of the test.

import Config
import Testing

@testable import Policy

/// Targets as a test wants them.
private struct Targets: Standings {
  var standings: [TargetStanding]
  var allowed = true
  var larger: Set<Int> = []

  init(_ count: Int) { standings = Array(repeating: .usable, count: count) }

  func standing(_ place: Int) -> TargetStanding { standings[place] }
  func mayRetry(_ place: Int, isRepeated: Bool) -> Bool { allowed }
  func couldRetry(_ place: Int) -> Bool { allowed }
  func takesMore(_ place: Int, than other: Int) -> Bool { larger.contains(place) }
}

@Suite struct RetriesTests {
  private static let ms: Nanoseconds = 1_000_000
  private static let start = 100 * Nanoseconds.second

  private func retries(
    _ targets: Int, attempts: Int = 3, prior: Int = 0, isRepeatable: Bool = true, isKept: Bool = true,
    deadline: Nanoseconds = .max, onFilter: Bool = false
  ) -> Retries {
    var retry = Retry()
    retry.attempts = attempts
    if onFilter { retry.fallbackOn = [.contentFilter] }
    return Retries(
      Order(first: targets), Retries.Rules(retry), prior: prior, isRepeatable: isRepeatable, isKept: isKept,
      now: Self.start, deadline: deadline)
  }

  private func next(
    _ retries: inout Retries, _ cls: FailureClass, at place: Int, _ targets: Targets,
    wait: Nanoseconds? = nil,
    shouldRetry: Bool? = nil, wasSent: Bool = true, now: Nanoseconds = RetriesTests.start,
    random: UInt64 = .max / 2
  ) -> Retries.Next {
    retries.next(
      Failure(cls, wait: wait, shouldRetry: shouldRetry, wasSent: wasSent), at: place, began: now, targets,
      now: now,
      random: random)
  }

  @Test(
    "Each class does what the table says: the same target, another one, neither",
    arguments: [
      (FailureClass.notSent, true, true), (.tls, false, true), (.silent, false, true), (.reset, true, true),
      (.overload, true, true), (.broken, false, true), (.rate, true, true), (.quota, false, true),
      (.auth, false, true),
      (.model, false, true),
      (.context, false, false), (.filter, false, false), (.caller, false, false), (.partial, false, false),
    ])
  func table(_ cls: FailureClass, _ same: Bool, _ other: Bool) {
    var one = retries(1)
    #expect(one.first(Targets(1)) == .call(0))
    switch next(&one, cls, at: 0, Targets(1)) {
    case .wait(_, 0), .call(0): #expect(same)
    case .stop: #expect(!same)
    case let step: Issue.record("\(step)")
    }
    var two = retries(2)
    #expect(two.first(Targets(2)) == .call(0))
    #expect(next(&two, cls, at: 0, Targets(2)) == (other ? .call(1) : .stop))
  }

  @Test("A context error moves on to targets that take more, and to no others")
  func context() {
    var targets = Targets(3)
    targets.larger = [2]
    var retries = retries(3)
    _ = retries.first(targets)
    #expect(next(&retries, .context, at: 0, targets) == .call(2))
    #expect(next(&retries, .context, at: 2, targets) == .stop)
  }

  @Test(
    "The target that was faster to take a connection is asked, whatever the order and however long that took")
  func faster() {
    var targets = Targets(3)
    let failure = Failure(.notSent, wasSent: false)
    let deadline = Self.start + 4 * .second
    func next(_ faster: Int?, after milliseconds: Nanoseconds, _ targets: Targets) -> Retries.Next {
      var retries = retries(3, deadline: deadline)
      _ = retries.first(targets)
      return retries.next(
        failure, at: 0, began: Self.start, faster: faster, targets, now: Self.start + milliseconds * Self.ms,
        random: 0)
    }
    #expect(next(2, after: 1100, targets) == .call(2))
    #expect(next(nil, after: 1100, targets) == .call(1))
    #expect(next(2, after: 2500, targets) == .call(2) && next(nil, after: 2500, targets) == .stop)
    #expect(next(2, after: 3500, targets) == .stop)
    targets.standings[2] = .open(until: .max)
    #expect(next(2, after: 1100, targets) == .call(1))
  }

  @Test("Targets that were asked, that are left alone, or that may not be asked now are no rivals")
  func rivals() {
    var targets = Targets(4)
    targets.standings[2] = .cooling(.rate, until: .max)
    var four = retries(4)
    _ = four.first(targets)
    let others = four.others(targets)
    #expect((0..<others.count).map { others[$0] } == [1, 3] && four.left == 2)
    targets.allowed = false
    #expect(four.others(targets).count == 0)
    var last = retries(4, attempts: 1)
    _ = last.first(Targets(4))
    #expect(last.others(Targets(4)).count == 0 && last.left == 0)
    var sent = retries(4, isKept: false)
    _ = sent.first(Targets(4))
    #expect(sent.others(Targets(4)).count == 0)
  }

  @Test("A filter's word moves on only where that is wanted")
  func filter() {
    var retries = retries(2, onFilter: true)
    _ = retries.first(Targets(2))
    #expect(next(&retries, .filter, at: 0, Targets(2)) == .call(1))
  }

  @Test("Never more tries than allowed, whatever fails and however many targets there are")
  func bound() {
    for targets in [1, 2, 3, 5] {
      for attempts in 1...5 {
        for prior in 0...5 {
          for seed in 0..<200 as Range<UInt64> {
            let field = Targets(targets)
            var retries = retries(targets, attempts: attempts, prior: prior)
            var tries = 0
            guard case .call(var place) = retries.first(field) else {
              #expect(prior >= attempts && attempts > 1)
              continue
            }
            tries = 1
            var unsaid = 0
            var random = Pick.mix(seed &+ 1)
            var now = Self.start
            loop: while true {
              random = Pick.mix(random)
              let cls = FailureClass(rawValue: UInt8(random % 15)) ?? .overload
              if cls == .unsaid { unsaid += 1 }
              switch next(&retries, cls, at: place, field, now: now, random: random) {
              case .call(let next): place = next
              case .wait(let until, let next):
                #expect(until > now && until - now <= 4 * .second)
                now = until
                place = next
              case .stop: break loop
              }
              tries += 1
            }
            // What a target can't be told was no try, and it isn't asked again.
            #expect(tries - unsaid <= max(1, attempts - prior) && unsaid <= targets)
          }
        }
      }
    }
  }

  @Test("An SDK that has had its tries gets none, and is told so")
  func spent() {
    var retries = retries(2, prior: 3)
    #expect(retries.first(Targets(2)) == .spent)
    #expect(retries.shouldRetry(.overload, wait: nil) == false)
  }

  @Test("An SDK's later calls have what is left", arguments: [(0, 3), (1, 2), (2, 1)])
  func left(_ prior: Int, _ tries: Int) {
    var retries = retries(1, prior: prior)
    _ = retries.first(Targets(1))
    var count = 1
    while case .wait = next(&retries, .overload, at: 0, Targets(1)) { count += 1 }
    #expect(count == tries)
  }

  @Test("Pauses double under full jitter, never under 25 ms, never over max_backoff")
  func pauses() {
    var longest: [Nanoseconds] = [0, 0, 0, 0, 0, 0]
    for seed in 1...500 as ClosedRange<UInt64> {
      var retries = retries(1, attempts: 7)
      _ = retries.first(Targets(1))
      for round in 0..<6 {
        guard
          case .wait(let until, 0) = next(
            &retries, .overload, at: 0, Targets(1), random: Pick.mix(seed &* 7 &+ UInt64(round)))
        else {
          Issue.record("no pause")
          return
        }
        let pause = until - Self.start
        #expect(pause >= 25 * Self.ms && pause <= min(250 << UInt64(round), 4000) * Self.ms)
        longest[round] = max(longest[round], pause)
      }
    }
    for round in 0..<6 { #expect(longest[round] > min(250 << UInt64(round), 4000) * Self.ms * 9 / 10) }
  }

  @Test(
    "A limit's own wait is kept where it fits, and else is the client's",
    arguments: [
      (Nanoseconds(0), true), (100_000_000, true), (4_000_000_000, true), (4_000_000_001, false),
      (60_000_000_000, false),
      (.max, false),
    ])
  func hints(_ wait: Nanoseconds, _ waits: Bool) {
    var retries = retries(1)
    _ = retries.first(Targets(1))
    let step = next(&retries, .rate, at: 0, Targets(1), wait: wait)
    #expect(step == (waits ? .wait(until: Self.start + max(wait, 25 * Self.ms), 0) : .stop))
  }

  @Test("A limit without a word is waited for about a second, not a quarter of one")
  func unsaid() {
    for random in [0, 1, .max / 3, .max] as [UInt64] {
      var retries = retries(1)
      _ = retries.first(Targets(1))
      guard case .wait(let until, 0) = next(&retries, .rate, at: 0, Targets(1), random: random) else {
        Issue.record("no pause")
        return
      }
      #expect((500...1000).contains((until - Self.start) / Self.ms))
    }
  }

  @Test("Where another target is usable nothing waits")
  func others() {
    var retries = retries(3)
    _ = retries.first(Targets(3))
    #expect(next(&retries, .rate, at: 0, Targets(3), wait: 100 * Self.ms) == .call(1))
    #expect(next(&retries, .overload, at: 1, Targets(3)) == .call(2))
  }

  @Test("With all targets tried, the first that may be asked again is waited for")
  func around() {
    var retries = retries(2)
    _ = retries.first(Targets(2))
    #expect(next(&retries, .overload, at: 0, Targets(2)) == .call(1))
    guard case .wait(_, 0) = next(&retries, .auth, at: 1, Targets(2)) else {
      Issue.record("the first target was not asked again")
      return
    }
  }

  @Test("The upstream's x-should-retry forbids the same target, and no other one")
  func told() {
    var one = retries(1)
    _ = one.first(Targets(1))
    #expect(next(&one, .overload, at: 0, Targets(1), shouldRetry: false) == .stop)
    var two = retries(2)
    _ = two.first(Targets(2))
    #expect(next(&two, .overload, at: 0, Targets(2), shouldRetry: false) == .call(1))
    var caller = retries(1)
    _ = caller.first(Targets(1))
    guard case .wait = next(&caller, .caller, at: 0, Targets(1), shouldRetry: true) else {
      Issue.record("not repeated")
      return
    }
    #expect(next(&caller, .caller, at: 0, Targets(1), shouldRetry: true) == .stop)
  }

  @Test("What can't go out again doesn't, unless it never went out")
  func repeatable() {
    var sent = retries(2, isRepeatable: false)
    _ = sent.first(Targets(2))
    #expect(next(&sent, .overload, at: 0, Targets(2)) == .stop)
    var unsent = retries(2, isRepeatable: false)
    _ = unsent.first(Targets(2))
    #expect(next(&unsent, .notSent, at: 0, Targets(2), wasSent: false) == .call(1))
    var gone = retries(2, isRepeatable: false, isKept: false)
    _ = gone.first(Targets(2))
    #expect(next(&gone, .notSent, at: 0, Targets(2), wasSent: false) == .stop)
  }

  @Test("A reset is repeated once")
  func reset() {
    var retries = retries(1, attempts: 5)
    _ = retries.first(Targets(1))
    if case .stop = next(&retries, .reset, at: 0, Targets(1)) { Issue.record("not repeated") }
    #expect(next(&retries, .reset, at: 0, Targets(1)) == .stop)
  }

  @Test("Nothing begins with less than a second left, nor after a try that took half of the time")
  func deadline() {
    let end = Self.start + 10 * .second
    var late = retries(2, deadline: end)
    _ = late.first(Targets(2))
    #expect(next(&late, .overload, at: 0, Targets(2), now: end - 999 * Self.ms) == .stop)
    var slow = retries(2, deadline: end)
    _ = slow.first(Targets(2))
    let step = slow.next(
      Failure(.overload), at: 0, began: Self.start, Targets(2), now: Self.start + 6 * .second, random: 1)
    #expect(step == .stop)
    var soon = retries(1, deadline: Self.start + 3 * .second)
    _ = soon.first(Targets(1))
    #expect(next(&soon, .rate, at: 0, Targets(1), wait: 3 * .second) == .stop)
  }

  @Test("The first usable target is asked; without one, the nearest gets one try")
  func desperate() {
    var targets = Targets(3)
    targets.standings = [.open(until: 300 * .second), .usable, .usable]
    var retries = retries(3)
    #expect(retries.first(targets) == .call(1))
    targets.standings = [
      .open(until: 300 * .second), .open(until: 200 * .second), .cooling(.rate, until: 150 * .second),
    ]
    retries = self.retries(3)
    #expect(retries.first(targets) == .call(1))
    #expect(next(&retries, .overload, at: 1, targets) == .stop)
  }

  @Test(
    "Where all are left alone for their limits, nothing is asked, and the client is told the shortest wait")
  func cooling() {
    var targets = Targets(2)
    targets.standings = [.cooling(.quota, until: 300 * .second), .cooling(.rate, until: 105 * .second)]
    var retries = retries(2)
    #expect(retries.first(targets) == .refuse(.rate, until: 105 * .second))
    #expect(retries.used == 0)
    targets.standings = [.cooling(.auth, until: 300 * .second)]
    retries = self.retries(1)
    #expect(retries.first(targets) == .call(0))
  }

  @Test("Without budget the first failure is the answer")
  func budget() {
    var targets = Targets(2)
    targets.allowed = false
    var retries = retries(2)
    _ = retries.first(targets)
    #expect(next(&retries, .overload, at: 0, targets) == .stop)
  }

  @Test(
    "What SDKs are told at the end",
    arguments: [
      (FailureClass.overload, 1, Int?.none, Bool?.none), (.overload, 3, nil, false), (.rate, 1, 20, nil),
      (.rate, 1, 61, false),
      (.quota, 1, nil, false), (.context, 1, nil, false), (.caller, 1, nil, false), (.filter, 1, nil, false),
    ])
  func words(_ cls: FailureClass, _ used: Int, _ wait: Int?, _ expected: Bool?) {
    var retries = retries(used)
    _ = retries.first(Targets(used))
    for place in 0..<used - 1 { _ = next(&retries, .overload, at: place, Targets(used)) }
    #expect(retries.used == used)
    #expect(retries.shouldRetry(cls, wait: wait) == expected)
    let transparent = self.retries(1, attempts: 1)
    #expect(transparent.shouldRetry(cls, wait: wait) == nil)
  }
}
