// Many requests at once against the ledger, from several threads, held against a list of all that was taken.

import Config
import Synchronization
import Testing

@testable import Policy

@Suite("Ledger under a crowd")
struct LedgerCrowdTests {
  private final class Clock: Sendable {
    let milliseconds = Atomic<UInt64>(0)
  }

  /// What one request took, by when it was let in.
  private struct Event: Sendable {
    var second: UInt64
    var tokens: UInt64
    var cost: Int64
  }

  /// Sixty-four requests under way all the time, on so many threads, by one clock that goes on: a hundred thousand in all.
  /// Some are let go, some are made for another target, and the configuration is read again and again.
  private func crowd(_ workers: Int, isBounded: Bool) async -> (
    ledger: Ledger, payers: Payers, events: [Event], excess: UInt64, end: UInt64
  ) {
    let ledger = Ledger()
    let first = settings(
      pod: limits(requests: 3000, tokens: 90_000, concurrent: 64),
      groups: [("a", limits(tokens: 60_000, dollars: 900_000))])
    let other = settings(
      pod: limits(requests: 3000, tokens: 90_000, concurrent: 64),
      groups: [("a", limits(tokens: 60_000, dollars: 900_000)), ("b", limits(requests: 1))])
    let accounts = ledger.adopt(first)
    let payers = Payers(pod: accounts.pod?.seat, group: accounts.groups[0]?.seat)
    let clock = Clock()
    let parts = await withTaskGroup(of: (events: [Event], excess: UInt64).self) { group in
      for worker in 0..<workers {
        group.addTask {
          var random = Random(UInt64(worker + 1))
          var events: [Event] = []
          var excess: UInt64 = 0
          var open: [(ticket: Permit.Ticket, event: Event)] = []
          func now() -> Moment { moment(Double(clock.milliseconds.load(ordering: .relaxed)) / 1000) }
          func end(_ place: Int) {
            let (ticket, event) = open.remove(at: place)
            var permit = Permit(ticket, of: ledger)
            switch random.below(10) {
            // Nothing came of it: all of it goes back by itself.
            case 0: return
            case 1: _ = permit.renew(need(event.tokens, prompt: 1, cost: event.cost), at: now())
            default: break
            }
            var used = random.below(event.tokens + 1)
            if !isBounded, random.below(4) == 0 {
              used = event.tokens + random.below(50)
              excess += used - event.tokens
            }
            let taken = Event(second: event.second, tokens: used, cost: Int64(used) * 700)
            permit.settle(Taken(tokens: used, cost: taken.cost), at: now())
            events.append(taken)
          }
          for request in 0..<(100_000 / workers) {
            // A minute and a half in all, and never back.
            clock.milliseconds.wrappingAdd(random.below(3), ordering: .relaxed)
            if open.count >= 64 / workers { end(Int(random.below(UInt64(open.count)))) }
            let tokens = 1 + random.below(100)
            let at = now()
            let wanted = need(tokens, prompt: 1, cost: Int64(tokens) * 700, isBounded: isBounded)
            if case .success(let ticket) = ledger.reserve(payers, wanted, at: at).result {
              let event = Event(second: at.ticks / 1_000_000_000, tokens: tokens, cost: Int64(tokens) * 700)
              open.append((ticket, event))
            }
            if worker == 0, request % 500 == 0 { _ = ledger.adopt(request % 1000 == 0 ? first : other) }
          }
          while !open.isEmpty { end(0) }
          return (events, excess)
        }
      }
      return await group.reduce(into: (events: [Event](), excess: UInt64(0))) {
        $0.events += $1.events
        $0.excess += $1.excess
      }
    }
    return (ledger, payers, parts.events, parts.excess, clock.milliseconds.load(ordering: .relaxed))
  }

  /// The most tokens, and the most requests, of any sixty seconds.
  private func most(_ events: [Event]) -> (tokens: UInt64, requests: Int) {
    var bySecond: [UInt64: (tokens: UInt64, requests: Int)] = [:]
    for event in events {
      bySecond[event.second, default: (0, 0)].tokens += event.tokens
      bySecond[event.second, default: (0, 0)].requests += 1
    }
    var most = (tokens: UInt64(0), requests: 0)
    for second in bySecond.keys {
      var sum = (tokens: UInt64(0), requests: 0)
      for past in second - 59...second {
        sum.tokens += bySecond[past]?.tokens ?? 0
        sum.requests += bySecond[past]?.requests ?? 0
      }
      most = (max(most.tokens, sum.tokens), max(most.requests, sum.requests))
    }
    return most
  }

  @Test(
    "a hundred thousand requests, 64 at once, with an end that is known: no minute has more than the limit",
    arguments: [1, 4])
  func bounded(workers: Int) async {
    let crowd = await crowd(workers, isBounded: true)
    let most = most(crowd.events)
    #expect(crowd.events.count > 1000 && most.tokens > 20_000, "\(crowd.events.count) were let in")
    #expect(most.tokens <= 60_000 && most.requests <= 3000)
    let spent = crowd.events.reduce(0) { $0 + $1.cost }
    #expect(crowd.ledger.budgets().first { $0.group == "a" }?.spent == spent)
    #expect(crowd.ledger.balance == (0, 0, 0))
  }

  @Test("without such an end, no minute has more above it than was guessed too low", arguments: [1, 4])
  func unbounded(workers: Int) async {
    let crowd = await crowd(workers, isBounded: false)
    let most = most(crowd.events)
    #expect(most.tokens <= 60_000 + crowd.excess && most.requests <= 3000)
    #expect(crowd.ledger.balance == (0, 0, 0))
    // A minute later all of it is there again.
    let later = moment(Double(crowd.end) / 1000 + 122)
    let standing = crowd.ledger.standing(crowd.payers, at: later)
    #expect(standing.requests?.left == 3000 && standing.tokens?.left == standing.tokens?.limit)
  }
}
