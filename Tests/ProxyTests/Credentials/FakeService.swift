// A token service that says what a test tells it, on the test's own loop, in plain text or behind TLS.

import Support
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

/// Confined to its loop.
final class FakeService {
  /// What happens to a connection once its request is whole.
  enum Manner {
    case answer(String)
    /// The answer, a byte at a time.
    case trickle(String)
    /// Nothing, until the peer goes.
    case silence
  }

  private(set) var requests: [String] = []
  private(set) var port: UInt16 = 0
  private let tls: TLSContext?
  private let manner: (Int) -> Manner
  private var listener: Listener?

  /// - Parameter manner: by the number of the request, which counts from 1.
  init(on loop: Loop, tls: TLSContext? = nil, manner: @escaping (Int) -> Manner) throws {
    self.tls = tls
    self.manner = manner
    let loopback = Transport.Address(ip: "127.0.0.1", port: 0)
    let address = try #require(loopback)
    let listener = try Listener(address, on: loop, sharesPort: false) { [weak self] socket in
      let pair = Confined((self, socket))
      Task(executorPreference: loop) {
        let (service, socket) = pair.value
        try? await service?.serve(socket)
        socket.close()
      }
    }
    self.listener = listener
    port = listener.address.port
  }

  convenience init(on loop: Loop, answering body: String, status: Int = 200) throws {
    try self.init(on: loop) { _ in .answer(Self.http(body, status: status)) }
  }

  func close() { listener?.close() }

  static func http(_ body: String, status: Int = 200, fields: String = "") -> String {
    "HTTP/1.1 \(status) X\r\n\(fields)content-length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  func place(_ target: String = "/token", tls: TLSContext? = nil) -> FetchPlace {
    let scheme: BaseURL.Scheme = self.tls == nil ? .http : .https
    let host = self.tls == nil ? "127.0.0.1" : "localhost"
    return FetchPlace(BaseURL(scheme: scheme, host: host, port: Int(port)), target: target, tls: tls)
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
    var queue = ByteQueue()
    while !Self.isWhole(queue.bytes.text()) {
      switch try socket.read(into: &queue, ceiling: 64 << 10) {
      case .bytes: continue
      case .end: return
      case .wouldBlock: _ = await parker.park(until: patience)
      }
    }
    requests.append(queue.bytes.text())
    switch manner(requests.count) {
    case .answer(let text): try await write(Array(text.utf8)[...], to: socket, parker)
    case .trickle(let text):
      for byte in text.utf8 {
        try await write([byte], to: socket, parker)
        await parker.yield()
      }
    case .silence:
      while !socket.peerHasClosed { if await parker.park(until: patience) == .deadline { return } }
    }
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

extension FetchRequest {
  /// A request of a test's own.
  static func get(_ place: FetchPlace) -> FetchRequest { FetchRequest(.get, place) }
}
