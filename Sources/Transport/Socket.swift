// A connected descriptor that never blocks, with TLS inside it or not: both look the same from outside.
//
// The socket remembers what the kernel last said (`mayRead`, `mayWrite`, `peerHasClosed`), so a call that
// would block is not made. After a read that filled less than was offered the kernel has no more: the next
// bytes raise a new edge (epoll(7), "edge-triggered", question 9).

internal import CLinux
internal import COpenSSL
internal import Glibc
package import Wire

/// Why a connection broke.
package enum IOFault: Error, Equatable, Sendable {
  /// The kernel's code: a reset, most often.
  case system(SystemFault)
  /// The peer ended TLS without close_notify, so what came may be cut short (RFC 8446 section 6.1).
  case truncated
  /// TLS broke after the handshake: an alert, most often.
  case tls(TLSFault)
}

/// What came of a read.
package enum ReadStep: Equatable, Sendable {
  case bytes(Int)
  case wouldBlock
  /// The peer has said, in order, that nothing more comes.
  case end
}

/// One end of a connection. Confined to its loop.
package final class Socket: EventSource {
  package let loop: Loop
  package private(set) var descriptor: Int32
  /// Whom to wake when something happens.
  package var parker: Parker?
  /// Told of an event while nobody is parked: an idle connection in a pool.
  package var onIdleEvent: ((Socket) -> Void)?

  /// When it became ready for use; set by the pool.
  var establishedAt = Instant.never

  var mayRead = false
  var mayWrite = false
  /// The peer has closed at least its sending side; what it sent before may still wait.
  package private(set) var peerHasClosed = false
  /// A reset or another fault that ends both directions.
  package private(set) var hasFailed = false
  /// Bytes that the kernel has taken, and in how many calls.
  private var sent = 0
  private var sends = 0
  /// `recv` has returned 0.
  private(set) var hasSeenEnd = false
  package internal(set) var tls: TLSSession?

  /// Takes over a non-blocking, connected or connecting descriptor.
  package init(_ descriptor: Int32, on loop: Loop, isConnected: Bool) throws(SystemFault) {
    self.loop = loop
    self.descriptor = descriptor
    super.init()
    mayRead = isConnected
    mayWrite = isConnected
    do { try loop.register(self, descriptor) } catch {
      Glibc.close(descriptor)
      self.descriptor = -1
      throw error
    }
  }

  deinit {
    tls = nil
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  override func ready(_ events: UInt32) {
    if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
      mayRead = true
    }
    if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { mayWrite = true }
    if events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { peerHasClosed = true }
    if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { hasFailed = true }
    if let parker { parker.signal() } else { onIdleEvent?(self) }
  }

  /// Whether the peer asked for a client certificate that isn't configured. Servers may go on without one; where
  /// such a connection ends before it brought anything, this is why.
  package var lacksCertificate: Bool { tls?.wasAskedForCertificate == true }

  /// Has `parker` fetch what reading from here takes.
  package func lookAhead(_ parker: Parker) {
    parker.ahead.add(self)
    if let tls { parker.ahead.add(tls) }
  }

  /// Whether a read could yield something without a new event: the kernel or TLS may hold bytes.
  package var hasReadable: Bool { mayRead || tls?.holdsInput == true }

  /// Whether a write is worth a try: the kernel took the last one whole, or has made room since.
  package var hasWritableRoom: Bool { mayWrite }

  // MARK: Bytes

  /// Appends what has come to `queue`, at most `ceiling` bytes.
  package func read(into queue: inout ByteQueue, ceiling: Int) throws(IOFault) -> ReadStep {
    if let tls { return try tls.read(into: &queue, ceiling: ceiling) }
    guard mayRead else { return .wouldBlock }
    let room = unsafe queue.spare(min(ceiling, 4096))
    let offered = min(room.count, ceiling)
    switch unsafe receive(room.baseAddress, offered) {
    case .bytes(let count):
      queue.commit(count)
      return .bytes(count)
    case .wouldBlock:
      if queue.isEmpty { queue.removeAll() }
      return .wouldBlock
    case .end:
      if queue.isEmpty { queue.removeAll() }
      return .end
    case .failed(let code):
      throw .system(SystemFault("recv", code))
    }
  }

  /// Sends from the head of `queue` until it is empty or the kernel is full; what was sent is consumed.
  ///
  /// - Parameter hasMore: whether there is more to send at once, so that the kernel need not yet send what would fill no
  ///   packet (MSG_MORE, send(2)).
  /// - Returns: whether the queue is empty now.
  package func write(from queue: inout ByteQueue, hasMore: Bool = false) throws(IOFault) -> Bool {
    while !queue.isEmpty {
      let sent: Int
      if let tls {
        guard let count = unsafe try tls.write(queue.unsafeBytes, hasMore: hasMore) else { return false }
        sent = count
      } else {
        guard mayWrite else { return false }
        switch unsafe transmit(queue.unsafeBytes.baseAddress, queue.count, hasMore: hasMore) {
        case .bytes(let count): sent = count
        case .wouldBlock, .end: return false
        case .failed(let code): throw .system(SystemFault("send", code))
        }
      }
      queue.consume(sent)
    }
    return true
  }

  /// Sends bytes of `queue`, which keeps them. There is more to send behind them.
  ///
  /// - Returns: how many of `range` were taken, nil if the same ones must be offered again later.
  package func write(_ queue: borrowing ByteQueue, _ range: Range<Int>) throws(IOFault) -> Int? {
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: queue.unsafeBytes[range])
    if let tls { return unsafe try tls.write(bytes, hasMore: true) }
    guard mayWrite else { return nil }
    switch unsafe transmit(bytes.baseAddress, bytes.count, hasMore: true) {
    case .bytes(let count): return count
    case .wouldBlock, .end: return nil
    case .failed(let code): throw .system(SystemFault("send", code))
    }
  }

  /// What a raw call came to.
  enum RawStep {
    case bytes(Int)
    case wouldBlock
    case end
    case failed(Int32)
  }

  /// One `recv`, for plain reads and for TLS's own.
  func receive(_ start: UnsafeMutableRawPointer?, _ count: Int) -> RawStep {
    guard mayRead else { return .wouldBlock }
    let got = retrying { unsafe recv(descriptor, start, count, 0) }
    if got > 0 {
      // Less than offered: drained, and new bytes raise a new edge, unless the end has been seen already.
      if got < count, !peerHasClosed { mayRead = false }
      return .bytes(got)
    }
    if got == 0 {
      peerHasClosed = true
      hasSeenEnd = true
      return .end
    }
    if errno == EAGAIN || errno == EWOULDBLOCK {
      mayRead = false
      return .wouldBlock
    }
    let code = errno
    hasFailed = true
    peerHasClosed = true
    return .failed(code)
  }

  /// One `send`, for plain writes and for TLS's own. Never raises SIGPIPE.
  func transmit(_ start: UnsafeRawPointer?, _ count: Int, hasMore: Bool) -> RawStep {
    guard mayWrite else { return .wouldBlock }
    let flags = Int32(MSG_NOSIGNAL) | (hasMore ? Int32(MSG_MORE) : 0)
    let taken = retrying { unsafe send(descriptor, start, count, flags) }
    if taken >= 0 {
      if taken < count { mayWrite = false }
      sent &+= taken
      sends &+= 1
      return .bytes(taken)
    }
    if errno == EAGAIN || errno == EWOULDBLOCK {
      mayWrite = false
      return .wouldBlock
    }
    let code = errno
    hasFailed = true
    // What the peer said before it broke the connection can still be read: a TLS alert, an early answer.
    mayRead = true
    return .failed(code)
  }

  // MARK: Life

  /// Whether the peer has neither closed nor said anything on a connection that should be silent: RFC 9112
  /// section 9.5 lets it close at any time, so this is asked before each reuse.
  ///
  /// - Parameter certainly: asks the kernel, whose last word is as old as the loop's turn.
  package func isQuietlyOpen(certainly: Bool = false) -> Bool {
    if peerHasClosed || descriptor < 0 || tls?.holdsInput == true { return false }
    if certainly { mayRead = true }
    if !mayRead { return true }
    // TLS 1.3 tickets may wait in the kernel: they are read, anything else is not expected.
    var scratch = ByteQueue(pool: loop.blocks)
    guard let step = try? read(into: &scratch, ceiling: 512) else { return false }
    return step == .wouldBlock
  }

  /// How far the peer has got with what it was sent.
  package var progress: Progress {
    var waiting: Int32 = 0
    // SAFETY: the call writes one `int`, for which there is room.
    guard unsafe remora_unsent(descriptor, &waiting) == 0 else { return Progress(taken: sent, isAll: true) }
    // Between Unix sockets it is the kernel's memory that counts, and a buffer's own is more than this (unix(7)).
    let overhead = isLocal ? sends &* 512 : 0
    return Progress(taken: sent &+ overhead &- Int(waiting), isAll: waiting == 0)
  }

  /// The peer's address; nil for a Unix socket, and of a peer that has reset the connection.
  package var peerAddress: Address? {
    var storage = sockaddr_storage()
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getpeername(descriptor, $0, &count) == 0 ? Address($0) : nil
      }
    }
  }

  /// Whether the peer is a process of this machine's. One that has reset the connection has no address any more, so it
  /// could be anybody.
  package var isFromThisMachine: Bool {
    if let address = peerAddress { return address.isLoopback }
    return isLocal
  }

  /// Whether it is a Unix socket.
  private var isLocal: Bool {
    var family: Int32 = 0
    var count = socklen_t(MemoryLayout<Int32>.size)
    // SAFETY: the option is an `int` (socket(7)), for which there is room.
    let got = unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &count)
    return got == 0 && family == AF_UNIX
  }

  /// The code of a connection attempt that has come to its end: 0 for success.
  func connectOutcome() -> Int32 {
    var code: Int32 = 0
    var count = socklen_t(4)
    let got = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &count)
    return got == 0 ? code : errno
  }

  /// Sends what TLS needs for an orderly end and stops sending; reading goes on.
  ///
  /// - Returns: false if the kernel has no room for that now, and sending goes on until it is called again.
  @discardableResult
  package func finishSending() -> Bool {
    if let tls, !tls.closeNotify() { return false }
    shutdown(descriptor, Int32(SHUT_WR))
    return true
  }

  /// Has TLS overwrite what it has decrypted once it has been read. It costs a pass over every byte.
  package func leavesNoPlaintext() { tls?.cleansePlaintext() }

  /// Ends both directions. Whatever waits for the socket finds its end; the descriptor stays until `close`.
  package func hangUp() {
    if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  /// Closes.
  ///
  /// - Parameters:
  ///   - isCut: leaves out TLS's close_notify, so that the peer can't take a part for the whole.
  ///   - abruptly: sends a reset instead of an end, for a body that only the end delimits.
  package func close(isCut: Bool = false, abruptly: Bool = false) {
    guard descriptor >= 0 else { return }
    if abruptly {
      var option = linger(l_onoff: 1, l_linger: 0)
      _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    } else if !isCut {
      tls?.closeNotify()
    }
    loop.unregister(self)
    if tls != nil { loop.gaveBack(TLSSession.memory) }
    tls = nil
    Glibc.close(descriptor)
    descriptor = -1
    mayRead = false
    mayWrite = false
    peerHasClosed = true
    parker = nil
    onIdleEvent = nil
  }
}
