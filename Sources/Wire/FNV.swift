// The hash FNV-1a of 64 bits (draft-eastlake-fnv): for tables that nobody can fill, and for names that follow from content.
// Not for what must be hard to find a second text of.

package enum FNV {
  /// The hash of no bytes.
  @inlinable package static var start: UInt64 { 0xCBF2_9CE4_8422_2325 }

  /// - Parameter hash: of the bytes before these.
  @inlinable @inline(__always)
  package static func hash(_ bytes: Span<UInt8>, behind hash: UInt64 = start) -> UInt64 {
    var hash = hash
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x100_0000_01B3 }
    return hash
  }
}
