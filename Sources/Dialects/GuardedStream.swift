// A stream of chats that goes through a text gate event by event, so that what the passage knows of a chunk, where its text
// lies, serves the gate too: most chunks are like the one before, and of those only the text is looked at, once.

internal import Wire

extension Passage {
  /// Has every event of the stream go through `gate`, which looks at most of them where they lie: a chat's pieces are known
  /// here already, and needn't be found again.
  ///
  /// - Returns: false where the answer is no such stream, so that what comes out must be given to the gate.
  package func guardStream(by gate: TextGate) -> Bool {
    guard course == .events, isChoices, reader == nil, gate.watch == nil else { return false }
    gate.keepsThoughts = true
    stream.gate = gate
    return true
  }

  func passGated(
    _ event: Event, in bytes: Span<UInt8>, _ member: Span<UInt8>, _ gate: TextGate, into out: inout ByteQueue
  ) throws(PassStream.Fault) {
    if stream.passQuiet(event, in: bytes, gate, into: &out) { return }
    var made = ByteQueue()
    swap(&gated, &made)
    defer {
      made.clear()
      swap(&gated, &made)
    }
    try stream.pass(event, in: bytes, member: member, into: &made)
    gate.take(made.bytes, into: &out)
  }
}

extension PassStream {
  /// Appends what the client gets for `event` where that is like the last chunk, and `gate` has nothing to do with its text.
  ///
  /// - Returns: false where it isn't so, and nothing was done.
  mutating func passQuiet(
    _ event: Event, in bytes: Span<UInt8>, _ gate: TextGate, into out: inout ByteQueue
  ) -> Bool {
    guard let text = carried.text, let place = event.data, event.name == nil, !hasEnded, !hasFailed else {
      return false
    }
    let data = bytes.extracting(place)
    guard let found = carried.match(data), gate.lets(data, found.string, choice: text.choice) else {
      return false
    }
    carried.write(data, without: found.cut, into: &out)
    return true
  }
}
