// Which tool call a piece of a stream belongs to, where the provider doesn't say it or says it wrong.

internal import Wire

/// The tool calls of a stream, counted from 0 in each choice.
///
/// Clients put the pieces of a call together by `index`. Some providers leave it out or send null (then a new id
/// begins a new call), and some say 0 for every call.
struct CallIndexes: Sendable {
  private struct Call {
    var choice: Int
    /// What the provider says; -1 where it says nothing.
    var said: Int
    /// Of the id; 0 where there is none.
    var hash: UInt64
    var index: Int
  }

  /// Calls that are told apart; those behind count as the last.
  private static let ceiling = 512

  private var calls: [Call] = []

  mutating func removeAll() { calls.removeAll(keepingCapacity: true) }

  /// The index that the client is to see for a piece.
  ///
  /// - Parameters:
  ///   - said: the provider's index, if it is one.
  ///   - id: the piece's id, empty where it has none.
  ///   - begins: the piece names a function.
  mutating func index(choice: Int, said: Int?, id: Span<UInt8>, begins: Bool) -> Int {
    let hash = Self.hash(id)
    if let known = known(choice, said, hash, begins) {
      if calls[known].hash == 0 { calls[known].hash = hash }
      return calls[known].index
    }
    var next = 0
    var isFree = said != nil
    for call in calls where call.choice == choice {
      next = max(next, call.index + 1)
      if call.index == said { isFree = false }
    }
    // A provider's own count is kept where it can be.
    let index = isFree ? said ?? next : next
    guard calls.count < Self.ceiling else { return calls.last?.index ?? 0 }
    calls.append(Call(choice: choice, said: said ?? -1, hash: hash, index: index))
    return index
  }

  /// The call that a piece goes on with.
  private func known(_ choice: Int, _ said: Int?, _ hash: UInt64, _ begins: Bool) -> Int? {
    guard let said else {
      if hash == 0 { return begins ? nil : calls.lastIndex { $0.choice == choice } }
      return calls.lastIndex { $0.choice == choice && $0.hash == hash }
    }
    guard let last = calls.lastIndex(where: { $0.choice == choice && $0.said == said }) else { return nil }
    // The same place with another id and a name is another call.
    guard begins, hash != 0, calls[last].hash != 0, calls[last].hash != hash else { return last }
    return calls.lastIndex { $0.choice == choice && $0.said == said && $0.hash == hash }
  }

  /// FNV-1a, never 0 for an id.
  private static func hash(_ id: Span<UInt8>) -> UInt64 {
    if id.isEmpty { return 0 }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for at in 0..<id.count { hash = (hash ^ UInt64(id[at])) &* 0x100_0000_01B3 }
    return hash | 1
  }
}
