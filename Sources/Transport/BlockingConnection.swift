// A connection for code that has nothing else to do: the probe and the demonstration. The proxy has no use
// for it.

internal import CLinux
internal import Glibc

/// A plain connection with one deadline for everything that is done on it. It closes where it ends.
package struct BlockingConnection: ~Copyable, Sendable {
  private let descriptor: Int32
  private let deadline: Instant

  /// Connects to the first of `addresses` that answers.
  ///
  /// - Throws: the last address's fault; `ETIMEDOUT` once the deadline is over.
  package init(toOneOf addresses: [Address], until deadline: Instant) throws(SystemFault) {
    self.deadline = deadline
    var fault = SystemFault("connect", EHOSTUNREACH)
    for address in addresses {
      do throws(SystemFault) {
        descriptor = try Self.connect(to: address, until: deadline)
        return
      } catch { fault = error }
    }
    throw fault
  }

  deinit { Glibc.close(descriptor) }

  /// The addresses of `host`, with `port`: a look-up that blocks, unless it is an IP address.
  package static func addresses(of host: String, port: UInt16) throws(ResolveFault) -> [Address] {
    if let literal = Address(ip: host, port: port) { return [literal] }
    return try Resolver.lookUp(host).get().map { $0.with(port: port) }
  }

  private static func connect(to address: Address, until deadline: Instant) throws(SystemFault) -> Int32 {
    let made = socket(
      address.domain, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw .last("socket") }
    do throws(SystemFault) {
      if unsafe address.withRaw({ unsafe Glibc.connect(made, $0, $1) }) == 0 { return made }
      guard errno == EINPROGRESS else { throw .last("connect") }
      try wait(for: Int16(POLLOUT), on: made, until: deadline)
      var code: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      unsafe getsockopt(made, SOL_SOCKET, SO_ERROR, &code, &size)
      guard code == 0 else { throw SystemFault("connect", code) }
      return made
    } catch {
      Glibc.close(made)
      throw error
    }
  }

  private static func wait(for events: Int16, on descriptor: Int32, until deadline: Instant)
    throws(SystemFault)
  {
    while true {
      let rest = deadline.nanoseconds(since: .now)
      var entry = pollfd(fd: descriptor, events: events, revents: 0)
      // Rounded up, so that the last part of a millisecond isn't spent spinning.
      let count = unsafe poll(&entry, 1, Int32(clamping: (rest + 999_999) / 1_000_000))
      if count > 0 { return }
      if count == 0 { throw SystemFault("poll", ETIMEDOUT) }
      guard errno == EINTR else { throw .last("poll") }
    }
  }

  /// Sends all of `bytes`.
  package borrowing func send(_ bytes: [UInt8]) throws(SystemFault) {
    var sent = 0
    while sent < bytes.count {
      let rest = bytes[sent...]
      let count = retrying {
        unsafe rest.withUnsafeBytes {
          unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
      }
      if count > 0 { sent += count } else if count < 0, errno != EAGAIN { throw .last("send") }
      if sent < bytes.count { try Self.wait(for: Int16(POLLOUT), on: descriptor, until: deadline) }
    }
  }

  /// What comes next, at most 16 KiB; empty where the peer has ended.
  package borrowing func receive() throws(SystemFault) -> [UInt8] {
    while true {
      try Self.wait(for: Int16(POLLIN), on: descriptor, until: deadline)
      var bytes = [UInt8](repeating: 0, count: 16 << 10)
      let count = retrying { unsafe Glibc.read(descriptor, &bytes, bytes.count) }
      if count >= 0 { return Array(bytes.prefix(count)) }
      guard errno == EAGAIN else { throw .last("read") }
    }
  }
}

/// Ports of this machine, asked for before anything listens.
package enum LocalPort {
  /// Whether one could listen at `address` now; an address that this machine lacks counts as free.
  package static func isFree(_ address: Address) -> Bool {
    switch bound(address) {
    case .success: true
    case .failure(let fault): !fault.isAddressInUse
    }
  }

  /// A port of `address` that was free a moment ago, chosen by the kernel.
  package static func free(at address: Address) throws(SystemFault) -> UInt16 {
    try bound(address.with(port: 0)).get()
  }

  private static func bound(_ address: Address) -> Result<UInt16, SystemFault> {
    let made = socket(address.domain, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return .failure(.last("socket")) }
    defer { Glibc.close(made) }
    var on: Int32 = 1
    unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, 4)
    guard unsafe address.withRaw({ unsafe bind(made, $0, $1) }) == 0 else { return .failure(.last("bind")) }
    var storage = sockaddr_storage()
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let port = unsafe withUnsafeMutablePointer(to: &storage) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(made, $0, &count) == 0 ? Address($0)?.port : nil
      }
    }
    guard let port else { return .failure(.last("getsockname")) }
    return .success(port)
  }
}
