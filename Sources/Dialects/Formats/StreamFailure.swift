// How a stream ends that goes wrong on the way here, in the words of the client's format.

internal import Wire

extension Passage {
  /// Ends a stream with what went wrong, where it is one of an API whose errors have a form of their own: the Responses
  /// API's. Those of Messages have only another name than OpenAI's (`ErrorForm.event`).
  func fail(_ error: Span<UInt8>, stamp: () -> AnswerStamp, into out: inout ByteQueue) -> Bool {
    guard asked.shape == .response, asked.isFullService else { return false }
    let failure = ResponsesFailure(error)
    guard isStream else {
      // Nothing has come yet.
      failure.writeError(number: 0, into: &out)
      failure.writeEnd(number: 1, into: &out) { ResponseOpening().write($0, stamp: stamp, into: &$1) }
      return true
    }
    if stream.hasEnded { return true }
    var number = stream.response.nextNumber
    // The provider may have said the first half itself.
    if !stream.hasFailed {
      failure.writeError(number: number, into: &out)
      number += 1
    }
    failure.writeEnd(number: number, into: &out) {
      stream.response.opening.write($0, stamp: stamp, into: &$1)
    }
    return true
  }
}
