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

  static func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return unsafe String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
