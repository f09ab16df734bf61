// SHA-256 (FIPS 180-4) and HMAC (RFC 2104), as values that take no memory from the heap: for checksums of addresses, for
// placeholders and for chains. What is reckoned is OpenSSL's, by its calls for one algorithm: the ones that look it up first
// cost 60 ns more for a text of 21 bytes, and an object for every digest under way.

internal import COpenSSL

/// A digest under way.
package struct SHA256 {
  private var state = SHA256_CTX()

  package init() {
    // SAFETY (here and below): OpenSSL reads and writes the state and, of the bytes, as many as are said to be there. It
    // keeps neither, and the calls for one algorithm can't fail.
    unsafe _ = remora_SHA256_Init(&state)
  }

  package mutating func append(_ byte: UInt8) {
    var byte = byte
    unsafe _ = remora_SHA256_Update(&state, &byte, 1)
  }

  package mutating func append(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBytes { unsafe _ = remora_SHA256_Update(&state, $0.baseAddress, $0.count) }
  }

  package mutating func append(_ digest: InlineArray<32, UInt8>) { append(digest.span) }

  package consuming func finish() -> InlineArray<32, UInt8> {
    var digest = InlineArray<32, UInt8>(repeating: 0)
    var span = digest.mutableSpan
    unsafe span.withUnsafeMutableBytes {
      // SAFETY: a digest has 32 bytes, as the array has.
      unsafe _ = remora_SHA256_Final($0.baseAddress?.assumingMemoryBound(to: UInt8.self), &state)
    }
    return digest
  }
}

/// HMAC-SHA-256. Holds what the key makes of a digest's first block, rather than the key.
package struct KeyedHash: Sendable {
  private let inner: SHA256
  private let outer: SHA256

  package init(key: Span<UInt8>) {
    var short = InlineArray<64, UInt8>(repeating: 0)
    if key.count > 64 {
      var hash = SHA256()
      hash.append(key)
      let digest = hash.finish()
      for at in 0..<32 { short[at] = digest[at] }
    } else {
      for at in 0..<key.count { short[at] = key[at] }
    }
    inner = Self.begin(short, 0x36)
    outer = Self.begin(short, 0x5C)
  }

  private static func begin(_ key: InlineArray<64, UInt8>, _ mask: UInt8) -> SHA256 {
    var block = key
    for at in 0..<64 { block[at] ^= mask }
    var hash = SHA256()
    hash.append(block.span)
    return hash
  }

  /// A digest to be fed, and finished by `finish`.
  package func begin() -> SHA256 { inner }

  package func finish(_ hash: consuming SHA256) -> InlineArray<32, UInt8> {
    var whole = outer
    whole.append(hash.finish())
    return whole.finish()
  }
}
