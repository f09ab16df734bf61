// How a provider is connected to: its `tls`, `timeouts` and `pool`.

internal import Wire

/// How an upstream's certificate is checked, and which one is shown to it. Files are in PEM form.
package struct ProviderTLS: Sendable, Equatable {
  /// Authorities to trust; nil: the system's.
  package var caFile: String?
  package var certFile: String?
  package var keyFile: String?
  /// The name to ask for and to check; nil: the URL's host.
  package var serverName: String?

  package init() {}

  static let section = Section<ProviderTLS>(
    [
      Row(optional: "ca_file", \.caFile, .path, "Authorities to trust, PEM. Default: the system's."),
      Row(optional: "cert_file", \.certFile, .path, "The client certificate, PEM."),
      Row(optional: "key_file", \.keyFile, .path, "Its private key, PEM."),
      Row(
        optional: "server_name", \.serverName, .serverName,
        "The name to ask for and to check. Default: the URL's host."),
    ],
    check: { _, fields, place, decoder in
      if (fields["cert_file"] == nil) != (fields["key_file"] == nil) {
        decoder.problem(
          "\(place.title): cert_file and key_file belong together; write both or neither", at: fields.position
        )
      }
    })
}

/// How long each step of an attempt may take.
package struct Timeouts: Sendable, Equatable {
  /// Name look-up, TCP and TLS together.
  package var connect = Defaults.connectTimeout
  /// From the request's last byte to the answer's first.
  package var firstByte = Defaults.firstByteTimeout
  /// Between two bytes of an answer.
  package var idle = Defaults.idleTimeout

  package init() {}

  private static let span = Duration.milliseconds(1)...Defaults.timeout

  static let section = Section<Timeouts>([
    Row("connect", \.connect, .duration(span), "Name look-up, TCP and TLS. Default: 5s."),
    Row(
      "first_byte", \.firstByte, .duration(span),
      "From the request's end to the answer's first byte. Default: 10m."),
    Row("idle", \.idle, .duration(span), "Between two bytes of an answer. Default: 10m."),
  ])
}

/// How connections to one upstream are kept.
package struct PoolSettings: Sendable, Equatable {
  /// Connections of one worker at the same time; 0: no ceiling.
  package var maxConnections = 0
  /// How long an unused connection is kept.
  package var idleTimeout = Defaults.poolIdleTimeout
  /// Connections that are opened before the first request.
  package var warm = 0

  package init() {}

  static let section = Section<PoolSettings>(
    [
      Row(
        "max_connections", \.maxConnections, .integer(0...Defaults.connections),
        "Connections at the same time; 0: no ceiling."),
      Row(
        "idle_timeout", \.idleTimeout, .duration(.zero...Defaults.timeout),
        "How long an unused connection is kept. Default: 55s; own servers: 4s."),
      Row("warm", \.warm, .integer(0...1024), "Connections that are opened before the first request."),
    ],
    check: { pool, fields, place, decoder in
      if pool.maxConnections > 0, pool.warm > pool.maxConnections {
        decoder.problem(
          "\(place.prefix)warm is more than pool.max_connections; make it smaller", at: fields.position)
      }
    })
}

extension Form where Value == String {
  /// The name of a TLS server, without scheme and port.
  fileprivate static var serverName: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let name = decoder.text(node, of: what) else { return nil }
        if Host.isValid(name) || Host.isIPv6(name) { return name.lowercased() }
        decoder.problem("\(what) must be a host name, without scheme and port", at: node.position)
        return nil
      },
      write: { $2.member($1, $0) })
  }
}
