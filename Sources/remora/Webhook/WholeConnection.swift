// One kept connection on which requests are read whole and answered at once: the webhook's reviews, and its admin port.
// What is asked is decided by whoever gives the handler; here is HTTP alone.

import HTTP
import Telemetry
import Transport
import Wire

/// A request that was read whole.
struct WholeRequest {
  let method: Method
  let path: String
  /// The media type, without its parameters.
  let contentType: String?
  let isEncoded: Bool
  let body: [UInt8]
}

struct WholeAnswer {
  var status = 200
  var contentType: StaticString = "text/plain; charset=utf-8"
  var body: [UInt8]

  init(_ text: String, status: Int = 200) {
    self.status = status
    body = Array(text.utf8)
  }

  init(json: [UInt8]) {
    contentType = "application/json"
    body = json
  }
}

/// Deadlines and ceilings of such a connection.
private enum Bound {
  static let handshake = Interval(seconds: 10)
  static let head = Interval(seconds: 10)
  /// Between two bytes of a body, or of an answer that the client takes.
  static let stall = Interval(seconds: 30)
  /// The API server keeps a connection it doesn't use for 90 seconds: it closes first.
  static let idle = Interval(seconds: 180)
  /// Bytes that are read at once.
  static let piece = 64 * 1024
}

/// Confined to its loop.
final class WholeConnection {
  let socket: Socket
  private let parker: Parker
  private let loop: Loop
  private let bodyCeiling: Int
  private let handler: (WholeRequest) -> WholeAnswer
  private var inbound: ByteQueue
  private var outbound: ByteQueue
  private var scanner = HeadScanner(for: .client)
  private var head = RequestHead()
  /// Whether a request is being read or answered.
  private(set) var isBusy = false
  /// When it came, or was last answered.
  private(set) var activeAt: Instant
  /// The next answer is the last.
  var isLast = false
  /// It is to go.
  private(set) var isLeaving = false

  init(
    _ socket: Socket, on loop: Loop, bodyCeiling: Int, _ handler: @escaping (WholeRequest) -> WholeAnswer
  ) {
    self.socket = socket
    self.loop = loop
    self.bodyCeiling = bodyCeiling
    self.handler = handler
    activeAt = loop.now
    parker = Parker(on: loop)
    inbound = ByteQueue(pool: loop.blocks)
    outbound = ByteQueue(pool: loop.blocks)
    socket.parker = parker
  }

  /// Serves the connection to its end.
  func serve(_ tls: TLSContext?) async {
    defer {
      socket.close()
      parker.retire()
    }
    if let tls {
      do throws(TLSFault) {
        let session = try TLSSession(tls, on: socket, host: nil, sessions: nil)
        try await session.handshake(until: loop.now + Bound.handshake)
      } catch {
        return Log.write(.warn, "a client's TLS handshake failed", .text("problem", "\(error)"))
      }
    }
    while await serveNext() {}
  }

  /// Lets go of a connection on which nothing is asked.
  func leave() {
    isLeaving = true
    parker.signal()
  }

  /// - Returns: whether another request may follow.
  private func serveNext() async -> Bool {
    isBusy = false
    activeAt = loop.now
    while inbound.isEmpty {
      if isLeaving { return false }
      guard await more(until: loop.now + Bound.idle) else { return false }
    }
    isBusy = true
    do throws(HeadFault) {
      guard let length = try await readHead() else { return false }
      return await answer(length)
    } catch {
      await send(WholeAnswer("\(error.message)\n", status: error.status), closes: true)
      return false
    }
  }

  private func answer(_ headLength: Int) async -> Bool {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe inbound.view.extracting(0..<headLength).array()
    let text = { (range: Range<Int>) in String(decoding: bytes[range], as: UTF8.self) }
    let path = text(head.path)
    let type = head.first(.contentType).map { String(text($0.value).prefix { $0 != ";" && $0 != " " }) }
    let isEncoded = head.first(.contentEncoding).map { text($0.value) != "identity" } ?? false
    inbound.consume(headLength)
    guard let body = await readBody() else { return false }
    let isHead = head.method == .head
    let closes = isLast || !head.keepsAlive || body.refusal != nil
    let answer =
      body.refusal
      ?? handler(
        WholeRequest(
          method: head.method, path: path, contentType: type?.lowercased(), isEncoded: isEncoded,
          body: body.bytes))
    // Asked again: the handler may have been told to end meanwhile.
    return await send(answer, closes: closes || isLast, isHead: isHead) && !(closes || isLast)
  }

  // MARK: Reading

  /// Waits for bytes, which may have come already; false at the end, or if none came in time.
  private func more(until deadline: Instant) async -> Bool {
    while true {
      guard let step = try? socket.read(into: &inbound, ceiling: Bound.piece) else { return false }
      switch step {
      case .bytes: return true
      case .end: return false
      case .wouldBlock:
        if isLeaving, !isBusy { return false }
        if await parker.park(until: deadline) == .deadline, loop.now >= deadline { return false }
      }
    }
  }

  /// - Returns: the head's length; nil if the client left.
  private func readHead() async throws(HeadFault) -> Int? {
    let deadline = loop.now + Bound.head
    while true {
      if let length = try head.read(unsafe inbound.view, &scanner) { return length }
      guard await more(until: deadline) else { return nil }
    }
  }

  /// - Returns: the body, or why it isn't read; nil if the client left.
  private func readBody() async -> (bytes: [UInt8], refusal: WholeAnswer?)? {
    let tooLarge = WholeAnswer("the body is larger than \(bodyCeiling) bytes\n", status: 413)
    if case .length(let count) = head.framing, count > bodyCeiling { return ([], tooLarge) }
    if head.expectsContinue {
      outbound.append("HTTP/1.1 100 Continue\r\n\r\n")
      guard await flush() else { return nil }
    }
    var flow = BodyFlow(head.framing)
    var body = ByteQueue()
    while true {
      do throws(BodyFault) { try flow.take(&inbound, into: &body, limit: bodyCeiling) } catch {
        return ([], WholeAnswer("\(error.message)\n", status: 400))
      }
      if body.count > bodyCeiling { return ([], tooLarge) }
      if flow.hasEnded { return (body.array(), nil) }
      guard await more(until: loop.now + Bound.stall) else { return nil }
    }
  }

  // MARK: Writing

  @discardableResult
  private func send(_ answer: WholeAnswer, closes: Bool, isHead: Bool = false) async -> Bool {
    HeadWriter.statusLine(answer.status, to: &outbound)
    HeadWriter.field("Content-Type", answer.contentType, to: &outbound)
    HeadWriter.field("Content-Length", answer.body.count, to: &outbound)
    if closes { HeadWriter.field("Connection", "close", to: &outbound) }
    HeadWriter.end(to: &outbound)
    if !isHead { outbound.append(answer.body) }
    return await flush()
  }

  private func flush() async -> Bool {
    while !outbound.isEmpty {
      let deadline = loop.now + Bound.stall
      guard let isDone = try? socket.write(from: &outbound) else { return false }
      if isDone { break }
      if await parker.park(until: deadline) == .deadline, loop.now >= deadline { return false }
    }
    return true
  }
}
