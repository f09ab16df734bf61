// How often what a configuration names could not be loaded, by what messages call it.

/// Why a secret, or a file, could not be loaded.
package enum LoadFailure: UInt8, CaseIterable, Sendable {
  /// There is no such file, or no such variable.
  case missing
  /// The process may not read it.
  case denied
  /// Anything else that the system says, or no file at all.
  case unreadable
  case empty
  /// Too long, or with a byte that can't be sent.
  case malformed

  package var name: StaticString {
    switch self {
    case .missing: "missing"
    case .denied: "denied"
    case .unreadable: "unreadable"
    case .empty: "empty"
    case .malformed: "malformed"
    }
  }
}

/// Counts them. A name that it knows is told with 0 for what didn't happen, so that a first failure shows in a rate.
package struct LoadFailures: Sendable {
  /// Names that are told; a pod has a handful.
  private static let ceiling = 200
  private(set) var all: [(name: String, counts: [Int])] = []

  package init() {}

  /// Makes a name known.
  package mutating func know(_ name: String) { _ = place(of: name) }

  /// Counts a failure; one of a name for which there is no room is left out.
  package mutating func note(_ name: String, _ reason: LoadFailure) {
    if let place = place(of: name) { all[place].counts[Int(reason.rawValue)] += 1 }
  }

  private mutating func place(of name: String) -> Int? {
    if let known = all.firstIndex(where: { $0.name == name }) { return known }
    guard all.count < Self.ceiling, !name.isEmpty else { return nil }
    all.append((name, [Int](repeating: 0, count: LoadFailure.allCases.count)))
    return all.count - 1
  }
}
