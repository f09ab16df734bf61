// One worker's walk below the network: a client's end of a pair of sockets here, a scripted provider there.

import Glibc
import HTTP
import Support
import Telemetry
import Testing
import Transport
import Wire

@testable import Config
@testable import Proxy

/// A worker without listeners. Confined to its stage's loop.
final class WalkBench {
  let loop: Loop
  let state: WorkerState
  let service: FakeService

  /// - Parameters:
  ///   - manner: what the provider says, by the number of the request.
  ///   - settings: the configuration, which is told the provider's address.
  init(
    on stage: isolated Stage, _ manner: @escaping (Int) -> FakeService.Manner,
    settings: (BaseURL) -> Settings = WalkBench.settings
  ) throws {
    loop = stage.loop
    service = try FakeService(on: loop, manner: manner)
    let address = BaseURL(scheme: .http, host: "127.0.0.1", port: Int(service.port))
    let snapshot = try Snapshot(settings(address), environment: Environment(["KEY": "s3cret-value"]))
    state = WorkerState(on: loop, snapshot: snapshot, readiness: Readiness(), quota: nil, workers: 1)
    state.writesAccessLog = false
  }

  /// One provider, `p`, which is shown a key of ours.
  static func settings(_ address: BaseURL) -> Settings {
    var settings = Settings()
    settings.providers = [
      Provider(name: "p", kind: .openai, baseURL: address, apiKey: .environment("KEY"))
    ]
    settings.responseMetadata = .headers
    settings.defaultProvider = "p"
    // What a provider says is to be seen as it is.
    settings.retry.attempts = 1
    settings.listen = [ListenEntry(address: .tcp(host: "127.0.0.1", port: 1))]
    return settings
  }

  /// Connects a client, which is served until it leaves or is sent away.
  func client(at role: Entrance.Role = .proxy) throws -> WalkClient {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the call writes two descriptors, for which there is room.
    let made = unsafe socketpair(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
    try #require(made == 0)
    let socket = try Socket(ends[0], on: loop, isConnected: true)
    let connection = ProxyPort(Entrance(role: role, index: 0, isLoopback: true), state).accept(socket)
    let client = WalkClient(try Socket(ends[1], on: loop, isConnected: true))
    let pair = Confined((connection, client))
    loop.start { _ in
      let (connection, client) = pair.value
      await connection.serve(nil)
      client.serverHasLeft()
    }
    return client
  }

  /// One request on a connection of its own, up to the connection's end.
  func exchange(_ request: String) async throws -> WalkAnswer {
    let client = try client()
    defer { client.leave() }
    try await client.send(request)
    return try await client.answer()
  }

  /// The samples of the family `name` that are not 0, without the family's name.
  func metric(_ name: String) -> [String] {
    var out = ByteQueue()
    Exposition.write(state.shard.snapshot, .prometheusText, into: &out)
    return out.bytes.text().split(separator: "\n").filter {
      ($0.hasPrefix(name + "{") || $0.hasPrefix(name + " ")) && !$0.hasSuffix(" 0")
    }.map { String($0.dropFirst(name.utf8.count)) }
  }

  /// What the tries came to.
  var attempts: [String] { metric("remora_upstream_attempts_total") }
}

/// A client that says what it is told. Confined to its loop.
final class WalkClient {
  private let socket: Socket
  private let parker: Parker
  private var incoming = ByteQueue()
  /// The task that serves it has ended.
  private(set) var isOver = false

  init(_ socket: Socket) {
    self.socket = socket
    parker = Parker(on: socket.loop)
    socket.parker = parker
  }

  func serverHasLeft() {
    isOver = true
    parker.signal()
  }

  func send(_ text: String) async throws {
    var queue = ByteQueue()
    queue.append(text)
    while try !socket.write(from: &queue) { try await wait() }
  }

  /// Sends until an answer comes.
  func sendWithoutWaiting(_ text: String) async throws {
    var queue = ByteQueue()
    queue.append(text)
    // What is answered early is never read to its end.
    while !isOver, incoming.isEmpty, try !socket.write(from: &queue) {
      if case .bytes? = try? socket.read(into: &incoming, ceiling: 1 << 20) { return }
      try await wait()
    }
  }

  /// Reads the head of an answer that has no body.
  func head() async throws -> String {
    while true {
      let text = incoming.bytes.text()
      if let end = text.firstRange(of: "\r\n\r\n") {
        incoming.consume(text.utf8.count - text[end.upperBound...].utf8.count)
        return String(text[..<end.lowerBound]).replacing("\r\n", with: "\n")
      }
      switch try socket.read(into: &incoming, ceiling: 1 << 20) {
      case .bytes: continue
      case .wouldBlock: try await wait()
      case .end: return text
      }
    }
  }

  /// Waits until `text` has come. It is left to be read.
  func receive(_ text: String) async throws {
    while !incoming.bytes.text().contains(text) {
      switch try socket.read(into: &incoming, ceiling: 1 << 20) {
      case .bytes: continue
      case .wouldBlock: try await wait()
      case .end: throw Silence()
      }
    }
  }

  /// Waits until `text` has come, and drops all up to its end.
  func next(_ text: String) async throws {
    try await receive(text)
    let all = incoming.text()
    guard let end = all.firstRange(of: text)?.upperBound else { return }
    incoming.consume(all[..<end].utf8.count)
  }

  /// What has come by now and was not taken.
  func received() throws -> String {
    while case .bytes = try socket.read(into: &incoming, ceiling: 1 << 20) {}
    return incoming.text()
  }

  /// Reads one answer: up to its own end where it has one, else to the connection's.
  func answer() async throws -> WalkAnswer {
    while true {
      if let (answer, count) = WalkAnswer.read(incoming.bytes.text(), atEnd: false) {
        incoming.consume(count)
        return answer
      }
      switch try? socket.read(into: &incoming, ceiling: 1 << 20) {
      case .bytes: continue
      case .wouldBlock: try await wait()
      case .end, nil:
        let text = incoming.bytes.text()
        incoming.removeAll()
        return WalkAnswer.read(text, atEnd: true)?.0 ?? WalkAnswer(head: text)
      }
    }
  }

  func leave() { socket.close() }

  /// Waits until the task that serves this client has ended.
  func end() async throws { while !isOver { try await wait() } }

  private func wait() async throws {
    if await parker.park(until: .now + .seconds(20)) == .deadline { throw Silence() }
  }

  private struct Silence: Error {}
}

/// An answer as a client reads it.
struct WalkAnswer: Equatable {
  /// The first line and the fields, each in a line.
  var head = ""
  /// Without the framing.
  var body = ""
  /// The body has its own end.
  var isWhole = false

  var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }

  func has(_ line: String) -> Bool { head.split(separator: "\n").contains { $0 == line } }

  /// Reads the answer that `text` begins with, and says how much of the text it has; nil where more must come first.
  static func read(_ text: String, atEnd: Bool) -> (WalkAnswer, Int)? {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    var answer = WalkAnswer()
    answer.head = String(text[..<end.lowerBound]).replacing("\r\n", with: "\n")
    let rest = text[end.upperBound...]
    let used = text.utf8.count - rest.utf8.count
    let lines = answer.head.lowercased().split(separator: "\n")
    if lines.contains("transfer-encoding: chunked") {
      var bytes = ByteQueue()
      bytes.append(String(rest))
      var chunks = ChunkedDecoder()
      var at = 0
      while case .data(let range)? = try? chunks.next(bytes.bytes, from: at) {
        answer.body += bytes.bytes.extracting(range).text()
        at = range.upperBound
      }
      answer.isWhole = chunks.hasEnded
      // No test sends two requests at once: what has come is this answer's.
      return atEnd || chunks.hasEnded ? (answer, text.utf8.count) : nil
    }
    let length = lines.first { $0.hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) }
    guard let length = answer.status == 204 ? 0 : length else {
      answer.body = String(rest)
      return atEnd ? (answer, text.utf8.count) : nil
    }
    if rest.utf8.count < length, !atEnd { return nil }
    answer.body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
    answer.isWhole = rest.utf8.count >= length
    return (answer, used + min(length, rest.utf8.count))
  }
}

/// A request of a chat, or of what else is said.
func walkRequest(
  _ body: String = #"{"model":"m","messages":[]}"#, to path: String = "/v1/chat/completions",
  fields: String = ""
) -> String {
  "POST \(path) HTTP/1.1\r\nHost: localhost\r\nx-request-id: t\r\nContent-Type: application/json\r\n\(fields)"
    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
