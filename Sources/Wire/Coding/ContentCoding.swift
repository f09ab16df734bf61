// Content codings: which there are, and what can be wrong with a body in one (RFC 9110 section 8.4).

/// The coding of a body, as its `Content-Encoding` names it.
package enum ContentCoding: Sendable, Equatable {
  case identity
  case gzip
  /// zlib's format, or bare DEFLATE, which senders and browsers take for the same (RFC 9110 section 8.4.1.2, note).
  case deflate
  /// One that isn't read here, or several.
  case other

  /// The codings that can be read, as `Accept-Encoding` lists them.
  package static let accepted: StaticString = "gzip, deflate, identity"

  /// What `fields` say, which lie in `bytes`.
  package init(_ fields: [Field], in bytes: Span<UInt8>) {
    self = .identity
    for field in fields where field.known == .contentEncoding {
      var from = field.value.lowerBound
      for at in field.value.lowerBound...field.value.upperBound {
        guard at == field.value.upperBound || bytes[at] == ASCII.comma else { continue }
        add(bytes.extracting(Syntax.trimmed(bytes, from..<at)))
        from = at + 1
      }
    }
  }

  private mutating func add(_ name: Span<UInt8>) {
    if name.isEmpty || name.equalsIgnoringCase("identity") { return }
    guard self == .identity else {
      self = .other
      return
    }
    if name.equalsIgnoringCase("gzip") || name.equalsIgnoringCase("x-gzip") {
      self = .gzip
    } else if name.equalsIgnoringCase("deflate") {
      self = .deflate
    } else {
      self = .other
    }
  }
}

/// Why a coded body can't be read.
package enum ContentFault: Error, Equatable, Sendable, CaseIterable {
  case notGzip, method, flags, headerChecksum, dictionary
  case blockType, storedLength, codeLengths, tooManyCodes, noEndOfBlock, code, tooFarBack
  case checksum, length, trailing, truncated

  /// What is wrong, for people.
  package var message: StaticString {
    switch self {
    case .notGzip: "it does not begin as gzip does"
    case .method: "its gzip header names another method than DEFLATE"
    case .flags: "its gzip header has flags that mean nothing"
    case .headerChecksum: "the checksum of its gzip header is wrong"
    case .dictionary: "it needs a preset dictionary"
    case .blockType: "a block of its compressed data is of no known type"
    case .storedLength: "the length of a stored block contradicts itself"
    case .codeLengths: "a block's code lengths make no prefix code"
    case .tooManyCodes: "a block has more codes than there are symbols"
    case .noEndOfBlock: "a block has no code for its end"
    case .code: "a code in its compressed data means nothing"
    case .tooFarBack: "it refers to data before its beginning"
    case .checksum: "the checksum of its data is wrong"
    case .length: "the length of its data is wrong"
    case .trailing: "something follows the end of its compressed data"
    case .truncated: "its compressed data ends too early"
    }
  }
}
