// What providers say that a dialect doesn't know: passed over, since tomorrow's events must not break today's streams,
// but counted, so that somebody sees them come.

/// Where something unknown stood.
package enum UnknownKind: UInt8, CaseIterable, Sendable {
  /// An event of a stream.
  case event
  /// A piece of an answer's content.
  case block
  /// Why an answer ended; read as a stop.
  case finishReason
}

/// How often, in one exchange.
package struct UnknownCounts: Sendable, Equatable {
  private var counts = InlineArray<3, Int>(repeating: 0)

  package init() {}

  package subscript(_ kind: UnknownKind) -> Int { counts[Int(kind.rawValue)] }

  package var isEmpty: Bool { UnknownKind.allCases.allSatisfy { self[$0] == 0 } }

  mutating func add(_ kind: UnknownKind) { counts[Int(kind.rawValue)] += 1 }

  package static func == (left: UnknownCounts, right: UnknownCounts) -> Bool {
    UnknownKind.allCases.allSatisfy { left[$0] == right[$0] }
  }
}
