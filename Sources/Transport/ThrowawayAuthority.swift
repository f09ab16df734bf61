// A certificate authority that lives as long as one run of the demonstration, and the certificate of a
// server on this machine that it has signed. Nobody but that run is ever asked to trust it.

internal import COpenSSL
internal import Glibc

/// The PEM files of a CA and of one server.
package struct ThrowawayAuthority: Sendable {
  package let authorityFile: String
  package let certificateFile: String
  package let keyFile: String

  /// Makes both with new keys and writes them into `directory`; the CA's own key is written nowhere.
  ///
  /// - Throws: what could not be made, and why.
  package init(in directory: ThrowawayDirectory) throws(TLSFileFault) {
    let authorityKey = try SigningKey()
    let serverKey = try SigningKey()
    let authority = try Certificate(
      subject: "Remora demo CA", key: authorityKey,
      extensions: [
        (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
        (NID_key_usage, "critical,keyCertSign,cRLSign"),
        (NID_subject_key_identifier, "hash"),
      ])
    try authority.sign(by: authority, key: authorityKey)
    let server = try Certificate(
      subject: "localhost", key: serverKey,
      extensions: [
        (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
        (NID_ext_key_usage, "serverAuth"), (NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost"),
      ])
    try server.sign(by: authority, key: authorityKey)
    do throws(SystemFault) {
      authorityFile = try directory.write("ca.pem", authority.pem())
      certificateFile = try directory.write("server.pem", server.pem())
      keyFile = try directory.write("server.key", serverKey.pem())
    } catch {
      throw TLSFileFault(path: directory.path, reason: error.description)
    }
  }

  fileprivate static func fault(_ what: String) -> TLSFileFault {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    return TLSFileFault(path: what, reason: code == 0 ? "OpenSSL could not make it" : TLSFault.reason(code))
  }
}

/// A new key on the curve P-256, which every TLS stack knows.
@safe private final class SigningKey {
  // SAFETY: made in `init`, freed in `deinit`, never nil in between.
  let raw: OpaquePointer

  init() throws(TLSFileFault) {
    let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
    defer { unsafe EVP_PKEY_CTX_free(context) }
    var made: OpaquePointer?
    guard unsafe EVP_PKEY_keygen_init(context) == 1,
      unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
      unsafe EVP_PKEY_generate(context, &made) == 1, let made = unsafe made
    else { throw ThrowawayAuthority.fault("a key") }
    unsafe raw = unsafe made
  }

  deinit { unsafe EVP_PKEY_free(raw) }

  func pem() -> [UInt8] {
    unsafe MemoryBIO.text { unsafe PEM_write_bio_PrivateKey($0, raw, nil, nil, 0, nil, nil) }
  }
}

/// A certificate that is valid for a day.
@safe private final class Certificate {
  // SAFETY: as above.
  let raw: OpaquePointer
  private let extensions: [(Int32, String)]

  init(subject: String, key: SigningKey, extensions: [(Int32, String)]) throws(TLSFileFault) {
    guard let made = unsafe X509_new() else { throw ThrowawayAuthority.fault("a certificate") }
    unsafe raw = unsafe made
    self.extensions = extensions
    unsafe X509_set_version(raw, Int(X509_VERSION_3))
    // RFC 5280 section 4.1.2.2: positive, and never the same twice from one authority.
    unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), ProcessSettings.randomWord() >> 1 | 1)
    // An hour back, for clocks that disagree with themselves.
    unsafe X509_gmtime_adj(X509_getm_notBefore(raw), -3600)
    unsafe X509_gmtime_adj(X509_getm_notAfter(raw), 24 * 3600)
    let name = Array(subject.utf8)
    let named = unsafe X509_NAME_add_entry_by_txt(
      X509_get_subject_name(raw), "CN", MBSTRING_ASC, name, Int32(name.count), -1, 0)
    guard named == 1, unsafe X509_set_pubkey(raw, key.raw) == 1 else {
      throw ThrowawayAuthority.fault("a certificate")
    }
  }

  deinit { unsafe X509_free(raw) }

  func sign(by issuer: Certificate, key: SigningKey) throws(TLSFileFault) {
    unsafe X509_set_issuer_name(raw, X509_get_subject_name(issuer.raw))
    var context = unsafe X509V3_CTX()
    unsafe X509V3_set_ctx(&context, issuer.raw, raw, nil, nil, 0)
    for (kind, value) in extensions {
      let made = unsafe X509V3_EXT_conf_nid(nil, &context, kind, value)
      defer { unsafe X509_EXTENSION_free(made) }
      guard unsafe made != nil, unsafe X509_add_ext(raw, made, -1) == 1 else {
        throw ThrowawayAuthority.fault("a certificate")
      }
    }
    guard unsafe X509_sign(raw, key.raw, EVP_sha256()) > 0 else {
      throw ThrowawayAuthority.fault("a signature")
    }
  }

  func pem() -> [UInt8] { unsafe MemoryBIO.text { unsafe PEM_write_bio_X509($0, raw) } }
}

private enum MemoryBIO {
  /// What `write` puts into a BIO; empty if it fails, which reading the file back will tell.
  static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
    guard let bio = unsafe BIO_new(BIO_s_mem()) else { return [] }
    defer { unsafe BIO_free(bio) }
    guard unsafe write(bio) == 1 else { return [] }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe BIO_read(bio, &piece, Int32(piece.count))
      guard count > 0 else { return text }
      text += piece.prefix(Int(count))
    }
  }
}
