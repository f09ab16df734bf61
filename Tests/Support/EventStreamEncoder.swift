// Writes the messages that the decoder is tested with.

/// A message as a test writes it down.
package struct PlainMessage: Equatable, Sendable {
  /// Headers that are texts, in order.
  package var headers: [(name: String, value: String)]
  package var payload: [UInt8]

  package init(_ headers: [(String, String)] = [], _ payload: String = "") {
    self.headers = headers.map { (name: $0.0, value: $0.1) }
    self.payload = Array(payload.utf8)
  }

  package static func == (one: Self, other: Self) -> Bool {
    one.payload == other.payload && one.headers.elementsEqual(other.headers, by: ==)
  }

  /// The message on the wire.
  package var bytes: [UInt8] { Self.frame(headers: block, payload: payload) }

  /// Its headers on the wire.
  package var block: [UInt8] {
    var block: [UInt8] = []
    for (name, value) in headers {
      block += [UInt8(name.utf8.count)] + Array(name.utf8) + [7]
      block += Self.short(value.utf8.count) + Array(value.utf8)
    }
    return block
  }

  /// A message around any bytes, with checksums that are right.
  package static func frame(headers: [UInt8], payload: [UInt8] = []) -> [UInt8] {
    prelude(total: 16 + headers.count + payload.count, headers: headers.count, then: headers + payload)
  }

  /// A message that says any lengths.
  package static func prelude(total: Int, headers: Int, then rest: [UInt8] = []) -> [UInt8] {
    var bytes = long(UInt32(total)) + long(UInt32(headers))
    bytes += long(reference(bytes))
    bytes += rest
    return bytes + long(reference(bytes))
  }

  /// The checksum in the way that defines it: bit by bit.
  package static func reference(_ bytes: [UInt8]) -> UInt32 {
    var rest = UInt32.max
    for byte in bytes {
      rest ^= UInt32(byte)
      for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xEDB8_8320 }
    }
    return ~rest
  }

  private static func short(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }

  private static func long(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
