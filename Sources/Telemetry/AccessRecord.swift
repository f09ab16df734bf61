// One line of JSON for each request, for the operator: who asked for what, who answered, how long, how much.
//
// It never holds a body, a header's value or a secret; the client's own words in it are the identifiers it
// sent and the model's name, each cut and escaped, so that no client can forge a line. Next: LogSink.swift.

package import Wire

/// What the access log says about one exchange. An empty text and nil are left out of the line. One is used again for the
/// next line, with the memory of its texts.
package struct AccessRecord: ~Copyable {
  /// A text of the line.
  package enum Text: Int, CaseIterable {
    case requestID, method
    /// Of the target, without its query.
    case path
    case group
    /// The model in the client's words.
    case modelAsked
    case provider
    /// The model in the upstream's words.
    case model
    /// The `code` of the error the client got.
    case errorCode
    /// The sentence that went with it, where it is Remora's own. A provider's may repeat the prompt.
    case errorMessage
    case customer, thread, groupIdentifier
  }

  /// Bytes of a client's text that are kept.
  package static let textCeiling = 128
  /// Bytes such a text may come to once escaped. With it, no record is longer than `LogSink.lineCeiling`.
  private static let writtenCeiling = 256
  /// Bytes that a sentence and a path may come to once escaped.
  private static let sentenceCeiling = 384
  private static let pathCeiling = 134
  /// Bytes of a text that are held: no more than that are written of any.
  private static let heldCeiling = 512
  /// Policies that are named; there are never that many in a chain that a person wrote.
  private static let policyCeiling = 8

  private var texts = ByteQueue()
  private var second = ByteQueue()
  private var writtenSecond = -1
  private var places = InlineArray<12, Range<Int>>(repeating: 0..<0)

  /// The exchange's end, by the wall clock.
  package var unixNanoseconds = 0
  package var endpoint = Endpoint.other
  package var status = 0
  package var end = ExchangeEnd.complete

  /// Of the trace that it belongs to, and of its own span; nil where neither came nor was made.
  package var trace: TraceIDs?
  /// The first four bytes of the SHA-256 of a key that is nobody's.
  package var keyHint: UInt32?
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
  /// Names of the policies that acted.
  package var policies: [[UInt8]] = []
  /// What became of it at the cache of answers; nil: there is none.
  package var cache: CacheResult?
  /// The application's own pairs. As many are written as fit into the line.
  package var metadata: [(name: [UInt8], value: [UInt8])] = []

  package init() {}

  /// Begins another line.
  package mutating func begin(unixNanoseconds: Int, endpoint: Endpoint, status: Int, end: ExchangeEnd) {
    texts.clear()
    places = InlineArray(repeating: 0..<0)
    self.unixNanoseconds = unixNanoseconds
    self.endpoint = endpoint
    self.status = status
    self.end = end
    trace = nil
    keyHint = nil
    isStream = false
    durationNanoseconds = 0
    upstreamNanoseconds = nil
    firstTokenNanoseconds = nil
    overheadNanoseconds = 0
    usage = Usage()
    cost = nil
    isEstimated = false
    attempts = 0
    requestBytes = 0
    responseBytes = 0
    if !policies.isEmpty { policies = [] }
    cache = nil
    if !metadata.isEmpty { metadata = [] }
  }

  package mutating func set(_ text: Text, _ value: Span<UInt8>) {
    let start = texts.count
    texts.append(value.extracting(first: Self.heldCeiling))
    places[text.rawValue] = start..<texts.count
  }

  /// Appends the line, its line feed included.
  package mutating func write(into out: inout ByteQueue) {
    let start = out.count
    out.append(literal: "{\"time\":\"")
    time(into: &out)
    write(.requestID, ",\"request_id\":", into: &out)
    if let trace { trace.write(into: &out) }
    word(",\"endpoint\":\"", endpoint.name, into: &out)
    write(.method, ",\"method\":", into: &out)
    write(.path, ",\"path\":", writtenCeiling: Self.pathCeiling, into: &out)
    write(.group, ",\"group\":", into: &out)
    hint(into: &out)
    write(.modelAsked, ",\"model_asked\":", into: &out)
    write(.provider, ",\"provider\":", into: &out)
    write(.model, ",\"model\":", into: &out)
    number(",\"status\":", status, into: &out)
    if isStream { out.append(literal: ",\"stream\":true") } else { out.append(literal: ",\"stream\":false") }
    times(into: &out)
    number(",\"tokens_in\":", usage.input, into: &out)
    number(",\"tokens_out\":", usage.output, into: &out)
    number(",\"tokens_cached\":", usage.cachedInput, into: &out)
    number(",\"tokens_cache_write\":", usage.cacheWrite, into: &out)
    number(",\"tokens_reasoning\":", usage.reasoning, into: &out)
    cost(into: &out)
    if isEstimated { out.append(",\"estimated\":true") }
    number(",\"attempts\":", attempts, into: &out)
    number(",\"bytes_in\":", requestBytes, into: &out)
    number(",\"bytes_out\":", responseBytes, into: &out)
    word(",\"end\":\"", end.name, into: &out)
    if let cache { word(",\"cache\":\"", cache.name, into: &out) }
    write(.errorCode, ",\"error_code\":", into: &out)
    names(into: &out)
    write(.customer, ",\"customer\":", into: &out)
    write(.thread, ",\"thread\":", into: &out)
    write(.groupIdentifier, ",\"group_identifier\":", into: &out)
    sentence(from: start, into: &out)
    pairs(from: start, into: &out)
    out.append("}\n")
  }

  /// Lines of the same second share what they say of it.
  private mutating func time(into out: inout ByteQueue) {
    let milliseconds = max(unixNanoseconds, 0) / 1_000_000
    if milliseconds / 1000 != writtenSecond {
      writtenSecond = milliseconds / 1000
      second.clear()
      appendSecond(writtenSecond, into: &second)
    }
    out.append(second)
    out.append(UInt32(truncatingIfNeeded: milliseconds % 1000), digits: 3)
    out.append(literal: "Z\"")
  }

  private func pairs(from start: Int, into out: inout ByteQueue) {
    if metadata.isEmpty { return }
    // Brackets, quotes and the line's own end.
    let most = LogSink.lineCeiling - 3 * 128 - 32
    if out.count - start > most { return }
    out.append(",\"metadata\":")
    var opening = UInt8(ascii: "{")
    for pair in metadata where out.count - start <= most {
      out.append(opening)
      opening = ASCII.comma
      jsonString(pair.name.span, ceiling: 64, writtenCeiling: 128, into: &out)
      out.append(ASCII.colon)
      string(pair.value.span, into: &out)
    }
    if opening == UInt8(ascii: "{") { out.append(opening) }
    out.append(UInt8(ascii: "}"))
  }

  private func hint(into out: inout ByteQueue) {
    guard let keyHint else { return }
    out.append(",\"key_hint\":\"")
    for place in 1...8 { out.append(hexadecimal: Int(keyHint >> UInt32(32 - place * 4) & 0xF)) }
    out.append(ASCII.quote)
  }

  private func times(into out: inout ByteQueue) {
    milliseconds(",\"duration_ms\":", durationNanoseconds, into: &out)
    milliseconds(",\"upstream_ms\":", upstreamNanoseconds, into: &out)
    milliseconds(",\"first_token_ms\":", firstTokenNanoseconds, into: &out)
    // Tenths of a microsecond are noise.
    number(",\"overhead_us\":", max(overheadNanoseconds, 0) / 1000, into: &out)
  }

  private func cost(into out: inout ByteQueue) {
    guard let cost, cost >= 0 else { return }
    out.append(",\"cost_usd\":")
    out.append(cost, places: 12)
  }

  // MARK: members, each with the comma, the quotes and the colon of its key

  @inline(__always)
  private func write(
    _ text: Text, _ key: StaticString, writtenCeiling: Int = Self.writtenCeiling, into out: inout ByteQueue
  ) {
    let place = places[text.rawValue]
    if place.isEmpty { return }
    out.append(literal: key)
    jsonString(
      texts.bytes.extracting(place), ceiling: Self.textCeiling, writtenCeiling: writtenCeiling, into: &out)
  }

  /// As much of the sentence as fits into the line.
  private func sentence(from start: Int, into out: inout ByteQueue) {
    let place = places[Text.errorMessage.rawValue]
    let room = min(LogSink.lineCeiling - (out.count - start) - 64, Self.sentenceCeiling)
    if place.isEmpty || room < 32 { return }
    out.append(",\"error_message\":")
    jsonString(texts.bytes.extracting(place), writtenCeiling: room, into: &out)
  }

  private func string(_ value: Span<UInt8>, into out: inout ByteQueue) {
    jsonString(value, ceiling: Self.textCeiling, writtenCeiling: Self.writtenCeiling, into: &out)
  }

  /// - Parameter key: with the value's first quote.
  @inline(__always)
  private func word(_ key: StaticString, _ value: StaticString, into out: inout ByteQueue) {
    out.append(literal: key)
    out.append(value)
    out.append(ASCII.quote)
  }

  @inline(__always)
  private func number(_ key: StaticString, _ value: Int?, into out: inout ByteQueue) {
    guard let value else { return }
    out.append(literal: key)
    out.append(decimal: value)
  }

  /// Milliseconds with three places: finer than any network.
  @inline(__always)
  private func milliseconds(_ key: StaticString, _ nanoseconds: Int?, into out: inout ByteQueue) {
    guard let nanoseconds else { return }
    out.append(literal: key)
    out.append(max(nanoseconds, 0) / 1000, places: 3)
  }

  private func names(into out: inout ByteQueue) {
    if policies.isEmpty { return }
    out.append(",\"policies\":")
    var opening = UInt8(ascii: "[")
    for value in policies.prefix(Self.policyCeiling) {
      out.append(opening)
      opening = ASCII.comma
      jsonString(value.span, ceiling: 64, writtenCeiling: 70, into: &out)
    }
    out.append(UInt8(ascii: "]"))
  }
}
