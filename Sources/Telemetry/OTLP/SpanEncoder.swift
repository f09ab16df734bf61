// One span as OTLP has it (opentelemetry-proto, trace/v1/trace.proto), written attribute by attribute into memory that is
// kept for the next one.

public import Wire

/// Whether what a span tells went well.
package enum SpanStatus: Sendable {
  case unset
  /// With Remora's own word for it, never a provider's.
  case error(StaticString)
}

/// Which side of a call a span is.
package enum SpanKind: UInt8, Sendable {
  case server = 2
  case client = 3
}

/// Writes the spans of one exchange, one behind the other. Confined to its worker.
///
/// Public, and its attributes inlined, so that their names are literals where they are written: see `ByteQueue`.
public final class SpanEncoder {
  /// Bytes of a text in an attribute: names and identifiers, never a prompt.
  @usableFromInline package static let textCeiling = 128
  /// Memory that is kept for the next exchange.
  private static let keptCeiling = 8 << 10
  /// Spans that are over, each as a field of a ScopeSpans message, and behind them the one under way.
  @usableFromInline var body = ByteQueue()
  /// How many are over.
  package private(set) var count = 0
  /// Where the one under way begins.
  private var start = 0

  package init() {}

  /// The spans that are over.
  ///
  /// - Safety: as of `ByteQueue.view`; none is under way.
  @unsafe package var spans: Span<UInt8> {
    @_lifetime(immortal)
    get { unsafe body.view }
  }

  /// Forgets them.
  package func clear() {
    count = 0
    if body.count &+ body.room > Self.keptCeiling { body.removeAll() } else { body.clear() }
  }

  /// Begins a span.
  ///
  /// - Parameters:
  ///   - parent: 0: none.
  ///   - state: `tracestate`, or empty.
  ///   - flags: W3C's.
  ///   - isRemote: the parent is another process's.
  package func begin(
    _ ids: TraceIDs, parent: UInt64, state: Span<UInt8>, flags: UInt8, isRemote: Bool, kind: SpanKind
  ) {
    start = body.count
    // Most spans fit, so that memory is found once.
    body.reserve(1024)
    // Field 2, and room for a length of two bytes: a span has fewer than 16,384, and more than a hundred.
    body.append(2 << 3 | 2, 0)
    body.append(0, 1 << 3 | 2)
    body.append(16)
    body.append(littleEndian: ids.high.byteSwapped)
    body.append(littleEndian: ids.low.byteSwapped)
    body.append(2 << 3 | 2, 8)
    body.append(littleEndian: ids.span.byteSwapped)
    if !state.isEmpty { body.append(field: 3, text: state, ceiling: 512) }
    if parent != 0 {
      body.append(4 << 3 | 2, 8)
      body.append(littleEndian: parent.byteSwapped)
    }
    // Field 6, and field 16, a fixed32: 0x100 says that it is known whether the parent is remote, 0x200 that it is.
    let kind = UInt64(6 << 3) | UInt64(kind.rawValue) << 8 | 0x0185_0000
    body.append(littleEndian: kind | UInt64(flags) << 32 | (isRemote ? 3 : 1) << 40)
  }

  /// Names it: `word name`, or the word alone.
  package func name(_ word: Span<UInt8>, _ name: Span<UInt8>) {
    let room = max(Self.textCeiling - word.count - 1, 0)
    let count = name.isEmpty ? 0 : UTF8Form.length(of: name, upTo: room)
    body.append(field: 5, length: word.count + (count > 0 ? count + 1 : 0))
    if !body.append(ascii: word) { body.append(word) }
    if count == 0 { return }
    body.append(ASCII.space)
    if count == name.count, body.append(ascii: name) { return }
    body.appendText(name, count)
  }

  /// When it began and ended, in nanoseconds since 1970.
  package func time(from start: UInt64, to end: UInt64) {
    body.reserve(18)
    body.append(7 << 3 | 1)
    body.append(littleEndian: start)
    body.append(8 << 3 | 1)
    body.append(littleEndian: max(start, end))
  }

  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Int) {
    body.appendPair(key, varint: UInt64(bitPattern: Int64(value)))
  }

  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Int?) {
    if let value { attribute(key, value) }
  }

  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Bool) { body.appendPair(key, bool: value) }

  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Double) { body.appendPair(key, double: value) }

  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Double?) {
    if let value { attribute(key, value) }
  }

  /// A word of ours: ASCII, and short.
  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: StaticString) {
    if value.utf8CodeUnitCount > 0 { body.appendPair(key, literal: value) }
  }

  /// A text; an empty one is left out.
  @inlinable @inline(__always)
  public func attribute(_ key: StaticString, _ value: Span<UInt8>) {
    if value.isEmpty || body.appendPair(key, ascii: value) { return }
    longAttribute(key, value)
  }

  /// One that is long, or not ASCII.
  @usableFromInline @inline(never)
  func longAttribute(_ key: StaticString, _ value: Span<UInt8>) {
    let count = UTF8Form.length(of: value, upTo: Self.textCeiling)
    begin(key, Protobuf.size(field: count))
    body.append(field: 1, text: value, ceiling: Self.textCeiling)
  }

  /// An instant in nanoseconds since 1970, as RFC 3339 writes it.
  package func attribute(_ key: StaticString, instant: UInt64) {
    // As many bytes as 2026-02-28T23:59:59.999Z.
    begin(key, Protobuf.size(field: 24))
    body.append(field: 1, length: 24)
    appendTimestamp(unixNanoseconds: Int(clamping: instant), into: &body)
  }

  /// Attributes that were written once, with `take`, for all spans that have them.
  package func attributes(_ written: [UInt8]) { body.append(written) }

  /// What was written without a span, for `attributes`.
  package func take() -> [UInt8] {
    let written = body.array()
    body.clear()
    return written
  }

  /// A list of texts, which are words with a blank between two; no word is left out.
  package func attribute(_ key: StaticString, words: Span<UInt8>) {
    if words.isEmpty || body.appendPair(key, word: words) { return }
    var item = 0
    Self.each(of: words) { item += Protobuf.size(field: Protobuf.size(field: $0.count)) }
    begin(key, Protobuf.size(field: item))
    body.append(field: 5, length: item)
    Self.each(of: words) { word in
      body.append(field: 1, length: Protobuf.size(field: word.count))
      body.append(field: 1, bytes: word)
    }
  }

  private static func each(of words: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
    var start = 0
    for at in 0...words.count where at == words.count || words[at] == ASCII.space {
      body(words.extracting(start..<at))
      start = at + 1
    }
  }

  /// What happened at an instant, in nanoseconds since 1970.
  package func event(_ name: StaticString, at time: UInt64) {
    body.append(field: 11, length: 9 + Protobuf.size(field: name.utf8CodeUnitCount))
    body.append(field: 1, fixed64: time)
    body.append(field: 2, bytes: name.bytes)
  }

  package func status(_ status: SpanStatus) {
    guard case .error(let word) = status else { return }
    body.append(field: 15, length: Protobuf.size(field: word.utf8CodeUnitCount) + 2)
    body.append(field: 2, bytes: word.bytes)
    body.append(field: 3, varint: 2)
  }

  /// Ends the span. One that would be too long, which none can be, is left out.
  package func end() {
    let size = body.count &- start &- 3
    guard size >= 0, size < 1 << 14 else { return body.truncate(to: start) }
    body.overwrite(
      UInt8(truncatingIfNeeded: size) | 0x80, UInt8(truncatingIfNeeded: size &>> 7), at: start &+ 1)
    count += 1
  }

  /// The beginning of an attribute whose value takes `count` bytes.
  private func begin(_ key: StaticString, _ count: Int) {
    let value = Protobuf.size(field: count)
    body.append(field: 9, length: Protobuf.size(field: key.utf8CodeUnitCount) + value)
    body.append(field: 1, bytes: key.bytes)
    body.append(field: 2, length: count)
  }
}

/// What surrounds spans and metrics in a request.
package enum Envelope {
  /// Texts of a resource; longer ones are cut.
  private static let textCeiling = 256

  /// The resource of `attributes`, in their order.
  package static func resource(_ attributes: [(key: String, value: String)]) -> [UInt8] {
    var out = ByteQueue()
    for (key, value) in attributes where !key.isEmpty && !value.isEmpty {
      let (key, value) = (Array(key.utf8), Array(value.utf8))
      let keyCount = UTF8Form.length(of: key.span, upTo: textCeiling)
      let count = UTF8Form.length(of: value.span, upTo: textCeiling)
      let text = Protobuf.size(field: count)
      out.append(field: 1, length: Protobuf.size(field: keyCount) + Protobuf.size(field: text))
      out.append(field: 1, text: key.span, ceiling: textCeiling)
      out.append(field: 2, length: text)
      out.append(field: 1, text: value.span, ceiling: textCeiling)
    }
    return out.array()
  }

  /// What stands before the items of a request, which are a ScopeSpans' or a ScopeMetrics' own fields of `count` bytes: the
  /// resource, and the scope.
  package static func head(
    _ count: Int, resource: Span<UInt8>, version: String, into out: inout ByteQueue
  ) {
    let version = Array(version.utf8)
    let name: StaticString = "remora"
    let scope = Protobuf.size(field: name.utf8CodeUnitCount) + Protobuf.size(field: version.count)
    let inner = Protobuf.size(field: scope) + count
    let whole = Protobuf.size(field: resource.count) + Protobuf.size(field: inner)
    out.append(field: 1, length: whole)
    out.append(field: 1, bytes: resource)
    out.append(field: 2, length: inner)
    out.append(field: 1, length: scope)
    out.append(field: 1, bytes: name.bytes)
    out.append(field: 2, bytes: version.span)
  }

  /// Where the first `count` of the spans end that `SpanEncoder` has written one behind the other.
  package static func end(of count: Int, in spans: Span<UInt8>) -> Int {
    var at = 0
    for _ in 0..<count where at &+ 3 <= spans.count {
      at &+= 3 &+ Int(spans[at &+ 1] & 0x7F) &+ Int(spans[at &+ 2]) &<< 7
    }
    return min(at, spans.count)
  }
}
