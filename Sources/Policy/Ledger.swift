// How much the pod and its groups have taken, and may still take. One for the process, beside the configuration and
// older than each of its generations; one lock, held for a few additions.
//
// A request is promised what it may take before it is made, by the pod and by its group, or by neither. What it was
// promised is a `Permit`, which can't be copied: it is settled once, or goes back by itself.

package import Config
internal import Wire

/// Whose allowances a request needs.
package struct Payers: Sendable, Equatable {
  /// Seats among the ledger's allowances.
  package var pod: Int?
  package var group: Int?
  /// Of the group's requests, tokens and budget this process may use the whole (1), the nth part (n), or what is counted
  /// elsewhere for all pods together, so that here they are counted and nothing more (0).
  package var part = 1

  package var isEmpty: Bool { pod == nil && group == nil }

  package init(pod: Int?, group: Int?) {
    self.pod = pod
    self.group = group
  }
}

/// The counters of a process.
package final class Ledger: Sendable {
  /// An allowance, whose it is, and how many permits are out for it.
  fileprivate struct Entry: Sendable {
    /// A group's name; nil: the pod.
    var name: String?
    /// Tells it from those that had its place before.
    var serial: Int
    var allowance: Allowance
    var permits = 0
    /// It isn't in the configuration any more, and goes with its last permit, unless it has spent something.
    var isRetired = false

    var isOver: Bool { isRetired && permits == 0 }
    var hasSpent: Bool { (allowance.budget?.spent ?? 0) > 0 }
  }

  /// Names that are gone of which it is known what they have spent. A group that a mistaken configuration lacked has its
  /// budget as it was when it is back.
  private static let goneCeiling = 256

  fileprivate struct State: Sendable {
    var entries: [Entry?] = []
    /// Of the entry that came last.
    var serial = 0
  }

  private let state = Guarded(State())

  package init() {}

  /// One allowance of a configuration.
  package struct Account: Sendable {
    /// Its place and its serial: a request that began before a reload may ask for what is gone by then, and whose place
    /// another has.
    package var seat: Int
    /// It counts tokens, or what they cost: then they must be estimated.
    package var weighs: Bool
    package var hasBudget: Bool
  }

  /// The allowances of a configuration.
  package struct Accounts: Sendable {
    package var pod: Account?
    /// By the group's place; nil where it has no limits.
    package var groups: [Account?] = []
    /// Whose budget begins anew, because its span has changed; empty: the pod's.
    package var renewed: [String] = []

    package var isEmpty: Bool { pod == nil && groups.allSatisfy { $0 == nil } }
  }

  /// Takes over the limits of `settings`. What was counted under the same name stays.
  package func adopt(_ settings: Settings) -> Accounts {
    state.withLock { state in
      var accounts = Accounts()
      for place in state.entries.indices { state.entries[place]?.isRetired = true }
      accounts.pod = state.adopt(nil, settings.limits, &accounts)
      for group in settings.consumers?.groups ?? [] {
        accounts.groups.append(state.adopt(group.name, group.limits, &accounts))
      }
      for place in state.entries.indices { state.forget(place) }
      state.forgetOldest(beyond: Self.goneCeiling)
      return accounts
    }
  }

  /// Promises `need`, or says what stands in the way.
  ///
  /// - Returns: the promise, and what is left then.
  package func reserve(
    _ payers: Payers, _ need: Need, at now: Moment
  ) -> (result: Result<Permit.Ticket, Shortage>, standing: Standing) {
    state.withLock { state in
      let places = state.places(of: payers)
      state.advance(places, to: now)
      if let shortage = state.shortage(places, need, isNew: true, at: now) {
        return (.failure(shortage), state.standing(places, at: now))
      }
      var ticket = Permit.Ticket(payers: payers)
      if let pod = places.pod { ticket.pod = state.reserve(pod, need) }
      if let group = places.group { ticket.group = state.reserve(group, need) }
      return (.success(ticket), state.standing(places, at: now))
    }
  }

  /// Promises something else to a request for which another target is tried; the old promise stays where it doesn't fit.
  fileprivate func renew(_ ticket: inout Permit.Ticket, _ need: Need, at now: Moment) -> Shortage? {
    let old = ticket
    let (new, shortage) = state.withLock { state -> (Permit.Ticket, Shortage?) in
      var ticket = old
      let places = state.places(of: ticket.payers)
      state.advance(places, to: now)
      state.takeBack(ticket, places)
      if let shortage = state.shortage(places, need, isNew: false, at: now) {
        state.putBack(ticket, places)
        return (ticket, shortage)
      }
      if let pod = places.pod { state.entries[pod]?.allowance.promise(need, in: &ticket.pod) }
      if let group = places.group { state.entries[group]?.allowance.promise(need, in: &ticket.group) }
      return (ticket, nil)
    }
    ticket = new
    return shortage
  }

  fileprivate func settle(_ ticket: Permit.Ticket, _ taken: Taken, at now: Moment?) {
    state.withLock { state in
      let places = state.places(of: ticket.payers)
      if let now { state.advance(places, to: now) }
      if let pod = places.pod { state.settle(pod, ticket.pod, taken) }
      if let group = places.group { state.settle(group, ticket.group, taken) }
    }
  }

  /// What is left for `payers`.
  package func standing(_ payers: Payers, at now: Moment) -> Standing {
    state.withLock { state in
      let places = state.places(of: payers)
      state.advance(places, to: now)
      return state.standing(places, at: now)
    }
  }

  /// What is left of everything, for the metrics. A name that is empty is the pod's.
  package func gauges(at now: Moment) -> [(name: String, allowance: Gauge)] {
    state.withLock { state in
      state.entries.compactMap { entry in
        guard var entry, !entry.isRetired else { return nil }
        entry.allowance.advance(to: now)
        return (entry.name ?? "", Gauge(entry.allowance))
      }
    }
  }

  // MARK: Budgets

  /// One budget, as it is kept over a restart.
  package struct BudgetRecord: Sendable, Equatable {
    /// Empty: the pod's.
    package var group: String
    package var per: Int64
    package var start: Int64
    package var spent: Int64
    package var reserved: Int64

    package init(group: String, per: Int64, start: Int64, spent: Int64, reserved: Int64) {
      self.group = group
      self.per = per
      self.start = start
      self.spent = spent
      self.reserved = reserved
    }

    /// Whether it can be true: a file may say anything.
    var isPlausible: Bool { per > 0 && start >= 0 && start % per == 0 }

    /// What was under way counts as spent.
    var taken: Int64 {
      let (sum, overflows) = max(spent, 0).addingReportingOverflow(max(reserved, 0))
      return overflows ? .max : sum
    }
  }

  /// All budgets as they are.
  package func budgets() -> [BudgetRecord] {
    state.withLock { state in
      state.entries.compactMap { entry in
        guard let entry, let budget = entry.allowance.budget else { return nil }
        return BudgetRecord(
          group: entry.name ?? "", per: budget.per, start: budget.start, spent: budget.spent,
          reserved: budget.reserved)
      }
    }
  }

  /// Goes on with what was spent before a restart. What was promised then was under way, and counts as spent.
  ///
  /// - Parameter wall: Unix time in seconds.
  /// - Returns: how many of the records hold a budget that there still is.
  @discardableResult
  package func restore(_ records: [BudgetRecord], at wall: Int64) -> Int {
    state.withLock { state in
      var count = 0
      for record in records where record.isPlausible {
        let name = record.group.isEmpty ? nil : record.group
        if let place = state.entries.firstIndex(where: { $0 != nil && $0?.name == name }) {
          guard let known = state.entries[place]?.allowance.budget, known.per == record.per else { continue }
          state.entries[place]?.allowance.budget?.start = record.start
          state.entries[place]?.allowance.budget?.spent = record.taken
          count += 1
        } else if record.taken > 0, wall - record.start < record.per {
          state.serial += 1
          var entry = Entry(
            name: name, serial: state.serial, allowance: Allowance(name == nil ? .pod : .group),
            isRetired: true)
          entry.allowance.budget = BudgetState(gone: record)
          state.entries.append(entry)
        }
      }
      state.forgetOldest(beyond: Self.goneCeiling)
      return count
    }
  }

  /// What is under way and promised in all: nothing, where nothing is under way.
  package var balance: (underWay: Int, reserved: Int64, permits: Int) {
    state.withLock { state in
      var balance = (underWay: 0, reserved: Int64(0), permits: 0)
      for entry in state.entries {
        guard let entry else { continue }
        balance.underWay += entry.allowance.underWay
        balance.reserved += entry.allowance.budget?.reserved ?? 0
        balance.permits += entry.permits
      }
      return balance
    }
  }
}

extension Ledger.State {
  fileprivate mutating func adopt(
    _ name: String?, _ limits: Limits, _ accounts: inout Ledger.Accounts
  ) -> Ledger.Account? {
    if !limits.isLimiting { return nil }
    let place: Int
    if let known = entries.firstIndex(where: { $0 != nil && $0?.name == name }) {
      place = known
    } else {
      place = entries.firstIndex { $0 == nil } ?? entries.count
      if place == entries.count { entries.append(nil) }
      serial += 1
      entries[place] = Ledger.Entry(
        name: name, serial: serial, allowance: Allowance(name == nil ? .pod : .group))
    }
    entries[place]?.isRetired = false
    if entries[place]?.allowance.adopt(limits) == true { accounts.renewed.append(name ?? "") }
    let hasBudget = entries[place]?.allowance.budget != nil
    let seat = (entries[place]?.serial ?? 0) << Self.placeBits | place
    return Ledger.Account(seat: seat, weighs: hasBudget || limits.tokensPerMinute > 0, hasBudget: hasBudget)
  }

  /// More places than a configuration may have groups.
  private static let placeBits = 20

  /// Where the entries of `payers` are now; nil for one that is gone.
  fileprivate func places(of payers: Payers) -> Payers {
    var places = payers
    places.pod = payers.pod.flatMap { place(of: $0) }
    places.group = payers.group.flatMap { place(of: $0) }
    return places
  }

  private func place(of seat: Int) -> Int? {
    let place = seat & ((1 << Self.placeBits) - 1)
    guard place < entries.count, entries[place]?.serial == seat >> Self.placeBits else { return nil }
    return place
  }

  /// Lets go of an entry that isn't in the configuration any more, once nothing more is settled in it.
  fileprivate mutating func forget(_ place: Int) {
    if let entry = entries[place], entry.isOver, !entry.hasSpent { entries[place] = nil }
  }

  /// Lets go of the oldest of what is gone, above so many.
  fileprivate mutating func forgetOldest(beyond ceiling: Int) {
    let gone = entries.indices.filter { entries[$0]?.isOver == true }
    func start(_ place: Int) -> Int64 { entries[place]?.allowance.budget?.start ?? 0 }
    for place in gone.sorted(by: { start($0) < start($1) }).dropLast(ceiling) { entries[place] = nil }
  }

  fileprivate mutating func advance(_ payers: Payers, to now: Moment) {
    if let pod = payers.pod { entries[pod]?.allowance.advance(to: now) }
    if let group = payers.group { entries[group]?.allowance.advance(to: now) }
  }

  fileprivate func standing(_ payers: Payers, at now: Moment) -> Standing {
    var standing = Standing()
    if let pod = payers.pod { entries[pod]?.allowance.add(to: &standing, part: 1, at: now) }
    if let group = payers.group {
      entries[group]?.allowance.add(to: &standing, part: payers.part, at: now)
    }
    return standing
  }

  /// What lasts the longest of all that stands in the way.
  fileprivate func shortage(_ payers: Payers, _ need: Need, isNew: Bool, at now: Moment) -> Shortage? {
    var worst: Shortage?
    func note(_ place: Int?, part: Int) {
      guard let place,
        let found = entries[place]?.allowance.shortage(need, isNew: isNew, part: part, at: now)
      else { return }
      if let known = worst, known.isHopeless || known.wait >= found.wait, !found.isHopeless { return }
      worst = found
    }
    note(payers.pod, part: 1)
    note(payers.group, part: payers.part)
    return worst
  }

  fileprivate mutating func reserve(_ place: Int, _ need: Need) -> Share {
    entries[place]?.permits += 1
    return entries[place]?.allowance.reserve(need) ?? Share()
  }

  fileprivate mutating func takeBack(_ ticket: Permit.Ticket, _ places: Payers) {
    if let pod = places.pod { entries[pod]?.allowance.takeBack(ticket.pod) }
    if let group = places.group { entries[group]?.allowance.takeBack(ticket.group) }
  }

  fileprivate mutating func putBack(_ ticket: Permit.Ticket, _ places: Payers) {
    if let pod = places.pod { entries[pod]?.allowance.putBack(ticket.pod) }
    if let group = places.group { entries[group]?.allowance.putBack(ticket.group) }
  }

  fileprivate mutating func settle(_ place: Int, _ share: Share, _ taken: Taken) {
    entries[place]?.allowance.settle(share, taken)
    entries[place]?.permits -= 1
    forget(place)
  }
}

/// What was promised to one request. It is settled once; one that is let go without that takes back everything, the
/// request too.
package struct Permit: ~Copyable {
  /// What there is to settle.
  package struct Ticket: Sendable {
    fileprivate let payers: Payers
    fileprivate var pod = Share()
    fileprivate var group = Share()

    fileprivate init(payers: Payers) { self.payers = payers }
  }

  private let ledger: Ledger
  private var ticket: Ticket
  private var isOpen = true

  /// Makes a ticket, which is used once, something that can't be lost.
  package init(_ ticket: Ticket, of ledger: Ledger) {
    self.ticket = ticket
    self.ledger = ledger
  }

  deinit {
    if isOpen { ledger.settle(ticket, Taken(isRequest: false), at: nil) }
  }

  /// Asks for another amount than before, for another target; nil: it is promised.
  package mutating func renew(_ need: Need, at now: Moment) -> Shortage? {
    ledger.renew(&ticket, need, at: now)
  }

  /// Ends it with what was taken.
  package consuming func settle(_ taken: Taken, at now: Moment) {
    isOpen = false
    ledger.settle(ticket, taken, at: now)
  }

  /// Whose allowances it is from.
  package var payers: Payers { ticket.payers }
}
