// Whose limits hold for a request, and what its target's tokens cost: looked up once a configuration, or once a name.

internal import Config
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What is counted for the whole process, whichever configuration is in force.
final class Books: Sendable {
  let ledger: Ledger
  let learning = Learning()
  let keeper: BudgetKeeper
  let complaints = Complaints()

  init() {
    ledger = Ledger()
    keeper = BudgetKeeper(ledger)
  }
}

/// The limits of one configuration. Immutable.
final class Meters {
  let ledger: Ledger
  let learning: Learning
  private let accounts: Ledger.Accounts

  /// Nil where there are no limits.
  init?(_ books: Books, _ settings: Settings) {
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
    Payers(pod: accounts.pod?.place, group: account(of: group)?.place)
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
struct Rate {
  let facts: ModelFacts?
  let counting: Counting
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

extension AllowanceGauge {
  /// Everything that is limited, as it is now.
  static func all(_ ledger: Ledger) -> [AllowanceGauge] {
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
