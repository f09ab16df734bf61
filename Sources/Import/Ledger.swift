// What became of each value of the file: nothing that is written there goes away without a word.

internal import Wire

/// How well something of another gateway's can be said.
package enum Grade: String, Sendable, CaseIterable {
  /// Nothing is lost.
  case exact
  /// Nearly the same; the reason says what differs.
  case approximate
  /// To be done by hand; the reason says what.
  case manual
  /// There is no counterpart.
  case unsupported
}

/// What became of one place of the file.
package struct Note: Sendable, Equatable {
  package let line: Int
  package let path: String
  package let grade: Grade
  /// A sentence without a secret; for what is exact, where it went, or nothing.
  package let reason: String
}

struct Ledger {
  private(set) var notes: [Note] = []
  private var covered: Set<Position> = []
  /// Values that are said as they were.
  private(set) var exact = 0

  /// Marks what stands under `item` as said as it was.
  mutating func took(_ item: Item?) {
    guard let item else { return }
    let before = covered.count
    cover(item.node)
    if covered.count > before {
      exact += covered.count - before
      notes.append(Note(line: item.line, path: item.path, grade: .exact, reason: ""))
    }
  }

  /// Says what becomes of everything under `item`, unless all of it has been spoken of already.
  ///
  /// - Parameter isMore: whether it is said all the same.
  mutating func note(_ item: Item?, _ grade: Grade, _ reason: String, isMore: Bool = false) {
    guard let item, isMore || !isCovered(item.node) else { return }
    cover(item.node)
    let path = item.path.isEmpty ? "the file" : item.path
    notes.append(Note(line: item.line, path: path, grade: grade, reason: reason))
  }

  private mutating func cover(_ node: YAMLNode) {
    node.forEachLeaf { covered.insert($0.position) }
  }

  private func isCovered(_ node: YAMLNode) -> Bool {
    var isCovered = true
    node.forEachLeaf { if !covered.contains($0.position) { isCovered = false } }
    return isCovered
  }

  private func isUntouched(_ node: YAMLNode) -> Bool {
    var isUntouched = true
    node.forEachLeaf { if covered.contains($0.position) { isUntouched = false } }
    return isUntouched
  }

  /// Lists what nothing has been said of: whole branches where all of one is left.
  mutating func listRest(_ item: Item) {
    if isCovered(item.node) { return }
    if !item.isCollection || (!item.path.isEmpty && isUntouched(item.node)) {
      return note(item, .unsupported, "has no counterpart")
    }
    for (_, child) in item.entries { listRest(child) }
    for child in item.items { listRest(child) }
  }

  /// The notes in the order of the file.
  var inOrder: [Note] {
    notes.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
  }
}
