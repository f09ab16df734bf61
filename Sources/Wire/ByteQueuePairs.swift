// A name and its value as Protocol Buffers write them (protobuf.dev, "Encoding"), in one piece. A span is made of some forty
// of them, and field by field each would be eight steps.

extension ByteQueue {
  /// Appends a field that is OTLP's KeyValue (opentelemetry-proto, common/v1/common.proto) of a text, if it is short.
  ///
  /// - Parameters:
  ///   - field: its number, below 16.
  ///   - text: UTF-8.
  /// - Returns: false where it isn't short, and nothing was appended: where a length would take more than a byte.
  package mutating func appendPair(field: UInt8, _ key: StaticString, _ text: Span<UInt8>) -> Bool {
    let count = text.count
    guard beginPair(field: field, key, valueCount: 2 &+ count) else { return false }
    // The value, and in it field 1, a string.
    append(
      littleEndian: UInt32(0x12) | UInt32(truncatingIfNeeded: 2 &+ count) &<< 8 | 0x0A_0000
        | UInt32(truncatingIfNeeded: count) &<< 24)
    append(text)
    return true
  }

  /// As above, of a whole number.
  package mutating func appendPair(field: UInt8, _ key: StaticString, _ number: UInt64) -> Bool {
    let count = 1 &+ (64 &- (number | 1).leadingZeroBitCount &+ 6) / 7
    guard beginPair(field: field, key, valueCount: count) else { return false }
    // Field 3, a varint.
    append(0x12, UInt8(truncatingIfNeeded: count))
    append(0x18)
    var rest = number
    while rest > 0x7F {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
    return true
  }

  /// Appends what stands before the value, which has `count` bytes, and makes room for all of it.
  @inline(__always)
  private mutating func beginPair(field: UInt8, _ key: StaticString, valueCount count: Int) -> Bool {
    let keyCount = key.utf8CodeUnitCount
    let size = keyCount &+ count &+ 4
    // Short ones are below 128, whose varint is one byte.
    guard count < 0x80, size < 0x80 else { return false }
    reserve(size &+ 2)
    append(
      littleEndian: UInt32(field &<< 3 | 2) | UInt32(truncatingIfNeeded: size) &<< 8 | 0x0A_0000
        | UInt32(truncatingIfNeeded: keyCount) &<< 24)
    append(literal: key)
    return true
  }
}
