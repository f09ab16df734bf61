// Errors in the middle of a stream, in the one shape that all SDKs know.

internal import Wire

/// The status that an error names.
func named(in text: Span<UInt8>) -> Int? { Fault.status(in: text) }

/// Appends an error event: the text as it is where its shape is OpenAI's.
func writeError(_ text: Span<UInt8>, into out: inout ByteQueue) {
  if Fault.isOpenAIShaped(text) { return EventEncoder.data(text, into: &out) }
  var error = ByteQueue()
  Fault.translate(text, status: Fault.status(in: text) ?? 500, provider: nil, into: &error)
  EventEncoder.data(error.bytes, into: &out)
}

func writeGivenUp(_ data: Span<UInt8>, _ reason: Range<Int>, into out: inout ByteQueue) {
  let fault = Fault.givenUp(data, reason)
  var error = ByteQueue()
  Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &error)
  EventEncoder.data(error.bytes, into: &out)
}
