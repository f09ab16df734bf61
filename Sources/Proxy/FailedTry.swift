// What a try has cost whose answer nobody gets: booked on its own target, and with what the request takes in all.

internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What the tries that failed have taken.
struct Lost {
  var tokens: UInt64 = 0
  /// Nil where there was nothing to pay.
  var cost: Cost?
}

extension Exchange {
  /// Books what a try has taken that another follows on: the tokens that it reported, and where it was silent until its
  /// time was over, what such a request mostly takes, for its provider goes on and is paid.
  func bookFailed(_ attempt: Attempt, _ failure: Failure) {
    if let sent = attempt.tried.times.sentAt {
      record.upstream += (attempt.tried.times.firstByteAt ?? Instant.now).nanoseconds(since: sent)
    }
    guard ask.target.isFullService, attempt.tried.times.sentAt != nil, attempt.conversation.asksProvider,
      let route
    else { return }
    var usage = attempt.conversation.usage
    var counted = ExchangeRecord(endpoint: ask.target.endpoint, status: attempt.call.reply.status)
    if failure.cls == .silent, usage.isEmpty {
      usage.input = record.bill.prompt > 0 ? record.bill.prompt : max(ask.body.received / 4, 1)
      usage.output = ask.body.facts.streams ? 0 : meanAnswer
      counted.estimatedInput = usage.input ?? 0
      counted.estimatedOutput = usage.output ?? 0
      record.bill.isEstimated = true
    }
    if usage.isEmpty { return }
    counted.provider = lineup.labels[route.providerIndex]
    counted.model = withModel { state.shard.intern(model: $0) }
    counted.usage = Usage(
      input: usage.input, output: usage.output, cachedInput: usage.cachedInput, cacheWrite: usage.cacheWrite,
      reasoning: usage.reasoning)
    if let cost = rate(of: route).facts?.cost(of: usage, served: attempt.served) {
      record.bill.lost.cost = (record.bill.lost.cost ?? Cost(picodollars: 0)) + cost
      counted.cost = Int(clamping: cost.picodollars)
    } else {
      counted.isUnpriced = true
    }
    let (sum, overflows) = (usage.input ?? 0).addingReportingOverflow(usage.output ?? 0)
    record.bill.lost.tokens = min(
      record.bill.lost.tokens + (overflows ? 1 << 40 : UInt64(clamping: sum)), 1 << 40)
    state.shard.spent(counted)
  }

  /// Promises what the request may take at the target that is tried next.
  ///
  /// - Returns: whether the limits allow for it.
  func renewPermit(for route: Route) -> Bool {
    guard let meters = lineup.meters, permit != nil, meters.weighs(ask.group) else { return true }
    return permit?.renew(estimate(route, meters), at: Meters.moment) == nil
  }
}
