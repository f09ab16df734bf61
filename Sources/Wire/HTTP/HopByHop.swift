// Which fields of a head go on to the other side (RFC 9110 section 7.6.1).

/// Decides field by field what is forwarded. Kept per connection, so that it allocates only when a head
/// nominates fields of its own.
package struct HopByHop: Sendable {
  private enum Direction: Sendable {
    case request(dropsAcceptEncoding: Bool)
    case response(relaysTrailers: Bool)
  }

  private let direction: Direction
  // Names that Connection nominates, other than the options that every head has.
  private var nominated: [Range<Int>] = []

  private init(_ direction: Direction) { self.direction = direction }

  /// The rules for requests. Credentials are forwarded: whether they may be is for the provider's settings to
  /// say (`FieldName.isCredential`).
  ///
  /// - Parameter dropsAcceptEncoding: whether the answer must be readable here.
  package static func forRequest(dropsAcceptEncoding: Bool = false) -> HopByHop {
    HopByHop(.request(dropsAcceptEncoding: dropsAcceptEncoding))
  }

  /// The rules for responses.
  ///
  /// - Parameter relaysTrailers: whether the trailers go on, so that `Trailer` may announce them.
  package static func forResponse(relaysTrailers: Bool = false) -> HopByHop {
    HopByHop(.response(relaysTrailers: relaysTrailers))
  }

  /// Takes note of what the Connection fields of a parsed head nominate.
  package mutating func read(_ fields: [Field], in bytes: Span<UInt8>) {
    nominated.removeAll(keepingCapacity: true)
    for field in fields where field.known == .connection {
      var elements = ListElements(field.value)
      while let element = elements.next(in: bytes), nominated.count < ConnectionOptions.ceiling {
        let option = bytes.extracting(element)
        if option.isEmpty || option.equalsIgnoringCase("keep-alive") || option.equalsIgnoringCase("close") {
          continue
        }
        nominated.append(element)
      }
    }
  }

  /// Whether `field`, from the head that was last read, is forwarded as it is.
  ///
  /// Content-Length is not: whoever writes the head writes the framing of the body that follows it.
  package func forwards(_ field: Field, in bytes: Span<UInt8>) -> Bool {
    switch field.known {
    case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .upgrade,
      .transferEncoding, .contentLength, .http2Settings, .xRemora:
      return false
    case .contentType, .contentEncoding, .authorization, .apiKey, .xAPIKey, .xGoogAPIKey:
      // Never stripped by nomination: a client could otherwise take its own key, or the body's meaning, out
      // of a request behind the back of whoever checked them.
      return true
    case .trailer:
      guard case .response(relaysTrailers: true) = direction else { return false }
    case .host, .cookie, .xForwarded, .forwarded, .via, .expect:
      // A provider has no use for a pod's addresses and cookies, and gets a Host of its own.
      if case .request = direction { return false }
    case .acceptEncoding:
      if case .request(dropsAcceptEncoding: true) = direction { return false }
    default: break
    }
    if nominated.isEmpty { return true }
    let name = bytes.extracting(field.name)
    for option in nominated where bytes.extracting(option).equalsIgnoringCase(name) { return false }
    return true
  }
}
