// A provider's address: scheme, host, port and prefix, and nothing else.

internal import Wire

/// `scheme://host:port/prefix`, checked.
package struct BaseURL: Sendable, Hashable {
  package enum Scheme: String, Sendable { case http, https }

  package var scheme: Scheme
  /// In lower case; an IPv6 address is without its brackets.
  package var host: String
  package var port: Int
  /// Empty, or a path that begins with `/` and doesn't end with one: `/v1`.
  package var prefix: String

  package init(scheme: Scheme, host: String, port: Int? = nil, prefix: String = "") {
    self.scheme = scheme
    self.host = host
    self.port = port ?? Self.defaultPort(scheme)
    self.prefix = prefix
  }

  /// Reads `https://host:port/prefix`; nil for anything else.
  package static func parse(_ text: String) -> BaseURL? { try? read(text) }

  package static func defaultPort(_ scheme: Scheme) -> Int { scheme == .https ? 443 : 80 }

  /// The host as `Host` and URLs write it, with the port where it isn't the scheme's own.
  package var authority: String {
    let name = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
    return port == Self.defaultPort(scheme) ? name : name + ":\(port)"
  }

  /// The URL as it is written in a configuration.
  package var text: String { "\(scheme.rawValue)://\(authority)\(prefix)" }
}
