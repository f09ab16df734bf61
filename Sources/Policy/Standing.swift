// What is left of the limits that hold for a request, as its answer says it.

/// How much is left, as answers say it.
package struct Standing: Sendable, Equatable {
  /// A limit, and what is left of it.
  package struct Count: Sendable, Equatable {
    package var limit: UInt64
    package var left: UInt64
  }

  /// Whose limit is the tighter one.
  package var scope = Scope.pod
  package var requests: Count?
  package var tokens: Count?
  /// Whole seconds until all of both is there again, if nothing more comes.
  package var reset = 0
  /// In nano-dollars; nil as long as less than four fifths are spent or promised.
  package var budget: Count?

  /// The smallest part of a limit that is left.
  private var least = Double.infinity

  package init() {}

  package var isEmpty: Bool { requests == nil && tokens == nil && budget == nil }

  /// Adds what is left of a limit. Of two limits of one kind the one counts of which the smaller part is left.
  mutating func note(_ scope: Scope, requests count: Count, reset seconds: Int) {
    if Self.isTighter(count, than: requests) {
      requests = count
      tighten(scope, count, seconds)
    }
  }

  mutating func note(_ scope: Scope, tokens count: Count, reset seconds: Int) {
    if Self.isTighter(count, than: tokens) {
      tokens = count
      tighten(scope, count, seconds)
    }
  }

  mutating func note(budget count: Count) {
    if Self.isTighter(count, than: budget) { budget = count }
  }

  private mutating func tighten(_ scope: Scope, _ count: Count, _ seconds: Int) {
    reset = max(reset, seconds)
    let part = Self.part(count)
    if part < least {
      least = part
      self.scope = scope
    }
  }

  private static func isTighter(_ count: Count, than known: Count?) -> Bool {
    known.map { part(count) < part($0) } ?? true
  }

  private static func part(_ count: Count) -> Double { Double(count.left) / Double(max(count.limit, 1)) }
}
