// `/state` of the admin port: how targets are doing and what is left of the limits, for `remora explain` and for people.
// It names providers, models and groups, and no key.

internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Writes what the process knows at the moment, as JSON.
  func writeState() {
    let snapshot = state.lineup.snapshot
    let now = Instant.now.nanoseconds
    var isFirst = true
    answer.body.append("{\"targets\":[")
    for target in snapshot.health.unnamed + snapshot.health.all {
      if !isFirst { answer.body.append(ASCII.comma) }
      isFirst = false
      write(target, target.report(at: now), at: now)
    }
    answer.body.append("],\"limits\":[")
    isFirst = true
    for gauge in AllowanceGauge.all(state.books.ledger, snapshot.settings, state.shared?.book) {
      if !isFirst { answer.body.append(ASCII.comma) }
      isFirst = false
      write(gauge)
    }
    answer.body.append("]")
    if let shared = state.shared {
      answer.body.append(
        shared.book.isUp ? ",\"limits_shared\":\"up\"" : ",\"limits_shared\":\"away\"")
    }
    answer.body.append("}\n")
  }

  private func write(_ target: TargetHealth, _ report: TargetHealth.Report, at now: Nanoseconds) {
    answer.body.append("{\"provider\":")
    JSONWriter.string(target.provider, into: &answer.body)
    answer.body.append(",\"model\":")
    JSONWriter.string(target.name, into: &answer.body)
    member("state", TargetState(report.shown).name)
    switch report.cooling {
    case .rate: member("reason", "rate")
    case .quota: member("reason", "quota")
    case .auth: member("reason", "auth")
    case .model: member("reason", "model")
    case nil: break
    }
    if let until = report.until { member("for_ms", Int(clamping: until.minus(now) / 1_000_000)) }
    if let cls = report.lastFailure { member("last_failure", AttemptFailure(cls).name) }
    member("failures_30s", report.failures)
    member("in_flight", report.inFlight)
    if let time = report.firstContent { member("first_token_ms", Int(time / 1e6)) }
    if let time = report.perToken { member("token_us", Int(time / 1e3)) }
    answer.body.append("}")
  }

  private func write(_ gauge: AllowanceGauge) {
    answer.body.append("{\"scope\":")
    JSONWriter.string(gauge.group.isEmpty ? "pod" : "group", into: &answer.body)
    if !gauge.group.isEmpty {
      answer.body.append(",\"group\":")
      JSONWriter.string(gauge.group, into: &answer.body)
    }
    if let left = gauge.requests { member("requests_left", left) }
    if let left = gauge.tokens { member("tokens_left", left) }
    if let left = gauge.concurrency { member("concurrent_left", left) }
    if let left = gauge.budgetLeft { dollars("budget_left_usd", left) }
    if let limit = gauge.budgetLimit { dollars("budget_limit_usd", limit) }
    answer.body.append("}")
  }

  private func name(_ name: StaticString) {
    answer.body.append(",\"")
    answer.body.append(name)
    answer.body.append("\":")
  }

  private func member(_ name: StaticString, _ value: StaticString) {
    self.name(name)
    JSONWriter.string(value, into: &answer.body)
  }

  private func member(_ name: StaticString, _ value: Int) {
    self.name(name)
    answer.body.append(decimal: value)
  }

  private func dollars(_ name: StaticString, _ nanodollars: Int) {
    self.name(name)
    answer.body.append(nanodollars, places: 9)
  }
}
