// Fingerprints of bytes.

internal import COpenSSL

package enum Digest {
  /// The SHA-256 of `bytes` (FIPS 180-4) in 64 lower-case hexadecimal digits.
  package static func sha256(_ bytes: [UInt8]) -> String { sha256(bytes.span) }

  /// As above, of bytes that must not be copied.
  package static func sha256(_ bytes: Span<UInt8>) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    // SAFETY: SHA-256 has 32 bytes, and the digest has room for them.
    let worked = unsafe bytes.withUnsafeBytes {
      unsafe EVP_Digest($0.baseAddress, $0.count, &digest, &count, EVP_sha256(), nil) == 1
    }
    // Fails only where a provider of algorithms was configured away; a fingerprint of nothing is no lie.
    guard worked, count == 32 else { return "" }
    return unsafe digest.withUnsafeBufferPointer { unsafe hexadecimal($0) }
  }

  /// The SHA-1 of `bytes` (FIPS 180-4), for names that others have chosen and nothing else; empty where this system has
  /// none.
  package static func sha1(_ bytes: Span<UInt8>) -> String {
    var digest = [UInt8](repeating: 0, count: 20)
    var count: UInt32 = 0
    // SAFETY: SHA-1 has 20 bytes, and the digest has room for them.
    let worked = unsafe bytes.withUnsafeBytes {
      unsafe EVP_Digest($0.baseAddress, $0.count, &digest, &count, EVP_sha1(), nil) == 1
    }
    guard worked, count == 20 else { return "" }
    return unsafe digest.withUnsafeBufferPointer { unsafe hexadecimal($0) }
  }

  /// The SHA-256 of `bytes` as four words; nil where this system's OpenSSL has none.
  package static func sha256(words bytes: Span<UInt8>) -> InlineArray<4, UInt64>? { Digester().sha256(bytes) }

  static func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    // SAFETY: two digits a byte, and as many are said to be there.
    unsafe String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      for at in 0..<bytes.count {
        let byte = unsafe bytes[at]
        unsafe text[at * 2] = digit(byte >> 4)
        unsafe text[at * 2 + 1] = digit(byte & 15)
      }
      return bytes.count * 2
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

/// SHA-256 of one text after the other, in the same memory. OpenSSL wipes what it holds of a text when its digest is done.
@safe package final class Digester {
  private static let method = DigestMethod("SHA256")

  // SAFETY: made here, given to nobody, and freed with this object.
  private let context: OpaquePointer?

  package init() { unsafe context = EVP_MD_CTX_new() }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Four words; nil where this system's OpenSSL has none.
  package func sha256(_ bytes: Span<UInt8>) -> InlineArray<4, UInt64>? {
    var words = InlineArray<4, UInt64>(repeating: 0)
    var count: UInt32 = 0
    // SAFETY: SHA-256 has 32 bytes, and so has the array. A context that couldn't be had makes the first call fail.
    let worked = unsafe bytes.withUnsafeBytes { text in
      var span = words.mutableSpan
      return unsafe span.withUnsafeMutableBytes {
        guard unsafe context != nil, unsafe EVP_DigestInit_ex(context, Self.method.pointer, nil) == 1,
          unsafe EVP_DigestUpdate(context, text.baseAddress, text.count) == 1
        else { return false }
        return unsafe EVP_DigestFinal_ex(
          context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), &count) == 1
      }
    }
    return worked && count == 32 ? words : nil
  }
}

/// An algorithm, looked up once: to look it up takes longer than to digest a key.
@safe private final class DigestMethod: Sendable {
  // SAFETY: OpenSSL never changes an algorithm that was fetched, and this object, which lives as long as the process,
  // keeps it.
  nonisolated(unsafe) let pointer: OpaquePointer?

  init(_ name: String) { unsafe pointer = EVP_MD_fetch(nil, name, nil) }
}
