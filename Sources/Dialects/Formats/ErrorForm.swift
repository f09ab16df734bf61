// In which shape a client reads errors. Everything that goes wrong is told in OpenAI's shape first, whoever says it; for
// clients of Anthropic's API it is put into theirs here, in one place.

package import Wire

/// The shape of errors.
package enum ErrorForm: Sendable {
  /// `{"error":{"message","type","param","code"}}`
  case openAI
  /// `{"type":"error","error":{"type","message"},"request_id"}` (Anthropic docs, "Errors", 2026-10).
  case anthropic

  /// The status that says the same to this form's clients. Anthropic's SDK has a class for 529, and none for 503.
  package func status(_ status: Int) -> Int {
    guard case .anthropic = self else { return status }
    switch status {
    case 503: return 529
    case 422: return 400
    default: return status
    }
  }

  /// Whether `body` is an error in this shape already, so that it can go on as it is.
  package func isSpoken(in body: Span<UInt8>) -> Bool {
    switch self {
    case .openAI: Fault.isOpenAIShaped(body)
    case .anthropic: MessagesFault.isShaped(body)
    }
  }

  /// Puts an error that has OpenAI's shape into this one; leaves alone what has it already.
  ///
  /// - Parameters:
  ///   - status: as the client gets it.
  ///   - requestID: what the answer's `request-id` says.
  package func put(_ body: inout ByteQueue, status: Int, requestID: Span<UInt8>) {
    guard case .anthropic = self, !MessagesFault.isShaped(body.bytes) else { return }
    var text = ByteQueue()
    MessagesFault.write(body.bytes, status: status, requestID: requestID, into: &text)
    swap(&body, &text)
  }

  /// Appends an error, in this shape, as the last event of a stream.
  package func event(_ error: Span<UInt8>, into out: inout ByteQueue) {
    if case .anthropic = self { out.append("event: error\n") }
    EventEncoder.data(error, into: &out)
  }
}
