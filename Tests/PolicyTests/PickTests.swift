// Which target is asked first: shares, conversations, prices, speed; by numbers of the test's own.

import Config
import Testing

@testable import Policy

@Suite struct PickTests {
  private static let start = 1000 * Nanoseconds.second

  private func order(_ order: Order) -> [Int] { (0..<order.count).map { order[$0] } }

  private func plan(
    _ pick: ModelEntry.Pick, weights: [Int], facts: [ModelFacts?] = [], health: [TargetHealth] = []
  ) -> Plan {
    var routes = weights.indices.map { place in
      Route(
        providerIndex: place, weight: weights[place],
        facts: facts.indices.contains(place) ? facts[place] : nil,
        health: health.indices.contains(place) ? health[place] : nil)
    }
    let first = routes.removeFirst()
    return Plan(first, others: routes, pick: pick)
  }

  // MARK: By weight

  @Test("a hundred thousand draws have the weights' shares, by χ² at 99.9 %")
  func shares() {
    let weights = [9, 1, 5]
    let count = 100_000
    var drawn = [0, 0, 0]
    var random = Random(7)
    let places = Order(first: 3)
    for _ in 0..<count {
      drawn[Pick.weighted(places, random.next()) { weights[$0] }[0]] += 1
    }
    var chi = 0.0
    for place in 0..<3 {
      let expected = Double(count * weights[place]) / 15
      chi += (Double(drawn[place]) - expected) * (Double(drawn[place]) - expected) / expected
    }
    // Two degrees of freedom.
    #expect(chi < 13.82, "\(drawn)")
  }

  @Test("a dead target's keys spread by the others' weights, and no other key moves")
  func dead() {
    let weights = [9, 1, 5]
    var moved = [0, 0, 0]
    var random = Random(8)
    var orphans = 0
    for _ in 0..<20_000 {
      let order = order(Pick.weighted(Order(first: 3), random.next()) { weights[$0] })
      #expect(order.sorted() == [0, 1, 2])
      // The first one that lives is asked: whoever was first before, and isn't dead, still is.
      if order[0] == 0 {
        orphans += 1
        moved[order[1]] += 1
      }
    }
    #expect(moved[0] == 0)
    let share = Double(moved[1]) / Double(orphans)
    #expect(abs(share - 1.0 / 6) < 0.015)
  }

  @Test("without weight a target is the last, in its place among its like")
  func last() {
    var random = Random(9)
    for _ in 0..<1000 {
      let order = order(Pick.weighted(Order(first: 4), random.next()) { [0, 3, 0, 1][$0] })
      #expect(Set(order[..<2]) == [1, 3] && order[2...] == [0, 2])
    }
    #expect(order(Pick.weighted(Order(first: 3), 1) { _ in 0 }) == [0, 1, 2])
  }

  // MARK: Conversations

  @Test("fifty turns have one target; where it dies, they move once, and back once it lives")
  func conversation() {
    let plan = plan(.weighted, weights: [1, 1, 1])
    var random = Random(10)
    for _ in 0..<200 {
      var needs = RequestNeeds()
      needs.affinity = random.next()
      var asked: [Int] = []
      var dead: Int?
      for turn in 0..<50 {
        if turn == 20 { dead = asked[0] }
        if turn == 40 { dead = nil }
        let order = order(
          Pick.order(plan, needs, random: random.next(), now: Self.start) { _ in nil })
        asked.append(order.first { $0 != dead } ?? -1)
      }
      #expect(Set(asked[..<20]).count == 1 && Set(asked[20..<40]).count == 1)
      #expect(asked[20] != asked[0] && asked[40...].allSatisfy { $0 == asked[0] })
    }
  }

  // MARK: By price, and by what fits

  private func facts(
    input: UInt64, output: UInt64, context: Int = 0, abilities: ModelFacts.Abilities = []
  ) -> ModelFacts {
    ModelFacts(
      name: Array("m".utf8), abilities: abilities, context: context,
      prices: Prices(Rates(input: input, output: output)), origin: .configuration)
  }

  @Test("the cheapest is that of this request: long prompts and long answers differ")
  func cheapest() {
    let plan = plan(
      .cheapest, weights: [1, 1, 1],
      facts: [facts(input: 1_000_000, output: 20_000_000), facts(input: 4_000_000, output: 5_000_000), nil])
    var needs = RequestNeeds()
    (needs.prompt, needs.output) = (100_000, 10)
    #expect(order(Pick.order(plan, needs, random: 0, now: Self.start) { _ in nil }) == [0, 1, 2])
    (needs.prompt, needs.output) = (10, 10_000)
    #expect(order(Pick.order(plan, needs, random: 0, now: Self.start) { _ in nil }) == [1, 0, 2])
  }

  @Test("what is known not to fit comes last, what isn't known doesn't")
  func fits() {
    let plan = plan(
      .ordered, weights: [1, 1, 1, 1],
      facts: [
        facts(input: 1, output: 1, context: 1000, abilities: [.tools]),
        facts(input: 1, output: 1, context: 100_000), nil,
        facts(input: 1, output: 1, context: 100_000, abilities: [.tools, .pictures]),
      ])
    var needs = RequestNeeds()
    needs.abilities = [.tools]
    needs.promptAtLeast = 2000
    #expect(order(Pick.order(plan, needs, random: 0, now: Self.start) { _ in nil }) == [2, 3, 0, 1])
  }

  // MARK: By speed

  /// Asks one of two targets that take so long, a hundred times a second; gives how often each was asked.
  private func run(
    _ targets: [TargetHealth], taking milliseconds: [UInt64], from second: UInt64, seconds: UInt64,
    _ random: inout Random
  ) -> [Int] {
    let plan = plan(.fastest, weights: targets.map { _ in 1 }, health: targets)
    var needs = RequestNeeds()
    needs.isStream = true
    var asked = targets.map { _ in 0 }
    for request in 0..<seconds * 100 {
      let now = Self.start + second * .second + request * 10_000_000
      let place = Pick.order(plan, needs, random: random.next(), now: now) { targets[$0] }[0]
      asked[place] += 1
      let pass = targets[place].begin(isFirst: true, at: now)
      let took = milliseconds[place] * 1_000_000 * (90 + random.below(20)) / 100
      targets[place].took(.stream(took), at: now + took)
      targets[place].succeeded(pass, at: now + took)
    }
    return asked
  }

  @Test("a conversation stays at its target while that is no more than twice as slow, and moves once it is")
  func companion() {
    let targets = (0..<3).map { TargetHealth(provider: "p", model: "\($0)") }
    let plan = plan(.fastest, weights: [1, 1, 1], health: targets)
    let companions = Companions()
    var needs = RequestNeeds()
    needs.isStream = true
    needs.affinity = 7
    var random = Random(12)
    func ask(_ now: Nanoseconds) -> Int {
      Pick.order(
        plan, needs, random: random.next(), now: now, companion: companions.find(7, at: now)
      ) { targets[$0] }[0]
    }
    var now = Self.start
    companions.keep(7, at: targets[2], now: now)
    for (milliseconds, expected) in [(50, 2), (90, 2), (101, 0)] as [(UInt64, Int)] {
      for turn in 0..<50 as Range<UInt64> {
        now += 1_000_000
        for (place, target) in targets.enumerated() where turn == 0 {
          target.took(.stream((place == 2 ? milliseconds : place == 0 ? 50 : 70) * 1_000_000), at: now)
        }
        #expect(ask(now) == expected || expected == 0 && ask(now) != 2)
      }
    }
    // What its provider's cache has forgotten keeps it no longer, and one that is gone doesn't either.
    #expect(companions.find(7, at: now + 301 * .second) == nil && companions.find(8, at: now) == nil)
    companions.keep(7, at: TargetHealth(provider: "p", model: "gone"), now: now)
    #expect((0..<3).contains(ask(now)))
  }

  @Test("the faster one has nine requests of ten, and a change is found within ten seconds")
  func fastest() {
    let targets = (0..<2).map { TargetHealth(provider: "p", model: "\($0)") }
    var random = Random(11)
    let before = run(targets, taking: [50, 200], from: 0, seconds: 60, &random)
    #expect(before[0] * 10 >= 9 * (before[0] + before[1]), "\(before)")
    _ = run(targets, taking: [200, 50], from: 60, seconds: 10, &random)
    let after = run(targets, taking: [200, 50], from: 70, seconds: 60, &random)
    #expect(after[1] * 10 >= 9 * (after[0] + after[1]), "\(after)")
  }
}
