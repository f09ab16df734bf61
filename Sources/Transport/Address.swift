// Where a socket listens or connects: an IP address with a port, or a path in the file system.

internal import CLinux
internal import Glibc

/// The address of one end of a socket.
package struct Address: Hashable, Sendable, CustomStringConvertible {
  /// How the kernel wants it.
  package enum Family: Sendable { case ipv4, ipv6, local }

  package let family: Family
  /// 4 or 16 bytes of IP address, or the path.
  private let bytes: [UInt8]
  package let port: UInt16

  private init(_ family: Family, _ bytes: [UInt8], _ port: UInt16) {
    self.family = family
    self.bytes = bytes
    self.port = port
  }

  /// A Unix socket's path, nil if the kernel's 107 bytes are too few for it (unix(7)).
  package init?(path: String) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count < 108, !bytes.contains(0) else { return nil }
    self.init(.local, bytes, 0)
  }

  /// An IP address in its usual notation, IPv6 without brackets; nil for anything else.
  package init?(ip: String, port: UInt16) {
    var v4 = in_addr()
    if unsafe inet_pton(AF_INET, ip, &v4) == 1 {
      self.init(.ipv4, unsafe withUnsafeBytes(of: &v4) { unsafe Array($0) }, port)
      return
    }
    var v6 = in6_addr()
    if unsafe inet_pton(AF_INET6, ip, &v6) == 1 {
      self.init(.ipv6, unsafe withUnsafeBytes(of: &v6) { unsafe Array($0) }, port)
      return
    }
    return nil
  }

  /// What the kernel says of a peer or of a resolved name; nil for a family other than these.
  @unsafe
  init?(_ raw: UnsafePointer<sockaddr>) {
    switch Int32(unsafe raw.pointee.sa_family) {
    case AF_INET:
      var address = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
      self.init(
        .ipv4, unsafe withUnsafeBytes(of: &address.sin_addr) { unsafe Array($0) },
        UInt16(bigEndian: address.sin_port))
    case AF_INET6:
      var address = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in6.self)
      self.init(
        .ipv6, unsafe withUnsafeBytes(of: &address.sin6_addr) { unsafe Array($0) },
        UInt16(bigEndian: address.sin6_port))
    default:
      return nil
    }
  }

  package func with(port: UInt16) -> Address { Address(family, bytes, port) }

  /// Whether only this machine can reach it; an IPv4 address inside IPv6 (::ffff:127.0.0.1) counts.
  package var isLoopback: Bool {
    switch family {
    case .local: true
    case .ipv4: bytes[0] == 127
    case .ipv6:
      bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        || (bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] && bytes[12] == 127)
    }
  }

  var domain: Int32 {
    switch family {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .local: AF_UNIX
    }
  }

  /// Calls `body` with the address in the kernel's form.
  func withRaw<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var storage = sockaddr_storage()
    let count: Int
    // SAFETY: sockaddr_storage is larger than and aligned for each of the three forms.
    count = unsafe withUnsafeMutableBytes(of: &storage) { raw in
      switch family {
      case .ipv4:
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: bytes) }
        unsafe raw.storeBytes(of: address, as: sockaddr_in.self)
        return MemoryLayout<sockaddr_in>.size
      case .ipv6:
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
        unsafe raw.storeBytes(of: address, as: sockaddr_in6.self)
        return MemoryLayout<sockaddr_in6>.size
      case .local:
        unsafe raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        unsafe UnsafeMutableRawBufferPointer(rebasing: raw[2...]).copyBytes(from: bytes)
        return 2 + bytes.count + 1
      }
    }
    return unsafe withUnsafePointer(to: &storage) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(count)) }
    }
  }

  /// The address alone, without its port.
  package var host: String {
    switch family {
    case .local: return String(decoding: bytes, as: UTF8.self)
    case .ipv4, .ipv6:
      var text = [CChar](repeating: 0, count: 64)
      let ok = unsafe bytes.withUnsafeBytes { unsafe inet_ntop(domain, $0.baseAddress, &text, 64) != nil }
      guard ok else { return "?" }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  package var description: String {
    switch family {
    case .local: "unix:\(host)"
    case .ipv4: "\(host):\(port)"
    case .ipv6: "[\(host)]:\(port)"
    }
  }
}
