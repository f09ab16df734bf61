// A refusal of `stream_options`, which Remora adds where the client didn't ask for usage.

internal import Wire

extension Fault {
  /// Whether an answer refuses `stream_options`. Where the client didn't send it, the same request without it may be
  /// taken, and the client is never told of a member that it doesn't know of.
  ///
  /// Only what the error says of itself is looked at, never what it repeats of the request. Known forms: OpenAI's
  /// `param`; "Unrecognized request argument supplied: stream_options" (Azure); "Validation error at
  /// #/stream_options: Extra inputs are not permitted" (Azure with data sources); FastAPI's `loc` (public reports).
  ///
  /// - Parameter body: the error's, as much as was read of it.
  package static func refusesStreamOptions(_ body: Span<UInt8>, status: Int) -> Bool {
    guard status == 400 || status == 422 else { return false }
    var error = ByteQueue()
    translate(body, status: status, provider: nil, into: &error)
    let text = error.bytes
    if let inner = JSONView.value(text, in: 0..<text.count, at: "error") {
      for name: StaticString in ["message", "param"] {
        if let value = JSONView.value(text, in: inner, at: name), speaks(text.extracting(value)) {
          return true
        }
      }
    }
    // Of several faults that FastAPI lists, the first is told.
    let whole = 0..<body.count
    let inner = JSONView.value(body, in: whole, at: "error").flatMap { error in
      JSONView.kind(body, error) == .object ? error : nil
    }
    guard
      let detail = JSONView.value(body, in: inner ?? whole, at: "detail")
        ?? JSONView.value(body, in: whole, at: "detail")
    else { return false }
    var elements = JSONArrayCursor(body, detail)
    while let element = elements.next() {
      if let place = JSONView.value(body, in: element.value, at: "loc"), speaks(body.extracting(place)) {
        return true
      }
    }
    return false
  }

  private static func speaks(_ text: Span<UInt8>) -> Bool {
    holds(text, "stream_options") || holds(text, "include_usage")
  }

  private static func holds(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    var at = 0
    while at + count <= text.count {
      if text.extracting(at..<at + count).equals(word) { return true }
      at += 1
    }
    return false
  }
}
