// Hosts, addresses, URLs and other names out of text. Each refusal says what would be right.

import Glibc
internal import Wire

enum Host {
  /// Whether `text` is an IPv4 address of four decimal parts.
  static func isIPv4(_ text: String) -> Bool {
    var address = in_addr()
    return unsafe inet_pton(AF_INET, text, &address) == 1
  }

  static func isIPv6(_ text: String) -> Bool {
    var address = in6_addr()
    return unsafe inet_pton(AF_INET6, text, &address) == 1
  }

  /// Whether `text` is a host name: labels of letters, digits, `-` and `_` (RFC 1123 section 2.1, and the
  /// underscore that Compose and Kubernetes' older names have).
  static func isName(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    let trimmed = text.hasSuffix(".") ? text.dropLast() : text[...]
    var hasLetter = false
    for label in trimmed.split(separator: ".", omittingEmptySubsequences: false) {
      let bytes = Array(label.utf8)
      guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
      guard first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else { return false }
      for byte in bytes {
        let isLetter = ASCII.lower(byte) &- UInt8(ascii: "a") < 26
        guard isLetter || ASCII.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") else {
          return false
        }
        hasLetter = hasLetter || isLetter
      }
    }
    // A name of digits and dots alone is an address gone wrong.
    return hasLetter
  }

  static func isValid(_ text: String) -> Bool { isIPv4(text) || isName(text) }

  /// A decimal port from 0 to 65535.
  static func port(_ text: Substring) -> Int? {
    guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(ASCII.isDigit), let value = Int(text) else {
      return nil
    }
    return value <= 65535 ? value : nil
  }

  /// Splits `host`, `host:port` and `[::1]:port`; the port is nil where no colon is.
  static func split(_ text: Substring) throws(Refused) -> (host: String, port: Substring?) {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw Refused("']' is missing; write [::1]:4141") }
      let host = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      guard isIPv6(host) else { throw Refused("not an IPv6 address between the brackets; write [::1]:4141") }
      if rest.isEmpty { return (host, nil) }
      guard rest.hasPrefix(":") else { throw Refused("expected ':' and a port behind ']'; write [::1]:4141") }
      return (host, rest.dropFirst())
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    if let scheme = text.range(of: "://") {
      throw Refused("no scheme stands here; write \(text[scheme.upperBound...].prefix { $0 != "/" })")
    }
    guard parts.count <= 2 else { throw Refused("an IPv6 address needs brackets; write [::1]:4141") }
    return (String(parts.first ?? ""), parts.count == 2 ? parts[1] : nil)
  }
}

extension Address {
  /// The longest path of a Unix socket, in bytes: `sockaddr_un` has 108, the last of them zero.
  static let unixPathCeiling = 107

  /// Reads `host:port`, `[::1]:4141` or `unix:/path`.
  package static func parse(_ text: String) -> Address? { try? read(text) }

  static func read(_ text: String) throws(Refused) -> Address {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard path.hasPrefix("/") else {
        throw Refused("the path must be absolute; write unix:/run/remora.sock")
      }
      guard path.utf8.count <= unixPathCeiling, !path.utf8.contains(0) else {
        throw Refused("the path of a Unix socket has at most \(unixPathCeiling) bytes")
      }
      return .unix(path: path)
    }
    let (host, port) = try Host.split(text[...])
    if port == nil, let number = Host.port(text[...]) {
      throw Refused(
        "a port alone; write 127.0.0.1:\(number), or 0.0.0.0:\(number) for all who reach this machine")
    }
    guard let port else { throw Refused("the port is missing; write host:port, such as 127.0.0.1:4141") }
    guard let number = Host.port(port) else { throw Refused("the port must be a number from 0 to 65535") }
    if host.isEmpty {
      throw Refused("the host is missing; write 127.0.0.1:\(number), or 0.0.0.0:\(number) for all")
    }
    guard Host.isIPv6(host) || Host.isValid(host) else {
      throw Refused(
        "not a host; write an address such as 127.0.0.1:\(number) or [::1]:\(number), or unix:/path")
    }
    return .tcp(host: host.lowercased(), port: number)
  }
}

extension BaseURL {
  /// Reads `https://host:port/prefix`.
  static func read(_ text: String) throws(Refused) -> BaseURL {
    guard let mark = text[...].range(of: "://") else {
      throw Refused("the scheme is missing; write https://HOST, or http://HOST inside the cluster")
    }
    guard let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else {
      throw Refused("the scheme must be https, or http inside the cluster")
    }
    let rest = text[mark.upperBound...]
    for byte in rest.utf8 where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") {
      throw Refused(
        "a URL has no spaces, control characters, backslashes or letters outside ASCII; escape them as %20")
    }
    if rest.utf8.contains(UInt8(ascii: "?")) || rest.utf8.contains(UInt8(ascii: "#")) {
      throw Refused("a base URL has no query and no fragment; leave out what begins with '?' or '#'")
    }
    let authority = rest.prefix { $0 != "/" }
    if authority.utf8.contains(UInt8(ascii: "@")) {
      throw Refused("a base URL has no user name or password; put the key under api_key")
    }
    let (host, portText) = try Host.split(authority)
    guard Host.isIPv6(host) || Host.isValid(host) else {
      throw Refused("not a host name or address behind '://'")
    }
    var port: Int?
    if let portText {
      guard let number = Host.port(portText), number > 0 else {
        throw Refused("the port must be from 1 to 65535")
      }
      port = number
    }
    var prefix = rest[authority.endIndex...]
    while prefix.hasSuffix("/") { prefix = prefix.dropLast() }
    for segment in prefix.split(separator: "/") where segment == "." || segment == ".." {
      throw Refused("a base URL has no '.' or '..' in its path; write the path out")
    }
    return BaseURL(scheme: scheme, host: host.lowercased(), port: port, prefix: String(prefix))
  }

  /// Whether `host` is this machine: `localhost`, 127.0.0.0/8, `::1`.
  package static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "localhost." || host.hasSuffix(".localhost") { return true }
    if Host.isIPv4(host) { return host.hasPrefix("127.") }
    return host == "::1" || host == "0:0:0:0:0:0:0:1" || host.hasPrefix("::ffff:127.")
  }

  /// Whether `host` is inside the cluster or the private network, where plain HTTP is common.
  package static func isLocal(_ host: String) -> Bool {
    if isLoopback(host) { return true }
    if Host.isIPv4(host) {
      let parts = host.split(separator: ".").compactMap { Int($0) }
      guard parts.count == 4 else { return false }
      // RFC 1918, RFC 6598 (pod networks) and RFC 3927.
      return parts[0] == 10 || (parts[0] == 192 && parts[1] == 168)
        || (parts[0] == 172 && (16...31).contains(parts[1]))
        || (parts[0] == 100 && (64...127).contains(parts[1])) || (parts[0] == 169 && parts[1] == 254)
    }
    // RFC 4193 unique local and RFC 4291 link-local addresses.
    if Host.isIPv6(host) { return ["fc", "fd", "fe8", "fe9", "fea", "feb"].contains { host.hasPrefix($0) } }
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    return !name.utf8.contains(UInt8(ascii: "."))
      || [".svc", ".local", ".internal"].contains { name.hasSuffix($0) }
  }
}

package enum Name {
  /// Whether `text` may name a provider, policy or group: it becomes a metric label and a part of model
  /// names.
  static func isValid(_ text: String) -> Bool {
    guard (1...Defaults.name).contains(text.utf8.count) else { return false }
    return text.utf8.allSatisfy { byte in
      ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || ASCII.isDigit(byte) || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
  }

  /// Whether `text` may name an environment variable: letters, digits and `_`, no digit first.
  static func isVariable(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, !ASCII.isDigit(first), text.utf8.count <= 256 else { return false }
    return text.utf8.allSatisfy {
      ASCII.lower($0) &- UInt8(ascii: "a") < 26 || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
    }
  }

  /// Whether `text` is a token, of which header names are made (RFC 9110 section 5.6.2).
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 256
      && text.utf8.allSatisfy { byte in
        ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || ASCII.isDigit(byte)
          || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
  }

  /// The known name that is nearest to `name`, if one is near enough to be meant.
  package static func nearest(to name: String, in known: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    var best: (name: String, distance: Int)?
    for candidate in known {
      let distance = distance(wanted, Array(candidate.utf8))
      if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    // Something of what was written must be left.
    guard let best, best.distance < wanted.count,
      best.distance <= max(1, min(wanted.count, best.name.utf8.count) / 3)
    else { return nil }
    return best.name
  }

  /// How many letters must be added, removed, changed or swapped with their neighbour.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var older = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var cost = min(
          previous[column + 1] + 1, current[column] + 1, previous[column] + (byte == other ? 0 : 1))
        if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
          cost = min(cost, older[column - 1] + 1)
        }
        current.append(cost)
      }
      older = previous
      previous = current
    }
    return previous[right.count]
  }
}
