// Protocol Buffers' wire format, as much of it as OTLP's messages need (protobuf.dev, "Encoding").

internal import Wire

/// Lengths that stand before what they measure, worked out ahead.
enum Protobuf {
  /// Bytes that `value` takes as a varint.
  @inline(__always)
  static func size(varint value: UInt64) -> Int { (64 - (value | 1).leadingZeroBitCount + 6) / 7 }

  /// Bytes of a field with a number below 16 that has a length and `count` bytes.
  @inline(__always)
  static func size(field count: Int) -> Int { 1 + size(varint: UInt64(count)) + count }
}

extension ByteQueue {
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest > 0x7F {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// A varint field; `number` is below 16, as all are but one.
  mutating func append(field number: UInt8, varint value: UInt64) {
    append(number << 3)
    append(varint: value)
  }

  mutating func append(field number: UInt8, fixed64 value: UInt64) {
    append(number << 3 | 1)
    append(littleEndian: value)
  }

  mutating func append(field number: UInt8, double value: Double) {
    append(field: number, fixed64: value.bitPattern)
  }

  /// The beginning of a field that has a length: `count` bytes follow.
  mutating func append(field number: UInt8, length count: Int) {
    // Most are names and short texts.
    if count < 0x80 { return append(number << 3 | 2, UInt8(truncatingIfNeeded: count)) }
    append(number << 3 | 2)
    append(varint: UInt64(count))
  }

  mutating func append(field number: UInt8, bytes: Span<UInt8>) {
    append(field: number, length: bytes.count)
    append(bytes)
  }

  /// A text that may have come from anyone: what isn't UTF-8 becomes question marks, for a reader refuses a whole batch
  /// otherwise. At most `ceiling` bytes, cut between two characters.
  mutating func append(field number: UInt8, text: Span<UInt8>, ceiling: Int = .max) {
    let count = UTF8Form.length(of: text, upTo: ceiling)
    append(field: number, length: count)
    appendText(text, count)
  }

  /// The first `count` bytes of `text`, those that aren't UTF-8 as question marks.
  mutating func appendText(_ text: Span<UInt8>, _ count: Int) {
    var (from, at) = (0, text.wide(from: 0))
    while at < count {
      let length = UTF8Form.length(of: text, at: at)
      if length == 0 {
        append(text.extracting(from..<at))
        append(UInt8(ascii: "?"))
        from = at + 1
      }
      at += max(length, 1)
    }
    if from < count { append(text.extracting(from..<count)) }
  }

  mutating func append(littleEndian value: UInt64, bytes: Int) {
    for at in 0..<bytes { append(UInt8(truncatingIfNeeded: value >> UInt64(at * 8))) }
  }

  mutating func append(bigEndian value: UInt64) { append(littleEndian: value.byteSwapped) }
}

extension UTF8Form {
  /// Bytes of the longest beginning of `text` that has at most `ceiling` and ends between two characters.
  static func length(of text: Span<UInt8>, upTo ceiling: Int) -> Int {
    if text.count <= ceiling { return text.count }
    var at = 0
    while at < ceiling {
      let length = max(length(of: text, at: at), 1)
      if at + length > ceiling { break }
      at += length
    }
    return at
  }
}
