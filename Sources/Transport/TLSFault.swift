// Every way in which TLS fails, in words that tell the operator which it was and what to do.

internal import COpenSSL
internal import Glibc

/// Why TLS could not be set up or went wrong.
package enum TLSFault: Error, Equatable, Sendable {
  case expired(notAfter: String)
  case notYetValid(notBefore: String)
  /// The certificate is for other names, which are listed.
  case wrongName(expected: String, names: String)
  case selfSigned(subject: String)
  case unknownIssuer(issuer: String)
  /// Any other verdict on the certificate, in OpenSSL's words.
  case rejected(String)
  /// The peer doesn't speak TLS.
  case plainText
  /// The peer asks for a client certificate and got none that it takes.
  case certificateRequired
  /// The peer wanted another handshake within the connection (RFC 5246 section 7.4.1.1), which is never done.
  case renegotiation
  /// The peer breaks off the handshake without saying more (RFC 8446 section 6.2, handshake_failure).
  case refused
  /// The two sides have no protocol version in common.
  case version
  case timedOut
  /// The peer closed in the middle of the handshake.
  case closed
  /// Nobody wants the connection any more.
  case abandoned
  case openSSL(String)

  /// The fault in a sentence, with what to do about it.
  package var message: String {
    switch self {
    case .expired(let date):
      "the server's certificate expired at \(date); renew it, or check this machine's clock"
    case .notYetValid(let date):
      "the server's certificate is not yet valid (valid from \(date)); check this machine's clock"
    case .wrongName(let expected, let names):
      "the server's certificate is for another name: expected \(expected), it carries \(names); "
        + "check base_url or set tls.server_name"
    case .selfSigned(let subject):
      "the server's certificate (\(subject)) is self-signed and not trusted; set tls.ca_file to its CA"
    case .unknownIssuer(let issuer):
      "the server's certificate is from an unknown CA (\(issuer)); set tls.ca_file to that CA's certificate"
    case .rejected(let verdict): "the server's certificate was not accepted: \(verdict)"
    case .plainText: "the server answered in plain text, not TLS; check the port, or use http:// in base_url"
    case .certificateRequired:
      "the server demands a client certificate; set tls.cert_file and tls.key_file to one that it accepts"
    case .renegotiation:
      "the server wanted to negotiate TLS anew within the connection, which is not done; where it is for a client "
        + "certificate, let it ask in the first handshake and set tls.cert_file and tls.key_file, or use TLS 1.3"
    case .refused:
      "the server refused the TLS handshake: it has no cipher or signature in common with this side, or doesn't "
        + "serve the name; check base_url and tls.server_name"
    case .version: "the server offers no TLS version that is allowed (1.2 is the minimum)"
    case .timedOut: "the TLS handshake timed out"
    case .closed: "the server closed the connection during the TLS handshake"
    case .abandoned: "the connection was given up"
    case .openSSL(let reason): "TLS failed: \(reason)"
    }
  }

  /// The fault behind a code of OpenSSL's error queue.
  init(openSSLCode code: UInt) {
    switch remora_ERR_GET_REASON(code) {
    case Int32(SSL_R_WRONG_VERSION_NUMBER), Int32(SSL_R_HTTP_REQUEST), Int32(SSL_R_PACKET_LENGTH_TOO_LONG),
      Int32(SSL_R_UNEXPECTED_MESSAGE), Int32(SSL_R_RECORD_LENGTH_MISMATCH):
      self = .plainText
    case Int32(SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED), Int32(SSL_R_SSLV3_ALERT_BAD_CERTIFICATE),
      Int32(SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN), Int32(SSL_R_TLSV1_ALERT_UNKNOWN_CA),
      Int32(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE):
      self = .certificateRequired
    case Int32(SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE):
      self = .refused
    case Int32(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION), Int32(SSL_R_UNSUPPORTED_PROTOCOL),
      Int32(SSL_R_NO_PROTOCOLS_AVAILABLE):
      self = .version
    case Int32(SSL_R_UNEXPECTED_EOF_WHILE_READING):
      self = .closed
    default:
      self = .openSSL(Self.reason(code))
    }
  }

  /// The fault of a handshake that has just failed on `ssl`.
  @unsafe
  init(afterHandshake ssl: OpaquePointer, errorClass: Int32) {
    let verdict = unsafe SSL_get_verify_result(ssl)
    if verdict != Int(X509_V_OK) {
      self = unsafe TLSFault(verdict: verdict, ssl)
      return
    }
    let code = ERR_peek_error()
    self = code == 0 ? .closed : TLSFault(openSSLCode: code)
  }

  /// The fault behind a verdict on the peer's certificate.
  @unsafe
  init(verdict: Int, _ ssl: OpaquePointer) {
    // At the time of a failed verification the session may not hold the certificate yet: the store's context
    // has copied what matters into the session's ex-data (`CertificateNotes`).
    let notes = unsafe CertificateNotes.of(ssl)
    switch Int32(clamping: verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: self = .expired(notAfter: notes?.notAfter ?? "an unknown date")
    case X509_V_ERR_CERT_NOT_YET_VALID: self = .notYetValid(notBefore: notes?.notBefore ?? "an unknown date")
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      self = .wrongName(expected: notes?.expected ?? "another", names: notes?.names ?? "none")
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      self = .selfSigned(subject: notes?.subject ?? "unknown")
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      self = .unknownIssuer(issuer: notes?.issuer ?? "unknown")
    default:
      let text = unsafe X509_verify_cert_error_string(verdict)
      self = .rejected(unsafe text.map { unsafe String(cString: $0) } ?? "verdict \(verdict)")
    }
  }

  /// OpenSSL's reason for `code`, without file and line.
  static func reason(_ code: UInt) -> String {
    if let text = unsafe ERR_reason_error_string(code) { return unsafe String(cString: text) }
    return "error \(code)"
  }
}

/// What a refused certificate said, for the message.
final class CertificateNotes {
  let subject: String
  let issuer: String
  let notBefore: String
  let notAfter: String
  let names: String
  var expected = ""

  /// Where in a session's ex-data the notes are.
  static let slot: Int32 = 1

  init(_ certificate: OpaquePointer) {
    subject = unsafe Self.line(X509_get_subject_name(certificate))
    issuer = unsafe Self.line(X509_get_issuer_name(certificate))
    notBefore = unsafe Self.date(X509_get0_notBefore(certificate))
    notAfter = unsafe Self.date(X509_get0_notAfter(certificate))
    names = unsafe Self.alternativeNames(certificate)
  }

  static func of(_ ssl: OpaquePointer) -> CertificateNotes? {
    guard let data = unsafe SSL_get_ex_data(ssl, slot) else { return nil }
    // SAFETY: only `TLSSession` stores here: an object that it keeps for as long as the session lives.
    return unsafe Unmanaged<CertificateNotes>.fromOpaque(data).takeUnretainedValue()
  }

  private static func line(_ name: OpaquePointer?) -> String {
    unsafe text { bio in unsafe X509_NAME_print_ex(bio, name, 0, remora_XN_FLAG_ONELINE) }
  }

  private static func date(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    unsafe text { bio in unsafe ASN1_TIME_print(bio, time) }
  }

  private static func alternativeNames(_ certificate: OpaquePointer) -> String {
    let index = unsafe X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)
    guard index >= 0, let found = unsafe X509_get_ext(certificate, index) else { return "no name" }
    return unsafe text { bio in unsafe X509V3_EXT_print(bio, found, 0, 0) }
  }

  /// What `print` writes, at most 512 bytes, other than printable ASCII replaced.
  private static func text(_ print: (OpaquePointer?) -> Int32) -> String {
    guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "unknown" }
    defer { unsafe BIO_free(bio) }
    _ = unsafe print(bio)
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = unsafe Int(BIO_read(bio, &bytes, 512))
    guard count > 0 else { return "unknown" }
    return String(decoding: bytes[..<count].map { $0 >= 0x20 && $0 < 0x7F ? $0 : 0x3F }, as: UTF8.self)
  }
}
