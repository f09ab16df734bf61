// What a request itself says of other targets: `fallback_models`, `disable_fallback`, and what binds it to one provider.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Wire

extension Ask {
  /// Names that a request may give beside its model, and bytes of each.
  private static let mostFallbacks = 5
  private static let longestName = 256

  /// Adds the targets of the names that the client would have in the model's place, or leaves but the first one where it
  /// wants no other.
  func steered(_ plan: Plan?, _ entrance: Entrance) throws(Refusal) -> Plan? {
    guard target.isFullService else { return plan }
    var names = try fallbackNames()
    if let wishes = remarks.wishes { names += wishes.models.prefix(max(0, Self.mostFallbacks - names.count)) }
    if disablesFallback || remarks.wishes?.wantsNoFallback == true {
      return plan.map { Plan($0.first, pick: $0.pick, notice: $0.notice) }
    }
    if names.isEmpty { return plan }
    let router = lineup.snapshot.router
    let entry = router.entries[entrance.index]
    var plan = plan
    for name in names {
      guard let other = router.plan(name.span, entry: entry, today: { Self.today }) else {
        let shown = Self.shown(name.span.text())
        throw .fallbackNotFound(shown, nearest: router.nearest(to: shown, today: Self.today))
      }
      var routes: [Route] = []
      for place in 0..<other.count {
        var route = other[place]
        // "As asked" is said of this name, and not of the request's own.
        if route.model == nil { route = route.named(name) }
        if let group, group.isRestricted, !allowed(route, under: name, group) { continue }
        routes.append(route)
      }
      guard let first = routes.first else { continue }
      plan = plan?.followed(by: routes) ?? Plan(first, others: Array(routes.dropFirst()))
    }
    return plan
  }

  private func fallbackNames() throws(Refusal) -> [[UInt8]] {
    if body.isJSON, !body.isFollowed, let found = body.scanner.found(.fallbackModels) {
      return try names(in: found)
    }
    guard let field = remoraField("fallback-models") else { return [] }
    var names: [[UInt8]] = []
    for name in headBytes.extracting(field.value).text().split(separator: ",") {
      let bytes = name.utf8.drop { $0 <= ASCII.space }.reversed().drop { $0 <= ASCII.space }.reversed()
      names.append(try checked(Array(bytes), at: names.count, "The header x-remora-fallback-models"))
    }
    return names
  }

  private func names(in found: JSONScanner.Found) throws(Refusal) -> [[UInt8]] {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    switch found.kind {
    case .null: return []
    case .array: break
    default:
      throw .invalidValue(
        "fallback_models must be a list of model names, such as [\"gpt-5-mini\"].",
        parameter: "fallback_models")
    }
    var names: [[UInt8]] = []
    var cursor = JSONArrayCursor(bytes, found.value)
    while let element = cursor.next() {
      guard bytes[element.value.lowerBound] == ASCII.quote else {
        throw .invalidValue(
          "fallback_models[\(names.count)] must be a model's name, a string.", parameter: "fallback_models")
      }
      var name = ByteQueue()
      JSONString.decode(
        bytes, element.value.lowerBound..<min(element.value.upperBound, element.value.lowerBound + 2048),
        into: &name)
      names.append(try checked(name.bytes.array(), at: names.count, "fallback_models"))
    }
    return names
  }

  private func checked(_ name: [UInt8], at index: Int, _ place: String) throws(Refusal) -> [UInt8] {
    if index >= Self.mostFallbacks {
      throw .invalidValue("\(place) has more than \(Self.mostFallbacks) names.", parameter: "fallback_models")
    }
    if name.isEmpty || name.count > Self.longestName {
      throw .invalidValue(
        "\(place), name \(index + 1), must have 1 to \(Self.longestName) bytes.", parameter: "fallback_models"
      )
    }
    return name
  }

  private var disablesFallback: Bool {
    guard let field = remoraField("disable-fallback") else { return false }
    return headBytes.extracting(field.value).equalsIgnoringCase("true")
  }

  /// The field `x-remora-NAME`.
  private func remoraField(_ name: StaticString) -> Field? {
    guard head.names.contains(.xRemora) else { return nil }
    let bytes = headBytes
    for field in head.fields where field.known == .xRemora {
      if bytes.extracting(field.name).extracting(9...).equalsIgnoringCase(name) { return field }
    }
    return nil
  }

  /// Whether the request holds what only the provider understands that has made it: then no other may be asked.
  var isBound: Bool {
    guard body.isJSON else { return false }
    for member in RequestFacts.referring {
      if let found = body.scanner.found(member), found.kind != .null { return true }
    }
    return Noticed(body.scanner).contains(.bound)
  }
}
