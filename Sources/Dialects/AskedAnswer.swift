// What passes from the request to the reading of its answer.

/// What a request says that decides how its answer is read.
package struct AskedAnswer: Sendable {
  /// The shape of the endpoint's bodies.
  package var shape = BodyShape.other
  /// Remora serves the endpoint in full: JSON in, JSON or a stream out.
  package var isFullService = false
  /// A stream is asked for.
  package var streams = false
  /// Embeddings are asked for in base64.
  package var wantsBase64 = false
  /// Values are put back in the answer, which is looked at whole for that.
  package var isRestored = false
  /// The provider's whole answers are mostly in OpenAI's form, and looked at for whether they are.
  package var isDoubted = false
  /// How the client reads errors.
  package var errors = ErrorForm.openAI
  /// The client itself wants to see a stream's usage.
  package var asksForUsage = false

  /// Asks for nothing that is read.
  package init() {}
}
