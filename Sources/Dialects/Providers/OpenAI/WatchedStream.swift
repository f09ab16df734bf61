// A stream of another API, which goes on as it comes: only what must be known of every stream is noted.

package import Wire

extension PassStream {
  /// Takes note of an event of another API, which somebody else passes on.
  ///
  /// - Returns: whether it seems to tell of an error.
  package mutating func watch(_ event: Event, in bytes: Span<UInt8>) -> Bool {
    if event.dataLines > 0 { hasContent = true }
    if let data = event.data, bytes.extracting(data).equals("[DONE]") { hasEnded = true }
    // One that tells of an error begins with it, in every API.
    let opening = bytes.extracting(event.whole).extracting(first: 96)
    return opening.place(of: ("\"error\"" as StaticString).bytes) != nil || isNamedError(event, bytes)
  }

  /// Takes note of a part of an event of another API that is too long to be held.
  package mutating func watchPart() { hasContent = true }
}
