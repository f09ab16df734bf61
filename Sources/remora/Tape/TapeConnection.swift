// What an application asks whose exchanges are recorded or replayed, and how it is answered.

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
  let isFromLoopback: Bool

  init(_ request: borrowing WholeRequest) {
    method = request.text(request.head.methodText)
    target = request.text(
      request.head.path.lowerBound..<(request.head.query?.upperBound ?? request.head.path.upperBound))
    var fields: [(name: String, value: String)] = []
    for field in request.head.fields {
      fields.append((request.text(field.name).lowercased(), request.text(field.value)))
    }
    self.fields = fields
    body = request.body.array()
    isOld = request.head.minor == 0
    isFromLoopback = request.isFromLoopback
  }

  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  var path: String { String(target.prefix { $0 != "?" }) }

  var request: TapeRequest {
    TapeRequest(method: method, target: target, fields: fields, body: body)
  }

  /// Whether errors have Anthropic's shape.
  var wantsMessages: Bool {
    path.hasSuffix("/messages") || path.hasSuffix("/messages/count_tokens")
      || field("anthropic-version") != nil
  }
}

extension Reply {
  /// Begins a head.
  func begin(_ status: Int, _ fields: [(String, String)]) {
    answer.begin(status)
    for (name, value) in fields {
      HeadWriter.field(Array(name.utf8).span, Array(value.utf8).span, to: &answer.outbound)
    }
  }

  /// Answers whole.
  func send(_ status: Int, _ type: String, _ body: [UInt8], _ fields: [(String, String)] = []) {
    begin(status, [("content-type", type)] + fields)
    end(head: .length(body.count))
    if !isHead { answer.piece { $0.append(body) } }
  }

  /// An error in the shape that the endpoint has.
  func sendError(_ status: Int, code: String, _ message: String, for request: TapeIncoming) {
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
    send(
      status, "application/json", body.compact,
      [("x-should-retry", "false"), ("x-remora-error-source", "remora")])
  }
}
