// What a request has taken, told in its answer where it asks for that (`request_breakdown`): the tokens, what they cost, how
// long it took. It is known when the answer ends: in a whole one it goes into `x_remora`, in the stream of a chat or of a
// completion into a chunk of its own before the last word, in those of other APIs into the last event.

internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Attempt {
  private static let done: StaticString = "data: [DONE]\n\n"

  /// Tells it in a stream whose last word is what `out` ends with.
  ///
  /// - Parameter start: where in `out` the events begin that came last.
  @inline(never)
  func tellBreakdown(into out: inout ByteQueue, from start: Int) {
    switch ask.target.endpoint {
    case .messages, .responses: putBreakdown(into: &out, from: start)
    default: addChunk(to: &out)
    }
  }

  /// Makes it a member of the last event, if that ends the answer.
  private func putBreakdown(into out: inout ByteQueue, from start: Int) {
    guard let place = Self.lastBracket(of: out.bytes, from: start) else { return }
    tried.carriage.owesBreakdown = false
    let rest = out.bytes.extracting(place...).array()
    out.truncate(to: place)
    out.append(ASCII.comma)
    writeBreakdown(into: &out)
    out.append(rest)
  }

  /// Where the last event's object ends, if that event is the one that ends an answer.
  private static func lastBracket(of bytes: Span<UInt8>, from start: Int) -> Int? {
    var end = bytes.count
    while end > start, bytes[end - 1] <= ASCII.space { end -= 1 }
    // An event is on one line, and behind its name on another.
    var begin = end
    while begin > start, bytes[begin - 1] != ASCII.lf { begin -= 1 }
    let line = bytes.extracting(begin..<end)
    guard line.count > 6, line.extracting(0..<5).equals("data:"), line[line.count - 1] == UInt8(ascii: "}")
    else { return nil }
    let type = JSONView.content(line, in: 5..<line.count, at: "type")
    guard
      type.equals("message_stop") || type.equals("response.completed") || type.equals("response.incomplete")
        || type.equals("response.failed")
    else { return nil }
    return end - 1
  }

  /// Puts a chunk with it before the last word of a chat or a completion.
  private func addChunk(to out: inout ByteQueue) {
    let kept = out.count - Self.done.utf8CodeUnitCount
    guard kept >= 0, out.bytes.extracting(kept..<out.count).equals(Self.done) else { return }
    tried.carriage.owesBreakdown = false
    out.truncate(to: kept)
    var chunk = ByteQueue()
    chunk.append("{\"id\":")
    JSONWriter.string(ask.requestID, into: &chunk)
    chunk.append(",\"object\":\"")
    chunk.append(ask.target.endpoint == .completions ? "text_completion" : "chat.completion.chunk")
    chunk.append("\",\"created\":")
    chunk.append(decimal: unixSeconds)
    chunk.append(",\"model\":")
    withModel { JSONWriter.string($0, into: &chunk) }
    chunk.append(",\"choices\":[],")
    writeBreakdown(into: &chunk)
    chunk.append("}")
    out.append("data: ")
    out.append(chunk.bytes)
    out.append("\n\n")
    out.append(Self.done)
  }

  /// Puts it into an answer that is here whole.
  @inline(never)
  func addBreakdown(to body: inout ByteQueue, _ verdict: Verdict) {
    switch verdict {
    case .stream: return tellBreakdown(into: &body, from: 0)
    case .answer: break
    case .error, .fault, .invalid: return
    }
    tried.carriage.owesBreakdown = false
    guard let place = Self.place(of: unsafe metadata.view, in: body.bytes) else { return }
    var whole = ByteQueue()
    whole.append(body.bytes.extracting(0..<place))
    writeBreakdown(into: &whole)
    whole.append(body.bytes.extracting(place + metadata.count..<body.count))
    body.removeAll()
    body.append(whole.bytes)
  }

  /// Where `member` stands: among the first ones or the last ones of an answer's own.
  private static func place(of member: Span<UInt8>, in body: Span<UInt8>) -> Int? {
    guard !member.isEmpty else { return nil }
    var members = JSONObjectCursor(body, 0..<body.count)
    while let found = members.next() {
      guard found.keyIs("x_remora", in: body) else { continue }
      let start = found.value.upperBound - member.count
      return start >= 0 && body.extracting(start..<found.value.upperBound).equals(member) ? start : nil
    }
    return nil
  }

  /// Appends `"x_remora":{…}` with it.
  private func writeBreakdown(into out: inout ByteQueue) {
    out.append(metadata, 0..<metadata.count - 1)
    let usage = conversation.usage
    out.append(",\"usage\":{\"input_tokens\":")
    Self.write(usage.input, into: &out)
    out.append(",\"output_tokens\":")
    Self.write(usage.output, into: &out)
    out.append(",\"cached_input_tokens\":")
    Self.write(usage.cachedInput, into: &out)
    out.append(",\"reasoning_tokens\":")
    Self.write(usage.reasoning, into: &out)
    out.append(",\"cost_usd\":")
    if !usage.isEmpty, let cost = rate.facts?.cost(of: usage, served: served) {
      out.append(Decimals.text(cost.picodollars, places: 12))
    } else {
      out.append("null")
    }
    out.append("},\"timings\":{\"duration_ms\":")
    let began = ask.receivedAt ?? tried.times.beganAt
    out.append(decimal: Instant.now.nanoseconds(since: began) / 1_000_000)
    out.append(",\"first_token_ms\":")
    let first = tried.times.firstTokenAt ?? (conversation.hasContent ? Instant.now : nil)
    Self.write(first.map { $0.nanoseconds(since: began) / 1_000_000 }, into: &out)
    out.append("}}")
  }

  private static func write(_ count: Int?, into out: inout ByteQueue) {
    if let count { out.append(decimal: count) } else { out.append("null") }
  }
}
