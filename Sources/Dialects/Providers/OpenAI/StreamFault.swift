// Errors in the middle of a stream, in the one shape that all SDKs know.

internal import Wire

/// The status that an error names.
func named(in text: Span<UInt8>) -> Int? { Fault.status(in: text) }

enum StreamFault {
  /// Appends an error: the text as it is where its shape is OpenAI's.
  static func write(_ text: Span<UInt8>, into out: inout ByteQueue) {
    if Fault.isOpenAIShaped(text) { return out.append(text) }
    Fault.translate(text, status: Fault.status(in: text) ?? 500, provider: nil, into: &out)
  }

  static func write(givenUp data: Span<UInt8>, _ reason: Range<Int>, into out: inout ByteQueue) {
    let fault = Fault.givenUp(data, reason)
    Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &out)
  }
}

extension PassStream {
  var objectName: StaticString { shape == .chat ? "chat.completion.chunk" : "text_completion" }

  func isNamedError(_ event: Event, _ bytes: Span<UInt8>) -> Bool {
    guard let name = event.name else { return false }
    return bytes.extracting(name).equals("error")
  }

  /// Where the chunk tells of an error: the value that is one, or holds it as its `error`.
  func errorText(_ data: Span<UInt8>) -> Range<Int>? {
    if let error = scanner.found(.error), error.kind != .null { return 0..<data.count }
    if let error = chunk.error { return error }
    if repairs, GroqExtension.hasError(data, scanner) { return scanner.found(.xGroq)?.value }
    return isError(data) ? 0..<data.count : nil
  }

  /// Whether a chunk without choices is an error in a form that has no `error`.
  func isError(_ data: Span<UInt8>) -> Bool {
    if let error = scanner.found(.error), error.kind != .null { return true }
    guard scanner.found(.choices) == nil else { return false }
    if let object = scanner.found(.object) { return JSONString.equals(data, object.value, "error") }
    guard scanner.found(.usage) == nil, scanner.found(.id) == nil else { return false }
    return scanner.found(.message) != nil || scanner.found(.detail) != nil
  }

  /// Whether what has no list of choices says that it is a chunk all the same.
  func isChunk(_ data: Span<UInt8>) -> Bool {
    if let error = scanner.found(.error), error.kind != .null { return false }
    if scanner.found(.choices) != nil { return true }
    return scanner.found(.object).map { JSONString.equals(data, $0.value, objectName) } ?? false
  }

  /// Tells the client of an error, in the one shape that all SDKs know.
  mutating func fail(_ text: Span<UInt8>, into out: inout ByteQueue) {
    hasFailed = true
    failureStatus = named(in: text)
    tellError(into: &out) { StreamFault.write(text, into: &$0) }
  }

  /// The provider's own word says that it gave up.
  mutating func giveUp(_ data: Span<UInt8>, _ reason: Range<Int>, into out: inout ByteQueue) {
    hasFailed = true
    tellError(into: &out) { StreamFault.write(givenUp: data, reason, into: &$0) }
  }

  private func tellError(into out: inout ByteQueue, _ write: (inout ByteQueue) -> Void) {
    // It may repeat a secret that the client doesn't get.
    var error = ByteQueue.forSecrets()
    write(&error)
    if let reader { reader.fail(error.bytes, into: &out) } else { EventEncoder.data(error.bytes, into: &out) }
  }
}
