// Bytes as a key.

/// Bytes that something is kept under. An array of bytes hashes them one by one.
package struct ByteKey: Hashable, Sendable {
  package let bytes: [UInt8]

  @inlinable
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package static func == (left: ByteKey, right: ByteKey) -> Bool { left.bytes.span.equals(right.bytes.span) }

  package func hash(into hasher: inout Hasher) { hasher.combine(bytes.span) }
}

extension Hasher {
  /// Takes in `bytes`, and how many they are.
  package mutating func combine(_ bytes: Span<UInt8>) {
    combine(bytes.count)
    // SAFETY: the bytes are read before the closure returns.
    unsafe bytes.withUnsafeBytes { unsafe combine(bytes: $0) }
  }
}
