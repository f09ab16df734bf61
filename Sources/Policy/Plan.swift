// The targets that may serve one request, in order, and what is decided among them.

package import Config
internal import Wire

/// Where a request goes. By reference, because each request's way hands it on a dozen times: a copy would count each of its
/// parts.
package final class Route: Sendable {
  /// The provider's place in `Settings.providers`.
  package let providerIndex: Int
  /// The model's name at the provider; nil where it is the name that was asked for.
  package let model: [UInt8]?
  /// Whether the name itself chose the provider (`provider/model`), so that no other may serve it.
  package let isPinned: Bool
  /// Its share where targets are picked by weight; 0: only where no target with weight is usable.
  package let weight: Int
  /// What the catalogue knows of the model; nil: nothing, or it wasn't looked up.
  package let facts: ModelFacts?
  /// How it has been doing; nil where the model's name is the client's own, so that there may be any number of them.
  package let health: TargetHealth?

  package init(
    providerIndex: Int, model: [UInt8]? = nil, isPinned: Bool = false, weight: Int = 1,
    facts: ModelFacts? = nil, health: TargetHealth? = nil
  ) {
    self.providerIndex = providerIndex
    self.model = model
    self.isPinned = isPinned
    self.weight = weight
    self.facts = facts
    self.health = health
  }

  /// The same target, whose model is called `model`.
  package func named(_ model: [UInt8]?) -> Route {
    Route(
      providerIndex: providerIndex, model: model, isPinned: isPinned, weight: weight, facts: facts,
      health: health)
  }

  /// Whether both lead to the same model of the same provider.
  package func leads(like other: Route) -> Bool {
    providerIndex == other.providerIndex && model == other.model
  }
}

/// The targets of a request. Made once a configuration, but for names that hold a part of the client's own, and where a
/// request asks for more targets than its model has, or for fewer.
package final class Plan: Sendable {
  /// Leads to the first provider, whatever it is.
  package static let any = Plan(Route(providerIndex: 0))

  /// The target that is tried first.
  package let first: Route
  /// The targets behind it, which serve where it can't.
  package let others: [Route]
  /// How the first one is chosen.
  package let pick: ModelEntry.Pick
  /// What the client is told of the name; nil: nothing.
  package let notice: Notice?
  /// How many targets there are, at least one.
  package let count: Int

  /// Makes a plan of one target, or of several.
  package init(
    _ first: Route, others: [Route] = [], pick: ModelEntry.Pick = .ordered, notice: Notice? = nil
  ) {
    self.first = first
    self.others = others
    self.pick = pick
    self.notice = notice
    count = others.count + 1
  }

  /// The target at `place`, which is below `count`.
  package subscript(_ place: Int) -> Route { place == 0 ? first : others[place - 1] }

  /// The same with another target in front.
  package func beginning(with first: Route) -> Plan {
    Plan(first, others: others, pick: pick, notice: notice)
  }

  /// The same for a question about the name itself: what has come to its end is asked about as it is.
  package var asAsked: Plan {
    guard let notice else { return self }
    return Plan(notice.warning == nil ? first : first.named(nil), others: others, pick: pick)
  }

  /// The same with more targets behind, those that are there already left out.
  package func followed(by more: [Route]) -> Plan {
    var others = others
    for route in more where !first.leads(like: route) && !others.contains(where: { $0.leads(like: route) }) {
      others.append(route)
    }
    return Plan(first, others: others, pick: pick, notice: notice)
  }

  /// The same without the targets that `isLeftOut` names; nil where none is left.
  package func without(_ isLeftOut: (Route) -> Bool) -> Plan? {
    var left = (0..<count).map { self[$0] }.filter { !isLeftOut($0) }
    if left.isEmpty { return nil }
    let first = left.removeFirst()
    return Plan(first, others: left, pick: pick, notice: notice)
  }
}

/// What every answer under a deprecated name says.
package final class Notice: Sendable {
  /// Header lines, each with its CR LF.
  package let fields: [UInt8]
  /// What the log says once, in the operator's words; nil: nothing.
  package let warning: String?

  /// - Parameters:
  ///   - successor: what is to be asked for instead; nil: unknown.
  ///   - sunset: days since 1970-01-01 until which the name is served; nil: unknown.
  package init(successor: String?, sunset: Int? = nil, warning: String? = nil) {
    // draft-ietf-httpapi-deprecation-header, in the form that gateways have written so far, and RFC 8594.
    var text = "Deprecation: true\r\n"
    if let successor, successor.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
      text += "X-Model-Deprecated-Successor: \(successor)\r\n"
    }
    if let sunset { text += "Sunset: \(HTTPDate.text(day: sunset))\r\n" }
    fields = Array(text.utf8)
    self.warning = warning
  }
}

/// Days as HTTP writes them (RFC 9110 section 5.6.7).
enum HTTPDate {
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The day's first second: `Sun, 06 Nov 1994 00:00:00 GMT`.
  static func text(day: Int) -> String {
    let day = min(max(day, 0), 2_000_000)
    let date = CivilDate(daysSinceEpoch: day)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return
      "\(weekdays[day % 7]), \(two(date.day)) \(months[min(max(date.month, 1), 12) - 1]) \(date.year) 00:00:00 GMT"
  }
}
