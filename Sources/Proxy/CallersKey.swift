// The caller's own key (`api_key: passthrough`), in the form in which the provider reads it.
//
// Applications of OpenAI's SDK say `Authorization: Bearer KEY` to whomever they ask; a provider may read another
// header.

internal import Wire

extension Ask {
  /// Appends the caller's key under `name`, after `prefix`. Only one of the fields that may hold it goes on: the
  /// provider's own if it is there, else Authorization, else whichever there is.
  func writeCallersKey(_ name: [UInt8], _ prefix: [UInt8], into out: inout ByteQueue) {
    let bytes = headBytes
    var found: Field?
    // The key of the caller's group is for Remora alone.
    for field in head.fields where field.known.isCredential && field != shownKey.field {
      if bytes.extracting(field.name).equalsIgnoringCase(name.span) {
        found = field
        break
      }
      if found == nil || field.known == .authorization { found = field }
    }
    guard let found else { return }
    let value = bytes.extracting(found.value)
    let isOwn = bytes.extracting(found.name).equalsIgnoringCase(name.span)
    let key = found.known == .authorization ? Self.bearer(value) : value
    guard !isOwn, let key, found.known != .authorization || !Self.isToken(key) else {
      out.append(bytes.extracting(found.name))
      out.append(": ")
      out.append(secret: value)
      out.append("\r\n")
      return
    }
    out.append(name)
    out.append(": ")
    out.append(prefix)
    out.append(secret: key)
    out.append("\r\n")
  }

  /// What stands behind `Bearer` (RFC 6750 section 2.1); nil where another scheme is used.
  @_lifetime(copy value)
  static func bearer(_ value: Span<UInt8>) -> Span<UInt8>? {
    guard value.count > 7, value.extracting(0..<7).equalsIgnoringCase("Bearer ") else { return nil }
    var start = 7
    while start < value.count, value[start] == ASCII.space { start += 1 }
    return value.extracting(start..<value.count)
  }

  /// Whether this is no key but a token, which every provider reads behind `Bearer` only: a JSON Web Token (Entra),
  /// or an OAuth token of Google's or Anthropic's.
  private static func isToken(_ key: Span<UInt8>) -> Bool {
    for start: StaticString in ["eyJ", "ya29.", "sk-ant-oat"] {
      let count = start.utf8CodeUnitCount
      if key.count > count, key.extracting(0..<count).equals(start) { return true }
    }
    return false
  }
}
