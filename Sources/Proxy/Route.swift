// Step 2: which provider, and under which name it knows the model.

internal import Dialects
internal import Policy
internal import Telemetry
internal import Wire

extension Exchange {
  /// Decides where the request goes.
  func choose(_ connection: ClientConnection) throws(Refusal) {
    // A list of models has one provider to ask: it was found before.
    if upstream != nil { return }
    let snapshot = lineup.snapshot
    guard
      let route = snapshot.router.resolve(
        modelAsked.view, entry: snapshot.router.entries[connection.entrance.index])
    else {
      if !modelAsked.isEmpty { throw .modelNotFound(Self.shown(modelAsked.view.text())) }
      if isJSON, target.isFullService {
        throw .modelMissing("The request names no model, and there is no default_provider to ask.")
      }
      throw .noDefaultProvider(shownPath())
    }
    take(route)
  }

  func take(_ route: Route) {
    self.route = route
    let upstream = lineup.snapshot.upstreams[route.providerIndex]
    self.upstream = upstream
    addsUsage = facts.streams && !facts.asksForUsage && mayAddUsage(upstream)
  }

  /// Whether usage can be asked for where the client doesn't.
  func mayAddUsage(_ upstream: Upstream) -> Bool {
    isJSON && upstream.dialect == nil && upstream.takesStreamOptions && !facts.asksOfData
      && (target.endpoint == .chatCompletions || target.endpoint == .completions)
  }

  /// The model's name as the upstream knows it.
  func withModel<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    if let model = route?.model { return body(model.span) }
    return body(modelAsked.view)
  }
}
