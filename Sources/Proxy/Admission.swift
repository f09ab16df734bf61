// Which requests may come in at all. A web page can reach a loopback port: DNS rebinding shows in Host, another site in
// Origin. A path that would go around what is served here is refused too (Spelling.swift).

internal import Config
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Refuses what the process has no memory for, what is not served on this port, and what a foreign web page sends.
  func admit(_ connection: ClientConnection) throws(Refusal) {
    try state.admitExchange()
    let bytes = headBytes
    // The admin port's paths mean nothing here, and no provider has them.
    let path = bytes.extracting(head.path)
    if path.equals("/metrics") || path.equals("/readyz") || path.equals("/quitquitquit") {
      throw .notFound(shownPath)
    }
    if case .other = target.endpoint, let meant = Spelling.served(meantBy: path) {
      throw .misspelt(shownPath, meant: meant)
    }
    if entrance.isLoopback {
      if let authority = head.authority ?? head.host {
        try admitHost(bytes, authority, connection)
        // An absolute target and a Host that differ are two hosts: both must be ours.
        if head.authority != nil, let host = head.host { try admitHost(bytes, host, connection) }
      }
      if let origin = head.first(.origin) {
        let text = bytes.extracting(origin.value).text()
        if !lineup.snapshot.settings.allowedOrigins.contains(text) {
          state.shard.refused(.foreignOrigin)
          throw .foreignOrigin(Self.shown(text))
        }
        isOriginAllowed = true
      }
    } else if let authority = head.authority, let host = head.host,
      !bytes.extracting(authority).equals(bytes.extracting(host))
    {
      state.shard.refused(.foreignHost)
      throw .foreignHost(Self.shown(bytes.extracting(authority).text()))
    }
  }

  private func admitHost(
    _ bytes: Span<UInt8>, _ authority: Range<Int>, _ connection: ClientConnection
  ) throws(Refusal) {
    if isOwnHost(authority) { return }
    state.shard.refused(.foreignHost)
    let host = (try? Authority.split(bytes, authority).host) ?? authority
    throw .foreignHost(Self.shown(bytes.extracting(host).text()))
  }

  /// Whether `authority`, a place in the head, names this pod's loopback, a listen address, or one of `allowed_hosts`.
  func isOwnHost(_ authority: Range<Int>) -> Bool {
    let text = headBytes.extracting(authority)
    // The names that SDKs send need no look at any list.
    if text.count >= 9, text.count == 9 || text[9] == ASCII.colon,
      text.extracting(0..<9).equals("localhost") || text.extracting(0..<9).equals("127.0.0.1")
    {
      return true
    }
    // The head's parser has checked it already.
    guard let range = try? Authority.split(headBytes, authority).host else { return false }
    let host = headBytes.extracting(range).text()
    let plain = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
    if plain == "localhost" || plain.hasSuffix(".localhost") { return true }
    if let address = Transport.Address(ip: plain, port: 0), address.isLoopback { return true }
    let settings = lineup.snapshot.settings
    if settings.allowedHosts.contains(plain) { return true }
    for entry in settings.listen {
      if case .tcp(let name, _) = entry.address, name.lowercased() == plain { return true }
    }
    return false
  }
}
