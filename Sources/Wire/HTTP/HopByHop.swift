// Which fields of a head go on to the other side (RFC 9110 section 7.6.1).

/// Decides what is forwarded: fields that are neither `held` by their names nor nominated. Kept per connection, so
/// that it allocates only when a head nominates fields of its own.
package struct HopByHop: Sendable {
  /// Which way the head goes.
  package enum Direction: Sendable {
    case request
    case response(relaysTrailers: Bool)
  }

  // Names that Connection nominates, other than the options that every head has.
  private var nominated: [Range<Int>] = []
  /// Whether the head that was last read has a Connection field that names others: few have.
  package private(set) var nominatesAny = false
  /// The names that don't go on, whatever their fields say.
  ///
  /// Content-Length is one: whoever writes the head writes the framing of the body that follows it.
  package private(set) var held: FieldNames

  private init(_ direction: Direction) { held = Self.held(direction) }

  /// The rules for requests. Credentials are forwarded: whether they may be is for the provider's settings to
  /// say (`FieldNames.credentials`).
  package static func forRequest() -> HopByHop { HopByHop(.request) }

  /// The rules for responses.
  ///
  /// - Parameter relaysTrailers: whether the trailers go on, so that `Trailer` may announce them.
  package static func forResponse(relaysTrailers: Bool = false) -> HopByHop {
    HopByHop(.response(relaysTrailers: relaysTrailers))
  }

  /// Goes the other way, or relays trailers, from the next head on.
  package mutating func direct(_ direction: Direction) { held = Self.held(direction) }

  /// Takes note of what the Connection fields of a parsed head nominate. `names` are those that the fields have.
  package mutating func read(_ fields: [Field], named names: FieldNames, in bytes: Span<UInt8>) {
    if nominatesAny { nominated.removeAll(keepingCapacity: true) }
    nominatesAny = false
    guard names.contains(.connection) else { return }
    for field in fields where field.known.rawValue == FieldName.connection.rawValue {
      var elements = ListElements(field.value)
      while let element = elements.next(in: bytes), nominated.count < ConnectionOptions.ceiling {
        let option = bytes.extracting(element)
        if option.isEmpty || option.equalsIgnoringCase("keep-alive") || option.equalsIgnoringCase("close") {
          continue
        }
        nominated.append(element)
        nominatesAny = true
      }
    }
  }

  private static func held(_ direction: Direction) -> FieldNames {
    switch direction {
    case .request: heldOfRequests
    case .response(let relaysTrailers): relaysTrailers ? connection : heldOfResponses
    }
  }

  // Constants, for a set that is written out is made anew each time.
  private static let connection: FieldNames = [
    .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .upgrade,
    .transferEncoding, .contentLength, .http2Settings, .xRemora,
  ]
  /// A provider has no use for a pod's addresses and cookies, and gets a Host of its own. What some servers take for
  /// a known name would go around all that is done about the real one.
  private static let heldOfRequests: FieldNames = {
    var names: FieldNames = [.host, .cookie, .xForwarded, .forwarded, .via, .expect, .trailer, .lookalike]
    names.formUnion(connection)
    return names
  }()
  private static let heldOfResponses: FieldNames = {
    var names: FieldNames = [.trailer, .traceResponse]
    names.formUnion(connection)
    return names
  }()

  /// Whether one of them names `field`.
  package func nominates(_ field: Field, in bytes: Span<UInt8>) -> Bool {
    switch field.known {
    case .contentType, .contentEncoding, .authorization, .apiKey, .xAPIKey, .xGoogAPIKey:
      // Never stripped by nomination: a client could otherwise take its own key, or the body's meaning, out
      // of a request behind the back of whoever checked them.
      return false
    default: break
    }
    let name = bytes.extracting(field.name)
    for option in nominated where bytes.extracting(option).equalsIgnoringCase(name) { return true }
    return false
  }
}
