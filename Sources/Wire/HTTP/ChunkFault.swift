// Every way in which a chunked body is refused.

/// Why a chunked body was refused (RFC 9112 section 7.1). Nothing behind the fault can be trusted: close.
package enum ChunkFault: Error, Equatable, Sendable, CaseIterable {
  case size, sizeTooLarge, lineEnd, extensions, extensionsTooLarge, trailer, trailersTooLarge

  /// The status that a client is told about its own body; in a response every one is the upstream's, a 502.
  package var status: Int { self == .trailersTooLarge ? 431 : 400 }

  /// What a program can tell the fault by.
  package var code: StaticString { self == .trailersTooLarge ? "header_too_large" : "bad_chunk" }

  /// What is wrong, and what would be right.
  package var message: StaticString {
    switch self {
    case .size: "a chunk does not start with its size in hexadecimal digits"
    case .sizeTooLarge: "a chunk's size is too large, or has more than 16 digits"
    case .lineEnd: "a chunk's line, or its data, does not end in CR LF"
    case .extensions: "a chunk extension is not ';name=value'"
    case .extensionsTooLarge: "the chunk extensions are larger than 256 bytes, or 4 KiB together"
    case .trailer: "a trailer is not 'name: value'"
    case .trailersTooLarge: "the trailers are larger than 8 KiB, or more than 32"
    }
  }
}
