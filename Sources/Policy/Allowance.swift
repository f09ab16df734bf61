// What one pod or one group may still do: its windows, what is under way, its budget. Plain values with the time passed
// in; Ledger.swift keeps them behind its lock.

internal import Config

/// Whose limit it is.
package enum Scope: Sendable, Equatable { case pod, group }

/// Which limit.
package enum LimitName: Sendable, Equatable, CaseIterable {
  case requests, tokens, concurrency, budget
}

/// What a request is expected to take.
package struct Need: Sendable, Equatable {
  /// Of prompt and answer.
  package var tokens: UInt64 = 0
  /// Those of the prompt, which will be taken in any case.
  package var promptTokens: UInt64 = 0
  /// In nano-dollars.
  package var cost: Int64 = 0
  /// The request itself says how long its answer may be, so that it can't take more.
  package var isBounded = false

  package init() {}
}

/// What a request has taken in the end.
package struct Taken: Sendable, Equatable {
  package var tokens: UInt64 = 0
  /// In nano-dollars.
  package var cost: Int64 = 0
  /// It counts as a request: what was refused here doesn't.
  package var isRequest = true

  package init(tokens: UInt64 = 0, cost: Int64 = 0, isRequest: Bool = true) {
    self.tokens = tokens
    self.cost = cost
    self.isRequest = isRequest
  }
}

/// Why a request may not be made now.
package struct Shortage: Error, Sendable, Equatable {
  package var scope: Scope
  package var limit: LimitName
  /// The limit itself: requests, tokens, or nano-dollars.
  package var amount: UInt64
  /// Whole seconds after which it would fit, at least one.
  package var wait: Int
  /// Its prompt alone is more than the limit: it never fits.
  package var isHopeless = false
  /// A budget is all there, but promised to requests that are under way.
  package var isPromised = false
}

/// A moment on both clocks.
package struct Moment: Sendable {
  /// Nanoseconds on the clock that never goes back.
  package var ticks: UInt64
  /// Unix time in seconds: for budgets alone.
  package var wall: Int64

  package init(ticks: UInt64, wall: Int64 = 0) {
    self.ticks = ticks
    self.wall = wall
  }
}

/// Money in a span of time. Spans begin at multiples of their length since 1970, so that they are the same in every pod,
/// and after a restart.
package struct BudgetState: Sendable, Equatable {
  /// In nano-dollars.
  package var amount: Int64
  /// The span's length in seconds.
  package var per: Int64
  /// When the span under way began, in Unix seconds.
  package var start: Int64 = 0
  /// In nano-dollars.
  package var spent: Int64 = 0
  /// Promised to requests under way, in nano-dollars.
  package var reserved: Int64 = 0

  init(_ budget: Budget) {
    amount = budget.nanodollars
    per = max(Int64(clamping: budget.per.components.seconds), 1)
  }

  /// What is known of a budget that isn't in the configuration.
  init(gone record: Ledger.BudgetRecord) {
    amount = 0
    per = record.per
    start = record.start
    spent = record.taken
  }

  /// Begins a new span where the old one is over. A clock that is set back begins none anew.
  mutating func roll(to wall: Int64) {
    let begin = wall - wall % per
    guard begin > start else { return }
    start = begin
    spent = 0
    reserved = 0
  }

  /// What is neither spent nor promised.
  var left: Int64 { max(amount - spent - reserved, 0) }

  /// Whole seconds to the end of the span.
  func wait(at wall: Int64) -> Int { Int(clamping: max(start + per - wall, 1)) }

  /// The nth part of it, for one of `part` pods.
  func part(_ part: Int) -> BudgetState {
    var share = self
    if part > 1 { share.amount = max(amount / Int64(part), 1) }
    return share
  }

  /// How much is promised to a request that may cost `cost`; nil: it can't be made.
  ///
  /// A guess at what a request may cost is a bad reason to leave a rest unspent: where nothing else is under way, a
  /// request whose end is unknown gets the rest.
  func promise(_ need: Need) -> Int64? {
    if need.cost <= left { return need.cost }
    if reserved > 0 || spent >= amount { return nil }
    if need.cost > amount { return need.isBounded && spent > 0 ? nil : left }
    return need.isBounded ? nil : left
  }
}

/// What was promised to one request by one allowance.
struct Share: Sendable, Equatable {
  /// The second of the window in which the request stands; nil where requests weren't limited then.
  var requestSecond: UInt64?
  /// The same for its tokens.
  var tokenSecond: UInt64?
  var tokens: UInt64 = 0
  /// The start of the budget's span.
  var span: Int64?
  var cost: Int64 = 0
}

/// One pod's or one group's.
struct Allowance: Sendable {
  let scope: Scope
  private(set) var requestLimit: UInt64 = 0
  private(set) var tokenLimit: UInt64 = 0
  private(set) var concurrencyLimit = 0
  private(set) var requests: Window?
  private(set) var tokens: Window?
  private(set) var underWay = 0
  var budget: BudgetState?

  init(_ scope: Scope) { self.scope = scope }

  /// Takes over limits that may have changed; what was counted stays.
  ///
  /// - Returns: whether a budget begins anew because its span has changed.
  mutating func adopt(_ limits: Limits) -> Bool {
    requestLimit = UInt64(limits.requestsPerMinute)
    tokenLimit = UInt64(limits.tokensPerMinute)
    concurrencyLimit = limits.concurrentRequests
    if requestLimit == 0 { requests = nil } else if requests == nil { requests = Window() }
    if tokenLimit == 0 { tokens = nil } else if tokens == nil { tokens = Window() }
    guard let wanted = limits.budget.map(BudgetState.init), wanted.amount > 0 else {
      budget = nil
      return false
    }
    guard let known = budget else {
      budget = wanted
      return false
    }
    guard known.per == wanted.per else {
      budget = wanted
      return true
    }
    budget?.amount = wanted.amount
    return false
  }

  mutating func advance(to now: Moment) {
    requests?.advance(to: now.ticks)
    tokens?.advance(to: now.ticks)
    budget?.roll(to: now.wall)
  }

  /// The nth part of a limit; never nothing, which would mean that there is none.
  static func part(_ limit: UInt64, _ part: Int) -> UInt64 {
    part > 1 ? max(limit / UInt64(part), 1) : limit
  }

  /// What stands in the way of `need`: of several things the one that lasts the longest.
  ///
  /// - Parameters:
  ///   - isNew: whether the request is still to be counted, and not only its tokens.
  ///   - part: as in `Payers`.
  func shortage(_ need: Need, isNew: Bool = true, part: Int = 1, at now: Moment) -> Shortage? {
    var worst: Shortage?
    func note(
      _ limit: LimitName, _ amount: UInt64, _ wait: Int, _ change: (inout Shortage) -> Void = { _ in }
    ) {
      var shortage = Shortage(scope: scope, limit: limit, amount: amount, wait: max(wait, 1))
      change(&shortage)
      if let worst, worst.isHopeless || worst.wait >= shortage.wait, !shortage.isHopeless { return }
      worst = shortage
    }
    if isNew {
      if concurrencyLimit > 0, underWay >= concurrencyLimit {
        note(.concurrency, UInt64(concurrencyLimit), 1)
      }
      if let requests, part > 0 {
        let limit = Self.part(requestLimit, part)
        let wait = requests.wait(for: 1, under: limit, at: now.ticks)
        if wait > 0 { note(.requests, limit, Self.seconds(wait)) }
      }
    }
    if let tokens {
      let limit = Self.part(tokenLimit, part)
      // What fits when all pods are counted together isn't hopeless because they aren't now.
      if need.promptTokens > tokenLimit {
        note(.tokens, tokenLimit, 60) { $0.isHopeless = true }
      } else if part > 0 {
        let wait = tokens.wait(for: min(need.tokens, limit), under: limit, at: now.ticks)
        if wait > 0 { note(.tokens, limit, Self.seconds(wait)) }
      }
    }
    if part > 0, let budget = budget?.part(part), budget.promise(need) == nil {
      let isPromised = budget.spent < budget.amount && budget.reserved > 0
      note(.budget, UInt64(clamping: budget.amount), isPromised ? 1 : budget.wait(at: now.wall)) {
        $0.isPromised = isPromised
      }
    }
    return worst
  }

  /// Promises what `shortage` has found to be there.
  mutating func reserve(_ need: Need) -> Share {
    var share = Share()
    underWay += 1
    if requests != nil {
      requests?.add(1)
      share.requestSecond = requests?.head
    }
    promise(need, in: &share)
    return share
  }

  /// Promises something else than before to a request that is under way.
  mutating func promise(_ need: Need, in share: inout Share) {
    share.tokenSecond = tokens?.head
    share.tokens = min(need.tokens, tokenLimit)
    tokens?.add(share.tokens)
    share.span = budget?.start
    share.cost = budget?.promise(need) ?? 0
    budget?.reserved += share.cost
  }

  /// Takes back what was promised, but for the request itself.
  mutating func takeBack(_ share: Share) {
    if let second = share.tokenSecond { tokens?.correct(in: second, from: share.tokens, to: 0) }
    if let span = share.span, budget?.start == span { budget?.reserved -= share.cost }
  }

  /// Promises again what was taken back a moment ago.
  mutating func putBack(_ share: Share) {
    if let second = share.tokenSecond { tokens?.correct(in: second, from: 0, to: share.tokens) }
    if let span = share.span, budget?.start == span { budget?.reserved += share.cost }
  }

  /// Sets what was promised to what was taken.
  mutating func settle(_ share: Share, _ taken: Taken) {
    underWay -= 1
    if let second = share.requestSecond, !taken.isRequest { requests?.correct(in: second, from: 1, to: 0) }
    if let second = share.tokenSecond { tokens?.correct(in: second, from: share.tokens, to: taken.tokens) }
    // What belongs to a span that is over is not carried into the next one.
    guard let span = share.span, budget?.start == span, let known = budget else { return }
    budget?.reserved = max(known.reserved - share.cost, 0)
    let (sum, overflows) = known.spent.addingReportingOverflow(max(taken.cost, 0))
    budget?.spent = overflows ? .max : sum
  }

  /// Whole seconds, rounded up.
  static func seconds(_ ticks: UInt64) -> Int { Int(clamping: (ticks + 999_999_999) / 1_000_000_000) }
}
