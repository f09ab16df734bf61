// Addresses that come from variables and files of the clouds' own, and where a secret may go in plain text.

internal import Config
internal import HTTP
internal import Transport
internal import Wire

struct WebAddress: Sendable {
  let place: FetchPlace
  private let base: BaseURL

  /// Reads `scheme://host:port/path?query`.
  ///
  /// - Parameters:
  ///   - suffix: comes behind the path.
  ///   - tls: what an https address is asked with.
  init?(_ text: String, suffix: String = "", tls: TLSContext?) {
    guard let mark = text.firstRange(of: "://") else { return nil }
    let rest = text[mark.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let target = rest[authority.endIndex...]
    guard let base = BaseURL.parse(String(text[..<authority.endIndex])),
      target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }), target.utf8.count <= 2048
    else { return nil }
    self.base = base
    place = FetchPlace(base, target: (target.hasPrefix("?") ? "/" : "") + target + suffix, tls: tls)
  }

  /// Whether nobody on the way can read what is sent: TLS, or this very machine.
  var isPrivate: Bool { base.scheme == .https || BaseURL.isLoopback(base.host) }

  /// Whether AWS's SDKs send a container's token there ("Container credential provider": https, loopback, and the
  /// addresses of ECS and EKS).
  var isContainerEndpoint: Bool {
    isPrivate || ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(base.host)
  }
}

extension FetchPlace {
  /// - Parameters:
  ///   - base: scheme, host and port; its prefix comes before `target`.
  ///   - serverName: the name to ask for and to check; nil: the host's.
  ///   - tls: what an https address is asked with.
  init(_ base: BaseURL, target: String, serverName: String? = nil, tls: TLSContext?) {
    let isTLS = base.scheme == .https
    let name = base.host.hasSuffix(".") ? String(base.host.dropLast()) : base.host
    let whole = base.prefix + target
    self.init(
      endpoint: Transport.Endpoint(
        host: base.host, port: UInt16(clamping: base.port), serverName: isTLS ? serverName ?? name : nil),
      host: Array(base.authority.utf8), target: Array((whole.isEmpty ? "/" : whole).utf8),
      tls: isTLS ? tls : nil,
      shown: "\(base.scheme.rawValue)://\(base.authority)\(whole.prefix { $0 != "?" })")
  }
}
