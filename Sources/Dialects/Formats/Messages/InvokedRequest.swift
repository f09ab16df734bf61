// A request of the Messages API as Claude at Bedrock takes it by InvokeModel (Bedrock user guide, "Anthropic Claude Messages
// API", 2026-10): the client's own values, but the model and whether it streams are said by the path, the API's version and
// its betas by the body.

internal import Wire

enum InvokedRequest {
  /// Appends the body.
  ///
  /// - Parameters:
  ///   - body: the client's, one JSON object that has been scanned.
  ///   - beta: values of its `anthropic-beta`, with commas between.
  static func write(_ body: Span<UInt8>, beta: [UInt8], into out: inout ByteQueue) {
    let whole = 0..<body.count
    out.reserve(body.count + beta.count + 128)
    out.append("{\"anthropic_version\":")
    if let version = JSONView.value(body, in: whole, at: "anthropic_version") {
      out.append(body.extracting(version))
    } else {
      out.append("\"bedrock-2023-05-31\"")
    }
    if !beta.isEmpty, JSONView.value(body, in: whole, at: "anthropic_beta") == nil { write(beta, into: &out) }
    var members = JSONObjectCursor(body, whole)
    while let member = members.next() {
      if member.keyIs("model", in: body) || member.keyIs("stream", in: body)
        || member.keyIs("anthropic_version", in: body)
      {
        continue
      }
      out.append(",\"")
      out.append(body.extracting(member.key))
      out.append("\":")
      out.append(body.extracting(member.value))
    }
    out.append("}")
  }

  private static func write(_ beta: [UInt8], into out: inout ByteQueue) {
    var list = BlockList(",\"anthropic_beta\":[")
    for part in beta.split(separator: ASCII.comma) {
      let word = Array(part.drop { $0 <= ASCII.space }.reversed().drop { $0 <= ASCII.space }.reversed())
      if word.isEmpty { continue }
      list.open(into: &out)
      JSONWriter.string(word.span, into: &out)
    }
    list.close(into: &out)
  }
}
