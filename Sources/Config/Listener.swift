// Where Remora listens.

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

/// One proxy listener, with what makes it different from the others.
package struct ListenEntry: Sendable, Equatable {
  package var address: Address
  package var tls: ListenTLS?
  /// The provider that gets what no other rule places, before `Settings.defaultProvider`.
  package var defaultProvider: String?
  /// The model that every request on this port gets, whatever it asks for.
  package var model: String?

  package init(address: Address, tls: ListenTLS? = nil, defaultProvider: String? = nil, model: String? = nil)
  {
    self.address = address
    self.tls = tls
    self.defaultProvider = defaultProvider
    self.model = model
  }
}

/// Files, in PEM form, of a listener that speaks TLS.
package struct ListenTLS: Sendable, Equatable {
  package var certFile: String
  package var keyFile: String
  /// Where set, clients must show a certificate that these authorities signed.
  package var clientCAFile: String?

  package init(certFile: String, keyFile: String, clientCAFile: String? = nil) {
    self.certFile = certFile
    self.keyFile = keyFile
    self.clientCAFile = clientCAFile
  }
}
