// What is to be done with one request: the targets that may serve it, in order.

/// The targets of a request. Made for each request, without memory of its own where there is one target.
package struct Plan: Sendable {
  package let first: Route
  /// Those behind it, which serve when it can't.
  package let others: [Route]

  package init(_ first: Route, others: [Route] = []) {
    self.first = first
    self.others = others
  }

  package var count: Int { others.count + 1 }

  /// The target at `place`, which is below `count`.
  package subscript(_ place: Int) -> Route { place == 0 ? first : others[place - 1] }
}
