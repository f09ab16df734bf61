// One connection of an application whose exchanges are recorded or replayed: requests read whole, on a thread of its own.

import HTTP
import Tape
import Transport
import Wire

/// A request that was read whole.
struct TapeIncoming {
  let method: String
  /// As it came, with its query.
  let target: String
  /// Names in lower case.
  let fields: [(name: String, value: String)]
  let body: [UInt8]
  let isOld: Bool
  let keepsAlive: Bool

  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  var path: String { String(target.prefix { $0 != "?" }) }

  var request: TapeRequest {
    TapeRequest(method: method, target: target, contentType: field("content-type") ?? "", body: body)
  }

  /// Whether errors have Anthropic's shape.
  var wantsMessages: Bool {
    path.hasSuffix("/messages") || path.hasSuffix("/messages/count_tokens")
      || field("anthropic-version") != nil
  }
}

/// Reads requests off a connection, and hands each to whoever answers it.
enum TapeConnection {
  /// As large as a proxy's own ceiling: files are uploaded.
  private static let bodyCeiling = 256 << 20

  /// Serves the connection to its end.
  ///
  /// - Parameter answer: answers, and says whether another request may follow.
  static func serve(
    _ connection: borrowing BlockingConnection,
    _ answer: (TapeIncoming, borrowing BlockingConnection) throws(SystemFault) -> Bool
  ) {
    var inbound = ByteQueue()
    do throws(SystemFault) {
      while true {
        guard let request = try read(connection, &inbound) else { return }
        guard try answer(request, connection), request.keepsAlive else { return }
      }
    } catch {
      // The application has gone: there is nobody to tell.
    }
  }

  /// - Returns: nil where no request comes any more, or none that can be read.
  private static func read(
    _ connection: borrowing BlockingConnection, _ inbound: inout ByteQueue
  ) throws(SystemFault) -> TapeIncoming? {
    var scanner = HeadScanner(for: .client)
    var head = RequestHead()
    var length: Int?
    while length == nil {
      do throws(HeadFault) { length = try head.read(unsafe inbound.view, &scanner) } catch {
        try connection.send(
          Array("HTTP/1.1 \(error.status) Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
        )
        return nil
      }
      if length == nil {
        let piece = try connection.receive()
        if piece.isEmpty { return nil }
        inbound.append(piece)
      }
    }
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe inbound.view.extracting(0..<(length ?? 0)).array()
    inbound.consume(length ?? 0)
    if head.expectsContinue { try connection.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    guard let body = try readBody(head.framing, connection, &inbound) else { return nil }
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    return TapeIncoming(
      method: text(head.methodText),
      target: text(head.path.lowerBound..<(head.query?.upperBound ?? head.path.upperBound)),
      fields: head.fields.map { (text($0.name).lowercased(), text($0.value)) }, body: body,
      isOld: head.minor == 0,
      keepsAlive: head.keepsAlive)
  }

  private static func readBody(
    _ framing: Framing, _ connection: borrowing BlockingConnection, _ inbound: inout ByteQueue
  ) throws(SystemFault) -> [UInt8]? {
    var flow = BodyFlow(framing)
    var body = ByteQueue()
    while true {
      do throws(BodyFault) { try flow.take(&inbound, into: &body, limit: bodyCeiling) } catch { return nil }
      if flow.hasEnded { return body.array() }
      guard body.count <= bodyCeiling else { return nil }
      let piece = try connection.receive()
      if piece.isEmpty { return nil }
      inbound.append(piece)
    }
  }
}

/// Writes an answer that is made here.
enum TapeReply {
  static func head(_ status: Int, _ fields: [(String, String)]) -> [UInt8] {
    var out = ByteQueue()
    HeadWriter.statusLine(status, to: &out)
    for (name, value) in fields { HeadWriter.field(Array(name.utf8).span, Array(value.utf8).span, to: &out) }
    HeadWriter.end(to: &out)
    return out.array()
  }

  static func whole(
    _ status: Int, _ type: String, _ body: [UInt8], _ fields: [(String, String)] = [], isHead: Bool = false
  ) -> [UInt8] {
    head(status, [("content-type", type), ("content-length", String(body.count))] + fields)
      + (isHead ? [] : body)
  }

  /// An error in the shape that the endpoint has.
  static func error(_ status: Int, code: String, _ message: String, for request: TapeIncoming) -> [UInt8] {
    let body: JSONTree
    if request.wantsMessages {
      body = .object([
        .init("type", JSONTree("error")),
        .init(
          "error",
          .object([
            .init("type", JSONTree("api_error")), .init("message", JSONTree(message)),
            .init("code", JSONTree(code)),
          ])),
      ])
    } else {
      body = .object([
        .init(
          "error",
          .object([
            .init("message", JSONTree(message)), .init("type", JSONTree("invalid_request_error")),
            .init("param", .literal(Array("null".utf8))), .init("code", JSONTree(code)),
          ]))
      ])
    }
    return whole(
      status, "application/json", body.compact,
      [("x-should-retry", "false"), ("x-remora-error-source", "remora")],
      isHead: request.method == "HEAD")
  }
}
