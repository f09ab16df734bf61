// The checksum that closes each part of an AWS event-stream message, and a gzip member: sixteen bytes at a step where the
// processor multiplies without carries, else eight.

internal import CLanes

/// CRC-32 with the reflected polynomial 0xEDB88320, as zlib, gzip (RFC 1952 section 8) and Ethernet have it.
package enum CRC32 {
  /// Eight tables of 256 entries, one behind the other: entry `k * 256 + b` is what the byte `b` comes to when
  /// `k` zero bytes follow it.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var rest = UInt32(byte)
      for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xEDB8_8320 }
      tables[byte] = rest
    }
    for at in 256..<tables.count {
      let before = tables[at - 256]
      tables[at] = before >> 8 ^ tables[Int(before & 0xFF)]
    }
    return tables
  }()

  #if arch(x86_64)
    /// Whether the processor can do sixteen bytes at a step. It is asked once: a virtual machine leaves for the answer.
    private static let multiplies = lanes_multiplies() != 0
  #endif

  /// The checksum of `bytes`.
  ///
  /// - Parameter earlier: the checksum of what stands before them.
  package static func of(_ bytes: Span<UInt8>, after earlier: UInt32 = 0) -> UInt32 {
    let tables = Self.tables.span
    // SAFETY: there are eight tables, 0 to 7, of as many entries as a byte has values.
    func entry(_ table: Int, _ byte: UInt64) -> UInt32 {
      unsafe tables[unchecked: table &* 256 &+ Int(byte & 0xFF)]
    }
    var rest = ~earlier
    var at = 0
    #if arch(x86_64)
      if bytes.count >= 64, multiplies {
        at = bytes.count & ~15
        // SAFETY: the span has `at` bytes, which are 64 at least and a multiple of 16.
        unsafe bytes.withUnsafeBufferPointer { rest = unsafe lanes_crc32(rest, $0.baseAddress, UInt(at)) }
      }
    #endif
    while at <= bytes.count &- 8 {
      // SAFETY: at is not negative and eight bytes from it on are inside the span.
      let word = unsafe Words.load(bytes, at) ^ UInt64(rest)
      rest = entry(7, word) ^ entry(6, word >> 8) ^ entry(5, word >> 16) ^ entry(4, word >> 24)
      rest ^= entry(3, word >> 32) ^ entry(2, word >> 40) ^ entry(1, word >> 48) ^ entry(0, word >> 56)
      at &+= 8
    }
    while at < bytes.count {
      rest = rest >> 8 ^ entry(0, UInt64(rest) ^ UInt64(bytes[at]))
      at &+= 1
    }
    return ~rest
  }
}
