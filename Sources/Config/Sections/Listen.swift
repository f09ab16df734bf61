// Where Remora listens: the entries of `listen`.

internal import Wire

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

  static let section = Section<ListenEntry>([
    Row("address", \.address, .address, "host:port, [::1]:port or unix:/path.", isRequired: true),
    Row(
      optional: "tls", \.tls, .object(ListenTLS.section, ListenTLS(certFile: "", keyFile: "")),
      "Makes this a TLS listener."),
    Row(
      optional: "default_provider", \.defaultProvider, .text(ceiling: Defaults.name),
      "The provider of what no other rule places, on this port."),
    Row(
      optional: "model", \.model, .text(ceiling: Defaults.modelName),
      "The model that every request on this port gets."),
  ])
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

  static let section = Section<ListenTLS>([
    Row("cert_file", \.certFile, .path, "The certificate chain, PEM.", isRequired: true),
    Row("key_file", \.keyFile, .path, "The private key, PEM.", isRequired: true),
    Row(
      optional: "client_ca_file", \.clientCAFile, .path,
      "Authorities that must have signed a client's certificate, PEM."),
  ])
}

extension Form where Value == [ListenEntry] {
  /// One address, or a list of addresses and of entries that say more.
  static var listen: Form {
    Form(
      .either([.list(.either([.address, .object(ListenEntry.section.table)])), .address]),
      read: { decoder, node, what in decoder.listen(node, what) },
      write: { entries, name, writer in
        writer.open("[", name)
        for entry in entries { ListenEntry.section.write(entry, to: &writer) }
        writer.close("]")
      })
  }
}

extension Decoder {
  fileprivate mutating func listen(_ node: YAMLNode, _ what: String) -> [ListenEntry] {
    var entries: [ListenEntry] = []
    let nodes =
      if case .scalar = node.kind { [node] } else {
        items(node, of: what, ceiling: Defaults.listenEntries)
      }
    if nodes.isEmpty {
      problem("\(what) is empty; name an address such as 127.0.0.1:4141", at: node.position)
    }
    for node in nodes {
      guard let entry = listenEntry(node, what) else { continue }
      if entry.address.isRepeated(in: entries.map(\.address)) {
        problem(
          "\(what) names \(Self.kind(node["address"] ?? node)) twice; keep one of them", at: node.position)
      }
      entries.append(entry)
    }
    return entries
  }

  private mutating func listenEntry(_ node: YAMLNode, _ what: String) -> ListenEntry? {
    guard case .mapping = node.kind else {
      return address(node, of: what).map { ListenEntry(address: $0) }
    }
    // A path without a slash, so that none that was read is the same.
    let unread = Address.unix(path: "")
    var entry = ListenEntry(address: unread)
    let place = Place("an entry of \(what)", prefix: what + " ")
    ListenEntry.section.read(node, place, into: &entry, &self)
    return entry.address == unread ? nil : entry
  }
}

extension Address {
  /// Whether this address is one of `others`; port 0 is another port each time.
  fileprivate func isRepeated(in others: [Address]) -> Bool {
    if case .tcp(_, 0) = self { return false }
    return others.contains(self)
  }
}
