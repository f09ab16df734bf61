// Circuits, cooling and the budget of tries, by the clock of the test.

import Config
import Testing

@testable import Policy

@Suite struct CircuitTests {
  private static let second = Nanoseconds.second

  private func fail(_ circuit: inout Circuit, at now: Nanoseconds, mayOpen: Bool = true) {
    _ = circuit.admits(at: now)
    let epoch = circuit.epoch
    circuit.begin(at: now)
    circuit.end(true, epoch: epoch, mayOpen: mayOpen, jitter: 0, at: now)
  }

  private func succeed(_ circuit: inout Circuit, at now: Nanoseconds) {
    _ = circuit.admits(at: now)
    let epoch = circuit.epoch
    circuit.begin(at: now)
    circuit.end(false, epoch: epoch, mayOpen: true, jitter: 0, at: now)
  }

  @Test("Five failures in a row open it, four and a success don't")
  func inARow() {
    var circuit = Circuit()
    for _ in 0..<4 { fail(&circuit, at: 100 * Self.second) }
    succeed(&circuit, at: 100 * Self.second)
    for _ in 0..<4 { fail(&circuit, at: 100 * Self.second) }
    #expect(circuit.state == .closed)
    fail(&circuit, at: 100 * Self.second)
    #expect(circuit.state == .open)
    let early = circuit.admits(at: 102 * Self.second - 1)
    let late = circuit.admits(at: 102 * Self.second)
    #expect(!early && late)
  }

  @Test("Half of twenty open it, half of nineteen don't, and what is long ago doesn't count")
  func share() {
    var circuit = Circuit()
    for index in 0..<19 {
      if index % 2 == 0 {
        succeed(&circuit, at: 100 * Self.second)
      } else {
        fail(&circuit, at: 100 * Self.second)
      }
    }
    #expect(circuit.state == .closed)
    fail(&circuit, at: 100 * Self.second)
    #expect(circuit.state == .open)
    var slow = Circuit()
    for index in 0..<40 as Range<UInt64> {
      if index % 2 == 0 {
        succeed(&slow, at: (100 + 4 * index) * Self.second)
      } else {
        fail(&slow, at: (100 + 4 * index) * Self.second)
      }
    }
    #expect(slow.state == .closed)
  }

  @Test("The only target is never given up")
  func alone() {
    var circuit = Circuit()
    for _ in 0..<100 { fail(&circuit, at: 100 * Self.second, mayOpen: false) }
    #expect(circuit.state == .closed)
  }

  @Test("It comes back by one, two, four and eight at a time")
  func ramp() {
    var circuit = Circuit()
    for _ in 0..<5 { fail(&circuit, at: 100 * Self.second) }
    let now = 103 * Self.second
    for width in [1, 2, 4, 8] {
      var began = 0
      while circuit.admits(at: now), began < 20 {
        circuit.begin(at: now)
        began += 1
      }
      #expect(began == width)
      let epoch = circuit.epoch
      // One success widens it; the others say nothing more.
      circuit.end(false, epoch: epoch, mayOpen: true, jitter: 0, at: now)
      for _ in 1..<max(width, 1) { circuit.end(nil, epoch: epoch, mayOpen: true, jitter: 0, at: now) }
    }
    #expect(circuit.state == .closed)
  }

  @Test("A failed probe opens it for twice as long, up to half a minute and a fifth")
  func probes() {
    var circuit = Circuit()
    for _ in 0..<5 { fail(&circuit, at: 100 * Self.second) }
    var now = 100 * Self.second
    for pause in [2, 4, 8, 16, 30, 30] as [UInt64] {
      #expect(circuit.until == now + pause * Self.second)
      now = circuit.until
      fail(&circuit, at: now)
      #expect(circuit.state == .open)
    }
    var jittered = Circuit()
    for _ in 0..<4 { fail(&jittered, at: 100 * Self.second) }
    jittered.begin(at: 100 * Self.second)
    jittered.end(true, epoch: jittered.epoch, mayOpen: true, jitter: 255, at: 100 * Self.second)
    #expect(jittered.until == 100 * Self.second + 2_400_000_000)
  }

  @Test("A try that began before the last change says nothing")
  func epochs() {
    var circuit = Circuit()
    let old = circuit.epoch
    for _ in 0..<5 { fail(&circuit, at: 100 * Self.second) }
    circuit.end(false, epoch: old, mayOpen: true, jitter: 0, at: 101 * Self.second)
    #expect(circuit.state == .open)
  }

  @Test("A limit in a probe neither opens nor closes it")
  func limits() {
    var circuit = Circuit()
    for _ in 0..<5 { fail(&circuit, at: 100 * Self.second) }
    _ = circuit.admits(at: 103 * Self.second)
    circuit.begin(at: 103 * Self.second)
    circuit.end(nil, epoch: circuit.epoch, mayOpen: true, jitter: 0, at: 103 * Self.second)
    #expect(circuit.state == .halfOpen)
  }

  @Test("Cooling lasts as long as was said, between a second and a minute, and is never cut short")
  func cooling() {
    var cooler = Cooler()
    cooler.cool(.rate, wait: 10 * Self.second, jitter: 0, at: 100 * Self.second)
    #expect(cooler.until == 110 * Self.second)
    cooler.cool(.rate, wait: 2 * Self.second, jitter: 0, at: 101 * Self.second)
    #expect(cooler.until == 110 * Self.second)
    cooler.cool(.rate, wait: .max, jitter: 0, at: 101 * Self.second)
    #expect(cooler.until == 161 * Self.second)
    var short = Cooler()
    short.cool(.rate, wait: 0, jitter: 0, at: 100 * Self.second)
    #expect(short.until == 101 * Self.second)
  }

  @Test("Without a word it doubles from five seconds, money from five minutes, and an answer ends that")
  func doubling() {
    var cooler = Cooler()
    var now = 100 * Self.second
    for pause in [5, 10, 20, 40, 60, 60] as [UInt64] {
      cooler.cool(.rate, wait: nil, jitter: 0, at: now)
      #expect(cooler.until - now == pause * Self.second)
      now = cooler.until
    }
    cooler.succeeded(at: now)
    cooler.cool(.rate, wait: nil, jitter: 0, at: now)
    #expect(cooler.until - now == 5 * Self.second)
    var quota = Cooler()
    for pause in [300, 600, 1200, 2400, 3600, 3600] as [UInt64] {
      quota.cool(.quota, wait: nil, jitter: 0, at: now)
      #expect(quota.until - now == pause * Self.second)
      now = quota.until
    }
  }

  @Test("A fifth of what is asked anyway may be asked again, and one a second")
  func budget() {
    var budget = RetryBudget()
    for rate in [0, 5, 100] {
      budget = RetryBudget()
      var granted = 0
      for second in 0..<100 as Range<UInt64> {
        for _ in 0..<rate { budget.deposit(at: second * Self.second) }
        for _ in 0..<rate + 50 where budget.withdraw(percent: 20, at: second * Self.second) { granted += 1 }
      }
      #expect(granted <= rate * 20 + 110 && granted >= rate * 18 + 90)
    }
  }

  /// What B5 of the rules was simulated with: targets that fail so often, a hundred requests a second.
  private func simulate(_ failing: [Int], seconds: Int = 100, rate: Int = 100) -> (
    answered: Double, load: Double
  ) {
    let targets = failing.indices.map { TargetHealth(provider: "p", model: "\($0)") }
    struct Field: Standings {
      let targets: [TargetHealth]
      let now: Nanoseconds
      func standing(_ place: Int) -> TargetStanding { targets[place].standing(at: now) }
      func mayRetry(_ place: Int, isRepeated: Bool) -> Bool {
        targets[place].mayRetry(isRepeated: isRepeated, percent: 20, at: now)
      }
      func couldRetry(_ place: Int) -> Bool { targets[place].couldRetry(percent: 20, at: now) }
      func takesMore(_ place: Int, than other: Int) -> Bool { true }
    }
    var random: UInt64 = 1
    func draw() -> UInt64 {
      random = random &+ 0x9e37_79b9_7f4a_7c15
      return Pick.mix(random)
    }
    var answered = 0
    var calls = 0
    let rules = Retries.Rules(.init())
    for request in 0..<seconds * rate {
      let now = 1000 * Self.second + Nanoseconds(request) * Self.second / Nanoseconds(rate)
      let field = Field(targets: targets, now: now)
      var retries = Retries(Order(first: targets.count), rules, isRepeatable: true, isKept: true, now: now)
      guard case .call(var place) = retries.first(field) else { continue }
      var isFirst = true
      while true {
        calls += 1
        let pass = targets[place].begin(isFirst: isFirst, at: now)
        isFirst = false
        if draw() % 100 >= UInt64(failing[place]) {
          targets[place].succeeded(pass, at: now)
          answered += 1
          break
        }
        targets[place].failed(pass, Failure(.overload), mayOpen: targets.count > 1, random: draw(), at: now)
        switch retries.next(Failure(.overload), at: place, began: now, field, now: now, random: draw()) {
        case .call(let next), .wait(_, let next):
          place = next
          continue
        case .stop: break
        }
        break
      }
    }
    let all = Double(seconds * rate)
    return (Double(answered) / all, Double(calls) / all)
  }

  @Test("One target that fails a third beside a healthy one costs nobody an answer, and a third more load")
  func thirty() {
    let (answered, load) = simulate([30, 0])
    #expect(answered == 1)
    #expect(load <= 1.35)
  }

  @Test("A dead target beside a healthy one is left alone")
  func dead() {
    let (answered, load) = simulate([100, 0])
    #expect(answered == 1)
    #expect(load <= 1.01)
  }

  @Test("A dead target is tried forty times in a hundred seconds at most, and has its share back within 45 s")
  func recovery() {
    let dead = TargetHealth(provider: "p", model: "dead")
    var random: UInt64 = 5
    func draw() -> UInt64 {
      random = random &+ 0x9e37_79b9_7f4a_7c15
      return Pick.mix(random)
    }
    let start = 1000 * Self.second
    var tries = 0
    var probes: [Int] = []
    var backAt: Nanoseconds?
    // A hundred requests a second, each under way for 200 ms, so that probes overlap.
    var underWay: [(end: Nanoseconds, pass: Pass)] = []
    for request in 0..<16_000 as Range<UInt64> {
      let now = start + request * 10_000_000
      let isAlive = now >= start + 100 * Self.second
      underWay.removeAll { entry in
        guard entry.end <= now else { return false }
        if isAlive {
          dead.succeeded(entry.pass, at: entry.end)
        } else {
          dead.failed(entry.pass, Failure(.overload), mayOpen: true, random: draw(), at: entry.end)
        }
        return true
      }
      guard dead.standing(at: now).isUsable else { continue }
      if !isAlive { tries += 1 }
      if isAlive, backAt == nil, dead.shown(at: now).state == .closed { backAt = now }
      underWay.append((now + 200_000_000, dead.begin(isFirst: true, at: now)))
      if isAlive, backAt == nil { probes.append(underWay.count) }
    }
    // What was under way when the fifth failed isn't a try too many: 20 fit into 200 ms.
    #expect(tries <= 40 + 20, "\(tries)")
    #expect(backAt.map { $0 - start <= 145 * Self.second } == true)
    #expect(Set([1, 2, 4, 8]).isSubset(of: Set(probes)) && probes.max() == 8, "\(probes)")
  }

  @Test("Two hundred changes of the configuration leave circuits, cooling and retry budgets as they were")
  func reloads() throws {
    let registry = HealthRegistry()
    var settings = Settings()
    settings.providers = [Provider(name: "p", kind: .vllm, baseURL: nil, apiKey: .none)]
    settings.listen = [ListenEntry(address: .tcp(host: "127.0.0.1", port: 1))]
    func models(_ names: [String]) -> [ModelEntry] {
      names.map { ModelEntry(name: $0, targets: [ModelTarget(provider: "p", model: $0)]) }
    }
    func health(_ router: Router, _ name: String) throws -> TargetHealth {
      try #require(router.resolve(Array(name.utf8).span, entry: router.entries[0])?.health)
    }
    settings.models = models(["open", "cooling", "well", "goes"])
    var router = Router(settings, health: registry)
    let now = 1000 * Self.second
    for _ in 0..<5 {
      let target = try health(router, "open")
      target.failed(
        target.begin(isFirst: true, at: now), Failure(.overload), mayOpen: true, random: 0, at: now)
    }
    let target = try health(router, "cooling")
    target.failed(
      target.begin(isFirst: true, at: now), Failure(.rate, wait: 30 * Self.second), mayOpen: true, random: 0,
      at: now)
    // Promised before the changes, and ended behind them.
    let well = try health(router, "well")
    let pass = well.begin(isFirst: true, at: now)
    for change in 0..<200 {
      settings.models = models(
        change % 2 == 0 ? ["open", "cooling", "well"] : ["well", "cooling", "open", "new"])
      router = Router(settings, health: registry)
      #expect(try health(router, "open").standing(at: now) == .open(until: now + 2 * Self.second))
      #expect(
        try health(router, "cooling").standing(at: now) == .cooling(.rate, until: now + 30 * Self.second))
      #expect(try health(router, "well") === well)
    }
    well.succeeded(pass, at: now)
    #expect(well.report(at: now).inFlight == 0)
    #expect(registry.all.map(\.model).sorted() == ["cooling", "new", "open", "well"])
    // Another name is another target, which nothing is known of.
    settings.models = models(["renamed"])
    router = Router(settings, health: registry)
    #expect(try health(router, "renamed").standing(at: now) == .usable && registry.all.count == 1)
  }

  @Test("Where everything is dead the load grows by a fifth and one a second")
  func allDead() {
    #expect(simulate([100]).load <= 1.22)
    #expect(simulate([100, 100]).load <= 1.22)
    #expect(simulate([100], rate: 5).load <= 1.42)
  }
}
