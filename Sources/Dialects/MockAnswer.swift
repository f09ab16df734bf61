// An answer from inside Remora on its way.

package import Wire

/// The mock's answer, which is made at once and passes as a provider's would.
package final class MockAnswer {
  /// The answer's body, as a provider would send it.
  package var text: Span<UInt8> {
    // SAFETY: the queue is constant, and whoever answers holds this object.
    @_lifetime(immortal)
    get { unsafe queue.view }
  }
  private let queue: ByteQueue
  /// The answer's head.
  package let facts: ReplyFacts

  /// Makes an answer of `text`: events where `streams`, else JSON.
  package init(_ text: consuming ByteQueue, streams: Bool) {
    queue = text
    facts = ReplyFacts(status: 200, media: streams ? .events : .json, hasBody: true)
  }
}
