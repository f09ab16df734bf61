// A provider's error answer, whatever its shape, in OpenAI's: `{"error":{"message","type","param","code"}}`.

package import Wire

/// Reads error bodies.
package enum Fault {
  /// Bytes of an error body that are read; what comes behind is dropped.
  package static let ceiling = 64 * 1024
  /// Bytes of a provider's message that are passed on.
  private static let messageCeiling = 4096

  /// Whether `body` has the shape that OpenAI's SDKs expect, so that it can pass as it is.
  package static func isOpenAIShaped(_ body: Span<UInt8>) -> Bool {
    guard JSONValue.kind(of: body) != nil else { return false }
    guard let error = JSONView.value(body, in: 0..<body.count, at: "error") else { return false }
    guard JSONView.kind(body, error) == .object, let message = JSONView.value(body, in: error, at: "message")
    else {
      return false
    }
    // All four members, or SDKs that read them find less than OpenAI's own errors have.
    guard JSONView.kind(body, message) == .string, JSONView.value(body, in: error, at: "type") != nil,
      JSONView.value(body, in: error, at: "param") != nil,
      let code = JSONView.value(body, in: error, at: "code")
    else { return false }
    return JSONView.kind(body, code) == .string || JSONValue.isNull(body, code)
  }

  /// Appends `body` in OpenAI's shape; `status` gives the type and a message where the body has none.
  ///
  /// - Parameter provider: its name, where no answer has begun.
  package static func translate(
    _ body: Span<UInt8>, status: Int, provider: String?, into out: inout ByteQueue
  ) {
    let whole = 0..<body.count
    var message: Range<Int>?
    var type: Range<Int>?
    var code: Range<Int>?
    var parameter: Range<Int>?
    var number: Int?
    var own: Range<Int>?
    var place: Range<Int>?
    if JSONValue.kind(of: body) != nil {
      // Some providers wrap the object in an array (Google).
      var top = whole
      var elements = JSONArrayCursor(body, whole)
      if let first = elements.next() { top = first.value }
      let error = JSONView.value(body, in: top, at: "error")
      own = error.flatMap { JSONView.kind(body, $0) == .object ? $0 : nil }
      let inner = own ?? top
      message = Self.message(body, top, inner) ?? text(body, error)
      type = string(body, JSONView.value(body, in: inner, at: "type"))
      code =
        text(body, JSONView.value(body, in: inner, at: "code"))
        // Google's code is the HTTP status, and its status the name.
        ?? text(body, JSONView.value(body, in: inner, at: "status"))
        ?? text(body, JSONView.value(body, in: top, at: "fault", "detail", "errorcode"))
      number = JSONView.value(body, in: inner, at: "code").flatMap { JSONValue.integer(body, $0) }
      parameter = string(body, JSONView.value(body, in: inner, at: "param"))
      if parameter == nil { place = location(body, top, inner) }
    }
    out.append("{\"error\":{\"message\":")
    if let message {
      write(message: message, body, into: &out)
    } else if let sentence = sentence(body) {
      JSONWriter.string(body.extracting(sentence), into: &out)
    } else if let provider {
      JSONWriter.string("Provider '\(provider)' answered \(status) without a message.", into: &out)
    } else {
      JSONWriter.string(
        "The provider ended its answer with an error, without a message." as StaticString, into: &out)
    }
    out.append(",\"type\":")
    if let type { out.append(body.extracting(type)) } else { JSONWriter.string(typeName(status), into: &out) }
    out.append(",\"param\":")
    write(parameter: parameter, place: place, body, into: &out)
    out.append(",\"code\":")
    if let code {
      out.append(body.extracting(code))
    } else if let number, !(400..<600).contains(number) {
      // A code of the provider's own; one that repeats the status says nothing.
      JSONWriter.string("\(number)", into: &out)
    } else {
      JSONWriter.null(into: &out)
    }
    if let own { writeOthers(body, own, into: &out) }
    out.append("}}")
  }

  private static func write(
    parameter: Range<Int>?, place: Range<Int>?, _ body: Span<UInt8>, into out: inout ByteQueue
  ) {
    if let parameter { return out.append(body.extracting(parameter)) }
    if let place { return write(place: place, body, into: &out) }
    JSONWriter.null(into: &out)
  }

  /// Appends a message, or as much of it as is told.
  private static func write(message: Range<Int>, _ body: Span<UInt8>, into out: inout ByteQueue) {
    if message.count <= messageCeiling { return out.append(body.extracting(message)) }
    var text = ByteQueue.forSecrets()
    JSONString.decode(body, message, into: &text)
    text.truncate(to: min(text.count, messageCeiling))
    JSONWriter.string(text.bytes, into: &out)
  }

  /// Appends what an error of nearly OpenAI's shape says beside its four members, as it is: what a model had generated (Groq), who the
  /// provider behind the provider is (OpenRouter).
  private static func writeOthers(_ body: Span<UInt8>, _ error: Range<Int>, into out: inout ByteQueue) {
    var members = JSONObjectCursor(body, error)
    while let member = members.next() {
      if member.keyIs("message", in: body) || member.keyIs("type", in: body) { continue }
      if member.keyIs("param", in: body) || member.keyIs("code", in: body) { continue }
      out.append(",\"")
      out.append(body.extracting(member.key))
      out.append("\":")
      out.append(body.extracting(member.value))
    }
  }

  /// The status that an error's body names: its `code` (Google's and OpenRouter's way) or `status`.
  package static func status(in body: Span<UInt8>) -> Int? {
    let whole = 0..<body.count
    let inner = JSONView.value(body, in: whole, at: "error") ?? whole
    for name: StaticString in ["code", "status", "status_code", "statusCode"] {
      if let value = JSONView.value(body, in: inner, at: name), let status = JSONValue.integer(body, value),
        (400..<600).contains(status)
      {
        return status
      }
    }
    return nil
  }

  /// What a `finish_reason` stands for which says that the provider gave up.
  package static func givenUp(_ body: Span<UInt8>, _ reason: Range<Int>) -> AnswerFault {
    var word = ByteQueue()
    JSONString.decode(body, reason, into: &word)
    word.truncate(to: min(word.count, 64))
    var message = ByteQueue()
    message.append("The provider gave up on its answer (finish_reason '")
    message.append(word.bytes)
    message.append("'); try again.")
    return AnswerFault(message.array(), type: "upstream_error", code: word.array())
  }

  /// OpenAI's type for a status.
  package static func typeName(_ status: Int) -> StaticString {
    switch status {
    case 401: "authentication_error"
    case 403: "permission_error"
    case 404: "not_found_error"
    case 429: "rate_limit_error"
    case 503, 529: "overloaded_error"
    case 400..<500: "invalid_request_error"
    default: "api_error"
    }
  }

  /// A body that is plain text says what is wrong by itself; a page of HTML doesn't.
  private static func sentence(_ body: Span<UInt8>) -> Range<Int>? {
    if JSONValue.kind(of: body) != nil { return nil }
    var start = 0
    while start < body.count, body[start] <= ASCII.space { start += 1 }
    guard start < body.count else { return nil }
    switch body[start] {
    case UInt8(ascii: "<"), UInt8(ascii: "{"), UInt8(ascii: "["), ASCII.quote: return nil
    default: break
    }
    var end = min(body.count, start + messageCeiling)
    for at in start..<end where body[at] < ASCII.space && body[at] != ASCII.tab { end = min(end, at) }
    return start..<end
  }

  /// Where providers put the sentence that says what is wrong.
  private static func message(_ body: Span<UInt8>, _ top: Range<Int>, _ inner: Range<Int>) -> Range<Int>? {
    let message = JSONView.value(body, in: inner, at: "message")
    if let found = text(body, message) ?? message.flatMap({ detail(body, $0) }) { return found }
    return detail(body, top) ?? text(body, JSONView.value(body, in: inner, at: "msg"))
      ?? text(body, JSONView.value(body, in: inner, at: "Message"))
      ?? text(body, JSONView.value(body, in: top, at: "fault", "faultstring"))
  }

  private static func string(_ body: Span<UInt8>, _ range: Range<Int>?) -> Range<Int>? {
    guard let range, JSONView.kind(body, range) == .string else { return nil }
    return range
  }

  /// A string that says something.
  private static func text(_ body: Span<UInt8>, _ range: Range<Int>?) -> Range<Int>? {
    string(body, range).flatMap { $0.count > 2 ? $0 : nil }
  }

  /// FastAPI's two forms: `{"detail":"…"}` and, of validation, `{"detail":[{"msg":…}]}`.
  private static func detail(_ body: Span<UInt8>, _ object: Range<Int>) -> Range<Int>? {
    guard let detail = JSONView.value(body, in: object, at: "detail") else { return nil }
    if let found = text(body, detail) { return found }
    var elements = JSONArrayCursor(body, detail)
    guard let first = elements.next() else { return nil }
    return text(body, JSONView.value(body, in: first.value, at: "msg"))
  }

  /// Where a validation error lies: `["body", "messages", 0, "name"]`.
  private static func location(_ body: Span<UInt8>, _ top: Range<Int>, _ inner: Range<Int>) -> Range<Int>? {
    let holder = JSONView.value(body, in: inner, at: "message").flatMap {
      JSONView.kind(body, $0) == .object ? $0 : nil
    }
    guard let detail = JSONView.value(body, in: holder ?? top, at: "detail") else { return nil }
    var elements = JSONArrayCursor(body, detail)
    guard let first = elements.next() else { return nil }
    guard let place = JSONView.value(body, in: first.value, at: "loc"), JSONView.kind(body, place) == .array
    else { return nil }
    return place
  }

  /// Appends a location as OpenAI writes it: `"messages[0].name"`.
  private static func write(place: Range<Int>, _ body: Span<UInt8>, into out: inout ByteQueue) {
    var elements = JSONArrayCursor(body, place)
    var isFirst = true
    var hasName = false
    out.append(ASCII.quote)
    while let element = elements.next() {
      defer { isFirst = false }
      if element.kind == .string, !(isFirst && JSONString.equals(body, element.value, "body")) {
        if hasName { out.append(UInt8(ascii: ".")) }
        hasName = true
        let name = JSONString.content(body, element.value)
        if name.count <= 128 { out.append(name) }
      } else if element.kind == .number {
        out.append(UInt8(ascii: "["))
        out.append(body.extracting(element.value))
        out.append(UInt8(ascii: "]"))
      }
      if out.count > 2048 { break }
    }
    out.append(ASCII.quote)
  }
}
