// Log probabilities of tokens, from Gemini's two lists to OpenAI's one.

internal import Wire

enum GeminiLogprobs {
  /// Appends `{"content":[{"token","logprob","bytes","top_logprobs"}]}`; false where there are none.
  static func append(_ data: Span<UInt8>, _ result: Range<Int>, into out: inout ByteQueue) -> Bool {
    guard let chosen = JSONView.value(data, in: result, at: "chosenCandidates"),
      JSONView.kind(data, chosen) == .array
    else { return false }
    let top = JSONView.value(data, in: result, at: "topCandidates")
    // The lists run side by side.
    var others = JSONArrayCursor(data, top ?? 0..<0)
    var tokens = JSONArrayCursor(data, chosen)
    var isFirst = true
    while let token = tokens.next() {
      out.append(isFirst ? "{\"content\":[" : ",")
      isFirst = false
      appendToken(data, token.value, into: &out)
      out.append(",\"top_logprobs\":[")
      if let list = others.next().flatMap({ JSONView.value(data, in: $0.value, at: "candidates") }) {
        var alternatives = JSONArrayCursor(data, list)
        var isFirst = true
        while let alternative = alternatives.next() {
          if !isFirst { out.append(",") }
          isFirst = false
          appendToken(data, alternative.value, into: &out)
          out.append("}")
        }
      }
      out.append("]}")
    }
    if isFirst { return false }
    out.append("],\"refusal\":null}")
    return true
  }

  /// Appends a token, without its end.
  private static func appendToken(_ data: Span<UInt8>, _ token: Range<Int>, into out: inout ByteQueue) {
    out.append("{\"token\":\"")
    out.append(JSONView.content(data, in: token, at: "token"))
    out.append("\",\"logprob\":")
    if let number = JSONView.value(data, in: token, at: "logProbability"),
      JSONView.kind(data, number) == .number
    {
      out.append(data.extracting(number))
    } else {
      out.append("0")
    }
    out.append(",\"bytes\":null")
  }
}
