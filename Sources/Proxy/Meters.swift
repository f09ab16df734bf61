// Whose limits hold for a request, and what its target's tokens cost: looked up once a configuration, or once a name.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What is counted for the whole process, whichever configuration is in force.
final class Books: Sendable {
  let ledger: Ledger
  let learning = Learning()
  let companions = Companions()
  let keeper: BudgetKeeper
  let complaints = Complaints()
  let shared = SharedBooks()
  let cache = AnswerCache()
  /// A name of this process that no other one has.
  let name: [UInt8]
  let responses = ResponsesMemory()
  let spans = SpanQueue()

  init() {
    ledger = Ledger()
    keeper = BudgetKeeper(ledger)
    name = Array(String(ProcessSettings.randomWord(), radix: 36).utf8)
  }
}

/// The limits of one configuration. Immutable.
final class Meters {
  let ledger: Ledger
  let learning: Learning
  private let accounts: Ledger.Accounts
  /// Where the limits of groups are counted for all pods together; nil: nowhere.
  let shared: SharedLimits?
  /// What is counted there, by the group's place.
  private let quotas: [SharedQuota?]

  /// Nil where there are no limits.
  init?(_ books: Books, _ settings: Settings, shared: SharedLimits? = nil) {
    self.shared = shared
    quotas = shared == nil ? [] : SharedQuota.all(settings).map(\.quota)
    ledger = books.ledger
    learning = books.learning
    accounts = books.ledger.adopt(settings)
    for name in accounts.renewed {
      Log.write(
        .warn, "a budget's span has changed; it begins anew with nothing spent",
        .text("scope", name.isEmpty ? "pod" : name))
    }
    if accounts.isEmpty { return nil }
  }

  private func account(of group: Group?) -> Ledger.Account? {
    guard let group, accounts.groups.indices.contains(group.index) else { return nil }
    return accounts.groups[group.index]
  }

  /// Who counts the requests of `group`.
  func payers(_ group: Group?) -> Payers {
    Payers(pod: accounts.pod?.seat, group: account(of: group)?.seat)
  }

  /// What is counted for all pods together; nil: nothing.
  func quota(_ group: Group?) -> SharedQuota? {
    guard let group, quotas.indices.contains(group.index) else { return nil }
    return quotas[group.index]
  }

  /// What is left of its limits, as far as it is known here.
  func standing(_ group: Group?) -> Standing {
    var payers = payers(group)
    guard let group, let quota = quota(group), let shared else {
      return ledger.standing(payers, at: Self.moment)
    }
    guard shared.book.isUp else {
      payers.part = shared.book.part
      return ledger.standing(payers, at: Self.moment)
    }
    payers.part = 0
    var standing = ledger.standing(payers, at: Self.moment)
    let wall = Int64(clamping: Instant.unixNanoseconds / 1_000_000)
    (shared.book.last(group.name, quota, wall: wall) ?? SharedAnswer()).add(to: &standing, quota)
    return standing
  }

  /// Whether any limit holds for it.
  func limits(_ group: Group?) -> Bool { accounts.pod != nil || account(of: group) != nil }

  /// Whether a limit counts tokens or money, for which they must be estimated.
  func weighs(_ group: Group?) -> Bool { accounts.pod?.weighs == true || account(of: group)?.weighs == true }

  /// Whether there is a budget, which must know what everything costs.
  func hasBudget(_ group: Group?) -> Bool {
    accounts.pod?.hasBudget == true || account(of: group)?.hasBudget == true
  }

  /// Whose budget it is that must know a price.
  func budgetName(_ group: Group?) -> String? {
    account(of: group)?.hasBudget == true ? group?.name : nil
  }

  static var moment: Moment {
    Moment(
      ticks: Instant.now.nanoseconds, wall: Int64(clamping: Instant.unixNanoseconds / 1_000_000_000))
  }
}

/// What a target's tokens cost and how they are counted.
final class Rate {
  let facts: ModelFacts?
  let counting: Counting

  init(facts: ModelFacts?, counting: Counting) {
    self.facts = facts
    self.counting = counting
  }
}

/// The rates that this worker's requests have asked for. A pod asks for few models, and mostly for the last one.
final class RateBook {
  private struct Key: Hashable {
    let provider: Int
    let model: [UInt8]
  }

  /// Names are the clients', so that there must be an end.
  private static let ceiling = 256

  private let snapshot: Snapshot
  private var known: [Key: Rate] = [:]
  private var last: (provider: Int, model: [UInt8], rate: Rate)?

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  /// Of a target; `model` is its name there.
  func rate(_ provider: Int, _ model: Span<UInt8>) -> Rate {
    if let last, last.provider == provider, last.model.span.equals(model) { return last.rate }
    let name = model.array()
    let key = Key(provider: provider, model: name)
    let rate: Rate
    if let found = known[key] {
      rate = found
    } else {
      let settings = snapshot.upstreams[provider].settings
      rate = Rate(
        facts: snapshot.catalogue.facts(settings, model), counting: Counting(settings.kind, model: model))
      if known.count >= Self.ceiling { known.removeAll(keepingCapacity: true) }
      known[key] = rate
    }
    last = (provider, name, rate)
    return rate
  }
}

extension SharedQuota {
  /// Of every group; nil where it has nothing that is counted together.
  static func all(_ settings: Settings) -> [(group: String, quota: SharedQuota?)] {
    (settings.consumers?.groups ?? []).map { group in
      let limits = group.limits
      guard limits.isShareable else { return (group.name, nil) }
      let budget = limits.budget.flatMap { $0.amount > 0 ? $0 : nil }
      return (
        group.name,
        SharedQuota(
          requests: UInt64(limits.requestsPerMinute), tokens: UInt64(limits.tokensPerMinute),
          budget: budget?.amount ?? 0,
          per: budget.map { max(Int64(clamping: $0.per.components.seconds), 1) } ?? 0)
      )
    }
  }
}

extension AllowanceGauge {
  /// Everything that is limited, as it is now.
  ///
  /// - Parameters:
  ///   - settings: of the configuration in force.
  ///   - book: what is known of limits that are counted together.
  static func all(_ ledger: Ledger, _ settings: Settings, _ book: SharedBook?) -> [AllowanceGauge] {
    var gauges = all(ledger)
    guard let book, book.isUp else { return gauges }
    let wall = Int64(clamping: Instant.unixNanoseconds / 1_000_000)
    for (name, quota) in SharedQuota.all(settings) {
      guard let quota, let place = gauges.firstIndex(where: { $0.group == name }) else { continue }
      let answer = book.last(name, quota, wall: wall) ?? SharedAnswer()
      func left(_ limit: UInt64, _ sum: Int64) -> Int {
        Int(clamping: limit - min(UInt64(clamping: sum), limit))
      }
      if quota.requests > 0 { gauges[place].requests = left(quota.requests, answer.requests.sum) }
      if quota.tokens > 0 { gauges[place].tokens = left(quota.tokens, answer.tokens.sum) }
      if quota.budget > 0 { gauges[place].budgetLeft = left(quota.budget, answer.spent) * 1000 }
    }
    return gauges
  }

  private static func all(_ ledger: Ledger) -> [AllowanceGauge] {
    ledger.gauges(at: Meters.moment).map { name, left in
      var gauge = AllowanceGauge(group: name)
      gauge.requests = left.requests.map { Int(clamping: $0) }
      gauge.tokens = left.tokens.map { Int(clamping: $0) }
      gauge.concurrency = left.concurrency
      gauge.budgetLimit = left.budgetLimit.map { Int(clamping: $0) }
      gauge.budgetLeft = left.budgetLeft.map { Int(clamping: $0) }
      return gauge
    }
  }
}
