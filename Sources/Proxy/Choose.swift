// Which targets may serve the request, and how much of its body must be here for them.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Days since 1970-01-01, in UTC.
  static var today: Int { Int(clamping: Instant.unixNanoseconds / 86_400_000_000_000) }

  /// Decides where the request goes.
  func choose(_ entrance: Entrance) throws(Refusal) -> Plan {
    let router = lineup.snapshot.router
    if let plan = router.plan(model.view, entry: router.entries[entrance.index], today: { Self.today }) {
      let plan = target.endpoint == .models ? plan.asAsked : plan
      if let group, group.isRestricted { return try permitted(plan, group, entrance) }
      return plan
    }
    if !model.isEmpty {
      let name = Self.shown(model.view.text())
      throw .modelNotFound(name, nearest: router.nearest(to: name, today: Self.today))
    }
    if body.isJSON, target.isFullService {
      throw .modelMissing("The request names no model, and there is no default_provider to ask.")
    }
    throw .noDefaultProvider(shownPath)
  }
}

extension Plan {
  /// How much of the body must be here: as much as the most demanding of the targets wants.
  func demand(_ ask: Ask) -> BodyDemand {
    // Policies look at all of it.
    if ask.policies != nil { return .keep }
    let upstreams = ask.lineup.snapshot.upstreams
    var demand = upstreams[first.providerIndex].demand(ask)
    for other in others { demand = max(demand, upstreams[other.providerIndex].demand(ask)) }
    return demand
  }
}
