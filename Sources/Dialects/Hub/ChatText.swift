// Small things that several dialects say of a request in the same way.

internal import Wire

extension ChatRequest {
  /// Whether every part of the message is text.
  func isText(_ message: ChatMessage) -> Bool {
    message.parts.allSatisfy { parts[$0].kind == .text || parts[$0].kind == .refusal }
  }

  /// Appends the text of the message's parts as one JSON string.
  ///
  /// - Parameter separator: stands between two parts, escaped.
  func appendText(
    of message: ChatMessage, _ body: Span<UInt8>, separator: StaticString = "\\n", into out: inout ByteQueue
  ) {
    out.append("\"")
    var isFirst = true
    for at in message.parts where parts[at].kind == .text || parts[at].kind == .refusal {
      guard let text = parts[at].value else { continue }
      if !isFirst { out.append(separator) }
      isFirst = false
      JSONText.appendContent(body, text, into: &out)
    }
    out.append("\"")
  }

  /// Appends `,"NAME":VALUE` for a field that is given, as the client wrote it.
  func appendField(
    _ field: ChatField, as name: StaticString, _ body: Span<UInt8>, into out: inout ByteQueue
  ) {
    guard let value = value(field) else { return }
    Self.appendMember(name, body.extracting(value), into: &out)
  }

  /// Appends `,"NAME":VALUE` for each of these members that OpenAI doesn't define.
  func appendExtensions(_ names: [StaticString], _ body: Span<UInt8>, into out: inout ByteQueue) {
    for name in names {
      if let value = extended(name, in: body) { Self.appendMember(name, body.extracting(value), into: &out) }
    }
  }

  /// Appends `,"NAME":VALUE`.
  static func appendMember(_ name: StaticString, _ value: Span<UInt8>, into out: inout ByteQueue) {
    out.append(",\"")
    out.append(name)
    out.append("\":")
    out.append(value)
  }
}
