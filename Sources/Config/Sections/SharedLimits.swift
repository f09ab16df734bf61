// Where the limits of groups are counted together, for all pods: a Redis.

internal import Wire

/// The address of a Redis: `redis://host:port/database`, or `rediss://` for TLS.
package struct RedisURL: Sendable, Equatable {
  package var usesTLS = false
  /// In lower case; an IPv6 address is without its brackets.
  package var host = ""
  package var port = 6379
  package var database = 0

  package init() {}

  /// As it is written in a configuration.
  package var text: String {
    let name = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
    return "\(usesTLS ? "rediss" : "redis")://\(name):\(port)" + (database == 0 ? "" : "/\(database)")
  }

  /// Nil where the text is no such address, or holds a user or a password.
  package static func parse(_ text: String) -> RedisURL? { try? read(text) }

  /// What is wrong is said without a part of `text`, which may hold a password.
  static func read(_ text: String) throws(Refused) -> RedisURL {
    var url = RedisURL()
    guard let mark = text[...].range(of: "://") else {
      throw Refused("the scheme is missing; write redis://HOST:6379, or rediss://HOST:6379 for TLS")
    }
    switch text[..<mark.lowerBound].lowercased() {
    case "redis": break
    case "rediss": url.usesTLS = true
    case "unix", "redis+unix", "redis-socket":
      throw Refused("a Unix socket isn't spoken to; write redis://HOST:6379")
    case "redis-sentinel", "redis+sentinel", "rediss+sentinel":
      throw Refused("a Sentinel isn't asked; name the primary, or the service in front of it")
    default: throw Refused("the scheme must be redis, or rediss for TLS")
    }
    let rest = text[mark.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    // A password may have held one of those, unescaped.
    if rest.utf8.contains(UInt8(ascii: "@")) {
      throw Refused(
        "a user or a password doesn't stand in the URL; write them as limits.shared.user and limits.shared.password "
          + "({ file: PATH } or { env: NAME }), as they are, without %-escapes")
    }
    if rest.utf8.contains(UInt8(ascii: "?")) || rest.utf8.contains(UInt8(ascii: "#")) {
      throw Refused("it has no query; what is about TLS stands under limits.shared.tls")
    }
    if authority.utf8.contains(UInt8(ascii: ",")) {
      throw Refused("several hosts aren't asked; name one that takes writes to every key")
    }
    let (host, portText) = try Host.split(authority)
    guard Host.isIPv6(host) || Host.isValid(host) else {
      throw Refused("not a host name or address behind '://'; write redis://HOST:6379")
    }
    url.host = host.lowercased()
    if let portText {
      guard let number = Host.port(portText), number > 0 else {
        throw Refused("the port must be from 1 to 65535")
      }
      url.port = number
    }
    let path = rest[authority.endIndex...].drop { $0 == "/" }
    if !path.isEmpty {
      guard path.utf8.count <= 5, path.utf8.allSatisfy(ASCII.isDigit), let number = Int(path) else {
        throw Refused("behind the port stands the number of a database, such as /2, or nothing")
      }
      url.database = number
    }
    return url
  }
}

/// `limits.shared`.
package struct SharedLimits: Sendable, Equatable {
  package var redis = RedisURL()
  /// A user of its access list; nil: the default one.
  package var user: String?
  package var password: SecretSource?
  package var tls = ProviderTLS()
  /// What the names of its keys begin with: pods with the same one count together.
  package var prefix = "rl"

  package init() {}

  static let section = Section<SharedLimits>(
    [
      Row(
        "redis", \.redis, .redisURL, "Its address: redis://HOST:6379/0, or rediss:// for TLS.",
        isRequired: true),
      Row(
        optional: "user", \.user, .text(ceiling: 128), "A user of its access list. Default: its default user."
      ),
      Row(optional: "password", \.password, .spacedSecret, "The password, sent as it is."),
      Row("tls", \.tls, ProviderTLS.section, "How its certificate is checked, with rediss://."),
      Row("prefix", \.prefix, .keyPrefix, "What the names of its keys begin with. Default: rl."),
    ],
    check: { shared, fields, place, decoder in
      if fields["user"] != nil, fields["password"] == nil {
        decoder.problem("\(place.prefix)user needs \(place.prefix)password beside it", at: fields.position)
      }
      if let tls = fields["tls"], !tls.isEmpty, fields["redis"] != nil, !shared.redis.usesTLS,
        !shared.redis.host.isEmpty
      {
        decoder.problem(
          "\(place.prefix)tls has no effect with redis://; write rediss://, or leave it out", at: tls.position
        )
      }
      if shared.password != nil, !shared.redis.host.isEmpty, !shared.redis.usesTLS,
        !BaseURL.isLocal(shared.redis.host)
      {
        decoder.warning(
          "\(place.prefix)password goes over the network in plain text; write rediss://", at: fields.position)
      }
    })
}

extension Form where Value == RedisURL {
  fileprivate static var redisURL: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let text = decoder.text(node, of: what) else { return nil }
        do throws(Refused) { return try RedisURL.read(text) } catch {
          decoder.problem("\(what): \(error.reason)", at: node.position)
          return nil
        }
      },
      write: { $2.member($1, $0.text) })
  }
}

extension Form where Value == SecretSource {
  /// One in which blanks are as good as anything.
  fileprivate static var spacedSecret: Form {
    Form(.secret, read: { $0.secret($1, of: $2, as: .value) }, write: { $0.write($1, to: &$2) })
  }
}

extension Form where Value == String {
  /// The beginning of keys' names.
  fileprivate static var keyPrefix: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let text = decoder.text(node, of: what, ceiling: 64) else { return nil }
        let isGood =
          !text.isEmpty
          && text.utf8.allSatisfy {
            ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == ASCII.colon
          }
        if isGood { return text }
        decoder.problem("\(what) must be of letters, digits, '-', '_', '.' and ':'", at: node.position)
        return nil
      },
      write: { $2.member($1, $0) })
  }
}
