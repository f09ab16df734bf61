// What is known of the chunks of a stream that passes: of the last one, of the one that most are like, and of the choices
// that they have brought.

internal import Wire

/// The last chunk that only carried on, for most are like it: what is changed in it is changed in them, in the same place.
///
/// What each chunk asks of it is `mutating` so that it is looked at where it lies: it would be copied to be lent.
struct CarriedChunk: ~Copyable {
  private var pattern = JSONPattern()
  /// Its text, where it is pointed out in the pattern: for a gate behind the stream.
  private(set) var text: ChunkText?
  /// What came in the place of its cut.
  private var patch = ByteQueue()

  /// Takes a chunk, unless it changes in more than one place.
  mutating func learn(_ data: Span<UInt8>, _ splice: borrowing JSONSplice, pointsOut: Bool) {
    guard let cut = splice.onlyChange(&patch) else { return }
    pattern.learn(data, cut: cut)
    text = pointsOut ? ChunkText(only: data) : nil
    if let found = text, !pattern.point(at: found.value) { text = nil }
  }

  /// Where the cut and the text lie in a chunk that is like it.
  mutating func match(_ data: Span<UInt8>) -> JSONPattern.Found? { pattern.match(data) }

  /// Passes on a chunk that is like it.
  mutating func write(_ data: Span<UInt8>, without cut: Range<Int>, into out: inout ByteQueue) {
    out.append("data: ")
    out.append(data.extracting(0..<cut.lowerBound))
    out.append(patch.bytes)
    out.append(data.extracting(cut.upperBound..<data.count))
    out.append("\n\n")
  }
}

/// What a chunk has shown while it was read.
struct ChunkNotes {
  /// Nothing but its text matters: another one like it changes nothing that is known.
  var carriesOn = false
  /// Where Moonshot tells its usage, and OpenRouter of an error of the provider behind it: in a choice.
  var usage: Range<Int>?
  var error: Range<Int>?
}

/// The choices of a stream, by index; a higher one than 63 counts as the last.
struct StreamChoices {
  private(set) var begun: UInt64 = 0
  private var finished: UInt64 = 0

  /// Every choice that began has said why it ended.
  var haveFinished: Bool { begun != 0 && begun == finished }

  /// Takes note of a piece of a choice, from 0 to 63.
  ///
  /// - Returns: whether the choice begins with it.
  mutating func take(_ index: Int, isFinished: Bool) -> Bool {
    let bit: UInt64 = 1 << UInt64(index)
    let begins = begun & bit == 0
    begun |= bit
    if isFinished { finished |= bit }
    return begins
  }
}
