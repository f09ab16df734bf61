// The request target and the authority in it (RFC 9112 section 3.2, RFC 3986 section 3.2).

extension RequestHead {
  /// Takes `target` apart. Refused: fragments, dot segments in every spelling, wrong escapes, authority form.
  mutating func parseTarget(_ bytes: Span<UInt8>) throws(HeadFault) {
    for at in target where !Syntax.isTarget(bytes[at]) {
      throw bytes[at] == UInt8(ascii: "#") ? .fragment : .target
    }
    var pathStart = target.lowerBound
    switch bytes[pathStart] {
    case UInt8(ascii: "/"): break
    case UInt8(ascii: "*"):
      guard target.count == 1, method == .options else { throw .target }
      isAsterisk = true
      path = target
      return
    default: pathStart = try parseAuthority(bytes)
    }

    let end = target.upperBound
    var pathEnd = pathStart
    while pathEnd < end, bytes[pathEnd] != UInt8(ascii: "?") { pathEnd += 1 }
    try Self.checkPath(bytes, pathStart..<pathEnd)
    path = pathStart..<pathEnd
    if pathEnd < end {
      let rest = pathEnd + 1..<end
      var at = rest.lowerBound
      while at < end { _ = try Self.decoded(bytes, &at, end) }
      query = rest
    }
    if path.isEmpty, let authority {
      // `http://host` and `http://host?query` ask for `/`: the last slash of the scheme spells it.
      path = authority.lowerBound - 1..<authority.lowerBound
    }
  }

  /// Reads `http://authority` or `https://authority`; gives the offset of what follows.
  private mutating func parseAuthority(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
    let text = bytes.extracting(target)
    let start: Int
    if text.count > 7, text.extracting(0..<7).equalsIgnoringCase("http://") {
      start = target.lowerBound + 7
    } else if text.count > 8, text.extracting(0..<8).equalsIgnoringCase("https://") {
      start = target.lowerBound + 8
    } else {
      throw .target
    }
    var end = start
    while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
      end += 1
    }
    do { _ = try Authority.split(bytes, start..<end) } catch { throw .target }
    authority = start..<end
    return end
  }

  /// Refuses a path with a `.` or `..` segment, however it is spelt: routes and keys go by the path's
  /// beginning, and an upstream that resolves the segments would see another path than we did.
  ///
  /// `%2F`, `%5C` and `;` end a segment too, because some servers take them so.
  private static func checkPath(_ bytes: Span<UInt8>, _ path: Range<Int>) throws(HeadFault) {
    var dots = 0
    var isDots = true
    var at = path.lowerBound
    while at < path.upperBound {
      if bytes[at] == ASCII.backslash { throw .target }
      switch try decoded(bytes, &at, path.upperBound) {
      case UInt8(ascii: "/"), UInt8(ascii: ";"), ASCII.backslash:
        if isDots, dots == 1 || dots == 2 { throw .dotSegment }
        dots = 0
        isDots = true
      case UInt8(ascii: "."): dots += 1
      default: isDots = false
      }
    }
    if isDots, dots == 1 || dots == 2 { throw .dotSegment }
  }

  /// The byte at `at`, its escape undone; `at` moves behind it.
  private static func decoded(
    _ bytes: Span<UInt8>, _ at: inout Int, _ end: Int
  ) throws(HeadFault) -> UInt8 {
    let byte = bytes[at]
    at += 1
    guard byte == UInt8(ascii: "%") else { return byte }
    guard at + 1 < end, let high = ASCII.hexadecimal(bytes[at]), let low = ASCII.hexadecimal(bytes[at + 1])
    else { throw .percentEscape }
    at += 2
    if high | low == 0 { throw .percentEscape }
    return high << 4 | low
  }
}

extension Syntax {
  /// Whether `path`, behind which there is a blank or nothing, is one without a query, a dot, or anything else that could
  /// be written or read in two ways.
  @inline(__always)
  static func isPlainPath(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Bool {
    guard !path.isEmpty, bytes[path.lowerBound] == UInt8(ascii: "/") else { return false }
    return unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return false }
      // SAFETY: the path's beginning is among the bytes, of which there are so many.
      return unsafe Lanes.near(start, from: path.lowerBound, to: raw.count, NotPathByte.self)
        == path.upperBound
    }
  }
}

/// A host with an optional port, as in a Host field (RFC 9110 section 7.2).
package enum Authority {
  /// Takes `host[:port]` apart. The host of an IPv6 address keeps its brackets.
  ///
  /// Narrower than RFC 3986: no user, no escapes, no empty host.
  package static func split(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(HeadFault) -> (host: Range<Int>, port: Int?) {
    var at = range.lowerBound
    let end = range.upperBound
    guard at < end else { throw .host }
    if bytes[at] == UInt8(ascii: "[") {
      at += 1
      while at < end, isAddress(bytes[at]) { at += 1 }
      guard at < end, at > range.lowerBound + 2, bytes[at] == UInt8(ascii: "]") else { throw .host }
      at += 1
    } else {
      at = min(nameEnd(bytes, from: at), end)
      guard at > range.lowerBound else { throw .host }
    }
    let host = range.lowerBound..<at
    if at == end { return (host, nil) }
    guard bytes[at] == ASCII.colon else { throw .host }
    if at + 1 == end { return (host, nil) }
    guard end - at <= 6, let port = Syntax.decimal(bytes, at + 1..<end), port <= 0xFFFF else { throw .host }
    return (host, port)
  }

  private static func isAddress(_ byte: UInt8) -> Bool {
    ASCII.hexadecimal(byte) != nil || byte == ASCII.colon || byte == UInt8(ascii: ".")
  }

  /// Where the letters, digits and `-._~` end that begin at `from`.
  private static func nameEnd(_ bytes: Span<UInt8>, from: Int) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return from }
      // SAFETY: from is not negative, and no more than the count is looked at.
      return unsafe Lanes.near(start, from: from, to: raw.count, NoHostByte.self)
    }
  }
}
