// An error in OpenAI's shape from its parts, and the parts of an error that a translated dialect says in the
// common way.

package import Wire

extension Fault {
  /// Appends `{"error":{"message","type","param","code"}}`.
  ///
  /// - Parameters:
  ///   - message: in UTF-8; cut where it is very long.
  ///   - code: in UTF-8; null is written where it is empty.
  package static func write(
    message: Span<UInt8>, type: StaticString, code: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append("{\"error\":{\"message\":")
    JSONWriter.string(message.extracting(first: 4096), into: &out)
    out.append(",\"type\":")
    JSONWriter.string(type, into: &out)
    out.append(",\"param\":null,\"code\":")
    if code.isEmpty { JSONWriter.null(into: &out) } else { JSONWriter.string(code, into: &out) }
    out.append("}}")
  }

  /// Reads an error whose message and type stand where most providers put them: in `error`, or at the top; an
  /// array of one such object is read as the object.
  package static func read(_ body: Span<UInt8>, status: Int) -> ProviderFault {
    var fault = ProviderFault(status: status)
    fault.isAuthentication = status == 401 || status == 403
    var top = 0..<body.count
    var elements = JSONArrayCursor(body, top)
    if let first = elements.next() { top = first.value }
    let inner = JSONView.value(body, in: top, at: "error") ?? top
    func text(_ range: Range<Int>?) -> [UInt8]? {
      guard let range, JSONView.kind(body, range) == .string, range.count > 2 else { return nil }
      var text = ByteQueue()
      JSONString.decode(body, range, into: &text)
      return text.array()
    }
    fault.message =
      text(JSONView.value(body, in: inner, at: "message")) ?? text(inner)
      ?? text(JSONView.value(body, in: top, at: "message")) ?? text(
        JSONView.value(body, in: top, at: "Message"))
      ?? text(JSONView.value(body, in: top, at: "detail"))
    fault.code =
      text(JSONView.value(body, in: inner, at: "type")) ?? text(JSONView.value(body, in: inner, at: "code"))
    return fault
  }
}
