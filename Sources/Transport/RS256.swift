// Signatures of the kind that tokens of service accounts carry: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518
// section 3.3). The key is read for each signature and forgotten: there is one an hour.

internal import COpenSSL
package import Wire

/// Why nothing could be signed. None of them tells anything of the key.
package enum SigningFault: Error, Equatable, Sendable {
  /// No private key in PEM form without a passphrase.
  case unreadableKey
  case notRSA
  /// RFC 7518 section 3.3 wants 2048 bits at least.
  case shortKey(bits: Int)
  case openSSL(String)

  /// What is wrong, as the end of a sentence about the key.
  package var message: String {
    switch self {
    case .unreadableKey: "is not a private key in PEM form without a passphrase"
    case .notRSA: "is not an RSA key"
    case .shortKey(let bits): "has \(bits) bits; 2048 are the least"
    case .openSSL(let reason): "could not sign: \(reason)"
    }
  }
}

package enum RS256 {
  /// The signature of `message` with the private key that `pem` holds, in memory that is overwritten when it goes: what
  /// is signed may be as good as a key.
  package static func sign(_ message: Span<UInt8>, pem: Span<UInt8>) throws(SigningFault) -> ByteQueue {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let key = try unsafe self.key(pem)
    defer { unsafe EVP_PKEY_free(key) }
    guard let context = unsafe EVP_MD_CTX_new() else { throw fault() }
    defer { unsafe EVP_MD_CTX_free(context) }
    guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1 else { throw fault() }
    var signature = ByteQueue.forSecrets()
    let size = unsafe Int(EVP_PKEY_get_size(key))
    let room = unsafe signature.spare(size)
    var count = room.count
    // SAFETY: there is room for as many bytes as the key says that it can need, and `count` says how many.
    let done = unsafe message.withUnsafeBufferPointer {
      unsafe EVP_DigestSign(
        context, room.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, $0.baseAddress, $0.count)
    }
    guard done == 1, count <= room.count else { throw fault() }
    signature.commit(count)
    return signature
  }

  /// The key in `pem`, for the caller to free.
  @unsafe private static func key(_ pem: Span<UInt8>) throws(SigningFault) -> OpaquePointer {
    let read: OpaquePointer? = unsafe pem.withUnsafeBytes { bytes in
      // SAFETY: the BIO only reads, and is gone before the bytes are.
      guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
        return nil
      }
      defer { unsafe BIO_free(bio) }
      // A key with a passphrase must be an error, not a prompt on the terminal.
      return unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
    }
    guard let key = unsafe read else { throw .unreadableKey }
    var fault: SigningFault?
    let bits = unsafe Int(EVP_PKEY_get_bits(key))
    if unsafe EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA {
      fault = .notRSA
    } else if bits < 2048 {
      fault = .shortKey(bits: bits)
    }
    if let fault {
      unsafe EVP_PKEY_free(key)
      throw fault
    }
    return unsafe key
  }

  private static func fault() -> SigningFault {
    let code = ERR_peek_last_error()
    return .openSSL(code == 0 ? "no reason was given" : TLSFault.reason(code))
  }
}
