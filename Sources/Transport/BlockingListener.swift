// A listening socket for code that waits: what records and replays an application's exchanges has a thread a connection.

internal import CLinux
internal import Glibc

/// Accepts connections one after the other, on the thread that asks.
@safe package final class BlockingListener: Sendable {
  private let descriptor: Int32
  package let address: Address

  /// Binds and listens.
  package init(_ address: Address) throws(SystemFault) {
    let made = socket(address.domain, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw .last("socket") }
    do throws(SystemFault) {
      var on: Int32 = 1
      unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, 4)
      if address.family == .ipv6 { unsafe setsockopt(made, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, 4) }
      guard unsafe address.withRaw({ unsafe bind(made, $0, $1) }) == 0 else { throw .last("bind") }
      guard listen(made, 512) == 0 else { throw .last("listen") }
    } catch {
      Glibc.close(made)
      throw error
    }
    descriptor = made
    self.address = Self.bound(made) ?? address
  }

  deinit { Glibc.close(descriptor) }

  private static func bound(_ descriptor: Int32) -> Address? {
    var storage = sockaddr_storage()
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &count) == 0 ? Address($0) : nil
      }
    }
  }

  /// Waits for the next connection; nil where there can be none.
  package func accept() -> BlockingConnection? {
    while true {
      let made = accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
      if made >= 0 {
        var on: Int32 = 1
        unsafe setsockopt(made, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return BlockingConnection(accepted: made)
      }
      // A client that left before it was taken, or descriptors that ran out for a moment.
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(10_000)
      default: return nil
      }
    }
  }
}
