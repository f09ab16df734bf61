import Config
import Testing

@testable import Policy

func limits(
  requests: Int = 0, tokens: Int = 0, concurrent: Int = 0, dollars: UInt64? = nil,
  per: Duration = .seconds(3600)
) -> Limits {
  var limits = Limits()
  limits.requestsPerMinute = requests
  limits.tokensPerMinute = tokens
  limits.concurrentRequests = concurrent
  limits.budget = dollars.map { Budget(amount: $0, per: per) }
  return limits
}

func settings(pod: Limits = Limits(), groups: [(String, Limits)] = []) -> Settings {
  var settings = Settings()
  settings.limits = pod
  if !groups.isEmpty {
    var consumers = Consumers()
    for (name, limits) in groups {
      var group = ConsumerGroup(name: name, key: .environment(name))
      group.limits = limits
      consumers.groups.append(group)
    }
    settings.consumers = consumers
  }
  return settings
}

func need(_ tokens: UInt64 = 0, prompt: UInt64 = 0, cost: Int64 = 0, isBounded: Bool = true) -> Need {
  var need = Need()
  need.tokens = tokens
  need.promptTokens = prompt
  need.cost = cost
  need.isBounded = isBounded
  return need
}

func moment(_ seconds: Double, wall: Int64 = 7_200_000) -> Moment {
  Moment(ticks: UInt64((1_000_000 + seconds) * 1e9), wall: wall + Int64(seconds))
}

extension Ledger {
  /// Asks for a permit; nil, and the reason, where there is none.
  fileprivate func permit(_ payers: Payers, _ need: Need = Need(), at now: Moment) throws(Shortage) -> Permit
  {
    switch reserve(payers, need, at: now).result {
    case .success(let ticket): return Permit(ticket, of: self)
    case .failure(let shortage): throw shortage
    }
  }
}

@Suite("Ledger")
struct LedgerTests {
  @Test("of pod and group each counts, or neither")
  func allOrNone() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(requests: 10), groups: [("a", limits(requests: 2))]))
    let payers = Payers(pod: accounts.pod?.seat, group: accounts.groups[0]?.seat)
    for _ in 0..<2 { try ledger.permit(payers, at: moment(0)).settle(Taken(), at: moment(0)) }
    #expect(throws: Shortage.self) { _ = try ledger.permit(payers, at: moment(0)) }
    // The pod has counted two and not three.
    #expect(ledger.standing(payers, at: moment(0)).requests == Standing.Count(limit: 2, left: 0))
    let pod = Payers(pod: accounts.pod?.seat, group: nil)
    #expect(ledger.standing(pod, at: moment(0)).requests == Standing.Count(limit: 10, left: 8))
  }

  @Test("a permit that is let go takes everything back, one that is settled keeps what was taken")
  func lettingGo() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(requests: 5, tokens: 100, concurrent: 1, dollars: 1)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    do {
      let permit = try ledger.permit(payers, need(60, cost: 400), at: moment(0))
      #expect(ledger.balance == (1, 400, 1))
      #expect(throws: Shortage(scope: .pod, limit: .concurrency, amount: 1, wait: 1)) {
        _ = try ledger.permit(payers, at: moment(0))
      }
      _ = consume permit
    }
    #expect(ledger.balance == (0, 0, 0))
    var standing = ledger.standing(payers, at: moment(0))
    #expect(standing.requests?.left == 5 && standing.tokens?.left == 100)
    try ledger.permit(payers, need(60, cost: 400), at: moment(0)).settle(
      Taken(tokens: 25, cost: 900), at: moment(1))
    standing = ledger.standing(payers, at: moment(1))
    #expect(standing.requests?.left == 4 && standing.tokens?.left == 75 && standing.reset == 60)
    #expect(standing.budget == Standing.Count(limit: 1000, left: 100))
    #expect(ledger.balance == (0, 0, 0))
  }

  @Test("a need above the limit gets the limit, in an empty window")
  func aboveTheLimit() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(tokens: 100)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    let first = try ledger.permit(payers, need(5000, prompt: 10), at: moment(0))
    #expect(throws: Shortage(scope: .pod, limit: .tokens, amount: 100, wait: 61)) {
      _ = try ledger.permit(payers, need(1, prompt: 1), at: moment(0))
    }
    first.settle(Taken(tokens: 30), at: moment(2))
    try ledger.permit(payers, need(70, prompt: 10), at: moment(2)).settle(Taken(tokens: 70), at: moment(2))
    do throws(Shortage) {
      _ = try ledger.permit(payers, need(200, prompt: 101), at: moment(3))
      Issue.record("a prompt that never fits was let in")
    } catch { #expect(error.isHopeless) }
  }

  @Test("of several reasons the one that lasts the longest is told")
  func theLongestWait() {
    let ledger = Ledger()
    let accounts = ledger.adopt(
      settings(
        pod: limits(requests: 1, dollars: 1, per: .seconds(86_400)), groups: [("a", limits(tokens: 10))]))
    let payers = Payers(pod: accounts.pod?.seat, group: accounts.groups[0]?.seat)
    let now = moment(0, wall: 86_400 * 100 + 3600)
    let first = ledger.reserve(payers, need(10, cost: 1000), at: now).result
    guard case .success(let ticket) = first else {
      Issue.record("refused")
      return
    }
    Permit(ticket, of: ledger).settle(Taken(tokens: 10, cost: 1000), at: now)
    guard case .failure(let shortage) = ledger.reserve(payers, need(10, cost: 1), at: now).result else {
      Issue.record("not refused")
      return
    }
    #expect(shortage == Shortage(scope: .pod, limit: .budget, amount: 1000, wait: 82_800))
  }

  // MARK: Budgets

  @Test("a budget's span begins at a multiple of its length, and carries nothing over")
  func spans() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(dollars: 1, per: .seconds(100))))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    let early = Moment(ticks: 1_000_000_000_000, wall: 10_050)
    let late = Moment(ticks: 1_060_000_000_000, wall: 10_110)
    try ledger.permit(payers, need(cost: 600), at: early).settle(Taken(cost: 600), at: early)
    // Begun in the old span, ended in the new one.
    let straddling = try ledger.permit(payers, need(cost: 300), at: early)
    #expect(ledger.budgets() == [.init(group: "", per: 100, start: 10_000, spent: 600, reserved: 300)])
    try ledger.permit(payers, need(cost: 900), at: late).settle(Taken(cost: 900), at: late)
    straddling.settle(Taken(cost: 300), at: late)
    #expect(ledger.budgets() == [.init(group: "", per: 100, start: 10_100, spent: 900, reserved: 0)])
    // A clock that is set back doesn't bring the old span back.
    #expect(throws: Shortage.self) { _ = try ledger.permit(payers, need(cost: 101), at: early) }
  }

  @Test("a rest that a guess doesn't fit into is spent all the same, and never twice at once")
  func rest() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(dollars: 1)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    try ledger.permit(payers, need(cost: 900), at: moment(0)).settle(Taken(cost: 900), at: moment(0))
    // Whose end is known: it doesn't fit.
    do throws(Shortage) {
      _ = try ledger.permit(payers, need(cost: 101), at: moment(0))
      Issue.record("it fits")
    } catch { #expect(error.limit == .budget && !error.isPromised && error.wait > 60) }
    let one = try ledger.permit(payers, need(cost: 5000, isBounded: false), at: moment(0))
    do throws(Shortage) {
      _ = try ledger.permit(payers, need(cost: 1, isBounded: false), at: moment(0))
      Issue.record("the rest is there twice")
    } catch { #expect(error.isPromised && error.wait == 1) }
    one.settle(Taken(cost: 50), at: moment(0))
    try ledger.permit(payers, need(cost: 5000, isBounded: false), at: moment(0)).settle(
      Taken(cost: 50), at: moment(0))
    #expect(throws: Shortage.self) {
      _ = try ledger.permit(payers, need(cost: 1, isBounded: false), at: moment(0))
    }
    // What costs nothing needs nothing.
    _ = try ledger.permit(payers, need(cost: 0), at: moment(0))
  }

  @Test("what was spent is there after a restart, and what was promised counts as spent")
  func restart() throws {
    let records = [
      Ledger.BudgetRecord(group: "a", per: 3600, start: 7_200_000, spent: 300, reserved: 200),
      Ledger.BudgetRecord(group: "gone", per: 3600, start: 7_200_000, spent: 1, reserved: 0),
      Ledger.BudgetRecord(group: "", per: 60, start: 7_200_000, spent: 5, reserved: 0),
    ]
    let ledger = Ledger()
    let accounts = ledger.adopt(
      settings(pod: limits(dollars: 1), groups: [("a", limits(dollars: 1)), ("b", limits(dollars: 1))]))
    #expect(ledger.restore(records, at: 7_200_010) == 1)
    let payers = Payers(pod: nil, group: accounts.groups[0]?.seat)
    #expect(throws: Shortage.self) { _ = try ledger.permit(payers, need(cost: 501), at: moment(0)) }
    try ledger.permit(payers, need(cost: 500), at: moment(0)).settle(Taken(cost: 500), at: moment(0))
    // In the next span all of it is there again.
    _ = try ledger.permit(payers, need(cost: 1000), at: moment(3600))
  }

  // MARK: Reloads

  @Test("what was counted stays under its name, whatever else changes")
  func reload() throws {
    let ledger = Ledger()
    let first = ledger.adopt(settings(groups: [("a", limits(requests: 5)), ("b", limits(requests: 5))]))
    let a = Payers(pod: nil, group: first.groups[0]?.seat)
    let held = try ledger.permit(a, at: moment(0))
    try ledger.permit(a, at: moment(0)).settle(Taken(), at: moment(0))
    // Another order, another limit, a new group.
    let second = ledger.adopt(
      settings(groups: [("c", limits(requests: 1)), ("b", limits(requests: 5)), ("a", limits(requests: 1))]))
    let later = Payers(pod: nil, group: second.groups[2]?.seat)
    #expect(ledger.standing(later, at: moment(0)).requests == Standing.Count(limit: 1, left: 0))
    // Without limits it is gone, but for what is under way.
    let third = ledger.adopt(settings())
    #expect(third.isEmpty)
    #expect(ledger.balance.permits == 1)
    held.settle(Taken(), at: moment(1))
    #expect(ledger.balance == (0, 0, 0))
    let fourth = ledger.adopt(settings(groups: [("a", limits(requests: 5))]))
    let anew = Payers(pod: nil, group: fourth.groups[0]?.seat)
    #expect(ledger.standing(anew, at: moment(1)).requests?.left == 5)
  }

  @Test("a request that began before its group went takes nothing of the group that has its place")
  func lateRequest() throws {
    let ledger = Ledger()
    let first = ledger.adopt(settings(groups: [("a", limits(requests: 5))]))
    let late = Payers(pod: nil, group: first.groups[0]?.seat)
    _ = ledger.adopt(settings())
    let permit = try ledger.permit(late, at: moment(0))
    let second = ledger.adopt(settings(groups: [("b", limits(requests: 5))]))
    let b = Payers(pod: nil, group: second.groups[0]?.seat)
    permit.settle(Taken(), at: moment(0))
    try ledger.permit(late, at: moment(0)).settle(Taken(), at: moment(0))
    #expect(ledger.standing(b, at: moment(0)).requests?.left == 5)
    #expect(ledger.standing(late, at: moment(0)).requests == nil)
    #expect(ledger.balance == (0, 0, 0))
    try ledger.permit(b, at: moment(0)).settle(Taken(), at: moment(0))
    #expect(ledger.standing(b, at: moment(0)).requests?.left == 4)
  }

  @Test("a group that is gone has its budget as it left it when it is back, after a restart too")
  func removal() throws {
    let ledger = Ledger()
    let both = settings(
      pod: limits(dollars: 10), groups: [("a", limits(dollars: 1)), ("b", limits(dollars: 1))])
    func left(_ ledger: Ledger, _ settings: Settings, at now: Moment) -> UInt64? {
      let accounts = ledger.adopt(settings)
      let payers = Payers(pod: nil, group: accounts.groups[0]?.seat)
      // What is left is said from four fifths on; what fits shows it always.
      for cost in stride(from: Int64(1000), through: 0, by: -100) {
        if (try? ledger.permit(payers, need(cost: cost), at: now)) != nil { return UInt64(cost) }
      }
      return nil
    }
    let first = ledger.adopt(both)
    let a = Payers(pod: nil, group: first.groups[0]?.seat)
    try ledger.permit(a, need(cost: 700), at: moment(0)).settle(Taken(cost: 700), at: moment(0))
    let other = settings(groups: [("b", limits(dollars: 1)), ("c", limits(dollars: 1))])
    #expect(left(ledger, other, at: moment(1)) == 1000)
    #expect(ledger.gauges(at: moment(1)).map(\.name).sorted() == ["b", "c"])
    #expect(left(ledger, both, at: moment(2)) == 300)
    // Another process, whose first configuration lacks it.
    _ = ledger.adopt(other)
    let later = Ledger()
    _ = later.adopt(other)
    let wall = moment(3).wall
    later.restore(ledger.budgets(), at: wall)
    #expect(left(later, both, at: moment(3)) == 300)
    // Its span ends as any other.
    _ = later.adopt(other)
    #expect(left(later, both, at: moment(31 * 86_400)) == 1000)
    let much = Ledger()
    _ = much.adopt(other)
    #expect(much.restore(ledger.budgets(), at: wall + 31 * 86_400) == 2)
    #expect(much.budgets().map(\.group).sorted() == ["b", "c"])
  }

  @Test("of groups that are gone no more than some hundreds are remembered")
  func manyGone() throws {
    let ledger = Ledger()
    for number in 0..<400 {
      let accounts = ledger.adopt(settings(groups: [("g\(number)", limits(dollars: 1))]))
      let payers = Payers(pod: nil, group: accounts.groups[0]?.seat)
      let now = moment(Double(number) * 3600 * 24 * 31)
      try ledger.permit(payers, need(cost: 1), at: now).settle(Taken(cost: 1), at: now)
    }
    let names = Set(ledger.budgets().map(\.group))
    #expect(names.count == 257 && names.contains("g399") && names.contains("g143") && !names.contains("g142"))
    #expect(ledger.balance == (0, 0, 0))
  }

  @Test("a budget keeps what was spent under another amount, and begins anew under another span")
  func budgetReload() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(dollars: 10)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    try ledger.permit(payers, need(cost: 8000), at: moment(0)).settle(Taken(cost: 8000), at: moment(0))
    #expect(ledger.adopt(settings(pod: limits(dollars: 5))).renewed.isEmpty)
    #expect(ledger.standing(payers, at: moment(0)).budget == Standing.Count(limit: 5000, left: 0))
    #expect(ledger.adopt(settings(pod: limits(dollars: 5, per: .seconds(60)))).renewed == [""])
    #expect(ledger.standing(payers, at: moment(0)).budget == nil)
  }

  // MARK: Another target

  @Test("a promise for another target replaces the old one, or leaves it as it is")
  func renewal() throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(settings(pod: limits(tokens: 100, dollars: 1)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    var permit = try ledger.permit(payers, need(50, cost: 500), at: moment(0))
    #expect(permit.renew(need(90, cost: 900), at: moment(1)) == nil)
    #expect(ledger.balance.reserved == 900)
    let other = try ledger.permit(payers, need(10, cost: 100), at: moment(1))
    #expect(permit.renew(need(50, cost: 901), at: moment(1))?.limit == .budget)
    #expect(permit.renew(need(91, cost: 1), at: moment(1))?.limit == .tokens)
    #expect(ledger.balance.reserved == 1000)
    permit.settle(Taken(tokens: 20, cost: 200), at: moment(2))
    other.settle(Taken(tokens: 10, cost: 100), at: moment(2))
    #expect(ledger.balance == (0, 0, 0))
    #expect(ledger.standing(payers, at: moment(2)).tokens?.left == 70)
  }

  // MARK: All at once

  @Test("from many threads no limit is exceeded by more than what was guessed too low", arguments: [8, 64])
  func concurrency(workers: UInt64) async throws {
    let ledger = Ledger()
    let accounts = ledger.adopt(
      settings(pod: limits(requests: 3000, tokens: 50_000, concurrent: 64, dollars: 40)))
    let payers = Payers(pod: accounts.pod?.seat, group: nil)
    let taken = await withTaskGroup(of: (requests: Int, tokens: UInt64, cost: Int64).self) { group in
      for worker in 0..<workers {
        group.addTask {
          var random = Random(worker)
          var sum = (requests: 0, tokens: UInt64(0), cost: Int64(0))
          for _ in 0..<(100_000 / workers) {
            let tokens = 1 + random.below(100)
            let wanted = need(tokens, prompt: 1, cost: Int64(tokens) * 700)
            guard case .success(let ticket) = ledger.reserve(payers, wanted, at: moment(0)).result else {
              continue
            }
            let permit = Permit(ticket, of: ledger)
            if random.below(10) == 0 { continue }
            // Bounded requests take what was promised at most.
            let used = random.below(tokens + 1)
            permit.settle(Taken(tokens: used, cost: Int64(used) * 700), at: moment(0))
            sum.requests += 1
            sum.tokens += used
            sum.cost += Int64(used) * 700
          }
          return sum
        }
      }
      return await group.reduce(into: (requests: 0, tokens: UInt64(0), cost: Int64(0))) {
        $0.requests += $1.requests
        $0.tokens += $1.tokens
        $0.cost += $1.cost
      }
    }
    #expect(taken.requests <= 3000)
    #expect(taken.tokens <= 50_000)
    #expect(taken.cost <= 40_000)
    #expect(ledger.balance == (0, 0, 0))
  }
}
