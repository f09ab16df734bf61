// What connections of one kind share: trust, own certificate, rules. Built once per snapshot, never changed.

internal import COpenSSL
internal import Glibc
internal import Synchronization

/// Which files a context is made of, and what is asked of the peer.
package struct TLSProfile: Hashable, Sendable {
  package var caFile: String?
  package var certificateFile: String?
  package var keyFile: String?
  package init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// A file that TLS needs and can't use: which, and why.
package struct TLSFileFault: Error, Equatable, Sendable {
  package let path: String
  package let reason: String
  package var message: String { "\(path): \(reason)" }
}

// @unchecked Sendable: OpenSSL counts references to a context atomically and lets threads share one that no
// longer changes (SSL_CTX_new(3)); `raw` is set up in `init` and only read afterwards.
/// The shared side of TLS, for clients of an upstream or for a listener.
@safe
package final class TLSContext: @unchecked Sendable {
  let raw: OpaquePointer
  let isClient: Bool
  /// Whether it has a certificate of its own to show.
  let hasCertificate: Bool

  deinit { unsafe SSL_CTX_free(raw) }

  /// A context for connections to an upstream: the peer is always verified, TLS 1.2 at least.
  package init(client profile: TLSProfile) throws(TLSFileFault) {
    isClient = true
    hasCertificate = profile.certificateFile != nil
    unsafe raw = unsafe try Self.make(TLS_client_method())
    unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
    unsafe SSL_CTX_set_cert_verify_callback(raw, verifyTakingNotes, nil)
    let mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
    _ = unsafe remora_SSL_CTX_set_session_cache_mode(raw, Int(mode))
    unsafe SSL_CTX_sess_set_new_cb(raw) { ssl, session in
      guard let data = unsafe SSL_get_ex_data(ssl, 0), let session = unsafe session else { return 0 }
      // SAFETY: set by TLSSession.init to an object that the session keeps alive.
      unsafe Unmanaged<TLSSessions>.fromOpaque(data).takeUnretainedValue().put(session)
      if let owner = unsafe SSL_get_ex_data(ssl, 2) {
        // SAFETY: set by TLSSession.init to the session that owns this SSL object.
        unsafe Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().hasLooseBuffers = true
      }
      return 1
    }
    // Asked by a server although none is configured: noted, because the refusal may come as a mere reset.
    unsafe SSL_CTX_set_client_cert_cb(raw) { ssl, _, _ in
      if let data = unsafe SSL_get_ex_data(ssl, 2) {
        // SAFETY: set by TLSSession.init to the session that owns this SSL object.
        unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue().wasAskedForCertificate = true
      }
      return 0
    }
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    unsafe SSL_CTX_set_alpn_protos(raw, protocols, UInt32(protocols.count))
    if let caFile = profile.caFile {
      guard unsafe SSL_CTX_load_verify_locations(raw, caFile, nil) == 1 else {
        throw Self.fault(caFile, "no CA certificate in PEM form could be read from it")
      }
    } else {
      try unsafe TrustStore.load(into: raw)
    }
    try loadOwn(profile)
    ERR_clear_error()
  }

  /// A context for a listener. With a CA file, clients must show a certificate from that CA.
  package init(server profile: TLSProfile) throws(TLSFileFault) {
    isClient = false
    hasCertificate = profile.certificateFile != nil
    unsafe raw = unsafe try Self.make(TLS_server_method())
    var name: [UInt8] = Array("remora".utf8)
    _ = unsafe SSL_CTX_set_session_id_context(raw, &name, UInt32(name.count))
    if let caFile = profile.caFile {
      guard unsafe SSL_CTX_load_verify_locations(raw, caFile, nil) == 1 else {
        throw Self.fault(caFile, "no CA certificate in PEM form could be read from it")
      }
      unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }
    try loadOwn(profile)
    ERR_clear_error()
  }

  private static func make(_ method: OpaquePointer?) throws(TLSFileFault) -> OpaquePointer {
    guard let raw = unsafe SSL_CTX_new(method) else { throw fault("TLS", "OpenSSL could not make a context") }
    _ = unsafe remora_SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION)
    _ = unsafe remora_SSL_CTX_set_mode(
      raw, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
    )
    _ = unsafe SSL_CTX_set_options(raw, remora_SSL_OPTIONS)
    unsafe remora_SSL_CTX_set_read_ahead(raw, 1)
    return unsafe raw
  }

  private func loadOwn(_ profile: TLSProfile) throws(TLSFileFault) {
    guard let certificateFile = profile.certificateFile else { return }
    // A key with a passphrase must be an error, not a prompt on the terminal.
    unsafe SSL_CTX_set_default_passwd_cb(raw) { _, _, _, _ in 0 }
    ERR_clear_error()
    guard unsafe SSL_CTX_use_certificate_chain_file(raw, certificateFile) == 1 else {
      throw Self.fault(certificateFile, "no certificate in PEM form could be read from it")
    }
    let keyFile = profile.keyFile ?? certificateFile
    ERR_clear_error()
    guard unsafe SSL_CTX_use_PrivateKey_file(raw, keyFile, SSL_FILETYPE_PEM) == 1 else {
      let code = ERR_peek_error()
      if remora_ERR_GET_REASON(code) == Int32(X509_R_KEY_VALUES_MISMATCH),
        remora_ERR_GET_LIB(code) == ERR_LIB_X509
      {
        throw Self.fault(keyFile, "the key does not belong to the certificate \(certificateFile)")
      }
      throw Self.fault(keyFile, "no private key in PEM form without a passphrase could be read from it")
    }
    guard unsafe SSL_CTX_check_private_key(raw) == 1 else {
      throw Self.fault(keyFile, "the key does not belong to the certificate \(certificateFile)")
    }
  }

  private static func fault(_ path: String, _ reason: String) -> TLSFileFault {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    if code != 0, unsafe remora_ERR_GET_LIB(code) == ERR_LIB_SYS || access(path, R_OK) != 0 {
      return TLSFileFault(path: path, reason: SystemFault("open", errno).reason)
    }
    return TLSFileFault(path: path, reason: reason)
  }
}

/// Verifies as OpenSSL does and, when the verdict is bad, notes what the certificate said.
private func verifyTakingNotes(_ store: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
  let result = unsafe X509_verify_cert(store)
  if result == 1 { return 1 }
  let index = SSL_get_ex_data_X509_STORE_CTX_idx()
  guard let ssl = unsafe X509_STORE_CTX_get_ex_data(store, index) else { return result }
  guard let certificate = unsafe X509_STORE_CTX_get0_cert(store) else { return result }
  guard let data = unsafe SSL_get_ex_data(OpaquePointer(ssl), 2) else { return result }
  // SAFETY: set by TLSSession.init to the session that owns this SSL object.
  unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue().note(CertificateNotes(certificate))
  return result
}

/// Sessions of one upstream that can be taken up again. TLS 1.3 wants each used once (RFC 8446 section C.4).
///
/// Confined to its worker's loop.
@safe package final class TLSSessions {
  /// Servers send two tickets per connection; more than four would only grow stale.
  private static let ceiling = 4
  private var kept: [OpaquePointer] = unsafe []
  /// The name whose certificate was verified when they were made.
  private var host = ""
  /// How many handshakes took up an earlier session.
  package internal(set) var resumed = 0

  package init() {}

  deinit { removeAll() }

  func put(_ session: OpaquePointer) {
    if unsafe kept.count == Self.ceiling { unsafe SSL_SESSION_free(kept.removeFirst()) }
    unsafe kept.append(session)
  }

  /// A session of an earlier connection to `host`; those to another name go, for a server that takes a session
  /// up shows no certificate again.
  func take(for host: String) -> OpaquePointer? {
    if host != self.host {
      removeAll()
      self.host = host
    }
    return unsafe kept.popLast()
  }

  package func removeAll() {
    while let session = unsafe kept.popLast() { unsafe SSL_SESSION_free(session) }
  }
}
