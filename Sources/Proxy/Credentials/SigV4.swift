// Signs requests as AWS wants them: Signature Version 4 (AWS General Reference, "Signing AWS API requests").
//
// A pure function of the request, the keys and the time. The canonical request lists what is signed, one thing a
// line; its hash, the time and the scope are the text to sign; and the key that signs it is derived from the
// secret key, the day and the scope.

package import Config
internal import Transport
package import Wire

/// One pair of AWS keys, with the token that belongs to them if they are temporary.
package struct AWSKeys: Sendable {
  package let accessKeyID: Secret
  package let secretAccessKey: Secret
  package let sessionToken: Secret?

  package init(accessKeyID: Secret, secretAccessKey: Secret, sessionToken: Secret?) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  func isSame(as other: AWSKeys) -> Bool {
    guard accessKeyID.isEqual(to: other.accessKeyID), secretAccessKey.isEqual(to: other.secretAccessKey)
    else { return false }
    switch (sessionToken, other.sessionToken) {
    case (nil, nil): return true
    case (let mine?, let theirs?): return mine.isEqual(to: theirs)
    case (nil, _?), (_?, nil): return false
    }
  }
}

package enum SigV4 {
  /// Where a signature holds.
  package struct Scope: Sendable, Equatable {
    package let region: [UInt8]
    package let service: [UInt8]

    package init(region: String, service: String) {
      self.region = Array(region.utf8)
      self.service = Array(service.utf8)
    }
  }

  /// A header that is signed.
  package struct Field: Sendable {
    /// In lower case.
    package let name: [UInt8]
    /// As it is sent; blanks don't count.
    package let value: [UInt8]

    package init(_ name: [UInt8], _ value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  /// What is signed of a request.
  package struct Request: Sendable {
    package var method: [UInt8]
    /// As it is sent, escapes and all.
    package var path: [UInt8]
    /// Without its question mark.
    package var query: [UInt8] = []
    /// In any order; `x-amz-date` and `x-amz-security-token` are not among them.
    package var fields: [Field]
    /// SHA-256 of the body, in hexadecimal.
    package var payloadHash: [UInt8]
    /// Whether dot segments and double slashes are taken out of the path, as all services but S3 do.
    package var normalizesPath = true

    package init(method: [UInt8], path: [UInt8], fields: [Field], payloadHash: [UInt8]) {
      self.method = method
      self.path = path
      self.fields = fields
      self.payloadHash = payloadHash
    }
  }

  /// The key that signs on one day in one scope.
  package struct DayKey: Sendable {
    /// `20250601`.
    package let day: [UInt8]
    let key: MessageKey

    /// - Parameter time: `20250601T123045Z`.
    /// - Returns: nil where OpenSSL has no SHA-256.
    package init?(_ secretAccessKey: Secret, time: [UInt8], scope: Scope) {
      let day = Array(time.prefix(8))
      guard
        let key = MessageKey("AWS4", secretAccessKey.bytes).derived(by: day.span)?
          .derived(by: scope.region.span)?.derived(by: scope.service.span)?.derived(by: Self.end.span)
      else { return nil }
      self.day = day
      self.key = key
    }

    private static let end = Array("aws4_request".utf8)
  }

  /// Appends the header lines that make `request` a signed one: `x-amz-date`, `x-amz-security-token` where there
  /// is a token, and `authorization`.
  ///
  /// - Parameters:
  ///   - time: `20250601T123045Z`.
  ///   - dayKey: made of the same keys and scope on the same day.
  /// - Returns: false, with nothing appended, where OpenSSL has no SHA-256.
  package static func sign(
    _ request: Request, keys: AWSKeys, time: [UInt8], scope: Scope, dayKey: DayKey, into head: inout ByteQueue
  ) -> Bool {
    var canonical = ByteQueue()
    let names = canonicalRequest(request, token: keys.sessionToken, time: time, into: &canonical)
    var text = ByteQueue()
    stringToSign(canonical.bytes, time: time, scope: scope, into: &text)
    guard let signature = dayKey.key.code(of: text.bytes) else { return false }
    HeadWriter.field("x-amz-date", time.span, to: &head)
    if let token = keys.sessionToken {
      head.append("x-amz-security-token: ")
      head.append(secret: token.bytes)
      head.append("\r\n")
    }
    head.append("authorization: AWS4-HMAC-SHA256 Credential=")
    head.append(secret: keys.accessKeyID.bytes)
    head.append(UInt8(ascii: "/"))
    appendScope(scope, day: dayKey.day, into: &head)
    head.append(", SignedHeaders=")
    head.append(names)
    head.append(", Signature=")
    head.append(signature)
    head.append("\r\n")
    return true
  }

  /// Appends the text whose code is the signature.
  package static func stringToSign(
    _ canonical: Span<UInt8>, time: [UInt8], scope: Scope, into out: inout ByteQueue
  ) {
    out.append("AWS4-HMAC-SHA256\n")
    out.append(time)
    out.append(ASCII.lf)
    appendScope(scope, day: Array(time.prefix(8)), into: &out)
    out.append(ASCII.lf)
    out.append(Digest.sha256(canonical))
  }

  private static func appendScope(_ scope: Scope, day: [UInt8], into out: inout ByteQueue) {
    out.append(day)
    out.append(UInt8(ascii: "/"))
    out.append(scope.region)
    out.append(UInt8(ascii: "/"))
    out.append(scope.service)
    out.append("/aws4_request")
  }

  // MARK: The canonical request

  /// Appends the canonical request.
  ///
  /// - Returns: the names of the signed headers, as `SignedHeaders` lists them.
  package static func canonicalRequest(
    _ request: Request, token: Secret?, time: [UInt8], into out: inout ByteQueue
  ) -> [UInt8] {
    out.append(request.method)
    out.append(ASCII.lf)
    appendPath(request, into: &out)
    out.append(ASCII.lf)
    appendQuery(request.query, into: &out)
    out.append(ASCII.lf)
    let date = Field(Array("x-amz-date".utf8), time)
    let tokenName = Array("x-amz-security-token".utf8)
    var names: [UInt8] = []
    var fields = request.fields + [date]
    if token != nil { fields.append(Field(tokenName, [])) }
    // Stable, so that a repeated header's values stay in their order.
    let order = fields.indices.sorted {
      fields[$0].name == fields[$1].name
        ? $0 < $1 : fields[$0].name.lexicographicallyPrecedes(fields[$1].name)
    }
    var last: [UInt8]?
    for index in order {
      let field = fields[index]
      if field.name == last {
        out.append(ASCII.comma)
      } else {
        if let last {
          out.append(ASCII.lf)
          if !last.isEmpty { names.append(UInt8(ascii: ";")) }
        }
        names += field.name
        out.append(field.name)
        out.append(ASCII.colon)
      }
      last = field.name
      if field.name == tokenName, let token {
        out.append(secret: token.bytes)
      } else {
        appendValue(field.value, into: &out)
      }
    }
    out.append("\n\n")
    out.append(names)
    out.append(ASCII.lf)
    out.append(request.payloadHash)
    return names
  }

  /// A header's value without blanks around it, and with single ones inside.
  private static func appendValue(_ value: [UInt8], into out: inout ByteQueue) {
    var isPending = false
    var hasBegun = false
    for byte in value {
      if byte == ASCII.space || byte == ASCII.tab || byte == ASCII.lf || byte == ASCII.cr {
        isPending = hasBegun
        continue
      }
      if isPending { out.append(ASCII.space) }
      isPending = false
      hasBegun = true
      out.append(byte)
    }
  }

  /// The path, escaped once more than it is sent: `%3A` becomes `%253A`.
  private static func appendPath(_ request: Request, into out: inout ByteQueue) {
    let path = request.path.isEmpty ? [UInt8(ascii: "/")] : request.path
    for byte in request.normalizesPath ? normalized(path) : path {
      if byte == UInt8(ascii: "/") { out.append(byte) } else { appendEscaped(byte, into: &out) }
    }
  }

  /// `path` without dot segments (RFC 3986 section 5.2.4) and double slashes.
  private static func normalized(_ path: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    let dot = UInt8(ascii: ".")
    var kept: [ArraySlice<UInt8>] = []
    for segment in path.split(separator: slash) where !segment.elementsEqual([dot]) {
      if segment.elementsEqual([dot, dot]) { _ = kept.popLast() } else { kept.append(segment) }
    }
    var result: [UInt8] = []
    for segment in kept {
      result.append(slash)
      result += segment
    }
    if result.isEmpty || path.last == slash { result.append(slash) }
    return result
  }

  /// The parameters, sorted by name and then by value; what is escaped already stays so.
  private static func appendQuery(_ query: [UInt8], into out: inout ByteQueue) {
    if query.isEmpty { return }
    var pairs: [(name: [UInt8], value: [UInt8])] = query.split(separator: UInt8(ascii: "&")).map { pair in
      guard let mark = pair.firstIndex(of: UInt8(ascii: "=")) else { return (escaped(pair), []) }
      return (escaped(pair[..<mark]), escaped(pair[(mark + 1)...]))
    }
    pairs.sort {
      $0.name == $1.name
        ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.lexicographicallyPrecedes($1.name)
    }
    for (index, pair) in pairs.enumerated() {
      if index > 0 { out.append(UInt8(ascii: "&")) }
      out.append(pair.name)
      out.append(UInt8(ascii: "="))
      out.append(pair.value)
    }
  }

  private static func escaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var out = ByteQueue()
    for byte in text {
      if byte == UInt8(ascii: "%") { out.append(byte) } else { appendEscaped(byte, into: &out) }
    }
    return out.array()
  }

  private static func appendEscaped(_ byte: UInt8, into out: inout ByteQueue) {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      out.append(byte)
    default:
      out.append(UInt8(ascii: "%"))
      out.append(digit(byte >> 4))
      out.append(digit(byte & 15))
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
