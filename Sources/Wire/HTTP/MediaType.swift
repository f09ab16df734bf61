// Whether a Content-Type names a media type, whatever parameters it has.

extension Span where Element == UInt8 {
  /// Whether these bytes, a field's value, name the media type `name`, which is in lower case (RFC 9110 section 8.3.1).
  /// What only begins with it, as `application/jsonl` does with `application/json`, is another type.
  package func isMediaType(_ name: StaticString) -> Bool {
    let length = name.utf8CodeUnitCount
    guard count >= length, extracting(0..<length).equalsIgnoringCase(name) else { return false }
    guard count > length else { return true }
    let next = self[length]
    return next == UInt8(ascii: ";") || next == ASCII.space || next == ASCII.tab
  }
}
