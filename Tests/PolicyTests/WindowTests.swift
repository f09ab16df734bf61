import Testing

@testable import Policy

/// Whole seconds of the virtual clock, far from its beginning, as on a machine that has been up for a while.
private func at(_ seconds: Double) -> UInt64 { UInt64((1_000_000 + seconds) * 1e9) }

@Suite("Window")
struct WindowTests {
  @Test("all of a limit may come at once, and then nothing for a minute")
  func burst() {
    var window = Window()
    window.advance(to: at(0.5))
    for _ in 0..<60 {
      #expect(window.wait(for: 1, under: 60, at: at(0.5)) == 0)
      window.add(1)
    }
    #expect(window.wait(for: 1, under: 60, at: at(0.5)) == 60_500_000_000)
    window.advance(to: at(60.999))
    #expect(window.wait(for: 1, under: 60, at: at(60.999)) == 1_000_000)
    window.advance(to: at(61))
    #expect(window.wait(for: 1, under: 60, at: at(61)) == 0)
    #expect(window.sum == 0)
  }

  @Test("the wait is until this need fits, and no longer")
  func waits() {
    var window = Window()
    for (second, amount) in [(0.0, 10), (10.0, 20), (20.0, 30)] as [(Double, UInt64)] {
      window.advance(to: at(second))
      window.add(amount)
    }
    let now = at(20.25)
    window.advance(to: now)
    #expect(window.sum == 60)
    #expect(window.wait(for: 40, under: 100, at: now) == 0)
    #expect(window.wait(for: 41, under: 100, at: now) == at(61) - now)
    #expect(window.wait(for: 50, under: 100, at: now) == at(61) - now)
    #expect(window.wait(for: 51, under: 100, at: now) == at(71) - now)
    #expect(window.wait(for: 100, under: 100, at: now) == at(81) - now)
    #expect(window.timeToEmpty(at: now) == at(81) - now)
  }

  @Test("corrections stay in their second while it is here, and what is more counts now when it is gone")
  func corrections() {
    var window = Window()
    window.advance(to: at(0))
    window.add(50)
    let second = window.head
    window.advance(to: at(30))
    window.correct(in: second, from: 50, to: 20)
    #expect(window.sum == 20)
    window.correct(in: second, from: 20, to: 25)
    window.advance(to: at(60.9))
    #expect(window.sum == 25)
    window.advance(to: at(61))
    #expect(window.sum == 0)
    window.correct(in: second, from: 25, to: 10)
    #expect(window.sum == 0)
    window.correct(in: second, from: 25, to: 125)
    #expect(window.sum == 100)
    #expect(window.timeToEmpty(at: at(61)) == 61_000_000_000)
  }

  @Test("a machine that slept begins anew, and a clock that is behind is waited for")
  func jumps() {
    var window = Window()
    window.advance(to: at(100))
    window.add(7)
    window.advance(to: at(99))
    #expect(window.head == 1_000_100 && window.sum == 7)
    window.advance(to: at(100_000))
    #expect(window.sum == 0)
  }

  @Test("absurd amounts neither trap nor become small ones")
  func absurd() {
    var window = Window()
    window.advance(to: at(0))
    window.add(.max)
    window.add(.max)
    #expect(window.sum == .max)
    #expect(window.wait(for: 1, under: .max, at: at(0)) > 0)
    window.correct(in: window.head, from: .max, to: 0)
    #expect(window.sum == 0)
    #expect(window.wait(for: 5, under: 4, at: at(0)) == 60_000_000_000)
  }

  /// Against a list of every event, which is summed up for each question.
  @Test("a hundred thousand random events agree with a list of them all", arguments: [1, 2, 3] as [UInt64])
  func oracle(seed: UInt64) {
    var random = Random(seed)
    var window = Window()
    var events: [(time: UInt64, second: UInt64, amount: UInt64)] = []
    var now = at(0)
    let limit: UInt64 = 1000
    var oldest = 0
    for _ in 0..<40_000 {
      now += random.below(3) == 0 ? random.below(2_000_000_000) : random.below(20_000_000)
      window.advance(to: now)
      let second = now / 1_000_000_000
      while oldest < events.count, second - events[oldest].second > 60 { oldest += 1 }
      let sum = events[oldest...].reduce(0) { $0 + $1.amount }
      #expect(window.sum == sum)
      let need = random.below(120)
      if random.below(4) == 0, oldest < events.count {
        // A request that began in the past ends: it took less than was promised.
        let place = oldest + Int(random.below(UInt64(events.count - oldest)))
        let less = events[place].amount / 2
        window.correct(in: events[place].second, from: events[place].amount, to: less)
        events[place].amount = less
      } else if window.wait(for: need, under: limit, at: now) == 0 {
        window.add(need)
        events.append((now, second, need))
        #expect(sum + need <= limit)
        // And no span of sixty seconds that ends now has more than the limit.
        let since = now - 60_000_000_000
        let inSpan = events[oldest...].reduce(0) { $0 + ($1.time > since ? $1.amount : 0) }
        #expect(inSpan <= limit)
      } else {
        #expect(sum + need > limit)
      }
    }
  }
}

/// SplitMix64: the same numbers for the same seed.
struct Random {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func below(_ ceiling: UInt64) -> UInt64 { next() % max(ceiling, 1) }
}
