// SHA-256 (FIPS 180-4) and HMAC (RFC 2104): for checksums of addresses, and for placeholders.

/// A digest under way. Small texts only: bulk hashing is OpenSSL's.
package struct SHA256 {
  private var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var block = InlineArray<64, UInt8>(repeating: 0)
  private var filled = 0
  private var count: UInt64 = 0

  package init() {}

  package mutating func append(_ byte: UInt8) {
    block[filled] = byte
    filled &+= 1
    count &+= 1
    if filled == 64 {
      compress()
      filled = 0
    }
  }

  package mutating func append(_ bytes: Span<UInt8>) {
    for at in 0..<bytes.count { append(bytes[at]) }
  }

  package mutating func append(_ digest: InlineArray<32, UInt8>) {
    for at in 0..<32 { append(digest[at]) }
  }

  package mutating func finish() -> InlineArray<32, UInt8> {
    let bits = count &* 8
    append(0x80)
    while filled != 56 { append(0) }
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    var digest = InlineArray<32, UInt8>(repeating: 0)
    for at in 0..<32 {
      digest[at] = UInt8(truncatingIfNeeded: state[at / 4] >> UInt32(24 - at % 4 * 8))
    }
    return digest
  }

  private mutating func compress() {
    var words = InlineArray<64, UInt32>(repeating: 0)
    for at in 0..<16 {
      words[at] =
        UInt32(block[at &* 4]) << 24 | UInt32(block[at &* 4 &+ 1]) << 16 | UInt32(block[at &* 4 &+ 2]) << 8
        | UInt32(block[at &* 4 &+ 3])
    }
    for at in 16..<64 {
      let near = words[at &- 15]
      let far = words[at &- 2]
      let small = Self.turn(near, 7) ^ Self.turn(near, 18) ^ (near >> 3)
      let large = Self.turn(far, 17) ^ Self.turn(far, 19) ^ (far >> 10)
      words[at] = words[at &- 16] &+ small &+ words[at &- 7] &+ large
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    let table = Self.constants
    let constants = table.span
    // The names go round instead of what they hold.
    var at = 0
    while at < 64 {
      Self.round(a, b, c, &d, e, f, g, &h, constants[at] &+ words[at])
      Self.round(h, a, b, &c, d, e, f, &g, constants[at &+ 1] &+ words[at &+ 1])
      Self.round(g, h, a, &b, c, d, e, &f, constants[at &+ 2] &+ words[at &+ 2])
      Self.round(f, g, h, &a, b, c, d, &e, constants[at &+ 3] &+ words[at &+ 3])
      Self.round(e, f, g, &h, a, b, c, &d, constants[at &+ 4] &+ words[at &+ 4])
      Self.round(d, e, f, &g, h, a, b, &c, constants[at &+ 5] &+ words[at &+ 5])
      Self.round(c, d, e, &f, g, h, a, &b, constants[at &+ 6] &+ words[at &+ 6])
      Self.round(b, c, d, &e, f, g, h, &a, constants[at &+ 7] &+ words[at &+ 7])
      at &+= 8
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  /// One step, by the standard's names.
  @inline(__always)
  private static func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
    _ h: inout UInt32, _ word: UInt32
  ) {
    h = h &+ (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) &+ (g ^ (e & (f ^ g))) &+ word
    d = d &+ h
    h = h &+ (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) &+ ((a & b) | (c & (a | b)))
  }

  @inline(__always) private static func turn(_ word: UInt32, _ by: UInt32) -> UInt32 {
    word &>> by | word &<< (32 &- by)
  }

  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}

/// HMAC-SHA-256.
package struct KeyedHash: Sendable {
  private let inner: [UInt8]
  private let outer: [UInt8]

  package init(key: Span<UInt8>) {
    var short = [UInt8](repeating: 0, count: 64)
    if key.count > 64 {
      var hash = SHA256()
      hash.append(key)
      let digest = hash.finish()
      for at in 0..<32 { short[at] = digest[at] }
    } else {
      for at in 0..<key.count { short[at] = key[at] }
    }
    inner = short.map { $0 ^ 0x36 }
    outer = short.map { $0 ^ 0x5C }
  }

  /// A digest to be fed, and finished by `finish`.
  package func begin() -> SHA256 {
    var hash = SHA256()
    hash.append(inner.span)
    return hash
  }

  package func finish(_ hash: consuming SHA256) -> InlineArray<32, UInt8> {
    let digest = hash.finish()
    var whole = SHA256()
    whole.append(outer.span)
    whole.append(digest)
    return whole.finish()
  }
}
