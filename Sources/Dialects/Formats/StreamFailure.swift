// How a stream ends that goes wrong on the way here, in the words of the client's format.

package import Wire

extension Conversation {
  /// Ends a stream with what went wrong on the way, where the client's format has words of its own for it.
  ///
  /// - Parameters:
  ///   - error: in OpenAI's shape.
  ///   - stamp: asked for where no answer has begun.
  /// - Returns: false where nothing was written.
  package func fail(_ error: Span<UInt8>, stamp: () -> AnswerStamp, into out: inout ByteQueue) -> Bool {
    if case .recast(let recast) = self { return recast.fail(error, stamp: stamp, into: &out) }
    return false
  }
}
