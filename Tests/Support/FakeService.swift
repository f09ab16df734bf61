// A service that says what a test tells it, on the test's own loop, in plain text or behind TLS.

package import Transport
internal import Wire

/// Confined to its loop.
package final class FakeService {
  /// What happens to a connection once its request is whole.
  package enum Manner {
    /// The answer, and the end of the connection.
    case answer(String)
    /// The answer; the connection takes another request.
    case keep(String)
    /// The end of the connection, without a word.
    case hangUp
    /// The answer, a byte at a time.
    case trickle(String)
    /// So many bytes of an answer in each of the loop's turns, and nothing more until the peer goes.
    case pieces(String, of: Int)
    /// Nothing, until the peer goes.
    case silence
    /// The beginning of an answer, and nothing more until the peer goes or `endStalls` is called.
    case stall(String)
  }

  package private(set) var requests: [String] = []
  /// Connections that were made.
  package private(set) var connections = 0
  package private(set) var port: UInt16 = 0
  private let tls: TLSContext?
  private let manner: (Int) -> Manner
  private var listener: Listener?
  /// What is stalled now.
  private var stalled: [Parker] = []

  /// - Parameter manner: by the number of the request, which counts from 1.
  package init(on loop: Loop, tls: TLSContext? = nil, manner: @escaping (Int) -> Manner) throws {
    self.tls = tls
    self.manner = manner
    guard let address = Address(ip: "127.0.0.1", port: 0) else { throw NoLoopback() }
    let listener = try Listener(address, on: loop, sharesPort: false) { [weak self] socket in
      let pair = Confined((self, socket))
      loop.start { _ in
        let (service, socket) = pair.value
        try? await service?.serve(socket)
        socket.close()
      }
    }
    self.listener = listener
    port = listener.address.port
  }

  package convenience init(on loop: Loop, answering body: String, status: Int = 200) throws {
    try self.init(on: loop) { _ in .answer(Self.http(body, status: status)) }
  }

  package var isTLS: Bool { tls != nil }

  package func close() { listener?.close() }

  /// Ends the connections that are stalled, without a further word.
  package func endStalls() {
    let parkers = stalled
    stalled = []
    for parker in parkers { parker.signal() }
  }

  package static func http(_ body: String, status: Int = 200, fields: String = "") -> String {
    "HTTP/1.1 \(status) X\r\n\(fields)content-length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  private func serve(_ socket: Socket) async throws {
    let parker = Parker(on: socket.loop)
    socket.parker = parker
    defer { parker.retire() }
    let patience = Instant.now + .seconds(20)
    if let tls {
      let session = try TLSSession(tls, on: socket, host: nil, sessions: nil)
      try await session.handshake(until: patience) { false }
    }
    connections += 1
    while try await answer(socket, parker, until: patience) {}
  }

  /// Takes a request; false where the connection is over.
  private func answer(_ socket: Socket, _ parker: Parker, until patience: Instant) async throws -> Bool {
    var queue = ByteQueue()
    while !Self.isWhole(queue.bytes.text()) {
      switch try socket.read(into: &queue, ceiling: 64 << 10) {
      case .bytes: continue
      case .end: return false
      case .wouldBlock: if await parker.park(until: patience) == .deadline { return false }
      }
    }
    requests.append(queue.bytes.text())
    switch manner(requests.count) {
    case .answer(let text): try await write(Array(text.utf8)[...], to: socket, parker)
    case .keep(let text):
      try await write(Array(text.utf8)[...], to: socket, parker)
      return true
    case .hangUp: break
    case .trickle(let text):
      for byte in text.utf8 {
        try await write([byte], to: socket, parker)
        await parker.yield()
      }
    case .pieces(let text, let count):
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        try await write(rest.prefix(count), to: socket, parker)
        rest = rest.dropFirst(count)
        await parker.yield()
      }
      await wait(for: socket, parker, until: patience)
    case .silence:
      await wait(for: socket, parker, until: patience)
    case .stall(let text):
      stalled.append(parker)
      try await write(Array(text.utf8)[...], to: socket, parker)
      await wait(for: socket, parker, until: patience) { stalled.contains { $0 === parker } }
      stalled.removeAll { $0 === parker }
    }
    return false
  }

  private func wait(
    for socket: Socket, _ parker: Parker, until patience: Instant, while goesOn: () -> Bool = { true }
  ) async {
    while goesOn(), !socket.peerHasClosed { if await parker.park(until: patience) == .deadline { return } }
  }

  private func write(_ bytes: ArraySlice<UInt8>, to socket: Socket, _ parker: Parker) async throws {
    var queue = ByteQueue()
    queue.append(Array(bytes))
    while try !socket.write(from: &queue) { _ = await parker.park(until: .now + .seconds(20)) }
  }

  private static func isWhole(_ text: String) -> Bool {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    let length = lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap {
      Int($0.split(separator: ":").last?.drop { $0 == " " } ?? "")
    }
    return text[end.upperBound...].utf8.count >= length ?? 0
  }
}

/// This machine has no loopback.
private struct NoLoopback: Error {}
