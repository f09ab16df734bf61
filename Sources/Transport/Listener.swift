// A listening descriptor: binds, accepts, and stops accepting for a while when descriptors run out.

internal import CLinux
internal import Glibc

/// Where connections come in. Confined to its loop.
package final class Listener: EventSource {
  package let address: Address
  private let loop: Loop
  private var descriptor: Int32
  private let onAccept: (Socket) -> Void
  /// The owner wants no more connections for now.
  private var isSuspended = false
  /// There were no descriptors, or others are to have a turn: it goes on by itself.
  private var isResting = false
  private var retry: Alarm?

  /// Binds and listens; accepting begins with the loop's next turn.
  ///
  /// - Parameters:
  ///   - sharesPort: whether other loops of this process listen on the same port.
  ///   - takesIPv4: whether `[::]` hears IPv4 as well.
  ///   - onAccept: called on the loop with each new connection.
  /// - Throws: the fault of the call that failed, `bind` most often.
  package init(
    _ address: Address, on loop: Loop, sharesPort: Bool, takesIPv4: Bool = false,
    onAccept: @escaping (Socket) -> Void
  ) throws(SystemFault) {
    self.loop = loop
    self.onAccept = onAccept
    let made = socket(
      address.domain, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw .last("socket") }
    descriptor = made
    do throws(SystemFault) {
      var on: Int32 = 1
      if address.family == .local {
        try Self.clearStalePath(address)
      } else {
        unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        if sharesPort { unsafe setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &on, 4) }
        // Connections inherit it.
        TCPOptions.set(on: made, for: address)
      }
      // Two sockets, one a family: 0.0.0.0 doesn't hear IPv6, and [::] would otherwise take IPv4 as well.
      if address.family == .ipv6 {
        on = takesIPv4 ? 0 : 1
        unsafe setsockopt(made, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, 4)
      }
      guard unsafe address.withRaw({ unsafe bind(made, $0, $1) }) == 0 else {
        throw address.family == .local ? Self.pathFault(errno) : .last("bind")
      }
      if address.family == .local {
        // As open as a loopback port: the directory decides who may reach it, whatever user the application is.
        unsafe chmod(address.host, 0o666)
      }
      guard listen(made, 4096) == 0 else { throw .last("listen") }
    } catch {
      Glibc.close(made)
      throw error
    }
    self.address = address.family == .local ? address : Self.bound(made) ?? address
    super.init()
    do { try loop.register(self, descriptor, readOnly: true) } catch {
      Glibc.close(descriptor)
      descriptor = -1
      throw error
    }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  /// The address as the kernel has bound it: a port 0 is a number by now.
  private static func bound(_ descriptor: Int32) -> Address? {
    var storage = sockaddr_storage()
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &count) == 0 ? Address($0) : nil
      }
    }
  }

  /// Removes a socket that a process which is gone has left behind; one that answers is left alone.
  private static func clearStalePath(_ address: Address) throws(SystemFault) {
    var status = stat()
    guard unsafe lstat(address.host, &status) == 0 else { return }
    // `bind` says of all of them that the address is in use.
    switch status.st_mode & S_IFMT {
    case S_IFSOCK: break
    case S_IFDIR:
      throw SystemFault(
        "bind", EEXIST, advice: "the path is a directory; name a file in it, such as remora.sock")
    case S_IFLNK:
      throw SystemFault(
        "bind", EEXIST, advice: "the path is a symbolic link; remove it, or name the place it leads to")
    default:
      throw SystemFault(
        "bind", EEXIST, advice: "the path is a file that is no socket; remove it, or name another path")
    }
    let probe = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard probe >= 0 else { throw .last("socket") }
    defer { Glibc.close(probe) }
    if unsafe address.withRaw({ unsafe connect(probe, $0, $1) }) == 0 {
      throw SystemFault("bind", EADDRINUSE)
    }
    switch errno {
    // Nobody holds it open, whatever kind of socket it was.
    case ECONNREFUSED: unsafe unlink(address.host)
    case ENOENT: return
    case EACCES:
      throw SystemFault(
        "bind", EACCES,
        advice: "the path is a socket that this process may not connect to; remove it, or name another path")
    // It has an owner, who may be full, or expects datagrams.
    default: throw SystemFault("bind", EADDRINUSE)
    }
  }

  /// Why there can be no socket at a path.
  private static func pathFault(_ code: Int32) -> SystemFault {
    switch code {
    case ENOENT:
      SystemFault(
        "bind", code, advice: "the path's directory does not exist; make it, or mount a volume there")
    case EROFS:
      SystemFault("bind", code, advice: "the path is on a read-only file system; mount a volume there")
    default: SystemFault("bind", code)
    }
  }

  override func ready(_ events: UInt32) { acceptAll() }

  private func acceptAll() {
    // A bound on one go, so that a flood of connections leaves turns to those that are open.
    for _ in 0..<256 {
      if isSuspended || isResting || descriptor < 0 { return }
      let accepted = retrying {
        Int(accept4(descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)))
      }
      guard accepted >= 0 else {
        switch errno {
        case EAGAIN: return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest(for: .milliseconds(100))
        default: continue  // The connection died before it was taken (accept(2), "Error handling").
        }
      }
      guard let socket = try? Socket(Int32(accepted), on: loop, isConnected: true) else { continue }
      onAccept(socket)
    }
    rest(for: .zero)
  }

  /// Leaves new connections in the kernel's queue for a while.
  private func rest(for duration: Duration) {
    isResting = true
    let alarm =
      retry
      ?? Alarm { [weak self] in
        self?.isResting = false
        self?.acceptAll()
      }
    retry = alarm
    loop.arm(alarm, at: loop.now + duration)
  }

  /// Stops accepting, until `resume`: the owner holds as many connections as it may.
  package func suspend() { isSuspended = true }

  package func resume() {
    guard isSuspended else { return }
    isSuspended = false
    acceptAll()
  }

  /// Stops listening for good; a Unix socket's path goes too.
  package func close() {
    guard descriptor >= 0 else { return }
    if let retry { loop.disarm(retry) }
    loop.unregister(self)
    Glibc.close(descriptor)
    descriptor = -1
    if address.family == .local { unsafe unlink(address.host) }
  }
}
