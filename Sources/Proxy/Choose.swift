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
    var plan = router.plan(model, entry: router.entries[entrance.index], today: { Self.today })
    if target.endpoint == .models { plan = plan?.asAsked }
    let isKnown = plan != nil
    if let found = plan, let group, group.isRestricted { plan = permitted(found, group, entrance) }
    if let plan = try steered(plan, entrance) { return try wished(plan) }
    if isKnown, let group { throw notPermitted(group, entrance) }
    if !model.isEmpty {
      let name = Self.shown(model.text())
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
    if others.isEmpty { return demand }
    for other in others { demand = max(demand, upstreams[other.providerIndex].demand(ask)) }
    // What has gone to one target can go to another only where it is still here.
    return ask.head.announcedLength ?? 0 <= Ceiling.keptForOthers ? .keep : demand
  }
}
