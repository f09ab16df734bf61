// An answer from inside Remora on its way.

package import Wire

/// The mock's answer, which is made at once and passes as a provider's would.
package final class MockAnswer {
  /// What the answer goes through on its way to the client.
  package let passage: Passage
  /// The answer's body, as a provider would send it.
  package let text: ByteQueue
  /// The answer's head.
  package let facts: ReplyFacts

  /// Makes an answer of `text`: events where `streams`, else JSON.
  package init(_ passage: Passage, _ text: consuming ByteQueue, streams: Bool) {
    self.passage = passage
    self.text = text
    facts = ReplyFacts(status: 200, media: streams ? .events : .json, hasBody: true)
  }
}
