// A code of a message that comes in pieces: HMAC with SHA-256 (RFC 2104). Next: MessageKey.swift, for messages that are here.

internal import COpenSSL

/// The code of one message under way. Of one thread at a time.
@safe package final class MessageCode {
  // SAFETY: only this object refers to it, and frees it at its end.
  private let context: OpaquePointer

  /// - Returns: nil where this system's OpenSSL has no HMAC.
  package init?(key: Span<UInt8>) {
    guard let method = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
    // The context keeps what it needs of it.
    defer { unsafe EVP_MAC_free(method) }
    guard let made = unsafe EVP_MAC_CTX_new(method) else { return nil }
    unsafe context = made
    // A parameter keeps where its name and its value lie; a literal lies there for one call only.
    let isReady = unsafe "digest".withCString { digest in
      unsafe "SHA256".withCString { name in
        var parameters = unsafe [
          OSSL_PARAM_construct_utf8_string(digest, UnsafeMutablePointer(mutating: name), 0),
          OSSL_PARAM_construct_end(),
        ]
        return unsafe key.withUnsafeBufferPointer {
          unsafe EVP_MAC_init(made, $0.baseAddress, $0.count, &parameters) == 1
        }
      }
    }
    if !isReady { return nil }
  }

  deinit { unsafe EVP_MAC_CTX_free(context) }

  /// Begins anew, with the same key.
  package func restart() { _ = unsafe EVP_MAC_init(context, nil, 0, nil) }

  package func take(_ bytes: Span<UInt8>) {
    _ = unsafe bytes.withUnsafeBufferPointer { unsafe EVP_MAC_update(context, $0.baseAddress, $0.count) }
  }

  /// The code of what was taken, in 64 lower-case hexadecimal digits; empty where it can't be told.
  package func finish() -> String {
    var code = [UInt8](repeating: 0, count: MessageKey.codeSize)
    var count = 0
    // SAFETY: the code has room for the 32 bytes that SHA-256 gives, and says so.
    guard unsafe EVP_MAC_final(context, &code, &count, code.count) == 1, count == code.count else {
      return ""
    }
    return unsafe code.withUnsafeBufferPointer { unsafe Digest.hexadecimal($0) }
  }
}
