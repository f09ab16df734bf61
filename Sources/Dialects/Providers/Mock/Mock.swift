// The provider inside Remora: answers in OpenAI's format without a network, for demos and applications' tests.
//
// What it says follows from the request alone, so a test can expect it. A body that isn't JSON is answered like
// an empty one. Messages, Responses and completions come here as chats (Formats/Recast.swift). Read next: MockRequest.swift (what is
// asked for), MockChat.swift (the answer), MockEmbedding.swift.

package import Wire

/// Which of OpenAI's endpoints is asked.
package enum MockEndpoint: Sendable, CaseIterable {
  case chat, embedding, models
  /// The tokens of a chat.
  case tokenCount
  /// One of the models.
  case model
}

/// Answers as a provider would.
package enum Mock {
  /// The one model that the list of models names, and what an answer says where the request names none.
  static let model: StaticString = "mock-model"

  /// Appends the whole answer to `out`: one JSON text, or the text of an event stream.
  ///
  /// - Parameters:
  ///   - body: the request's; any bytes at all.
  ///   - model: the name that the answer is to report.
  ///   - streams: whether a stream is wanted; endpoints that know none answer JSON.
  ///   - includesUsage: whether a chat's stream ends with its usage.
  ///   - id: tells answers apart.
  ///   - created: seconds since 1970.
  package static func answer(
    _ shape: MockEndpoint, body: Span<UInt8>, model: Span<UInt8>, streams: Bool, includesUsage: Bool,
    id: UInt64,
    created: Int, into out: inout ByteQueue
  ) {
    var scanner = JSONScanner()
    var body = body
    do throws(JSONFault) {
      try scanner.feed(body)
      try scanner.finish()
    } catch {
      body = ("{}" as StaticString).bytes
    }
    let model = model.isEmpty ? Self.model.bytes : model
    switch shape {
    case .chat:
      let chat = MockChat(
        MockRequest(body), model: ByteQueue(copying: model), id: id,
        created: created)
      if streams { chat.stream(includesUsage: includesUsage, into: &out) } else { chat.whole(into: &out) }
    case .tokenCount:
      out.append("{\"input_tokens\":")
      out.append(decimal: MockRequest(body).inputTokens)
      out.append("}")
    case .embedding:
      MockEmbedding(body).write(body, model: model, into: &out)
    case .models:
      out.append("{\"object\":\"list\",\"data\":[")
      writeModel(Self.model.bytes, created, into: &out)
      out.append("]}")
    case .model: writeModel(model, created, into: &out)
    }
  }

  private static func writeModel(_ name: Span<UInt8>, _ created: Int, into out: inout ByteQueue) {
    out.append("{\"id\":")
    JSONWriter.string(name, into: &out)
    out.append(",\"object\":\"model\",\"created\":")
    out.append(decimal: created)
    out.append(",\"owned_by\":\"remora\"}")
  }

  /// Tokens that `bytes` bytes of text are taken for.
  static func tokens(_ bytes: Int) -> Int { bytes / 4 + (bytes % 4 == 0 ? 0 : 1) }

  /// Appends `prefix` and the sixteen digits of `id`.
  static func identifier(_ prefix: StaticString, _ id: UInt64, into out: inout ByteQueue) {
    out.append(prefix)
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: id >> UInt64(shift)) & 15
      out.append(digit < 10 ? 48 + digit : 87 + digit)
    }
  }

  /// Where the piece of a streamed text that begins at `from` ends: about a word, never inside a character.
  static func pieceEnd(_ text: Span<UInt8>, from: Int) -> Int {
    var at = from + 1
    while at < text.count {
      let byte = text[at]
      // A continuation byte belongs to the character before it.
      if byte & 0xC0 != 0x80, byte == ASCII.space || at - from >= 16 { break }
      at += 1
    }
    return min(at, text.count)
  }
}
