// Headers that are sent upstream: a provider's `headers`.

internal import Detect
internal import Wire

/// A header that is sent upstream.
package struct ProviderHeader: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    case text(String)
    case secret(SecretSource)
  }

  /// In lower case.
  package var name: String
  package var value: Value

  package init(name: String, value: Value) {
    self.name = name
    self.value = value
  }

  /// Names whose value is a credential: written into the file, it is one that is written into the file.
  fileprivate static func carriesSecret(_ name: String) -> Bool {
    let ends = [
      "authorization", "api-key", "apikey", "-token", "-secret", "password", "cookie", "-auth",
      "-subscription-key",
    ]
    return ends.contains(where: name.hasSuffix)
  }

  /// Names that often carry a secret, even one that was written into the file.
  private var isSensitive: Bool {
    ["auth", "key", "token", "secret", "cookie", "password", "signature"].contains { word in
      name.utf8.count >= word.utf8.count && name.indices.contains { name[$0...].hasPrefix(word) }
    }
  }

  fileprivate func write(to writer: inout JSONText) {
    switch value {
    case .secret(let source): source.write(name, to: &writer)
    case .text(let text): writer.member(name, isSensitive ? "[secret]" : text)
    }
  }
}

extension Form where Value == [ProviderHeader] {
  static var headers: Form {
    Form(
      .map(.header), read: { decoder, node, what in decoder.headers(node, what) },
      write: { headers, name, writer in
        writer.open("{", name)
        for header in headers { header.write(to: &writer) }
        writer.close("}")
      })
  }
}

extension Decoder {
  /// Headers that only Remora sets: they frame the message or belong to one connection (RFC 9110 section
  /// 7.6.1).
  private static let ownHeaders: Set<String> = [
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  ]

  fileprivate mutating func headers(_ node: YAMLNode, _ what: String) -> [ProviderHeader]? {
    guard let entries = entries(node, of: what) else { return nil }
    if entries.count > Defaults.headers {
      problem(
        "\(what) has \(entries.count) entries; at most \(Defaults.headers) are allowed", at: node.position)
    }
    var headers: [ProviderHeader] = []
    for entry in entries.prefix(Defaults.headers) {
      let name = entry.key.lowercased()
      // One of the `headers` is a `header`.
      let shown = "\(what.dropLast()) '\(Shown.text(entry.key))'"
      if !Name.isToken(entry.key) {
        problem(
          "\(shown): a header's name has letters, digits and '-', no spaces or colons", at: entry.keyPosition)
      } else if Self.ownHeaders.contains(name) {
        problem("\(shown) is set by Remora itself; remove it", at: entry.keyPosition)
      } else if headers.contains(where: { $0.name == name }) {
        problem("\(shown) is already set in other letters; keep one of them", at: entry.keyPosition)
      }
      if let value = headerValue(entry.value, named: name, of: shown) {
        headers.append(ProviderHeader(name: name, value: value))
      }
    }
    return headers
  }

  /// Whether a text holds what issuers of credentials make: the rules of the policy `secrets`.
  private static func holdsSecret(_ text: String) -> Bool {
    var findings: [Finding] = []
    PersonalData(Entities(.secret)).scan(Array(text.utf8).span, into: &findings)
    return !findings.isEmpty
  }

  private mutating func headerValue(
    _ node: YAMLNode, named name: String, of what: String
  ) -> ProviderHeader.Value? {
    if case .mapping = node.kind { return secret(node, of: what, as: .value).map { .secret($0) } }
    // A variable alone is treated as a secret: it is never shown.
    if case .scalar(let text, _) = node.kind, Self.variable(text) != nil {
      return secret(node, of: what, as: .value).map { .secret($0) }
    }
    guard let text = headerText(node, of: what) else { return nil }
    // What a variable brings in is not in the file.
    let isWritten = text == Self.raw(node)
    guard isWritten, ProviderHeader.carriesSecret(name) || Self.holdsSecret(text) else { return .text(text) }
    problem(
      "\(what) must not hold the secret itself; write { file: PATH } or { env: NAME }, or name the provider's key in api_key",
      at: node.position)
    return nil
  }
}
