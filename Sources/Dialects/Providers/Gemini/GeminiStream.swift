// A stream of generateContent (`alt=sse`): objects of the whole answer's form, each with the next pieces of the parts.
// There is no last word; a stream is whole once every candidate has said why it ended.

internal import Wire

extension GeminiReader {
  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    var whole = 0..<data.count
    // An error may come as the one element of an array.
    var elements = JSONArrayCursor(data, whole)
    if let first = elements.next() { whole = first.value }
    _ = try readResponse(data, whole, to: &answer)
    for index in candidates.indices where candidates[index].hasFinished {
      tellExtra(index, to: &answer)
    }
  }

  /// Usage may follow the last reason.
  var hasEnded: Bool { false }

  var mayEnd: Bool { isBlocked || (!candidates.isEmpty && candidates.allSatisfy { $0.hasFinished }) }
}
