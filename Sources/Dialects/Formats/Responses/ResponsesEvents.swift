// What is read of the events of a Responses API's stream that passes, and how such a stream ends that goes wrong.

internal import Wire

extension PassStream {
  /// Takes note of an event, which `scanner` has read.
  mutating func readResponseEvent(_ data: Span<UInt8>) {
    let number = scanner.found(.sequenceNumber).flatMap { JSONValue.integer(data, $0.value) }
    self.response.nextNumber = (number ?? self.response.nextNumber) &+ 1
    if let error = scanner.found(.error), error.kind != .null { hasFailed = true }
    guard let type = scanner.found(.type), type.kind == .string else { return }
    let name = type.value
    if JSONString.equals(data, name, "response.completed")
      || JSONString.equals(data, name, "response.incomplete")
      || JSONString.equals(data, name, "response.cancelled")
    {
      hasEnded = true
    } else if JSONString.equals(data, name, "response.failed") {
      hasFailed = true
      hasEnded = true
    } else if JSONString.equals(data, name, "error") {
      hasFailed = true
    } else if JSONString.content(data, name).count > 6, !hasContent {
      let text = JSONString.content(data, name)
      hasContent = text.extracting(text.count - 6..<text.count).equals(".delta")
    }
    guard let response = scanner.found(.response), response.kind == .object else { return }
    self.response.opening.read(data, response.value)
    if let inner = JSONView.value(data, in: response.value, at: "usage") { usage.read(data, inner) }
    if let facts, hasEnded || facts.id.isEmpty { facts.read(data, response.value, isOver: hasEnded) }
  }
}

/// How far a stream of the Responses API has come.
struct ResponseCourse: Sendable {
  /// The number of the event that follows.
  var nextNumber = 0
  /// What its first event says of the response, which its last one says again.
  var opening = ResponseOpening()
}

/// What tells a response from others, as its first event says it.
struct ResponseOpening: Sendable {
  /// Bytes of a value that is kept: names are short.
  private static let ceiling = 256

  /// The values of `id`, `created_at` and `model`, as they were written; empty where there is none.
  private var id: [UInt8] = []
  private var created: [UInt8] = []
  private var model: [UInt8] = []
  private var isRead = false

  /// Notes what a response's object says; what was noted before holds.
  mutating func read(_ data: Span<UInt8>, _ response: Range<Int>) {
    if isRead { return }
    isRead = true
    var missing = 3
    var cursor = JSONObjectCursor(data, response)
    while missing > 0, let member = cursor.next() {
      guard member.value.count <= Self.ceiling else { continue }
      switch member.kind {
      case .string where id.isEmpty && member.keyIs("id", in: data): take(data, member.value, &id, &missing)
      case .string where model.isEmpty && member.keyIs("model", in: data):
        take(data, member.value, &model, &missing)
      case .number where created.isEmpty && member.keyIs("created_at", in: data):
        take(data, member.value, &created, &missing)
      default: break
      }
    }
  }

  private func take(_ data: Span<UInt8>, _ value: Range<Int>, _ member: inout [UInt8], _ missing: inout Int) {
    member = data.extracting(value).array()
    missing -= 1
  }

  /// Appends the object of a response that has failed, with the members that every SDK's type has.
  ///
  /// - Parameters:
  ///   - error: a JSON value.
  ///   - stamp: asked for where no event has said all three.
  func write(_ error: Span<UInt8>, stamp: () -> AnswerStamp, into out: inout ByteQueue) {
    var made: AnswerStamp?
    if id.isEmpty || created.isEmpty || model.isEmpty { made = stamp() }
    out.append("{\"id\":")
    if id.isEmpty {
      out.append("\"resp_")
      if let made { out.append(made.seed) }
      out.append("\"")
    }
    out.append(id)
    out.append(",\"created_at\":")
    if created.isEmpty { out.append(decimal: made?.created ?? 0) }
    out.append(created)
    out.append(",\"model\":")
    if model.isEmpty {
      let name = made?.model ?? []
      JSONWriter.string(name.span, into: &out)
    }
    out.append(model)
    out.append(ASCII.comma)
    out.append("\"object\":\"response\",\"status\":\"failed\",\"error\":")
    out.append(error)
    out.append(",\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"output\":[]")
    out.append(",\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[]")
    out.append(",\"top_p\":null,\"usage\":null}")
  }
}

/// The last events of a stream that goes wrong. It is said twice: the SDKs raise what an `error` event says, whose members
/// the reference has at its top and OpenAI in an object; coding agents wait for `response.failed`, and tell a few codes
/// apart.
struct ResponsesFailure: ~Escapable {
  /// In OpenAI's shape.
  private let error: Span<UInt8>

  @_lifetime(copy error)
  init(_ error: Span<UInt8>) { self.error = error }

  /// Appends the event that says it.
  func writeError(number: Int, into out: inout ByteQueue) {
    begin("error", number, into: &out)
    var members = ByteQueue()
    append("code", "server_error", to: &members)
    members.append(ASCII.comma)
    append("message", "The provider failed without a message.", to: &members)
    members.append(",\"param\":null")
    out.append(members)
    out.append(",\"error\":{")
    append("type", "server_error", to: &out)
    out.append(ASCII.comma)
    out.append(members)
    out.append("}}\n\n")
  }

  /// Appends the event that ends the response.
  ///
  /// - Parameter response: appends its object, with the error that it is given.
  func writeEnd(number: Int, into out: inout ByteQueue, _ response: (Span<UInt8>, inout ByteQueue) -> Void) {
    var text = ByteQueue()
    text.append("{")
    append("code", "server_error", to: &text)
    text.append(ASCII.comma)
    append("message", "The provider failed without a message.", to: &text)
    text.append("}")
    begin("response.failed", number, into: &out)
    out.append("\"response\":")
    response(text.bytes, &out)
    out.append("}\n\n")
  }

  private func begin(_ type: StaticString, _ number: Int, into out: inout ByteQueue) {
    TypedEvent.begin(type, "\",\"sequence_number\":", number, into: &out)
    out.append(ASCII.comma)
  }

  private func append(_ name: StaticString, _ otherwise: StaticString, to out: inout ByteQueue) {
    let said = JSONView.content(error, in: 0..<error.count, at: "error", name)
    out.append("\"")
    out.append(name)
    out.append("\":\"")
    if said.isEmpty { out.append(otherwise) } else { out.append(said) }
    out.append("\"")
  }
}
