// Whose connection is made beside one that is slow to come. A dial costs nothing and sends nothing: the request goes where
// one is up first.
//
// No I/O and no clock. Proxy/SideDials.swift makes the connections that this names.

/// The dials of one try, beside that of its own target.
package struct DialRace: Sendable {
  /// Nobody waits for a dead host's five seconds: after so long another target is dialed, too, and the next one after as
  /// long again.
  package static let patience = Nanoseconds.second
  /// With less than this left before the client's time is over, no target is left for another.
  private static let least = Nanoseconds.second

  private let others: Order
  private let most: Int
  private let deadline: Nanoseconds
  private var begun = 0
  /// The target whose connection was up first; nil while none is.
  package private(set) var winner: Int?
  /// When `turn` may name another target; `.max`: never.
  package private(set) var due: Nanoseconds

  /// - Parameters:
  ///   - others: the targets that may be asked in place of the one that is dialed already.
  ///   - most: how many tries are left for them.
  ///   - deadline: when the client's time is over; `.max` where nothing says so.
  package init(_ others: Order, most: Int, now: Nanoseconds, deadline: Nanoseconds = .max) {
    self.others = others
    self.most = min(most, others.count)
    self.deadline = deadline
    due = self.most > 0 ? now.plus(Self.patience) : .max
  }

  /// The target that is to be dialed now; nil: none.
  package mutating func turn(at now: Nanoseconds) -> Int? {
    guard now >= due else { return nil }
    guard begun < most, mayMove(at: now) else {
      due = .max
      return nil
    }
    begun += 1
    due = begun < most ? now.plus(Self.patience) : .max
    return others[begun - 1]
  }

  /// One of those that `turn` named takes no connection: the next one need not wait for it.
  package mutating func failed(at now: Nanoseconds) {
    if due != .max { due = now }
  }

  /// A connection to one of those that `turn` named is up.
  ///
  /// - Returns: whether it is the first, so that the request goes there.
  package mutating func connected(_ place: Int, at now: Nanoseconds) -> Bool {
    due = .max
    guard winner == nil, mayMove(at: now) else { return false }
    winner = place
    return true
  }

  private func mayMove(at now: Nanoseconds) -> Bool {
    winner == nil && (deadline == .max || deadline.minus(now) >= Self.least)
  }
}
