// Which tool call a piece of a stream belongs to, where the provider doesn't say it or says it wrong.

internal import Wire

/// The tool calls of a stream, counted from 0 in each choice.
///
/// Clients put the pieces of a call together by `index`, and some take it for the place in a list of those that have begun
/// (OpenAI's Python SDK fails on the second piece of a call that isn't there). Some providers leave it out or send null
/// (then a new id begins a new call), some say 0 for every call, and some count from 1 or leave numbers out.
struct CallIndexes: Sendable {
  private struct Call {
    var choice: Int
    /// What the provider says; -1 where it says nothing.
    var said: Int
    /// Of the id; 0 where there is none.
    var hash: UInt64
    /// Of the name; 0 where none has come yet.
    var name: UInt64 = 0
    var hasArguments = false
    var index: Int
  }

  /// What a piece is, in the stream that the client sees.
  struct Piece {
    var index: Int
    /// The call begins with it.
    var isFirst: Bool
    /// It says the name that was said before.
    var repeatsName: Bool
  }

  /// Calls that are told apart; those behind count as the last.
  private static let ceiling = 512

  private var calls: [Call] = []

  mutating func removeAll() { calls.removeAll(keepingCapacity: true) }

  /// Places a piece.
  ///
  /// - Parameters:
  ///   - said: the provider's index, if it is one.
  ///   - id: the piece's id, empty where it has none.
  ///   - name: the function's, empty where the piece has none.
  ///   - hasArguments: the piece has some.
  mutating func piece(
    choice: Int, said: Int?, id: Span<UInt8>, name: Span<UInt8>, hasArguments: Bool
  ) -> Piece {
    let hash = Self.hash(id)
    let nameHash = Self.hash(name)
    if let known = known(choice, said, hash, nameHash) {
      if calls[known].hash == 0 { calls[known].hash = hash }
      let repeats = nameHash != 0 && nameHash == calls[known].name
      if calls[known].name == 0 { calls[known].name = nameHash }
      if hasArguments { calls[known].hasArguments = true }
      return Piece(index: calls[known].index, isFirst: false, repeatsName: repeats)
    }
    var index = 0
    for call in calls where call.choice == choice { index = max(index, call.index + 1) }
    guard calls.count < Self.ceiling else {
      return Piece(index: max(index - 1, 0), isFirst: false, repeatsName: false)
    }
    calls.append(
      Call(
        choice: choice, said: said ?? -1, hash: hash, name: nameHash, hasArguments: hasArguments, index: index
      ))
    return Piece(index: index, isFirst: true, repeatsName: false)
  }

  /// The call that a piece goes on with.
  private func known(_ choice: Int, _ said: Int?, _ hash: UInt64, _ name: UInt64) -> Int? {
    guard let said else {
      if hash == 0 { return name != 0 ? nil : calls.lastIndex { $0.choice == choice } }
      return calls.lastIndex { $0.choice == choice && $0.hash == hash }
    }
    guard let last = calls.lastIndex(where: { $0.choice == choice && $0.said == said }) else { return nil }
    if name == 0 { return last }
    if hash == 0 {
      // A name comes in pieces before the arguments do: behind them another one is another call's.
      return calls[last].hasArguments && calls[last].name != 0 && calls[last].name != name ? nil : last
    }
    // The same place with another id and a name is another call.
    guard calls[last].hash != 0, calls[last].hash != hash else { return last }
    return calls.lastIndex { $0.choice == choice && $0.said == said && $0.hash == hash }
  }

  /// Never 0 for an id.
  private static func hash(_ id: Span<UInt8>) -> UInt64 {
    id.isEmpty ? 0 : FNV.hash(id) | 1
  }
}
