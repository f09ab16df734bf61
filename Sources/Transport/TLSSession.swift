// TLS on one socket: OpenSSL does the cryptography, the socket does the calls.
//
// OpenSSL reads and writes through a BIO of ours that calls `Socket.receive` and `Socket.transmit`, so a
// read that would block costs no system call, one `recv` takes in many records (`read_ahead`), and no write
// can raise SIGPIPE. Rules that are easy to break: the error queue is cleared before each call; after a
// fault nothing more is sent; a write that would block is repeated with the same first bytes.

internal import COpenSSL
internal import Glibc
internal import Wire

/// TLS state of one socket. Confined to the socket's loop.
@safe package final class TLSSession {
  // SAFETY: owned by this object alone from `init` to `deinit`.
  private let ssl: OpaquePointer
  private unowned let socket: Socket
  /// Kept so that the context outlives every session made from it.
  private let context: TLSContext
  private(set) var isEstablished = false
  private(set) var isBroken = false
  private var hasFailedToWrite = false
  /// The server wanted a client certificate, and there was none to show.
  var wasAskedForCertificate = false
  private var hasSeenEnd = false
  /// OpenSSL has made itself buffers that the next read or write would not give back by itself: it does so for
  /// handshakes, and for the tickets that come behind them, which would be 17 kB for as long as a stream is silent.
  var hasLooseBuffers = false

  /// Starts TLS on `socket`, as a client that expects to meet `host`, or as a server.
  ///
  /// - Parameters:
  ///   - host: a DNS name or an IP literal, which the certificate must carry (RFC 9525); nil for a server.
  ///   - sessions: where a client's sessions are kept for resumption.
  package init(_ context: TLSContext, on socket: Socket, host: String?, sessions: TLSSessions?)
    throws(TLSFault)
  {
    guard let ssl = unsafe SSL_new(context.raw) else { throw TLSFault.openSSL("no memory for a TLS session") }
    unsafe self.ssl = unsafe ssl
    self.socket = socket
    self.context = context
    guard let bio = unsafe BIO_new(SocketBIO.method) else {
      throw TLSFault.openSSL("no memory for a TLS session")
    }
    // SAFETY: the socket owns this session and frees it before itself, so the unretained pointer stays good.
    unsafe BIO_set_data(bio, Unmanaged.passUnretained(socket).toOpaque())
    unsafe BIO_set_init(bio, 1)
    unsafe SSL_set_bio(ssl, bio, bio)
    if let host {
      try unsafe Self.expect(host, ssl)
      unsafe SSL_set_connect_state(ssl)
      if let sessions {
        unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(sessions).toOpaque())
        self.sessions = sessions
        if let session = unsafe sessions.take(for: host) {
          unsafe SSL_set_session(ssl, session)
          unsafe SSL_SESSION_free(session)
        }
      }
    } else {
      unsafe SSL_set_accept_state(ssl)
    }
    socket.tls = self
    socket.loop.took(Self.memory)
    self.host = host ?? ""
    // SAFETY: the session frees its SSL object in deinit, so the unretained pointer stays good.
    unsafe SSL_set_ex_data(ssl, 2, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Bytes that OpenSSL holds for a session without traffic, as measured.
  static let memory = 14_500

  private var sessions: TLSSessions?
  private var notes: CertificateNotes?
  private var host = ""

  /// Keeps what a refused certificate said, for the fault's message.
  func note(_ notes: CertificateNotes) {
    notes.expected = host
    self.notes = notes
    unsafe SSL_set_ex_data(ssl, CertificateNotes.slot, Unmanaged.passUnretained(notes).toOpaque())
  }

  deinit { unsafe SSL_free(ssl) }

  /// Names the peer: SNI for DNS names only, and an identity that verification insists on.
  private static func expect(_ host: String, _ ssl: OpaquePointer) throws(TLSFault) {
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    let parameters = unsafe SSL_get0_param(ssl)
    unsafe X509_VERIFY_PARAM_set_hostflags(
      parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    let accepted: Bool
    if name.isEmpty || name.hasPrefix(".") || name.utf8.contains(0) {
      // OpenSSL would take a leading dot for any name below it, and an empty name for any name at all.
      accepted = false
    } else if Address(ip: name, port: 0) != nil {
      accepted = unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1
    } else {
      accepted =
        unsafe X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1
        && remora_SSL_set_tlsext_host_name(ssl, name) == 1
    }
    guard accepted else { throw TLSFault.openSSL("'\(name)' can't be a TLS server name") }
  }

  /// Whether decrypted or unread records wait inside OpenSSL, so that a read makes sense without an event.
  var holdsInput: Bool { unsafe !isBroken && !hasSeenEnd && SSL_has_pending(ssl) == 1 }

  /// Whether the handshake took up an earlier session.
  package var wasResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

  func cleansePlaintext() { _ = unsafe SSL_set_options(ssl, remora_SSL_CLEANSE_PLAINTEXT) }

  // MARK: Handshake

  /// Goes through the handshake, parking on the socket's parker.
  ///
  /// - Parameter isAbandoned: asked at each turn whether anybody still wants the connection.
  /// - Throws: which of the handshake's ways to fail it was.
  package func handshake(
    until deadline: Instant, isAbandoned: () -> Bool = { false }
  ) async throws(TLSFault) {
    while true {
      if isAbandoned() { throw TLSFault.abandoned }
      ERR_clear_error()
      let result = unsafe SSL_do_handshake(ssl)
      if result == 1 { break }
      let reason = unsafe SSL_get_error(ssl, result)
      switch reason {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
        guard let parker = socket.parker else { throw TLSFault.openSSL("the connection was given up") }
        if socket.hasFailed, !socket.mayRead { throw TLSFault.closed }
        ERR_clear_error()
        if await parker.park(until: deadline) == .deadline { throw TLSFault.timedOut }
      default:
        isBroken = true
        defer { ERR_clear_error() }
        throw meaning(of: unsafe TLSFault(afterHandshake: ssl, errorClass: reason))
      }
    }
    // Verification may have left something behind though it went well.
    ERR_clear_error()
    isEstablished = true
    hasLooseBuffers = true
    freeLooseBuffers()
    if wasResumed { sessions?.resumed += 1 }
    // The mode alone is not trusted: a certificate must be there and its verdict must be good.
    if context.isClient {
      let verdict = unsafe SSL_get_verify_result(ssl)
      guard let certificate = unsafe remora_SSL_get1_peer_certificate(ssl) else {
        throw TLSFault.openSSL("the server showed no certificate")
      }
      unsafe X509_free(certificate)
      guard verdict == Int(X509_V_OK) else { throw unsafe TLSFault(verdict: verdict, ssl) }
    }
  }

  // MARK: Bytes

  // The error queue is empty whenever OpenSSL is called here: the handshake, and whoever met a fault, left it so.

  func read(into queue: inout ByteQueue, ceiling: Int) throws(IOFault) -> ReadStep {
    if isBroken { throw .tls(.closed) }
    if hasSeenEnd { return .end }
    // Neither the kernel nor OpenSSL holds anything.
    if unsafe !socket.mayRead && !isBrokenAfterData && SSL_has_pending(ssl) == 0 { return .wouldBlock }
    var total = 0
    while total < ceiling {
      let room = unsafe queue.spare(min(ceiling - total, 4096))
      var count = 0
      hasBlocked = false
      let result = unsafe SSL_read_ex(ssl, room.baseAddress, min(room.count, ceiling - total), &count)
      if result == 1 {
        queue.commit(count)
        total += count
        // Neither the kernel nor OpenSSL holds more: the call that would say so is saved.
        if unsafe !socket.mayRead && SSL_has_pending(ssl) == 0 {
          if hasLooseBuffers { freeLooseBuffers() }
          return .bytes(total)
        }
        continue
      }
      if total == 0, queue.isEmpty { queue.removeAll() }
      if hasLooseBuffers { freeLooseBuffers() }
      if hasBlocked { return total > 0 ? .bytes(total) : .wouldBlock }
      return try readFault(result, total)
    }
    return .bytes(total)
  }

  private func freeLooseBuffers() {
    // Refused where something waits in them: then a later turn finds them empty.
    if unsafe !TLSLibrary.freesBuffersSafely || SSL_free_buffers(ssl) == 1 { hasLooseBuffers = false }
  }

  /// Why a read brought nothing, though the kernel didn't block.
  private func readFault(_ result: Int32, _ total: Int) throws(IOFault) -> ReadStep {
    defer { ERR_clear_error() }
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return total > 0 ? .bytes(total) : .wouldBlock
    case SSL_ERROR_ZERO_RETURN:
      hasSeenEnd = true
      return total > 0 ? .bytes(total) : .end
    default:
      // What came before the fault is given first; the fault is found again at the next read.
      if total > 0 {
        pendingFault = lastFault()
        isBrokenAfterData = true
        return .bytes(total)
      }
      let fault = isBrokenAfterData ? pendingFault : lastFault()
      isBroken = true
      throw fault
    }
  }

  /// The last read of OpenSSL's came to the end of what the kernel had.
  fileprivate var hasBlocked = false
  private var isBrokenAfterData = false
  private var pendingFault = IOFault.truncated

  /// What one record holds (RFC 8446 section 5.1).
  private static let recordSize = 1 << 14
  /// What OpenSSL writes now is followed by more.
  fileprivate var hasMore = false

  /// Sends the first bytes of `bytes`, one record at the most per call of OpenSSL.
  ///
  /// - Parameter hasMore: whether there is more to send at once behind `bytes`.
  /// - Returns: how many were taken, nil if the same bytes must be offered again later.
  func write(_ bytes: UnsafeRawBufferPointer, hasMore: Bool) throws(IOFault) -> Int? {
    if isBroken || hasFailedToWrite { throw .tls(.closed) }
    self.hasMore = hasMore || bytes.count > Self.recordSize
    defer { self.hasMore = false }
    var count = 0
    let result = unsafe SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count)
    if result == 1 { return count }
    defer { ERR_clear_error() }
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return nil
    default:
      // Reading goes on: the peer's alert may be waiting.
      hasFailedToWrite = true
      throw lastFault()
    }
  }

  private func lastFault() -> IOFault {
    let code = ERR_peek_last_error()
    if code == 0 { return .system(SystemFault("recv", socket.hasFailed ? ECONNRESET : errno)) }
    if remora_ERR_GET_REASON(code) == Int32(SSL_R_UNEXPECTED_EOF_WHILE_READING) { return .truncated }
    return .tls(meaning(of: TLSFault(openSSLCode: code)))
  }

  /// What a mere refusal means here. Within a connection of TLS 1.2 only a refused renegotiation comes to one; else
  /// it is the answer to a certificate, where one was asked for or shown.
  private func meaning(of fault: TLSFault) -> TLSFault {
    guard fault == .refused else { return fault }
    if isEstablished, unsafe SSL_version(ssl) == TLS1_2_VERSION { return .renegotiation }
    return wasAskedForCertificate || context.hasCertificate ? .certificateRequired : fault
  }

  /// Tells the peer that nothing more comes; its own notice is not waited for.
  ///
  /// - Returns: false if the kernel has no room for that now: it is to be called again then.
  @discardableResult
  func closeNotify() -> Bool {
    guard isEstablished, !isBroken, !isBrokenAfterData, !hasFailedToWrite else { return true }
    ERR_clear_error()
    defer { ERR_clear_error() }
    let result = unsafe SSL_shutdown(ssl)
    return unsafe result >= 0 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_WRITE
  }
}

/// The BIO through which OpenSSL reaches a `Socket`.
private enum SocketBIO {
  // SAFETY: made once, never changed or freed.
  nonisolated(unsafe) static let method: OpaquePointer? = unsafe make()

  private static func make() -> OpaquePointer? {
    let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = unsafe BIO_meth_new(kind, "remora socket") else { return nil }
    unsafe BIO_meth_set_read(method) { bio, start, count in
      guard let socket = unsafe SocketBIO.socket(bio) else { return -1 }
      unsafe remora_BIO_clear_retry_flags(bio)
      switch unsafe socket.receive(start, Int(count)) {
      case .bytes(let got): return Int32(clamping: got)
      case .wouldBlock:
        socket.tls?.hasBlocked = true
        unsafe remora_BIO_set_retry_read(bio)
        return -1
      case .end: return 0
      case .failed: return -1
      }
    }
    unsafe BIO_meth_set_write(method) { bio, start, count in
      guard let socket = unsafe SocketBIO.socket(bio) else { return -1 }
      unsafe remora_BIO_clear_retry_flags(bio)
      switch unsafe socket.transmit(start, Int(count), hasMore: socket.tls?.hasMore == true) {
      case .bytes(let sent): return Int32(clamping: sent)
      case .wouldBlock, .end:
        unsafe remora_BIO_set_retry_write(bio)
        return -1
      case .failed: return -1
      }
    }
    unsafe BIO_meth_set_ctrl(method) { bio, command, _, _ in
      switch command {
      case BIO_CTRL_FLUSH, BIO_CTRL_DUP: return 1
      case BIO_CTRL_EOF:
        guard let socket = unsafe SocketBIO.socket(bio) else { return 1 }
        return socket.hasSeenEnd ? 1 : 0
      default: return 0
      }
    }
    return unsafe method
  }

  private static func socket(_ bio: OpaquePointer?) -> Socket? {
    // SAFETY: set by TLSSession.init to the socket that owns the session, which owns this BIO.
    guard let data = unsafe BIO_get_data(bio) else { return nil }
    return unsafe Unmanaged<Socket>.fromOpaque(data).takeUnretainedValue()
  }
}
