// One line of JSON for each request, for the operator: who asked for what, who answered, how long, how much.
//
// It never holds a body, a header's value or a secret; the client's own words in it are the identifiers it
// sent and the model's name, each cut and escaped, so that no client can forge a line. Next: LogSink.swift.

package import Wire

/// What the access log says about one exchange. An empty string and nil are left out of the line.
package struct AccessRecord {
  /// Bytes of a client's text that are kept.
  package static let textCeiling = 128
  /// Bytes such a text may come to once escaped. With it, no record is longer than `LogSink.lineCeiling`.
  private static let writtenCeiling = 256
  /// Bytes that a sentence and a path may come to once escaped.
  private static let sentenceCeiling = 384
  private static let pathCeiling = 134
  /// Policies that are named; there are never that many in a chain that a person wrote.
  private static let policyCeiling = 8

  /// The exchange's end, by the wall clock.
  package var unixNanoseconds: Int
  package var endpoint: Endpoint
  package var status: Int
  package var end: ExchangeEnd

  package var requestID: [UInt8] = []
  /// Of the trace that it belongs to, and of its own span; nil where neither came nor was made.
  package var trace: TraceIDs?
  package var method: [UInt8] = []
  /// Of the target, without its query.
  package var path: [UInt8] = []
  package var group: [UInt8] = []
  /// The first four bytes of the SHA-256 of a key that is nobody's.
  package var keyHint: UInt32?
  /// The model in the client's words.
  package var modelAsked: [UInt8] = []
  package var provider: [UInt8] = []
  /// The model in the upstream's words.
  package var model: [UInt8] = []
  package var isStream = false
  package var durationNanoseconds = 0
  /// Spent waiting for upstreams, all attempts together.
  package var upstreamNanoseconds: Int?
  package var firstTokenNanoseconds: Int?
  package var overheadNanoseconds = 0
  package var usage = Usage()
  /// In pico-dollars; nil where a price isn't known.
  package var cost: Int?
  /// Something of tokens or cost was guessed.
  package var isEstimated = false
  package var attempts = 0
  package var requestBytes = 0
  package var responseBytes = 0
  /// The `code` of the error the client got.
  package var errorCode: [UInt8] = []
  /// The sentence that went with it, where it is Remora's own. A provider's may repeat the prompt.
  package var errorMessage: [UInt8] = []
  /// Names of the policies that acted.
  package var policies: [[UInt8]] = []
  /// What became of it at the cache of answers; nil: there is none.
  package var cache: CacheResult?
  package var customer: [UInt8] = []
  package var thread: [UInt8] = []
  package var groupIdentifier: [UInt8] = []
  /// The application's own pairs. As many are written as fit into the line.
  package var metadata: [(name: [UInt8], value: [UInt8])] = []

  package init(
    unixNanoseconds: Int, endpoint: Endpoint, status: Int, end: ExchangeEnd
  ) {
    self.unixNanoseconds = unixNanoseconds
    self.endpoint = endpoint
    self.status = status
    self.end = end
  }

  /// Appends the line, its line feed included.
  package func write(into out: inout ByteQueue) {
    let start = out.count
    out.append("{\"time\":\"")
    appendTimestamp(unixNanoseconds: unixNanoseconds, into: &out)
    out.append(ASCII.quote)
    text("request_id", requestID, into: &out)
    if let trace { trace.write(into: &out) }
    word("endpoint", endpoint.name, into: &out)
    text("method", method, into: &out)
    path(into: &out)
    text("group", group, into: &out)
    hint(into: &out)
    text("model_asked", modelAsked, into: &out)
    text("provider", provider, into: &out)
    text("model", model, into: &out)
    number("status", status, into: &out)
    out.append(isStream ? ",\"stream\":true" : ",\"stream\":false")
    times(into: &out)
    number("tokens_in", usage.input, into: &out)
    number("tokens_out", usage.output, into: &out)
    number("tokens_cached", usage.cachedInput, into: &out)
    number("tokens_cache_write", usage.cacheWrite, into: &out)
    number("tokens_reasoning", usage.reasoning, into: &out)
    cost(into: &out)
    if isEstimated { out.append(",\"estimated\":true") }
    number("attempts", attempts, into: &out)
    number("bytes_in", requestBytes, into: &out)
    number("bytes_out", responseBytes, into: &out)
    word("end", end.name, into: &out)
    if let cache { word("cache", cache.name, into: &out) }
    text("error_code", errorCode, into: &out)
    names("policies", policies, into: &out)
    text("customer", customer, into: &out)
    text("thread", thread, into: &out)
    text("group_identifier", groupIdentifier, into: &out)
    sentence("error_message", errorMessage, from: start, into: &out)
    pairs("metadata", metadata, from: start, into: &out)
    out.append("}\n")
  }

  private func pairs(
    _ name: StaticString, _ values: [(name: [UInt8], value: [UInt8])], from start: Int,
    into out: inout ByteQueue
  ) {
    if values.isEmpty { return }
    // Brackets, quotes and the line's own end.
    let most = LogSink.lineCeiling - 3 * 128 - 32
    if out.count - start > most { return }
    key(name, into: &out)
    var opening = UInt8(ascii: "{")
    for pair in values where out.count - start <= most {
      out.append(opening)
      opening = ASCII.comma
      jsonString(pair.name.span, ceiling: 64, writtenCeiling: 128, into: &out)
      out.append(ASCII.colon)
      string(pair.value, into: &out)
    }
    if opening == UInt8(ascii: "{") { out.append(opening) }
    out.append(UInt8(ascii: "}"))
  }

  private func hint(into out: inout ByteQueue) {
    guard let keyHint else { return }
    key("key_hint", into: &out)
    let digits = Array(String(keyHint, radix: 16).utf8)
    string([UInt8](repeating: UInt8(ascii: "0"), count: 8 - digits.count) + digits, into: &out)
  }

  private func times(into out: inout ByteQueue) {
    milliseconds("duration_ms", durationNanoseconds, into: &out)
    milliseconds("upstream_ms", upstreamNanoseconds, into: &out)
    milliseconds("first_token_ms", firstTokenNanoseconds, into: &out)
    key("overhead_us", into: &out)
    // Tenths of a microsecond are noise.
    out.append(decimal: max(overheadNanoseconds, 0) / 1000)
  }

  private func cost(into out: inout ByteQueue) {
    guard let cost, cost >= 0 else { return }
    key("cost_usd", into: &out)
    out.append(cost, places: 12)
  }

  // MARK: members

  private func key(_ name: StaticString, into out: inout ByteQueue) {
    out.append(",\"")
    out.append(name)
    out.append("\":")
  }

  private func text(_ name: StaticString, _ value: [UInt8], into out: inout ByteQueue) {
    if value.isEmpty { return }
    key(name, into: &out)
    string(value, into: &out)
  }

  /// As much of it as fits into the line.
  private func sentence(_ name: StaticString, _ value: [UInt8], from start: Int, into out: inout ByteQueue) {
    let room = min(LogSink.lineCeiling - (out.count - start) - 64, Self.sentenceCeiling)
    if value.isEmpty || room < 32 { return }
    key(name, into: &out)
    jsonString(value.span, writtenCeiling: room, into: &out)
  }

  private func path(into out: inout ByteQueue) {
    if path.isEmpty { return }
    key("path", into: &out)
    jsonString(path.span, ceiling: Self.textCeiling, writtenCeiling: Self.pathCeiling, into: &out)
  }

  private func string(_ value: [UInt8], into out: inout ByteQueue) {
    jsonString(
      value.span, ceiling: Self.textCeiling, writtenCeiling: Self.writtenCeiling, into: &out)
  }

  private func word(_ name: StaticString, _ value: StaticString, into out: inout ByteQueue) {
    key(name, into: &out)
    out.append(ASCII.quote)
    out.append(value)
    out.append(ASCII.quote)
  }

  private func number(_ name: StaticString, _ value: Int?, into out: inout ByteQueue) {
    guard let value else { return }
    key(name, into: &out)
    out.append(decimal: value)
  }

  /// Milliseconds with three places: finer than any network.
  private func milliseconds(_ name: StaticString, _ nanoseconds: Int?, into out: inout ByteQueue) {
    guard let nanoseconds else { return }
    key(name, into: &out)
    out.append(max(nanoseconds, 0) / 1000, places: 3)
  }

  private func names(_ name: StaticString, _ values: [[UInt8]], into out: inout ByteQueue) {
    if values.isEmpty { return }
    key(name, into: &out)
    var opening = UInt8(ascii: "[")
    for value in values.prefix(Self.policyCeiling) {
      out.append(opening)
      opening = ASCII.comma
      jsonString(value.span, ceiling: 64, writtenCeiling: 70, into: &out)
    }
    out.append(UInt8(ascii: "]"))
  }
}
