// How much of a stock is worth keeping.

/// How many of something were in use at once, lately: so many may be needed again at once, and no more.
package struct HighWater {
  private var used = 0
  private var most = 0

  package init() {}

  /// One is taken.
  package mutating func rise() {
    used &+= 1
    if used > most { most = used }
  }

  /// One is given back.
  package mutating func fall() { used &-= 1 }

  /// How many of the unused ones were not needed since the last time that this was asked.
  ///
  /// - Parameter floor: so many are always kept.
  package mutating func surplus(of unused: Int, above floor: Int) -> Int {
    let wanted = max(floor, most - used)
    most = used
    return max(unused - wanted, 0)
  }
}
