// The bits of a compressed body, lowest first (RFC 1951 section 3.1.1).

/// Up to eight bytes that were taken from the input and not used up yet.
struct BitSource: Sendable {
  /// The next bit is the lowest; those from `count` on are zero.
  private(set) var bits: UInt64 = 0
  private(set) var count = 0

  /// Takes whole bytes of `input` from `at` on, as many as there is room for.
  @inline(__always) mutating func fill(_ input: Span<UInt8>, _ at: inout Int) {
    while count <= 56, at < input.count {
      bits |= UInt64(input[at]) &<< UInt64(truncatingIfNeeded: count)
      count &+= 8
      at &+= 1
    }
  }

  /// Drops `number` bits, of which there must be so many.
  @inline(__always) mutating func drop(_ number: Int) {
    bits = number >= 64 ? 0 : bits &>> UInt64(truncatingIfNeeded: number)
    count &-= number
  }

  /// The next `number` bits, at most 32; nil while there are fewer.
  @inline(__always) mutating func take(_ number: Int) -> Int? {
    guard count >= number else { return nil }
    let value = Int(bits & (1 &<< UInt64(truncatingIfNeeded: number) &- 1))
    drop(number)
    return value
  }

  /// Drops the rest of a byte that was begun.
  mutating func align() { drop(count & 7) }

  mutating func removeAll() {
    bits = 0
    count = 0
  }
}
