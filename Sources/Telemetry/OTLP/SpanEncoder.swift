// One span as OTLP has it (opentelemetry-proto, trace/v1/trace.proto), written attribute by attribute into memory that is
// kept for the next one.

package import Wire

/// Whether what a span tells went well.
package enum SpanStatus: Sendable {
  case unset
  /// With Remora's own word for it, never a provider's.
  case error(StaticString)
}

/// Which side of a call a span is.
package enum SpanKind: UInt64, Sendable {
  case server = 2
  case client = 3
}

/// Writes spans, one at a time. Confined to its worker.
package final class SpanEncoder {
  /// Bytes of a text in an attribute: names and identifiers, never a prompt.
  package static let textCeiling = 128
  private var body = ByteQueue()
  private var scratch = ByteQueue()

  package init() {}

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
    body.clear()
    body.append(field: 1, length: 16)
    body.append(bigEndian: ids.high)
    body.append(bigEndian: ids.low)
    body.append(field: 2, length: 8)
    body.append(bigEndian: ids.span)
    if !state.isEmpty { body.append(field: 3, text: state, ceiling: 512) }
    if parent != 0 {
      body.append(field: 4, length: 8)
      body.append(bigEndian: parent)
    }
    body.append(field: 6, varint: kind.rawValue)
    // Field 16, a fixed32: 0x100 says that it is known whether the parent is remote, 0x200 that it is.
    body.append(varint: 16 << 3 | 5)
    body.append(littleEndian: UInt64(flags) | 0x100 | (isRemote ? 0x200 : 0), bytes: 4)
  }

  /// Names it: `word name`, or the word alone.
  package func name(_ word: Span<UInt8>, _ name: Span<UInt8>) {
    let room = max(Self.textCeiling - word.count - 1, 0)
    let count = name.isEmpty ? 0 : UTF8Form.length(of: name, upTo: room)
    body.append(field: 5, length: word.count + (count > 0 ? count + 1 : 0))
    body.append(word)
    if count == 0 { return }
    body.append(ASCII.space)
    body.appendText(name, count)
  }

  /// When it began and ended, in nanoseconds since 1970.
  package func time(from start: UInt64, to end: UInt64) {
    body.append(field: 7, fixed64: start)
    body.append(field: 8, fixed64: max(start, end))
  }

  package func attribute(_ key: StaticString, _ value: Int) {
    let bits = UInt64(bitPattern: Int64(value))
    if body.appendPair(field: 9, key, bits) { return }
    begin(key, 1 + Protobuf.size(varint: bits))
    body.append(field: 3, varint: bits)
  }

  package func attribute(_ key: StaticString, _ value: Int?) {
    if let value { attribute(key, value) }
  }

  package func attribute(_ key: StaticString, _ value: Bool) {
    begin(key, 2)
    body.append(field: 2, varint: value ? 1 : 0)
  }

  package func attribute(_ key: StaticString, _ value: Double) {
    begin(key, 9)
    body.append(field: 4, double: value)
  }

  package func attribute(_ key: StaticString, _ value: Double?) {
    if let value { attribute(key, value) }
  }

  package func attribute(_ key: StaticString, _ value: StaticString) {
    let bytes = value.bytes
    if bytes.isEmpty || body.appendPair(field: 9, key, bytes) { return }
    attribute(key, bytes)
  }

  /// A text; an empty one is left out.
  package func attribute(_ key: StaticString, _ value: Span<UInt8>) {
    if value.isEmpty { return }
    if value.wide(from: 0) == value.count, body.appendPair(field: 9, key, value) { return }
    let count = UTF8Form.length(of: value, upTo: Self.textCeiling)
    begin(key, Protobuf.size(field: count))
    body.append(field: 1, text: value, ceiling: Self.textCeiling)
  }

  /// An instant in nanoseconds since 1970, as RFC 3339 writes it.
  package func attribute(_ key: StaticString, instant: UInt64) {
    scratch.clear()
    appendTimestamp(unixNanoseconds: Int(clamping: instant), into: &scratch)
    attribute(key, unsafe scratch.view)
  }

  /// Attributes that were written once, with `take`, for all spans that have them.
  package func attributes(_ written: [UInt8]) { body.append(written) }

  /// What was written since the last span, for `attributes`.
  package func take() -> [UInt8] {
    let written = body.array()
    body.clear()
    return written
  }

  /// A list of texts, which are words with a blank between two; no word is left out.
  package func attribute(_ key: StaticString, words: Span<UInt8>) {
    if words.isEmpty { return }
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

  /// Ends the span and appends it as one of a ScopeSpans message.
  ///
  /// - Returns: the bytes appended.
  package func end(into out: inout ByteQueue) -> Int {
    let before = out.count
    out.append(field: 2, bytes: body.bytes)
    body.clear()
    return out.count - before
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

  /// A whole request: `items`, which are a ScopeSpans' or a ScopeMetrics' own fields, under the resource and the scope.
  package static func request(
    _ items: Span<UInt8>, resource: Span<UInt8>, version: String, into out: inout ByteQueue
  ) {
    let version = Array(version.utf8)
    let name: StaticString = "remora"
    let scope = Protobuf.size(field: name.utf8CodeUnitCount) + Protobuf.size(field: version.count)
    let inner = Protobuf.size(field: scope) + items.count
    let whole = Protobuf.size(field: resource.count) + Protobuf.size(field: inner)
    out.append(field: 1, length: whole)
    out.append(field: 1, bytes: resource)
    out.append(field: 2, length: inner)
    out.append(field: 1, length: scope)
    out.append(field: 1, bytes: name.bytes)
    out.append(field: 2, bytes: version.span)
    out.append(items)
  }
}
