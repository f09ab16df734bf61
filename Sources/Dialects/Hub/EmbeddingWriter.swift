// Writes vectors in OpenAI's form, as lists or as base64, whichever the client asked for.

package import Wire

/// An answer with embeddings in the making.
package struct EmbeddingWriter: ~Copyable {
  package var out = ByteQueue()
  package var usage = TokenUsage()
  private let wantsBase64: Bool
  private let model: [UInt8]
  private let member: [UInt8]
  /// Vectors so far.
  package private(set) var count = 0

  /// - Parameters:
  ///   - model: the model's name, in UTF-8.
  ///   - member: `"x_remora":{…}`, or empty.
  package init(wantsBase64: Bool, model: [UInt8], member: [UInt8]) {
    self.wantsBase64 = wantsBase64
    self.model = model
    self.member = member
    out.append("{\"object\":\"list\",\"data\":[")
  }

  /// The next vector: a JSON array of numbers in `range`.
  package mutating func vector(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(AnswerFault) {
    guard JSONView.kind(bytes, range) == .array else { throw .malformed }
    if count > 0 { out.append(",") }
    out.append("{\"object\":\"embedding\",\"index\":")
    out.append(decimal: count)
    out.append(",\"embedding\":")
    count += 1
    if wantsBase64 {
      try appendBase64(bytes, range)
    } else {
      JSONText.appendCompact(bytes.extracting(range), escaped: false, into: &out)
    }
    out.append("}")
  }

  package mutating func end() {
    let input = usage.input ?? 0
    let model = model
    out.append("],\"model\":")
    JSONWriter.string(model.span, into: &out)
    out.append(",\"usage\":{\"prompt_tokens\":")
    out.append(decimal: input)
    out.append(",\"total_tokens\":")
    out.append(decimal: input)
    out.append("}")
    if !member.isEmpty {
      out.append(",")
      out.append(member)
    }
    out.append("}")
  }

  /// Little-endian 32-bit floats in base64, as OpenAI has them.
  private mutating func appendBase64(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(AnswerFault) {
    var encoder = Base64Encoder()
    out.append("\"")
    var elements = JSONArrayCursor(bytes, range)
    while let element = elements.next() {
      guard let number = JSONValue.double(bytes, element.value) else { throw .malformed }
      var bits = Float(number).bitPattern
      for _ in 0..<4 {
        encoder.append(UInt8(truncatingIfNeeded: bits), into: &out)
        bits >>= 8
      }
    }
    encoder.end(into: &out)
    out.append("\"")
  }
}
