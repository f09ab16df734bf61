// Whether traffic may come: latches that are released one by one at start, and one that is pulled at the end.

import Synchronization
package import Wire

/// The state behind `/readyz`, shared by all workers.
package final class Readiness: Sendable {
  package enum Check: UInt8, CaseIterable, Sendable {
    case configLoaded, listenersBound

    var name: StaticString {
      switch self {
      case .configLoaded: "config"
      case .listenersBound: "listeners"
      }
    }
  }

  private static let draining: UInt8 = 1 << 7
  /// One bit per check, and the draining one.
  private let latches = Atomic<UInt8>(0)

  package init() {}

  /// The check is passed, for good.
  package func pass(_ check: Check) {
    latches.bitwiseOr(1 << check.rawValue, ordering: .releasing)
  }

  /// No more traffic is wanted, for good.
  package func drain() {
    latches.bitwiseOr(Self.draining, ordering: .releasing)
  }

  package var isDraining: Bool { latches.load(ordering: .acquiring) & Self.draining != 0 }

  /// Every check is passed and nothing drains: 200, else 503.
  package var isReady: Bool { Self.isReady(latches.load(ordering: .acquiring)) }

  private static func isReady(_ state: UInt8) -> Bool {
    state & draining == 0 && Check.allCases.allSatisfy { state & (1 << $0.rawValue) != 0 }
  }

  /// Appends the answer's body, as Kubernetes' own probes write theirs.
  /// - Returns: whether it says ready, so that status and body can't differ.
  package func write(isVerbose: Bool, into out: inout ByteQueue) -> Bool {
    let state = latches.load(ordering: .acquiring)
    let isReady = Self.isReady(state)
    guard isVerbose else {
      out.append(isReady ? "ok\n" : state & Self.draining != 0 ? "draining\n" : "not ready\n")
      return isReady
    }
    for check in Check.allCases {
      Self.line(check.name, state & (1 << check.rawValue) != 0, into: &out)
    }
    out.append(state & Self.draining == 0 ? "[+]shutdown ok\n" : "[-]shutdown failed: draining\n")
    out.append(isReady ? "readyz check passed\n" : "readyz check failed\n")
    return isReady
  }

  private static func line(_ name: StaticString, _ isPassed: Bool, into out: inout ByteQueue) {
    out.append(isPassed ? "[+]" : "[-]")
    out.append(name)
    out.append(isPassed ? " ok\n" : " failed: not yet\n")
  }
}
