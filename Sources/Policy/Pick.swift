// Which target is asked first, and in which order the others follow.

internal import Config
internal import Wire

/// What is known of a request that decides which targets fit.
package struct RequestNeeds: Sendable {
  package var abilities: ModelFacts.Abilities = []
  /// Tokens that the prompt has at least; 0: unknown.
  package var promptAtLeast = 0
  /// Tokens that the prompt and the answer have, about, for comparing prices.
  package var prompt = 1000
  package var output = 300
  package var isStream = false
  /// What all requests of a conversation have in common; nil where nothing should keep them together.
  package var affinity: UInt64?

  package init() {}

  /// Whether `facts` allow for it. What isn't known is allowed.
  package func fit(_ facts: ModelFacts?) -> Bool {
    guard let facts else { return true }
    if facts.context > 0, promptAtLeast > facts.context { return false }
    return facts.abilities.isSuperset(of: abilities)
  }
}

package enum Pick {
  /// The order in which a plan's targets are asked. What doesn't fit the request comes last, for its provider to say so.
  ///
  /// - Parameters:
  ///   - random: any number, which decides where nothing else does.
  ///   - companion: the target that the conversation was last at, where speed decides.
  package static func order(
    _ plan: Plan, _ needs: RequestNeeds, random: UInt64, now: Nanoseconds, companion: TargetHealth? = nil,
    health: (Int) -> TargetHealth?
  ) -> Order {
    let count = min(plan.count, Order.ceiling)
    var fitting = Order()
    var others = Order()
    for place in 0..<count {
      if needs.fit(plan[place].facts) { fitting.append(place) } else { others.append(place) }
    }
    var order: Order
    switch plan.pick {
    case .ordered: order = fitting
    case .weighted:
      order = weighted(fitting, needs.affinity ?? random) { plan[$0].weight }
    case .cheapest: order = cheapest(fitting, plan, needs)
    case .fastest: order = fastest(fitting, needs, random: random, now: now, companion, health)
    }
    for at in 0..<others.count { order.append(others[at]) }
    return order
  }

  /// By weight: the same key comes to the same order everywhere. A target that isn't usable is passed over, and its share
  /// goes to the others as their weights say, without moving any of their own keys.
  package static func weighted(_ places: Order, _ key: UInt64, weight: (Int) -> Int) -> Order {
    var order = Order()
    var taken: UInt64 = 0
    var total: UInt64 = 0
    for at in 0..<places.count { total += UInt64(clamping: weight(places[at])) }
    // Drawn anew with the next number where the draw falls on one that was drawn: so its keys spread over the rest.
    var weighted = 0
    for at in 0..<places.count where weight(places[at]) > 0 { weighted += 1 }
    if total > 0 {
      for round in 0..<64 as Range<UInt64> where order.count < weighted {
        var left = mix(key &+ round &* 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: total).high
        for at in 0..<places.count {
          let share = UInt64(clamping: weight(places[at]))
          if left >= share {
            left -= share
            continue
          }
          if taken & 1 << UInt64(places[at] & 63) == 0 {
            taken |= 1 << UInt64(places[at] & 63)
            order.append(places[at])
          }
          break
        }
      }
    }
    // What hasn't been drawn in so many rounds, and behind it what has no weight, as they stand.
    for hasWeight in [true, false] {
      for at in 0..<places.count
      where taken & 1 << UInt64(places[at] & 63) == 0 && (weight(places[at]) > 0) == hasWeight {
        order.append(places[at])
      }
    }
    return order
  }

  private static func cheapest(_ places: Order, _ plan: Plan, _ needs: RequestNeeds) -> Order {
    sorted(places) { place in
      guard let prices = plan[place].facts?.prices else { return (2, 0) }
      let cost = prices.estimate(input: needs.prompt, output: needs.output)
      return (prices.isVerified ? 0 : 1, Double(cost))
    }
  }

  /// The fastest first; the first of them keeps its place unless another is a fifth better. One request in sixteen goes
  /// to a target of which nobody knows how fast it is. A conversation stays where it was, unless that takes twice as long.
  private static func fastest(
    _ places: Order, _ needs: RequestNeeds, random: UInt64, now: Nanoseconds, _ companion: TargetHealth?,
    _ health: (Int) -> TargetHealth?
  ) -> Order {
    let isExploring = random & 15 == 0
    var leader: (place: Int, score: Double)?
    var unknown = false
    var home: Int?
    // Asked once each, because each answer takes a lock; below 0: nobody knows.
    var scores = InlineArray<64, Double>(repeating: -1)
    for at in 0..<places.count {
      let health = health(places[at])
      if let companion, health === companion { home = places[at] }
      guard let score = health?.score(isStream: needs.isStream, at: now) else {
        unknown = true
        continue
      }
      scores[places[at] & 63] = score
      if score < (leader?.score ?? .infinity) * 0.8 { leader = (places[at], score) }
    }
    let best = leader?.score ?? .infinity
    return sorted(places) { place in
      let score = scores[place & 63]
      if place == home, score <= 2 * best { return (-1, 0) }
      if score < 0 { return (leader == nil || (isExploring && unknown) ? 0 : 2, 0) }
      return (1, place == leader?.place ? 0 : score)
    }
  }

  /// By rank, stable.
  private static func sorted(_ places: Order, _ rank: (Int) -> (Int, Double)) -> Order {
    var order = Order()
    var taken: UInt64 = 0
    for _ in 0..<places.count {
      var best: (place: Int, rank: (Int, Double))?
      for at in 0..<places.count where taken & 1 << UInt64(places[at] & 63) == 0 {
        let rank = rank(places[at])
        if let best, best.rank <= rank { continue }
        best = (places[at], rank)
      }
      guard let best else { break }
      taken |= 1 << UInt64(best.place & 63)
      order.append(best.place)
    }
    return order
  }

  /// Spreads what differs in a bit over all bits (the finalizer of MurmurHash3, by A. Appleby, public domain).
  package static func mix(_ key: UInt64) -> UInt64 {
    var hash = key
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ hash >> 33
  }
}
