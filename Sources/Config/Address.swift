// A place in the network or the file system, as a configuration writes it.

internal import Wire

/// A place to listen at or to connect to.
package enum Address: Sendable, Hashable {
  /// A host name or an IP address without brackets; port 0 lets the kernel choose.
  case tcp(host: String, port: Int)
  case unix(path: String)

  /// The address as it is written in a configuration.
  package var text: String {
    switch self {
    case .tcp(let host, let port): (host.utf8.contains(ASCII.colon) ? "[\(host)]" : host) + ":\(port)"
    case .unix(let path): "unix:" + path
    }
  }

  /// Whether only this machine (in a pod: only its containers) can reach it.
  package var isLoopback: Bool {
    switch self {
    case .tcp(let host, _): BaseURL.isLoopback(host)
    case .unix: true
    }
  }
}
