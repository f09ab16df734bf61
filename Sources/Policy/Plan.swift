// The targets that may serve one request, in order.

/// The targets of a request. Made for each request, without memory of its own where there is one target.
package struct Plan: Sendable {
  /// The target that is tried first.
  package let first: Route
  /// The targets behind it, which serve where it can't.
  package let others: [Route]

  /// Makes a plan of one target, or of several.
  package init(_ first: Route, others: [Route] = []) {
    self.first = first
    self.others = others
  }

  /// How many targets there are, at least one.
  package var count: Int { others.count + 1 }

  /// The target at `place`, which is below `count`.
  package subscript(_ place: Int) -> Route { place == 0 ? first : others[place - 1] }
}
